package iptables

import (
	"fmt"
	"slices"
	"strings"
)

// Command does what iptables or ip6tables does with the arguments, and returns
// the ruleset that is left and what the command prints. An error is an *Error;
// no rule has changed then, but the table may be in use from now on.
func (r *Ruleset) Command(args []string) (*Ruleset, string, error) {
	prog := r.family.Command()
	n, out, err := r.command(args)
	if n == nil {
		n = r
	}
	return n, out, commandError(prog, err)
}

func (r *Ruleset) command(args []string) (*Ruleset, string, error) {
	q, err := read(r.family, Filter.String(), args)
	if err != nil {
		return nil, "", err
	}
	switch q.command {
	case 'V':
		return r, fmt.Sprintf("%s v%s (legacy)\n", r.family.Command(), Version), nil
	case 'h':
		return r, usage(r.family), nil
	}
	name, ok := tableNamed(q.table)
	if !ok {
		return nil, "", &noTable{q.table, whyNoTable}
	}
	d := r.draft(name, false)
	if r.tables[name] == nil {
		// A look at a table makes it, even if nothing comes of it.
		t, err := d.finish()
		if err != nil {
			return nil, "", err
		}
		r = r.with(name, t)
	}
	var out strings.Builder
	if q.command == 'L' || q.command == 'S' {
		t, err := d.finish()
		if err == nil && q.command == 'L' {
			err = t.list(&out, r.family, q)
		} else if err == nil {
			err = t.specifications(&out, q)
		}
		if err != nil || !q.zero {
			return r.with(name, t), out.String(), err
		}
	}
	if err := d.apply(r.family, q, &out); err != nil {
		return r, "", err
	}
	t, err := d.finish()
	if err != nil {
		return r, "", err
	}
	return r.with(name, t), out.String(), nil
}

// apply changes the draft as the request says. What -v prints goes to out.
func (d *draft) apply(f Family, q *request, out *strings.Builder) error {
	if err := d.resolve(q, f); err != nil {
		return err
	}
	c := d.chains[q.chain]
	switch q.command {
	case 'A', 'I', 'R', 'D', 'C':
		return d.applyRule(f, q, c, out)
	case 'F':
		return d.each(q, "Flushing", out, func(c *draftChain) { c.rules = nil })
	case 'Z', 'L', 'S':
		if q.number != 0 && q.command == 'Z' {
			return c.zeroRule(q.number)
		}
		return d.each(q, "Zeroing", out, (*draftChain).zero)
	case 'N':
		if c != nil {
			return errExists
		}
		d.chains[q.chain] = &draftChain{name: q.chain}
	case 'X':
		return d.remove(q, out)
	case 'E':
		return d.rename(q, f)
	case 'P':
		switch {
		case c == nil || !c.builtin:
			return errBuiltin
		case q.policy != "ACCEPT" && q.policy != "DROP":
			return errPolicyName
		}
		c.drop = q.policy == "DROP"
		if slices.Contains(q.options, 'c') {
			c.counters = q.rule.counters
		}
	}
	return nil
}

// resolve finds out what a rule's -j or -g names.
func (d *draft) resolve(q *request, f Family) error {
	switch {
	case q.rule.isGoto:
		if d.chains[q.jump] == nil {
			return bad("goto '%s' is not a chain", q.jump)
		}
		q.rule.jump = q.jump
	case q.jump != "" && q.rule.target.name == "":
		if d.chains[q.jump] == nil {
			return noTarget(q.jump)
		}
		q.rule.jump = q.jump
	}
	return nil
}

// applyRule does what changes or looks for rules of a chain.
func (d *draft) applyRule(f Family, q *request, c *draftChain, out *strings.Builder) error {
	if c == nil {
		if q.command == 'C' || q.command == 'D' && q.number == 0 {
			return errNoRule
		}
		return errNoName
	}
	if q.command == 'D' && q.number != 0 {
		if q.number > len(c.rules) {
			return errDeletion
		}
		c.rules = slices.Delete(c.rules, q.number-1, q.number)
		return nil
	}
	for _, rule := range q.rules(f) {
		if q.verbose > 0 {
			rule.describe(out, f, q)
		}
		if to := d.chains[rule.jump]; to != nil && to.builtin {
			return errInvalid
		}
		at := slices.IndexFunc(c.rules, rule.same)
		switch q.command {
		case 'A':
			c.rules = append(c.rules, rule)
		case 'I':
			if q.number > len(c.rules)+1 {
				return errInsertion
			}
			c.rules = slices.Insert(c.rules, max(q.number, 1)-1, rule)
		case 'R':
			if q.number > len(c.rules) {
				return errReplace
			}
			c.rules[q.number-1] = rule
		case 'D':
			if at < 0 {
				return rule.missing()
			}
			c.rules = slices.Delete(c.rules, at, at+1)
		case 'C':
			if at < 0 {
				return rule.missing()
			}
		}
	}
	return nil
}

