package netfilter

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"

	"podnet.dev/podnet/internal/iptables"
)

// Hooks is the iptables of one namespace at work. A namespace without rules needs
// none. As on Linux, connections are tracked from the first rule on that cannot do
// without; they stay tracked when it is gone.
type Hooks struct {
	conntrack *Conntrack
	fragments Fragments
	addrType  func(netip.Addr) iptables.AddrType
	rules     [2]atomic.Pointer[iptables.Ruleset] // IPv4's, IPv6's
	tracks    [2]atomic.Bool

	mu   sync.Mutex // guards rand
	rand *rand.Rand
}

// NewHooks returns hooks without rules. seed decides what they draw by lot;
// addrType says what an address is to the namespace. Close it.
func NewHooks(seed uint64, addrType func(netip.Addr) iptables.AddrType) *Hooks {
	h := &Hooks{conntrack: NewConntrack(seed), addrType: addrType, rand: rand.New(rand.NewPCG(seed, 0x1b7ab1e5))}
	h.rules[0].Store(iptables.New(iptables.IPv4))
	h.rules[1].Store(iptables.New(iptables.IPv6))
	return h
}

// Conntrack returns the namespace's connections.
func (h *Hooks) Conntrack() *Conntrack { return h.conntrack }

// Rules returns the rules of a family.
func (h *Hooks) Rules(f iptables.Family) *iptables.Ruleset { return h.rules[f].Load() }

// SetRules replaces the rules of their family. Connections go on as they were
// translated.
func (h *Hooks) SetRules(r *iptables.Ruleset) {
	if r.NeedsConntrack() {
		h.tracks[r.Family()].Store(true)
	}
	h.rules[r.Family()].Store(r)
}

// Close drops what waits for the rest of its datagram.
func (h *Hooks) Close() { h.fragments.Close() }

func (h *Hooks) random() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rand.Uint32()
}

// between draws a number from first to last.
func (h *Hooks) between(first, last uint16) uint16 {
	return first + uint16(h.random()%(uint32(last-first)+1))
}

// Sort is that of Fragments.
func (h *Hooks) Sort(p *Packet) []*Packet {
	if !p.fragment {
		return []*Packet{p}
	}
	return h.fragments.Sort(p)
}

// A Passage is a packet on its way through the hooks of a namespace: first
// Prerouting or Output, then, when it is known where it goes, Input or
// Postrouting. A packet over lo passes four. It is rewritten at the end of the
// second and of the fourth; until then only rules see where it will go.
type Passage struct {
	hooks *Hooks
	rules *iptables.Ruleset
	track bool // the namespace tracks connections
	p     *Packet
	seen  iptables.Packet // what rules see
	conn  *Conn           // nil if there is none yet, or never
	dir   Direction
	new   bool // it opens a connection
	nat   NAT
	by    iptables.Verdict // that translates it
}

// Begin takes a packet. The caller keeps it.
func (h *Hooks) Begin(p *Packet) *Passage {
	family := iptables.IPv6
	if p.tuple.v4 {
		family = iptables.IPv4
	}
	s := &Passage{hooks: h, rules: h.rules[family].Load(), track: h.tracks[family].Load(), p: p}
	// Where connections are tracked, Linux puts datagrams together first: rules
	// see no fragment.
	s.seen = iptables.Packet{
		Src: p.tuple.Src().Addr(), Dst: p.tuple.Dst().Addr(), Protocol: p.tuple.proto,
		TCPFlags: uint8(p.TCPFlags()), Fragment: p.offset > 0 && !s.track, Length: p.size, Mark: p.Mark,
		AddrType: h.addrType, Random: h.random,
	}
	if typ, code, ok := p.ICMPType(); ok {
		s.seen.ICMPType, s.seen.ICMPCode = typ, code
	} else {
		s.seen.SrcPort, s.seen.DstPort = p.tuple.srcPort, p.tuple.dstPort
	}
	if p.Owner != nil {
		s.seen.HasOwner, s.seen.UID, s.seen.GID = true, p.Owner.KUID(), p.Owner.KGID()
	}
	return s
}

// Dst returns where the packet goes, as far as that is known.
func (s *Passage) Dst() netip.Addr { return s.seen.Dst }

// Redirected reports whether rules have changed where it goes.
func (s *Passage) Redirected() bool { return s.seen.Dst != s.p.tuple.Dst().Addr() }

