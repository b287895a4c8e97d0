// Command web-and-logger plays a lesson about Pods in three acts: the lesson's
// manifest as it is written, the manifest as it was meant, and two web servers
// that want one port. Everything it prints is what happened in the Pods.
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

//go:embed lesson.yaml pod.yaml
var manifests embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "web-and-logger:", err)
		os.Exit(1)
	}
}

// run plays all acts, each on a cluster of its own.
func run(ctx context.Context, out io.Writer) error {
	for _, act := range []func(context.Context, io.Writer) error{asWritten, asMeant, clash} {
		if err := act(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// load reads the one Pod of a manifest.
func load(name string) (podnet.PodSpec, error) {
	objects, err := manifest.Load(manifests, name)
	if err != nil {
		return podnet.PodSpec{}, err
	}
	return objects[0].(podnet.PodSpec), nil
}

// start runs a Pod on a new cluster. stop ends both.
func start(ctx context.Context, spec podnet.PodSpec) (pod *podnet.Pod, stop func() error, err error) {
	cluster, err := podnet.NewCluster(podnet.Config{Images: image.Standard()})
	if err != nil {
		return nil, nil, err
	}
	if pod, err = cluster.StartPod(ctx, spec); err != nil {
		cluster.Close()
		return nil, nil, err
	}
	return pod, cluster.Close, nil
}

func asWritten(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "1. lesson.yaml, as it is written")
	spec, err := load("lesson.yaml")
	if err != nil {
		return err
	}
	pod, stop, err := start(ctx, spec)
	if err != nil {
		return err
	}
	defer stop()
	say(out, "web-app never mounts the volume, so log-tailer finds no file, exits, and crash-loops:")
	if err := pod.Wait(ctx, crashLoops("log-tailer")); err != nil {
		return err
	}
	show(out, pod, "log-tailer")
	return stop()
}

func asMeant(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "\n2. pod.yaml: web-app mounts the volume as well")
	spec, err := load("pod.yaml")
	if err != nil {
		return err
	}
	pod, stop, err := start(ctx, spec)
	if err != nil {
		return err
	}
	defer stop()
	if err := pod.WaitListening(ctx, 80); err != nil {
		return err
	}
	const command = "wget -q -O - http://localhost:80"
	say(out, "From log-tailer, over the Pod's localhost:")
	page, err := pod.Container("log-tailer").Exec(ctx, "sh", "-c", command)
	if err != nil {
		return err
	}
	if page.ExitCode != 0 {
		return fmt.Errorf("%s: exit code %d\n%s", command, page.ExitCode, page.Stderr)
	}
	fmt.Fprintf(out, "   log-tailer $ %s\n%s", command, indent(page.Stdout+page.Stderr))
	say(out, "And nginx's line for it, which log-tailer followed through the volume:")
	if err := pod.Container("log-tailer").WaitLog(ctx, "GET / "); err != nil {
		return err
	}
	show(out, pod, "log-tailer")
	return stop()
}

func clash(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "\n3. The same with a second nginx")
	spec, err := load("pod.yaml")
	if err != nil {
		return err
	}
	second := spec.Containers[0]
	second.Name, second.VolumeMounts = "web-app-2", nil
	spec.Containers = append(spec.Containers, second)
	for _, w := range spec.Warnings() {
		say(out, "The API server accepts it and says: Warning: "+w)
	}
	pod, stop, err := start(ctx, spec)
	if err != nil {
		return err
	}
	defer stop()
	say(out, "Only one can bind port 80. The other tries for a while, exits, and crash-loops:")
	if err := pod.Wait(ctx, func(s podnet.PodStatus) bool {
		return crashLoops("web-app")(s) || crashLoops("web-app-2")(s)
	}); err != nil {
		return err
	}
	page, err := pod.Container("log-tailer").Exec(ctx, "wget", "-q", "-O", "-", "http://localhost:80")
	if err != nil {
		return err
	}
	title, _, _ := strings.Cut(page.Stdout[strings.Index(page.Stdout, "<title>")+1:], "\n")
	say(out, "Meanwhile the first one serves on: <"+title)
	for _, s := range pod.Status().Containers {
		if crashLoops(s.Name)(pod.Status()) {
			show(out, pod, s.Name)
		}
	}
	return stop()
}

// crashLoops is true of a Pod while the container waits to be restarted.
func crashLoops(container string) func(podnet.PodStatus) bool {
	return func(s podnet.PodStatus) bool {
		c, _ := s.Container(container)
		return c.State.Waiting != nil && c.State.Waiting.Reason == "CrashLoopBackOff"
	}
}

// show prints a Pod as kubectl does, and a container's log and state.
func show(out io.Writer, pod *podnet.Pod, container string) {
	fmt.Fprintf(out, "   %s logs:\n%s", container, indent(shorten(pod.Container(container).Logs())))
	status := pod.Status()
	fmt.Fprintf(out, "   %-16s %-7s %-18s %s\n", "NAME", "READY", "STATUS", "RESTARTS")
	fmt.Fprintf(out, "   %-16s %-7s %-18s %s\n", pod.Name(), status.Columns.Ready, status.Columns.Status, status.Columns.Restarts)
	for _, s := range status.Containers {
		if s.State.Waiting != nil {
			fmt.Fprintf(out, "   %s: %s: %s\n", s.Name, s.State.Waiting.Reason, s.State.Waiting.Message)
		}
	}
}

// shorten leaves the first and last lines of a long text.
func shorten(text string) string {
	lines := strings.SplitAfter(text, "\n")
	if len(lines) < 10 {
		return text
	}
	return strings.Join(lines[:5], "") + fmt.Sprintf("… %d more lines …\n", len(lines)-8) + strings.Join(lines[len(lines)-3:], "")
}

func say(out io.Writer, text string) { fmt.Fprintln(out, "   "+text) }

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("     | " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}
