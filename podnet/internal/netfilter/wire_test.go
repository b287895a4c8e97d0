package netfilter

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// wire is a packet as tests write it down. The zero value of what is not set is
// what a packet has as a rule.
type wire struct {
	proto    uint8
	src, dst string // with ports: "10.0.0.1:80"
	flags    header.TCPFlags
	seq, ack uint32
	options  []byte // of TCP
	ext      []byte // extension headers of IPv6, each with a next header to be filled in; options of IPv4
	extFirst uint8  // the type of the first extension header
	icmp     [2]uint8
	data     string
	ttl      uint8
	df       bool
	id       uint16
	noSum    bool // of UDP
}

func ap(s string) netip.AddrPort {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a
	}
	return netip.AddrPortFrom(netip.MustParseAddr(s), 0)
}

// bytes returns the packet with its checksums.
func (w wire) bytes() []byte {
	src, dst := ap(w.src), ap(w.dst)
	transport := w.transport(src, dst)
	if w.ttl == 0 {
		w.ttl = 64
	}
	if src.Addr().Is4() {
		b := make([]byte, header.IPv4MinimumSize+len(w.ext))
		f := &header.IPv4Fields{
			TotalLength: uint16(len(b) + len(transport)), ID: w.id, TTL: w.ttl, Protocol: w.proto,
			SrcAddr: tcpipAddress(src.Addr()), DstAddr: tcpipAddress(dst.Addr()),
		}
		if w.df {
			f.Flags = header.IPv4FlagDontFragment
		}
		header.IPv4(b).Encode(f)
		header.IPv4(b).SetHeaderLength(uint8(len(b)))
		copy(b[header.IPv4MinimumSize:], w.ext)
		header.IPv4(b).SetChecksum(0)
		header.IPv4(b).SetChecksum(^checksum.Checksum(b, 0))
		return append(b, transport...)
	}
	b := make([]byte, header.IPv6MinimumSize)
	next := w.proto
	if len(w.ext) > 0 {
		next = w.extFirst
	}
	header.IPv6(b).Encode(&header.IPv6Fields{
		PayloadLength: uint16(len(w.ext) + len(transport)), HopLimit: w.ttl,
		SrcAddr: tcpipAddress(src.Addr()), DstAddr: tcpipAddress(dst.Addr()),
	})
	b[6] = next
	return append(append(b, w.ext...), transport...)
}

func (w wire) transport(src, dst netip.AddrPort) []byte {
	var t []byte
	at := 0 // of the checksum
	switch w.proto {
	case TCP:
		t = make([]byte, header.TCPMinimumSize, header.TCPMinimumSize+len(w.options)+len(w.data))
		header.TCP(t).Encode(&header.TCPFields{
			SrcPort: src.Port(), DstPort: dst.Port(), SeqNum: w.seq, AckNum: w.ack, Flags: w.flags,
			DataOffset: uint8(header.TCPMinimumSize + len(w.options)), WindowSize: 1000,
		})
		t, at = append(append(t, w.options...), w.data...), 16
	case UDP:
		t = make([]byte, header.UDPMinimumSize)
		header.UDP(t).Encode(&header.UDPFields{SrcPort: src.Port(), DstPort: dst.Port(), Length: uint16(8 + len(w.data))})
		t, at = append(t, w.data...), 6
		if w.noSum {
			return t
		}
	case ICMP, ICMPv6:
		t = append([]byte{w.icmp[0], w.icmp[1], 0, 0, 0, 0, 0, 0}, w.data...)
		binary.BigEndian.PutUint16(t[4:], src.Port())
		at = 2
	default:
		return []byte(w.data)
	}
	sum := ^sumOf(w.proto, src.Addr(), dst.Addr(), t)
	if sum == 0 && w.proto == UDP {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(t[at:], sum)
	return t
}

// sumOf is the sum of a transport header, its payload, and what it covers beside.
func sumOf(proto uint8, src, dst netip.Addr, t []byte) uint16 {
	var s uint16
	if proto != ICMP {
		p := binary.BigEndian.AppendUint32(append(slices.Concat(src.AsSlice(), dst.AsSlice()), 0, 0, 0, proto), uint32(len(t)))
		s = checksum.Checksum(p, 0)
	}
	return checksum.Checksum(t, s)
}

// packet returns w as a packet.
func (w wire) packet(t testing.TB) *Packet {
	t.Helper()
	p, ok := FromBytes(w.bytes())
	require.True(t, ok, "%+v", w)
	return p
}

// sent returns b as a stack sends it, its headers in parts of the lengths given.
func sent(b []byte, network, transport int) *stack.PacketBuffer {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: network + transport, Payload: buffer.MakeWithData(b[network+transport:]),
	})
	if transport > 0 {
		copy(pkt.TransportHeader().Push(transport), b[network:])
	}
	if network > 0 {
		copy(pkt.NetworkHeader().Push(network), b)
	}
	return pkt
}

// all returns all bytes of a packet.
func (p *Packet) all() []byte { return p.start(p.size) }

// sumsAreRight checks all checksums of a packet that is no fragment, by computing
// them anew.
func sumsAreRight(t testing.TB, b []byte) {
	t.Helper()
	h, ok := parse(b, false)
	require.True(t, ok)
	if h.tuple.v4 {
		assert.EqualValues(t, 0xffff, checksum.Checksum(b[:header.IPv4(b).HeaderLength()], 0), "IPv4 header")
	}
	switch h.tuple.proto {
	case UDP:
		if b[h.l4+6] == 0 && b[h.l4+7] == 0 {
			return
		}
		fallthrough
	case TCP, ICMP, ICMPv6:
		assert.EqualValues(t, 0xffff, sumOf(h.tuple.proto, h.tuple.Src().Addr(), h.tuple.Dst().Addr(), b[h.l4:]), ProtocolName(h.tuple.proto))
	}
}