// Src returns where it comes from.
func (s *Passage) Src() netip.Addr { return s.seen.Src }

// Output passes the hook of what the namespace sends, over an interface that may
// still change.
func (s *Passage) Output(out string) iptables.Verdict {
	s.seen.In, s.seen.Out = "", out
	return s.first(iptables.Output, netip.Addr{})
}

// Prerouting passes the hook of what arrives. self is the first address of the
// interface.
func (s *Passage) Prerouting(in string, self netip.Addr) iptables.Verdict {
	s.seen.In, s.seen.Out = in, ""
	return s.first(iptables.Prerouting, self)
}

// Input passes the hook of what is for a socket of the namespace.
func (s *Passage) Input(in string) iptables.Verdict {
	s.seen.In, s.seen.Out = in, ""
	return s.second(iptables.Input, netip.Addr{})
}

// Postrouting passes the hook of what leaves. self is the first address of the
// interface.
func (s *Passage) Postrouting(out string, self netip.Addr) iptables.Verdict {
	s.seen.In, s.seen.Out = "", out
	return s.second(iptables.Postrouting, self)
}

// dropped reports whether the packet goes no further.
func dropped(v iptables.Verdict) bool { return v.Kind == iptables.Drop || v.Kind == iptables.Reject }

// first runs raw, finds the connection, and runs mangle and nat for the
// destination, and in Output the filter as well.
func (s *Passage) first(hook iptables.Hook, self netip.Addr) iptables.Verdict {
	if v := s.rules.Run(iptables.Raw, hook, &s.seen); dropped(v) {
		return v
	}
	tracked := s.conn != nil || s.new // over lo, since Output
	if !tracked && s.track {
		s.find()
	}
	if v := s.rules.Run(iptables.Mangle, hook, &s.seen); dropped(v) {
		return v
	}
	if s.new && !tracked {
		v := s.rules.Run(iptables.NAT, hook, &s.seen)
		if dropped(v) {
			return v
		}
		s.translateDst(v, hook, self)
	}
	s.seen.Dst, s.seen.DstPort = s.goesTo(s.seen.Dst, s.seen.DstPort)
	if hook == iptables.Output {
		return s.rules.Run(iptables.Filter, hook, &s.seen)
	}
	return iptables.Verdict{}
}

// find finds what conntrack knows of the packet.
func (s *Passage) find() {
	switch {
	case s.seen.State == iptables.StateUntracked:
	case s.p.kind == untracked:
		s.seen.State = iptables.StateUntracked
	case s.p.kind == icmpError:
		s.seen.State = iptables.StateInvalid
		if s.hooks.conntrack.TranslateError(s.p) {
			s.seen.State = iptables.StateRelated
			s.seen.Src, s.seen.Dst = s.p.tuple.Src().Addr(), s.p.tuple.Dst().Addr()
		}
	default:
		s.conn, s.dir = s.hooks.conntrack.Track(s.p)
		if s.conn == nil {
			s.new, s.seen.State = s.p.Begins(), iptables.StateInvalid
			if s.new {
				s.seen.State = iptables.StateNew
			}
			return
		}
		s.seen.State = iptables.StateEstablished
		if s.dir == Original && !s.conn.replied.Load() {
			s.seen.State = iptables.StateNew // one that is sent again
		}
		s.seen.DNAT, s.seen.SNAT = s.conn.Translated()
	}
}

// goesTo returns the destination that the packet has from the first hook on.
func (s *Passage) goesTo(dst netip.Addr, port uint16) (netip.Addr, uint16) {
	switch {
	case s.conn != nil:
		to := s.conn.Leaving(s.dir).Dst()
		dst, port = to.Addr(), to.Port()
	case s.nat.Dst.IsValid():
		dst, port = s.nat.Dst.Addr(), s.nat.Dst.Port()
	}
	if s.p.tuple.isICMP() {
		port = 0
	}
	return dst, port
}

