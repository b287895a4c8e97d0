package netstack

import (
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/errno"
	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/iptables"
	"podnet.dev/podnet/internal/netfilter"
)

// hookedLink is a link whose packets pass the namespace's iptables, if it has any.
// Those that it brings kick the pump.
type hookedLink struct {
	nested.Endpoint
	ns        *Namespace
	id        tcpip.NICID
	name      string
	addrs     []netip.Prefix // the link's, the first of each family first
	hidden    bool           // Link.Hidden
	transport atomic.Value   // the stack's stack.TransportDispatcher, once it has the link
}

// hook returns ep with the namespace's iptables between it and the stack.
func (ns *Namespace) hook(ep stack.LinkEndpoint, name string, addrs []netip.Prefix) *hookedLink {
	l := &hookedLink{ns: ns, name: name, addrs: addrs}
	l.Init(ep, l)
	return l
}

// Attach gives the link to a stack, or takes it away with nil.
func (l *hookedLink) Attach(d stack.NetworkDispatcher) {
	if t, ok := d.(stack.TransportDispatcher); ok {
		l.transport.Store(t)
	}
	l.Endpoint.Attach(d)
}

// self returns the first address of the link, of p's family.
func (l *hookedLink) self(v4 bool) netip.Addr {
	for _, a := range l.addrs {
		if a.Addr().Is4() == v4 {
			return a.Addr()
		}
	}
	return netip.Addr{}
}

// WritePackets sends what passes Output and Postrouting. As on Linux, a packet
// that is dropped there is an error of whoever sends it.
func (l *hookedLink) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	if l == l.ns.lo && l.ns.faults.Active(faults.Loopback) {
		l.ns.interfere(pkts)
		return pkts.Len(), nil
	}
	return l.write(pkts)
}

// write is WritePackets without faults.
func (l *hookedLink) write(pkts stack.PacketBufferList) (int, tcpip.Error) {
	if l.ns.divert != nil && l == l.ns.lo {
		var rest stack.PacketBufferList
		for _, pkt := range pkts.AsSlice() {
			if !l.ns.divert(pkt) {
				rest.PushBack(pkt)
			}
		}
		pkts = rest
	}
	h := l.ns.hooks.Load()
	if h == nil {
		if l.ns.watch.On() {
			l.seeBuffers(pkts)
		}
		return l.Endpoint.WritePackets(pkts)
	}
	for n, pkt := range pkts.AsSlice() {
		p, ok := netfilter.NewPacket(pkt)
		if !ok {
			l.dropBuffer(pkt)
			continue
		}
		var err tcpip.Error
		for _, q := range h.Sort(p) {
			if e := l.output(h, q); e != nil {
				err = e
			}
			q.Release()
		}
		if err != nil {
			return n, err
		}
	}
	return pkts.Len(), nil
}

func (l *hookedLink) output(h *netfilter.Hooks, p *netfilter.Packet) tcpip.Error {
	before := p.Tuple()
	s := h.Begin(p)
	switch v := s.Output(l.name); v.Kind {
	case iptables.Reject:
		l.dropVerdict(p, v)
		// The sender holds locks that the answer wants, so it comes by a queue.
		if answer, ok := s.Answer(v.Reject, s.Src()); ok {
			l.ns.answerSelf(answer)
		}
		return &tcpip.ErrNotPermitted{}
	case iptables.Drop:
		l.dropVerdict(p, v)
		return &tcpip.ErrNotPermitted{}
	}
	out := l.ns.toward(s, l)
	if out == nil {
		l.drop(p, netfilter.DropNoRoute, "")
		return &tcpip.ErrNetworkUnreachable{}
	}
	if v := s.Postrouting(out.name, out.self(p.Tuple().Is4())); v.Kind == iptables.Drop {
		out.dropVerdict(p, v)
		return &tcpip.ErrNotPermitted{}
	}
	out.seeTranslated(p, before, s)
	out.seePacket(netfilter.Sent, p)
	if out == l.ns.lo {
		out.input(s, p)
		return nil
	}
	var list stack.PacketBufferList
	list.PushBack(p.Buffer())
	_, err := out.Endpoint.WritePackets(list)
	return err
}

// toward returns the link over which a packet leaves after it has passed Output:
// another one than l if its destination has changed, and nil if there is none.
func (ns *Namespace) toward(s *netfilter.Passage, l *hookedLink) *hookedLink {
	if !s.Redirected() {
		return l
	}
	if ns.addrType(s.Dst()) == iptables.Local {
		return ns.lo
	}
	id := ns.routeTo(netip.Addr{}, s.Dst())
	ns.addrMu.RLock()
	defer ns.addrMu.RUnlock()
	return ns.hooked[id]
}

// DeliverNetworkPacket takes what arrives, if it passes Prerouting and Input.
func (l *hookedLink) DeliverNetworkPacket(protocol tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer) {
	var seen []byte
	if l != l.ns.lo && !l.hidden && l.ns.watch.On() { // what crosses lo is seen when it is sent
		seen = l.ns.watch.Bytes(pkt)
		r, _ := netfilter.Read(seen)
		l.see(pkt, netfilter.Sighting{Event: netfilter.Received, Tuple: r.Tuple, Bytes: seen})
	}
	h := l.ns.hooks.Load()
	if h == nil || l == l.ns.lo { // what lo delivers was written before there were hooks
		l.handUp(protocol, pkt, seen)
		return
	}
	p, ok := netfilter.NewPacket(pkt)
	if !ok {
		l.dropBuffer(pkt)
		return
	}
	for _, q := range h.Sort(p) {
		l.input(h.Begin(q), q)
		q.Release()
	}
}

