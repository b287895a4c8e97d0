package netfilter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

func TestRefusals(t *testing.T) {
	router := map[bool]netip.Addr{true: netip.MustParseAddr("10.0.0.254"), false: netip.MustParseAddr("fd00::fe")}
	for why, want := range map[Refusal][2][2]uint8{
		NetUnreachable: {{3, 0}, {1, 0}}, HostUnreachable: {{3, 1}, {1, 3}}, ProtoUnreachable: {{3, 2}, {1, 4}}, PortUnreachable: {{3, 3}, {1, 4}},
		NetProhibited: {{3, 9}, {1, 1}}, HostProhibited: {{3, 10}, {1, 1}}, AdminProhibited: {{3, 13}, {1, 1}}, TTLExceeded: {{11, 0}, {3, 0}}, TooBig: {{3, 4}, {2, 0}},
	} {
		for name, w := range kinds {
			for _, length := range []int{0, 1, 500, 547, 548, 549, 1231, 1232, 1233, 9000} {
				t.Run(fmt.Sprint(why, " of ", name, length), func(t *testing.T) {
					w.data = strings.Repeat("x", length)
					p := w.packet(t)
					defer p.Release()
					v4 := p.tuple.v4
					answer, ok := p.Refuse(why, router[v4], 1300)
					require.True(t, ok)
					defer answer.Release()
					b := answer.all()
					sumsAreRight(t, b)
					assert.Equal(t, router[v4], answer.Tuple().Src().Addr())
					assert.Equal(t, p.Tuple().Src().Addr(), answer.Tuple().Dst().Addr())
					assert.True(t, answer.IsICMPError())
					assert.EqualValues(t, 64, answer.TTL())
					typ, code, _ := answer.ICMPType()
					headers, most := 28, 576 // RFC 1812, 4.3.2.3
					mtu := uint32(binary.BigEndian.Uint16(b[26:]))
					wantType := want[0]
					if !v4 {
						headers, most, mtu, wantType = 48, 1280, binary.BigEndian.Uint32(b[44:]), want[1] // RFC 4443, 2.4
						assert.EqualValues(t, len(b)-40, header.IPv6(b).PayloadLength())
					} else {
						assert.EqualValues(t, len(b), header.IPv4(b).TotalLength())
						assert.EqualValues(t, 0xc0, b[1], "internetwork control, RFC 1812, 4.3.2.5")
					}
					assert.Equal(t, wantType, [2]uint8{typ, code})
					if why == TooBig {
						assert.EqualValues(t, 1300, mtu)
					} else {
						assert.Zero(t, mtu)
					}
					assert.Equal(t, min(headers+p.Size(), most), len(b))
					assert.Equal(t, p.all()[:len(b)-headers], b[headers:])
				})
			}
		}
	}
}

func TestWhatIsNotRefused(t *testing.T) {
	const a, b = "10.0.0.1:1", "10.0.0.2:2"
	for name, w := range map[string]wire{
		"from nobody":    {proto: UDP, src: "0.0.0.0:1", dst: b},
		"from all":       {proto: UDP, src: "255.255.255.255:1", dst: b},
		"from a group":   {proto: UDP, src: "224.0.0.1:1", dst: b},
		"to all":         {proto: UDP, src: a, dst: "255.255.255.255:2"},
		"to a group":     {proto: UDP, src: a, dst: "224.0.0.1:2"},
		"to IPv6's":      {proto: UDP, src: "[fd00::1]:1", dst: "[ff02::1]:2"},
		"an error":       {proto: ICMP, src: "10.0.0.1", dst: "10.0.0.2", icmp: [2]uint8{11}},
		"an IPv6 error":  {proto: ICMPv6, src: "fd00::1", dst: "fd00::2", icmp: [2]uint8{1}},
		"no TCP's reset": {proto: UDP, src: a, dst: b},
	} {
		t.Run(name, func(t *testing.T) {
			p := w.packet(t)
			defer p.Release()
			from := netip.MustParseAddr("10.0.0.254")
			if !p.tuple.v4 {
				from = netip.MustParseAddr("fd00::fe")
			}
			_, ok := p.Refuse(TCPReset, from, 0)
			assert.False(t, ok)
			if w.proto == UDP && w.src == a && w.dst == b {
				for _, none := range []netip.Addr{{}, netip.MustParseAddr("fd00::fe")} {
					_, ok = p.Refuse(PortUnreachable, none, 0)
					assert.False(t, ok, "nobody could tell")
				}
				return
			}
			_, ok = p.Refuse(PortUnreachable, from, 0)
			assert.False(t, ok)
		})
	}
}

