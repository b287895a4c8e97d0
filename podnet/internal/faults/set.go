package faults

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"podnet.dev/podnet/internal/netfilter"
)

// Why packets are dropped.
const (
	DropLost      = "fault: lost"
	DropChecksum  = "fault: damaged, wrong checksum"
	DropQueueFull = "fault: queue full"
	DropCut       = "fault: cut off"
	DropScript    = "fault: dropped by a script"
	DropRefused   = "fault: refused"
	DropReset     = "fault: connection reset"
	DropTooBig    = "fault: longer than the MTU"
)

// Set is the faults of a cluster. The nil Set has none. Close it.
type Set struct {
	// Narrow says that the MTUs of links differ. It is for the time before Add.
	Narrow bool

	seed  uint64
	epoch atomic.Uint64 // goes up with each cut
	at    [places]atomic.Pointer[[]*Fault]
	lossy atomic.Bool // see Lossy

	mu     sync.Mutex // guards what follows; never taken under a line's
	faults []*Fault
	named  map[string]int // how often a name was given
	closed bool

	followers map[*func(lossy bool)]struct{}
}

// NewSet returns an empty set. seed decides what is drawn by lot.
func NewSet(seed uint64) *Set {
	s := &Set{seed: seed, named: make(map[string]int), followers: make(map[*func(lossy bool)]struct{})}
	s.epoch.Store(1)
	return s
}

// Fault is one fault of a set. Its exported fields are for the time before Add.
type Fault struct {
	Where Where

	// What it does: one of these. Conditions are set by SetConditions.
	Cut    bool                       // packets vanish
	Keep   bool                       // but for those that are under way when it begins
	Script func(*Crossing) Verdict    // says what becomes of each
	cond   atomic.Pointer[Conditions] // nil without

	set     *Set
	seed    uint64
	since   uint64 // the epoch of a cut
	counts  Counts
	retired atomic.Bool // it does nothing but for what is under way

	mu    sync.Mutex // guards what follows; taken under any lock of a stack, and under no line's
	lines map[lineKey]*line
	flows map[netfilter.Tuple]struct{} // of the container
	ended bool                         // the set is closed
}

// Counts count what a fault did to packets.
type Counts struct {
	Packets, Lost, Overflowed, Duplicated, Corrupted, Reordered, Cut, Refused, Scripted atomic.Uint64
}

// Counts returns what the fault did so far.
func (f *Fault) Counts() *Counts { return &f.counts }

// SetConditions makes the fault one of conditions, or changes them. What is under
// way arrives when it would have; nothing overtakes it.
func (f *Fault) SetConditions(c Conditions) {
	f.cond.Store(&c)
	if f.set == nil { // not yet
		return
	}
	f.set.mu.Lock()
	defer f.set.mu.Unlock()
	f.set.judge()
}

// ChangeConditions is SetConditions, unless the fault is closed.
func (f *Fault) ChangeConditions(c Conditions) {
	if f.retired.Load() {
		return
	}
	f.SetConditions(c)
	if f.retired.Load() { // meanwhile
		f.SetConditions(Conditions{})
	}
}

type lineKey struct {
	at       Place
	from, to End
}

