package netfilter

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
)

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
	if p.tuple.proto != ICMP { // whose checksum covers no address
		p.sumAgain(old, now)
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
	p.sumAgain(field, now[:])
	copy(field, now[:])
}

// sumAgain brings the checksum of the transport header up to date with bytes that
// change. What a stack leaves to its link is not computed, and stays so.
func (p *Packet) sumAgain(old, now []byte) {
	sum := p.checksum()
	if sum == nil {
		return
	}
	adjust(sum, old, now)
	if p.tuple.proto == UDP && sum[0] == 0 && sum[1] == 0 {
		sum[0], sum[1] = 0xff, 0xff // 0 would be none (RFC 768)
	}
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
