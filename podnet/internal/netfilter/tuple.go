package netfilter

import (
	"fmt"
	"net/netip"
)

// The protocols whose ports or identifiers are known, by their IP numbers.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// A Tuple names one direction of a connection. It is a key of maps.
type Tuple struct {
	src, dst         [16]byte // IPv4 addresses as IPv4-mapped ones
	srcPort, dstPort uint16   // of ICMP echo: the identifier, in both
	proto            uint8
	v4               bool
	answer           bool // of ICMP echo: the reply to a request
}

// NewTuple returns the tuple of packets from src to dst.
func NewTuple(proto uint8, src, dst netip.AddrPort) Tuple {
	return Tuple{src: src.Addr().As16(), dst: dst.Addr().As16(), srcPort: src.Port(), dstPort: dst.Port(), proto: proto, v4: dst.Addr().Is4()}
}

// Protocol returns the IP protocol number.
func (t Tuple) Protocol() uint8 { return t.proto }

// Is4 reports whether the addresses are IPv4's.
func (t Tuple) Is4() bool { return t.v4 }

// Src returns where packets come from. The port of protocols without ports is 0.
func (t Tuple) Src() netip.AddrPort { return netip.AddrPortFrom(t.addr(t.src), t.srcPort) }

// Dst returns where packets go.
func (t Tuple) Dst() netip.AddrPort { return netip.AddrPortFrom(t.addr(t.dst), t.dstPort) }

func (t Tuple) addr(a [16]byte) netip.Addr {
	if t.v4 {
		return netip.AddrFrom4([4]byte(a[12:]))
	}
	return netip.AddrFrom16(a)
}

// Inverse returns the tuple of answers.
func (t Tuple) Inverse() Tuple {
	t.src, t.dst = t.dst, t.src
	t.srcPort, t.dstPort = t.dstPort, t.srcPort
	t.answer = t.isICMP() && !t.answer
	return t
}

// withSrc returns t with another source. Of ICMP echo the identifier goes with it.
func (t Tuple) withSrc(a netip.AddrPort) Tuple {
	t.src, t.srcPort = a.Addr().As16(), a.Port()
	if t.isICMP() {
		t.dstPort = t.srcPort
	}
	return t
}

// withDst returns t with another destination, whose port only TCP and UDP heed.
func (t Tuple) withDst(a netip.AddrPort) Tuple {
	t.dst = a.Addr().As16()
	if t.proto == TCP || t.proto == UDP {
		t.dstPort = a.Port()
	}
	return t
}

func (t Tuple) isICMP() bool { return t.proto == ICMP || t.proto == ICMPv6 }

// String returns the tuple for people: "tcp 10.0.0.1:1234 > 10.0.0.2:80".
func (t Tuple) String() string {
	return fmt.Sprintf("%s %s > %s", ProtocolName(t.proto), t.Src(), t.Dst())
}

// ProtocolName returns the name of a protocol, as /etc/protocols has it in lower
// case, or its number.
func ProtocolName(proto uint8) string {
	switch proto {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	case 132:
		return "sctp"
	}
	return fmt.Sprint(proto)
}
