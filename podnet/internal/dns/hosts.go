package dns

import (
	"net/netip"
	"slices"
	"strings"
)

// LookupHosts returns the addresses that a hosts file gives for a name, in the
// order of the file. Lines that make no sense are passed over, as hosts(5)
// readers do.
func LookupHosts(hosts, name string) []netip.Addr {
	name = strings.TrimSuffix(name, ".")
	var addrs []netip.Addr
	for line := range strings.Lines(hosts) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil || slices.Contains(addrs, addr) {
			continue
		}
		if slices.ContainsFunc(fields[1:], func(f string) bool { return strings.EqualFold(strings.TrimSuffix(f, "."), name) }) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// Sort puts addresses into the order in which a program is to try them: by the
// precedence of RFC 6724, so that localhost is ::1 before 127.0.0.1, and
// otherwise as they are.
func Sort(addrs []netip.Addr) {
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return precedence(b) - precedence(a) })
}

var (
	uniqueLocal = netip.MustParsePrefix("fc00::/7")
	siteLocal   = netip.MustParsePrefix("fec0::/10")
)

// precedence is that of RFC 6724's default policy table.
func precedence(a netip.Addr) int {
	switch {
	case a == netip.IPv6Loopback():
		return 50
	case a.Unmap().Is4():
		return 35
	case uniqueLocal.Contains(a):
		return 3
	case siteLocal.Contains(a):
		return 1
	}
	return 40
}
