package netstack

import (
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"podnet.dev/podnet/internal/netfilter"
)

// gVisor's TCP decides some time after it has been given a segment whether there is
// room in a listener's accept queue, and drops what has none without a word: the SYN
// of a connection, or the ACK that would complete it. But it counts, and afterwards
// there is no connection.

// A handshake is a segment that somebody watches and that may find an accept queue
// full.
type handshake struct {
	link    *hookedLink
	seen    netfilter.Sighting
	missing func() bool        // there is no connection that has taken it
	drops   *tcpip.StatCounter // of such segments
	before  uint64             // drops, when it was given to TCP
	crowded bool               // the accept queue is not empty
}

// handshake returns what a segment may become of that is about to be delivered, nil
// if it is not one that a full queue can drop.
func (l *hookedLink) handshake(to receiver, r netfilter.Reading, s netfilter.Sighting) *handshake {
	ep, ok := to.ep.(*tcp.Endpoint)
	if !ok || r.Flags.Contains(header.TCPFlagRst) {
		return nil
	}
	h := &handshake{link: l, seen: s}
	listener := to.listener
	switch ep.EndpointState() {
	case tcp.StateListen:
		listener = ep
		stats := ep.Stats().(*tcp.Stats)
		h.drops = &stats.ReceiveErrors.ListenOverflowAckDrop
		if r.Opens() {
			h.drops = &stats.ReceiveErrors.ListenOverflowSynDrop
		}
		h.missing = func() bool { return l.receiver(r).ep == to.ep }
	case tcp.StateSynRecv:
		if !r.Flags.Contains(header.TCPFlagAck) {
			return nil
		}
		h.drops = l.ns.stack.Stats().DroppedPackets
		h.missing = func() bool { return ep.EndpointState() == tcp.StateSynRecv }
	default:
		return nil
	}
	h.before = h.drops.Value()
	h.crowded = listener != nil && listener.Readiness(waiter.ReadableEvents) != 0
	return h
}

// handshakes are those that TCP may still work at. The zero value has none.
type handshakes struct {
	mu     sync.Mutex // guards what follows
	list   []*handshake
	timers map[*time.Timer]struct{} // each settles one, outside a bubble
	closed bool

	settling sync.WaitGroup // the timers
}

// settleTime is how long TCP has outside a bubble, where nobody knows when it is
// done. There only queues are looked at in which a connection waits already: timers
// would keep namespaces that are closed.
const settleTime = 100 * time.Millisecond

// await shows what becomes of h, which has been delivered.
func (ns *Namespace) await(h *handshake) {
	if ns.pump == nil {
		if h.crowded {
			ns.handshakes.settleLater(h)
		}
		return
	}
	ns.handshakes.mu.Lock()
	ns.handshakes.list = append(ns.handshakes.list, h)
	ns.handshakes.mu.Unlock()
	ns.pump.kick()
}

func (k *handshakes) settleLater(h *handshake) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	h.seen.Time = time.Now()
	k.settling.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(settleTime, func() {
		defer k.settling.Done()
		k.mu.Lock()
		delete(k.timers, timer)
		k.mu.Unlock()
		settle([]*handshake{h})
	})
	if k.timers == nil {
		k.timers = make(map[*time.Timer]struct{})
	}
	k.timers[timer] = struct{}{}
}

// close settles no more, and waits for what is settling.
func (k *handshakes) close() {
	k.mu.Lock()
	k.closed = true
	for timer := range k.timers {
		if timer.Stop() {
			k.settling.Done()
		}
	}
	k.mu.Unlock()
	k.settling.Wait()
}

// take returns the handshakes that have been delivered.
func (k *handshakes) take() []*handshake {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.list
	k.list = nil
	return list
}

// settle shows which of the segments, in their order, were dropped. The last ones
// are: a queue fills up.
func settle(list []*handshake) {
	if len(list) == 0 {
		return
	}
	dropped := make(map[*tcpip.StatCounter]uint64)
	for i := len(list) - 1; i >= 0; i-- {
		h := list[i]
		if h.drops.Value()-h.before > dropped[h.drops] && h.missing() {
			dropped[h.drops]++
			h.seen.Event, h.seen.Why = netfilter.Dropped, netfilter.DropBacklog
		}
	}
	for _, h := range list {
		if h.seen.Event == netfilter.Dropped {
			h.link.see(nil, h.seen)
		}
	}
}
