package netfilter

import (
	"cmp"
	"errors"
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
	sweep int       // how many keys there are, when it is time to look for expired ones
	swept time.Time // when that was done last
	rand  *rand.Rand
}

// It is time to look for expired connections when there are twice as many keys as
// the last time, but no fewer than minSweep, or after sweepInterval.
const (
	minSweep      = 1024
	sweepInterval = time.Minute

	maxConns = 128 * 1024 // kube-proxy's least net.netfilter.nf_conntrack_max
)

// Why a connection cannot be opened.
var (
	ErrExists = errors.New("somebody else has just opened it")
	ErrNoPort = errors.New("no free port to masquerade with")
	ErrFull   = errors.New("nf_conntrack: table full, dropping packet")
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

// forget forgets a connection of the table. mu must be held.
func (t *Conntrack) forget(c *Conn) {
	delete(t.conns, c.orig)
	delete(t.conns, c.reply)
}

// Track finds the connection that a packet belongs to, and notes the packet. It
// returns nil if there is none yet: Open makes one of the packet, if it begins
// one.
func (t *Conntrack) Track(p *Packet) (*Conn, Direction) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	c, d := t.find(p.tuple, now)
	if c == nil {
		return nil, d
	}
	if c.restarts(p) {
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

// Open makes a connection of its first packet. The error is ErrExists if somebody
// else has since Track, ErrNoPort or ErrFull.
func (t *Conntrack) Open(p *Packet, nat NAT) (*Conn, error) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, _ := t.find(p.tuple, now); c != nil {
		return nil, ErrExists
	}
	if !t.makeRoom(now) {
		return nil, ErrFull
	}
	there := p.tuple
	if nat.Dst.IsValid() {
		there = there.withDst(nat.Dst)
	}
	there, ok := t.unique(there, nat, now)
	if !ok {
		return nil, ErrNoPort
	}
	c := newConn(p.tuple, there)
	c.Service, c.inserted = nat.Service, now
	c.see(p, Original, now)
	t.conns[c.orig] = c
	t.conns[c.reply] = c
	return c, nil
}

// unique gives there a source, such that what comes back can be told from what
// comes back to others. Like Linux, it does not try all ports: where nearly all are
// taken, it may not find the last ones. mu must be held.
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
	if p := there.proto; p != TCP && p != UDP && !there.isICMP() {
		try := there.withSrc(src) // there are no ports to choose from
		return try, t.free(try, now)
	}
	if first == 0 {
		first, last = portsLike(src.Port(), there.isICMP(), nat.Random)
	}
	n := int(last) - int(first) + 1
	for tries := min(n, maxTries); ; tries /= 2 {
		at := t.rand.IntN(n)
		for i := range tries {
			if try := there.withSrc(netip.AddrPortFrom(src.Addr(), first+uint16((at+i)%n))); t.free(try, now) {
				return try, true
			}
		}
		if tries == n || tries < minTries {
			return there, false
		}
	}
}

// How many ports in a row are tried first, and how few are the last attempt:
// nf_nat_core.c's.
const (
	maxTries = 128
	minTries = 16
)

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

// makeRoom forgets what has expired, if it is time to, and reports whether there is
// room for a connection. In a full table it takes the place of one that may go
// early, if there is one among some. mu must be held.
func (t *Conntrack) makeRoom(now time.Time) bool {
	if len(t.conns) >= t.sweep || now.Sub(t.swept) >= sweepInterval {
		t.forgetExpired(now)
	}
	if len(t.conns) < 2*maxConns {
		return true
	}
	tries := 1000
	for _, c := range t.conns {
		if c.mayGo(now) {
			t.forget(c)
			return true
		}
		if tries--; tries == 0 {
			break
		}
	}
	return false
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

// Purge forgets the connections that gone reports, which must not call the table.
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
	c, _ := t.lookup(tuple)
	return c
}

// lookup returns the connection of a tuple, or nil, and notes nothing.
func (t *Conntrack) lookup(tuple Tuple) (*Conn, Direction) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.find(tuple, now)
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
		e := Entry{Orig: c.orig, Reply: c.reply, Replied: c.replied.Load(), Assured: c.assured, Timeout: c.expires.Sub(now), Service: c.Service}
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
