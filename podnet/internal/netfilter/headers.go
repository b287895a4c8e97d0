package netfilter

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// headers is what the headers of a packet say.
type headers struct {
	tuple Tuple
	kind  kind
	icmp  [2]uint8 // type and code
	l4    int      // where the transport header begins
	cut   bool     // the checksum of the transport header is not there

	// Of a fragment: which datagram it belongs to, where it stands in it, in
	// bytes, and whether more follow.
	fragment, more bool
	fragID         uint32
	offset         int
}

// kind says what the transport header is good for.
type kind uint8

const (
	plain     kind = iota // the tuple names a connection
	icmpError             // it tells of another packet, whose headers are within
	untracked             // what belongs to no connection
)

// parse reads the headers of a packet. It fails if they make no sense, or are not
// all there. Of a quoted packet, which an ICMP error tells of, the transport
// header's first eight bytes suffice.
func parse(b []byte, quoted bool) (headers, bool) {
	var h headers
	if len(b) == 0 {
		return h, false
	}
	var ok bool
	switch b[0] >> 4 {
	case 4:
		ok = h.parseIPv4(b)
	case 6:
		ok = h.parseIPv6(b)
	}
	return h, ok && h.parseTransport(b[h.l4:], quoted)
}

func (h *headers) parseIPv4(b []byte) bool {
	ip := header.IPv4(b)
	if len(b) < header.IPv4MinimumSize || int(ip.HeaderLength()) > len(b) || int(ip.HeaderLength()) < header.IPv4MinimumSize {
		return false
	}
	h.tuple = Tuple{proto: b[9], v4: true}
	mapped(&h.tuple.src, b[12:16])
	mapped(&h.tuple.dst, b[16:20])
	h.l4 = int(ip.HeaderLength())
	h.more, h.offset = ip.More(), int(ip.FragmentOffset())
	h.fragment, h.fragID = h.more || h.offset > 0, uint32(ip.ID())
	return true
}

// mapped sets a to an IPv4 address in its IPv4-mapped form.
func mapped(a *[16]byte, b []byte) {
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], b)
}

func (h *headers) parseIPv6(b []byte) bool {
	if len(b) < header.IPv6MinimumSize {
		return false
	}
	h.tuple = Tuple{src: [16]byte(b[8:24]), dst: [16]byte(b[24:40])}
	next, at := b[6], header.IPv6MinimumSize
	for {
		switch next {
		case 0, 43, 60: // hop-by-hop options, routing, destination options
			if len(b) < at+8 || len(b) < at+8+8*int(b[at+1]) {
				return false
			}
			next, at = b[at], at+8+8*int(b[at+1])
			continue
		case 44: // fragment
			if len(b) < at+8 {
				return false
			}
			bits := binary.BigEndian.Uint16(b[at+2:])
			h.fragment, h.more, h.offset = true, bits&1 != 0, int(bits&^7)
			h.fragID = binary.BigEndian.Uint32(b[at+4:])
			next, at = b[at], at+8
			if h.offset == 0 {
				continue
			}
		}
		break
	}
	h.tuple.proto, h.l4 = next, at
	return true
}

// parseTransport reads ports, or what stands for them, from t, which begins with
// the transport header. A later fragment has none.
func (h *headers) parseTransport(t []byte, quoted bool) bool {
	if h.offset > 0 {
		return true
	}
	least := 0
	switch h.tuple.proto {
	case TCP:
		least = header.TCPMinimumSize
	case UDP, ICMP, ICMPv6:
		least = 8
	default:
		return true
	}
	if quoted {
		h.cut, least = len(t) < least, 8
	}
	if len(t) < least {
		return false
	}
	if h.tuple.isICMP() {
		h.parseICMP(t)
		return true
	}
	h.tuple.srcPort, h.tuple.dstPort = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	return true
}

// The types of ICMP and ICMPv6 messages that matter here.
const (
	icmpEcho        = 8
	icmpEchoReply   = 0
	icmpv6Echo      = 128
	icmpv6EchoReply = 129
)

func (h *headers) parseICMP(t []byte) {
	h.icmp = [2]uint8(t)
	v4 := h.tuple.v4 && h.tuple.proto == ICMP
	v6 := !h.tuple.v4 && h.tuple.proto == ICMPv6
	switch typ := t[0]; {
	case v4 && (typ == icmpEcho || typ == icmpEchoReply), v6 && (typ == icmpv6Echo || typ == icmpv6EchoReply):
		id := binary.BigEndian.Uint16(t[4:])
		h.tuple.srcPort, h.tuple.dstPort = id, id
		h.tuple.answer = typ == icmpEchoReply || typ == icmpv6EchoReply
	case v4 && (typ == 3 || typ == 5 || typ == 11 || typ == 12), v6 && typ < 128:
		h.kind = icmpError
	default:
		h.kind = untracked
	}
}
