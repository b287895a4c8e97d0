package fabric_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/netfilter"
)

// site is two routers, each with a host's veth and two others, at which packets are
// put in and looked at.
type site struct {
	network *fabric.Network
	routers []*fabric.Router
	veths   []*fabric.Veth

	mu      sync.Mutex // guards what follows
	arrived [][]byte
	dropped []string
}

func newSite(t testing.TB, rules fabric.Rules) *site {
	s := &site{network: fabric.NewNetwork(1300)}
	rules.Dropped = func(tuple netfilter.Tuple, why string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dropped = append(s.dropped, why)
		_ = tuple.String()
	}
	for n := range 2 {
		node := []netip.Addr{netip.AddrFrom4([4]byte{172, 18, 0, byte(1 + n)}), netip.MustParseAddr(fmt.Sprintf("fc00::%d", 1+n))}
		r := fabric.NewRouter(fabric.RouterConfig{Network: s.network, Addrs: node, Seed: 1, Rules: rules})
		s.network.Attach(r, []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", n)), netip.MustParsePrefix(fmt.Sprintf("fd00:%d::/64", n))})
		s.routers = append(s.routers, r)
		s.attach(t, r.NewHostVeth(node, 1500), node)
		for i := range 2 {
			addrs := []netip.Addr{serverAt(n, i).ipv4, serverAt(n, i).ipv6}
			s.attach(t, r.NewVeth(addrs, []netip.Addr{gateway(n, true), gateway(n, false)}, uint32(1500-100*i)), addrs)
		}
		r.SetLoopback(func(p *netfilter.Packet) bool {
			src, dst := p.Tuple().Src().Addr(), p.Tuple().Dst().Addr()
			assert.Fail(t, "what came over a link is for localhost", "%s > %s", src, dst)
			return false
		})
	}
	return s
}

// attach puts a stack at the end of a veth, at which only packets for its addresses
// arrive.
func (s *site) attach(t testing.TB, v *fabric.Veth, addrs []netip.Addr) {
	s.veths = append(s.veths, v)
	v.Attach(stub{handle: func(pkt *stack.PacketBuffer) {
		view := pkt.ToView()
		defer view.Release()
		b := append([]byte{}, view.AsSlice()...)
		dst, _ := netip.AddrFromSlice(b[16:20])
		if b[0]>>4 == 6 {
			dst, _ = netip.AddrFromSlice(b[24:40])
		}
		assert.Contains(t, addrs, dst)
		if pkt.GSOOptions.Type == stack.GSONone {
			assert.LessOrEqual(t, len(b), int(v.MTU()))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.arrived = append(s.arrived, b)
	}})
}

// close closes everything, after which all has arrived.
func (s *site) close() {
	for _, v := range s.veths {
		v.Close()
	}
	for _, r := range s.routers {
		r.Close()
	}
	s.network.Close()
}

// inject sends bytes over a veth.
func inject(v *fabric.Veth, b []byte) tcpip.Error {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	defer pkt.DecRef()
	var list stack.PacketBufferList
	list.PushBack(pkt)
	_, err := v.WritePackets(list)
	return err
}

// udp returns a datagram, or a fragment of one that is not complete if more follow
// or it is a later one.
func udp(src, dst netip.Addr, id uint16, offset int, more bool, size int) []byte {
	b := make([]byte, header.IPv4MinimumSize+header.UDPMinimumSize+size)
	f := &header.IPv4Fields{TotalLength: uint16(len(b)), ID: id, TTL: 64, Protocol: 17, FragmentOffset: uint16(offset), SrcAddr: tcpip.AddrFrom4(src.As4()), DstAddr: tcpip.AddrFrom4(dst.As4())}
	if more {
		f.Flags = header.IPv4FlagMoreFragments
	}
	header.IPv4(b).Encode(f)
	header.IPv4(b).SetChecksum(^header.IPv4(b).CalculateChecksum())
	header.UDP(b[20:]).Encode(&header.UDPFields{SrcPort: 1, DstPort: 2, Length: uint16(len(b) - 20)})
	return b
}

func TestWhatARouterDrops(t *testing.T) {
	a, b, localhost := serverAt(0, 0).ipv4, serverAt(0, 1).ipv4, netip.AddrFrom4([4]byte{127, 0, 0, 1})
	tcp := func(flags header.TCPFlags) []byte {
		p := udp(a, b, 0, 0, false, 100)
		p[9] = 6
		header.TCP(p[20:]).Encode(&header.TCPFields{SrcPort: 1, DstPort: 2, DataOffset: 20, Flags: flags})
		return p
	}
	icmp := func(typ, code byte, quoted []byte) []byte {
		p := udp(a, b, 0, 0, false, len(quoted))
		p[9], p[20], p[21] = 1, typ, code
		copy(p[28:], quoted)
		return p
	}
	low := udp(a, b, 0, 0, false, 1)
	low[8] = 1
	long := udp(a, serverAt(1, 0).ipv4, 0, 0, false, 1400)
	long[6] |= 0x40 // don't fragment
	for name, tt := range map[string]struct {
		packet  []byte
		why     string // empty: it arrives
		arrives int
	}{
		"a datagram":                        {udp(a, b, 0, 0, false, 1), "", 1},
		"nonsense":                          {[]byte("hello"), fabric.DropMalformed, 0},
		"to localhost":                      {udp(a, localhost, 0, 0, false, 1), fabric.DropMartian, 0},
		"from localhost":                    {udp(localhost, b, 0, 0, false, 1), fabric.DropMartian, 0},
		"to a group":                        {udp(a, netip.AddrFrom4([4]byte{224, 0, 0, 1}), 0, 0, false, 1), fabric.DropMulticast, 0},
		"a SYN":                             {tcp(header.TCPFlagSyn), "", 1},
		"a reset of no connection":          {tcp(header.TCPFlagRst), fabric.DropInvalid, 0},
		"a SYN+ACK of none":                 {tcp(header.TCPFlagSyn | header.TCPFlagAck), fabric.DropInvalid, 0},
		"a FIN of none":                     {tcp(header.TCPFlagFin | header.TCPFlagAck), fabric.DropInvalid, 0},
		"echo":                              {icmp(8, 0, nil), "", 1},
		"a reply that nobody asked for":     {icmp(0, 0, nil), fabric.DropInvalid, 0},
		"an error about nothing":            {icmp(3, 3, nil), fabric.DropUnrelated, 0},
		"an error about another connection": {icmp(3, 3, udp(b, a, 0, 0, false, 0)), fabric.DropUnrelated, 0},
		"a TTL of 1":                        {low, fabric.DropTTL, 1},
		"what may not be cut":               {long, fabric.DropTooBig, 1},
		"to nobody":                         {udp(a, netip.AddrFrom4([4]byte{192, 0, 2, 1}), 0, 0, false, 1), fabric.DropNoRoute, 0},
		"a fragment without the first":      {udp(a, b, 7, 1000, false, 1), netfilter.DropFragments, 0},
		"a first fragment":                  {udp(a, b, 7, 0, true, 8), "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, fabric.Rules{})
			assert.Nil(t, inject(s.veths[1], tt.packet))
			s.close()
			assert.Len(t, s.arrived, tt.arrives)
			if tt.why == "" {
				assert.Empty(t, s.dropped)
			} else {
				assert.Equal(t, []string{tt.why}, s.dropped)
			}
		})
	}
}

// An error goes to whom the sender says he is.
func TestAnErrorAboutAForgedSource(t *testing.T) {
	s := newSite(t, fabric.Rules{})
	p := udp(netip.AddrFrom4([4]byte{192, 0, 2, 1}), serverAt(0, 1).ipv4, 0, 0, false, 1)
	p[8] = 1
	inject(s.veths[1], p)
	s.close()
	assert.Empty(t, s.arrived)
	assert.Equal(t, []string{fabric.DropTTL, fabric.DropNoRoute}, s.dropped)
}

// Fragments that come when their router is closed are not kept.
func TestFragmentsAtAClosedRouter(t *testing.T) {
	s := newSite(t, fabric.Rules{})
	a, b := serverAt(0, 0).ipv4, serverAt(0, 1).ipv4
	for range 2 {
		inject(s.veths[1], udp(a, b, 7, 1000, false, 1))
		inject(s.veths[1], udp(a, b, 8, 1000, false, 1))
		s.routers[0].Close()
	}
	inject(s.veths[1], udp(a, b, 7, 0, true, 8))
	s.close()
	assert.Len(t, s.arrived, 1)
}

// An ICMP error fits through a link that is narrower than it.
func TestAnErrorOverANarrowLink(t *testing.T) {
	s := newSite(t, fabric.Rules{})
	s.veths[1].SetMTU(300)
	p := udp(serverAt(0, 0).ipv4, serverAt(0, 1).ipv4, 0, 0, false, 1000)
	p[8] = 1
	inject(s.veths[1], p)
	s.close()
	require.Len(t, s.arrived, 2)
	total := 0
	for _, b := range s.arrived {
		total += len(b) - 20
	}
	assert.Equal(t, 556, total)
}

// FuzzRouter puts packets in at two veths. Nothing arrives where it does not belong,
// and all are released.
func FuzzRouter(f *testing.F) {
	a, b, c := serverAt(0, 0).ipv4, serverAt(0, 1).ipv4, serverAt(1, 0).ipv4
	add := func(list ...[]byte) {
		var all []byte
		for i, p := range list {
			all = append(binary.BigEndian.AppendUint16(append(all, byte(1+i%5)), uint16(len(p))), p...)
		}
		f.Add(all)
	}
	add(udp(a, b, 0, 0, false, 10), udp(b, a, 0, 0, false, 10))
	add(udp(a, service4.Addr(), 1, 0, true, 1200), udp(a, service4.Addr(), 1, 1208, false, 100))
	add(udp(a, c, 1, 1208, false, 100), udp(a, c, 1, 0, true, 1200), udp(a, c, 1, 0, true, 1200))
	add(udp(a, a, 0, 0, false, 1), udp(a, netip.AddrFrom4([4]byte{172, 18, 0, 1}), 0, 0, false, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 20000 {
			return
		}
		s := newSite(t, fabric.Rules{Translate: func(c fabric.Connection) fabric.Translation {
			rule := redirect(serverAt(int(c.Src().Port()&1), 0), 8080, always)
			tr := rule.Translate(c)
			if c.Dst().Port() == 81 {
				tr.Refuse = netfilter.Refusal(1 + c.Src().Port()%10)
			}
			return tr
		}})
		s.network.SetLatency(time.Duration(len(b)%2) * time.Microsecond)
		for len(b) > 3 {
			at, n := int(b[0])%len(s.veths), int(binary.BigEndian.Uint16(b[1:]))
			n = min(n, len(b)-3)
			inject(s.veths[at], b[3:3+n])
			b = b[3+n:]
		}
		s.close()
	})
}
