// Command native-sidecar runs an app that needs its proxy from its first request
// to its last, in two Pods: one where the proxy is a container beside the app,
// and one where it is a sidecar. Everything it prints is what happened in them.
package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
)

//go:embed mistake.yaml
var manifests embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "native-sidecar:", err)
		os.Exit(1)
	}
}

// run plays both stories at the same time, each on a cluster of its own, and
// shows the second one after the first.
func run(ctx context.Context, out io.Writer) error {
	objects, err := manifest.Load(manifests, "mistake.yaml")
	if err != nil {
		return err
	}
	mistake := objects[0].(podnet.PodSpec)

	var held bytes.Buffer
	var fixErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		fmt.Fprintln(&held, "\n2. pod.yaml: the proxy is a sidecar")
		fixErr = play(ctx, &held, fixed(mistake))
	})
	fmt.Fprintln(out, "1. mistake.yaml: the proxy is a container beside the app")
	err = play(ctx, out, mistake)
	wg.Wait()
	if err != nil {
		return err
	}
	if _, err := held.WriteTo(out); err != nil {
		return err
	}
	return fixErr
}

// fixed returns the Pod of pod.yaml: the mistake with what mends it.
func fixed(mistake podnet.PodSpec) podnet.PodSpec {
	app, proxy := mistake.Containers[0], mistake.Containers[1]
	proxy.RestartPolicy = podnet.RestartPolicyAlways
	proxy.StartupProbe = &podnet.Probe{
		Exec:             &podnet.ExecAction{Command: []string{"proxy", "ready"}},
		PeriodSeconds:    1,
		FailureThreshold: 30,
	}
	app.Lifecycle = &podnet.Lifecycle{
		PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 1}},
	}
	mistake.InitContainers = []podnet.ContainerSpec{proxy}
	mistake.Containers = []podnet.ContainerSpec{app}
	return mistake
}

// play runs a Pod until its app has got an answer, deletes it a little later, and
// shows what happens with the time since the start.
func play(ctx context.Context, out io.Writer, spec podnet.PodSpec) error {
	var mu sync.Mutex // the containers write at the same time
	start := time.Now()
	print := func(who, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "   %4.1fs  %-7s  %s\n", time.Since(start).Seconds(), who, fmt.Sprintf(format, args...))
	}
	cluster, err := podnet.NewCluster(podnet.Config{
		Images: map[string]podnet.Program{"example.com/app": app, "example.com/proxy": proxy},
		OnEvent: func(e podnet.Event) {
			switch e.Reason {
			case "Started", "Unhealthy", "Killing":
				print("kubelet", "%s %s: %s", e.Reason, e.FieldPath, strings.TrimSpace(e.Message))
			}
		},
		OnLog: func(l podnet.LogLine) { print(l.Container, "| %s", l.Text) },
	})
	if err != nil {
		return err
	}
	defer cluster.Close()
	pod, err := cluster.StartPod(ctx, spec)
	if err != nil {
		return err
	}
	if err := pod.Container("app").WaitLog(ctx, "the answer of bank.example"); err != nil {
		return err
	}
	time.Sleep(1500 * time.Millisecond)
	print("kubectl", "delete pod %s", pod.Name())
	if err := pod.Delete(ctx); err != nil {
		return err
	}
	print("kubectl", "pod %q deleted", pod.Name())
	return cluster.Close()
}
