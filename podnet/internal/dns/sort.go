package dns

import (
	"net"
	"net/netip"
	"slices"
)

// sortAddrs puts addresses into the order in which a program is to try them,
// by the rules of RFC 6724 that net follows. source returns the address that
// packets to another would come from, the zero Addr if none can be sent; nil
// means that all can be reached from addresses like themselves.
func sortAddrs(addrs []net.IPAddr, source func(netip.Addr) netip.Addr) {
	if len(addrs) < 2 {
		return
	}
	list := make([]destination, len(addrs))
	for i, a := range addrs {
		addr, _ := netip.AddrFromSlice(a.IP)
		d := destination{given: a, addr: addr.Unmap()}
		d.source = d.addr
		if source != nil {
			d.source = source(d.addr.WithZone(a.Zone)).Unmap().WithZone("")
		}
		list[i] = d
	}
	slices.SortStableFunc(list, compare)
	for i, d := range list {
		addrs[i] = d.given
	}
}

type destination struct {
	given        net.IPAddr
	addr, source netip.Addr
}

// compare is below 0 if a is to be tried before b, and 0 if that does not
// matter. The rules are numbered as in RFC 6724, section 6; those that are
// missing are about addresses that there are not here.
func compare(a, b destination) int {
	if !a.source.IsValid() || !b.source.IsValid() { // 1: avoid what cannot be reached
		return prefer(a.source.IsValid(), b.source.IsValid())
	}
	if c := prefer(scope(a.addr) == scope(a.source), scope(b.addr) == scope(b.source)); c != 0 { // 2
		return c
	}
	pa, pb := policyOf(a.addr), policyOf(b.addr)
	if c := prefer(pa.label == policyOf(a.source).label, pb.label == policyOf(b.source).label); c != 0 { // 5
		return c
	}
	if c := pb.precedence - pa.precedence; c != 0 { // 6
		return c
	}
	if c := scope(a.addr) - scope(b.addr); c != 0 { // 8
		return c
	}
	if a.addr.Is6() && b.addr.Is6() { // 9, of IPv6 only
		return common(b.addr, b.source) - common(a.addr, a.source)
	}
	return 0
}

func prefer(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

type policy struct {
	prefix            netip.Prefix
	precedence, label int
}

// policies are RFC 6724's, the longest prefix first.
var policies = []policy{
	{netip.MustParsePrefix("::1/128"), 50, 0},
	{netip.MustParsePrefix("::/96"), 1, 3},
	{netip.MustParsePrefix("2001::/32"), 5, 5},
	{netip.MustParsePrefix("2002::/16"), 30, 2},
	{netip.MustParsePrefix("3ffe::/16"), 1, 12},
	{netip.MustParsePrefix("fec0::/10"), 1, 11},
	{netip.MustParsePrefix("fc00::/7"), 3, 13},
	{netip.MustParsePrefix("::/0"), 40, 1},
}

func policyOf(a netip.Addr) policy {
	if a.Is4() {
		return policy{precedence: 35, label: 4}
	}
	return policies[slices.IndexFunc(policies, func(p policy) bool { return p.prefix.Contains(a) })]
}

// scope is that of RFC 6724, section 3.1.
func scope(a netip.Addr) int {
	const linkLocal, siteLocal, global = 0x2, 0x5, 0xe
	b := a.As16()
	switch {
	case a.IsLoopback() || a.IsLinkLocalUnicast():
		return linkLocal
	case a.Is6() && a.IsMulticast():
		return int(b[1] & 0xf)
	case a.Is6() && b[0] == 0xfe && b[1]&0xc0 == 0xc0:
		return siteLocal
	}
	return global
}

// common is how many bits two addresses have in common, of the first 64.
func common(a, b netip.Addr) int {
	if a.Is4() != b.Is4() {
		return 0
	}
	n := 0
	for n < 64 {
		p, _ := a.WithZone("").Prefix(n + 1)
		if !p.Contains(b) {
			break
		}
		n++
	}
	return n
}