// translateDst notes where a DNAT or REDIRECT sends a connection.
func (s *Passage) translateDst(v iptables.Verdict, hook iptables.Hook, self netip.Addr) {
	if v.Kind != iptables.DNAT && v.Kind != iptables.Redirect {
		return
	}
	s.by = v
	to := s.addrOf(v.NAT, s.seen.Dst)
	if v.Kind == iptables.Redirect {
		switch {
		case hook == iptables.Prerouting:
			to = self
		case s.p.tuple.v4:
			to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		default:
			to = netip.IPv6Loopback()
		}
	}
	port := s.seen.DstPort
	if n := v.NAT; n.Ports {
		switch {
		case n.BasePort != 0:
			port = n.MinPort + (port - n.BasePort)
		case port < n.MinPort || port > n.MaxPort || n.Random || n.FullyRandom:
			port = s.hooks.between(n.MinPort, n.MaxPort)
		}
	}
	s.nat.Dst = netip.AddrPortFrom(to, port)
	s.seen.DNAT = true
}

// addrOf draws an address of a range; old stays if there is none.
func (s *Passage) addrOf(n iptables.NATRange, old netip.Addr) netip.Addr {
	if !n.MinAddr.IsValid() {
		return old
	}
	a := n.MinAddr
	for i := s.hooks.random() % 64; i > 0 && a != n.MaxAddr; i-- {
		a = a.Next()
	}
	return a
}

// second runs mangle, in Input the filter, and nat for the source; then the
// connection is confirmed and the packet rewritten.
func (s *Passage) second(hook iptables.Hook, self netip.Addr) iptables.Verdict {
	if v := s.rules.Run(iptables.Mangle, hook, &s.seen); dropped(v) {
		return v
	}
	if hook == iptables.Input {
		if v := s.rules.Run(iptables.Filter, hook, &s.seen); dropped(v) {
			return v
		}
	}
	s.p.Mark = s.seen.Mark
	if s.new {
		v := s.rules.Run(iptables.NAT, hook, &s.seen)
		if dropped(v) {
			return v
		}
		s.translateSrc(v, self)
		conn, err := s.hooks.conntrack.Open(s.p, s.nat)
		s.conn, s.dir, s.new = conn, Original, false
		if err == ErrExists {
			s.conn, s.dir = s.hooks.conntrack.Track(s.p)
		}
		if s.conn == nil {
			return iptables.Verdict{Kind: iptables.Drop}
		}
	}
	if s.conn != nil {
		s.conn.Translate(s.p, s.dir)
		s.seen.Src, s.seen.SrcPort = s.p.tuple.Src().Addr(), s.p.tuple.srcPort
	}
	return iptables.Verdict{}
}

// translateSrc notes what SNAT or MASQUERADE makes of a connection's source.
func (s *Passage) translateSrc(v iptables.Verdict, self netip.Addr) {
	switch v.Kind {
	case iptables.SNAT:
		s.nat.Src = s.addrOf(v.NAT, s.seen.Src)
	case iptables.Masquerade:
		s.nat.Src = self
	default:
		return
	}
	s.by = v
	if v.NAT.Ports {
		s.nat.SrcPorts = [2]uint16{v.NAT.MinPort, v.NAT.MaxPort}
	}
	s.nat.Random = v.NAT.Random || v.NAT.FullyRandom
}

// TranslatedBy says which rule has translated a connection that the packet opens,
// and "" of any other packet: those go the first one's way.
func (s *Passage) TranslatedBy() string { return s.by.String() }

// Answer returns the packet that a REJECT sends, or false if there is none. from
// is who tells it. Where connections are translated so is the answer: it comes from
// whom the packet was sent to.
func (s *Passage) Answer(r iptables.RejectWith, from netip.Addr) (*Packet, bool) {
	if !s.p.answerable() {
		return nil, false
	}
	var answer *Packet
	var ok bool
	if r.TCPReset {
		answer, ok = s.p.reset()
	} else {
		answer, ok = s.p.refuseWith([2]uint8{r.Type, r.Code}, from, 0)
	}
	if !ok || !s.track {
		return answer, ok
	}
	if answer.IsICMPError() {
		s.hooks.conntrack.TranslateError(answer)
	} else if c, d := s.hooks.conntrack.Track(answer); c != nil {
		c.Translate(answer, d)
	}
	return answer, true
}

// OriginalDst returns the destination that a connection of the namespace had
// before it was translated: what SO_ORIGINAL_DST gives. It fails if conntrack does
// not know the connection. local and remote are the ends of the socket that asks.
func (h *Hooks) OriginalDst(local, remote netip.AddrPort) (netip.AddrPort, bool) {
	c := h.conntrack.Find(NewTuple(TCP, local, remote))
	if c == nil {
		return netip.AddrPort{}, false
	}
	return c.orig.Dst(), true
}