// line returns the fault's line of a link.
func (f *Fault) line(at Place, from, to *End) *line {
	key := lineKey{at, *from, *to}
	switch at { // a link with one Pod is one line, whoever is at the other end
	case Up:
		key.to = End{}
	case Down:
		if f.Where.shared() {
			key.from = End{}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.lines[key]
	if l == nil {
		l = &line{fault: f, closed: f.ended, seed: seedOf(f.seed, placeNames[at], key.from.String(), key.to.String())}
		f.lines[key] = l
	}
	return l
}

// shared reports whether all that goes to a Pod shares its link.
func (w *Where) shared() bool { return len(w.From) == 0 || len(w.To) == 0 }

func (e End) String() string {
	if e.Pod != "" {
		return e.Pod // wherever it runs
	}
	return e.Node
}

// Add makes a fault one of the set. It fails if the set is closed.
func (s *Set) Add(f *Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	name := f.Where.String()
	f.set, f.lines, f.seed = s, make(map[lineKey]*line), seedOf(s.seed, name, fmt.Sprint(s.named[name]))
	s.named[name]++
	f.since = s.epoch.Add(1)
	s.faults = append(s.faults, f)
	s.publish()
	return true
}

// publish tells the places which faults they have. mu must be held.
func (s *Set) publish() {
	for at := range places {
		var list []*Fault
		for _, f := range s.faults {
			if f.Where.reaches(at) {
				list = append(list, f)
			}
		}
		if list == nil {
			s.at[at].Store(nil)
			continue
		}
		s.at[at].Store(&list)
	}
	s.judge()
}

// reaches reports whether any packet at a place may be meant.
func (w *Where) reaches(at Place) bool {
	switch at {
	case Loopback:
		return w.Loopback
	case Up:
		return !w.Loopback && (len(w.To) == 0) != (len(w.From) == 0)
	case Between:
		return !w.Loopback && slices.ContainsFunc(slices.Concat(w.From, w.To), func(e End) bool { return e.Pod == "" })
	}
	return !w.Loopback
}

// Close ends the fault. What is under way arrives when it would have, and nothing
// overtakes it. A second Close does nothing.
func (f *Fault) Close() {
	if f.retired.Swap(true) {
		return
	}
	f.SetConditions(Conditions{})
	f.idle()
}

// idle takes a fault that has ended out of its set, if nothing is under way.
func (f *Fault) idle() {
	if !f.retired.Load() {
		return
	}
	f.mu.Lock()
	for _, l := range f.lines {
		if !l.isIdle() {
			f.mu.Unlock()
			return
		}
	}
	f.mu.Unlock()
	s := f.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.faults, f); i >= 0 {
		s.faults = slices.Delete(slices.Clone(s.faults), i, i+1)
		s.publish()
	}
}

// Close ends all faults and drops what is under way.
func (s *Set) Close() {
	s.mu.Lock()
	faults := s.faults
	s.faults, s.closed = nil, true
	s.publish()
	s.mu.Unlock()
	for _, f := range faults {
		f.mu.Lock()
		f.ended = true
		lines := make([]*line, 0, len(f.lines))
		for _, l := range f.lines {
			lines = append(lines, l)
		}
		f.mu.Unlock()
		for _, l := range lines {
			l.close()
		}
	}
}

// Active reports whether there is a fault at a place.
func (s *Set) Active(at Place) bool { return s != nil && s.at[at].Load() != nil }

// Leave notes that a packet is under way from now on, whether or not there is a
// fault.
func (s *Set) Leave(p *netfilter.Packet) {
	if s != nil && p.Departed == 0 {
		p.Departed = s.epoch.Load()
	}
}

// CutOff reports whether a packet that was under way to an end is cut off there.
func (s *Set) CutOff(at Place, from, to *End, gap Gap, p *netfilter.Packet) bool {
	if !s.Active(at) {
		return false
	}
	for _, f := range *s.at[at].Load() {
		if f.cuts(at, from, to, gap, p) {
			return true
		}
	}
	return false
}

// cuts reports whether the fault cuts a packet off.
func (f *Fault) cuts(at Place, from, to *End, gap Gap, p *netfilter.Packet) bool {
	if !f.Cut || f.retired.Load() || f.Keep && p.Departed != 0 && p.Departed < f.since || !f.matches(at, from, to, gap, p) {
		return false
	}
	f.counts.Packets.Add(1)
	f.counts.Cut.Add(1)
	return true
}

// A Gap is where a packet crosses from one end of a link to the other. Its
// functions must not wait, and may be called under locks of the sender's stack.
type Gap interface {
	// Deliver takes a packet that has come across.
	Deliver(*netfilter.Packet)
	// Answer takes a packet that goes the other way.
	Answer(*netfilter.Packet)
	// Drop releases a packet, and says why.
	Drop(p *netfilter.Packet, why string)
	// Receiver returns the name of the owner of the socket that a packet is for, on
	// the other side; "" if it is not known.
	Receiver(*netfilter.Packet) string
	// Refusal returns the packet that tells p's sender why it does not arrive.
	Refusal(p *netfilter.Packet, why netfilter.Refusal, mtu int) (*netfilter.Packet, bool)
}

// Cross takes a packet over a gap as the faults of a place have it. from is the
// sender's end.
func (s *Set) Cross(at Place, from, to *End, gap Gap, p *netfilter.Packet) {
	list := s.at[at].Load()
	if list == nil {
		gap.Deliver(p)
		return
	}
	c := &crossing{set: s, at: at, from: from, to: to, gap: gap, rest: *list}
	for _, f := range *list {
		if f.cuts(at, from, to, gap, p) {
			gap.Drop(p, DropCut)
			return
		}
	}
	if p.Segment() < p.Size() && slices.ContainsFunc(*list, func(f *Fault) bool { return !f.Cut && f.matches(at, from, to, gap, p) }) {
		for _, q := range p.Segments() {
			s.Leave(q)
			c.pass(q)
		}
		return
	}
	c.pass(p)
}

// crossing is the way of packets over a gap: the faults that are still to come.
type crossing struct {
	set      *Set
	at       Place
	from, to *End
	gap      Gap
	rest     []*Fault
}

// pass takes a packet through the rest of the faults.
func (c *crossing) pass(p *netfilter.Packet) {
	for i, f := range c.rest {
		if f.Cut || !f.matches(c.at, c.from, c.to, c.gap, p) {
			continue
		}
		f.counts.Packets.Add(1)
		next := *c
		next.rest = c.rest[i+1:]
		if f.Script != nil {
			if !f.retired.Load() {
				f.ask(&next, p)
				return
			}
			continue
		}
		cond := f.cond.Load()
		if cond.MTU > 0 && p.Size() > cond.MTU {
			if p.DontFragment() {
				f.counts.Refused.Add(1)
				next.refuse(p, netfilter.TooBig, cond.MTU, DropTooBig)
				return
			}
			for _, q := range p.Cut(cond.MTU) {
				f.line(c.at, c.from, c.to).send(&next, q, cond)
			}
			return
		}
		f.line(c.at, c.from, c.to).send(&next, p, cond)
		return
	}
	if p.Departed != 0 && c.set.CutOff(c.at, c.from, c.to, c.gap, p) {
		c.gap.Drop(p, DropCut)
		return
	}
	c.gap.Deliver(p)
}

// refuse drops a packet and tells its sender.
func (c *crossing) refuse(p *netfilter.Packet, why netfilter.Refusal, mtu int, reason string) {
	answer, ok := c.gap.Refusal(p, why, mtu)
	c.gap.Drop(p, reason)
	if ok {
		c.gap.Answer(answer)
	}
}

// Crossing is what a script sees: a packet, and the ends of the link.
type Crossing struct {
	At       Place
	From, To End
	Packet   *netfilter.Packet // not to be kept
	Time     time.Time
}

// Verdict is what becomes of a packet.
type Verdict struct {
	Kind  Kind
	Delay time.Duration // of Delay
}

// Kind is a kind of verdict.
type Kind uint8

// The kinds of verdicts.
const (
	Pass   Kind = iota
	Drop        // it vanishes
	Delay       // it comes later; others may overtake it
	Reject      // its sender is told: by a reset, or that the port is unreachable
	Reset       // of TCP, both ends are told that the connection is reset
)

// ask does what the script says.
func (f *Fault) ask(c *crossing, p *netfilter.Packet) {
	v := f.Script(&Crossing{c.at, *c.from, *c.to, p, time.Now()})
	if v.Kind != Pass {
		f.counts.Scripted.Add(1)
	}
	switch v.Kind {
	case Drop:
		c.gap.Drop(p, DropScript)
	case Delay:
		f.line(c.at, c.from, c.to).hold(c, p, v.Delay)
	case Reject:
		c.reject(p, DropRefused)
	case Reset:
		ahead, ok := p.ResetAhead()
		c.reject(p, DropReset)
		if ok {
			c.gap.Deliver(ahead)
		}
	default:
		c.pass(p)
	}
}

func (c *crossing) reject(p *netfilter.Packet, reason string) {
	why := netfilter.PortUnreachable
	if p.Tuple().Protocol() == netfilter.TCP {
		why = netfilter.TCPReset
	}
	c.refuse(p, why, 0, reason)
}
