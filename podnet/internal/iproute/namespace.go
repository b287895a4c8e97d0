package iproute

import (
	"net/netip"
	"slices"
)

// Link is an interface of a namespace.
type Link struct {
	Name  string
	Up    bool
	Addrs []netip.Prefix // its addresses with the length of their networks
}

// Namespace is what ip route needs to know of a network namespace.
type Namespace struct {
	Links  []Link
	Routes []Route // of both families; those to one place with one metric in the order of choice
	UID    uint32  // of the process that asks, which ip route get prints

	// ReadOnly says that the process has no CAP_NET_ADMIN: what would change
	// routes fails.
	ReadOnly bool
}

// link returns the interface of that name, nil if there is none.
func (n *Namespace) link(name string) *Link {
	i := slices.IndexFunc(n.Links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &n.Links[i]
}

// local reports whether a is an address of the namespace.
func (n *Namespace) local(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	for _, l := range n.Links {
		for _, p := range l.Addrs {
			if p.Addr() == a {
				return true
			}
		}
	}
	return false
}

// Lookup returns the route for a destination: the longest prefix, then the
// smallest metric. It reports false if there is none. Addresses of the namespace
// itself are not in the table.
func (n *Namespace) Lookup(dst netip.Addr) (Route, bool) {
	return n.lookup(dst, "", func(Route) bool { return true })
}

// lookup looks only at routes through dev, unless it is "", that want takes.
func (n *Namespace) lookup(dst netip.Addr, dev string, want func(Route) bool) (best Route, found bool) {
	for _, r := range n.Routes {
		if !r.Dst.Contains(dst) || dev != "" && r.Dev != dev || !want(r) {
			continue
		}
		if l := n.link(r.Dev); l != nil && !l.Up {
			continue
		}
		if !found || r.Dst.Bits() > best.Dst.Bits() || r.Dst.Bits() == best.Dst.Bits() && r.Metric < best.Metric {
			best, found = r, true
		}
	}
	return best, found
}

// source returns the address that a packet to dst by the route gets: the route's
// own, or one of its interface, if possible one in the network of the next hop.
func (n *Namespace) source(r Route, dst netip.Addr) netip.Addr {
	if r.Src.IsValid() {
		return r.Src
	}
	next := dst
	if r.Gateway.IsValid() {
		next = r.Gateway
	}
	var first netip.Addr
	candidates := n.Links
	if l := n.link(r.Dev); l != nil {
		candidates = append([]Link{*l}, n.Links...)
	}
	for i, l := range candidates {
		for _, p := range l.Addrs {
			if p.Addr().Is6() != dst.Is6() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() && !next.IsLinkLocalUnicast() {
				continue
			}
			if i == 0 && p.Contains(next) {
				return p.Addr()
			}
			if !first.IsValid() {
				first = p.Addr()
			}
		}
	}
	return first
}
