package netfilter

import "gvisor.dev/gvisor/pkg/tcpip/header"

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
			q.belong(p.headers)
			list = append(list, q)
		}
	}
	return list
}
