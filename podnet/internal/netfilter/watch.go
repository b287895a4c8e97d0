package netfilter

import (
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Event is what became of a packet at a place.
type Event uint8

// The events.
const (
	Sent       Event = iota // it left over a link; what crosses lo, only leaves
	Received                // it came over a link
	Forwarded               // it left over a link, and is another's
	Translated              // its addresses or ports have changed
	Delivered               // it was given to the stack, or to the socket, that it is for
	Dropped                 // it went no further
)

// A Sighting is an event that somebody watches.
type Sighting struct {
	Event  Event
	Time   time.Time
	Place  any    // whose namespace or router it is, as its Config says
	Link   string // the interface; "" if there is none
	Tuple  Tuple  // of the packet as it is now; of later fragments without ports
	Before Tuple  // of Translated: as it was
	Bytes  []byte // the IP packet or its beginning; not to be changed, for other sightings may share it
	Size   int    // of the packet, in bytes
	Owner  string // the socket's at this place that sent it or gets it; "" if it is not known
	Why    string // of Dropped: the reason
	By     string // the rule, the policy or the Service that decided; "" if it was none
}

// A Watch shows what happens to packets in the namespaces and routers that share
// it. It is nobody's at first, and costs nothing then. A nil Watch shows nothing.
type Watch struct{ watcher atomic.Pointer[watcher] }

type watcher struct {
	see  func(Sighting)
	head int
}

// Heads is enough for the headers of any packet, and for those within an ICMP
// error, in bytes.
const Heads = maxHeaders

// Set makes f see everything, or nobody with nil; of a packet only the first head
// bytes, which are Heads or more, or all of it if head is 0. f is called in the
// goroutine of a sender, which may hold locks of its stack: it must not wait, nor
// call a stack.
func (w *Watch) Set(f func(Sighting), head int) {
	if f == nil {
		w.watcher.Store(nil)
		return
	}
	w.watcher.Store(&watcher{f, head})
}

// On reports whether somebody watches. See must not be prepared in vain.
func (w *Watch) On() bool { return w != nil && w.watcher.Load() != nil }

// See shows a sighting of now, of a packet as a stack has it, if somebody watches.
// Of a sighting that has Bytes and Size the packet may be nil.
func (w *Watch) See(pkt *stack.PacketBuffer, s Sighting) {
	if w == nil {
		return
	}
	k := w.watcher.Load()
	if k == nil {
		return
	}
	if s.Time.IsZero() {
		s.Time = time.Now()
	}
	if s.Bytes == nil {
		s.Bytes = bytesOf(pkt, k.head)
	}
	if pkt != nil {
		s.Size = pkt.Size()
	}
	k.see(s)
}

// Bytes returns a copy of a packet, of as much of it as is watched.
func (w *Watch) Bytes(pkt *stack.PacketBuffer) []byte {
	if k := w.watcher.Load(); k != nil {
		return bytesOf(pkt, k.head)
	}
	return bytesOf(pkt, Heads)
}

// bytesOf returns a copy of the first n bytes of a packet, or of all with 0.
func bytesOf(pkt *stack.PacketBuffer, n int) []byte {
	b := pkt.ToBuffer()
	defer b.Release()
	if n == 0 || int64(n) >= b.Size() {
		return b.Flatten()
	}
	head := make([]byte, n)
	b.ReadAt(head, 0)
	return head
}

// A Reading is what the headers of an IP packet say.
type Reading struct {
	Tuple  Tuple           // of later fragments without ports
	Later  bool            // it is a fragment without the transport header
	About  Tuple           // of an ICMP error: of the packet that it tells of; else zero
	Flags  header.TCPFlags // of TCP
	Number uint32          // of TCP: the sequence number
}

// Opens reports whether the packet opens a TCP connection.
func (r Reading) Opens() bool {
	return r.Flags&(header.TCPFlagSyn|header.TCPFlagAck|header.TCPFlagRst) == header.TCPFlagSyn
}

// Read reads the headers of the IP packet b. It fails if they make no sense; the
// Reading then is what there was to be read.
func Read(b []byte) (r Reading, ok bool) {
	h, ok := parse(b, false)
	r.Tuple, r.Later = h.tuple, h.offset > 0
	if !ok || r.Later {
		return r, ok
	}
	if h.kind == icmpError {
		if q, ok := h.within(b); ok {
			r.About = q.tuple
		}
	}
	if h.tuple.proto == TCP {
		t := header.TCP(b[h.l4:])
		r.Flags, r.Number = t.Flags(), t.SequenceNumber()
	}
	return r, true
}

// OwnerName returns the name of a socket's owner, and "" for nil.
func OwnerName(o tcpip.PacketOwner) string {
	if n, ok := o.(interface{ Name() string }); ok {
		return n.Name()
	}
	return ""
}

// Why packets are dropped in a namespace.
const (
	DropMalformed  = "malformed header"
	DropRules      = "iptables rule"
	DropClash      = "no free port to translate to"
	DropNoRoute    = "no route"
	DropQueueFull  = "queue full"
	DropNoListener = "no listener"
	DropNoSocket   = "the socket is closed"
	DropBufferFull = "the receive buffer is full"
	DropBacklog    = "the accept queue is full"
	DropChecksum   = "wrong checksum"
	DropNotLocal   = "not an address of this namespace"
	DropSource     = "no sender has such an address"
	DropProtocol   = "unknown protocol"
	DropFragments  = "the rest of the datagram did not come"
)
