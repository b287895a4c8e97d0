package podnet

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"podnet.dev/podnet/internal/netfilter"
)

// A TrackedConnection is a connection that a node has translated or forwarded, as
// `conntrack -L` shows it.
type TrackedConnection struct {
	Protocol string // tcp, udp, icmp or icmpv6
	State    string // of TCP: SYN_SENT, ESTABLISHED, TIME_WAIT…; else empty

	// The packets that go there, as they were sent, and those that come back, as
	// they are sent. The port of ICMP is the identifier.
	Src, Dst           netip.AddrPort
	ReplySrc, ReplyDst netip.AddrPort

	Replied bool          // something has come back
	Assured bool          // it is not forgotten early
	Timeout time.Duration // until it is forgotten, if nothing else comes

	// Service is by which it was translated: "default/web:http", or "host port";
	// empty if it was not.
	Service string
}

// String returns the connection as a line of `conntrack -L`.
func (c TrackedConnection) String() string {
	number := map[string]int{"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}[c.Protocol]
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %d %d ", c.Protocol, number, int(c.Timeout.Seconds()))
	if c.State != "" {
		fmt.Fprintf(&b, "%s ", c.State)
	}
	b.WriteString(conntrackTuple(c.Protocol, c.Src, c.Dst, false))
	if !c.Replied {
		b.WriteString("[UNREPLIED] ")
	}
	b.WriteString(conntrackTuple(c.Protocol, c.ReplySrc, c.ReplyDst, true))
	if c.Assured {
		b.WriteString("[ASSURED] ")
	}
	b.WriteString("mark=0 use=1")
	return b.String()
}

func conntrackTuple(protocol string, src, dst netip.AddrPort, reply bool) string {
	text := fmt.Sprintf("src=%s dst=%s ", src.Addr(), dst.Addr())
	if protocol == "tcp" || protocol == "udp" {
		return text + fmt.Sprintf("sport=%d dport=%d ", src.Port(), dst.Port())
	}
	typ := 8
	switch {
	case protocol == "icmp" && reply:
		typ = 0
	case protocol == "icmpv6" && reply:
		typ = 129
	case protocol == "icmpv6":
		typ = 128
	}
	return text + fmt.Sprintf("type=%d code=0 id=%d ", typ, src.Port())
}

// Conntrack returns the connections that the node knows of, by protocol and
// source: those of its Pods with others and with other nodes, and its own. Two
// containers of one Pod do not need it.
func (n *Node) Conntrack() []TrackedConnection { return tracked(n.node.conntrack()) }

// Conntrack returns the connections that the container's network namespace tracks,
// by protocol and source: as on Linux, none before it has iptables rules. On the
// host network they are the node's.
func (c *Container) Conntrack() []TrackedConnection {
	s := c.sandbox()
	switch {
	case s == nil:
		return nil
	case s.host:
		return tracked(s.node.conntrack())
	}
	return tracked(s.net.Conntrack())
}

func tracked(entries []netfilter.Entry) []TrackedConnection {
	var list []TrackedConnection
	for _, e := range entries {
		list = append(list, TrackedConnection{
			Protocol: netfilter.ProtocolName(e.Orig.Protocol()), State: e.State,
			Src: e.Orig.Src(), Dst: e.Orig.Dst(), ReplySrc: e.Reply.Src(), ReplyDst: e.Reply.Dst(),
			Replied: e.Replied, Assured: e.Assured, Timeout: e.Timeout, Service: e.Service,
		})
	}
	return list
}

func (n *node) conntrack() []netfilter.Entry {
	n.mu.Lock()
	router := n.router
	n.mu.Unlock()
	if router == nil {
		return nil
	}
	return router.Conntrack().Entries()
}
