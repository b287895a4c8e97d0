// Command probe-localhost runs an app that listens on 127.0.0.1 and has a
// readiness probe, and two ways to mend that. Everything it prints is what
// happened in the Pods.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "probe-localhost:", err)
		os.Exit(1)
	}
}

// alpine is what the app's image is built on: the container has its commands.
var alpine = image.Standard()["alpine"]

// app is the program of the image: a server that listens where its argument
// says. With a command it is the image's shell and curl instead.
func app(ctx context.Context, c *podnet.Container) error {
	if len(c.Command()) > 0 {
		return alpine(ctx, c)
	}
	l, err := c.Listen("tcp", c.Args()[0])
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok\n")
	})}
	context.AfterFunc(ctx, func() { srv.Close() })
	srv.Serve(l)
	return nil
}

// pod returns a Pod of pod.yaml.
func pod(name, listen string, probe podnet.Probe) podnet.PodSpec {
	probe.InitialDelaySeconds, probe.PeriodSeconds = 1, 1
	return podnet.PodSpec{Name: name, Containers: []podnet.ContainerSpec{{
		Name: "app", Image: "example.com/app", Args: []string{listen}, ReadinessProbe: &probe,
	}}}
}

var (
	httpGet = podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Path: "/healthz", Port: podnet.Port(8080)}}
	curl    = podnet.Probe{Exec: &podnet.ExecAction{Command: []string{"curl", "-sf", "http://localhost:8080/healthz"}}}
)

func run(ctx context.Context, out io.Writer) error {
	cluster, err := podnet.NewCluster(podnet.Config{Images: map[string]podnet.Program{"example.com/app": app}})
	if err != nil {
		return err
	}
	defer cluster.Close()
	stories := []struct {
		title string
		spec  podnet.PodSpec
	}{
		{"1. The app listens on 127.0.0.1, and the kubelet probes it from the node", pod("mistake", "127.0.0.1:8080", httpGet)},
		{"\n2. The fix: it listens on all addresses", pod("fix", ":8080", httpGet)},
		{"\n3. The other way: it listens on 127.0.0.1, and the probe runs in the container", pod("exec-probe", "127.0.0.1:8080", curl)},
	}
	for _, story := range stories {
		if _, err := cluster.StartPod(ctx, story.spec); err != nil {
			return err
		}
	}
	select {
	case <-time.After(4500 * time.Millisecond): // the third failure in a row counts
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, story := range stories {
		fmt.Fprintln(out, story.title)
		if err := tell(ctx, out, cluster.Pod("", story.spec.Name)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\nAt the end:\n   %-12s %-7s %-9s %s\n", "NAME", "READY", "STATUS", "IP")
	for _, p := range cluster.Pods() {
		c := p.Status().Columns
		fmt.Fprintf(out, "   %-12s %-7s %-9s %s\n", p.Name(), c.Ready, c.Status, p.IP())
	}
	return cluster.Close()
}

// tell shows what those see who ask the app from inside, and what the kubelet
// says of it.
func tell(ctx context.Context, out io.Writer, p *podnet.Pod) error {
	for _, s := range p.Sockets() {
		if s.State == "LISTEN" {
			fmt.Fprintf(out, "   the app listens on %s, and the Pod's IP is %s\n", s.Local, p.IP())
		}
	}

	const command = "curl -s http://localhost:8080/healthz"
	answer, err := p.Container("app").Exec(ctx, strings.Fields(command)...)
	if err != nil {
		return err
	}
	if answer.ExitCode != 0 {
		return fmt.Errorf("%s: exit code %d\n%s", command, answer.ExitCode, answer.Stderr)
	}
	fmt.Fprintf(out, "   %s in the container\n     %s", command, answer.Stdout)

	// Pod.HTTPClient connects from the Pod's own network, as port-forward does.
	resp, err := p.HTTPClient().Get("http://127.0.0.1:8080/healthz")
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "   the same as port-forward asks, at 127.0.0.1 in the Pod\n     %s", body)

	for _, e := range p.Events() {
		if e.Reason == "Unhealthy" {
			fmt.Fprintf(out, "   %s  %s  x%d  %s\n", e.Type, e.Reason, e.Count, e.Message)
		}
	}
	ready, _ := p.Status().Condition("Ready")
	fmt.Fprintf(out, "   Ready: %t", ready.Status)
	if ready.Message != "" {
		fmt.Fprintf(out, ", %s", ready.Message)
	}
	fmt.Fprintln(out)
	return nil
}
