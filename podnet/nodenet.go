package podnet

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"

	"podnet.dev/podnet/internal/netfilter"
	"podnet.dev/podnet/internal/netstack"
)

// The verbs of package net, in the node's own network namespace.

func (n *Node) opener() opener { return opener{n.owner, true} }

func (n *Node) owner() (*netstack.Owner, error) {
	_, kubelet, err := n.node.namespace()
	return kubelet, err
}

// Listen listens on the node, as [Container.Listen] does in a Pod. Pods reach it
// at the node's addresses and at their gateway's. Of Unix sockets there are
// abstract names only. The listener is closed with the cluster.
func (n *Node) Listen(network, address string) (net.Listener, error) {
	return n.opener().listen(context.Background(), ListenConfig{}, network, address)
}

// ListenPacket is like [Container.ListenPacket], on the node.
func (n *Node) ListenPacket(network, address string) (net.PacketConn, error) {
	return n.opener().listenPacket(context.Background(), ListenConfig{}, network, address)
}

// Dial connects from the node, as the kubelet does: to the node's own Pods from
// the address of their gateway, and to all others from the node's. Services are
// reached at their addresses and node ports. localhost is the node's; other names
// are not found, because a node does not ask the cluster's name server.
func (n *Node) Dial(network, address string) (net.Conn, error) {
	return n.DialContext(context.Background(), network, address)
}

// DialContext is Dial with a context that may end it, as of net.Dialer.
func (n *Node) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return n.opener().dial(ctx, Dialer{}, network, address)
}

// HTTPClient returns a client whose connections come from the node. They are not
// kept alive between requests. The machine's proxy settings are not used.
func (n *Node) HTTPClient() *http.Client {
	c := newHTTPClient(opener{owner: n.owner})
	c.Transport.(*http.Transport).DisableKeepAlives = true
	return c
}

// IPTablesSave returns the rules that kube-proxy would have on the node for the
// Services of now, as it gives them to iptables-restore, or to ip6tables-restore
// if ipv6 is set. They are for the reader: podnet looks a Service up instead of
// walking through them, with the same outcome.
func (n *Node) IPTablesSave(ipv6 bool) string {
	return n.cluster.services.table.Save(n.node.name, ipv6)
}

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

// SetNodeLatency sets how long a packet takes from one node to another, one way,
// as [Config].NodeLatency did. What is under way arrives when it would have.
func (c *Cluster) SetNodeLatency(d time.Duration) { c.network.SetLatency(max(0, d)) }
