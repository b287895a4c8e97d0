package iproute

import (
	"cmp"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
)

// Route is a route of a namespace's main table.
type Route struct {
	Type    string       // "" is unicast; blackhole, unreachable or prohibit
	Dst     netip.Prefix // 0.0.0.0/0 or ::/0 is the default route
	Gateway netip.Addr   // not valid: Dst is on the link
	Dev     string       // the interface; "" only if Type is set
	Src     netip.Addr   // the source that sockets get; not valid: the interface's address
	Metric  int          // smaller wins; 0 only for IPv4, IPv6 has 1024 if none is given
	Proto   string       // who made the route: kernel, boot, static…; "" is boot
	Scope   string       // of IPv4: link, host…; "" is global, which is that of a route with a gateway
	OnLink  bool         // Gateway is on the link, whatever the other routes say
}

// defaultMetric6 is the metric of an IPv6 route for which none is given.
const defaultMetric6 = 1024

// is6 reports whether the route is IPv6's.
func (r Route) is6() bool { return r.Dst.Addr().Is6() }

// String returns the route as ip route prints it. IPv4's lines end in a space,
// as there.
func (r Route) String() string { return r.text(hidden{}) }

// hidden is what a listing leaves out because it was asked for.
type hidden struct{ dev, via, proto, scope bool }

func (r Route) text(h hidden) string {
	var words []string
	add := func(w ...string) { words = append(words, w...) }
	if r.Type != "" {
		add(r.Type)
	}
	add(prefixText(r.Dst))
	if r.Gateway.IsValid() && !h.via {
		add("via", r.Gateway.String())
	}
	switch {
	case r.Dev != "" && !h.dev:
		add("dev", r.Dev)
	case r.Dev == "" && r.is6():
		add("dev", "lo")
	}
	if r.Proto != "" && r.Proto != "boot" && !h.proto {
		add("proto", r.Proto)
	}
	if r.Scope != "" && r.Scope != "global" && !h.scope && !r.is6() {
		add("scope", r.Scope)
	}
	if r.Src.IsValid() {
		add("src", r.Src.String())
	}
	if r.Metric != 0 {
		add("metric", fmt.Sprint(r.Metric))
	}
	if r.OnLink {
		add("onlink")
	}
	if r.is6() {
		return strings.Join(append(words, "pref", "medium"), " ")
	}
	return strings.Join(words, " ") + " "
}

// prefixText is a destination: default, an address, or a prefix.
func prefixText(p netip.Prefix) string {
	switch {
	case p.Bits() == 0:
		return "default"
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

// Format returns the routes of one family in the order of ip route, a line for
// each.
func Format(routes []Route) string {
	var b strings.Builder
	for _, r := range Sorted(routes) {
		b.WriteString(r.String() + "\n")
	}
	return b.String()
}

// Sorted returns the routes in the order in which ip route prints them, which is
// the kernel's: IPv4's before IPv6's, and routes to one place by their metric.
func Sorted(routes []Route) []Route {
	s := slices.Clone(routes)
	slices.SortStableFunc(s, func(a, b Route) int {
		switch {
		case a.is6() != b.is6():
			return cmp.Compare(b2i(a.is6()), b2i(b.is6()))
		case a.is6():
			// What lies inside another comes first, so the default is last.
			return cmp.Or(last(a.Dst).Cmp(last(b.Dst)), cmp.Compare(b.Dst.Bits(), a.Dst.Bits()), cmp.Compare(a.Metric, b.Metric))
		}
		return cmp.Or(a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(b.Dst.Bits(), a.Dst.Bits()), cmp.Compare(a.Metric, b.Metric))
	})
	return s
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// last returns the last address of a prefix as a number.
func last(p netip.Prefix) *big.Int {
	n := new(big.Int).SetBytes(p.Addr().AsSlice())
	host := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
	return n.Add(n, host).Sub(n, big.NewInt(1))
}
