package podnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// OriginalDst returns where the peer of a connection sent it before a rule of the
// Pod's iptables sent it elsewhere: what the socket option SO_ORIGINAL_DST gives, by
// which the proxy of a mesh learns whom to talk to. c is a TCP connection of this
// package, or what has one in it and a method NetConn, as a *tls.Conn has.
//
// Of a connection that no rule has sent elsewhere it is the address that it came to,
// or, for the one who dialed, went to. If the Pod tracks no connections (there has
// been no rule that needs it) the error is syscall.ENOENT, as on Linux. What a
// Service or a node has translated, only the node knows.
func OriginalDst(c net.Conn) (netip.AddrPort, error) {
	for {
		switch v := c.(type) {
		case interface {
			OriginalDst() (netip.AddrPort, error)
		}:
			return v.OriginalDst()
		case interface{ NetConn() net.Conn }:
			c = v.NetConn()
		default:
			return netip.AddrPort{}, fmt.Errorf("podnet: OriginalDst of a %T: it is no TCP connection of a Pod: %w", c, errors.ErrUnsupported)
		}
	}
}
