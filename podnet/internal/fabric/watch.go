package fabric

import (
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/netfilter"
)

// uplink is the name of the router's interface to other routers.
const uplink = "eth0"

// see shows what became of a packet at the router, if somebody watches.
func (r *Router) see(e netfilter.Event, p *netfilter.Packet, link, why, by string) {
	if r.watch.On() {
		r.watch.See(p.Buffer(), netfilter.Sighting{Event: e, Place: r.place, Link: link, Tuple: p.Tuple(), Why: why, By: by})
	}
}

// came notes over which interface a packet came, and shows it.
func (r *Router) came(p *netfilter.Packet, from *Veth) {
	p.In = uplink
	if from != nil {
		p.In = from.name
	}
	if p.In != "" {
		r.see(netfilter.Received, p, p.In, "", "")
	}
}

// goes shows a packet that leaves for its next hop. What is for the router's own
// host, its namespace shows.
func (r *Router) goes(p *netfilter.Packet, to hop) {
	link := linkOf(to)
	switch {
	case link == "":
	case p.In == "":
		r.see(netfilter.Sent, p, link, "", "")
	default:
		r.see(netfilter.Forwarded, p, link, "", "")
	}
}

// linkOf returns the name of the interface to a hop, "" to the router's own host.
func linkOf(to hop) string {
	if to.veth != nil {
		return to.veth.name
	}
	return uplink
}

// rewrite makes a packet one of its connection as it is translated, and shows it.
func (r *Router) rewrite(p *netfilter.Packet, c *netfilter.Conn, d netfilter.Direction) {
	if !r.watch.On() {
		c.Translate(p, d)
		return
	}
	before := p.Tuple()
	c.Translate(p, d)
	r.seeTranslated(p, before, c.Service)
}

func (r *Router) seeTranslated(p *netfilter.Packet, before netfilter.Tuple, by string) {
	if p.Tuple() != before && r.watch.On() {
		r.watch.See(p.Buffer(), netfilter.Sighting{Event: netfilter.Translated, Place: r.place, Link: p.In, Tuple: p.Tuple(), Before: before, By: by})
	}
}

// drop releases a packet that goes no further. why is the reason, and by what
// decided, if rules did.
func (r *Router) drop(p *netfilter.Packet, why, by string) { r.dropAt(p, p.In, why, by) }

// dropAt is drop at another interface than that which the packet came over.
func (r *Router) dropAt(p *netfilter.Packet, link, why, by string) {
	r.dropped(p.Tuple(), why, by)
	r.see(netfilter.Dropped, p, link, why, by)
	p.Release()
}

// dropMalformed drops what cannot be read.
func (r *Router) dropMalformed(sent *stack.PacketBuffer, from *Veth) {
	r.dropped(netfilter.Tuple{}, DropMalformed, "")
	if r.watch.On() {
		r.watch.See(sent, netfilter.Sighting{Event: netfilter.Dropped, Place: r.place, Link: from.name, Why: DropMalformed})
	}
}

func (r *Router) dropped(t netfilter.Tuple, why, by string) {
	if f := r.rules.Dropped; f != nil {
		if by != "" {
			why = by
		}
		f(t, why)
	}
}
