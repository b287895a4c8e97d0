package netstack

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/raw"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/iproute"
	"podnet.dev/podnet/internal/netfilter"
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

	// Group is that of the namespaces that this one has traffic with; nil if
	// there are none.
	Group *Group

	// Divert, if not nil, is offered what the namespace sends to itself. What it
	// takes does not arrive; it must not call the namespace before it returns.
	Divert func(*stack.PacketBuffer) bool

	// Faults, if not nil, are those that interfere on lo, and End is whose
	// namespace it is, to them.
	Faults *faults.Set
	End    faults.End

	// Watch, if not nil, shows what happens to packets. Place is what it says of
	// where.
	Watch *netfilter.Watch
	Place any

	packets bool // no shortcuts: for tests
}

// A Group is namespaces that have traffic with each other. In a bubble, one may
// wait for another to let time pass. The zero value is ready for use.
type Group struct {
	tolls tolls
}

// A Namespace is a network namespace as Linux has it: lo, further links,
// routes, one port space. Close ends it.
type Namespace struct {
	stack *stack.Stack
	clock *clock
	pump  *pump
	pace  *pace
	ports portTable
	unix  unixNames
	seed  uint64
	watch *netfilter.Watch
	place any
	done  chan struct{} // closed when Close begins

	endpoints  endpointTable
	handshakes handshakes // that a pump settles
	shortcuts  shortcuts
	packets    bool // no shortcuts

	lo      *hookedLink
	hooks   atomic.Pointer[netfilter.Hooks] // nil while there are no rules
	rulesMu sync.Mutex                      // held while rules are changed
	toSelf  *netfilter.Queue                // answers to what the namespace itself sent

	mu       sync.Mutex // guards what follows
	links    map[string]*link
	lastLink tcpip.NICID // the index of the link that was added last
	owners   map[*Owner]struct{}
	closed   bool

	addrMu sync.RWMutex       // guards what follows; taken under mu and any lock of the stack
	locals map[netip.Addr]int // the links' own addresses, each with how many links have it
	bcasts map[netip.Addr]int // the same of their IPv4 broadcast addresses
	hooked map[tcpip.NICID]*hookedLink
	routes []iproute.Route // the table main; never modified, but replaced

	refuses  atomic.Bool // there are routes that lead nowhere
	chooses  atomic.Bool // there is a choice of IPv6 sources
	divert   func(*stack.PacketBuffer) bool
	faults   *faults.Set
	end      faults.End
	unfollow func() // ends the calls of setRecovery
}

// newIPv4 makes the IPv4 of a stack. gVisor's NewProtocol gives every stack a
// random table of 8 KiB that nothing reads; they can all have the same.
var newIPv4 = ipv4.NewProtocolWithOptions(ipv4.Options{})

// New makes a namespace with lo up and 127.0.0.1/8 and ::1/128 on it.
func New(cfg Config) (*Namespace, error) {
	ns := &Namespace{
		links: make(map[string]*link), locals: make(map[netip.Addr]int), bcasts: make(map[netip.Addr]int),
		owners: make(map[*Owner]struct{}), done: make(chan struct{}), hooked: make(map[tcpip.NICID]*hookedLink), seed: cfg.Seed, divert: cfg.Divert,
		faults: cfg.Faults, end: cfg.End,
		watch: cfg.Watch, place: cfg.Place, packets: cfg.packets,
	}
	ns.toSelf = netfilter.NewQueue(ns.arriveSelf)
	ns.clock = &clock{start: time.Now()}
	if InBubble() {
		if cfg.Group == nil {
			cfg.Group = new(Group)
		}
		ns.pump = newPump(&ns.handshakes)
		ns.pace = &pace{tolls: &cfg.Group.tolls}
		ns.clock.fired = ns.pump.kick
	}
	random := newSeededRand(cfg.Seed)
	ns.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{newIPv4, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolCUBIC, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		Clock:              ns.clock,
		RandSource:         random,
		SecureRNG:          random,
		// Packets to an own address cross lo, as on Linux, where a capture
		// sees them.
		HandleLocal: false,
		RawFactory:  raw.EndpointFactory{}, // it only says that there may be raw sockets
		// Rules are not gVisor's business here (see hooks.go), and its default
		// tables take 8 KiB.
		IPTables: new(stack.IPTables),
	})
	if err := ns.configure(); err != nil {
		ns.stack.Destroy()
		return nil, err
	}
	ns.setRecovery(false)
	ns.unfollow = cfg.Faults.Follow(ns.setRecovery)
	ns.pump.start(ns.stack.TransportProtocolInstance(tcp.ProtocolNumber))
	return ns, nil
}

// configure sets Linux's defaults where gVisor's differ, and brings lo up.
func (ns *Namespace) configure() error {
	sack := tcpip.TCPSACKEnabled(true)
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	for _, opt := range []tcpip.SettableTransportProtocolOption{&sack, &moderate} {
		if err := ns.stack.SetTransportProtocolOption(tcp.ProtocolNumber, opt); err != nil {
			return fmt.Errorf("netstack: set %T: %s", opt, err)
		}
	}
	if err := ns.stack.SetPortRange(firstEphemeralPort, lastEphemeralPort); err != nil {
		return fmt.Errorf("netstack: set the ephemeral port range: %s", err)
	}
	ns.lo = ns.hook(loopback.New(), "lo", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")})
	ns.lo.id = loopbackID
	ns.hooked[loopbackID] = ns.lo
	if err := ns.stack.CreateNICWithOptions(loopbackID, ns.lo, stack.NICOptions{Name: "lo"}); err != nil {
		return fmt.Errorf("netstack: create lo: %s", err)
	}
	ns.lastLink = loopbackID
	ns.links["lo"] = &link{Link: Link{Name: "lo"}, id: loopbackID}
	for _, p := range []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")} {
		if err := ns.addAddress(loopbackID, p); err != nil {
			return fmt.Errorf("netstack: create lo: %w", err)
		}
	}
	ns.applyRoutes()
	return nil
}

// routeTo returns the link over which packets from local to remote leave, or 0 if
// there is none; the zero local address is any of the Pod's. A socket that is bound to one of the Pod's own addresses must
// be told: both lo and eth0 have the address, and gVisor takes either.
func (ns *Namespace) routeTo(local, remote netip.Addr) tcpip.NICID {
	proto := ipv4.ProtocolNumber
	if remote.Is6() {
		proto = ipv6.ProtocolNumber
	}
	var from tcpip.Address // any
	if local.IsValid() {
		from = address(local)
	}
	r, err := ns.stack.FindRoute(0, from, address(remote), proto, false)
	if err != nil {
		return 0
	}
	defer r.Release()
	return r.NICID()
}

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
	ns.unfollow()
	ns.toSelf.Close()
	ns.handshakes.close()
	ns.pump.stop()
	ns.stack.Destroy()
	if h := ns.hooks.Load(); h != nil {
		h.Close()
	}
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