func (l *hookedLink) input(s *netfilter.Passage, p *netfilter.Packet) {
	before := p.Tuple()
	v := s.Prerouting(l.name, l.self(p.Tuple().Is4()))
	if v.Kind == iptables.Accept || v.Kind > iptables.Reject {
		v = s.Input(l.name)
	}
	switch v.Kind {
	case iptables.Drop:
		l.dropVerdict(p, v)
	case iptables.Reject:
		l.dropVerdict(p, v)
		l.reject(s, p, v.Reject)
	default:
		l.seeTranslated(p, before, s)
		l.handUp(p.Buffer().NetworkProtocolNumber, p.Buffer(), nil)
	}
}

// handUp gives the stack what is for it. seen is what was shown of the packet as it
// is, nil for nothing.
func (l *hookedLink) handUp(protocol tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer, seen []byte) {
	if l.ns.watch.On() {
		l.seeUp(protocol, pkt, seen)
		return
	}
	l.deliver(protocol, pkt)
}

func (l *hookedLink) deliver(protocol tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer) {
	l.explain(pkt)
	l.Endpoint.DeliverNetworkPacket(protocol, pkt)
	l.ns.pump.kick()
}

// reject answers a packet that came over the link.
func (l *hookedLink) reject(s *netfilter.Passage, p *netfilter.Packet, with iptables.RejectWith) {
	answer, ok := s.Answer(with, p.Tuple().Dst().Addr())
	if !ok {
		return
	}
	if l == l.ns.lo {
		l.ns.answerSelf(answer)
		return
	}
	defer answer.Release()
	l.seePacket(netfilter.Sent, answer)
	var list stack.PacketBufferList
	list.PushBack(answer.Buffer())
	l.Endpoint.WritePackets(list)
}

// DeliverSelf takes a packet that comes back to the namespace over lo. It reports
// whether it was taken.
func (ns *Namespace) DeliverSelf(p *netfilter.Packet) bool { return ns.toSelf.Push(p) }

// answerSelf sends the answer to a packet of the namespace's own over lo.
func (ns *Namespace) answerSelf(answer *netfilter.Packet) {
	ns.lo.seePacket(netfilter.Sent, answer)
	if !ns.toSelf.Push(answer) {
		ns.lo.drop(answer, netfilter.DropQueueFull, "")
		answer.Release()
	}
}

// arriveSelf delivers a packet of the namespace's own over lo.
func (ns *Namespace) arriveSelf(p *netfilter.Packet) {
	ns.lo.handUp(p.Buffer().NetworkProtocolNumber, p.Buffer(), nil)
}

// addrType says what an address is to the namespace.
func (ns *Namespace) addrType(a netip.Addr) iptables.AddrType {
	ns.addrMu.RLock()
	defer ns.addrMu.RUnlock()
	switch {
	case a.IsLoopback() || ns.locals[a] > 0:
		return iptables.Local
	case a.IsMulticast():
		return iptables.Multicast
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || ns.bcasts[a] > 0:
		return iptables.Broadcast
	case a.IsUnspecified():
		return iptables.Unspec
	}
	return iptables.Unicast
}

// Rules returns the namespace's iptables of a family.
func (ns *Namespace) Rules(f iptables.Family) *iptables.Ruleset {
	if h := ns.hooks.Load(); h != nil {
		return h.Rules(f)
	}
	return iptables.New(f)
}

// ChangeRules makes other iptables of those that there are. If change fails,
// nothing is changed. Calls wait for each other.
func (ns *Namespace) ChangeRules(f iptables.Family, change func(*iptables.Ruleset) (*iptables.Ruleset, error)) error {
	ns.rulesMu.Lock()
	defer ns.rulesMu.Unlock()
	old := ns.Rules(f)
	r, err := change(old)
	if err != nil || r == old {
		return err
	}
	h := ns.hooks.Load()
	if h == nil {
		h = netfilter.NewHooks(ns.seed, ns.addrType)
	}
	h.SetRules(r)
	ns.hooks.Store(h)
	return nil
}

// Conntrack returns the connections that the namespace tracks, none before it has
// rules.
func (ns *Namespace) Conntrack() []netfilter.Entry {
	if h := ns.hooks.Load(); h != nil {
		return h.Conntrack().Entries()
	}
	return nil
}

// OriginalDst returns where the peer of an accepted connection sent it, before a
// rule of the namespace sent it here: what SO_ORIGINAL_DST gives. The error is
// ENOENT if conntrack does not know the connection.
func (c *tcpConn) OriginalDst() (netip.AddrPort, error) {
	local, remote := endpointAddrs(c.ep, c.v6)
	if h := c.owner.ns.hooks.Load(); h != nil {
		if dst, ok := h.OriginalDst(unmap(local), unmap(remote)); ok {
			return dst, nil
		}
	}
	return netip.AddrPort{}, c.opError("get", os.NewSyscallError("getsockopt", errno.Of(syscall.ENOENT)))
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
