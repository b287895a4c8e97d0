package fabric

import (
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// RouterConfig describes a router.
type RouterConfig struct {
	Network *Network     // the network to other routers; nil for none
	Addrs   []netip.Addr // the router's addresses on it, at most one of each family
	Name    string       // that faults know it by
	Faults  *faults.Set  // of the cluster; nil for none
	Seed    uint64       // decides the ports that are drawn for translated connections
	Rules   Rules

	// Watch, if not nil, shows what happens to packets. Place is what it says of
	// where.
	Watch *netfilter.Watch
	Place any
}

// A Router is the forwarding half of a node: it joins the veths of namespaces to
// each other, to the namespace of its host, and to other routers, as Linux does
// with ip_forward and conntrack. Close it.
type Router struct {
	network   *Network
	addrs     []netip.Addr
	end       faults.End // of the node itself
	faults    *faults.Set
	rules     Rules
	watch     *netfilter.Watch
	place     any
	conntrack *netfilter.Conntrack
	fragments netfilter.Fragments
	loopback  *Veth // to the host's localhost; nil if there is no way to it

	mu    sync.RWMutex // guards veths; taken under any lock of a stack
	veths map[netip.Addr]*Veth
}

// NewRouter returns a router without veths.
func NewRouter(cfg RouterConfig) *Router {
	r := &Router{
		network: cfg.Network, addrs: cfg.Addrs, end: faults.End{Node: cfg.Name}, faults: cfg.Faults, rules: cfg.Rules, watch: cfg.Watch, place: cfg.Place,
		conntrack: netfilter.NewConntrack(cfg.Seed), veths: make(map[netip.Addr]*Veth),
	}
	r.fragments.Dropped = func(p *netfilter.Packet) { r.drop(p, netfilter.DropFragments, "") }
	return r
}

// Conntrack returns the router's connections.
func (r *Router) Conntrack() *netfilter.Conntrack { return r.conntrack }

// NewVeth returns a veth that leads to the router. addrs are the namespace's, to
// which the router has host routes as long as the veth is open; gateways are the
// router's own at its end, at most one of each family.
func (r *Router) NewVeth(addrs, gateways []netip.Addr, mtu uint32) *Veth {
	return r.newVeth(r.end, addrs, gateways, mtu, false)
}

// NewVethOf is NewVeth for a namespace that faults know by a name.
func (r *Router) NewVethOf(whose faults.End, addrs, gateways []netip.Addr, mtu uint32) *Veth {
	return r.newVeth(whose, addrs, gateways, mtu, false)
}

// NewHostVeth returns a veth to the router's own host, which has these addresses
// itself.
func (r *Router) NewHostVeth(addrs []netip.Addr, mtu uint32) *Veth {
	return r.newVeth(r.end, addrs, addrs, mtu, true)
}

// SetLoopback says who takes what comes back to the host's localhost, of
// connections that Divert has taken.
func (r *Router) SetLoopback(deliver func(*netfilter.Packet) bool) {
	addrs := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	r.loopback = r.newVeth(r.end, addrs, addrs, gsoMaxSize, true)
	r.loopback.push = deliver
}

func (r *Router) newVeth(whose faults.End, addrs, gateways []netip.Addr, mtu uint32, host bool) *Veth {
	v := &Veth{router: r, end: whose, host: host, addrs: addrs, gateways: gateways}
	v.queue = netfilter.NewQueue(v.arrive)
	v.push = v.queue.Push
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

// send takes a packet that a stack sends over v. It reports whether rules let it
// go, which only the host hears.
func (r *Router) send(sent *stack.PacketBuffer, v *Veth) (permitted bool) {
	p, ok := netfilter.NewPacket(sent)
	if !ok {
		r.dropMalformed(sent, v)
		return true
	}
	p.Origin = &v.end
	if !v.host && r.faults.Active(faults.Up) {
		p.In = v.name
		r.faults.Cross(faults.Up, &v.end, &r.end, up{v}, p)
		return true
	}
	return r.take(p, v)
}

// Divert is offered what the host sends to itself. It takes what belongs to a
// connection that rules send elsewhere: to the host's port of a Service, say.
func (r *Router) Divert(sent *stack.PacketBuffer) bool {
	p, ok := netfilter.NewPacket(sent)
	if !ok {
		return false
	}
	if p.Fragment() || p.IsICMPError() || p.Untracked() {
		p.Release()
		return false
	}
	if r.follow(p, r.loopback) {
		return true
	}
	var t Translation
	if p.Begins() {
		t = r.translate(Connection{Tuple: p.Tuple(), Owner: p.Owner, From: FromHost})
	}
	if !t.Dst.IsValid() && t.Refuse == 0 && !t.Drop {
		p.Release()
		return false
	}
	r.openAs(p, r.loopback, t)
	return true
}

// receive takes a packet from another router.
func (r *Router) receive(p *netfilter.Packet) { r.take(p, nil) }

// take takes a packet from a veth, or from another router if that is nil. It
// reports whether rules let it go; of fragments it says so in any case.
func (r *Router) take(p *netfilter.Packet, from *Veth) (permitted bool) {
	r.came(p, from)
	if !p.Fragment() {
		return r.forward(p, from)
	}
	for _, q := range r.fragments.Sort(p) {
		r.forward(q, from)
	}
	return true
}

// forward sends a packet on, if rules permit it. from is nil if another router
// sent it.
func (r *Router) forward(p *netfilter.Packet, from *Veth) (permitted bool) {
	src, dst := p.Tuple().Src().Addr(), p.Tuple().Dst().Addr()
	switch {
	case dst.IsMulticast():
		r.drop(p, DropMulticast, "")
		return true
	case src.IsLoopback() || dst.IsLoopback():
		r.drop(p, DropMartian, "")
		return true
	case p.IsICMPError():
		before := p.Tuple()
		if !r.conntrack.TranslateError(p) {
			r.drop(p, DropUnrelated, "")
			return true
		}
		r.seeTranslated(p, before, "")
		fallthrough
	case p.Untracked():
		if to, ok := r.passes(p, from, p.Tuple().Dst().Addr()); ok {
			r.emit(p, from, to)
		}
		return true
	}
	switch {
	case r.follow(p, from):
		return true
	case !p.Begins():
		r.drop(p, DropInvalid, "")
		return true
	}
	return r.openAs(p, from, r.translate(Connection{Tuple: p.Tuple(), Owner: p.Owner, From: originOf(from)}))
}

// follow sends a packet on as its connection goes. It reports whether it has one.
func (r *Router) follow(p *netfilter.Packet, from *Veth) bool {
	conn, direction := r.conntrack.Track(p)
	if conn == nil {
		return false
	}
	if to, ok := r.passes(p, from, conn.Leaving(direction).Dst().Addr()); ok {
		r.rewrite(p, conn, direction)
		r.emit(p, from, to)
	}
	return true
}

func (r *Router) translate(c Connection) Translation {
	if f := r.rules.Translate; f != nil {
		return f(c)
	}
	return Translation{}
}

// openAs sends the first packet of a connection on as t says, if rules permit it.
func (r *Router) openAs(p *netfilter.Packet, from *Veth, t Translation) (permitted bool) {
	switch {
	case t.Refuse != 0:
		r.refuse(p, from, p.Tuple().Dst().Addr(), t.Refuse, 0, DropTranslated, t.Why)
		return false
	case t.Drop:
		r.drop(p, DropTranslated, t.Why)
		return false
	}
	c := Connection{Tuple: p.Tuple(), Owner: p.Owner, From: originOf(from)}
	dst := c.Dst()
	if t.Dst.IsValid() {
		dst = t.Dst
	}
	to, ok := r.passes(p, from, dst.Addr())
	if !ok {
		return true
	}
	if f := r.rules.Allow; f != nil {
		if ok, why := f(c, dst); !ok {
			r.drop(p, DropDenied, why)
			return false
		}
	}
	nat := netfilter.NAT{Dst: t.Dst, Service: t.Service}
	if t.Masquerade && (to.veth == nil || !to.veth.host) { // what the host gets, passes no POSTROUTING
		nat.Src, nat.Random = r.addrToward(to, c.Is4()), true
	}
	conn, err := r.conntrack.Open(p, nat)
	switch {
	case err == netfilter.ErrExists && r.follow(p, from):
		return true
	case err != nil:
		r.drop(p, err.Error(), "")
		return true
	}
	if f := r.rules.Opened; f != nil {
		f(c, conn)
	}
	r.rewrite(p, conn, netfilter.Original)
	r.emit(p, from, to)
	return true
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
		r.unreachable(p, from, dst)
		return to, false
	}
	if !forwarded(from, to) {
		return to, to.veth != nil && to.veth.host || r.fits(p, from, to, dst)
	}
	if p.TTL() <= 1 {
		r.refuse(p, from, dst, netfilter.TTLExceeded, 0, DropTTL, "")
		return to, false
	}
	return to, r.fits(p, from, to, dst)
}

// forwarded reports whether a packet between two ends is, which the host's own is
// not.
func forwarded(from *Veth, to hop) bool {
	return (from == nil || !from.host) && (to.veth == nil || !to.veth.host)
}

// fits reports whether a packet may go on to a hop at its length: what may be cut,
// may.
func (r *Router) fits(p *netfilter.Packet, from *Veth, to hop, dst netip.Addr) bool {
	mtu := r.mtuToward(to)
	if p.Segment() <= mtu || !p.DontFragment() {
		return true
	}
	r.refuse(p, from, dst, netfilter.TooBig, mtu, DropTooBig, "")
	return false
}

// unreachable drops what there is no way for. Beyond the network there is a
// gateway that forwards nothing; who is not on it, does not answer for its
// address.
func (r *Router) unreachable(p *netfilter.Packet, from *Veth, dst netip.Addr) {
	switch {
	case r.network == nil:
		r.refuse(p, from, dst, netfilter.NetUnreachable, 0, DropNoRoute, "")
	case r.network.OnLink(dst):
		r.refuse(p, from, dst, netfilter.HostUnreachable, 0, DropNoNeighbour, "")
	default:
		r.drop(p, DropNoRoute, "")
	}
}

func (r *Router) mtuToward(to hop) int {
	if to.veth != nil {
		return int(to.veth.MTU())
	}
	return int(r.network.MTU())
}

// emit sends a packet to its next hop.
func (r *Router) emit(p *netfilter.Packet, from *Veth, to hop) {
	if forwarded(from, to) {
		p.DecrementTTL()
	}
	r.transmit(p, to)
}

// transmit gives a packet to its next hop, in fragments if it must.
func (r *Router) transmit(p *netfilter.Packet, to hop) {
	if mtu := r.mtuToward(to); p.Segment() > mtu {
		for _, q := range p.Cut(mtu) {
			r.hand(q, to)
		}
		return
	}
	r.hand(p, to)
}

// refuse drops a packet on its way to dst and tells its sender. As on Linux, what is
// translated seems to be refused by whom it was sent to: the answer is translated
// back.
func (r *Router) refuse(p *netfilter.Packet, from *Veth, dst netip.Addr, why netfilter.Refusal, mtu int, reason, by string) {
	teller := r.addrToward(hop{veth: from}, p.Tuple().Is4())
	if sentTo := p.Tuple().Dst().Addr(); sentTo != dst {
		teller = sentTo
	}
	answer, ok := p.Refuse(why, teller, mtu)
	r.drop(p, reason, by)
	if !ok {
		return
	}
	to := hop{veth: from}
	if from == nil || from != r.loopback { // who says he is the sender, need not be
		if to, ok = r.next(answer.Tuple().Dst().Addr()); !ok {
			r.drop(answer, DropNoRoute, "")
			return
		}
	}
	r.transmit(answer, to)
}

// hand gives a packet to its next hop.
func (r *Router) hand(p *netfilter.Packet, to hop) {
	r.goes(p, to)
	switch {
	case to.veth == nil && r.faults.Active(faults.Between):
		r.faults.Cross(faults.Between, &r.end, &to.router.end, between{r, to.router}, p)
	case to.veth == nil:
		r.network.carry(p, r, to.router)
	case r.faults.Active(faults.Down):
		r.faults.Cross(faults.Down, r.originOf(p), &to.veth.end, down{to.veth}, p)
	default:
		to.veth.take(p)
	}
}
