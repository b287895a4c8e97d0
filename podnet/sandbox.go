package podnet

import (
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/iproute"
	"podnet.dev/podnet/internal/netstack"
)

// sandbox is what the pause container holds: the Pod's network namespace and
// its addresses. Containers come and go in it. With Config.IPPerContainer it is
// that of the first container, and others are those of the other ones.
type sandbox struct {
	node  *node
	veth  string // the node's end of its link; "" on the host network
	place *place // what traces say of where
	net   *netstack.Namespace
	addrs []netip.Addr
	pause *netstack.Owner // owns the sockets of Pod.Listen and its like
	host  bool            // net and addrs are the node's, and stay when the Pod goes

	others []*sandbox // by container.network, from 1; without pause

	resolver *dns.Resolver // pause's
}

// newSandbox makes the Pod's attempt'th sandbox, with the addresses that were
// reserved for it or else new ones.
func (p *Pod) newSandbox(attempt int) (*sandbox, error) {
	addrs := p.takeReserved()
	var err error
	if addrs == nil {
		addrs, err = p.node.allocate(p.networks)
	}
	if err != nil {
		if p.networks > 1 {
			err = fmt.Errorf("%w (with Config.IPPerContainer the Pod takes %d addresses: make Config.PodCIDRs larger)", err, p.networks)
		}
		return nil, fmt.Errorf("rpc error: code = Unknown desc = failed to setup network for sandbox %q: plugin type=\"ptp\" failed (add): failed to allocate for range 0: %w", p.uid, err)
	}
	name := fmt.Sprintf("%s/%s/%d", p.spec.Namespace, p.spec.Name, attempt)
	families := len(p.node.ranges)
	s, err := p.newNetwork(name, 0, addrs[:families])
	if err != nil {
		p.node.release(addrs)
		return nil, err
	}
	for i := 1; i < p.networks; i++ {
		addrs = addrs[families:]
		other, err := p.newNetwork(fmt.Sprintf("%s/%d", name, i), i, addrs[:families])
		if err != nil {
			s.close()
			p.node.release(addrs)
			return nil, err
		}
		s.others = append(s.others, other)
	}
	s.resolver, s.pause = p.newOwner(s.net, "pause", 1, p.etcFile)
	p.mapHostPorts(s)
	return s, nil
}

// newNetwork makes the Pod's i'th network namespace with addresses and a link to
// the node. If it fails the addresses are still the caller's.
func (p *Pod) newNetwork(name string, i int, addrs []netip.Addr) (*sandbox, error) {
	where := &place{node: p.node.name, namespace: p.spec.Namespace, pod: p.spec.Name}
	if p.networks > 1 {
		where.container = p.containerOf(i)
	}
	ns, err := netstack.New(netstack.Config{
		Seed: seedOf(p.cluster.config.Seed, name), Group: p.node.group, Faults: p.node.faults, End: p.endOn(p.node), Watch: p.node.watch, Place: where,
	})
	if err != nil {
		return nil, err
	}
	s := &sandbox{node: p.node, place: where, veth: vethName(p.spec.Namespace, p.spec.Name, i), net: ns, addrs: addrs}
	if err := s.connect(p.endOn(p.node)); err != nil {
		ns.Close()
		return nil, err
	}
	return s, nil
}

// connect gives the sandbox its eth0, which leads to the node.
func (s *sandbox) connect(whose faults.End) error {
	end, err := s.node.plug(whose, s.addrs, s.veth)
	if err != nil {
		return err
	}
	eth0 := netstack.Link{Name: "eth0", MAC: hardwareAddr(s.addrs[0]), Endpoint: end, NoPrefixRoutes: true}
	for i, a := range s.addrs {
		r := s.node.ranges[i]
		eth0.Addrs = append(eth0.Addrs, netip.PrefixFrom(a, r.Prefix().Bits()))
		eth0.Gateways = append(eth0.Gateways, r.Gateway())
		eth0.Routes = append(eth0.Routes, podRoutes(a, r.Prefix(), r.Gateway())...)
	}
	return s.net.AddLink(eth0)
}

// vethName names the node's end of the link to a Pod's i'th network, by what the
// CNI plugins do: "veth" and eight digits, here the same in every run.
func vethName(namespace, name string, i int) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s/%d", namespace, name, i)
	return fmt.Sprintf("veth%08x", h.Sum32())
}

// containerOf returns the name of the container that has the i'th network for
// itself.
func (p *Pod) containerOf(i int) string {
	for _, c := range p.containers {
		if c.network == i {
			return c.spec.Name
		}
	}
	return ""
}

// podRoutes returns the routes that the CNI plugin ptp gives a Pod beside the
// default route: all that is not the gateway, the Pods of the node too, is beyond
// the gateway.
func podRoutes(a netip.Addr, node netip.Prefix, gateway netip.Addr) []iproute.Route {
	link := iproute.Route{Dst: netip.PrefixFrom(gateway, gateway.BitLen()), Dev: "eth0", Src: a}
	pods := iproute.Route{Dst: node, Gateway: gateway, Dev: "eth0", Src: a}
	if a.Is4() {
		link.Scope = "link"
	} else {
		link.Metric, pods.Metric = 1024, 1024
	}
	return []iproute.Route{link, pods}
}

// takeReserved returns the addresses that Apply set aside, the first time.
func (p *Pod) takeReserved() []netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	addrs := p.reserved
	p.reserved = nil
	return addrs
}

// close takes the sandbox down, so that peers hear of the end of their
// connections, and gives its addresses back.
func (s *sandbox) close() {
	if s.host {
		s.pause.Kill()
		return
	}
	s.node.hostPorts.unmap(s)
	for _, o := range s.others {
		o.close()
	}
	s.net.Close()
	s.node.counsel.forget(s.addrs)
	s.node.release(s.addrs)
}

// hardwareAddr derives a Pod's MAC address from its IP, as the CNI plugins do.
func hardwareAddr(a netip.Addr) net.HardwareAddr {
	b := a.AsSlice()
	return append(net.HardwareAddr{0x0a, 0x58}, b[len(b)-4:]...)
}

// Interface is a network interface of a Pod, as `ip addr` shows it.
type Interface struct {
	Index        int
	Name         string // lo or eth0
	MTU          int    // bytes
	Flags        net.Flags
	HardwareAddr string // empty on lo
	Addrs        []netip.Prefix

	// What has come and gone since the sandbox was made, as "ip -s link" shows it:
	// without what iptables dropped as it left, and with what it dropped as it
	// came. A long segment of TCP that crosses in one piece is one packet.
	RxPackets, RxBytes, TxPackets, TxBytes uint64
}

// Interfaces returns the Pod's network interfaces, none while it has no
// sandbox. With [Config].IPPerContainer those of each container follow each other,
// and [Container.Interfaces] tells whose they are.
func (p *Pod) Interfaces() []Interface {
	var list []Interface
	for _, s := range p.currentSandbox().all() {
		list = append(list, s.interfaces()...)
	}
	return list
}

func (s *sandbox) interfaces() []Interface {
	var list []Interface
	for _, i := range s.net.Interfaces() {
		list = append(list, Interface{Index: i.Index, Name: i.Name, MTU: i.MTU, Flags: i.Flags, HardwareAddr: i.MAC, Addrs: i.Addrs,
			RxPackets: i.RxPackets, RxBytes: i.RxBytes, TxPackets: i.TxPackets, TxBytes: i.TxBytes})
	}
	return list
}
