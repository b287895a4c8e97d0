package iptables

import "strconv"

// match is an extension of a rule that looks at packets: -m name.
type match interface {
	extension

	// saved is the match's options as iptables-save writes them, each with a
	// space in front.
	saved() string

	// listed is the match as -L shows it.
	listed(numeric bool) string

	// allowed reports whether the kernel takes the match in a rule that is
	// reached from the hooks.
	allowed(r *Rule, from hookSet) bool
}

// matches asks m about a packet. It names the types, and needs no method of the
// interface, so that a packet need not be allocated.
func matches(m match, p *Packet) bool {
	switch m := m.(type) {
	case *portsMatch:
		return m.matches(p)
	case *icmpMatch:
		return m.matches(p)
	case *multiportMatch:
		return m.matches(p)
	case *ownerMatch:
		return m.matches(p)
	case *stateMatch:
		return m.matches(p)
	case *statisticMatch:
		return m.matches(p)
	case *addrtypeMatch:
		return m.matches(p)
	case *markMatch:
		return m.matches(p)
	}
	return true // a comment
}

// newMatch returns an empty match of that name, nil if there is none.
func newMatch(name string, f Family) match {
	switch name {
	case "tcp":
		return newPortsMatch(protoTCP)
	case "udp":
		return newPortsMatch(protoUDP)
	case "icmp":
		if f == IPv4 {
			return newICMPMatch(f)
		}
	case "icmp6", "icmpv6", "ipv6-icmp":
		if f == IPv6 {
			return newICMPMatch(f)
		}
	case "multiport":
		return new(multiportMatch)
	case "owner":
		return new(ownerMatch)
	case "conntrack":
		return &stateMatch{family: f, isConntrack: true}
	case "state":
		return &stateMatch{family: f}
	case "statistic":
		return new(statisticMatch)
	case "addrtype":
		return new(addrtypeMatch)
	case "mark":
		return new(markMatch)
	case "comment":
		return new(commentMatch)
	}
	return nil
}

// hex is a number as iptables writes marks.
func hex(n uint32) string { return "0x" + strconv.FormatUint(uint64(n), 16) }

// not is "! " if invert.
func not(invert bool) string {
	if invert {
		return "! "
	}
	return ""
}
