package netfilter

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// together puts the fragments of a datagram together.
func together(t testing.TB, list [][]byte) []byte {
	t.Helper()
	var whole, first []byte
	for _, b := range list {
		h, ok := parse(b, false)
		require.True(t, ok)
		ip := header.IPv4(b)
		assert.EqualValues(t, 0xffff, checksum.Checksum(b[:ip.HeaderLength()], 0))
		assert.EqualValues(t, len(b), ip.TotalLength())
		at := h.offset
		if at == 0 {
			first = b
		}
		body := b[ip.HeaderLength():]
		if len(whole) < at+len(body) {
			whole = append(whole, make([]byte, at+len(body)-len(whole))...)
		}
		copy(whole[at:], body)
	}
	ip := header.IPv4(append(append([]byte{}, first[:header.IPv4(first).HeaderLength()]...), whole...))
	ip.SetFlagsFragmentOffset(0, 0)
	ip.SetTotalLength(uint16(len(ip)))
	ip.SetChecksum(0)
	ip.SetChecksum(^ip.CalculateChecksum())
	return ip
}

func TestFragmentsMakeTheOriginal(t *testing.T) {
	for _, w := range []wire{
		{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: strings.Repeat("datagram", 1000), id: 7},
		{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: strings.Repeat("datagram", 1000), id: 7, ext: []byte{1, 1, 1, 0}},
		{proto: ICMP, src: "10.0.0.1:1", dst: "10.0.0.2", icmp: [2]uint8{8}, data: strings.Repeat("ping", 999), id: 8},
		{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: strings.Repeat("segment", 300), id: 9},
	} {
		for _, mtu := range []int{68, 100, 576, 1280, 1492, 1499} {
			t.Run(fmt.Sprint(ProtocolName(w.proto), len(w.ext), " at ", mtu), func(t *testing.T) {
				p := w.packet(t)
				p.pkt.GSOOptions = stack.GSO{}
				tuple := p.Tuple()
				var parts [][]byte
				for _, q := range p.Cut(mtu) {
					assert.LessOrEqual(t, q.Size(), mtu)
					assert.Equal(t, tuple, q.Tuple())
					for _, r := range q.Cut(60) { // again, on a narrower link
						parts = append(parts, r.all())
						r.Release()
					}
				}
				assert.Greater(t, len(parts), 2)
				rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				assert.Equal(t, w.bytes(), together(t, parts))
			})
		}
	}
}

func TestWhatIsNotCut(t *testing.T) {
	for name, w := range map[string]wire{
		"what is short enough": {proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: strings.Repeat("x", 72)},
		"what may not be":      {proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: strings.Repeat("x", 1000), df: true},
		"IPv6":                 {proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:2", data: strings.Repeat("x", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			p := w.packet(t)
			defer p.Release()
			assert.Equal(t, []*Packet{p}, p.Cut(100))
		})
	}
	assert.Empty(t, wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2", data: "x"}.packet(t).Cut(20), "there is no room for anything")
}
