package netstack

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"podnet.dev/podnet/internal/errno"
)

// Here are the methods of *net.UDPConn that take and give addresses by their
// own types. Programs find them by interface.

var errMissingAddress = errors.New("missing address")

// msgTrunc is Linux's MSG_TRUNC: the datagram was longer than the buffer.
const msgTrunc = 0x20

// ReadFromUDP is ReadFrom with a *net.UDPAddr.
func (c *udpConn) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	d, err := c.receive(b, "recvfrom")
	if err != nil {
		return 0, nil, err
	}
	return d.n, net.UDPAddrFromAddrPort(d.from), nil
}

// ReadFromUDPAddrPort is ReadFrom with a netip.AddrPort.
func (c *udpConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	d, err := c.receive(b, "recvfrom")
	return d.n, d.from, err
}

// ReadMsgUDP is ReadMsgUDPAddrPort with a *net.UDPAddr.
func (c *udpConn) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, from, err := c.ReadMsgUDPAddrPort(b, oob)
	if from.IsValid() {
		addr = net.UDPAddrFromAddrPort(from)
	}
	return n, oobn, flags, addr, err
}

// ReadMsgUDPAddrPort is ReadFromUDPAddrPort with recvmsg(2)'s flags: 0x20,
// MSG_TRUNC, if b was too short. There are no control messages.
func (c *udpConn) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error) {
	d, err := c.receive(b, "recvmsg")
	if d.cut {
		flags = msgTrunc
	}
	return d.n, 0, flags, d.from, err
}

// WriteToUDP is WriteTo with a *net.UDPAddr.
func (c *udpConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) {
	if c.peer != nil {
		return 0, c.writeError(orNil(addr), net.ErrWriteToConnected)
	}
	if addr == nil {
		return 0, c.writeError(nil, errMissingAddress)
	}
	if err := c.checkIP(addr.IP); err != nil {
		return 0, c.writeError(addr, err)
	}
	return c.sendTo(b, c.addrPort(addr), "sendto", addr)
}

// WriteToUDPAddrPort is WriteTo with a netip.AddrPort.
func (c *udpConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	shown := addrPortAddr{addr}
	if c.peer != nil {
		return 0, c.writeError(shown, net.ErrWriteToConnected)
	}
	if !addr.IsValid() {
		return 0, c.writeError(shown, errMissingAddress)
	}
	return c.sendTo(b, addr, "sendto", shown)
}

// WriteMsgUDP sends b to addr, or to the peer, with addr nil. Control messages
// fail with EINVAL: there are none.
func (c *udpConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil {
		return c.writeMsg(b, oob, netip.AddrPort{}, nil)
	}
	if err := c.checkIP(addr.IP); err != nil && c.peer == nil {
		return 0, 0, c.writeError(addr, err)
	}
	return c.writeMsg(b, oob, c.addrPort(addr), addr)
}

// WriteMsgUDPAddrPort is WriteMsgUDP with a netip.AddrPort, the invalid one
// being none.
func (c *udpConn) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	return c.writeMsg(b, oob, addr, addrPortAddr{addr})
}

func (c *udpConn) writeMsg(b, oob []byte, to netip.AddrPort, shown net.Addr) (n, oobn int, err error) {
	switch {
	case c.peer != nil && to.IsValid():
		return 0, 0, c.writeError(shown, net.ErrWriteToConnected)
	case c.peer == nil && !to.IsValid():
		return 0, 0, c.writeError(shown, errMissingAddress)
	case len(oob) > 0:
		return 0, 0, c.writeError(shown, os.NewSyscallError("sendmsg", errno.Of(syscall.EINVAL)))
	case c.peer != nil:
		n, err = c.send(b, nil, "sendmsg", shown)
		return n, 0, err
	}
	n, err = c.sendTo(b, to, "sendmsg", shown)
	return n, 0, err
}

// sendTo sends b to an address, which it checks as net does.
func (c *udpConn) sendTo(b []byte, to netip.AddrPort, call string, shown net.Addr) (int, error) {
	ip := to.Addr().Unmap()
	if !c.v6 && ip.Is6() {
		return 0, c.writeError(shown, &net.AddrError{Err: "non-IPv4 address", Addr: ip.String()})
	}
	switch ip { // where Linux takes unspecified addresses to
	case netip.IPv6Unspecified():
		ip = netip.IPv6Loopback()
	case netip.IPv4Unspecified():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	fa := fullAddress(netip.AddrPortFrom(ip, to.Port()))
	if from := addrPortOf(c.local).Addr().Unmap(); !from.IsUnspecified() && from.Is4() == ip.Is4() {
		fa.NIC = c.owner.ns.routeTo(from, ip)
	}
	return c.send(b, &fa, call, shown)
}

// checkIP refuses what is an IP address of no family.
func (c *udpConn) checkIP(ip net.IP) error {
	switch {
	case len(ip) == 0 || ip.To16() != nil:
		return nil
	case c.v6:
		return &net.AddrError{Err: "non-IPv6 address", Addr: ip.String()}
	}
	return &net.AddrError{Err: "non-IPv4 address", Addr: ip.String()}
}

// addrPort is a.AddrPort with the unspecified address of the socket's family for
// any unspecified one and for none, as net has it.
func (c *udpConn) addrPort(a *net.UDPAddr) netip.AddrPort {
	ap := a.AddrPort()
	switch ip := ap.Addr().Unmap(); {
	case ip.IsValid() && !ip.IsUnspecified():
		return ap
	case ip.Is6() || c.v6:
		return netip.AddrPortFrom(netip.IPv6Unspecified(), ap.Port())
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port())
}

// orNil keeps a nil pointer from becoming a net.Addr that is not nil.
func orNil(a *net.UDPAddr) net.Addr {
	if a == nil {
		return nil
	}
	return a
}

// addrPortAddr shows a netip.AddrPort in errors.
type addrPortAddr struct{ netip.AddrPort }

func (addrPortAddr) Network() string { return "udp" }
