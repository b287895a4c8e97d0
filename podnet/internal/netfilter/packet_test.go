package netfilter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

func TestWhatHeadersSay(t *testing.T) {
	hopByHop := func(next uint8) []byte { return []byte{next, 0, 1, 4, 0, 0, 0, 0} }
	fragment := func(next uint8, offset int, more byte, id byte) []byte {
		return []byte{next, 0, byte(offset >> 8), byte(offset) | more, 0, 0, 0, id}
	}
	for name, tt := range map[string]struct {
		wire
		want      string
		kind      kind
		fragment  bool
		later     bool
		transport int
	}{
		"TCP":                    {wire: wire{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80"}, want: "tcp 10.0.0.1:1 > 10.0.0.2:80", transport: 20},
		"TCP over IPv6":          {wire: wire{proto: TCP, src: "[fd00::1]:1", dst: "[fd00::2]:80"}, want: "tcp [fd00::1]:1 > [fd00::2]:80", transport: 40},
		"IPv4 options":           {wire: wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:53", ext: make([]byte, 8)}, want: "udp 10.0.0.1:1 > 10.0.0.2:53", transport: 28},
		"an extension header":    {wire: wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", ext: hopByHop(UDP)}, want: "udp [fd00::1]:1 > [fd00::2]:53", transport: 48},
		"three of them":          {wire: wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", ext: append(append(hopByHop(60), hopByHop(43)...), hopByHop(UDP)...)}, want: "udp [fd00::1]:1 > [fd00::2]:53", transport: 64},
		"a first fragment":       {wire: wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", extFirst: 44, ext: fragment(UDP, 0, 1, 7)}, want: "udp [fd00::1]:1 > [fd00::2]:53", transport: 48, fragment: true},
		"a later fragment":       {wire: wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", extFirst: 44, ext: fragment(UDP, 1024, 0, 7)}, want: "udp [fd00::1]:0 > [fd00::2]:0", transport: 48, fragment: true, later: true},
		"echo":                   {wire: wire{proto: ICMP, src: "10.0.0.1:9", dst: "10.0.0.2", icmp: [2]uint8{8}}, want: "icmp 10.0.0.1:9 > 10.0.0.2:9", transport: 20},
		"echo over IPv6":         {wire: wire{proto: ICMPv6, src: "[fd00::1]:9", dst: "fd00::2", icmp: [2]uint8{128}}, want: "icmpv6 [fd00::1]:9 > [fd00::2]:9", transport: 40},
		"an ICMP error":          {wire: wire{proto: ICMP, src: "10.0.0.1", dst: "10.0.0.2", icmp: [2]uint8{3, 3}}, want: "icmp 10.0.0.1:0 > 10.0.0.2:0", kind: icmpError, transport: 20},
		"an ICMPv6 error":        {wire: wire{proto: ICMPv6, src: "fd00::1", dst: "fd00::2", icmp: [2]uint8{1, 4}}, want: "icmpv6 [fd00::1]:0 > [fd00::2]:0", kind: icmpError, transport: 40},
		"neighbour solicitation": {wire: wire{proto: ICMPv6, src: "fd00::1", dst: "fd00::2", icmp: [2]uint8{135}}, want: "icmpv6 [fd00::1]:0 > [fd00::2]:0", kind: untracked, transport: 40},
		"ICMPv6 over IPv4":       {wire: wire{proto: ICMPv6, src: "10.0.0.1", dst: "10.0.0.2", icmp: [2]uint8{128}}, want: "icmpv6 10.0.0.1:0 > 10.0.0.2:0", kind: untracked, transport: 20},
		"another protocol":       {wire: wire{proto: 132, src: "10.0.0.1", dst: "10.0.0.2", data: "x"}, want: "sctp 10.0.0.1:0 > 10.0.0.2:0", transport: 20},
	} {
		t.Run(name, func(t *testing.T) {
			p := tt.packet(t)
			defer p.Release()
			assert.Equal(t, tt.want, p.Tuple().String())
			assert.Equal(t, tt.kind, p.kind)
			assert.Equal(t, tt.transport, p.l4)
			assert.Equal(t, tt.fragment, p.Fragment())
			assert.Equal(t, tt.later, p.LaterFragment())
			assert.Equal(t, len(tt.bytes()), p.Size())
		})
	}
}

func TestWhatMakesNoSense(t *testing.T) {
	tcp4 := wire{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80"}.bytes()
	udp6 := wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", ext: []byte{UDP, 3, 0, 0, 0, 0, 0, 0}}.bytes()
	long := wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:80"}.bytes()
	long[0] = 0x4f // its header would be 60 bytes
	short := wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:80"}.bytes()
	short[0] = 0x44
	for name, b := range map[string][]byte{
		"nothing": {}, "another version": {0x50, 1, 2}, "half a header": tcp4[:10], "half a TCP header": tcp4[:30],
		"an extension header that goes on": udp6, "half an IPv6 header": udp6[:30], "a long IPv4 header": long, "a short one": short,
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := FromBytes(b)
			assert.False(t, ok)
			pkt := sent(b, 0, 0)
			defer pkt.DecRef()
			_, ok = NewPacket(pkt)
			assert.False(t, ok)
		})
	}
}

// What a stack sends stays as it is, and what it is made of is as it was.
func TestAPacketIsACopy(t *testing.T) {
	for name, w := range map[string]wire{
		"TCP":            {proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80", options: make([]byte, 12), data: strings.Repeat("x", 3000)},
		"UDP over IPv6":  {proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", data: strings.Repeat("x", 700)},
		"echo":           {proto: ICMP, src: "10.0.0.1:9", dst: "10.0.0.2", icmp: [2]uint8{8}, data: strings.Repeat("x", 700)},
		"without a body": {proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:53"},
	} {
		for how, cut := range map[string]func(h headers) (network, transport int){
			"in parts":     func(h headers) (int, int) { return h.l4, map[uint8]int{TCP: 32, UDP: 8, ICMP: 8}[h.tuple.proto] },
			"in one piece": func(headers) (int, int) { return 0, 0 },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				b := w.bytes()
				h, ok := parse(b, false)
				require.True(t, ok)
				network, transport := cut(h)
				pkt := sent(b, network, transport)
				defer pkt.DecRef()
				pkt.GSOOptions = stack.GSO{Type: stack.GSOTCPv4, MSS: 1000}
				p, ok := NewPacket(pkt)
				require.True(t, ok)
				defer p.Release()
				assert.Equal(t, b, p.all())
				assert.Equal(t, pkt.GSOOptions, p.Buffer().GSOOptions)
				p.rewrite(p.tuple.withDst(ap("10.0.0.9:99")).withSrc(ap("10.0.0.8:88")))
				p.DecrementTTL()
				assert.NotEqual(t, b, p.all())
				v := pkt.ToView()
				defer v.Release()
				assert.Equal(t, b, v.AsSlice())
			})
		}
	}
}

func TestSegment(t *testing.T) {
	w := wire{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80", options: make([]byte, 12), data: strings.Repeat("x", 5000)}
	p := w.packet(t)
	defer p.Release()
	assert.Equal(t, 20+32+5000, p.Segment())
	p.pkt.GSOOptions = stack.GSO{Type: stack.GSOTCPv4, MSS: 1448}
	assert.Equal(t, 1500, p.Segment())
	p.pkt.GSOOptions.MSS = 60000
	assert.Equal(t, 20+32+5000, p.Segment())
}

func TestTTL(t *testing.T) {
	for _, w := range []wire{{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:53", ttl: 2}, {proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:53", ttl: 2}} {
		p := w.packet(t)
		assert.EqualValues(t, 2, p.TTL())
		p.DecrementTTL()
		assert.EqualValues(t, 1, p.TTL())
		sumsAreRight(t, p.all())
		p.Release()
	}
}

func TestWhatBegins(t *testing.T) {
	const syn, ack, fin, rst = header.TCPFlagSyn, header.TCPFlagAck, header.TCPFlagFin, header.TCPFlagRst
	for flags, want := range map[header.TCPFlags]bool{
		syn: true, ack: true, ack | header.TCPFlagPsh: true, // in the middle
		syn | ack: false, fin | ack: false, fin: false, rst: false, rst | ack: false, syn | rst: false, 0: false,
	} {
		p := wire{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80", flags: flags}.packet(t)
		assert.Equal(t, want, p.Begins(), flags)
		p.Release()
	}
	for icmp, want := range map[uint8]bool{8: true, 0: false, 3: false, 9: false} {
		p := wire{proto: ICMP, src: "10.0.0.1:1", dst: "10.0.0.2", icmp: [2]uint8{icmp}}.packet(t)
		assert.Equal(t, want, p.Begins(), icmp)
		p.Release()
	}
	p := wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:80"}.packet(t)
	defer p.Release()
	assert.True(t, p.Begins())
}
