package netstack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"podnet.dev/podnet/internal/iptables"
	"podnet.dev/podnet/internal/netfilter"
)

// see shows what became of a packet at the link, if somebody watches.
func (l *hookedLink) see(pkt *stack.PacketBuffer, s netfilter.Sighting) {
	if l.hidden {
		if s.Event == netfilter.Sent || s.Event == netfilter.Received {
			return
		}
	} else {
		s.Link = l.name
	}
	s.Place = l.ns.place
	l.ns.watch.See(pkt, s)
}

// seeBuffers shows packets that the stack sends over the link.
func (l *hookedLink) seeBuffers(pkts stack.PacketBufferList) {
	if l.hidden {
		return
	}
	for _, pkt := range pkts.AsSlice() {
		b := l.ns.watch.Bytes(pkt)
		r, _ := netfilter.Read(b)
		l.see(pkt, netfilter.Sighting{Event: netfilter.Sent, Tuple: r.Tuple, Bytes: b, Owner: netfilter.OwnerName(pkt.Owner)})
	}
}

// seePacket shows a packet on its way through the hooks.
func (l *hookedLink) seePacket(e netfilter.Event, p *netfilter.Packet) {
	if l.ns.watch.On() {
		l.see(p.Buffer(), netfilter.Sighting{Event: e, Tuple: p.Tuple(), Owner: netfilter.OwnerName(p.Owner)})
	}
}

// seeTranslated shows that rules have changed a packet, if they have.
func (l *hookedLink) seeTranslated(p *netfilter.Packet, before netfilter.Tuple, s *netfilter.Passage) {
	if p.Tuple() != before && l.ns.watch.On() {
		l.see(p.Buffer(), netfilter.Sighting{Event: netfilter.Translated, Tuple: p.Tuple(), Before: before, Owner: netfilter.OwnerName(p.Owner), By: s.TranslatedBy()})
	}
}

// drop shows a packet that goes no further.
func (l *hookedLink) drop(p *netfilter.Packet, why, by string) {
	if l.ns.watch.On() {
		l.see(p.Buffer(), netfilter.Sighting{Event: netfilter.Dropped, Tuple: p.Tuple(), Owner: netfilter.OwnerName(p.Owner), Why: why, By: by})
	}
}

// dropBuffer is drop for a packet whose headers make no sense.
func (l *hookedLink) dropBuffer(pkt *stack.PacketBuffer) {
	if l.ns.watch.On() {
		l.see(pkt, netfilter.Sighting{Event: netfilter.Dropped, Why: netfilter.DropMalformed})
	}
}

// dropVerdict is drop by rules.
func (l *hookedLink) dropVerdict(p *netfilter.Packet, v iptables.Verdict) {
	why, by := netfilter.DropRules, v.String()
	if by == "" {
		why = netfilter.DropClash
	}
	l.drop(p, why, by)
}

// seeUp gives a packet to the stack and shows what becomes of it. seen is handUp's.
func (l *hookedLink) seeUp(protocol tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer, seen []byte) {
	if seen == nil {
		seen = l.ns.watch.Bytes(pkt)
	}
	s := netfilter.Sighting{Event: netfilter.Delivered, Bytes: seen}
	var to receiver
	var h *handshake
	if r, ok := netfilter.Read(s.Bytes); ok {
		s.Tuple, s.Size = r.Tuple, pkt.Size()
		to = l.receiver(r)
		s.Owner, s.Why = netfilter.OwnerName(to.owner), to.why
		h = l.handshake(to, r, s)
	} else {
		s.Why = netfilter.DropMalformed
	}
	if s.Why != "" {
		s.Event = netfilter.Dropped
	}
	l.see(pkt, s)
	before := to.losses()
	l.deliver(protocol, pkt)
	if why := to.losses().since(before); why != "" && s.Event != netfilter.Dropped {
		s.Event, s.Why = netfilter.Dropped, why
		l.see(pkt, s)
	} else if h != nil {
		l.ns.await(h)
	}
}

// receiver is who gets a packet.
type receiver struct {
	ep       tcpip.Endpoint    // nil if it is the stack itself, or if nobody gets it
	listener tcpip.Endpoint    // that ep comes from, before it is accepted; else nil
	owner    tcpip.PacketOwner // nil if it is not known
	why      string            // nobody gets it; "" if somebody does
}

