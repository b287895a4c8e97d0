package faults

import (
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet/internal/netfilter"
)

// line is one direction of a link under conditions: packets wait for it in a queue,
// and then are under way. Its packets arrive in the order in which they were sent,
// but for those that are reordered.
type line struct {
	fault *Fault
	seed  uint64

	mu      sync.Mutex  // guards what follows; taken under any lock of a stack
	count   uint64      // packets so far
	burst   bool        // packets are being lost
	busy    time.Time   // until when the line sends
	leaving []time.Time // when those leave that wait for the line, in order
	last    time.Time   // when the last in order arrives
	flying  []flight    // in the order of their arrival
	landing bool        // some of flying are being delivered
	closed  bool
	landers sync.WaitGroup
}

// flight is a packet under way.
type flight struct {
	c   *crossing
	p   *netfilter.Packet
	due time.Time
}

// send takes a packet, which goes on with the crossing when it has arrived.
func (l *line) send(c *crossing, p *netfilter.Packet, cond *Conditions) {
	now := time.Now()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		p.Release()
		return
	}
	lot := draw(l.seed, l.count)
	l.count++
	depart, ok := l.queue(now, p.Size(), cond)
	lost := l.lost(lot, cond)
	if !ok || lost {
		l.mu.Unlock()
		if !ok {
			l.fault.counts.Overflowed.Add(1)
			c.gap.Drop(p, DropQueueFull)
			return
		}
		l.fault.counts.Lost.Add(1)
		c.gap.Drop(p, DropLost)
		return
	}
	due := depart.Add(cond.delay(lot))
	if lot.reorder < cond.Reorder {
		l.fault.counts.Reordered.Add(1)
		due = due.Add(cond.ReorderDelay)
	} else {
		if due.Before(l.last) {
			due = l.last
		}
		l.last = due
	}
	l.mu.Unlock()
	if lot.corrupt < cond.Corrupt {
		l.fault.counts.Corrupted.Add(1)
		q, noticed := p.Flip(lot.bit)
		if noticed {
			c.gap.Drop(p, DropChecksum)
			return
		}
		p = q
	}
	if lot.duplicate < cond.Duplicate {
		l.fault.counts.Duplicated.Add(1)
		l.fly(flight{c, p.Clone(), due}, now)
	}
	l.fly(flight{c, p, due}, now)
}

// hold delivers a packet later, whatever else crosses the line meanwhile.
func (l *line) hold(c *crossing, p *netfilter.Packet, d time.Duration) {
	now := time.Now()
	l.fly(flight{c, p, now.Add(d)}, now)
}

// queue returns when a packet has left, and false if it finds no room. mu must be
// held.
func (l *line) queue(now time.Time, size int, cond *Conditions) (time.Time, bool) {
	if cond.Bandwidth == 0 {
		l.leaving = nil
		return now, true
	}
	gone := 0
	for gone < len(l.leaving) && !l.leaving[gone].After(now) {
		gone++
	}
	l.leaving = l.leaving[gone:]
	if len(l.leaving) > cond.Queue { // one is being sent
		return now, false
	}
	if l.busy.Before(now) {
		l.busy = now
	}
	l.busy = l.busy.Add(time.Duration(float64(size) * 8 * float64(time.Second) / float64(cond.Bandwidth)))
	l.leaving = append(l.leaving, l.busy)
	return l.busy, true
}

// lost reports whether the packet is lost. mu must be held.
func (l *line) lost(lot lot, cond *Conditions) bool {
	switch {
	case cond.Burst.Begin == 0:
		l.burst = false
	case l.burst:
		l.burst = lot.burst >= cond.Burst.End
	default:
		l.burst = lot.burst < cond.Burst.Begin
	}
	loss := cond.Loss
	if l.burst {
		loss = max(loss, cond.Burst.Loss)
	}
	return lot.loss < loss
}

// fly has a packet arrive when it is due: at once, if it is and no other is under
// way.
func (l *line) fly(f flight, now time.Time) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		f.p.Release()
		return
	}
	if len(l.flying) == 0 && !l.landing && !f.due.After(now) {
		l.mu.Unlock()
		f.c.pass(f.p)
		return
	}
	f.c.set.Leave(f.p)
	at := len(l.flying)
	for at > 0 && l.flying[at-1].due.After(f.due) {
		at--
	}
	l.flying = slices.Insert(l.flying, at, f)
	if at == 0 && !l.landing {
		// A timer that waits for a later one finds nothing to do, or does the
		// work of this one.
		time.AfterFunc(f.due.Sub(now), l.land)
	}
	l.mu.Unlock()
}

// land delivers what is due.
func (l *line) land() {
	l.mu.Lock()
	if l.landing || l.closed {
		l.mu.Unlock()
		return
	}
	l.landing = true
	l.landers.Add(1)
	defer l.landers.Done()
	now := time.Now()
	for len(l.flying) > 0 && !l.closed {
		f := l.flying[0]
		if f.due.After(now) {
			if now = time.Now(); f.due.After(now) {
				time.AfterFunc(f.due.Sub(now), l.land)
				break
			}
		}
		l.flying[0] = flight{}
		l.flying = l.flying[1:]
		l.mu.Unlock()
		f.c.pass(f.p)
		l.mu.Lock()
	}
	if len(l.flying) == 0 {
		l.flying = nil
	}
	l.landing = false
	empty := l.flying == nil
	l.mu.Unlock()
	if empty {
		l.fault.idle()
	}
}

// isIdle reports whether nothing is under way.
func (l *line) isIdle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.flying) == 0 && !l.landing
}

// close drops what is under way, and waits for what is being delivered.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	flying := l.flying
	l.flying = nil
	l.mu.Unlock()
	for _, f := range flying {
		f.p.Release()
	}
	l.landers.Wait()
}
