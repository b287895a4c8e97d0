package netstack

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/raw"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Linux's net.ipv4.ip_local_port_range in a fresh network namespace.
const (
	firstEphemeralPort = 32768
	lastEphemeralPort  = 60999
)

// DefaultMTU is an Ethernet link's, in bytes.
const DefaultMTU = 1500

const loopbackID tcpip.NICID = 1

// Config describes a namespace. The zero value is a namespace with lo only.
type Config struct {
	// Seed decides the ports and sequence numbers that the stack draws.
	Seed uint64
}

// A Namespace is a network namespace as Linux has it: lo, further links,
// routes, one port space. Close ends it.
type Namespace struct {
	stack *stack.Stack
	pump  *pump
	pace  *pace
	ports portTable
	unix  unixNames

	mu     sync.Mutex // guards what follows
	links  []link     // in order of their index; lo first
	owners map[*Owner]struct{}
	bcasts []netip.Addr // the IPv4 broadcast addresses of the links
	closed bool
	done   chan struct{} // closed when Close begins
}

type link struct {
	id   tcpip.NICID
	name string
	mac  string
}

// New makes a namespace with lo up and 127.0.0.1/8 and ::1/128 on it.
func New(cfg Config) (*Namespace, error) {
	ns := &Namespace{owners: make(map[*Owner]struct{}), done: make(chan struct{})}
	clk := &clock{start: time.Now()}
	if InBubble() {
		ns.pump = newPump()
		ns.pace = new(pace)
		clk.fired = ns.pump.kick
	}
	random := newSeededRand(cfg.Seed)
	ns.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolCUBIC, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		Clock:              clk,
		RandSource:         random,
		SecureRNG:          random,
		// Packets to an own address cross lo, as on Linux, where a capture
		// sees them.
		HandleLocal: false,
		RawFactory:  raw.EndpointFactory{}, // it only says that there may be raw sockets
	})
	if err := ns.configure(); err != nil {
		ns.stack.Destroy()
		return nil, err
	}
	ns.pump.start(ns.stack.TransportProtocolInstance(tcp.ProtocolNumber))
	return ns, nil
}

// configure sets Linux's defaults where gVisor's differ, and brings lo up.
func (ns *Namespace) configure() error {
	sack := tcpip.TCPSACKEnabled(true)
	recovery := tcpip.TCPRecovery(0) // no RACK, see the package comment
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	for _, opt := range []tcpip.SettableTransportProtocolOption{&sack, &recovery, &moderate} {
		if err := ns.stack.SetTransportProtocolOption(tcp.ProtocolNumber, opt); err != nil {
			return fmt.Errorf("netstack: set %T: %s", opt, err)
		}
	}
	if err := ns.stack.SetPortRange(firstEphemeralPort, lastEphemeralPort); err != nil {
		return fmt.Errorf("netstack: set the ephemeral port range: %s", err)
	}
	if err := ns.stack.CreateNICWithOptions(loopbackID, ns.pump.attach(loopback.New()), stack.NICOptions{Name: "lo"}); err != nil {
		return fmt.Errorf("netstack: create lo: %s", err)
	}
	ns.links = append(ns.links, link{id: loopbackID, name: "lo"})
	for _, p := range []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")} {
		if err := ns.addAddress(loopbackID, p); err != nil {
			return err
		}
		ns.addRoute(tcpip.Route{Destination: subnet(p), NIC: loopbackID})
	}
	return nil
}

// A Link is a network interface of a namespace beside lo.
type Link struct {
	Name     string             // eth0
	Addrs    []netip.Prefix     // each with the length of its subnet
	Gateways []netip.Addr       // default routes, at most one for each family
	Endpoint stack.LinkEndpoint // nil for a link that is up and leads nowhere
	MAC      net.HardwareAddr   // shown by Interfaces; links carry no Ethernet header
}

// AddLink adds a link and brings it up. Traffic to the link's own addresses
// crosses lo, not the link, as on Linux.
func (ns *Namespace) AddLink(l Link) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return fmt.Errorf("netstack: add link %s: %w", l.Name, net.ErrClosed)
	}
	for _, have := range ns.links {
		if have.name == l.Name {
			return fmt.Errorf("netstack: add link %s: a link of this name exists", l.Name)
		}
	}
	ep := l.Endpoint
	if ep == nil {
		ep, _ = pipe.New("", "", DefaultMTU) // its other end stays unattached
	}
	id := tcpip.NICID(len(ns.links) + 1)
	if err := ns.stack.CreateNICWithOptions(id, ns.pump.attach(ep), stack.NICOptions{Name: l.Name}); err != nil {
		return fmt.Errorf("netstack: add link %s: %s", l.Name, err)
	}
	ns.links = append(ns.links, link{id: id, name: l.Name, mac: l.MAC.String()})
	for _, p := range l.Addrs {
		host := netip.PrefixFrom(p.Addr(), p.Addr().BitLen())
		// The address is on lo as well, with a host route to it, so that
		// packets to it take lo; the route is what Linux keeps in its table
		// "local".
		if err := ns.addAddress(loopbackID, host); err != nil {
			return err
		}
		if err := ns.addAddress(id, p); err != nil {
			return err
		}
		ns.addRoute(tcpip.Route{Destination: subnet(host), NIC: loopbackID})
		if p.Addr().Is4() && p.Bits() < 31 {
			ns.bcasts = append(ns.bcasts, broadcast(p))
		}
		if !p.IsSingleIP() {
			ns.addRoute(tcpip.Route{Destination: subnet(p), NIC: id})
		}
	}
	for _, gw := range l.Gateways {
		dst := header.IPv4EmptySubnet
		if gw.Is6() {
			dst = header.IPv6EmptySubnet
		}
		ns.addRoute(tcpip.Route{Destination: dst, Gateway: address(gw), NIC: id})
	}
	return nil
}

