package netfilter

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// kinds is a packet of every kind whose headers are translated, both families.
var kinds = map[string]wire{
	"TCP":               {proto: TCP, flags: header.TCPFlagSyn, src: "10.0.0.1:40000", dst: "10.96.0.10:80", options: make([]byte, 12), data: "some data"},
	"UDP":               {proto: UDP, src: "10.0.0.1:40000", dst: "10.96.0.10:53", data: "some data"},
	"UDP without a sum": {proto: UDP, src: "10.0.0.1:40000", dst: "10.96.0.10:53", noSum: true},
	"ICMP":              {proto: ICMP, src: "10.0.0.1:77", dst: "10.96.0.10", icmp: [2]uint8{8}, data: "some data"},
	"TCP over IPv6":     {proto: TCP, flags: header.TCPFlagSyn, src: "[fd00::1]:40000", dst: "[fd96::10]:80", data: "some data"},
	"UDP over IPv6":     {proto: UDP, src: "[fd00::1]:40000", dst: "[fd96::10]:53", data: "some data"},
	"ICMPv6":            {proto: ICMPv6, src: "[fd00::1]:77", dst: "fd96::10", icmp: [2]uint8{128}, data: "some data"},
	"another protocol":  {proto: 132, src: "10.0.0.1", dst: "10.96.0.10", data: "some data"},
	"IPv4 options":      {proto: TCP, flags: header.TCPFlagSyn, src: "10.0.0.1:40000", dst: "10.96.0.10:80", ext: []byte{1, 1, 1, 0}, data: "some data"},
	"IPv6 extensions":   {proto: UDP, src: "[fd00::1]:40000", dst: "[fd96::10]:53", ext: []byte{UDP, 0, 1, 4, 0, 0, 0, 0}, data: "some data"},
}

func TestRewritingKeepsChecksumsRight(t *testing.T) {
	for name, w := range kinds {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 2000 {
				p := w.packet(t)
				to := NewTuple(w.proto, randomAddr(r, p.tuple.v4), randomAddr(r, p.tuple.v4))
				switch {
				case p.tuple.isICMP():
					to.dstPort = to.srcPort // the identifier
				case w.proto != TCP && w.proto != UDP:
					to.srcPort, to.dstPort = 0, 0
				}
				p.rewrite(to)
				b := p.all()
				got, ok := parse(b, false)
				require.True(t, ok)
				require.Equal(t, to, got.tuple)
				require.Equal(t, to, p.Tuple())
				sumsAreRight(t, b)
				if w.noSum {
					require.Zero(t, binary.BigEndian.Uint16(b[p.l4+6:]))
				} else if w.proto == UDP {
					require.NotZero(t, binary.BigEndian.Uint16(b[p.l4+6:]), "that would be none")
				}
				p.rewrite(w.packetTuple(t)) // and back
				require.Equal(t, w.bytes(), p.all())
				p.Release()
				if t.Failed() {
					return
				}
			}
		})
	}
}

func (w wire) packetTuple(t testing.TB) Tuple {
	p := w.packet(t)
	defer p.Release()
	return p.Tuple()
}

func randomAddr(r *rand.Rand, v4 bool) netip.AddrPort {
	var a [16]byte
	for i := range a {
		a[i] = byte(r.IntN(256)) | byte(r.IntN(2)*0xff)
	}
	if v4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[:])), uint16(r.IntN(1<<16)))
	}
	a[0] = 0xfd // not an IPv4-mapped one
	return netip.AddrPortFrom(netip.AddrFrom16(a), uint16(r.IntN(1<<16)))
}

// A checksum of UDP that comes out as 0 is sent as 0xffff.
func TestAChecksumOfZero(t *testing.T) {
	p := wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2"}.packet(t)
	defer p.Release()
	sum := binary.BigEndian.Uint16(p.all()[26:])
	to := p.tuple
	to.dstPort += sum // adds to the sum what it lacks
	p.rewrite(to)
	assert.EqualValues(t, 0xffff, binary.BigEndian.Uint16(p.all()[26:]))
	sumsAreRight(t, p.all())
}

// A later fragment has no ports.
func TestALaterFragmentIsRewritten(t *testing.T) {
	data := strings.Repeat("some data", 100)
	w := wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: data, id: 7}
	whole := w.packet(t)
	list := whole.Cut(300)
	require.Len(t, list, 4)
	for i, p := range list {
		before := p.all()
		p.rewrite(NewTuple(UDP, ap("10.9.9.9:9"), ap("10.8.8.8:8")))
		b := p.all()
		assert.Equal(t, "10.9.9.9:9", p.Tuple().Src().String())
		if i > 0 {
			assert.Equal(t, before[20:], b[20:])
		}
		p.Release()
	}
}
