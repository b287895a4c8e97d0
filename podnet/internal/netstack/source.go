package netstack

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
)

// Source returns the address that packets to another come from if their socket
// is not bound, the zero Addr if there is no way there. No packet is sent.
func (o *Owner) Source(to netip.Addr) netip.Addr {
	to = to.Unmap()
	if to.IsLoopback() { // 127.0.0.5, too, hears from 127.0.0.1
		if to.Is4() {
			return netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		return netip.IPv6Loopback()
	}
	if !to.IsValid() || o.isDead() {
		return netip.Addr{}
	}
	if from := o.ns.source(netip.AddrPort{}, to); from.IsValid() {
		return from.Addr()
	}
	proto := ipv4.ProtocolNumber
	if to.Is6() {
		proto = ipv6.ProtocolNumber
	}
	r, err := o.ns.stack.FindRoute(0, address(netip.Addr{}), address(to.WithZone("")), proto, false)
	if err != nil {
		return netip.Addr{}
	}
	defer r.Release()
	from := r.LocalAddress()
	a, _ := netip.AddrFromSlice(from.AsSlice())
	return a
}
