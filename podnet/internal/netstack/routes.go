package netstack

import (
	"net/netip"
	"slices"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"

	"podnet.dev/podnet/internal/iproute"
)

// Routes returns the namespace's table main.
func (ns *Namespace) Routes() []iproute.Route {
	ns.addrMu.RLock()
	defer ns.addrMu.RUnlock()
	return slices.Clone(ns.routes)
}

// ChangeRoutes makes another table main of the one that there is. If change fails,
// nothing is changed. Calls wait for each other, and for links that come and go.
func (ns *Namespace) ChangeRoutes(change func([]iproute.Route) ([]iproute.Route, error)) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	routes, err := change(ns.Routes())
	if err != nil {
		return err
	}
	ns.setRoutes(routes)
	return nil
}

// setRoutes replaces the table main. mu must be held.
func (ns *Namespace) setRoutes(routes []iproute.Route) {
	ns.addrMu.Lock()
	ns.routes = routes
	special := slices.ContainsFunc(routes, func(r iproute.Route) bool { return r.Type != "" })
	ns.addrMu.Unlock()
	ns.refuses.Store(special)
	ns.chooses.Store(ns.hasChoice())
	ns.applyRoutes()
}

// hasChoice reports whether a link has several IPv6 addresses. mu must be held.
func (ns *Namespace) hasChoice() bool {
	for _, l := range ns.links {
		n := 0
		for _, p := range l.Addrs {
			if p.Addr().Is6() {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

// addRoutes gives a link its routes: those of its subnets, those that it comes
// with, and the default routes. mu must be held.
func (ns *Namespace) addRoutes(l *link) {
	routes := ns.Routes()
	for _, p := range l.Addrs {
		if !p.IsSingleIP() && !l.NoPrefixRoutes {
			routes = append(routes, subnetRoute(l.Name, p))
		}
	}
	routes = append(routes, l.Routes...)
	for _, gw := range l.Gateways {
		routes = append(routes, defaultRoute(l.Name, gw))
	}
	l.Routes = nil // they are the table's now
	ns.setRoutes(routes)
}

func subnetRoute(dev string, p netip.Prefix) iproute.Route {
	r := iproute.Route{Dst: p.Masked(), Dev: dev, Src: p.Addr(), Proto: "kernel", Scope: "link"}
	if p.Addr().Is6() {
		r.Src, r.Scope, r.Metric = netip.Addr{}, "", 256
	}
	return r
}

func defaultRoute(dev string, gateway netip.Addr) iproute.Route {
	r := iproute.Route{Dst: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Gateway: gateway, Dev: dev}
	if gateway.Is6() {
		r.Dst, r.Metric = netip.PrefixFrom(netip.IPv6Unspecified(), 0), 1024
	}
	return r
}

// applyRoutes gives the stack the routes as they are now: what Linux keeps in the
// table local, and the table main. mu must be held.
func (ns *Namespace) applyRoutes() {
	table := []tcpip.Route{
		{Destination: subnet(netip.MustParsePrefix("127.0.0.0/8")), NIC: loopbackID},
		{Destination: subnet(netip.MustParsePrefix("::1/128")), NIC: loopbackID},
	}
	for a := range ns.locals { // written under mu
		table = append(table, tcpip.Route{Destination: subnet(hostPrefix(a)), NIC: loopbackID})
	}
	for _, r := range iproute.Sorted(ns.routes) {
		l := ns.links[r.Dev]
		if r.Type != "" || l == nil {
			continue // no packet gets there: see refused
		}
		t := tcpip.Route{Destination: subnet(r.Dst), NIC: l.id}
		if src := l.sourceOf(r); src.IsValid() {
			t.SourceHint = address(src)
		}
		if r.Gateway.IsValid() {
			t.Gateway = address(r.Gateway)
		}
		table = append(table, t)
	}
	ns.stack.SetRouteTable(table)
}

// sourceOf returns the source of what leaves by a route over the link, if the
// socket has none: the route's, or that of the link's addresses which the route is
// for or, as on Linux, the first one.
func (l *link) sourceOf(r iproute.Route) netip.Addr {
	if r.Src.IsValid() {
		return r.Src
	}
	var first netip.Addr
	for _, p := range l.Addrs {
		switch {
		case p.Addr().Is4() != r.Dst.Addr().Is4():
		case p.Contains(r.Gateway) || p.Contains(r.Dst.Addr()):
			return p.Addr()
		case !first.IsValid():
			first = p.Addr()
		}
	}
	return first
}

// source returns what to bind a socket to that is to be connected to a: local, if
// that says anything, or else the source of the route to a. gVisor heeds the
// route's for IPv4 only; so for IPv6 it is bound, where there is a choice.
func (ns *Namespace) source(local netip.AddrPort, a netip.Addr) netip.AddrPort {
	if local != (netip.AddrPort{}) || !a.Is6() || a.Is4In6() || !ns.chooses.Load() || a.IsLoopback() || ns.isLocal(a) {
		return local
	}
	table := iproute.Namespace{Routes: ns.Routes()}
	r, ok := table.Lookup(a)
	if !ok {
		return local
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	l := ns.links[r.Dev]
	if l == nil {
		return local
	}
	return netip.AddrPortFrom(l.sourceOf(r), 0)
}

// refused returns the error of a route that leads nowhere, or 0 if the route to a
// leads somewhere, or there is none.
func (ns *Namespace) refused(a netip.Addr) syscall.Errno {
	if !ns.refuses.Load() || ns.isLocal(a) {
		return 0
	}
	table := iproute.Namespace{Routes: ns.Routes()}
	r, ok := table.Lookup(a)
	if !ok {
		return 0
	}
	switch r.Type {
	case "blackhole":
		return syscall.EINVAL
	case "unreachable":
		return syscall.EHOSTUNREACH
	case "prohibit":
		return syscall.EACCES
	}
	return 0
}
