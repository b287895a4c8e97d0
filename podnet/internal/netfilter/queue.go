package netfilter

import (
	"runtime"
	"sync"
)

// maxBacklog is how many packets wait in a queue, at most: Linux's
// net.core.netdev_max_backlog.
const maxBacklog = 1000

// maxArrivals is the same of what was under way over an impaired link. There long
// TCP segments are cut up, and where time is virtual a whole window of them
// arrives at one instant.
const maxArrivals = 1 << 15

// A Queue delivers packets to a stack, in order, by a goroutine that holds no
// lock. The first packet starts the goroutine: who gets none does not pay for it.
type Queue struct {
	deliver func(*Packet) // must not keep the packet

	wake chan struct{} // one slot
	done chan struct{} // closed when the goroutine has ended; nil before it is started

	mu      sync.Mutex // guards what follows, and done; taken under any lock of a stack
	closed  bool
	waiting []*Packet
	spare   []*Packet // what waiting was made of before; owned by the goroutine
}

// NewQueue returns an empty queue. Close it.
func NewQueue(deliver func(*Packet)) *Queue {
	return &Queue{deliver: deliver, wake: make(chan struct{}, 1)}
}

// Push adds a packet, which the queue releases when it is delivered. It never
// blocks: it fails if a thousand packets wait, and when the queue is closed, and
// then the packet stays the caller's.
func (q *Queue) Push(p *Packet) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	limit := maxBacklog
	if p.Departed != 0 {
		limit = maxArrivals
	}
	if q.closed || len(q.waiting) >= limit {
		return false
	}
	q.waiting = append(q.waiting, p)
	if q.done == nil {
		q.done = make(chan struct{})
		go q.run()
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

func (q *Queue) run() {
	defer close(q.done)
	for range q.wake {
		for q.drain() {
			// Two stacks may answer each other's answers without end, and
			// js/wasm has one thread, from which no goroutine is taken.
			runtime.Gosched()
		}
	}
	q.drain()
}

// drain delivers what waits. It reports whether there was anything.
func (q *Queue) drain() bool {
	q.mu.Lock()
	batch := q.waiting
	q.waiting = q.spare
	q.mu.Unlock()
	for i, p := range batch {
		q.deliver(p)
		p.Release()
		batch[i] = nil
	}
	q.spare = batch[:0]
	if cap(batch) > 64 { // a burst; do not keep its room
		q.spare = nil
	}
	return len(batch) > 0
}

// Close takes no more packets. When it returns, those that waited are delivered;
// so it must not be called by a delivery, nor under a lock of a stack. A second
// Close only waits.
func (q *Queue) Close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.wake)
	}
	done := q.done
	q.mu.Unlock()
	if done != nil {
		<-done
	}
}
