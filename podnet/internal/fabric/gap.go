package fabric

import (
	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// up is the way from a namespace to its router, where faults interfere.
type up struct{ *Veth }

func (g up) Deliver(p *netfilter.Packet)          { g.router.take(p, g.Veth) }
func (g up) Answer(p *netfilter.Packet)           { g.router.goes(p, hop{veth: g.Veth}); g.take(p) }
func (g up) Drop(p *netfilter.Packet, why string) { g.router.dropAt(p, g.name, why, "") }
func (up) Receiver(*netfilter.Packet) string      { return "" } // it is yet to be routed
func (g up) Refusal(p *netfilter.Packet, why netfilter.Refusal, mtu int) (*netfilter.Packet, bool) {
	return p.Refuse(why, g.gateway(p.Tuple().Is4()), mtu)
}

// down is the way back. What is answered there comes from the namespace, to the
// router, which translates it.
type down struct{ *Veth }

func (g down) Deliver(p *netfilter.Packet)          { g.take(p) }
func (g down) Answer(p *netfilter.Packet)           { g.router.take(p, g.Veth) }
func (g down) Drop(p *netfilter.Packet, why string) { g.router.dropAt(p, g.name, why, "") }
func (g down) Receiver(p *netfilter.Packet) string  { return g.receiver(p) }
func (g down) Refusal(p *netfilter.Packet, why netfilter.Refusal, mtu int) (*netfilter.Packet, bool) {
	return p.Refuse(why, g.gateway(p.Tuple().Is4()), mtu)
}

// between is the way from a router to another.
type between struct{ from, to *Router }

func (g between) Deliver(p *netfilter.Packet)          { g.from.network.carry(p, g.from, g.to) }
func (g between) Answer(p *netfilter.Packet)           { g.from.receive(p) }
func (g between) Drop(p *netfilter.Packet, why string) { g.from.dropAt(p, uplink, why, "") }
func (g between) Receiver(p *netfilter.Packet) string {
	if to, ok := g.to.next(p.Tuple().Dst().Addr()); ok && to.veth != nil {
		return to.veth.receiver(p)
	}
	return ""
}
func (g between) Refusal(p *netfilter.Packet, why netfilter.Refusal, mtu int) (*netfilter.Packet, bool) {
	return p.Refuse(why, ofFamily(g.from.addrs, p.Tuple().Is4()), mtu)
}

var _, _, _ faults.Gap = up{}, down{}, between{}

// originOf returns whence a packet comes: its sender's end, or the router's own if
// it made the packet.
func (r *Router) originOf(p *netfilter.Packet) *faults.End {
	if e, ok := p.Origin.(*faults.End); ok {
		return e
	}
	return &r.end
}
