package netfilter

import (
	"encoding/binary"
	"net/netip"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A Packet is an IP packet between two stacks, with headers that may be changed:
// they are its own memory, while its payload is shared with whoever sent it. It
// is owned by one at a time, who passes it on or calls Release.
type Packet struct {
	tuple Tuple
	pkt   *stack.PacketBuffer // what arrives: everything is in its data
	hdr   []byte              // the first bytes of pkt, in memory that nobody else has
	l4    int                 // where the transport header begins
	size  int                 // of all, in bytes
	kind  kind

	// Of a fragment: which datagram it belongs to, where it stands in it, in
	// bytes, and whether more follow.
	fragment, more bool
	cut            bool // the transport header is not all there
	fragID         uint32
	offset         int

	before    Tuple // the tuple that it was first rewritten from
	rewritten bool

	// Owner is the socket's that sent the packet, or nil.
	Owner tcpip.PacketOwner
	// Origin is the end that the packet came from, to whoever set it.
	Origin any
	// Departed is when the packet was first under way, in the count of whoever set
	// it; 0 if it has never been.
	Departed uint64
	// In is the interface over which the packet came to a router; "" if it is
	// the router's own.
	In string
	// Mark is netfilter's, which only rules see.
	Mark uint32
}

// kind says what the transport header is good for.
type kind uint8

const (
	plain     kind = iota // the tuple names a connection
	icmpError             // it tells of another packet, whose headers are within
	untracked             // what belongs to no connection
)

// NewPacket returns a copy of what a stack sends, whose reference the caller
// keeps. It fails if the headers make no sense.
func NewPacket(sent *stack.PacketBuffer) (*Packet, bool) {
	p := &Packet{Owner: sent.Owner, size: sent.Size()}
	if nh, th := sent.NetworkHeader().Slice(), sent.TransportHeader().Slice(); len(th) > 0 && p.measure(nh, th) {
		p.take(sent, len(nh)+len(th))
	} else {
		p.take(sent, min(p.size, maxHeaders))
	}
	if !p.parse() {
		p.Release()
		return nil, false
	}
	return p, true
}

// maxHeaders is enough for the headers of an ICMP error about a packet with
// options, in bytes.
const maxHeaders = 256

// measure reports whether the two headers are all that is to be read: so they are
// but for ICMP errors, which go on in the payload.
func (p *Packet) measure(nh, _ []byte) bool {
	switch {
	case len(nh) >= header.IPv4MinimumSize && nh[0]>>4 == 4:
		return nh[9] != ICMP
	case len(nh) == header.IPv6MinimumSize:
		return nh[6] != ICMPv6
	}
	return false
}

// take makes the first n bytes the packet's own.
func (p *Packet) take(sent *stack.PacketBuffer, n int) {
	b := sent.ToBuffer()
	v := buffer.NewViewSize(n)
	p.hdr = v.AsSlice()
	b.ReadAt(p.hdr, 0)
	b.TrimFront(int64(n))
	own := buffer.MakeWithView(v)
	own.Merge(&b)
	p.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: own})
	p.pkt.NetworkProtocolNumber = sent.NetworkProtocolNumber
	p.pkt.GSOOptions = sent.GSOOptions
}

// FromBytes returns a packet of its bytes, which it takes over. It fails if the
// headers make no sense.
func FromBytes(b []byte) (*Packet, bool) {
	p := &Packet{size: len(b), hdr: b}
	v := buffer.NewViewSize(len(b))
	copy(v.AsSlice(), b)
	p.hdr = v.AsSlice()
	p.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(v)})
	if !p.parse() {
		p.Release()
		return nil, false
	}
	return p, true
}

// parse reads the headers.
func (p *Packet) parse() bool {
	if len(p.hdr) == 0 {
		return false
	}
	switch p.hdr[0] >> 4 {
	case 4:
		return p.parseIPv4()
	case 6:
		return p.parseIPv6()
	}
	return false
}

func (p *Packet) parseIPv4() bool {
	h := header.IPv4(p.hdr)
	if len(h) < header.IPv4MinimumSize || int(h.HeaderLength()) > len(h) || int(h.HeaderLength()) < header.IPv4MinimumSize {
		return false
	}
	p.pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	p.tuple = Tuple{proto: h[9], v4: true}
	v4(&p.tuple.src, h[12:16])
	v4(&p.tuple.dst, h[16:20])
	p.l4 = int(h.HeaderLength())
	p.more, p.offset = h.More(), int(h.FragmentOffset())
	p.fragment, p.fragID = p.more || p.offset > 0, uint32(h.ID())
	return p.parseTransport()
}

// v4 sets a to an IPv4 address in its IPv4-mapped form.
func v4(a *[16]byte, b []byte) {
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], b)
}

