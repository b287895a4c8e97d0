// Package podnettest helps tests that use podnet: clusters that close with the
// test, and a failed test that shows what happened in its Pods.
package podnettest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"podnet.dev/podnet"
)

// NewCluster makes a cluster that is closed at the test's cleanup. A Config that
// is wrong fails the test at once. At cleanup a Program that goes on although
// its container was killed fails the test and is named with where it hangs, and
// if the test has failed, the status, events, sockets, logs and last packets of
// each Pod are logged, and what packets were dropped, and why. For the packets all
// of the test's are traced, which a benchmark is spared: so in a test TCP's data on
// localhost is packets, and in a benchmark it goes from socket to socket.
//
// That podnet does not know why it has dropped a packet fails the test, too.
//
// Sockets that the test itself has opened, by Listen, ListenPacket or Dial of a
// Pod, of a Node, or of a Container from outside its programs, and has not closed,
// are logged as left open; with the flag -podnet.leftopen they fail the test. Those
// of containers' programs and of HTTPClients end by themselves and are not meant.
//
// With the flag -podnet.capture a failed test leaves a file of its packets behind,
// for Wireshark.
//
// In a testing/synctest bubble, call it in the bubble.
func NewCluster(tb testing.TB, cfg podnet.Config) *podnet.Cluster {
	tb.Helper()
	c, err := podnet.NewCluster(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	var r *recorder
	if _, ok := tb.(*testing.B); !ok {
		r = record(c)
	}
	k := startCapture(tb, c)
	tb.Cleanup(func() {
		tb.Helper()
		var story string
		if r != nil {
			r.stop()
			r.checkReasons(tb)
		}
		tellLeftOpen(tb, c)
		if tb.Failed() { // while the sockets are still there to be shown
			story = describe(c, r)
		}
		if err := c.Close(); err != nil {
			story = cmp.Or(story, describe(c, r))
			tb.Error(err)
		}
		if story != "" {
			tb.Log("the cluster at the end of the test:\n" + story)
		}
		k.end(tb)
	})
	return c
}

// StartPod starts a Pod with [podnet.Cluster.StartPod] under the test's context.
// If it cannot be started, the test fails at once.
func StartPod(tb testing.TB, c *podnet.Cluster, spec podnet.PodSpec) *podnet.Pod {
	tb.Helper()
	p, err := c.StartPod(tb.Context(), spec)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// Describe returns what a failed test shows of a cluster: of each Pod its
// status, that of its containers (init containers first), events, listening
// sockets and logs, and of chaos the events.
func Describe(c *podnet.Cluster) string { return describe(c, nil) }

// describe tells of packets as well if r is not nil.
func describe(c *podnet.Cluster, r *recorder) string {
	var b strings.Builder
	for _, p := range c.Pods() {
		describePod(&b, p)
		if r != nil {
			r.describePod(&b, p)
		}
	}
	for _, x := range c.Chaos() {
		fmt.Fprintf(&b, "%s %s/%s\n", x.Kind(), x.Namespace(), x.Name())
		describeEvents(&b, x.Events())
	}
	if r != nil {
		r.describeDrops(&b)
	}
	return b.String()
}

func describePod(b *strings.Builder, p *podnet.Pod) {
	status := p.Status()
	fmt.Fprintf(b, "Pod %s/%s  READY %s  STATUS %s  RESTARTS %s  IP %s\n", p.Namespace(), p.Name(),
		status.Columns.Ready, status.Columns.Status, status.Columns.Restarts, p.IP())
	if status.Message != "" {
		fmt.Fprintf(b, "  %s\n", status.Message)
	}
	for _, list := range []struct {
		kind     string
		statuses []podnet.ContainerStatus
	}{{"init container", status.InitContainers}, {"container", status.Containers}} {
		for _, c := range list.statuses {
			fmt.Fprintf(b, "  %s %s: %s, restarted %d times%s\n", list.kind, c.Name, describeState(c.State), c.RestartCount, describeLast(c.LastTermination))
		}
	}
	describeEvents(b, p.Events())
	for _, s := range p.Sockets() {
		fmt.Fprintf(b, "  socket %s\n", s)
	}
	for _, c := range slices.Concat(p.InitContainers(), p.Containers()) {
		for _, log := range []struct{ name, text string }{{"previous log", c.PreviousLogs()}, {"log", c.Logs()}} {
			for line := range strings.Lines(log.text) {
				fmt.Fprintf(b, "  %s of %s| %s\n", log.name, c.Name(), strings.TrimSuffix(line, "\n"))
			}
		}
	}
}

func describeEvents(b *strings.Builder, events []podnet.Event) {
	for _, e := range events {
		fmt.Fprintf(b, "  event %s %-7s %s %s", e.LastTime.Format("15:04:05.000"), e.Type, e.Reason, e.Message)
		if e.FieldPath != "" {
			fmt.Fprintf(b, " (%s)", e.FieldPath)
		}
		if e.Count > 1 {
			fmt.Fprintf(b, " x%d", e.Count)
		}
		b.WriteByte('\n')
	}
}

func describeState(s podnet.ContainerState) string {
	switch {
	case s.Waiting != nil && s.Waiting.Message != "":
		return fmt.Sprintf("waiting, %s: %s", s.Waiting.Reason, s.Waiting.Message)
	case s.Waiting != nil:
		return "waiting, " + s.Waiting.Reason
	case s.Running != nil:
		return "running since " + s.Running.StartedAt.Format("15:04:05.000")
	case s.Terminated != nil:
		return fmt.Sprintf("terminated, %s, exit code %d", s.Terminated.Reason, s.Terminated.ExitCode)
	}
	return "unknown"
}

func describeLast(t *podnet.ContainerStateTerminated) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf(", last with exit code %d (%s)", t.ExitCode, t.Reason)
}
