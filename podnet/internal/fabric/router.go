package fabric

import (
	"cmp"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/netfilter"
)

// RouterConfig describes a router.
type RouterConfig struct {
	Network *Network     // the network to other routers; nil for none
	Addrs   []netip.Addr // the router's addresses on it, at most one of each family
	Seed    uint64       // decides the ports that are drawn for translated connections
	Rules   Rules
}

// A Router is the forwarding half of a node: it joins the veths of namespaces to
// each other, to the namespace of its host, and to other routers, as Linux does
// with ip_forward and conntrack. Close it.
type Router struct {
	network   *Network
	addrs     []netip.Addr
	rules     Rules
	conntrack *netfilter.Conntrack
	fragments netfilter.Fragments

	mu    sync.RWMutex // guards veths; taken under any lock of a stack
	veths map[netip.Addr]*Veth
}

// NewRouter returns a router without veths.
func NewRouter(cfg RouterConfig) *Router {
	r := &Router{
		network: cfg.Network, addrs: cfg.Addrs, rules: cfg.Rules,
		conntrack: netfilter.NewConntrack(cfg.Seed), veths: make(map[netip.Addr]*Veth),
	}
	return r
}

// Conntrack returns the router's connections.
func (r *Router) Conntrack() *netfilter.Conntrack { return r.conntrack }

// NewVeth returns a veth that leads to the router. addrs are the namespace's, to
// which the router has host routes as long as the veth is open; gateways are the
// router's own at its end, at most one of each family.
func (r *Router) NewVeth(addrs, gateways []netip.Addr, mtu uint32) *Veth {
	return r.newVeth(addrs, gateways, mtu, false)
}

// NewHostVeth returns a veth to the router's own host, which has these addresses
// itself.
func (r *Router) NewHostVeth(addrs []netip.Addr, mtu uint32) *Veth {
	return r.newVeth(addrs, addrs, mtu, true)
}

func (r *Router) newVeth(addrs, gateways []netip.Addr, mtu uint32, host bool) *Veth {
	v := &Veth{router: r, host: host, addrs: addrs, gateways: gateways}
	v.queue = netfilter.NewQueue(v.arrive)
	v.mtu.Store(mtu)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range addrs {
		r.veths[a] = v
	}
	return v
}

// unplug forgets a veth, and what its addresses were connected to.
func (r *Router) unplug(v *Veth) {
	r.mu.Lock()
	var gone []netip.Addr
	for _, a := range v.addrs {
		if r.veths[a] == v {
			delete(r.veths, a)
			gone = append(gone, a)
		}
	}
	r.mu.Unlock()
	if len(gone) > 0 && !v.host {
		r.conntrack.PurgeAddrs(gone)
	}
}

// Close drops what waits for the rest of its datagram. Veths are closed by their
// namespaces.
func (r *Router) Close() { r.fragments.Close() }

// HasRoute reports whether a veth leads to an address.
func (r *Router) HasRoute(a netip.Addr) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.veths[a] != nil
}

// hop is where a packet goes next: to a veth, or to another router.
type hop struct {
	veth   *Veth
	router *Router
}

// next returns the next hop to an address, and false if there is no route.
func (r *Router) next(dst netip.Addr) (hop, bool) {
	r.mu.RLock()
	v := r.veths[dst]
	r.mu.RUnlock()
	if v != nil {
		return hop{veth: v}, true
	}
	if r.network == nil {
		return hop{}, false
	}
	to := r.network.lookup(dst)
	if to == nil || to == r {
		return hop{}, false
	}
	return hop{router: to}, true
}

// send takes a packet that a stack sends over v.
func (r *Router) send(sent *stack.PacketBuffer, v *Veth) {
	p, ok := netfilter.NewPacket(sent)
	if !ok {
		r.dropped(netfilter.Tuple{}, DropMalformed)
		return
	}
	if !p.Fragment() {
		r.forward(p, v)
		return
	}
	r.receiveFragment(p, v)
}

// receive takes a packet from another router.
func (r *Router) receive(p *netfilter.Packet) {
	if !p.Fragment() {
		r.forward(p, nil)
		return
	}
	r.receiveFragment(p, nil)
}

func (r *Router) receiveFragment(p *netfilter.Packet, from *Veth) {
	for _, q := range r.fragments.Sort(p) {
		r.forward(q, from)
	}
}

// forward sends a packet on. from is nil if another router sent it.
func (r *Router) forward(p *netfilter.Packet, from *Veth) {
	if p.Tuple().Dst().Addr().IsMulticast() {
		r.drop(p, DropMulticast)
		return
	}
	if p.IsICMPError() || p.Untracked() {
		r.conntrack.TranslateError(p)
		if to, ok := r.passes(p, from, p.Tuple().Dst().Addr()); ok {
			r.emit(p, from, to)
		}
		return
	}
	conn, direction := r.conntrack.Track(p)
	if conn == nil {
		r.open(p, from)
		return
	}
	if to, ok := r.passes(p, from, conn.Leaving(direction).Dst().Addr()); ok {
		conn.Translate(p, direction)
		r.emit(p, from, to)
	}
}

