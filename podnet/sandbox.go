package podnet

import (
	"fmt"
	"net"
	"net/netip"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/netstack"
)

// sandbox is what the pause container holds: the Pod's network namespace and
// its addresses. Containers come and go in it.
type sandbox struct {
	node  *node
	net   *netstack.Namespace
	addrs []netip.Addr
	pause *netstack.Owner // owns the sockets of Pod.Listen and its like
	host  bool            // net and addrs are the node's, and stay when the Pod goes

	resolver *dns.Resolver // pause's
}

// newSandbox makes the Pod's attempt'th sandbox, with the addresses that were
// reserved for it or else new ones.
func (p *Pod) newSandbox(attempt int) (*sandbox, error) {
	addrs := p.takeReserved()
	var err error
	if addrs == nil {
		addrs, err = p.node.allocate()
	}
	if err != nil {
		return nil, fmt.Errorf("rpc error: code = Unknown desc = failed to setup network for sandbox %q: plugin type=\"ptp\" failed (add): failed to allocate for range 0: %w", p.uid, err)
	}
	ns, err := netstack.New(netstack.Config{
		Seed:  seedOf(p.cluster.config.Seed, fmt.Sprintf("%s/%s/%d", p.spec.Namespace, p.spec.Name, attempt)),
		Group: p.node.group,
	})
	if err != nil {
		p.node.release(addrs)
		return nil, err
	}
	s := &sandbox{node: p.node, net: ns, addrs: addrs}
	if err := s.connect(); err != nil {
		s.close()
		return nil, err
	}
	s.resolver, s.pause = p.newOwner(ns, "pause", 1, p.etcFile)
	return s, nil
}

// connect gives the sandbox its eth0, which leads to the node.
func (s *sandbox) connect() error {
	end, err := s.node.plug(s.addrs)
	if err != nil {
		return err
	}
	eth0 := netstack.Link{Name: "eth0", MAC: hardwareAddr(s.addrs[0]), Endpoint: end}
	for i, a := range s.addrs {
		r := s.node.ranges[i]
		eth0.Addrs = append(eth0.Addrs, netip.PrefixFrom(a, r.Prefix().Bits()))
		eth0.Gateways = append(eth0.Gateways, r.Gateway())
	}
	return s.net.AddLink(eth0)
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
	s.net.Close()
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
}

// Interfaces returns the Pod's network interfaces, none while it has no
// sandbox.
func (p *Pod) Interfaces() []Interface {
	s := p.currentSandbox()
	if s == nil {
		return nil
	}
	var list []Interface
	for _, i := range s.net.Interfaces() {
		list = append(list, Interface{Index: i.Index, Name: i.Name, MTU: i.MTU, Flags: i.Flags, HardwareAddr: i.MAC, Addrs: i.Addrs})
	}
	return list
}

// Socket is an open socket of a Pod, as `ss -a` shows it.
type Socket struct {
	Network   string // as ss names it: tcp, udp, or u_str, u_dgr or u_seq of a Unix socket
	State     string // LISTEN, ESTAB, CLOSE-WAIT, UNCONN…
	Local     netip.AddrPort
	Remote    netip.AddrPort // the zero AddrPort if there is none
	DualStack bool           // bound to [::] and open to IPv4 as well
	Path      string         // of a Unix socket: its path, or its abstract name with "@" before it; "" for none
	RecvQ     int            // bytes received and not yet read
	SendQ     int            // bytes written and not yet acknowledged
	Container string         // the owner; "pause" for sockets of the Pod itself
	PID       int            // the owner's, in its container
}

// Sockets returns the open sockets of all containers of the Pod, by network
// and port.
func (p *Pod) Sockets() []Socket {
	s := p.currentSandbox()
	if s == nil {
		return nil
	}
	var list []Socket
	for _, k := range s.net.Sockets() {
		list = append(list, Socket{
			Network: k.Network, State: k.State, Local: k.Local, Remote: k.Remote, DualStack: k.Dual, Path: k.Path,
			RecvQ: k.RecvQ, SendQ: k.SendQ, Container: k.Owner, PID: k.PID,
		})
	}
	return list
}
