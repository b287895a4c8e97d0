package iptables

import (
	"strings"
)

// Rule is one rule.
type Rule struct {
	src, dst    addressMatch
	in, out     interfaceMatch
	protocol    uint8 // 0 is all
	notProtocol bool
	fragment    fragment
	matches     []match
	target      target
	jump        string // the chain that it jumps or goes to
	isGoto      bool
	counters    *Counters
	spec        string // the rule as iptables-save writes it, up to the target
	action      string // and from the target on
}

// fragment is -f or ! -f.
type fragment uint8

const (
	anyPart fragment = iota
	laterPart
	firstPart
)

// String returns the rule as iptables-save writes it, without its chain.
func (r *Rule) String() string { return strings.TrimPrefix(r.spec+r.action, " ") }

// Counters returns the rule's counters.
func (r *Rule) Counters() *Counters { return r.counters }

// Comment returns what the rule's comment match says, "" if it has none.
func (r *Rule) Comment() string {
	for _, m := range r.matches {
		if c, ok := m.(*commentMatch); ok {
			return c.text
		}
	}
	return ""
}

// needsConntrack reports whether the rule is about connections.
func (r *Rule) needsConntrack() bool {
	if r.target.nat != nil {
		return true
	}
	for _, m := range r.matches {
		if _, ok := m.(*stateMatch); ok {
			return true
		}
	}
	return false
}

// matchesPacket reports whether the rule is about the packet.
func (r *Rule) matchesPacket(w *walk) bool {
	if !r.dst.matches(w.dst) || !r.src.matches(w.src) || !r.in.matches(w.p.In) || !r.out.matches(w.p.Out) {
		return false
	}
	if r.protocol != 0 && (r.protocol == w.p.Protocol) == r.notProtocol {
		return false
	}
	if r.fragment != anyPart && (r.fragment == laterPart) != w.p.Fragment {
		return false
	}
	for _, m := range r.matches {
		if !matches(m, w.p) {
			return false
		}
	}
	return true
}

// write fills in the rule's text.
func (r *Rule) write(f Family) {
	var b strings.Builder
	option := func(invert bool, words ...string) {
		if invert {
			b.WriteString(" !")
		}
		for _, w := range words {
			b.WriteString(" " + w)
		}
	}
	if !r.src.free(f) {
		option(r.src.invert, "-s", r.src.text(f))
	}
	if !r.dst.free(f) {
		option(r.dst.invert, "-d", r.dst.text(f))
	}
	if r.in.name != "" && (r.in.name != "+" || r.in.invert) {
		option(r.in.invert, "-i", r.in.name)
	}
	if r.out.name != "" && (r.out.name != "+" || r.out.invert) {
		option(r.out.invert, "-o", r.out.name)
	}
	if r.protocol != 0 {
		option(r.notProtocol, "-p", protocolName(r.protocol))
	}
	if r.fragment != anyPart {
		option(r.fragment == firstPart, "-f")
	}
	for _, m := range r.matches {
		b.WriteString(" -m " + m.extension() + m.saved())
	}
	r.spec = b.String()
	switch {
	case r.isGoto:
		r.action = " -g " + r.jump
	case r.jump != "":
		r.action = " -j " + r.jump
	case r.target.name != "":
		r.action = " -j " + r.target.name + r.target.saved()
	}
}

// renamed returns the rule with another chain to jump to.
func (r *Rule) renamed(jump string, f Family) *Rule {
	n := *r
	n.jump = jump
	n.write(f)
	return &n
}

// same reports whether two rules say the same.
func (r *Rule) same(o *Rule) bool { return r.spec == o.spec && r.action == o.action }

// allowed is the kernel's check of a rule in its table, reached from the hooks.
func (r *Rule) allowed(t Table, from hookSet) error {
	for _, m := range r.matches {
		if !m.allowed(r, from) {
			return errInvalid
		}
	}
	if !r.target.allowed(r, t, from) {
		return errInvalid
	}
	return nil
}

// isProtocol reports whether the rule is for one of the protocols only.
func (r *Rule) isProtocol(numbers ...uint8) bool {
	for _, n := range numbers {
		if r.protocol == n && !r.notProtocol {
			return true
		}
	}
	return false
}
