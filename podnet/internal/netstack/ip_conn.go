package netstack

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/waiter"

	"podnet.dev/podnet/internal/errno"
)

// ipConn is a raw IP socket for ICMP, as net.ListenPacket("ip4:icmp", …) gives
// it: what is written is an ICMP message, what is read one without its IP
// header. It has a peer if it was dialed.
type ipConn struct {
	*socket
	v4 bool
}

var (
	_ net.Conn       = (*ipConn)(nil)
	_ net.PacketConn = (*ipConn)(nil)
)

// isIP reports whether a network name is of the form "ip4:icmp".
func isIP(name string) bool {
	family, _, ok := strings.Cut(name, ":")
	return ok && (family == "ip" || family == "ip4" || family == "ip6")
}

// ipProtocols are the names that package net knows without /etc/protocols.
var ipProtocols = map[string]int{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6-icmp": 58}

// parseIP reads a network name and the address of a host without a port.
func (o *Owner) parseIP(ctx context.Context, networkName, host string) (n network, protocol int, addrs []netip.Addr, err error) {
	family, name, _ := strings.Cut(networkName, ":")
	n = network{name: networkName, want4: family == "ip4", want6: family == "ip6"}
	if protocol, err = strconv.Atoi(name); err != nil {
		var ok bool
		if protocol, ok = ipProtocols[strings.ToLower(name)]; !ok {
			return n, 0, nil, &net.AddrError{Err: "unknown IP protocol specified", Addr: name}
		}
	}
	if protocol < 0 || protocol > 255 {
		return n, 0, nil, &net.AddrError{Err: "invalid IP protocol", Addr: name}
	}
	if host == "" {
		return n, protocol, []netip.Addr{{}}, nil
	}
	if a, parseErr := netip.ParseAddr(host); parseErr == nil {
		addrs = []netip.Addr{a}
	} else if o.lookup == nil {
		return n, 0, nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	} else if addrs, err = o.lookup(ctx, host); err != nil {
		return n, 0, nil, err
	}
	var fit []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); n.accepts(a) {
			fit = append(fit, a)
		}
	}
	if len(fit) == 0 {
		return n, 0, nil, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return n, protocol, fit, nil
}

func ipAddr(a netip.Addr) *net.IPAddr { return &net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()} }

// listenIP is ListenPacket for networks like "ip4:icmp". Containers run with
// the capability NET_RAW, as by containerd's default. Protocols other than ICMP
// fail with EPROTONOSUPPORT.
func (o *Owner) listenIP(ctx context.Context, networkName, host string) (net.PacketConn, error) {
	n, protocol, addrs, err := o.parseIP(ctx, networkName, host)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: networkName, Err: err}
	}
	laddr := addrs[0]
	for _, a := range addrs {
		if a.Is4() { // net prefers it for a listener
			laddr = a
			break
		}
	}
	v4 := !n.want6 && !laddr.Is6()
	c, err := o.openIP(n, protocol, v4, nil, func(ep tcpip.Endpoint) error {
		if terr := ep.Bind(tcpip.FullAddress{Addr: address(laddr)}); terr != nil {
			return sysError("bind", terr)
		}
		return nil
	})
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: networkName, Addr: ipAddr(laddr), Err: err}
	}
	return c, nil
}

// dialIP is Dial for networks like "ip4:icmp".
func (o *Owner) dialIP(ctx context.Context, networkName, host string) (net.Conn, error) {
	n, protocol, addrs, err := o.parseIP(ctx, networkName, host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: networkName, Err: err}
	}
	raddr := addrs[0]
	if !raddr.IsValid() {
		return nil, &net.OpError{Op: "dial", Net: networkName, Err: errMissingAddress}
	}
	target := n.toDial(raddr)
	c, err := o.openIP(n, protocol, raddr.Is4(), ipAddr(target), func(ep tcpip.Endpoint) error {
		if terr := ep.Connect(tcpip.FullAddress{Addr: address(target)}); terr != nil {
			return sysError("connect", noRoute(terr))
		}
		return nil
	})
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: networkName, Addr: ipAddr(raddr), Err: err}
	}
	return c, nil
}

