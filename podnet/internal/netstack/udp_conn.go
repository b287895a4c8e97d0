package netstack

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"

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

// ListenPacket binds a UDP address: network is udp, udp4 or udp6, and address
// is understood as by net.ListenPacket. Errors are *net.OpError.
func (o *Owner) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return o.ListenPacketWith(ctx, ListenConfig{}, network, address)
}

// ListenPacketWith is ListenPacket with options.
func (o *Owner) ListenPacketWith(ctx context.Context, cfg ListenConfig, network, address string) (net.PacketConn, error) {
	if isUnix(network) {
		return o.listenUnixPacket(cfg, network, address)
	}
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
	c, err := o.openUDP(n, v6, v6 && (v6only || cfg.IPv6Only), netip.AddrPort{}, func(ep tcpip.Endpoint) error {
		ep.SocketOptions().SetReuseAddress(cfg.ReuseAddr)
		ep.SocketOptions().SetReusePort(cfg.ReusePort)
		if needsZone(laddr.Addr()) {
			return os.NewSyscallError("bind", errno.Of(syscall.EINVAL))
		}
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
func (o *Owner) dialUDP(d Dialer, n network, raddr netip.AddrPort) (*udpConn, error) {
	v6, v6only := n.family(raddr.Addr(), false)
	return o.openUDP(n, v6, v6only, raddr, func(ep tcpip.Endpoint) error {
		if err := d.setTTL(ep, raddr.Addr()); err != nil {
			return err
		}
		if from := o.ns.source(d.LocalAddr, raddr.Addr()); from != (netip.AddrPort{}) {
			if err := o.bindToDial(ep, from, raddr); err != nil {
				return err
			}
		}
		if e := o.ns.cannotConnect(raddr.Addr(), false); e != 0 {
			return os.NewSyscallError("connect", errno.Of(e))
		}
		if terr := ep.Connect(fullAddress(raddr)); terr != nil {
			if _, ok := terr.(*tcpip.ErrNoPortAvailable); ok { // what Linux calls it here
				return os.NewSyscallError("connect", errno.Of(syscall.EAGAIN))
			}
			return sysError("connect", noRoute(terr))
		}
		return nil
	})
}

// openUDP makes a UDP socket, with setup to bind it or connect it to raddr.
func (o *Owner) openUDP(n network, v6, v6only bool, raddr netip.AddrPort, setup func(tcpip.Endpoint) error) (*udpConn, error) {
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
	ep.SetOwner(o)
	ep.SocketOptions().SetV6Only(v6only)
	ep.SocketOptions().SetBroadcast(true) // as net sets it
	mayFragment(ep)
	hear(ep)
	if err := setup(ep); err != nil {
		ep.Close()
		forget(ep)
		return nil, err
	}
	local, remote := endpointAddrs(ep, v6)
	var peer net.Addr
	if remote.Port() != 0 {
		peer = n.addr(remote)
	}
	if raddr.IsValid() && peer == nil { // port 0, which getpeername(2) does not show
		peer = &net.UDPAddr{IP: net.IP(raddr.Addr().AsSlice()).To16(), Port: int(raddr.Port())}
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
	if len(b) == 0 {
		return 0, c.opError("read", c.readNothing())
	}
	d, err := c.receive(b, "read")
	return d.n, err
}

// ReadFrom reads one datagram and gives its sender, a *net.UDPAddr. What does
// not fit into b is lost.
func (c *udpConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDP(b)
	if err != nil {
		return n, nil, err
	}
	return n, from, nil
}

// datagram is what a call received: n bytes of what from sent.
type datagram struct {
	n    int
	cut  bool // there was more
	from netip.AddrPort
}

func (c *udpConn) receive(b []byte, call string) (d datagram, err error) {
	err = c.do(&c.read, func() (int, tcpip.Error, error) {
		w := tcpip.SliceWriter(b)
		res, terr := c.ep.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
		if _, full := terr.(*tcpip.ErrBadBuffer); full && len(b) == 0 {
			terr = nil // the datagram was taken, and none of it wanted
		}
		if terr != nil {
			return 0, terr, endpointError(call, c.ep, terr)
		}
		d = datagram{n: res.Count, cut: res.Total > res.Count, from: addrPort(res.RemoteAddr, c.v6)}
		return d.n, nil, nil
	})
	return d, c.opError("read", err)
}

// Write sends b as one datagram to the peer.
func (c *udpConn) Write(b []byte) (int, error) {
	return c.send(b, nil, "write", c.peer)
}

// WriteTo sends b as one datagram to addr, a *net.UDPAddr.
func (c *udpConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	ua, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, c.writeError(addr, errno.Of(syscall.EINVAL))
	}
	return c.WriteToUDP(b, ua)
}

func (c *udpConn) writeError(to net.Addr, err error) error {
	return &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: to, Err: err}
}

func (c *udpConn) send(b []byte, to *tcpip.FullAddress, call string, addr net.Addr) (int, error) {
	var n int64
	err := c.do(&c.write, func() (int, tcpip.Error, error) {
		m, terr := c.ep.Write(bytes.NewReader(b), tcpip.WriteOptions{To: to})
		if terr != nil {
			return 0, terr, endpointError(call, c.ep, noRouteTo(to, terr))
		}
		n = m
		return len(b), nil, nil
	})
	if err != nil {
		return 0, c.writeError(addr, err)
	}
	return int(n), nil
}

// Close closes the socket.
func (c *udpConn) Close() error { return c.opError("close", c.close()) }

// mayFragment lets a socket's datagrams be cut on their way. gVisor would send even
// the fragments of long ones with "don't fragment" and, as if they were none, with
// the identification 0, so that those of several datagrams are put together.
func mayFragment(ep tcpip.Endpoint) {
	ep.SetSockOptInt(tcpip.MTUDiscoverOption, int(tcpip.PMTUDiscoveryDont))
}