func (p *Packet) parseIPv6() bool {
	h := p.hdr
	if len(h) < header.IPv6MinimumSize {
		return false
	}
	p.pkt.NetworkProtocolNumber = header.IPv6ProtocolNumber
	p.tuple = Tuple{src: [16]byte(h[8:24]), dst: [16]byte(h[24:40])}
	next, at := h[6], header.IPv6MinimumSize
	for {
		switch next {
		case 0, 43, 60: // hop-by-hop options, routing, destination options
			if len(h) < at+8 || len(h) < at+8+8*int(h[at+1]) {
				return false
			}
			next, at = h[at], at+8+8*int(h[at+1])
			continue
		case 44: // fragment
			if len(h) < at+8 {
				return false
			}
			bits := binary.BigEndian.Uint16(h[at+2:])
			p.fragment, p.more, p.offset = true, bits&1 != 0, int(bits&^7)
			p.fragID = binary.BigEndian.Uint32(h[at+4:])
			next, at = h[at], at+8
			if p.offset == 0 {
				continue
			}
		}
		break
	}
	p.tuple.proto, p.l4 = next, at
	return p.parseTransport()
}

// parseTransport reads ports or what stands for them. What is cut off makes no
// connection; what is a later fragment has none.
func (p *Packet) parseTransport() bool {
	if p.offset > 0 {
		return true
	}
	t := p.hdr[p.l4:]
	switch p.tuple.proto {
	case TCP:
		if len(t) < header.TCPMinimumSize {
			return false
		}
	case UDP:
		if len(t) < header.UDPMinimumSize {
			return false
		}
	case ICMP, ICMPv6:
		if len(t) < 8 {
			return false
		}
		return p.parseICMP(t)
	default:
		return true
	}
	p.tuple.srcPort, p.tuple.dstPort = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	return true
}

func (p *Packet) parseICMP(t []byte) bool {
	switch {
	case p.tuple.v4 && (t[0] == 0 || t[0] == 8), !p.tuple.v4 && (t[0] == 128 || t[0] == 129): // echo
		id := binary.BigEndian.Uint16(t[4:])
		p.tuple.srcPort, p.tuple.dstPort = id, id
	case p.tuple.v4 && (t[0] == 3 || t[0] == 5 || t[0] == 11 || t[0] == 12), !p.tuple.v4 && t[0] < 128:
		p.kind = icmpError
	default:
		p.kind = untracked
	}
	return true
}

// Tuple returns whence the packet comes and where it goes.
func (p *Packet) Tuple() Tuple { return p.tuple }

// Before returns the tuple that the packet had before it was first translated.
func (p *Packet) Before() Tuple {
	if p.rewritten {
		return p.before
	}
	return p.tuple
}

// Size returns the length of the IP packet in bytes.
func (p *Packet) Size() int { return p.size }

// TCPFlags returns the flags of a TCP packet, and 0 for any other.
func (p *Packet) TCPFlags() header.TCPFlags {
	if p.tuple.proto != TCP || p.offset > 0 {
		return 0
	}
	return header.TCPFlags(p.hdr[p.l4+13])
}

// ICMPType returns the type and code of an ICMP packet, and false for any other.
func (p *Packet) ICMPType() (typ, code uint8, ok bool) {
	if !p.tuple.isEcho() || p.offset > 0 {
		return 0, 0, false
	}
	return p.hdr[p.l4], p.hdr[p.l4+1], true
}

// Fragment reports whether the packet is a fragment of a datagram.
func (p *Packet) Fragment() bool { return p.fragment }

// LaterFragment reports whether the packet is a fragment without the transport
// header.
func (p *Packet) LaterFragment() bool { return p.offset > 0 }

// TTL returns the time to live, IPv6's hop limit.
func (p *Packet) TTL() uint8 {
	if p.tuple.v4 {
		return p.hdr[8]
	}
	return p.hdr[7]
}

// DecrementTTL takes one off the TTL, which must be more than 0.
func (p *Packet) DecrementTTL() {
	if !p.tuple.v4 {
		p.hdr[7]--
		return
	}
	var old [2]byte
	copy(old[:], p.hdr[8:10])
	p.hdr[8]--
	adjust(p.hdr[10:12], old[:], p.hdr[8:10])
}

// Buffer returns the packet as it is delivered to a stack. The reference stays
// the packet's.
func (p *Packet) Buffer() *stack.PacketBuffer { return p.pkt }

// Release drops the packet's reference to its buffer. It must be called once.
func (p *Packet) Release() { p.pkt.DecRef() }

// DontFragment reports whether the packet may not be cut into fragments.
func (p *Packet) DontFragment() bool {
	return !p.tuple.v4 || header.IPv4(p.hdr).Flags()&header.IPv4FlagDontFragment != 0
}