// open sends the first packet of a connection on, if it may.
func (r *Router) open(p *netfilter.Packet, from *Veth) {
	c := Connection{Tuple: p.Tuple(), Owner: p.Owner, From: originOf(from)}
	var t Translation
	if f := r.rules.Translate; f != nil {
		t = f(c)
	}
	switch {
	case t.Refuse != 0:
		r.refuse(p, from, t.Refuse, 0, cmp.Or(t.Why, dropTranslated))
		return
	case t.Drop:
		r.drop(p, cmp.Or(t.Why, dropTranslated))
		return
	}
	dst := c.Dst()
	if t.Dst.IsValid() {
		dst = t.Dst
	}
	to, ok := r.passes(p, from, dst.Addr())
	if !ok {
		return
	}
	if f := r.rules.Allow; f != nil {
		if ok, why := f(c, dst); !ok {
			r.drop(p, why)
			return
		}
	}
	nat := netfilter.NAT{Dst: t.Dst, Service: t.Service}
	if t.Masquerade && (to.veth == nil || !to.veth.host) { // what the host gets, passes no POSTROUTING
		nat.Src, nat.Random = r.addrToward(to, c.Is4()), true
	}
	conn, ok := r.conntrack.Open(p, nat)
	if !ok {
		r.drop(p, DropNoPort)
		return
	}
	if f := r.rules.Opened; f != nil {
		f(c, conn)
	}
	conn.Translate(p, netfilter.Original)
	r.emit(p, from, to)
}

func originOf(from *Veth) Origin {
	switch {
	case from == nil:
		return FromNetwork
	case from.host:
		return FromHost
	}
	return FromNamespace
}

// addrToward returns the router's address where packets leave to a hop.
func (r *Router) addrToward(to hop, v4 bool) netip.Addr {
	if to.veth != nil {
		return to.veth.gateway(v4)
	}
	return ofFamily(r.addrs, v4)
}

// passes returns where a packet to dst goes next, and false if it goes nowhere:
// then it was refused or dropped.
func (r *Router) passes(p *netfilter.Packet, from *Veth, dst netip.Addr) (hop, bool) {
	to, ok := r.next(dst)
	if !ok {
		if r.network != nil { // there is a default route, to a gateway that forwards nothing
			r.drop(p, DropNoRoute)
		} else {
			r.refuse(p, from, netfilter.NetUnreachable, 0, DropNoRoute)
		}
		return to, false
	}
	if from != nil && from.host || to.veth != nil && to.veth.host {
		return to, true // it is not forwarded
	}
	if p.TTL() <= 1 {
		r.refuse(p, from, netfilter.TTLExceeded, 0, DropTTL)
		return to, false
	}
	mtu := r.mtuToward(to)
	if p.Segment() > mtu && p.DontFragment() {
		r.refuse(p, from, netfilter.TooBig, mtu, DropTooBig)
		return to, false
	}
	return to, true
}

func (r *Router) mtuToward(to hop) int {
	if to.veth != nil {
		return int(to.veth.MTU())
	}
	return int(r.network.MTU())
}

// emit sends a packet to its next hop.
func (r *Router) emit(p *netfilter.Packet, from *Veth, to hop) {
	if (from == nil || !from.host) && (to.veth == nil || !to.veth.host) {
		p.DecrementTTL()
	}
	if mtu := r.mtuToward(to); p.Segment() > mtu {
		for _, q := range p.Cut(mtu) {
			r.hand(q, to)
		}
		return
	}
	r.hand(p, to)
}

// refuse drops a packet and tells its sender.
func (r *Router) refuse(p *netfilter.Packet, from *Veth, why netfilter.Refusal, mtu int, reason string) {
	answer, ok := p.Refuse(why, r.addrToward(hop{veth: from}, p.Tuple().Is4()), mtu)
	r.drop(p, reason)
	if !ok {
		return
	}
	to := hop{veth: from}
	if from == nil {
		if to, ok = r.next(answer.Tuple().Dst().Addr()); !ok {
			r.drop(answer, DropNoRoute)
			return
		}
	}
	r.hand(answer, to)
}

// hand gives a packet to its next hop.
func (r *Router) hand(p *netfilter.Packet, to hop) {
	if to.veth == nil {
		r.network.carry(p, r, to.router)
	} else if why := to.veth.deliver(p); why != "" {
		r.drop(p, why)
	}
}

func (r *Router) drop(p *netfilter.Packet, why string) {
	r.dropped(p.Tuple(), why)
	p.Release()
}

func (r *Router) dropped(t netfilter.Tuple, why string) {
	if f := r.rules.Dropped; f != nil {
		f(t, why)
	}
}
