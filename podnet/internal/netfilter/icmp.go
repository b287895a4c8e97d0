package netfilter

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Refusal is why a packet is sent back: a kind of ICMP error, or a TCP reset.
type Refusal uint8

// The refusals of routers and of the REJECT target.
const (
	NetUnreachable Refusal = iota + 1
	HostUnreachable
	ProtoUnreachable
	PortUnreachable
	NetProhibited
	HostProhibited
	AdminProhibited
	TTLExceeded
	TooBig // which has an MTU
	TCPReset
)

// icmpTypes are the types and codes of the refusals, of ICMP and of ICMPv6.
var icmpTypes = map[Refusal][2][2]uint8{
	NetUnreachable:   {{3, 0}, {1, 0}},
	HostUnreachable:  {{3, 1}, {1, 3}},
	ProtoUnreachable: {{3, 2}, {1, 4}},
	PortUnreachable:  {{3, 3}, {1, 4}},
	NetProhibited:    {{3, 9}, {1, 1}},
	HostProhibited:   {{3, 10}, {1, 1}},
	AdminProhibited:  {{3, 13}, {1, 1}},
	TTLExceeded:      {{11, 0}, {3, 0}},
	TooBig:           {{3, 4}, {2, 0}},
}

// Refuse returns the packet that tells p's sender why p does not arrive, or false
// if it must not be told (RFC 1122, 3.2.2). from is who tells it; a reset comes
// from whom p was sent to. mtu counts for TooBig only.
func (p *Packet) Refuse(why Refusal, from netip.Addr, mtu int) (*Packet, bool) {
	switch {
	case !p.answerable():
		return nil, false
	case why == TCPReset:
		return p.reset()
	case p.tuple.v4:
		return p.refuseWith(icmpTypes[why][0], from, mtu)
	}
	return p.refuseWith(icmpTypes[why][1], from, mtu)
}

// answerable reports whether the packet's sender may be told of its fate.
func (p *Packet) answerable() bool {
	return p.kind != icmpError && p.offset == 0 && isOne(p.tuple.Src().Addr()) && isOne(p.tuple.Dst().Addr())
}

// isOne reports whether an address may be that of one host.
func isOne(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// refuseWith returns the ICMP error of a type and code, or false if from is no
// address of the packet's family.
func (p *Packet) refuseWith(typ [2]uint8, from netip.Addr, mtu int) (*Packet, bool) {
	if !from.IsValid() || from.Is4() != p.tuple.v4 {
		return nil, false
	}
	if p.tuple.v4 {
		return FromBytes(p.icmpv4(typ, from, mtu))
	}
	return FromBytes(p.icmpv6(typ, from, mtu))
}

// start returns the first bytes of the packet, at most n.
func (p *Packet) start(n int) []byte {
	b := make([]byte, min(n, p.size))
	data := p.pkt.ToBuffer()
	defer data.Release()
	data.ReadAt(b, 0)
	return b
}

// The lengths of ICMP errors in bytes, headers included: what every host accepts
// (RFC 1812, 4.3.2.3; RFC 4443, 2.4).
const (
	maxICMPv4 = 576
	maxICMPv6 = 1280
)

func (p *Packet) icmpv4(typ [2]uint8, from netip.Addr, mtu int) []byte {
	const headers = header.IPv4MinimumSize + header.ICMPv4MinimumSize
	b := append(make([]byte, headers), p.start(maxICMPv4-headers)...)
	header.IPv4(b).Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), TTL: 64, Protocol: ICMP, TOS: 0xc0,
		SrcAddr: tcpipAddress(from), DstAddr: tcpipAddress(p.tuple.Src().Addr()),
	})
	header.IPv4(b).SetChecksum(^header.IPv4(b).CalculateChecksum())
	m := b[header.IPv4MinimumSize:]
	m[0], m[1] = typ[0], typ[1]
	if typ[0] == 3 && typ[1] == 4 {
		binary.BigEndian.PutUint16(m[6:], uint16(mtu))
	}
	binary.BigEndian.PutUint16(m[2:], ^checksum.Checksum(m, 0))
	return b
}

func (p *Packet) icmpv6(typ [2]uint8, from netip.Addr, mtu int) []byte {
	const headers = header.IPv6MinimumSize + 8
	b := append(make([]byte, headers), p.start(maxICMPv6-headers)...)
	src, dst := tcpipAddress(from), tcpipAddress(p.tuple.Src().Addr())
	header.IPv6(b).Encode(&header.IPv6Fields{
		PayloadLength: uint16(len(b) - header.IPv6MinimumSize), TransportProtocol: ICMPv6, HopLimit: 64, SrcAddr: src, DstAddr: dst,
	})
	m := b[header.IPv6MinimumSize:]
	m[0], m[1] = typ[0], typ[1]
	if typ[0] == 2 {
		binary.BigEndian.PutUint32(m[4:], uint32(mtu))
	}
	sum := header.PseudoHeaderChecksum(ICMPv6, src, dst, uint16(len(m)))
	binary.BigEndian.PutUint16(m[2:], ^checksum.Checksum(m, sum))
	return b
}