// openIP makes a raw socket, with setup to bind or connect it. peer is nil if it
// has none.
func (o *Owner) openIP(n network, protocol int, v4 bool, peer *net.IPAddr, setup func(tcpip.Endpoint) error) (*ipConn, error) {
	if o.isDead() {
		return nil, net.ErrClosed
	}
	transport, proto := tcpip.TransportProtocolNumber(icmp.ProtocolNumber4), tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if !v4 {
		transport, proto = icmp.ProtocolNumber6, ipv6.ProtocolNumber
	}
	if protocol != int(transport) {
		return nil, sysError("socket", &tcpip.ErrUnknownProtocol{})
	}
	wq := new(waiter.Queue)
	ep, terr := o.ns.stack.NewRawEndpoint(transport, proto, wq, true)
	if terr != nil {
		return nil, sysError("socket", terr)
	}
	ep.SetOwner(o)
	mayFragment(ep)
	if err := setup(ep); err != nil {
		ep.Close()
		return nil, err
	}
	var remote net.Addr // nil, not a nil *net.IPAddr
	if peer != nil {
		remote = peer
	}
	local, _ := endpointAddrs(ep, !v4)
	family, _, _ := strings.Cut(n.name, ":") // all that net shows of the name
	s, err := newSocket(o, family, !v4, ep, wq, ipAddr(local.Addr()), remote, nil)
	if err != nil {
		return nil, err
	}
	return &ipConn{socket: s, v4: v4}, nil
}

// RemoteAddr returns the peer's address, or nil if the socket has none.
func (c *ipConn) RemoteAddr() net.Addr { return c.peer }

// Read reads one packet, of IPv4 with its IP header, as from *net.IPConn.
func (c *ipConn) Read(b []byte) (int, error) {
	n, _, err := c.receive(b, "read")
	return n, err
}

// ReadFrom reads one ICMP message and gives its sender, a *net.IPAddr.
func (c *ipConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.receive(b, "recvfrom")
	if err != nil {
		return n, nil, err
	}
	if c.v4 && n >= header.IPv4MinimumSize {
		if size := int(header.IPv4(b).HeaderLength()); size <= n {
			n = copy(b, b[size:n])
		}
	}
	return n, ipAddr(from), nil
}

func (c *ipConn) receive(b []byte, call string) (n int, from netip.Addr, err error) {
	err = c.do(&c.read, func() (int, tcpip.Error, error) {
		w := tcpip.SliceWriter(b)
		res, terr := c.ep.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
		if _, full := terr.(*tcpip.ErrBadBuffer); full && len(b) == 0 {
			terr = nil
		}
		if terr != nil {
			return 0, terr, sysError(call, terr)
		}
		n = res.Count
		from, _ = netip.AddrFromSlice(res.RemoteAddr.Addr.AsSlice())
		return n, nil, nil
	})
	return n, from, c.opError("read", err)
}

// Write sends an ICMP message to the peer.
func (c *ipConn) Write(b []byte) (int, error) { return c.send(b, nil, "write", c.peer) }

// WriteTo sends an ICMP message to addr, a *net.IPAddr.
func (c *ipConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	var err error
	ia, ok := addr.(*net.IPAddr)
	switch {
	case !ok:
		err = errno.Of(syscall.EINVAL)
	case c.peer != nil:
		err = net.ErrWriteToConnected
	case ia == nil:
		err = errMissingAddress
	}
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: addr, Err: err}
	}
	ip, ok := netip.AddrFromSlice(ia.IP)
	if ip = ip.Unmap(); !ok || ip.Is4() != c.v4 {
		return 0, &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: addr, Err: &net.AddrError{Err: "non-IPv4 address", Addr: ia.IP.String()}}
	}
	to := &tcpip.FullAddress{Addr: address(ip)}
	if from, ok := netip.AddrFromSlice(c.local.(*net.IPAddr).IP); ok && !from.IsUnspecified() {
		// The Pod's own address is on two links; a bound socket is tied to one
		// of them unless it is told.
		to.NIC = c.owner.ns.routeTo(from.Unmap(), ip)
	}
	return c.send(b, to, "sendto", addr)
}

func (c *ipConn) send(b []byte, to *tcpip.FullAddress, call string, addr net.Addr) (int, error) {
	err := c.do(&c.write, func() (int, tcpip.Error, error) {
		_, terr := c.ep.Write(bytes.NewReader(b), tcpip.WriteOptions{To: to})
		if terr != nil {
			return 0, terr, sysError(call, noRouteTo(to, terr))
		}
		c.count(b)
		return len(b), nil, nil
	})
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: addr, Err: err}
	}
	return len(b), nil
}

// count counts an echo request that was sent, which gVisor does for its own sockets
// only.
func (c *ipConn) count(b []byte) {
	out := c.owner.ns.stack.Stats().ICMP
	switch {
	case len(b) == 0:
	case c.v4 && b[0] == byte(header.ICMPv4Echo):
		out.V4.PacketsSent.EchoRequest.Increment()
	case !c.v4 && b[0] == byte(header.ICMPv6EchoRequest):
		out.V6.PacketsSent.EchoRequest.Increment()
	}
}

// Close closes the socket.
func (c *ipConn) Close() error { return c.opError("close", c.close()) }
