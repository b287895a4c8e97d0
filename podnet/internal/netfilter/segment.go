package netfilter

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// inherit takes over what a packet has that is not in its bytes.
func (p *Packet) inherit(of *Packet) {
	p.Owner, p.Origin, p.Departed, p.Mark = of.Owner, of.Origin, of.Departed, of.Mark
	p.In, p.before, p.rewritten = of.In, of.before, of.rewritten
	p.pkt.Owner = of.Owner
}

// Clone returns a copy of the packet with headers of its own.
func (p *Packet) Clone() *Packet {
	q := *p
	b := p.pkt.ToBuffer()
	q.assemble(len(p.hdr), b)
	q.inherit(p)
	return &q
}

// assemble makes the packet of bytes, the first n of which become its own.
func (p *Packet) assemble(n int, b buffer.Buffer) {
	proto, gso := p.pkt.NetworkProtocolNumber, p.pkt.GSOOptions
	v := buffer.NewViewSize(n)
	p.hdr = v.AsSlice()
	b.ReadAt(p.hdr, 0)
	b.TrimFront(int64(n))
	own := buffer.MakeWithView(v)
	own.Merge(&b)
	p.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: own})
	p.pkt.NetworkProtocolNumber, p.pkt.GSOOptions = proto, gso
}

// Segments returns the packets in which a link without GSO carries this one:
// itself, as a rule. p belongs to them.
func (p *Packet) Segments() []*Packet {
	gso := p.pkt.GSOOptions
	if gso.Type == stack.GSONone || gso.MSS == 0 || p.Segment() >= p.size || p.tuple.proto != TCP || p.fragment {
		return []*Packet{p}
	}
	defer p.Release()
	mss, headers := int(gso.MSS), p.headerLength()
	whole := p.pkt.ToBuffer()
	defer whole.Release()
	payload := p.size - headers
	list := make([]*Packet, 0, (payload+mss-1)/mss)
	for at := 0; at < payload; at += mss {
		n := min(mss, payload-at)
		v := buffer.NewViewSize(headers)
		whole.ReadAt(v.AsSlice(), 0)
		data := whole.Clone()
		data.TrimFront(int64(headers + at))
		data.Truncate(int64(n))
		own := buffer.MakeWithView(v)
		own.Merge(&data)
		q := *p
		q.hdr, q.size = v.AsSlice(), headers+n
		q.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: own})
		q.pkt.NetworkProtocolNumber, q.pkt.Owner = p.pkt.NetworkProtocolNumber, p.Owner
		q.renumber(at, len(list), at+n == payload)
		list = append(list, &q)
	}
	return list
}

// renumber makes the headers those of the n'th segment, whose payload begins at a
// place of the whole one's.
func (p *Packet) renumber(at, n int, last bool) {
	if p.tuple.v4 {
		h := header.IPv4(p.hdr)
		h.SetTotalLength(uint16(p.size))
		h.SetID(h.ID() + uint16(n))
		h.SetChecksum(0)
		h.SetChecksum(^h.CalculateChecksum())
	} else {
		header.IPv6(p.hdr).SetPayloadLength(uint16(p.size - header.IPv6MinimumSize))
	}
	t := header.TCP(p.hdr[p.l4:])
	t.SetSequenceNumber(t.SequenceNumber() + uint32(at))
	if !last {
		t.SetFlags(uint8(t.Flags() &^ (header.TCPFlagFin | header.TCPFlagPsh)))
	}
}

// Payload returns the length of what follows all headers, in bytes.
func (p *Packet) Payload() int {
	if p.offset > 0 {
		return p.size - p.l4
	}
	return max(0, p.size-p.headerLength())
}

// Bytes returns a copy of the packet's bytes.
func (p *Packet) Bytes() []byte { return p.start(p.size) }

// Flip returns the packet with one bit flipped, as a link that is out of order
// delivers it, and whether its receiver notices: then it drops it. Links leave
// checksums out; here they count. lot chooses the bit. If it was not noticed, p
// belongs to what is returned; otherwise p is as it was.
func (p *Packet) Flip(lot uint64) (q *Packet, noticed bool) {
	b := p.Bytes()
	p.fillChecksums(b)
	bit := int(lot % uint64(8*len(b)))
	b[bit/8] ^= 1 << (bit % 8)
	q, ok := FromBytes(b)
	if !ok {
		return nil, true
	}
	if q.tuple != p.tuple || q.l4 != p.l4 || !q.intact() {
		q.Release()
		return nil, true
	}
	q.inherit(p)
	p.Release()
	return q, false
}

// sum returns the checksum of the transport header and its payload, in which the
// field counts as it is; and where the field is. ok is false if there is none.
func (p *Packet) sum(b []byte) (field int, sum uint16, ok bool) {
	t := b[p.l4:]
	switch p.tuple.proto {
	case TCP:
		field = 16
	case UDP:
		field = 6
	case ICMP, ICMPv6:
		field = 2
	default:
		return 0, 0, false
	}
	if p.fragment || len(t) < field+2 {
		return 0, 0, false
	}
	if p.tuple.proto != ICMP {
		src, dst := tcpipAddress(p.tuple.Src().Addr()), tcpipAddress(p.tuple.Dst().Addr())
		sum = header.PseudoHeaderChecksum(tcpip.TransportProtocolNumber(p.tuple.proto), src, dst, uint16(len(t)))
	}
	return field, checksum.Checksum(t, sum), true
}

// fillChecksums puts the checksum of the transport header into a copy of the
// packet.
func (p *Packet) fillChecksums(b []byte) {
	field, _, ok := p.sum(b)
	if !ok {
		return
	}
	at := p.l4 + field
	b[at], b[at+1] = 0, 0
	_, sum, _ := p.sum(b)
	binary.BigEndian.PutUint16(b[at:], ^sum)
}

// intact reports whether the packet's checksums and lengths are right.
func (p *Packet) intact() bool {
	b := p.Bytes()
	if p.tuple.v4 {
		if h := header.IPv4(b); !h.IsChecksumValid() || int(h.TotalLength()) != len(b) {
			return false
		}
	} else if int(header.IPv6(b).PayloadLength()) != len(b)-header.IPv6MinimumSize {
		return false
	}
	_, sum, ok := p.sum(b)
	return !ok || sum == 0xffff
}

// ResetAhead returns the segment that resets p's connection where p was sent to,
// as if p's sender had, or false if there is none.
func (p *Packet) ResetAhead() (*Packet, bool) {
	if p.tuple.proto != TCP || p.offset > 0 || p.TCPFlags()&header.TCPFlagRst != 0 {
		return nil, false
	}
	b := p.start(p.headerLength())
	b = b[:p.l4+header.TCPMinimumSize]
	t := header.TCP(b[p.l4:])
	t.SetDataOffset(header.TCPMinimumSize)
	t.SetFlags(uint8(header.TCPFlagRst | t.Flags()&header.TCPFlagAck))
	t.SetWindowSize(0)
	if p.tuple.v4 {
		h := header.IPv4(b)
		h.SetTotalLength(uint16(len(b)))
		h.SetChecksum(0)
		h.SetChecksum(^h.CalculateChecksum())
	} else {
		header.IPv6(b).SetPayloadLength(uint16(len(b) - header.IPv6MinimumSize))
	}
	q, ok := FromBytes(b)
	if !ok {
		return nil, false
	}
	q.fillOwn()
	q.inherit(p)
	return q, true
}

// fillOwn fills the checksums of a packet all of whose bytes are its own.
func (p *Packet) fillOwn() { p.fillChecksums(p.hdr) }
