package iptables

import (
	"fmt"
	"strings"
)

// list prints what -L prints.
func (t *table) list(b *strings.Builder, f Family, q *request) error {
	chains := t.chains
	if q.chain != "" {
		c := t.chain(q.chain)
		if c == nil {
			return errNoName
		}
		chains = []*chain{c}
	}
	for i, c := range chains {
		if i > 0 {
			b.WriteString("\n")
		}
		if q.number == 0 {
			t.listHead(b, c, q)
		}
		for i, e := range c.entries {
			if q.number != 0 && q.number != i+1 {
				continue
			}
			if q.lineNumbers {
				fmt.Fprintf(b, "%-4d ", i+1)
			}
			e.rule.list(b, f, q)
		}
	}
	return nil
}

func (t *table) listHead(b *strings.Builder, c *chain, q *request) {
	fmt.Fprintf(b, "Chain %s", c.name)
	switch {
	case !c.builtin:
		references := 0
		for _, other := range t.chains {
			for _, e := range other.entries {
				if e.jump == c {
					references++
				}
			}
		}
		fmt.Fprintf(b, " (%d references)\n", references)
	case q.verbose > 0:
		packets, bytes := c.policyCounters()
		fmt.Fprintf(b, " (policy %s %spackets, %sbytes)\n", c.policy(), count(packets, q.exact, ""), count(bytes, q.exact, ""))
	default:
		fmt.Fprintf(b, " (policy %s)\n", c.policy())
	}
	if q.lineNumbers {
		b.WriteString("num  ")
	}
	switch {
	case q.verbose > 0 && q.exact:
		b.WriteString("    pkts      bytes ")
	case q.verbose > 0:
		b.WriteString(" pkts bytes ")
	}
	b.WriteString("target     prot opt ")
	if q.verbose > 0 {
		b.WriteString("in     out     ")
	}
	b.WriteString("source               destination         \n")
}

// list prints the rule as a line of -L.
func (r *Rule) list(b *strings.Builder, f Family, q *request) {
	if q.verbose > 0 {
		b.WriteString(count(r.counters.Packets(), q.exact, "%5d ") + count(r.counters.Bytes(), q.exact, "%5d "))
	}
	fmt.Fprintf(b, "%-9s ", r.targetName())
	if r.notProtocol {
		b.WriteString("!")
	} else {
		b.WriteString(" ")
	}
	fmt.Fprintf(b, "%-4s %s ", r.protocolText(q.numeric), r.fragmentText())
	if q.verbose > 0 {
		fmt.Fprintf(b, " %-6s %-6s ", r.in.listed(q.numeric), r.out.listed(q.numeric))
	}
	fmt.Fprintf(b, "%1s%-19s ", bang(r.src.invert), r.listedAddress(&r.src, f, q.numeric))
	fmt.Fprintf(b, "%1s%-19s", bang(r.dst.invert), r.listedAddress(&r.dst, f, q.numeric))
	b.WriteString(" ")
	if r.isGoto {
		b.WriteString("[goto] ")
	}
	r.listExtensions(b, q.numeric)
	b.WriteString("\n")
}

func (r *Rule) listExtensions(b *strings.Builder, numeric bool) {
	for _, m := range r.matches {
		b.WriteString(" " + m.listed(numeric))
	}
	if s := r.target.listed(); s != "" {
		b.WriteString(" " + s)
	}
}

// describe prints the rule as -v does when it is added or deleted.
func (r *Rule) describe(b *strings.Builder, f Family, q *request) {
	fmt.Fprintf(b, "%s %s%s opt %s in %s out %s %s%s %s-> %s ", r.targetName(), orSpace(r.notProtocol), r.protocolText(false), r.fragmentText(),
		r.in.listed(true), r.out.listed(true), orSpace(r.src.invert), r.listedAddress(&r.src, f, true), orSpace(r.dst.invert), r.listedAddress(&r.dst, f, true))
	b.WriteString(" ")
	if r.isGoto {
		b.WriteString("[goto] ")
	}
	r.listExtensions(b, true)
	b.WriteString("\n")
}

func bang(invert bool) string { return strings.TrimSuffix(not(invert), " ") }

func orSpace(invert bool) string {
	if invert {
		return "!"
	}
	return " "
}

func (r *Rule) targetName() string {
	if r.jump != "" {
		return r.jump
	}
	return r.target.shown()
}

func (r *Rule) protocolText(numeric bool) string {
	switch {
	case numeric:
		return fmt.Sprint(r.protocol)
	case r.protocol == 0:
		return "all"
	}
	return protocolName(r.protocol)
}

func (r *Rule) fragmentText() string {
	switch r.fragment {
	case laterPart:
		return "-f"
	case firstPart:
		return "!f"
	}
	return "--"
}

func (m *interfaceMatch) listed(numeric bool) string {
	switch {
	case m.name != "":
		return bang(m.invert) + m.name
	case numeric:
		return "*"
	}
	return "any"
}

// listedAddress is an address, or any if none was given.
func (r *Rule) listedAddress(m *addressMatch, f Family, numeric bool) string {
	switch {
	case !m.free(f):
		return m.listed(f, numeric)
	case !numeric:
		return "anywhere"
	case f == IPv6:
		return "::/0"
	}
	return "0.0.0.0/0"
}

// count is a counter of -L -v: five digits and then K, M, G or T, unless -x.
func count(n uint64, exact bool, format string) string {
	if exact {
		if format == "" {
			return fmt.Sprintf("%d ", n)
		}
		return fmt.Sprintf("%8d ", n)
	}
	if n <= 99999 {
		if format == "" {
			return fmt.Sprintf("%d ", n)
		}
		return fmt.Sprintf(format, n)
	}
	unit := 0
	for n = (n + 500) / 1000; n > 9999 && unit < 3; unit++ {
		n = (n + 500) / 1000
	}
	letter := string("KMGT"[unit])
	if format == "" {
		return fmt.Sprintf("%d%s ", n, letter)
	}
	return fmt.Sprintf("%4d%s ", n, letter)
}
