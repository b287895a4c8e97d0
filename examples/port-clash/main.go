// Command port-clash runs two web servers in one Pod and shows what becomes of
// them: events and logs as they happen, until the loser is in back-off.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/manifest"
)

//go:embed pod.yaml
var manifests embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "port-clash:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	objects, err := manifest.Load(manifests, "pod.yaml")
	if err != nil {
		return err
	}
	spec := objects[0].(podnet.PodSpec)
	for _, w := range spec.Warnings() {
		fmt.Fprintln(out, "Warning:", w)
	}
	var mu sync.Mutex // the containers write at the same time
	print := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
	cluster, err := podnet.NewCluster(podnet.Config{
		Images:  image.Standard(),
		OnEvent: func(e podnet.Event) { print("%-7s  %-9s  %s %s", e.Type, e.Reason, e.FieldPath, e.Message) },
		OnLog:   func(l podnet.LogLine) { print("%-7s|  %s", l.Container, l.Text) },
	})
	if err != nil {
		return err
	}
	defer cluster.Close()
	pod, err := cluster.StartPod(ctx, spec)
	if err != nil {
		return err
	}
	if err := pod.Wait(ctx, func(s podnet.PodStatus) bool { return s.Columns.Status == "CrashLoopBackOff" }); err != nil {
		return err
	}
	status := pod.Status()
	print("\nNAME         READY   STATUS             RESTARTS\n%-12s %-7s %-18s %s", pod.Name(), status.Columns.Ready, status.Columns.Status, status.Columns.Restarts)
	for _, s := range pod.Sockets() {
		print("%s %s %s is held by %s", s.Network, s.State, s.Local, s.Container)
	}
	return cluster.Close()
}
