// Command service-hairpin runs an app that calls its own sidecar through a
// Service, and shows beside it the way over localhost: where the packets go, what
// it costs, and what else goes wrong on the way through the Service. Everything
// it prints is what happened in the Pods and on their node.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/manifest"
)

//go:embed pod.yaml
var manifests embed.FS

// The two addresses of the sidecar, for those who share its Pod.
const (
	overLocalhost  = "localhost:80"
	throughService = "sidecar:8080"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout, 3000); err != nil {
		fmt.Fprintln(os.Stderr, "service-hairpin:", err)
		os.Exit(1)
	}
}

// run tells the story, with so many calls to measure the costs by.
func run(ctx context.Context, out io.Writer, calls int) error {
	s, err := begin(ctx, out)
	if err != nil {
		return err
	}
	defer s.cluster.Close()
	if err := s.showWays(ctx); err != nil {
		return err
	}
	if err := s.showCosts(ctx, calls); err != nil {
		return err
	}
	if err := s.showReplicas(ctx); err != nil {
		return err
	}
	if err := s.showNotReady(ctx); err != nil {
		return err
	}
	return s.cluster.Close()
}

// story is the manifest's Pod and Service on a cluster of their own.
type story struct {
	out      io.Writer
	cluster  *podnet.Cluster
	shop     *podnet.Pod
	app      *podnet.Container // of shop
	hairpins chan podnet.Event
}

// begin runs the manifest until its Pod is ready.
func begin(ctx context.Context, out io.Writer) (*story, error) {
	objects, err := manifest.Load(manifests, "pod.yaml")
	if err != nil {
		return nil, err
	}
	s := &story{out: out, hairpins: make(chan podnet.Event, 1)}
	s.cluster, err = podnet.NewCluster(podnet.Config{
		Images: image.Standard(),
		OnEvent: func(e podnet.Event) {
			if e.Reason == podnet.ReasonServiceHairpin {
				s.hairpins <- e // there is one: only app of shop calls
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if err = s.cluster.Apply(ctx, objects...); err == nil {
		s.shop = s.cluster.Pod("", "shop")
		s.app = s.shop.Container("app")
		err = waitUp(ctx, s.shop)
	}
	if err != nil {
		s.cluster.Close()
		return nil, err
	}
	return s, nil
}

// waitUp waits until a Pod is ready and its sidecar, which has no probe, listens.
func waitUp(ctx context.Context, p *podnet.Pod) error {
	if err := p.WaitListening(ctx, 80); err != nil {
		return err
	}
	return p.WaitReady(ctx)
}

// say prints lines that begin with so many spaces.
func (s *story) say(indent int, format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintln(s.out, strings.TrimRight(strings.Repeat(" ", indent)+line, " \n"))
	}
}