// reset returns the segment that resets p's connection, as nf_reject_ipv4.c makes
// it. There is none to a reset.
func (p *Packet) reset() (*Packet, bool) {
	f := p.TCPFlags()
	if p.tuple.proto != TCP || f&header.TCPFlagRst != 0 {
		return nil, false
	}
	t := header.TCP(p.hdr[p.l4:])
	fields := header.TCPFields{
		SrcPort: p.tuple.dstPort, DstPort: p.tuple.srcPort, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagRst,
	}
	if f&header.TCPFlagAck != 0 {
		fields.SeqNum = t.AckNumber()
	} else {
		length := p.size - p.l4 - int(t.DataOffset())
		if f&header.TCPFlagSyn != 0 {
			length++
		}
		if f&header.TCPFlagFin != 0 {
			length++
		}
		fields.Flags |= header.TCPFlagAck
		fields.AckNum = t.SequenceNumber() + uint32(length)
	}
	src, dst := tcpipAddress(p.tuple.Dst().Addr()), tcpipAddress(p.tuple.Src().Addr())
	var b []byte
	if p.tuple.v4 {
		b = make([]byte, header.IPv4MinimumSize+header.TCPMinimumSize)
		header.IPv4(b).Encode(&header.IPv4Fields{
			TotalLength: uint16(len(b)), TTL: 64, Protocol: TCP, Flags: header.IPv4FlagDontFragment, SrcAddr: src, DstAddr: dst,
		})
		header.IPv4(b).SetChecksum(^header.IPv4(b).CalculateChecksum())
	} else {
		b = make([]byte, header.IPv6MinimumSize+header.TCPMinimumSize)
		header.IPv6(b).Encode(&header.IPv6Fields{
			PayloadLength: header.TCPMinimumSize, TransportProtocol: TCP, HopLimit: 64, SrcAddr: src, DstAddr: dst,
		})
	}
	h := header.TCP(b[len(b)-header.TCPMinimumSize:])
	h.Encode(&fields)
	h.SetChecksum(^h.CalculateChecksum(header.PseudoHeaderChecksum(TCP, src, dst, header.TCPMinimumSize)))
	return FromBytes(b)
}

// IsICMPError reports whether the packet tells of another one's fate.
func (p *Packet) IsICMPError() bool { return p.kind == icmpError }

// Untracked reports whether the packet belongs to no connection.
func (p *Packet) Untracked() bool { return p.kind == untracked }

// TranslateError sends an ICMP error on to whom the packet within it came from,
// before that was translated, and makes it tell of the packet as it was sent. It
// does nothing, and returns false, if the packet is none of a known connection.
func (t *Conntrack) TranslateError(p *Packet) bool {
	inner, ok := p.within()
	if !ok {
		return false
	}
	// The error travels as an answer to the packet within does.
	answer := inner.tuple.Inverse()
	c, d := t.lookup(answer)
	if c == nil {
		return false
	}
	to := c.Leaving(d)
	if to == answer {
		return true
	}
	outer := p.tuple
	if to.src != answer.src {
		outer.src = to.src
	}
	if to.dst != answer.dst {
		outer.dst = to.dst
	}
	message := p.hdr[p.l4:]
	old := slices.Clone(message)
	inner.rewrite(to.Inverse())
	adjust(p.checksum(), old, message)
	p.rewrite(outer)
	return true
}

// within returns the packet of which an ICMP error tells. Its headers are p's
// memory.
func (p *Packet) within() (*Packet, bool) {
	h, ok := p.headers.within(p.hdr)
	if !ok {
		return nil, false
	}
	return &Packet{headers: h, hdr: p.hdr[p.l4+8:]}, true
}

// within returns what the headers say that are quoted by the ICMP error b, which
// h is of.
func (h *headers) within(b []byte) (headers, bool) {
	at := h.l4 + 8
	if h.kind != icmpError || h.offset > 0 || len(b) < at {
		return headers{}, false
	}
	q, ok := parse(b[at:], true)
	return q, ok && q.kind == plain && q.tuple.v4 == h.tuple.v4
}

// tcpipAddress returns an address as gVisor has it.
func tcpipAddress(a netip.Addr) tcpip.Address {
	if a.Is4() {
		return tcpip.AddrFrom4(a.As4())
	}
	return tcpip.AddrFrom16(a.As16())
}
