package podnet

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/ipam"
	"podnet.dev/podnet/internal/kubeproxy"
	"podnet.dev/podnet/internal/netfilter"
	"podnet.dev/podnet/internal/netpol"
	"podnet.dev/podnet/internal/netstack"
)

// node is a machine of the cluster: a range of addresses, a router between its
// Pods and the network, and a network namespace of its own.
type node struct {
	name      string
	addrs     []netip.Addr      // its own on the network between nodes, in the order of Config.PodCIDRs
	ranges    []*ipam.Allocator // in the order of Config.PodCIDRs
	subnets   []netip.Prefix    // Config.NodeCIDRs of those families
	seed      uint64
	mtu       uint32          // of the Pods' links
	network   *fabric.Network // between the nodes
	group     *netstack.Group // of all namespaces of the cluster
	policies  *netpol.Set
	proxy     *kubeproxy.Table
	hostPorts hostPorts
	counsel   *counsel

	// The cluster's name server is on every node, as with NodeLocal DNSCache.
	nameserver netip.Addr
	serveDNS   func(*netstack.Owner, netip.Addr) (stop func(), err error)

	mu      sync.Mutex          // guards what follows
	router  *fabric.Router      // nil until it is needed
	net     *netstack.Namespace // nil until it is needed
	kubelet *netstack.Owner     // who dials from the node
	stopDNS func()
	closed  bool
}

func newNodes(cfg Config, network *fabric.Network, policies *netpol.Set, proxy *kubeproxy.Table) ([]*node, error) {
	group := new(netstack.Group)
	nodes := make([]*node, cfg.Nodes)
	for i := range nodes {
		name := nodeName(i)
		nodes[i] = &node{name: name, seed: seedOf(cfg.Seed, name), group: group, network: network, policies: policies, proxy: proxy, mtu: uint32(cfg.PodMTU)}
	}
	for _, cidr := range cfg.PodCIDRs {
		ranges, err := ipam.NodeRanges(cidr, cfg.Nodes)
		if err != nil {
			return nil, fmt.Errorf("podnet: Config.PodCIDRs: %w", err)
		}
		subnet := ofFamily(cfg.NodeCIDRs, cidr.Addr().Is4())
		addrs, err := ipam.NodeAddrs(subnet, cfg.Nodes)
		if err != nil {
			return nil, fmt.Errorf("podnet: Config.NodeCIDRs: %w", err)
		}
		for i, r := range ranges {
			nodes[i].ranges = append(nodes[i].ranges, ipam.NewAllocator(r))
			nodes[i].subnets = append(nodes[i].subnets, subnet)
			nodes[i].addrs = append(nodes[i].addrs, addrs[i])
		}
	}
	return nodes, nil
}

// ofFamily returns the first range of a family, or the zero Prefix.
func ofFamily(ranges []netip.Prefix, v4 bool) netip.Prefix {
	for _, r := range ranges {
		if r.Addr().Is4() == v4 {
			return r
		}
	}
	return netip.Prefix{}
}

// seedOf returns the seed of a namespace of the cluster.
func seedOf(cluster uint64, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", cluster, name)
	return h.Sum64()
}