// missing is what -C and -D say of a rule that is not there: which words depends
// on its target.
func (r *Rule) missing() error {
	if r.jump == "" && (r.target.name == "" || isVerdict(r.target.name)) {
		return errNoRule
	}
	return errNoName
}

// each does something with the request's chain, or with all.
func (d *draft) each(q *request, doing string, out *strings.Builder, do func(*draftChain)) error {
	chains := d.sorted()
	if q.chain != "" {
		c := d.chains[q.chain]
		if c == nil {
			return errNoName
		}
		chains = []*draftChain{c}
	}
	for _, c := range chains {
		if q.verbose > 0 && q.chain == "" && !q.zero {
			fmt.Fprintf(out, "%s chain `%s'\n", doing, c.name)
		}
		do(c)
	}
	return nil
}

func (c *draftChain) zero() {
	if c.builtin {
		c.counters = new(Counters)
	}
	for i := range c.rules {
		c.rules[i] = c.rules[i].zeroed()
	}
}

func (c *draftChain) zeroRule(number int) error {
	switch {
	case c == nil:
		return errNoName
	case number > len(c.rules):
		return errCounter
	}
	c.rules[number-1] = c.rules[number-1].zeroed()
	return nil
}

func (r *Rule) zeroed() *Rule {
	n := *r
	n.counters = new(Counters)
	return &n
}

// remove deletes the request's chain, or all that are not built in.
func (d *draft) remove(q *request, out *strings.Builder) error {
	chains := d.sorted()
	if q.chain != "" {
		c := d.chains[q.chain]
		switch {
		case c == nil:
			return errNoName
		case c.builtin:
			return errInvalid
		}
		chains = []*draftChain{c}
	}
	for _, c := range chains {
		if c.builtin {
			continue
		}
		if q.verbose > 0 && q.chain == "" {
			fmt.Fprintf(out, "Deleting chain `%s'\n", c.name)
		}
		switch {
		case d.references(c.name) > 0:
			return errLinks
		case len(c.rules) > 0:
			return errNotEmpty
		}
		delete(d.chains, c.name)
	}
	return nil
}

// rename gives a chain another name, in the rules that jump to it too.
func (d *draft) rename(q *request, f Family) error {
	c := d.chains[q.chain]
	switch {
	case d.chains[q.newName] != nil || isVerdict(q.newName):
		return errFileExists
	case c == nil || c.builtin:
		return errNoName
	case len(q.newName) > maxChain || strings.ContainsAny(q.newName, " \t\n\v\f\r") || q.newName == "":
		return errInvalid
	}
	delete(d.chains, c.name)
	c.name = q.newName
	d.chains[c.name] = c
	for _, other := range d.chains {
		for i, r := range other.rules {
			if r.jump == q.chain {
				other.rules[i] = r.renamed(c.name, f)
			}
		}
	}
	return nil
}

// usage is what -h prints.
func usage(f Family) string {
	prog := f.Command()
	return fmt.Sprintf(`%[1]s v%[2]s (legacy)

Usage: %[1]s -[ACD] chain rule-specification [options]
       %[1]s -I chain [rulenum] rule-specification [options]
       %[1]s -R chain rulenum rule-specification [options]
       %[1]s -D chain rulenum [options]
       %[1]s -[LS] [chain [rulenum]] [options]
       %[1]s -[FZ] [chain] [options]
       %[1]s -[NX] chain
       %[1]s -E old-chain-name new-chain-name
       %[1]s -P chain target [options]
       %[1]s -h (print this help information)
`, prog, Version)
}
