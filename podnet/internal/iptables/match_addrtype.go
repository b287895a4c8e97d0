package iptables

import (
	"net/netip"
	"strings"
)

// addrtypeMatch is the match of what addresses are to the namespace.
type addrtypeMatch struct {
	src, dst typeMatch
}

// typeMatch is one address's types, as bits.
type typeMatch struct {
	condition
	types uint16
}

func (*addrtypeMatch) extension() string { return "addrtype" }

var addrtypeOptions = []option{
	{name: "src-type", id: 0, args: 1, invert: true},
	{name: "dst-type", id: 1, args: 1, invert: true},
	{name: "limit-iface-in", id: 2},
	{name: "limit-iface-out", id: 3},
}

func (*addrtypeMatch) options() []option { return addrtypeOptions }

var addrtypeNames = []string{"UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE",
	"UNREACHABLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"}

func (m *addrtypeMatch) set(_ *Rule, o *option, invert bool, args []string) error {
	if o.id > 1 {
		return unsupported(m, o)
	}
	t := typeMatch{condition: condition{true, invert}}
next:
	for word := range strings.SplitSeq(args[0], ",") {
		for bit, name := range addrtypeNames {
			if word != "" && len(word) <= len(name) && strings.EqualFold(name[:len(word)], word) {
				t.types |= 1 << bit
				continue next
			}
		}
		return bad("addrtype: bad type \"%s\"", word)
	}
	if o.id == 0 {
		m.src = t
	} else {
		m.dst = t
	}
	return nil
}

func (m *addrtypeMatch) check(_ *Rule, given uint32) error {
	if given == 0 {
		return bad("addrtype: you must specify --src-type or --dst-type")
	}
	return nil
}

func (*addrtypeMatch) allowed(*Rule, hookSet) bool { return true }

func (m *addrtypeMatch) matches(p *Packet) bool {
	return m.src.matches(p, p.Src) && m.dst.matches(p, p.Dst)
}

func (t *typeMatch) matches(p *Packet, a netip.Addr) bool {
	if !t.given {
		return true
	}
	is := Unicast
	if p.AddrType != nil {
		is = p.AddrType(a)
	}
	return (t.types&(1<<is) != 0) != t.invert
}

func (t *typeMatch) names() string {
	var names []string
	for bit, name := range addrtypeNames {
		if t.types&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

func (m *addrtypeMatch) saved() string {
	s := ""
	if m.src.given {
		s += " " + not(m.src.invert) + "--src-type " + m.src.names()
	}
	if m.dst.given {
		s += " " + not(m.dst.invert) + "--dst-type " + m.dst.names()
	}
	return s
}

func (m *addrtypeMatch) listed(bool) string {
	s := "ADDRTYPE match"
	mark := func(invert bool) string { return strings.TrimSuffix(not(invert), " ") }
	if m.src.given {
		s += " src-type " + mark(m.src.invert) + m.src.names()
	}
	if m.dst.given {
		s += " dst-type " + mark(m.dst.invert) + m.dst.names()
	}
	return s
}
