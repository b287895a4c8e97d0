package netstack

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"podnet.dev/podnet/internal/errno"

	"syscall"
)

// udpConn is a UDP socket, connected if it has a peer.
type udpConn struct {
	*socket
	network network
}

var (
	_ net.Conn       = (*udpConn)(nil)
	_ net.PacketConn = (*udpConn)(nil)
)

var errMissingAddress = errors.New("missing address")

// ListenPacket binds a UDP address: network is udp, udp4 or udp6, and address
// is understood as by net.ListenPacket. Errors are *net.OpError.
func (o *Owner) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	if isIP(network) {
		return o.listenIP(ctx, network, address)
	}
	n, laddr, err := o.bindAddr(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if n.stream {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.addr(laddr), Err: &net.AddrError{Err: "unexpected address type", Addr: address}}
	}
	v6, v6only := n.family(laddr.Addr(), true)
	c, err := o.openUDP(n, v6, v6only, func(ep tcpip.Endpoint) error {
		if terr := ep.Bind(fullAddress(laddr)); terr != nil {
			if _, ok := terr.(*tcpip.ErrNoPortAvailable); ok {
				terr = &tcpip.ErrPortInUse{}
			}
			return sysError("bind", terr)
		}
		return nil
	})
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.addr(laddr), Err: err}
	}
	return c, nil
}

// dialUDP returns a UDP socket that talks to raddr only.
func (o *Owner) dialUDP(n network, raddr netip.AddrPort) (*udpConn, error) {
	v6, v6only := n.family(raddr.Addr(), false)
	return o.openUDP(n, v6, v6only, func(ep tcpip.Endpoint) error {
		if terr := ep.Connect(fullAddress(raddr)); terr != nil {
			return sysError("connect", noRoute(terr))
		}
		return nil
	})
}

// openUDP makes a UDP socket, with setup to bind or connect it.
func (o *Owner) openUDP(n network, v6, v6only bool, setup func(tcpip.Endpoint) error) (*udpConn, error) {
	if o.isDead() {
		return nil, net.ErrClosed
	}
	proto := ipv4.ProtocolNumber
	if v6 {
		proto = ipv6.ProtocolNumber
	}
	wq := new(waiter.Queue)
	ep, terr := o.ns.stack.NewEndpoint(udp.ProtocolNumber, proto, wq)
	if terr != nil {
		return nil, sysError("socket", terr)
	}
	ep.SocketOptions().SetV6Only(v6only)
	ep.SocketOptions().SetBroadcast(true) // as net sets it
	if err := setup(ep); err != nil {
		ep.Close()
		return nil, err
	}
	local, remote := endpointAddrs(ep, v6)
	var peer net.Addr
	if remote.Port() != 0 {
		peer = n.addr(remote)
	}
	s, err := newSocket(o, n.name, v6, ep, wq, n.addr(local), peer, nil)
	if err != nil {
		return nil, err
	}
	return &udpConn{socket: s, network: n}, nil
}

// RemoteAddr returns the peer's address, or nil if the socket has none.
func (c *udpConn) RemoteAddr() net.Addr { return c.peer }

// Read reads one datagram. What does not fit into b is lost.
func (c *udpConn) Read(b []byte) (int, error) {
	n, _, err := c.receive(b, "read")
	return n, err
}

// ReadFrom reads one datagram and gives its sender, a *net.UDPAddr. What does
// not fit into b is lost.
func (c *udpConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.receive(b, "recvfrom")
	if err != nil {
		return n, nil, err
	}
	return n, c.network.addr(from), nil
}

func (c *udpConn) receive(b []byte, call string) (n int, from netip.AddrPort, err error) {
	err = c.do(&c.read, func() (int, tcpip.Error, error) {
		w := tcpip.SliceWriter(b)
		res, terr := c.ep.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
		if _, full := terr.(*tcpip.ErrBadBuffer); full && len(b) == 0 {
			terr = nil // the datagram was taken, and none of it wanted
		}
		if terr != nil {
			return 0, terr, sysError(call, terr)
		}
		n, from = res.Count, addrPort(res.RemoteAddr, c.v6)
		return n, nil, nil
	})
	return n, from, c.opError("read", err)
}

// Write sends b as one datagram to the peer.
func (c *udpConn) Write(b []byte) (int, error) {
	return c.send(b, nil, "write", c.peer)
}

// WriteTo sends b as one datagram to addr, a *net.UDPAddr.
func (c *udpConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, err := c.destination(addr)
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: addr, Err: err}
	}
	return c.send(b, to, "sendto", addr)
}

// destination checks the address of a WriteTo as net does.
func (c *udpConn) destination(addr net.Addr) (*tcpip.FullAddress, error) {
	ua, ok := addr.(*net.UDPAddr)
	switch {
	case !ok && addr == nil:
		return nil, errMissingAddress
	case !ok:
		return nil, errno.Of(syscall.EINVAL)
	case c.peer != nil:
		return nil, net.ErrWriteToConnected
	case ua == nil:
		return nil, errMissingAddress
	}
	ap := ua.AddrPort()
	ip := ap.Addr().Unmap()
	if !c.v6 && ip.Is6() {
		return nil, &net.AddrError{Err: "non-IPv4 address", Addr: ip.String()}
	}
	if !ip.IsValid() && c.v6 {
		ip = netip.IPv6Unspecified()
	}
	fa := fullAddress(netip.AddrPortFrom(c.network.toDial(ip), ap.Port()))
	return &fa, nil
}

func (c *udpConn) send(b []byte, to *tcpip.FullAddress, call string, addr net.Addr) (int, error) {
	var n int64
	err := c.do(&c.write, func() (int, tcpip.Error, error) {
		m, terr := c.ep.Write(bytes.NewReader(b), tcpip.WriteOptions{To: to})
		if terr != nil {
			return 0, terr, sysError(call, noRoute(terr))
		}
		n = m
		return len(b), nil, nil
	})
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: addr, Err: err}
	}
	return int(n), nil
}

// Close closes the socket.
func (c *udpConn) Close() error { return c.opError("close", c.close()) }
