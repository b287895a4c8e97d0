package netstack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"podnet.dev/podnet/internal/errno"
)

// tcpListener is a TCP listener.
type tcpListener struct {
	*socket
	network network
	probes  net.KeepAliveConfig // of the connections
}

var _ net.Listener = (*tcpListener)(nil)

// Listen listens on a TCP address: network is tcp, tcp4 or tcp6, and address is
// understood as by net.Listen. Errors are *net.OpError.
func (o *Owner) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return o.ListenWith(ctx, ListenConfig{}, network, address)
}

// ListenWith is Listen with options.
func (o *Owner) ListenWith(ctx context.Context, cfg ListenConfig, network, address string) (net.Listener, error) {
	if isUnix(network) {
		return o.listenUnix(cfg, network, address)
	}
	if isIP(network) {
		return nil, o.noIPListener(ctx, network, address)
	}
	n, laddr, err := o.bindAddr(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !n.stream {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.addr(laddr), Err: &net.AddrError{Err: "unexpected address type", Addr: address}}
	}
	l, err := o.listenTCP(cfg, n, laddr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.addr(laddr), Err: err}
	}
	return l, nil
}

// noIPListener returns net's error for a Listen on a network of packets.
func (o *Owner) noIPListener(ctx context.Context, network, address string) error {
	_, _, addrs, err := o.parseIP(ctx, network, address)
	if err != nil {
		return &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return &net.OpError{Op: "listen", Net: network, Addr: ipAddr(addrs[0]), Err: &net.AddrError{Err: "unexpected address type", Addr: address}}
}

// bindAddr parses the network and address of a call to Listen or ListenPacket.
func (o *Owner) bindAddr(ctx context.Context, networkName, address string) (network, netip.AddrPort, error) {
	n, err := parseNetwork(networkName)
	if err != nil {
		return n, netip.AddrPort{}, &net.OpError{Op: "listen", Net: networkName, Err: err}
	}
	addrs, err := n.resolve(ctx, address, o.lookup)
	if err != nil {
		return n, netip.AddrPort{}, &net.OpError{Op: "listen", Net: networkName, Err: err}
	}
	return n, firstForListen(addrs), nil
}

func (o *Owner) listenTCP(cfg ListenConfig, n network, laddr netip.AddrPort) (*tcpListener, error) {
	if o.isDead() {
		return nil, net.ErrClosed
	}
	v6, v6only := n.family(laddr.Addr(), true)
	v6only = v6 && (v6only || cfg.IPv6Only)
	want := binding{addr: netip.AddrPortFrom(wildcard(laddr.Addr(), v6), laddr.Port()), shared: cfg.ReusePort}
	want.dual = v6 && !v6only && want.addr.Addr().IsUnspecified()

	table := &o.ns.ports
	table.mu.Lock()
	defer table.mu.Unlock()
	for {
		if want.addr.Port() != 0 && table.conflict(want) {
			return nil, sysError("bind", &tcpip.ErrPortInUse{})
		}
		ep, wq, err := o.bindTCP(want, v6, v6only)
		if err != nil {
			return nil, err
		}
		local, _ := endpointAddrs(ep, v6)
		got := want
		got.addr = netip.AddrPortFrom(want.addr.Addr(), local.Port())
		if table.conflict(got) { // a port that the stack picked; another will do
			ep.Close()
			continue
		}
		if terr := ep.Listen(cfg.backlog()); terr != nil {
			ep.Close()
			return nil, sysError("listen", terr)
		}
		table.add(&got)
		s, err := newSocket(o, n.name, v6, ep, wq, n.addr(local), nil, func() { table.release(&got) })
		if err != nil {
			table.remove(&got)
			return nil, err
		}
		return &tcpListener{socket: s, network: n, probes: keepAlive(cfg.KeepAlive, cfg.KeepAliveConfig)}, nil
	}
}

func (o *Owner) bindTCP(b binding, v6, v6only bool) (tcpip.Endpoint, *waiter.Queue, error) {
	proto := ipv4.ProtocolNumber
	if v6 {
		proto = ipv6.ProtocolNumber
	}
	if needsZone(b.addr.Addr()) {
		return nil, nil, os.NewSyscallError("bind", errno.Of(syscall.EINVAL))
	}
	wq := new(waiter.Queue)
	ep, terr := o.ns.stack.NewEndpoint(tcp.ProtocolNumber, proto, wq)
	if terr != nil {
		return nil, nil, sysError("socket", terr)
	}
	ep.SetOwner(o)
	ep.SocketOptions().SetV6Only(v6only)
	ep.SocketOptions().SetReuseAddress(true)
	ep.SocketOptions().SetReusePort(b.shared)
	if terr := ep.Bind(fullAddress(b.addr)); terr != nil {
		ep.Close()
		if _, ok := terr.(*tcpip.ErrNoPortAvailable); ok {
			terr = &tcpip.ErrPortInUse{} // bind(2) when the ephemeral range is used up
		}
		return nil, nil, sysError("bind", terr)
	}
	return ep, wq, nil
}

// wildcard gives "no address" and 0.0.0.0 their form in the socket's family.
func wildcard(a netip.Addr, v6 bool) netip.Addr {
	switch {
	case a.IsValid() && !a.IsUnspecified():
		return a
	case v6:
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// Accept waits for the next connection. It belongs to the listener's owner.
func (l *tcpListener) Accept() (net.Conn, error) {
	var conn *tcpConn
	err := l.do(&l.read, func() (int, tcpip.Error, error) {
		var peer tcpip.FullAddress // known even if the connection is gone by now
		ep, wq, terr := l.ep.Accept(&peer)
		if terr != nil {
			return 0, terr, sysError("accept", terr)
		}
		var err error
		conn, err = newTCPConn(l.owner, l.network, l.v6, ep, wq, addrPort(peer, l.v6), l.probes)
		return 0, nil, err
	})
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: l.net, Addr: l.local, Err: err}
	}
	return conn, nil
}

// Close stops listening. Connections that were not accepted are reset.
func (l *tcpListener) Close() error {
	if err := l.close(); err != nil {
		return &net.OpError{Op: "close", Net: l.net, Addr: l.local, Err: err}
	}
	return nil
}

// Addr returns the address that is listened on.
func (l *tcpListener) Addr() net.Addr { return l.local }

// SetDeadline sets the time after which Accept fails with os.ErrDeadlineExceeded.
func (l *tcpListener) SetDeadline(t time.Time) error {
	err := l.setDeadline(t, &l.read)
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed // as in net, not in an OpError
	}
	return err
}
