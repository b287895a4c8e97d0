package podnet

import (
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet/internal/netfilter"
)

// place is where packets are seen: a node, or the network namespace of a Pod.
type place struct {
	node, namespace, pod string

	// container is whose namespace it is with Config.IPPerContainer; else "".
	container string
}

// traces are those that run. The zero value has none.
type traces struct {
	watch netfilter.Watch // of everything in the cluster

	mu     sync.Mutex // guards what follows
	list   []*tracer  // never modified, but replaced
	closed bool
}

// add starts a trace. It fails when the cluster is closed.
func (t *traces) add(r *tracer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.set(append(slices.Clone(t.list), r))
	return true
}

func (t *traces) remove(r *tracer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(slices.DeleteFunc(slices.Clone(t.list), func(have *tracer) bool { return have == r }))
}

// set makes these the traces that run. mu must be held.
func (t *traces) set(list []*tracer) {
	t.list = list
	if len(list) == 0 {
		t.watch.Set(nil, 0)
		return
	}
	head := netfilter.Heads
	for _, r := range list {
		if !r.heads {
			head = 0
		}
	}
	order := new(sync.Mutex) // all traces see things in the same order
	t.watch.Set(func(s netfilter.Sighting) {
		order.Lock()
		defer order.Unlock()
		for _, r := range list {
			r.push(s)
		}
	}, head)
}

// close ends all traces, when they have told everything.
func (t *traces) close() {
	t.mu.Lock()
	list := t.list
	t.closed = true
	t.set(nil)
	t.mu.Unlock()
	for _, r := range list {
		r.stop()
	}
}

// tracer tells a function of what is seen, by a goroutine that holds no lock.
type tracer struct {
	f           func(TraceEvent)
	heads       bool   // the first bytes of packets are enough
	only        *place // nil for everywhere
	connections connections

	wake chan struct{} // one slot
	done chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // guards what follows; taken under any lock of a stack
	waiting []netfilter.Sighting
	spare   []netfilter.Sighting // what waiting was made of before; owned by the goroutine
	bytes   int                  // of waiting
	lost    uint64
	closed  bool
}

const (
	maxWaitingBytes = 64 << 20 // what may wait to be told, about
	maxSpare        = 1024     // sightings, whose room is kept
)

func newTracer(f func(TraceEvent), heads bool, only *place) *tracer {
	t := &tracer{f: f, heads: heads, only: only, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go t.run()
	return t
}

// push never blocks.
func (t *tracer) push(s netfilter.Sighting) {
	const overhead = 512
	if t.only != nil && s.Place != any(t.only) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.bytes > maxWaitingBytes {
		t.lost++
		return
	}
	t.bytes += len(s.Bytes) + overhead
	t.waiting = append(t.waiting, s)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *tracer) run() {
	defer close(t.done)
	for range t.wake {
		t.drain()
	}
	t.drain()
}

func (t *tracer) drain() {
	for {
		t.mu.Lock()
		batch, lost := t.waiting, t.lost
		t.waiting, t.bytes, t.lost = t.spare, 0, 0
		t.mu.Unlock()
		if t.spare = nil; cap(batch) <= maxSpare {
			t.spare = batch[:0]
		}
		if len(batch) == 0 {
			return
		}
		for i, s := range batch {
			e := traceEvent(s)
			e.Connection = t.connections.number(s)
			t.f(e)
			batch[i] = netfilter.Sighting{}
		}
		if lost > 0 {
			t.f(TraceEvent{Kind: TraceLost, Time: time.Now(), Lost: lost})
		}
	}
}

// stop returns when all is told. A second stop only waits.
func (t *tracer) stop() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		close(t.wake)
	}
	t.mu.Unlock()
	<-t.done
}

var traceKinds = [...]TraceKind{
	netfilter.Sent: TraceSent, netfilter.Received: TraceReceived, netfilter.Forwarded: TraceForwarded,
	netfilter.Translated: TraceTranslated, netfilter.Delivered: TraceDelivered, netfilter.Dropped: TraceDropped,
}

func traceEvent(s netfilter.Sighting) TraceEvent {
	e := TraceEvent{
		Kind: traceKinds[s.Event], Time: s.Time, Container: s.Owner, Interface: s.Link,
		Packet: s.Bytes, Size: s.Size, Reason: s.Why, By: s.By,
	}
	if s.Tuple != (netfilter.Tuple{}) {
		e.Protocol, e.Src, e.Dst = netfilter.ProtocolName(s.Tuple.Protocol()), s.Tuple.Src(), s.Tuple.Dst()
	}
	if s.Event == netfilter.Translated {
		e.OldSrc, e.OldDst = s.Before.Src(), s.Before.Dst()
	}
	if p, ok := s.Place.(*place); ok {
		e.Node, e.Namespace, e.Pod = p.node, p.namespace, p.pod
		if e.Container == "" {
			e.Container = p.container
		}
	}
	return e
}

// connections numbers connections. The zero value knows none.
type connections struct {
	last  uint64
	known map[connectionKey]*connection
}

// connectionKey is one direction of a connection. Addresses that every namespace
// has are told apart by the place.
type connectionKey struct {
	tuple netfilter.Tuple
	place any
}

type connection struct {
	id     uint64
	number uint32 // of the SYN that opened it
}

// maxConnections are known at once.
const maxConnections = 1 << 16

func keyOf(t netfilter.Tuple, place any) connectionKey {
	src, dst := t.Src().Addr(), t.Dst().Addr()
	if src.IsLoopback() || dst.IsLoopback() || src == dst {
		return connectionKey{t, place}
	}
	return connectionKey{tuple: t}
}

func (c *connections) find(t netfilter.Tuple, place any) *connection {
	if k := c.known[keyOf(t, place)]; k != nil {
		return k
	}
	return c.known[keyOf(t.Inverse(), place)]
}

// number returns the number of the connection that a packet belongs to, 0 if it
// belongs to none.
func (c *connections) number(s netfilter.Sighting) uint64 {
	r, ok := netfilter.Read(s.Bytes)
	if !ok {
		return 0
	}
	tuple := s.Tuple
	if r.About != (netfilter.Tuple{}) {
		tuple = r.About
	}
	if s.Event == netfilter.Translated && tuple == s.Tuple {
		k := c.connection(s.Before, s.Place)
		if have := c.find(tuple, s.Place); have == nil || have.id != k.id {
			c.know(tuple, s.Place, k)
		}
		return k.id
	}
	k := c.find(tuple, s.Place)
	if k == nil || s.Event == netfilter.Sent && r.Opens() && k.number != 0 && k.number != r.Number {
		k = c.open(tuple, s.Place)
	}
	if r.Opens() {
		k.number = r.Number
	}
	return k.id
}

func (c *connections) connection(t netfilter.Tuple, place any) *connection {
	if k := c.find(t, place); k != nil {
		return k
	}
	return c.open(t, place)
}

func (c *connections) open(t netfilter.Tuple, place any) *connection {
	c.last++
	k := &connection{id: c.last}
	c.know(t, place, k)
	return k
}

func (c *connections) know(t netfilter.Tuple, place any, k *connection) {
	if c.known == nil || len(c.known) >= maxConnections {
		c.known = make(map[connectionKey]*connection)
	}
	delete(c.known, keyOf(t.Inverse(), place))
	c.known[keyOf(t, place)] = k
}
