package iptables

import (
	"fmt"
	"strconv"
	"strings"
)

// icmpMatch is the match of icmp or icmp6.
type icmpMatch struct {
	family       Family
	kind         uint8 // 255 is any, of IPv4
	code, toCode uint8
	invert       bool
}

func newICMPMatch(f Family) *icmpMatch { return &icmpMatch{family: f, toCode: 255} }

func (m *icmpMatch) extension() string {
	if m.family == IPv6 {
		return "icmp6"
	}
	return "icmp"
}

func (m *icmpMatch) optionName() string {
	if m.family == IPv6 {
		return "icmpv6-type"
	}
	return "icmp-type"
}

func (m *icmpMatch) options() []option {
	return []option{{name: m.optionName(), args: 1, invert: true, mandatory: true}}
}

func (m *icmpMatch) set(_ *Rule, _ *option, invert bool, args []string) error {
	m.invert = invert
	for _, t := range icmpTypes[m.family] {
		if strings.EqualFold(t.name, args[0]) {
			m.kind, m.code, m.toCode = t.kind, t.code, t.toCode
			return nil
		}
	}
	// A name may be cut short, if only one type begins so.
	found := 0
	for _, t := range icmpTypes[m.family] {
		if len(args[0]) > 0 && len(args[0]) < len(t.name) && strings.EqualFold(t.name[:len(args[0])], args[0]) {
			m.kind, m.code, m.toCode = t.kind, t.code, t.toCode
			found++
		}
	}
	if found == 1 {
		return nil
	}
	what := "ICMP"
	if m.family == IPv6 {
		what = "ICMPv6"
	}
	if found > 1 {
		return bad("Ambiguous %s type `%s': use its number", what, args[0])
	}
	kind, code, hasCode := strings.Cut(args[0], "/")
	n, ok := parseNumber(kind, 255)
	if !ok {
		return bad("Unknown %s type `%s'", what, args[0])
	}
	m.kind, m.code, m.toCode = uint8(n), 0, 255
	if hasCode {
		c, ok := parseNumber(code, 255)
		if !ok {
			return bad("Unknown %s code `%s'", what, code)
		}
		m.code, m.toCode = uint8(c), uint8(c)
	}
	return nil
}

func (m *icmpMatch) check(*Rule, uint32) error { return nil }

func (m *icmpMatch) allowed(r *Rule, _ hookSet) bool {
	if m.family == IPv6 {
		return r.isProtocol(protoICMPv6)
	}
	return r.isProtocol(protoICMP)
}

func (m *icmpMatch) any() bool { return m.family == IPv4 && m.kind == 255 }

func (m *icmpMatch) matches(p *Packet) bool {
	if p.Fragment {
		return false
	}
	is := m.any() || p.ICMPType == m.kind && p.ICMPCode >= m.code && p.ICMPCode <= m.toCode
	return is != m.invert
}

func (m *icmpMatch) number() string {
	switch {
	case m.any():
		return "any"
	case m.code == 0 && m.toCode == 255:
		return strconv.Itoa(int(m.kind))
	}
	return fmt.Sprintf("%d/%d", m.kind, m.code)
}

func (m *icmpMatch) saved() string {
	return " " + not(m.invert) + "--" + m.optionName() + " " + m.number()
}

func (m *icmpMatch) listed(numeric bool) string {
	family := "icmp"
	if m.family == IPv6 {
		family = "ipv6-icmp"
	}
	mark := ""
	if m.invert {
		mark = "!"
	}
	if !numeric {
		for _, t := range icmpTypes[m.family] {
			if t.kind == m.kind && t.code == m.code && t.toCode == m.toCode {
				return family + " " + mark + t.name
			}
		}
	}
	if m.invert {
		family += " "
	}
	s := fmt.Sprintf("%s%stype %d", family, mark, m.kind)
	if !(m.code == 0 && m.toCode == 255) {
		s += fmt.Sprintf(" code %d", m.code)
	}
	return s
}
