package podnet

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"sync"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/ipam"
	"podnet.dev/podnet/internal/netstack"
)

// node is a machine of the cluster: a range of addresses, and a network
// namespace with a link to each Pod.
type node struct {
	name   string
	ranges []*ipam.Allocator // in the order of Config.PodCIDRs
	seed   uint64
	group  *netstack.Group // of all namespaces of the cluster

	mu      sync.Mutex          // guards what follows
	net     *netstack.Namespace // nil until it is needed
	kubelet *netstack.Owner     // who dials from the node
	closed  bool
}

func newNodes(cfg Config) ([]*node, error) {
	group := new(netstack.Group)
	nodes := make([]*node, cfg.Nodes)
	for i := range nodes {
		name := nodeName(i)
		nodes[i] = &node{name: name, seed: seedOf(cfg.Seed, name), group: group}
	}
	for _, cidr := range cfg.PodCIDRs {
		ranges, err := ipam.NodeRanges(cidr, cfg.Nodes)
		if err != nil {
			return nil, fmt.Errorf("podnet: Config.PodCIDRs: %w", err)
		}
		for i, r := range ranges {
			nodes[i].ranges = append(nodes[i].ranges, ipam.NewAllocator(r))
		}
	}
	return nodes, nil
}

// seedOf returns the seed of a namespace of the cluster.
func seedOf(cluster uint64, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", cluster, name)
	return h.Sum64()
}

// allocate takes an address of each family.
func (n *node) allocate() ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, r := range n.ranges {
		a, err := r.Allocate()
		if err != nil {
			n.release(addrs)
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

func (n *node) release(addrs []netip.Addr) {
	for i, a := range addrs {
		n.ranges[i].Release(a)
	}
}

// namespace returns the node's network namespace, which the first call makes: a
// node without Pods has none. It fails with net.ErrClosed once the node is
// closed.
func (n *node) namespace() (*netstack.Namespace, *netstack.Owner, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nil, net.ErrClosed
	}
	if n.net == nil {
		ns, err := netstack.New(netstack.Config{Seed: n.seed, Group: n.group})
		if err != nil {
			return nil, nil, err
		}
		n.net, n.kubelet = ns, ns.NewOwner("kubelet", 1, lookupLocalhost)
	}
	return n.net, n.kubelet, nil
}

// plug gives a Pod with these addresses a link to the node, as the CNI plugin ptp
// does: the node's end has the gateways' addresses and a host route to each of
// the Pod's. It returns the Pod's end, which the Pod closes.
func (n *node) plug(addrs []netip.Addr) (*fabric.VethEnd, error) {
	ns, _, err := n.namespace()
	if err != nil {
		return nil, err
	}
	mine, theirs := fabric.NewVeth(netstack.DefaultMTU)
	l := netstack.Link{Name: vethName(addrs), Endpoint: mine, Hosts: addrs}
	for _, r := range n.ranges {
		gw := r.Gateway()
		l.Addrs = append(l.Addrs, netip.PrefixFrom(gw, gw.BitLen()))
	}
	if err := ns.AddLink(l); err != nil {
		return nil, err
	}
	return theirs, nil
}

// unplug takes the link away. Then the addresses may be given to another Pod.
func (n *node) unplug(addrs []netip.Addr) {
	n.mu.Lock()
	ns := n.net
	n.mu.Unlock()
	if ns != nil {
		ns.RemoveLink(vethName(addrs))
	}
}

// vethName returns the name of the node's end of the link to a Pod. The plugin
// draws one by lot; here its digits are the Pod's address.
func vethName(addrs []netip.Addr) string {
	b := addrs[0].AsSlice()
	return fmt.Sprintf("veth%x", b[len(b)-4:])
}

// DialContext connects from the node, as the kubelet does: Pods see the gateway
// of their range as their peer. localhost is the node's; other names are not
// found. The connection is closed with the node.
func (n *node) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	_, kubelet, err := n.namespace()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return kubelet.Dial(ctx, network, address)
}

// lookupLocalhost resolves the one name that a node knows.
func lookupLocalhost(_ context.Context, host string) ([]netip.Addr, error) {
	if host != "localhost" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

// close ends the node's namespace. Its Pods must be gone.
func (n *node) close() {
	n.mu.Lock()
	ns := n.net
	n.closed = true
	n.mu.Unlock()
	if ns != nil {
		ns.Close()
	}
}