// routeTo returns the link over which packets from local to remote leave, or 0 if
// there is none. A socket that is bound to one of the Pod's own addresses must
// be told: both lo and eth0 have the address, and gVisor takes either.
func (ns *Namespace) routeTo(local, remote netip.Addr) tcpip.NICID {
	proto := ipv4.ProtocolNumber
	if remote.Is6() {
		proto = ipv6.ProtocolNumber
	}
	r, err := ns.stack.FindRoute(0, address(local), address(remote), proto, false)
	if err != nil {
		return 0
	}
	defer r.Release()
	return r.NICID()
}

// isBroadcast reports whether a is a broadcast address, of a link or of all.
func (ns *Namespace) isBroadcast(a netip.Addr) bool {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || slices.Contains(ns.bcasts, a)
}

// broadcast returns the last address of an IPv4 subnet.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	bits := binary.BigEndian.Uint32(a[:]) | 1<<(32-p.Bits()) - 1
	binary.BigEndian.PutUint32(a[:], bits)
	return netip.AddrFrom4(a)
}

func (ns *Namespace) addAddress(id tcpip.NICID, p netip.Prefix) error {
	proto := ipv4.ProtocolNumber
	if p.Addr().Is6() {
		proto = ipv6.ProtocolNumber
	}
	err := ns.stack.AddProtocolAddress(id, tcpip.ProtocolAddress{
		Protocol:          proto,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address(p.Addr()), PrefixLen: p.Bits()},
	}, stack.AddressProperties{})
	if err != nil {
		return fmt.Errorf("netstack: add address %s: %s", p, err)
	}
	return nil
}

// addRoute adds a route; gVisor keeps them by length of prefix, longest first.
func (ns *Namespace) addRoute(r tcpip.Route) { ns.stack.AddRoute(r) }

// Close kills every owner that is left, destroys the stack and waits for its
// goroutines. Sockets that are still open fail with net.ErrClosed. A second
// Close does nothing.
func (ns *Namespace) Close() {
	ns.mu.Lock()
	if ns.closed {
		ns.mu.Unlock()
		return
	}
	ns.closed = true
	close(ns.done)
	owners := make([]*Owner, 0, len(ns.owners))
	for o := range ns.owners {
		owners = append(owners, o)
	}
	ns.mu.Unlock()
	for _, o := range owners {
		o.Kill()
	}
	ns.pump.stop()
	ns.stack.Destroy()
}

// WaitListening waits until there is a TCP listener on a port, on whatever
// address. It fails when ctx ends, and with net.ErrClosed when the namespace is
// closed.
func (ns *Namespace) WaitListening(ctx context.Context, port uint16) error {
	for {
		ok, changed := ns.ports.listening(port)
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ns.done:
			return net.ErrClosed
		}
	}
}

// An Interface is what `ip addr` shows of a link.
type Interface struct {
	Index int
	Name  string
	MTU   int
	Flags net.Flags
	MAC   string // empty on lo
	Addrs []netip.Prefix
}

// Interfaces returns the namespace's links by index.
func (ns *Namespace) Interfaces() []Interface {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	infos := ns.stack.NICInfo()
	list := make([]Interface, 0, len(ns.links))
	for _, l := range ns.links {
		info, ok := infos[l.id]
		if !ok { // the namespace is closed
			continue
		}
		itf := Interface{Index: int(l.id), Name: l.name, MTU: int(info.MTU), MAC: l.mac, Flags: net.FlagUp | net.FlagRunning | net.FlagBroadcast | net.FlagMulticast}
		if l.id == loopbackID {
			itf.Flags = net.FlagUp | net.FlagRunning | net.FlagLoopback
		}
		for _, pa := range info.ProtocolAddresses {
			p := prefix(pa.AddressWithPrefix)
			if l.id == loopbackID && !p.Addr().IsLoopback() {
				continue // there only to bring own-address traffic to lo
			}
			itf.Addrs = append(itf.Addrs, p)
		}
		list = append(list, itf)
	}
	return list
}
