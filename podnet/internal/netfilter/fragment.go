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

	mu        sync.Mutex // guards what follows
	datagrams map[fragmentKey]*datagram
	order     []*datagram // in which they came; some are not in datagrams any more
	closed    bool
}

type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	proto    uint8 // IPv4's only: in IPv6, fragments differ in what they say
}

type datagram struct {
	key     fragmentKey
	known   bool    // the first fragment came
	first   headers // its
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
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.datagramOf(p)
	switch {
	case p.offset == 0:
		d.known, d.first = true, p.headers
		ready := append([]*Packet{p}, d.waiting...)
		d.waiting = nil
		for _, q := range ready {
			q.belong(d.first)
		}
		return ready
	case d.known:
		p.belong(d.first)
		return []*Packet{p}
	case f.closed || len(d.waiting) == maxWaiting:
		f.drop(p)
		return nil
	}
	d.waiting = append(d.waiting, p)
	return nil
}

// belong makes a fragment one of the datagram whose first fragment's headers are
// given.
func (h *headers) belong(first headers) {
	h.tuple, h.kind, h.icmp = first.tuple, first.kind, first.icmp
}

// datagramOf returns the datagram of a fragment, as it is known. Nobody tells when
// one is complete, so the oldest makes room for a new one. mu must be held.
func (f *Fragments) datagramOf(p *Packet) *datagram {
	now := time.Now()
	key := fragmentKey{src: p.tuple.src, dst: p.tuple.dst, id: p.fragID}
	if p.tuple.v4 {
		key.proto = p.tuple.proto
	}
	d := f.datagrams[key]
	if d != nil && now.Before(d.expires) {
		return d
	}
	if d != nil {
		f.dropAll(d)
	}
	d = &datagram{key: key, expires: now.Add(fragmentTimeout)}
	if f.closed {
		return d
	}
	if f.datagrams == nil {
		f.datagrams = make(map[fragmentKey]*datagram)
	}
	f.datagrams[key] = d
	f.order = append(f.order, d)
	if len(f.order) > maxDatagrams {
		oldest := f.order[0]
		f.order = append(f.order[:0], f.order[1:]...)
		f.dropAll(oldest)
		if f.datagrams[oldest.key] == oldest {
			delete(f.datagrams, oldest.key)
		}
	}
	return d
}

// dropAll drops what waits of a datagram.
func (f *Fragments) dropAll(d *datagram) {
	for _, p := range d.waiting {
		f.drop(p)
	}
	d.waiting = nil
}

func (f *Fragments) drop(p *Packet) {
	if f.Dropped != nil {
		f.Dropped(p)
	} else {
		p.Release()
	}
}

// Close drops what waits. From now on nothing does.
func (f *Fragments) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.datagrams {
		f.dropAll(d)
	}
	f.datagrams, f.order, f.closed = nil, nil, true
}
