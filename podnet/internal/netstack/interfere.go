package netstack

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// interfere sends packets over lo as faults have it. They come before rules do,
// and whoever sends does not hear what rules say.
func (ns *Namespace) interfere(pkts stack.PacketBufferList) {
	for _, sent := range pkts.AsSlice() {
		p, ok := netfilter.NewPacket(sent)
		if !ok {
			ns.lo.dropBuffer(sent)
			continue
		}
		p.Buffer().Owner = sent.Owner
		ns.faults.Cross(faults.Loopback, &ns.end, &ns.end, overLo{ns}, p)
	}
}

// overLo is the way of packets over lo, where faults interfere.
type overLo struct{ ns *Namespace }

func (g overLo) Deliver(p *netfilter.Packet) {
	var list stack.PacketBufferList
	list.PushBack(p.Buffer())
	g.ns.lo.write(list)
	p.Release()
}

// Answer comes by a queue: the sender may hold locks that the answer wants.
func (g overLo) Answer(p *netfilter.Packet) { g.ns.answerSelf(p) }

func (g overLo) Drop(p *netfilter.Packet, why string) {
	g.ns.lo.drop(p, why, "")
	p.Release()
}

func (g overLo) Receiver(p *netfilter.Packet) string { return g.ns.lo.ownerFor(p.Tuple()) }

func (g overLo) Refusal(p *netfilter.Packet, why netfilter.Refusal, mtu int) (*netfilter.Packet, bool) {
	from := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if !p.Tuple().Is4() {
		from = netip.IPv6Loopback()
	}
	return p.Refuse(why, from, mtu)
}
