package dns

import (
	"iter"
	"net"
	"net/netip"
	"strings"
)

// hostLines yields the lines of a hosts file that make sense, as hosts(5)
// readers take them: an address and its names.
func hostLines(hosts string) iter.Seq2[netip.Addr, []string] {
	return func(yield func(netip.Addr, []string) bool) {
		for line := range strings.Lines(hosts) {
			line, _, _ = strings.Cut(line, "#")
			fields := strings.Fields(line)
			if len(fields) < 2 {
				continue
			}
			if addr, err := netip.ParseAddr(fields[0]); err == nil && !yield(addr, fields[1:]) {
				return
			}
		}
	}
}

// lookupHosts returns the addresses that a hosts file gives for a name, in the
// order of the file, and its canonical name.
func lookupHosts(hosts, name string) (addrs []netip.Addr, canonical string) {
	name = hostKey(name)
	for addr, names := range hostLines(hosts) {
		for _, n := range names {
			if hostKey(n) == name {
				if addrs == nil {
					canonical = hostKey(names[0])
				}
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs, canonical
}

// lookupHostAddr returns the names that a hosts file gives for an address.
func lookupHostAddr(hosts, addr string) (names []string) {
	want, err := netip.ParseAddr(addr)
	if err != nil {
		return nil
	}
	for a, list := range hostLines(hosts) {
		for _, n := range list {
			if a == want {
				names = append(names, absolute(n))
			}
		}
	}
	return names
}

// absolute ends a name with a dot, but for one without any, which is likely to
// be a host's alone.
func absolute(name string) string {
	if strings.Contains(name, ".") {
		return rooted(name)
	}
	return name
}

func hostKey(name string) string { return absolute(strings.ToLower(name)) }

// toIPAddr writes an address as net does one of a hosts file or of a literal:
// IPv4 in 16 bytes.
func toIPAddr(a netip.Addr) net.IPAddr {
	b := a.As16()
	return net.IPAddr{IP: b[:], Zone: a.Zone()}
}
