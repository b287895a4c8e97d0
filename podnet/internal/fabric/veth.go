package fabric

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// gsoMaxSize is the longest TCP segment that is handed over in one piece, in
// bytes: Linux's GSO_LEGACY_MAX_SIZE.
const gsoMaxSize = 65536

// A Veth is a namespace's end of a veth pair; the other end is a router's. It
// carries IP packets without an Ethernet header. As on Linux, TCP segments longer
// than the MTU cross it in one piece (GSO), and checksums are left out.
//
// What the namespace sends, the router has at once. What it receives waits in a
// queue.
type Veth struct {
	router   *Router
	name     string     // of the router's end; "" if nobody is to see it
	end      faults.End // whose namespace it is, to faults
	host     bool       // it leads to the router's own host
	addrs    []netip.Addr
	gateways []netip.Addr // the router's addresses at its end
	mtu      atomic.Uint32

	owner atomic.Pointer[func(netfilter.Tuple) string] // see SetReceiver

	queue *netfilter.Queue
	push  func(*netfilter.Packet) bool // the queue's, as a rule

	dispatcher atomic.Pointer[stack.NetworkDispatcher] // nil while no stack has the end
}

var (
	_ stack.LinkEndpoint = (*Veth)(nil)
	_ stack.GSOEndpoint  = (*Veth)(nil)
)

// WritePackets gives packets to the router. It never blocks. As on Linux, the host
// hears what its own rules do not permit, and others do not.
func (v *Veth) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	for n, pkt := range pkts.AsSlice() {
		if !v.router.send(pkt, v) && v.host {
			return n, &tcpip.ErrNotPermitted{}
		}
	}
	return pkts.Len(), nil
}

// SetReceiver says how to find the owner of the socket that a packet is for in the
// namespace. It may be called under any lock of another stack, and must not wait.
func (v *Veth) SetReceiver(owner func(netfilter.Tuple) string) { v.owner.Store(&owner) }

// receiver returns the name of the owner of the socket that p is for.
func (v *Veth) receiver(p *netfilter.Packet) string {
	if owner := v.owner.Load(); owner != nil {
		return (*owner)(p.Tuple())
	}
	return ""
}

// take delivers p, or drops it.
func (v *Veth) take(p *netfilter.Packet) {
	if why := v.deliver(p); why != "" {
		v.router.dropAt(p, v.name, why, "")
	}
}

// deliver takes p for the namespace. It never blocks. It reports why p was
// dropped, and "" if it was not.
func (v *Veth) deliver(p *netfilter.Packet) string {
	switch {
	case v != v.router.loopback && !v.IsAttached():
		return DropNoDevice
	case p.Segment() > int(v.MTU()):
		return DropTooBig
	case !v.host && slices.Contains(v.addrs, p.Tuple().Src().Addr()):
		return DropMartian // fib_validate_source, whatever rp_filter says
	case !v.push(p):
		return DropQueueFull
	}
	return ""
}

// arrive hands a packet to the stack.
func (v *Veth) arrive(p *netfilter.Packet) {
	if d := v.dispatcher.Load(); d != nil {
		(*d).DeliverNetworkPacket(p.Buffer().NetworkProtocolNumber, p.Buffer())
		return
	}
	v.router.dropped(p.Tuple(), DropNoDevice, "")
	v.router.see(netfilter.Dropped, p, v.name, DropNoDevice, "")
}

// SetName names the router's end, for a Watch. It must be called before the veth is
// used.
func (v *Veth) SetName(name string) { v.name = name }

// Close unplugs the veth: the router has no way to its addresses any more. When
// Close returns, nothing is being delivered; so it must not be called by a
// delivery, nor under a lock of a stack. A second Close only waits.
func (v *Veth) Close() {
	v.router.unplug(v)
	v.queue.Close()
}

// gateway returns the router's address of a family at its end, or the zero Addr.
func (v *Veth) gateway(v4 bool) netip.Addr { return ofFamily(v.gateways, v4) }

func ofFamily(addrs []netip.Addr, v4 bool) netip.Addr {
	for _, a := range addrs {
		if a.Is4() == v4 {
			return a
		}
	}
	return netip.Addr{}
}

// Attach gives the end to a stack, or takes it away with nil.
func (v *Veth) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		v.dispatcher.Store(nil)
		return
	}
	v.dispatcher.Store(&d)
}

// IsAttached reports whether a stack has the end.
func (v *Veth) IsAttached() bool { return v.dispatcher.Load() != nil }

// MTU returns the longest IP packet that the end sends and takes, in bytes.
func (v *Veth) MTU() uint32 { return v.mtu.Load() }

// SetMTU sets the MTU of both ends.
func (v *Veth) SetMTU(mtu uint32) { v.mtu.Store(mtu) }

// Capabilities says that checksums are neither needed nor looked at: memory loses
// no bits.
func (*Veth) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload | stack.CapabilityTXChecksumOffload
}

// SupportedGSO makes TCP hand over long segments. With gVisor's own kind of GSO
// it would cut them up itself. A connection that begins while faults may lose packets,
// wherever in the cluster (see faults.Set.Lossy), has segments of one packet: gVisor's
// RACK takes a segment for lost or arrived as a whole.
func (v *Veth) SupportedGSO() stack.SupportedGSO {
	if v.router.faults.Lossy() {
		return stack.GSONotSupported
	}
	return stack.HostGSOSupported
}

// GSOMaxSize returns how long they may be, in bytes.
func (*Veth) GSOMaxSize() uint32 { return gsoMaxSize }

// MaxHeaderLength is 0: there is no link header.
func (*Veth) MaxHeaderLength() uint16 { return 0 }

// AddHeader does nothing.
func (*Veth) AddHeader(*stack.PacketBuffer) {}

// ParseHeader does nothing.
func (*Veth) ParseHeader(*stack.PacketBuffer) bool { return true }

// ARPHardwareType says that addresses need not be resolved.
func (*Veth) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }

// LinkAddress returns none.
func (*Veth) LinkAddress() tcpip.LinkAddress { return "" }

// SetLinkAddress does nothing.
func (*Veth) SetLinkAddress(tcpip.LinkAddress) {}

// Wait does nothing; Close waits.
func (*Veth) Wait() {}

// SetOnCloseAction does nothing. Whoever closes an end takes it out of its stack.
func (*Veth) SetOnCloseAction(func()) {}
