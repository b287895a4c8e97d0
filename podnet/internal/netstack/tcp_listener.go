package netstack

import (
	"context"
	"net"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// listenBacklog is Linux's net.core.somaxconn, which net asks for. Linux admits
// one connection more than the backlog, gVisor exactly as many.
const listenBacklog = 4096 + 1

// tcpListener is a TCP listener.
type tcpListener struct {
	*socket
	network network
}

var _ net.Listener = (*tcpListener)(nil)

// Listen listens on a TCP address: network is tcp, tcp4 or tcp6, and address is
// understood as by net.Listen. Errors are *net.OpError.
func (o *Owner) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	n, laddr, err := o.bindAddr(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !n.stream {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.addr(laddr), Err: &net.AddrError{Err: "unexpected address type", Addr: address}}
	}
	l, err := o.listenTCP(n, laddr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.addr(laddr), Err: err}
	}
	return l, nil
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

func (o *Owner) listenTCP(n network, laddr netip.AddrPort) (*tcpListener, error) {
	if o.isDead() {
		return nil, net.ErrClosed
	}
	v6, v6only := n.family(laddr.Addr(), true)
	want := binding{addr: netip.AddrPortFrom(wildcard(laddr.Addr(), v6), laddr.Port())}
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
		if terr := ep.Listen(listenBacklog); terr != nil {
			ep.Close()
			return nil, sysError("listen", terr)
		}
		table.add(&got)
		s, err := newSocket(o, n.name, v6, ep, wq, n.addr(local), nil, func() { table.release(&got) })
		if err != nil {
			table.remove(&got)
			return nil, err
		}
		return &tcpListener{socket: s, network: n}, nil
	}
}

func (o *Owner) bindTCP(b binding, v6, v6only bool) (tcpip.Endpoint, *waiter.Queue, error) {
	proto := ipv4.ProtocolNumber
	if v6 {
		proto = ipv6.ProtocolNumber
	}
	wq := new(waiter.Queue)
	ep, terr := o.ns.stack.NewEndpoint(tcp.ProtocolNumber, proto, wq)
	if terr != nil {
		return nil, nil, sysError("socket", terr)
	}
	ep.SocketOptions().SetV6Only(v6only)
	ep.SocketOptions().SetReuseAddress(true)
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
		ep, wq, terr := l.ep.Accept(nil)
		if terr != nil {
			return 0, terr, sysError("accept", terr)
		}
		var err error
		conn, err = newTCPConn(l.owner, l.network, l.v6, ep, wq)
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
func (l *tcpListener) SetDeadline(t time.Time) error { return l.setDeadline(t, &l.read) }
