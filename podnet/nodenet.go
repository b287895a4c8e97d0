package podnet

import (
	"context"
	"net"
	"net/http"
	"time"

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

// SetNodeLatency sets how long a packet takes from one node to another, one way,
// as [Config].NodeLatency did. What is under way arrives when it would have.
func (c *Cluster) SetNodeLatency(d time.Duration) { c.network.SetLatency(max(0, d)) }
