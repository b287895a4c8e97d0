package netstack

import (
	"os"
	"syscall"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"podnet.dev/podnet/internal/errno"
)

// icmpCause is an ICMP error of which gVisor tells a socket nothing, though Linux
// does. It goes to the socket as one that gVisor tells of.
type icmpCause struct {
	kind      stack.TransportErrorKind
	v4        bool
	typ, code uint8
}

// Type returns the ICMP type.
func (c *icmpCause) Type() uint8 { return c.typ }

// Code returns the ICMP code.
func (c *icmpCause) Code() uint8 { return c.code }

// Origin returns the protocol that tells of it.
func (c *icmpCause) Origin() tcpip.SockErrOrigin {
	if c.v4 {
		return tcpip.SockExtErrorOriginICMP
	}
	return tcpip.SockExtErrorOriginICMP6
}

// Info returns 0.
func (*icmpCause) Info() uint32 { return 0 }

// Kind returns which of gVisor's errors the socket takes it for.
func (c *icmpCause) Kind() stack.TransportErrorKind { return c.kind }

// errno returns what Linux makes of the error: icmp_err_convert of net/ipv4/icmp.c,
// icmpv6_err_convert of net/ipv6/icmp.c. fatal says that UDP sockets hear of it,
// too. It is 0 for what is no socket's affair.
func (c *icmpCause) errno() (e syscall.Errno, fatal bool) {
	if c.v4 {
		switch c.typ {
		case 3:
			switch c.code {
			case 2:
				return syscall.ENOPROTOOPT, true
			case 6, 9:
				return syscall.ENETUNREACH, true
			case 0, 11:
				return syscall.ENETUNREACH, false
			case 10, 13, 14, 15:
				return syscall.EHOSTUNREACH, true
			case 1, 12:
				return syscall.EHOSTUNREACH, false
			}
		case 11:
			return syscall.EHOSTUNREACH, false
		}
		return 0, false
	}
	switch c.typ {
	case 1:
		switch c.code {
		case 0:
			return syscall.ENETUNREACH, false
		case 1, 5, 6:
			return syscall.EACCES, true
		case 2, 3:
			return syscall.EHOSTUNREACH, false
		}
	case 3:
		return syscall.EHOSTUNREACH, false
	}
	return 0, false
}

// unheard returns the cause of an ICMP error about a packet of a protocol, if
// gVisor would not tell the packet's socket of it.
func unheard(v4 bool, typ, code uint8, proto tcpip.TransportProtocolNumber) (*icmpCause, bool) {
	c := &icmpCause{stack.DestinationPortUnreachableTransportError, v4, typ, code}
	e, fatal := c.errno()
	switch proto {
	case udp.ProtocolNumber:
		return c, fatal
	case tcp.ProtocolNumber:
		if e == syscall.EHOSTUNREACH {
			c.kind = stack.DestinationHostUnreachableTransportError
			return c, !v4 || typ == 11
		}
		return c, e == syscall.EACCES
	}
	return nil, false
}

// explain tells the socket that an ICMP error is about, if gVisor does not.
func (l *hookedLink) explain(pkt *stack.PacketBuffer) {
	b, ok := pkt.Data().PullUp(header.IPv4MinimumSize)
	if !ok {
		return
	}
	v4 := b[0]>>4 == 4
	if v4 && b[9] != uint8(header.ICMPv4ProtocolNumber) || !v4 && b[6] != uint8(header.ICMPv6ProtocolNumber) {
		return
	}
	data := pkt.Data().AsRange().ToSlice()
	outer, ok := headerLength(data)
	if !ok || len(data) < outer+header.ICMPv4MinimumSize {
		return
	}
	icmp, about := data[outer:], data[outer+header.ICMPv4MinimumSize:]
	inner, ok := headerLength(about)
	if !ok || len(about) < inner+header.ICMPv4MinimumSize {
		return
	}
	told := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(about[inner:])})
	defer told.DecRef()
	var local, remote tcpip.Address
	var proto tcpip.TransportProtocolNumber
	if h := header.IPv4(about); about[0]>>4 == 4 {
		if h.FragmentOffset() != 0 {
			return
		}
		local, remote, proto = h.SourceAddress(), h.DestinationAddress(), h.TransportProtocol()
		told.NetworkProtocolNumber = header.IPv4ProtocolNumber
	} else {
		h := header.IPv6(about)
		local, remote, proto = h.SourceAddress(), h.DestinationAddress(), tcpip.TransportProtocolNumber(h.NextHeader())
		told.NetworkProtocolNumber = header.IPv6ProtocolNumber
	}
	cause, ok := unheard(v4, icmp[0], icmp[1], proto)
	if d := l.transport.Load(); ok && d != nil {
		d.(stack.TransportDispatcher).DeliverTransportError(local, remote, told.NetworkProtocolNumber, proto, cause, told)
	}
}

// headerLength returns the length of the IP header at the beginning of b, and
// false if it is not all there.
func headerLength(b []byte) (int, bool) {
	if len(b) == 0 {
		return 0, false
	}
	n := header.IPv6MinimumSize
	if b[0]>>4 == 4 {
		n = int(header.IPv4(b).HeaderLength())
		if n < header.IPv4MinimumSize {
			return 0, false
		}
	}
	return n, len(b) >= n
}

// hear makes an endpoint keep the causes of its errors, of which endpointError
// tells. Whoever closes the endpoint has to call forget then.
func hear(ep tcpip.Endpoint) {
	ep.SocketOptions().SetIPv4RecvError(true)
	ep.SocketOptions().SetIPv6RecvError(true)
}

// forget makes an endpoint forget the causes of its errors.
func forget(ep tcpip.Endpoint) {
	lastCause(ep) // gVisor would drop them without releasing what they hold
	ep.SocketOptions().SetIPv4RecvError(false)
	ep.SocketOptions().SetIPv6RecvError(false)
}

// lastCause returns the cause of an endpoint's last error, or nil if it is not
// known, and drops those of all of its errors.
func lastCause(ep tcpip.Endpoint) (cause tcpip.SockErrorCause) {
	for e := ep.SocketOptions().DequeueErr(); e != nil; e = ep.SocketOptions().DequeueErr() {
		cause = e.Cause
		if e.Payload != nil {
			e.Payload.Release()
		}
	}
	return cause
}

// endpointError is sysError for an error of an endpoint that hears. gVisor may
// call it ECONNREFUSED whatever its cause.
func endpointError(call string, ep tcpip.Endpoint, err tcpip.Error) error {
	if _, ok := err.(*tcpip.ErrWouldBlock); ok {
		return sysError(call, err)
	}
	cause, ok := lastCause(ep).(*icmpCause) // also of what is too long: it is kept, too
	if _, refused := err.(*tcpip.ErrConnectionRefused); ok && refused {
		e, _ := cause.errno()
		return os.NewSyscallError(call, errno.Of(e))
	}
	return sysError(call, err)
}
