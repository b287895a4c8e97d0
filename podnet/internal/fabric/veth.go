package fabric

import (
	"runtime"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// maxBacklog is how many packets wait for one end, at most: Linux's
	// net.core.netdev_max_backlog.
	maxBacklog = 1000

	// gsoMaxSize is the longest TCP segment that is handed over in one piece,
	// in bytes: Linux's GSO_LEGACY_MAX_SIZE.
	gsoMaxSize = 65536
)

// veth is a pair of ends.
//
// A packet is not delivered by the goroutine that writes it. The writer holds
// locks of its stack, the TCP endpoint's for one; the other stack may answer at
// once, with an ICMP error, say, for which the first one takes the same lock; and
// what forwards may answer in turn. So the packet waits for the veth's own
// goroutine, which holds no lock. It is started by the first packet: an idle Pod
// does not pay for it.
type veth struct {
	ends [2]VethEnd
	wake chan struct{} // one slot
	done chan struct{} // closed when the goroutine has ended; nil before it is started

	mu     sync.Mutex // guards what follows, done, and the ends; taken under any lock of a stack
	closed bool
}

// A VethEnd is one end of a veth pair: what is written to it arrives at the
// other, in order. It carries IP packets without an Ethernet header. As on Linux,
// TCP segments longer than the MTU cross it in one piece (GSO), and checksums are
// left out.
type VethEnd struct {
	veth *veth
	peer *VethEnd
	mtu  atomic.Uint32

	dispatcher stack.NetworkDispatcher // nil while no stack has the end
	waiting    []*stack.PacketBuffer   // to be delivered here
	spare      []*stack.PacketBuffer   // what waiting was made of before; owned by the goroutine
}

var (
	_ stack.LinkEndpoint = (*VethEnd)(nil)
	_ stack.GSOEndpoint  = (*VethEnd)(nil)
)

// NewVeth returns the ends of a new veth pair. mtu is that of both, in bytes.
// Closing one end closes the other, too.
func NewVeth(mtu uint32) (*VethEnd, *VethEnd) {
	v := &veth{wake: make(chan struct{}, 1)}
	a, b := &v.ends[0], &v.ends[1]
	a.peer, b.peer = b, a
	for _, e := range []*VethEnd{a, b} {
		e.veth = v
		e.mtu.Store(mtu)
	}
	return a, b
}

// WritePackets sends packets to the other end. They vanish if no stack has it,
// and when the pair is closed. It never blocks: what finds a thousand packets
// waiting is dropped.
func (e *VethEnd) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	v, to := e.veth, e.peer
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || to.dispatcher == nil {
		return pkts.Len(), nil
	}
	for n, pkt := range pkts.AsSlice() {
		if len(to.waiting) == maxBacklog {
			return n, &tcpip.ErrNoBufferSpace{}
		}
		if to.takes(pkt) {
			to.waiting = append(to.waiting, inbound(pkt))
		}
	}
	v.kick()
	return pkts.Len(), nil
}

// takes reports whether a packet is short enough to arrive. What is still to be
// cut into segments is, at any length, as on Linux.
func (e *VethEnd) takes(pkt *stack.PacketBuffer) bool {
	return pkt.GSOOptions.Type != stack.GSONone || pkt.Size() <= int(e.MTU())
}

// inbound returns a packet as it arrives. It shares the memory of pkt, which is
// reference counted and copied by whoever writes to it first.
func inbound(pkt *stack.PacketBuffer) *stack.PacketBuffer {
	in := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: pkt.ToBuffer()})
	in.NetworkProtocolNumber = pkt.NetworkProtocolNumber
	in.GSOOptions = pkt.GSOOptions
	return in
}

// kick makes the goroutine look for packets. mu must be held.
func (v *veth) kick() {
	if v.done == nil {
		v.done = make(chan struct{})
		go v.run()
	}
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *veth) run() {
	defer close(v.done)
	for range v.wake {
		v.drain()
	}
	v.drain()
}

// drain delivers until nothing waits.
func (v *veth) drain() {
	for more := true; more; {
		more = v.ends[0].deliver()
		more = v.ends[1].deliver() || more
		if more {
			// Two stacks may answer each other's answers without end, and js/wasm
			// has one thread, from which no goroutine is taken.
			runtime.Gosched()
		}
	}
}

// deliver hands what waits to the end's stack. It reports whether there was
// anything.
func (e *VethEnd) deliver() bool {
	e.veth.mu.Lock()
	d, batch := e.dispatcher, e.waiting
	e.waiting = e.spare
	e.veth.mu.Unlock()
	for i, pkt := range batch {
		if d != nil {
			d.DeliverNetworkPacket(pkt.NetworkProtocolNumber, pkt)
		}
		pkt.DecRef()
		batch[i] = nil
	}
	e.spare = batch[:0]
	if cap(batch) > 64 { // a burst; do not keep its room
		e.spare = nil
	}
	return len(batch) > 0
}

// Close closes both ends. What was written before still arrives, such as the
// last words of a stack that is being destroyed. When Close returns, nothing is
// being delivered any more; so it must not be called by a delivery, nor under a
// lock of a stack. A second Close only waits.
func (e *VethEnd) Close() {
	v := e.veth
	v.mu.Lock()
	if !v.closed {
		v.closed = true
		close(v.wake)
	}
	done := v.done
	v.mu.Unlock()
	if done != nil {
		<-done
	}
}

// Attach gives the end to a stack, or takes it away with nil.
func (e *VethEnd) Attach(d stack.NetworkDispatcher) {
	e.veth.mu.Lock()
	defer e.veth.mu.Unlock()
	e.dispatcher = d
}

// IsAttached reports whether a stack has the end.
func (e *VethEnd) IsAttached() bool {
	e.veth.mu.Lock()
	defer e.veth.mu.Unlock()
	return e.dispatcher != nil
}

// MTU returns the longest IP packet that the end sends and takes, in bytes.
func (e *VethEnd) MTU() uint32 { return e.mtu.Load() }

// SetMTU sets the MTU of this end. The other keeps its own.
func (e *VethEnd) SetMTU(mtu uint32) { e.mtu.Store(mtu) }

// Capabilities says that checksums are neither needed nor looked at: memory loses
// no bits.
func (*VethEnd) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload | stack.CapabilityTXChecksumOffload
}

// SupportedGSO makes TCP hand over long segments. With gVisor's own kind of GSO
// it would cut them up itself.
func (*VethEnd) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

// GSOMaxSize returns how long they may be, in bytes.
func (*VethEnd) GSOMaxSize() uint32 { return gsoMaxSize }

// MaxHeaderLength is 0: there is no link header.
func (*VethEnd) MaxHeaderLength() uint16 { return 0 }

// AddHeader does nothing.
func (*VethEnd) AddHeader(*stack.PacketBuffer) {}

// ParseHeader does nothing.
func (*VethEnd) ParseHeader(*stack.PacketBuffer) bool { return true }

// ARPHardwareType says that addresses need not be resolved.
func (*VethEnd) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }

// LinkAddress returns none.
func (*VethEnd) LinkAddress() tcpip.LinkAddress { return "" }

// SetLinkAddress does nothing.
func (*VethEnd) SetLinkAddress(tcpip.LinkAddress) {}

// Wait does nothing; Close waits.
func (*VethEnd) Wait() {}

// SetOnCloseAction does nothing. Whoever closes an end takes both out of their
// stacks.
func (*VethEnd) SetOnCloseAction(func()) {}