// receiver returns who gets a packet that came over the link, by the same rules as
// the stack, which tells nobody.
func (l *hookedLink) receiver(what netfilter.Reading) receiver {
	t := what.Tuple
	dst := t.Dst().Addr()
	switch to := l.ns.addrType(dst); {
	case to != iptables.Local && to != iptables.Multicast && to != iptables.Broadcast && !(dst.Is6() && dst.IsLinkLocalUnicast()),
		to == iptables.Local && dst.IsLoopback() && l != l.ns.lo:
		return receiver{why: netfilter.DropNotLocal}
	case what.Later:
		return receiver{}
	}
	var noSocket string
	protocol := tcpip.TransportProtocolNumber(t.Protocol())
	switch t.Protocol() {
	case netfilter.TCP:
		noSocket = netfilter.DropNoSocket
		if what.Opens() {
			noSocket = netfilter.DropNoListener
		}
	case netfilter.UDP:
		noSocket = netfilter.DropNoListener
	case netfilter.ICMP, netfilter.ICMPv6:
		protocol = icmp.ProtocolNumber4
		if !t.Is4() {
			protocol = icmp.ProtocolNumber6
		}
	default:
		return receiver{why: netfilter.DropProtocol}
	}
	network := ipv4.ProtocolNumber
	if !t.Is4() {
		network = ipv6.ProtocolNumber
	}
	id := stack.TransportEndpointID{
		LocalAddress: address(dst), LocalPort: t.Dst().Port(),
		RemoteAddress: address(t.Src().Addr()), RemotePort: t.Src().Port(),
	}
	ep, _ := l.ns.stack.FindTransportEndpoint(network, protocol, id, l.id).(tcpip.Endpoint)
	if ep == nil {
		return receiver{why: noSocket}
	}
	r := receiver{ep: ep}
	o := l.ns.endpoints.owner(ep)
	if o == nil && t.Protocol() == netfilter.TCP { // a connection that nobody has accepted yet
		id.RemoteAddress, id.RemotePort = tcpip.Address{}, 0
		if listener, ok := l.ns.stack.FindTransportEndpoint(network, protocol, id, l.id).(tcpip.Endpoint); ok {
			r.listener, o = listener, l.ns.endpoints.owner(listener)
		}
	}
	if o != nil {
		r.owner = o
	}
	return r
}

// OwnerFor returns the name of the owner of the socket that gets a packet which comes
// over the link to its sender, and "" if there is none.
func (ns *Namespace) OwnerFor(t netfilter.Tuple) string {
	id := ns.routeTo(t.Dst().Addr(), t.Src().Addr())
	ns.addrMu.RLock()
	l := ns.hooked[id]
	ns.addrMu.RUnlock()
	if l == nil {
		return ""
	}
	return l.ownerFor(t)
}

// ownerFor returns the name of the owner of the socket that gets a packet.
func (l *hookedLink) ownerFor(t netfilter.Tuple) string {
	if r := l.receiver(netfilter.Reading{Tuple: t}); r.owner != nil {
		return netfilter.OwnerName(r.owner)
	}
	return ""
}

// losses is what a socket has been given and did not take.
type losses struct{ buffer, malformed, closed, checksum uint64 }

func (r receiver) losses() losses {
	if r.ep == nil {
		return losses{}
	}
	switch s := r.ep.Stats().(type) {
	case *tcpip.TransportEndpointStats:
		return lossesOf(&s.ReceiveErrors)
	case *tcp.Stats:
		n := lossesOf(&s.ReceiveErrors.ReceiveErrors)
		n.buffer += s.ReceiveErrors.SegmentQueueDropped.Value()
		n.checksum += s.ReceiveErrors.ChecksumErrors.Value()
		return n
	}
	return losses{}
}

func lossesOf(e *tcpip.ReceiveErrors) losses {
	return losses{e.ReceiveBufferOverflow.Value(), e.MalformedPacketsReceived.Value(), e.ClosedReceiver.Value(), e.ChecksumErrors.Value()}
}

// since returns why something was lost since before, and "" if nothing was.
func (n losses) since(before losses) string {
	switch {
	case n.checksum > before.checksum:
		return netfilter.DropChecksum
	case n.malformed > before.malformed:
		return netfilter.DropMalformed
	case n.closed > before.closed:
		return netfilter.DropNoSocket
	case n.buffer > before.buffer:
		return netfilter.DropBufferFull
	}
	return ""
}

// endpointTable knows whose gVisor's endpoints are. The zero value is ready for
// use.
type endpointTable struct {
	mu     sync.RWMutex // guards owners; taken under any lock of the stack
	owners map[tcpip.Endpoint]*Owner
}

func (t *endpointTable) add(ep tcpip.Endpoint, o *Owner) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owners == nil {
		t.owners = make(map[tcpip.Endpoint]*Owner)
	}
	t.owners[ep] = o
}

func (t *endpointTable) remove(ep tcpip.Endpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.owners, ep)
}

// owner returns nil if the endpoint is nobody's.
func (t *endpointTable) owner(ep tcpip.Endpoint) *Owner {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.owners[ep]
}
