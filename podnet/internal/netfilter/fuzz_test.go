package netfilter

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet/internal/iptables"
)

// FuzzPacket does everything with whatever arrives.
func FuzzPacket(f *testing.F) {
	for _, w := range kinds {
		f.Add(w.bytes(), uint16(100), uint8(0))
	}
	for _, tt := range conversations {
		p := tt.wire.packet(f)
		e, _ := p.Refuse(PortUnreachable, p.Tuple().Dst().Addr(), 0)
		f.Add(e.all(), uint16(1500), uint8(20))
		e.Release()
		p.Release()
	}
	f.Add(wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:2", extFirst: 44, ext: []byte{UDP, 0, 4, 1, 0, 0, 0, 9}}.bytes(), uint16(1300), uint8(40))
	f.Fuzz(func(t *testing.T, b []byte, mtu uint16, network uint8) {
		if len(b) > 1<<16-1 {
			return
		}
		n := min(int(network), len(b))
		pkt := sent(b, n, min(8, len(b)-n))
		defer pkt.DecRef()
		p, ok := NewPacket(pkt)
		if q, okToo := FromBytes(b); okToo {
			if ok {
				assert.Equal(t, q.headers, p.headers)
			}
			q.Release()
		}
		if !ok {
			return
		}
		assert.Equal(t, len(b), p.Size())
		_, _, _, _, _ = p.TCPFlags(), p.Begins(), p.Segment(), p.DontFragment(), p.Tuple().String()
		for why := NetUnreachable; why <= TCPReset; why++ {
			if answer, ok := p.Refuse(why, p.Tuple().Dst().Addr(), int(mtu)); ok {
				sumsAreRight(t, answer.all())
				answer.Release()
			}
		}
		translate(t, p, b)
		if p.TTL() > 0 {
			p.DecrementTTL()
		}
		hooks := NewHooks(1, func(netip.Addr) iptables.AddrType { return iptables.Unicast })
		defer hooks.Close()
		var sorter Fragments
		defer sorter.Close()
		for _, q := range p.Cut(int(mtu)) {
			for _, r := range sorter.Sort(q) {
				s := hooks.Begin(r)
				s.Prerouting("eth0", r.Tuple().Dst().Addr())
				s.Input("eth0")
				r.Release()
			}
		}
	})
}

// translate sends p through a NAT there and back, and an error about it.
func translate(t *testing.T, p *Packet, b []byte) {
	table := NewConntrack(1)
	nat := NAT{Dst: ap("10.0.1.1:5353"), Src: netip.MustParseAddr("172.18.0.2")}
	if !p.tuple.v4 {
		nat = NAT{Dst: ap("[fd00:1::1]:5353"), Src: netip.MustParseAddr("fc00::2"), Random: true}
	}
	if p.IsICMPError() {
		if inner, ok := p.within(); ok {
			there := inner.tuple.Inverse()
			c := newConn(there, there.withDst(nat.Dst).withSrc(ap("10.0.2.1:7")))
			c.expires = time.Now().Add(time.Hour)
			table.conns[c.orig], table.conns[c.reply] = c, c
			assert.True(t, table.TranslateError(p))
		}
		return
	}
	was := p.Tuple()
	c, err := table.Open(p, nat)
	if err != nil {
		return
	}
	c.Translate(p, Original)
	if h, ok := parse(p.all(), false); assert.True(t, ok) && !p.LaterFragment() && p.kind == plain {
		assert.Equal(t, c.Leaving(Original), h.tuple)
	}
	if e, ok := p.Refuse(HostUnreachable, p.Tuple().Dst().Addr(), 0); ok {
		if p.kind == plain && table.TranslateError(e) {
			assert.Equal(t, was.Src().Addr(), e.Tuple().Dst().Addr())
		}
		e.Release()
	}
	p.rewrite(was)
	if p.kind == plain {
		assert.Equal(t, len(b), len(p.all()))
	}
}
