package netfilter

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Conntrack is the connections of a network namespace. The zero value is not
// ready; use NewConntrack. It has no goroutine and no timer: what has expired is
// forgotten when it is looked for, and now and then as others come.
type Conntrack struct {
	mu    sync.Mutex // guards what follows, and the connections' states
	conns map[Tuple]*Conn
	sweep int       // how many keys there are when it is time to look for expired ones
	swept time.Time // when that was done last
	rand  *rand.Rand
}

// It is time to look for expired connections when there are twice as many keys as
// the last time, but no fewer than minSweep, or after sweepInterval.
const (
	minSweep      = 1024
	sweepInterval = time.Minute
)

// NewConntrack returns an empty table. seed decides the ports that are drawn.
func NewConntrack(seed uint64) *Conntrack {
	return &Conntrack{conns: make(map[Tuple]*Conn), sweep: minSweep, rand: rand.New(rand.NewPCG(seed, 0xc0117ac4))}
}

// find returns the live connection of a tuple. mu must be held.
func (t *Conntrack) find(tuple Tuple, now time.Time) (*Conn, Direction) {
	c := t.conns[tuple]
	if c == nil {
		return nil, Original
	}
	if !now.Before(c.expires) {
		t.forget(c)
		return nil, Original
	}
	if tuple == c.orig {
		return c, Original
	}
	return c, Reply
}

func (t *Conntrack) forget(c *Conn) {
	delete(t.conns, c.orig)
	delete(t.conns, c.reply)
}

// Track finds the connection that a packet belongs to, and notes the packet. It
// returns nil if there is none yet: the packet is new, and Open makes one of it.
func (t *Conntrack) Track(p *Packet) (*Conn, Direction) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	c, d := t.find(p.tuple, now)
	if c == nil {
		return nil, d
	}
	if c.restarts(p, d) {
		t.forget(c)
		return nil, Original
	}
	c.see(p, d, now)
	return c, d
}

// Translate sends a packet on as its connection says.
func (c *Conn) Translate(p *Packet, d Direction) { p.rewrite(c.Leaving(d)) }

// NAT says how a new connection is translated. The zero value leaves it as it is.
type NAT struct {
	Dst      netip.AddrPort // the new destination; the zero value keeps it
	Src      netip.Addr     // the new source; the zero value keeps it
	SrcPorts [2]uint16      // the range of its port; zero: its own if that is free
	Random   bool           // the port is drawn, as with --random-fully
	Service  string
}

// Open makes a connection of its first packet. If somebody else has opened it
// since Track, that one is returned. It fails if no port is free for what comes
// back.
func (t *Conntrack) Open(p *Packet, nat NAT) (*Conn, bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, d := t.find(p.tuple, now); c != nil && d == Original {
		c.see(p, d, now)
		return c, true
	}
	there := p.tuple
	if nat.Dst.IsValid() {
		there = there.withDst(nat.Dst)
	}
	there, ok := t.unique(there, nat, now)
	if !ok {
		return nil, false
	}
	c := &Conn{orig: p.tuple, reply: there.Inverse(), Service: nat.Service, inserted: now}
	c.see(p, Original, now)
	if len(t.conns) >= t.sweep || now.Sub(t.swept) >= sweepInterval {
		t.forgetExpired(now)
	}
	t.conns[c.orig] = c
	t.conns[c.reply] = c
	return c, true
}

// unique gives there a source, such that what comes back can be told from what
// comes back to others. mu must be held.
func (t *Conntrack) unique(there Tuple, nat NAT, now time.Time) (Tuple, bool) {
	src := there.Src()
	if nat.Src.IsValid() {
		src = netip.AddrPortFrom(nat.Src, src.Port())
	}
	first, last := nat.SrcPorts[0], nat.SrcPorts[1]
	inRange := first == 0 || first <= src.Port() && src.Port() <= last
	if try := there.withSrc(src); inRange && !nat.Random && t.free(try, now) {
		return try, true
	}
	if p := there.proto; p != TCP && p != UDP && p != ICMP && p != ICMPv6 {
		return there.withSrc(src), true // there are no ports to choose from
	}
	if first == 0 {
		first, last = portsLike(src.Port(), there.isEcho(), nat.Random)
	}
	n := int(last-first) + 1
	for i, at := 0, t.rand.IntN(n); i < n; i++ {
		if try := there.withSrc(netip.AddrPortFrom(src.Addr(), first+uint16((at+i)%n))); t.free(try, now) {
			return try, true
		}
	}
	return there, false
}

// portsLike returns the range from which Linux takes a port in the place of one
// that is taken (nf_nat_l4proto_unique_tuple in nf_nat_core.c).
func portsLike(port uint16, echo, random bool) (first, last uint16) {
	switch {
	case echo:
		return 0, 65535
	case random || port >= 1024:
		return 1024, 65535
	case port < 512:
		return 1, 511
	}
	return 600, 1023
}

// free reports whether nobody uses a tuple. mu must be held.
func (t *Conntrack) free(there Tuple, now time.Time) bool {
	c, _ := t.find(there.Inverse(), now)
	return c == nil
}

// forgetExpired forgets what has expired. mu must be held.
func (t *Conntrack) forgetExpired(now time.Time) {
	for _, c := range t.conns {
		if !now.Before(c.expires) {
			t.forget(c)
		}
	}
	sweep := max(minSweep, 2*len(t.conns))
	if sweep < t.sweep/4 { // a map does not shrink by itself
		conns := make(map[Tuple]*Conn, len(t.conns))
		maps.Copy(conns, t.conns)
		t.conns = conns
	}
	t.sweep, t.swept = sweep, now
}

// Purge forgets the connections that gone reports.
func (t *Conntrack) Purge(gone func(*Conn) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, c := range t.conns {
		if key == c.orig && gone(c) { // each has two keys
			t.forget(c)
		}
	}
}

// PurgeAddrs forgets the connections that begin or end at one of the addresses.
func (t *Conntrack) PurgeAddrs(addrs []netip.Addr) {
	list := make([][16]byte, len(addrs)) // as in tuples: there may be many connections
	for i, a := range addrs {
		list[i] = a.As16()
	}
	t.Purge(func(c *Conn) bool {
		return slices.Contains(list, c.orig.src) || slices.Contains(list, c.reply.src)
	})
}

// Find returns the connection of a tuple, or nil.
func (t *Conntrack) Find(tuple Tuple) *Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, _ := t.find(tuple, time.Now())
	return c
}

// Entries returns the connections, by protocol and source.
func (t *Conntrack) Entries() []Entry {
	now := time.Now()
	t.mu.Lock()
	var list []Entry
	for key, c := range t.conns {
		if key != c.orig || !now.Before(c.expires) {
			continue
		}
		e := Entry{Orig: c.orig, Reply: c.reply, Replied: c.replied, Assured: c.assured, Timeout: c.expires.Sub(now), Service: c.Service}
		if c.orig.proto == TCP {
			e.State = c.state.String()
		}
		list = append(list, e)
	}
	t.mu.Unlock()
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Orig.proto, b.Orig.proto), a.Orig.Src().Compare(b.Orig.Src()), a.Orig.Dst().Compare(b.Orig.Dst()))
	})
	return list
}