func TestResets(t *testing.T) {
	const syn, ack, fin, rst = header.TCPFlagSyn, header.TCPFlagAck, header.TCPFlagFin, header.TCPFlagRst
	for name, tt := range map[string]struct {
		flags    header.TCPFlags
		data     string
		want     header.TCPFlags
		seq, ack uint32
	}{
		"to a SYN":         {syn, "", rst | ack, 0, 1001},
		"to data":          {ack, "data", rst, 2000, 0},
		"to a FIN":         {fin | ack, "", rst, 2000, 0},
		"to a SYN+data":    {syn, "data", rst | ack, 0, 1005},
		"to a FIN alone":   {fin, "xy", rst | ack, 0, 1003},
		"none to a reset":  {rst, "", 0, 0, 0},
		"none to another ": {rst | ack, "", 0, 0, 0},
	} {
		for _, ends := range [][2]string{{"10.0.0.1:1", "10.0.0.2:80"}, {"[fd00::1]:1", "[fd00::2]:80"}} {
			t.Run(name+" from "+ends[0], func(t *testing.T) {
				w := wire{proto: TCP, src: ends[0], dst: ends[1], flags: tt.flags, seq: 1000, ack: 2000, data: tt.data, options: make([]byte, 4)}
				p := w.packet(t)
				defer p.Release()
				answer, ok := p.Refuse(TCPReset, netip.Addr{}, 0)
				require.Equal(t, tt.want != 0, ok)
				if !ok {
					return
				}
				defer answer.Release()
				assert.Equal(t, p.Tuple().Inverse(), answer.Tuple())
				b := answer.all()
				sumsAreRight(t, b)
				h := header.TCP(b[answer.l4:])
				assert.Equal(t, tt.want, h.Flags())
				assert.Equal(t, tt.seq, h.SequenceNumber())
				assert.Equal(t, tt.ack, h.AckNumber())
				assert.Len(t, h, 20)
			})
		}
	}
}

// conversations are packets and how they are translated.
var conversations = map[string]struct {
	wire
	nat NAT
}{
	"not translated":        {kinds["UDP"], NAT{}},
	"DNAT":                  {kinds["UDP"], NAT{Dst: ap("10.0.1.1:5353")}},
	"DNAT and masquerade":   {kinds["UDP"], NAT{Dst: ap("10.0.1.1:5353"), Src: netip.MustParseAddr("172.18.0.2")}},
	"of TCP":                {kinds["TCP"], NAT{Dst: ap("10.0.1.1:8080"), Src: netip.MustParseAddr("172.18.0.2"), Random: true}},
	"of echo":               {kinds["ICMP"], NAT{Dst: ap("10.0.1.1:0"), Src: netip.MustParseAddr("172.18.0.2"), Random: true}},
	"of TCP over IPv6":      {kinds["TCP over IPv6"], NAT{Dst: ap("[fd00:1::1]:8080"), Src: netip.MustParseAddr("fc00::2"), Random: true}},
	"of UDP over IPv6":      {kinds["UDP over IPv6"], NAT{Dst: ap("[fd00:1::1]:5353"), Src: netip.MustParseAddr("fc00::2")}},
	"of echo over IPv6":     {kinds["ICMPv6"], NAT{Dst: ap("[fd00:1::1]:0"), Src: netip.MustParseAddr("fc00::2"), Random: true}},
	"of IPv6 extensions":    {kinds["IPv6 extensions"], NAT{Dst: ap("[fd00:1::1]:5353"), Src: netip.MustParseAddr("fc00::2")}},
	"of IPv4 options":       {kinds["IPv4 options"], NAT{Dst: ap("10.0.1.1:8080"), Src: netip.MustParseAddr("172.18.0.2")}},
	"of another protocol":   {kinds["another protocol"], NAT{Dst: ap("10.0.1.1:0"), Src: netip.MustParseAddr("172.18.0.2")}},
	"of UDP without a sum ": {kinds["UDP without a sum"], NAT{Dst: ap("10.0.1.1:5353"), Src: netip.MustParseAddr("172.18.0.2")}},
}

