package podnet

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// TraceKind says what became of a packet.
type TraceKind string

// The kinds of a [TraceEvent].
const (
	TraceSent       TraceKind = "sent"       // left over the interface; on lo that is all there is of a crossing
	TraceReceived   TraceKind = "received"   // came over the interface
	TraceForwarded  TraceKind = "forwarded"  // left over an interface of a node, on behalf of another
	TraceTranslated TraceKind = "translated" // its addresses or ports have changed
	TraceDelivered  TraceKind = "delivered"  // given to the socket that it is for, or to the namespace itself
	TraceDropped    TraceKind = "dropped"    // went no further
	TraceLost       TraceKind = "lost"       // no packet: events that were not told, because the function did not keep up
)

// A TraceEvent is what became of one packet at one place.
type TraceEvent struct {
	Kind TraceKind
	Time time.Time // in a testing/synctest bubble, the bubble's

	// Where it was: on a node or, if Pod is not empty, in the network namespace of
	// a Pod.
	Node      string
	Namespace string
	Pod       string
	Container string // whose socket there sent it or gets it; "" if it is not known, "pause" for the Pod's own
	Interface string // lo, eth0, or a node's end of a Pod's link; "" if there is none

	// The packet as it is now. The port of ICMP echo is its identifier; of
	// fragments but the first, ports are 0.
	Protocol string // tcp, udp, icmp, icmpv6, or a number
	Src, Dst netip.AddrPort

	OldSrc, OldDst netip.AddrPort // of TraceTranslated: as it was

	// Reason says of TraceDropped why, in a few words. By is what decided: the
	// iptables rule, the NetworkPolicy or the Service; "" if it was none of them.
	Reason string
	By     string

	// Connection is the same for all packets of a connection, there and back,
	// however they are translated: 1 for the first one that the trace sees.
	Connection uint64

	// Packet is the IP packet. Segments of TCP may be longer than the MTU: they
	// are cut up where a real machine's card does it. It must not be changed.
	Packet []byte
	Size   int // of the packet, in bytes

	Lost uint64 // of TraceLost: how many
}

// Place returns where it was for people: "default/web eth0" or "node-1 eth0".
func (e TraceEvent) Place() string {
	place := e.Node
	if e.Pod != "" {
		place = e.Namespace + "/" + e.Pod
	}
	if e.Container != "" {
		place += "/" + e.Container
	}
	if e.Interface != "" {
		place += " " + e.Interface
	}
	return place
}

// String returns the event as a line for people.
func (e TraceEvent) String() string {
	if e.Kind == TraceLost {
		return fmt.Sprintf("%s lost       %d events", e.Time.Format("15:04:05.000000"), e.Lost)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-10s %s: %s", e.Time.Format("15:04:05.000000"), e.Kind, e.Place(), e.Summary())
	if e.Kind == TraceTranslated {
		fmt.Fprintf(&b, ", was %s > %s", e.OldSrc, e.OldDst)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.By != "" {
		fmt.Fprintf(&b, " (%s)", e.By)
	}
	return b.String()
}

// Summary returns the packet in a few words: "tcp 10.244.0.2:41000 > 10.244.0.3:80
// SYN" or "udp 10.244.0.2:41000 > 10.96.0.10:53 length 40".
func (e TraceEvent) Summary() string {
	text := fmt.Sprintf("%s %s > %s", e.Protocol, endText(e.Protocol, e.Src), endText(e.Protocol, e.Dst))
	if !e.Src.IsValid() {
		return fmt.Sprintf("%d bytes", e.Size)
	}
	transport := transportOf(e.Packet)
	switch {
	case e.Protocol == "tcp" && len(transport) >= 20:
		text += " " + tcpFlags(transport[13])
		if n := e.Size - (len(e.Packet) - len(transport)) - int(transport[12]>>4)*4; n > 0 {
			text += fmt.Sprintf(" length %d", n)
		}
	case e.Protocol == "udp" && len(transport) >= 8:
		text += fmt.Sprintf(" length %d", e.Size-(len(e.Packet)-len(transport))-8)
	case len(transport) >= 2:
		text += " " + icmpText(e.Protocol, transport[0], transport[1])
	}
	return strings.TrimRight(text, " ")
}

func endText(protocol string, a netip.AddrPort) string {
	if protocol == "tcp" || protocol == "udp" {
		return a.String()
	}
	return a.Addr().String()
}

// transportOf returns an IP packet from its transport header on, nil if there is
// none.
func transportOf(b []byte) []byte {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && b[6]&0x1f == 0 && b[7] == 0:
		if n := int(b[0]&15) * 4; n <= len(b) {
			return b[n:]
		}
	case len(b) >= 40 && b[0]>>4 == 6 && (b[6] == 6 || b[6] == 17 || b[6] == 58):
		return b[40:]
	}
	return nil
}

// tcpFlags returns the flags of a segment as people write them: "SYN ACK".
func tcpFlags(flags byte) string {
	var names []string
	for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"} {
		if flags&(1<<i) != 0 && name != "PSH" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func icmpText(protocol string, typ, code byte) string {
	names := map[byte]string{0: "echo reply", 3: "destination unreachable", 8: "echo request", 11: "time exceeded"}
	if protocol == "icmpv6" {
		names = map[byte]string{1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 128: "echo request", 129: "echo reply", 133: "router solicitation", 143: "multicast listener report"}
	}
	if name := names[typ]; name != "" {
		return name
	}
	return fmt.Sprintf("type %d code %d", typ, code)
}

// Trace calls f with what becomes of every packet in the cluster, in order, from
// now until stop is called or the cluster is closed. f runs in a goroutine of its
// own, one event at a time, a little after what it is told of; it may use the
// cluster, but not call stop. Events that wait are kept up to 64 MiB; what does not
// fit is lost, and a [TraceLost] says how much. stop returns when f has been told of all
// that went before. In a testing/synctest bubble, f has been told when synctest.Wait
// returns.
//
// Several traces may run at once. While there is none, there is no cost. While there is
// one, TCP's data on localhost crosses lo as packets, in all of the cluster; else it
// goes from socket to socket, faster.
func (c *Cluster) Trace(f func(TraceEvent)) (stop func()) {
	return c.trace(f, false, nil)
}

// TraceHeaders is like Trace, but a Packet may be only the first 256 bytes of it:
// that costs less where much is sent.
func (c *Cluster) TraceHeaders(f func(TraceEvent)) (stop func()) {
	return c.trace(f, true, nil)
}

// Trace is like [Cluster.Trace], of what happens in the container's network
// namespace, as long as it has this sandbox: what tcpdump shows there. It, too,
// puts localhost on packets in all of the cluster.
// [ErrNotRunning] if there is none.
func (c *Container) Trace(f func(TraceEvent)) (stop func(), err error) {
	s := c.sandbox()
	if s == nil {
		return nil, ErrNotRunning
	}
	return c.container.pod.cluster.trace(f, false, s.place), nil
}

func (c *Cluster) trace(f func(TraceEvent), heads bool, only *place) (stop func()) {
	if f == nil {
		panic("podnet: Cluster.Trace: the function is nil")
	}
	t := newTracer(f, heads, only)
	if !c.traces.add(t) {
		t.stop()
		return func() {}
	}
	return func() {
		c.traces.remove(t)
		t.stop()
	}
}
