package netfilter

import (
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A Packet is an IP packet between two stacks, with headers that may be changed:
// they are its own memory, while its payload is shared with whoever sent it. It
// is owned by one at a time, who passes it on or calls Release.
type Packet struct {
	headers
	pkt  *stack.PacketBuffer // what arrives: everything is in its data
	hdr  []byte              // the first bytes of pkt, in memory that nobody else has
	size int                 // of all, in bytes

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

// packets keeps the room of those that were released: one is needed for each hop.
var packets = sync.Pool{New: func() any { return new(Packet) }}

// NewPacket returns a copy of what a stack sends, whose reference the caller
// keeps. It fails if the headers make no sense.
func NewPacket(sent *stack.PacketBuffer) (*Packet, bool) {
	p, ok := newPacket(split(sent))
	if ok {
		p.Owner = sent.Owner
		p.pkt.GSOOptions = sent.GSOOptions
	}
	return p, ok
}

// split returns a copy of what is to be read of what a stack sends, and the rest.
// Where it says where its payload begins, they part there; but the headers of ICMP
// errors go on in the payload.
func split(sent *stack.PacketBuffer) (start *buffer.View, rest buffer.Buffer) {
	nh, th := sent.NetworkHeader().Slice(), sent.TransportHeader().Slice()
	switch {
	case len(th) == 0:
	case len(nh) >= header.IPv4MinimumSize && nh[0]>>4 == 4 && nh[9] != ICMP, len(nh) == header.IPv6MinimumSize && nh[6] != ICMPv6:
		start = buffer.NewViewSize(len(nh) + len(th))
		copy(start.AsSlice()[copy(start.AsSlice(), nh):], th)
		if sent.Data().Size() > 0 {
			rest = sent.Data().ToBuffer()
		}
		return start, rest
	}
	rest = sent.ToBuffer()
	start = buffer.NewViewSize(min(sent.Size(), maxHeaders))
	rest.ReadAt(start.AsSlice(), 0)
	rest.TrimFront(int64(start.Size()))
	return start, rest
}

// FromBytes returns a packet of a copy of b. It fails if the headers make no
// sense.
func FromBytes(b []byte) (*Packet, bool) {
	return newPacket(buffer.NewViewWithData(b), buffer.Buffer{})
}

// newPacket returns the packet that begins with start, which nobody else has, and
// goes on with rest. It takes both over, also if it fails.
func newPacket(start *buffer.View, rest buffer.Buffer) (*Packet, bool) {
	h, ok := parse(start.AsSlice(), false)
	if !ok {
		start.Release()
		rest.Release()
		return nil, false
	}
	all := buffer.MakeWithView(start)
	all.Merge(&rest)
	p := packets.Get().(*Packet)
	p.headers, p.hdr, p.size = h, start.AsSlice(), int(all.Size())
	p.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: all})
	p.pkt.NetworkProtocolNumber = header.IPv6ProtocolNumber
	if h.tuple.v4 {
		p.pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	}
	return p, true
}

// maxHeaders is enough for the headers of an ICMP error about a packet with
// options, in bytes.
const maxHeaders = 256

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
	return p.icmp[0], p.icmp[1], p.tuple.isICMP()
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

// Release drops the packet and its reference to its buffer. It must be called once,
// and nothing of the packet may be used afterwards.
func (p *Packet) Release() {
	if p.pkt == nil {
		panic("netfilter: a packet was released twice")
	}
	p.pkt.DecRef()
	*p = Packet{}
	packets.Put(p)
}

// DontFragment reports whether the packet may not be cut into fragments.
func (p *Packet) DontFragment() bool {
	return !p.tuple.v4 || header.IPv4(p.hdr).Flags()&header.IPv4FlagDontFragment != 0
}

// Segment returns the length of the packets in which this one crosses a link: its
// own, or that of the segments into which it is still to be cut.
func (p *Packet) Segment() int {
	if gso := p.pkt.GSOOptions; gso.Type != stack.GSONone && gso.MSS > 0 {
		return min(p.size, p.headerLength()+int(gso.MSS))
	}
	return p.size
}

// headerLength returns the length of all headers, in bytes.
func (p *Packet) headerLength() int {
	if p.tuple.proto == TCP {
		return p.l4 + int(header.TCP(p.hdr[p.l4:]).DataOffset())
	}
	return p.l4 + 8
}
