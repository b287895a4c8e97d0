package podnettest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"podnet.dev/podnet"
)

const (
	lastPackets = 8  // of each Pod that a failed test shows
	lastDrops   = 20 // kinds of drops that it shows
)

// recorder keeps of a cluster's packets what a failed test shows.
type recorder struct {
	stop func()

	mu      sync.Mutex                      // guards what follows
	packets map[podName][]podnet.TraceEvent // the last of each Pod
	drops   []*drops                        // the oldest first
	more    int                             // drops that are not in drops
	unknown *podnet.TraceEvent              // the first drop without a reason; nil if there is none
}

type podName struct{ namespace, name string }

// drops are packets that were dropped at one place for one reason, on their way to
// one address.
type drops struct {
	key   string
	count int
	last  podnet.TraceEvent
}

func record(c *podnet.Cluster) *recorder {
	r := &recorder{packets: make(map[podName][]podnet.TraceEvent)}
	r.stop = c.TraceHeaders(r.see)
	return r
}

func (r *recorder) see(e podnet.TraceEvent) {
	if e.Kind == podnet.TraceDropped && e.Reason == "" {
		r.mu.Lock()
		r.unknown = cmp.Or(r.unknown, &e)
		r.mu.Unlock()
	}
	if !e.Dst.IsValid() || e.Dst.Addr().IsMulticast() { // what IPv6 tells all routers, who do not listen
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	crosses := e.Kind == podnet.TraceSent || e.Kind == podnet.TraceReceived
	if e.Pod != "" && (crosses || e.Kind == podnet.TraceDropped) {
		pod := podName{e.Namespace, e.Pod}
		list := r.packets[pod]
		if len(list) == lastPackets {
			list = list[:copy(list, list[1:])]
		}
		r.packets[pod] = append(list, e)
	}
	if e.Kind == podnet.TraceDropped {
		r.drop(e)
	}
}

// checkReasons fails a test in which a packet was dropped for no known reason.
func (r *recorder) checkReasons(tb testing.TB) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unknown != nil {
		tb.Error("podnet does not know why it has dropped a packet, which is a bug of podnet: " + r.unknown.String())
	}
}

func (r *recorder) drop(e podnet.TraceEvent) {
	key := fmt.Sprintf("%s %s %s: %s%s", e.Place(), e.Protocol, e.Dst, e.Reason, e.By)
	i := slices.IndexFunc(r.drops, func(d *drops) bool { return d.key == key })
	switch {
	case i >= 0:
		r.drops[i].count++
		r.drops[i].last = e
	case len(r.drops) < lastDrops:
		r.drops = append(r.drops, &drops{key, 1, e})
	default:
		r.more++
	}
}

// describePod tells of the last packets of a Pod.
func (r *recorder) describePod(b *strings.Builder, p *podnet.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.packets[podName{p.Namespace(), p.Name()}] {
		where := e.Interface
		if e.Container != "" {
			where += " " + e.Container
		}
		fmt.Fprintf(b, "  packet %s %-8s %s: %s", e.Time.Format("15:04:05.000"), e.Kind, where, e.Summary())
		if e.Reason != "" {
			fmt.Fprintf(b, ": %s%s", e.Reason, by(e))
		}
		b.WriteByte('\n')
	}
}

// describeDrops tells what was dropped, and why.
func (r *recorder) describeDrops(b *strings.Builder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.drops {
		fmt.Fprintf(b, "dropped %dx at %s, last at %s: %s: %s%s\n", d.count, d.last.Place(), d.last.Time.Format("15:04:05.000"), d.last.Summary(), d.last.Reason, by(d.last))
	}
	if r.more > 0 {
		fmt.Fprintf(b, "dropped %d more packets\n", r.more)
	}
}

func by(e podnet.TraceEvent) string {
	if e.By == "" {
		return ""
	}
	return " (" + e.By + ")"
}