// allocate takes count times an address of each family, or nothing.
func (n *node) allocate(count int) ([]netip.Addr, error) {
	addrs := make([]netip.Addr, 0, count*len(n.ranges))
	for range cap(addrs) {
		a, err := n.ranges[len(addrs)%len(n.ranges)].Allocate()
		if err != nil {
			n.release(addrs)
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// gateways returns the addresses of the node that its Pods have for a gateway.
func (n *node) gateways() []netip.Addr {
	var list []netip.Addr
	for _, r := range n.ranges {
		list = append(list, r.Gateway())
	}
	return list
}

// release gives back what allocate returned, or families of it.
func (n *node) release(addrs []netip.Addr) {
	for i, a := range addrs {
		n.ranges[i%len(n.ranges)].Release(a)
	}
}

// start makes the node's router and namespace, if it has none: a node without Pods
// and traffic does without. It fails with net.ErrClosed once the node is closed.
// mu must be held.
func (n *node) start() error {
	if n.closed {
		return net.ErrClosed
	}
	if n.router != nil {
		return nil
	}
	router := fabric.NewRouter(fabric.RouterConfig{Network: n.network, Addrs: n.addrs, Seed: n.seed, Rules: n.rules()})
	ns, err := netstack.New(netstack.Config{Seed: n.seed, Group: n.group, Divert: router.Divert})
	if err != nil {
		return err
	}
	router.SetLoopback(ns.DeliverSelf)
	if err := ns.AddLink(n.link(router)); err != nil {
		ns.Close()
		router.Close()
		return err
	}
	var ranges []netip.Prefix
	for _, r := range n.ranges {
		ranges = append(ranges, r.Prefix())
	}
	stop, err := n.serveDNS(ns.NewOwner("coredns", 2, lookupLocalhost), n.nameserver)
	if err != nil {
		ns.Close()
		router.Close()
		return err
	}
	n.network.Attach(router, ranges)
	n.router, n.net, n.kubelet, n.stopDNS = router, ns, ns.NewOwner("kubelet", 1, lookupLocalhost), stop
	return nil
}

// link returns the one link of the node's own namespace, which leads to its router.
// It has all of the node's addresses: a real one has the gateways' on each Pod's
// veth, and the name server's on one of its own.
func (n *node) link(router *fabric.Router) netstack.Link {
	l := netstack.Link{Name: "eth0", MAC: hardwareAddr(n.addrs[0])}
	addrs := slices.Concat(n.addrs, n.gateways(), []netip.Addr{n.nameserver})
	for i, a := range n.addrs {
		l.Addrs = append(l.Addrs, netip.PrefixFrom(a, n.subnets[i].Bits()))
		l.Gateways = append(l.Gateways, n.subnets[i].Masked().Addr().Next())
	}
	for _, r := range n.ranges {
		l.Addrs = append(l.Addrs, netip.PrefixFrom(r.Gateway(), r.Prefix().Bits()))
	}
	l.Addrs = append(l.Addrs, netip.PrefixFrom(n.nameserver, n.nameserver.BitLen()))
	l.Endpoint = router.NewHostVeth(addrs, max(n.network.MTU(), n.mtu))
	return l
}

// namespace returns the node's network namespace. It fails with net.ErrClosed once
// the node is closed.
func (n *node) namespace() (*netstack.Namespace, *netstack.Owner, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.start(); err != nil {
		return nil, nil, err
	}
	return n.net, n.kubelet, nil
}

// plug gives a Pod with these addresses a link to the node, as the CNI plugin ptp
// does: the node's end has the gateways' addresses and a host route to each of
// the Pod's. It returns the Pod's end, which the Pod closes; from then on the
// addresses may be given to another Pod.
func (n *node) plug(addrs []netip.Addr) (*fabric.Veth, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.start(); err != nil {
		return nil, err
	}
	return n.router.NewVeth(addrs, n.gateways(), n.mtu), nil
}

// DialContext connects from the node, as the kubelet does: its own Pods see the
// gateway of their range as their peer. localhost is the node's; other names are
// not found. The connection is closed with the node.
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
	ns, router, stopDNS := n.net, n.router, n.stopDNS
	n.closed = true
	n.mu.Unlock()
	if ns != nil {
		stopDNS()
		ns.Close()
		router.Close()
	}
}

// rules returns what the node's router asks about connections.
func (n *node) rules() fabric.Rules {
	return fabric.Rules{Translate: n.translate, Allow: n.allow, Opened: n.opened}
}

// translate asks kube-proxy. As from iptables, it is asked once for a connection,
// before it is routed.
func (n *node) translate(c fabric.Connection) fabric.Translation {
	if c.Dst() == netip.AddrPortFrom(n.nameserver, 53) {
		return fabric.Translation{} // it is here
	}
	d := n.proxy.Translate(kubeproxy.Query{
		Node: n.name, NodeIPs: n.isLocal, Protocol: c.Protocol(), Src: c.Src().Addr(), Dst: c.Dst(), Now: time.Now(),
	})
	switch d.Kind {
	case kubeproxy.DNAT:
		return fabric.Translation{Dst: d.To, Masquerade: d.Masquerade, Service: d.Service}
	case kubeproxy.Reject:
		return fabric.Translation{Refuse: netfilter.PortUnreachable, Why: d.Reason}
	case kubeproxy.Drop:
		return fabric.Translation{Drop: true, Why: d.Reason}
	}
	return n.translateHostPort(c)
}

// opened sees to it that containers are told which way they take.
func (n *node) opened(c fabric.Connection, conn *netfilter.Conn) {
	if c.From == fabric.FromNamespace && conn.Service != "" && conn.Service != hostPortService {
		n.counsel.opened(c, conn)
	}
}

// isLocal reports whether an address is the node's own.
func (n *node) isLocal(a netip.Addr) bool {
	if slices.Contains(n.addrs, a) || a.IsLoopback() {
		return true
	}
	for _, r := range n.ranges {
		if r.Gateway() == a {
			return true
		}
	}
	return false
}

// forget makes the node forget what it knows of UDP that leads to endpoints which
// are gone: there is no end of a connection that would tell.
func (n *node) forget(frontends []kubeproxy.UDPFrontend) {
	n.purge(func(c *netfilter.Conn) bool {
		return c.Orig().Protocol() == netfilter.UDP && slices.ContainsFunc(frontends, func(f kubeproxy.UDPFrontend) bool {
			return f.Stale(c.Orig().Dst(), c.Reply().Src())
		})
	})
}

// purge makes the node forget the connections that gone reports.
func (n *node) purge(gone func(*netfilter.Conn) bool) {
	n.mu.Lock()
	router := n.router
	n.mu.Unlock()
	if router != nil {
		router.Conntrack().Purge(gone)
	}
}

// allow asks the NetworkPolicies, as the plugins that enforce them do: those of a
// Pod of this node, for what it sends and for what it is sent. Only the first
// packet of a connection is asked about.
func (n *node) allow(c fabric.Connection, dst netip.AddrPort) (bool, string) {
	conn := netpol.Conn{Src: c.Src().Addr(), Dst: dst.Addr(), Protocol: c.Protocol()}
	if p := c.Protocol(); p == netfilter.TCP || p == netfilter.UDP {
		conn.Port = dst.Port()
	}
	if c.From == fabric.FromNamespace {
		if d := n.policies.Egress(conn); !d.Allowed {
			return false, d.Reason()
		}
	}
	if n.has(dst.Addr()) || dst.Addr() == n.nameserver {
		if d := n.policies.Ingress(conn); !d.Allowed {
			return false, d.Reason()
		}
	}
	return true, ""
}

// hasRoute reports whether the node has a route to an address of one of its Pods.
func (n *node) hasRoute(a netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.router != nil && n.router.HasRoute(a)
}

// has reports whether an address is in the node's range.
func (n *node) has(a netip.Addr) bool {
	for _, r := range n.ranges {
		if r.Prefix().Contains(a) {
			return true
		}
	}
	return false
}
