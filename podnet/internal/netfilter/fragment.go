package netfilter

import (
	"sync"
	"time"
)

// Fragments knows to which connection the fragments of a datagram belong: only
// the first one has the ports. Linux puts a datagram together before it tracks
// it, and cuts it up again; here each fragment goes the first one's way, and those
// that come before it wait. The zero value is ready for use.
type Fragments struct {
	// Dropped, if not nil, takes what has waited in vain, instead of Release. It
	// must not use the Fragments.
	Dropped func(*Packet)

	mu        sync.Mutex // guards datagrams
	datagrams map[fragmentKey]*datagram
}

type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	proto    uint8
}

type datagram struct {
	tuple   Tuple // zero until the first fragment came
	known   bool
	waiting []*Packet
	expires time.Time
}

const (
	fragmentTimeout = 30 * time.Second // Linux's net.ipv4.ipfrag_time
	maxDatagrams    = 256              // that are known at once
	maxWaiting      = 64               // fragments of one that wait
)

// Sort takes a fragment and returns what may go on now, each with the tuple of
// its datagram: nothing, if it has to wait. What is not a fragment goes on as it
// is.
func (f *Fragments) Sort(p *Packet) []*Packet {
	if !p.fragment {
		return []*Packet{p}
	}
	now := time.Now()
	key := fragmentKey{p.tuple.src, p.tuple.dst, p.fragID, p.tuple.proto}
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.datagrams[key]
	if d == nil || !now.Before(d.expires) {
		f.makeRoom(now)
		d = &datagram{expires: now.Add(fragmentTimeout)}
		f.datagrams[key] = d
	}
	switch {
	case p.offset == 0:
		d.tuple, d.known = p.tuple, true
		ready := append([]*Packet{p}, d.waiting...)
		d.waiting = nil
		for _, q := range ready {
			q.tuple = d.tuple
		}
		return ready
	case d.known:
		p.tuple = d.tuple
		return []*Packet{p}
	case len(d.waiting) == maxWaiting:
		f.drop(p)
		return nil
	}
	d.waiting = append(d.waiting, p)
	return nil
}

// makeRoom forgets what has expired and, if there is still too much, everything.
// mu must be held.
func (f *Fragments) makeRoom(now time.Time) {
	if f.datagrams == nil {
		f.datagrams = make(map[fragmentKey]*datagram)
	}
	for _, all := range []bool{false, true} {
		if len(f.datagrams) < maxDatagrams {
			return
		}
		for key, d := range f.datagrams {
			if all || !now.Before(d.expires) {
				f.drop(d.waiting...)
				delete(f.datagrams, key)
			}
		}
	}
}

func (f *Fragments) drop(list ...*Packet) {
	for _, p := range list {
		if f.Dropped != nil {
			f.Dropped(p)
		} else {
			p.Release()
		}
	}
}

// Close drops what waits.
func (f *Fragments) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.datagrams {
		f.drop(d.waiting...)
	}
	f.datagrams = nil
}