// Segment returns the length of the packets in which this one crosses a link: its
// own, or that of the segments into which it is still to be cut.
func (p *Packet) Segment() int {
	if gso := p.pkt.GSOOptions; gso.Type != stack.GSONone && gso.MSS > 0 {
		return min(p.size, p.headers()+int(gso.MSS))
	}
	return p.size
}

// headers returns the length of all headers, in bytes.
func (p *Packet) headers() int {
	if p.tuple.proto == TCP {
		return p.l4 + int(header.TCP(p.hdr[p.l4:]).DataOffset())
	}
	return p.l4 + 8
}

// rewrite sends the packet from and to elsewhere.
func (p *Packet) rewrite(to Tuple) {
	if to == p.tuple {
		return
	}
	if !p.rewritten {
		p.before, p.rewritten = p.tuple, true
	}
	p.setAddr(&p.tuple.src, to.src, true)
	p.setAddr(&p.tuple.dst, to.dst, false)
	if p.offset == 0 {
		p.setPorts(to)
	}
	p.tuple = to
}

// setAddr sets one of the addresses, and the checksums that cover it.
func (p *Packet) setAddr(have *[16]byte, want [16]byte, src bool) {
	if *have == want {
		return
	}
	var field, old, now []byte
	if p.tuple.v4 {
		at := 16
		if src {
			at = 12
		}
		field, old, now = p.hdr[at:at+4], have[12:], want[12:]
		adjust(p.hdr[10:12], old, now)
	} else {
		at := 24
		if src {
			at = 8
		}
		field, old, now = p.hdr[at:at+16], have[:], want[:]
	}
	copy(field, now)
	if sum := p.checksum(); sum != nil && p.tuple.proto != ICMP {
		adjust(sum, old, now)
	}
}

func (p *Packet) setPorts(to Tuple) {
	t := p.hdr[p.l4:]
	switch p.tuple.proto {
	case TCP, UDP:
		p.setPort(t[0:2], to.srcPort)
		p.setPort(t[2:4], to.dstPort)
	case ICMP, ICMPv6:
		if p.kind == plain {
			p.setPort(t[4:6], to.srcPort)
		}
	}
}

func (p *Packet) setPort(field []byte, want uint16) {
	var now [2]byte
	binary.BigEndian.PutUint16(now[:], want)
	if sum := p.checksum(); sum != nil {
		adjust(sum, field, now[:])
	}
	copy(field, now[:])
}

// checksum returns the field of the transport header's checksum, or nil if there
// is none to keep right.
func (p *Packet) checksum() []byte {
	if p.offset > 0 || p.cut {
		return nil
	}
	t := p.hdr[p.l4:]
	switch p.tuple.proto {
	case TCP:
		return t[16:18]
	case UDP:
		if t[6] == 0 && t[7] == 0 {
			return nil // not computed
		}
		return t[6:8]
	case ICMP, ICMPv6:
		return t[2:4]
	}
	return nil
}

// adjust brings a checksum up to date with bytes that change (RFC 1624). The
// bytes begin at an even place.
func adjust(sum, old, now []byte) {
	s := uint32(^binary.BigEndian.Uint16(sum))
	s += uint32(^checksum.Checksum(old, 0)) + uint32(checksum.Checksum(now, 0))
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	binary.BigEndian.PutUint16(sum, ^uint16(s))
}

// tcpipAddress returns an address as gVisor has it.
func tcpipAddress(a netip.Addr) tcpip.Address {
	if a.Is4() {
		return tcpip.AddrFrom4(a.As4())
	}
	return tcpip.AddrFrom16(a.As16())
}

// Cut returns the fragments in which the packet crosses a link of an MTU: itself,
// if it is short enough or may not be cut. Only IPv4 is cut on its way. p belongs
// to the fragments.
func (p *Packet) Cut(mtu int) []*Packet {
	if p.Segment() <= mtu || p.DontFragment() {
		return []*Packet{p}
	}
	defer p.Release()
	ipLen := int(header.IPv4(p.hdr).HeaderLength())
	whole := p.start(p.size)
	step := (mtu - ipLen) &^ 7
	if step <= 0 {
		return nil
	}
	var list []*Packet
	for at := ipLen; at < len(whole); at += step {
		end := min(at+step, len(whole))
		b := append(append(make([]byte, 0, ipLen+end-at), whole[:ipLen]...), whole[at:end]...)
		h := header.IPv4(b)
		flags := h.Flags()
		if end < len(whole) {
			flags |= header.IPv4FlagMoreFragments
		}
		h.SetFlagsFragmentOffset(flags, uint16(p.offset+at-ipLen))
		h.SetTotalLength(uint16(len(b)))
		h.SetChecksum(0)
		h.SetChecksum(^h.CalculateChecksum())
		if q, ok := FromBytes(b); ok {
			q.inherit(p)
			q.tuple = p.tuple
			list = append(list, q)
		}
	}
	return list
}
