package fabric

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// A Network joins routers: what a switch does between nodes, and the routes that
// the nodes have to each other's ranges. Close it when its routers are closed.
type Network struct {
	mtu     atomic.Uint32
	latency atomic.Int64 // nanoseconds

	routesMu sync.RWMutex // guards what follows; taken under any lock of a stack
	hosts    map[netip.Addr]*Router
	ranges   map[netip.Prefix]*Router
	lengths  []int // of the ranges, each once
	subnets  []netip.Prefix

	mu     sync.Mutex    // guards what follows; taken under any lock of a stack
	flying []flight      // in the order of their arrival
	landed chan struct{} // closed when those that arrive now are delivered; nil if none does
	timer  *time.Timer
	closed bool
}

// flight is a packet on its way.
type flight struct {
	p        *netfilter.Packet
	from, to *Router
	due      time.Time
}

// NewNetwork returns a network without routers. Its MTU is that of packets
// between them, in bytes; subnets are those that the routers' own addresses on it
// are from.
func NewNetwork(mtu uint32, subnets ...netip.Prefix) *Network {
	n := &Network{hosts: make(map[netip.Addr]*Router), ranges: make(map[netip.Prefix]*Router), subnets: subnets}
	n.mtu.Store(mtu)
	return n
}

// MTU returns the longest IP packet between routers, in bytes.
func (n *Network) MTU() uint32 { return n.mtu.Load() }

// SetMTU sets it.
func (n *Network) SetMTU(mtu uint32) { n.mtu.Store(mtu) }

// SetLatency sets how long a packet takes from one router to another. What is
// under way arrives when it would have; nothing overtakes it.
func (n *Network) SetLatency(d time.Duration) { n.latency.Store(int64(d)) }

// Latency returns how long a packet takes.
func (n *Network) Latency() time.Duration { return time.Duration(n.latency.Load()) }

// Attach makes r reachable at its addresses, and with it what is in its ranges.
func (n *Network) Attach(r *Router, ranges []netip.Prefix) {
	n.routesMu.Lock()
	defer n.routesMu.Unlock()
	for _, a := range r.addrs {
		n.hosts[a] = r
	}
	for _, p := range ranges {
		n.ranges[p.Masked()] = r
		if !slices.Contains(n.lengths, p.Bits()) {
			n.lengths = append(n.lengths, p.Bits())
		}
	}
}

// OnLink reports whether an address is from a subnet of the network, so that who
// has it, if anybody, is reached without a gateway. The gateway itself answers
// for its address.
func (n *Network) OnLink(a netip.Addr) bool {
	return slices.ContainsFunc(n.subnets, func(p netip.Prefix) bool { return p.Contains(a) && a != p.Masked().Addr().Next() })
}

// lookup returns the router that has an address or its range, or nil.
func (n *Network) lookup(a netip.Addr) *Router {
	n.routesMu.RLock()
	defer n.routesMu.RUnlock()
	if r := n.hosts[a]; r != nil {
		return r
	}
	for _, bits := range n.lengths {
		if p, err := a.Prefix(bits); err == nil {
			if r := n.ranges[p]; r != nil {
				return r
			}
		}
	}
	return nil
}

// carry takes a packet to a router, which has it at once if there is no latency.
func (n *Network) carry(p *netfilter.Packet, from, to *Router) {
	latency := n.Latency()
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		from.dropAt(p, uplink, DropClosed, "")
		return
	}
	if latency == 0 && len(n.flying) == 0 && n.landed == nil {
		n.mu.Unlock()
		to.receive(p)
		return
	}
	due := time.Now().Add(latency)
	if last := len(n.flying) - 1; last >= 0 && n.flying[last].due.After(due) {
		due = n.flying[last].due
	}
	from.faults.Leave(p)
	n.flying = append(n.flying, flight{p, from, to, due})
	if len(n.flying) == 1 && n.landed == nil {
		n.wait(latency)
	}
	n.mu.Unlock()
}

// wait has the first flight land in d. mu must be held.
func (n *Network) wait(d time.Duration) {
	if n.timer == nil {
		n.timer = time.AfterFunc(d, n.land)
		return
	}
	n.timer.Reset(d)
}

// land delivers what is due.
func (n *Network) land() {
	n.mu.Lock()
	landed := make(chan struct{})
	defer close(landed)
	n.landed = landed
	for len(n.flying) > 0 && !n.closed {
		f := n.flying[0]
		if left := time.Until(f.due); left > 0 {
			n.wait(left)
			break
		}
		n.flying[0] = flight{}
		n.flying = n.flying[1:]
		n.mu.Unlock()
		if f.from.faults.CutOff(faults.Between, &f.from.end, &f.to.end, between{f.from, f.to}, f.p) {
			f.from.dropAt(f.p, uplink, faults.DropCut, "")
		} else {
			f.to.receive(f.p)
		}
		n.mu.Lock()
	}
	if len(n.flying) == 0 {
		n.flying = nil
	}
	n.landed = nil
	n.mu.Unlock()
}

// Close drops what is under way, and all that is sent from now on. When it
// returns, nothing is being delivered; so it must not be called by a delivery.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	flying := n.flying
	n.flying = nil
	landed := n.landed
	n.mu.Unlock()
	for _, f := range flying {
		f.to.dropAt(f.p, uplink, DropClosed, "")
	}
	if landed != nil {
		<-landed
	}
}