// An error about a translated packet reaches the one who sent it, and tells of what
// that one sent.
func TestErrorsAreTranslated(t *testing.T) {
	for name, tt := range conversations {
		for _, odd := range []string{"x", "xy", strings.Repeat("z", 900)} {
			for how, cut := range map[string]bool{"whole": false, "cut to 8 bytes": true} {
				t.Run(fmt.Sprint(name, " with ", len(odd), ", ", how), func(t *testing.T) {
					tt.wire.data = odd
					table := NewConntrack(1)
					p := tt.wire.packet(t)
					defer p.Release()
					there := tt.wire.packet(t) // as it arrives
					defer there.Release()
					conn, err := table.Open(p, tt.nat)
					require.NoError(t, err)
					conn.Translate(there, Original)
					sumsAreRight(t, there.all())

					// From whom it was sent to, and from a router between.
					for _, from := range []netip.Addr{there.Tuple().Dst().Addr(), {}} {
						if !from.IsValid() {
							from = map[bool]netip.Addr{true: netip.MustParseAddr("192.0.2.1"), false: netip.MustParseAddr("2001:db8::1")}[p.tuple.v4]
						}
						e, ok := there.Refuse(PortUnreachable, from, 0)
						require.True(t, ok)
						if cut {
							e = cutError(t, e)
						}
						require.True(t, table.TranslateError(e))
						b := e.all()
						sumsAreRight(t, b)
						assert.Equal(t, p.Tuple().Src().Addr(), e.Tuple().Dst().Addr())
						quoted := b[e.l4+8:]
						assert.Equal(t, p.all()[:len(quoted)], quoted)
						e.Release()
					}
				})
			}
		}
	}
}

// cutError returns an ICMP error that quotes eight bytes of the transport header.
func cutError(t testing.TB, e *Packet) *Packet {
	inner, ok := parse(e.hdr[e.l4+8:], true)
	require.True(t, ok)
	b := e.all()
	b = b[:min(len(b), e.l4+8+inner.l4+8)]
	if e.tuple.v4 {
		header.IPv4(b).SetTotalLength(uint16(len(b)))
		header.IPv4(b).SetChecksum(0)
		header.IPv4(b).SetChecksum(^header.IPv4(b).CalculateChecksum())
	} else {
		header.IPv6(b).SetPayloadLength(uint16(len(b) - 40))
	}
	b[e.l4+2], b[e.l4+3] = 0, 0
	binary.BigEndian.PutUint16(b[e.l4+2:], ^sumOf(e.tuple.proto, e.tuple.Src().Addr(), e.tuple.Dst().Addr(), b[e.l4:]))
	e.Release()
	e, ok = FromBytes(b)
	require.True(t, ok)
	return e
}

func TestErrorsThatAreNotTranslated(t *testing.T) {
	table := NewConntrack(1)
	p := kinds["UDP"].packet(t)
	defer p.Release()
	_, err := table.Open(p, NAT{Dst: ap("10.0.1.1:5353")})
	require.NoError(t, err)
	quote := func(w wire) string { return string(w.bytes()) }
	for name, w := range map[string]wire{
		"of an unknown connection": {proto: ICMP, src: "10.0.1.1", dst: "10.0.0.1", icmp: [2]uint8{3, 3}, data: quote(wire{proto: UDP, src: "10.0.0.1:40000", dst: "10.0.1.1:1"})},
		"that quotes IPv6":         {proto: ICMP, src: "10.0.1.1", dst: "10.0.0.1", icmp: [2]uint8{3, 3}, data: quote(kinds["UDP over IPv6"])},
		"that quotes an error":     {proto: ICMP, src: "10.0.1.1", dst: "10.0.0.1", icmp: [2]uint8{3, 3}, data: quote(wire{proto: ICMP, src: "10.0.0.1", dst: "10.0.1.1", icmp: [2]uint8{3, 3}})},
		"that quotes nothing":      {proto: ICMP, src: "10.0.1.1", dst: "10.0.0.1", icmp: [2]uint8{3, 3}},
		"that quotes little":       {proto: ICMP, src: "10.0.1.1", dst: "10.0.0.1", icmp: [2]uint8{3, 3}, data: quote(wire{proto: UDP, src: "10.0.0.1:40000", dst: "10.0.1.1:5353"})[:24]},
		"that is none":             {proto: ICMP, src: "10.0.1.1", dst: "10.0.0.1", icmp: [2]uint8{9}, data: quote(wire{proto: UDP, src: "10.0.0.1:40000", dst: "10.0.1.1:5353"})},
	} {
		t.Run(name, func(t *testing.T) {
			e := w.packet(t)
			defer e.Release()
			assert.False(t, table.TranslateError(e))
			assert.Equal(t, w.bytes(), e.all())
		})
	}
}
