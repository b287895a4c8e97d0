package iptables

import (
	"maps"
	"slices"
)

// Ruleset is the rules of one namespace and family. It never changes, but its
// counters go on; commands return another one. It may be used by many
// goroutines at once.
type Ruleset struct {
	family Family
	tables [numTables]*table // nil until a command has used it, as a module not loaded
	used   []Table           // the tables there are, the newest first
}

// New returns a ruleset without rules: nothing is looked at, all is accepted.
func New(f Family) *Ruleset { return &Ruleset{family: f} }

// Family returns the family of the rules.
func (r *Ruleset) Family() Family { return r.family }

// Has reports whether the table has a chain for the hook. It has none before the
// first command that uses the table, so that Run need not be called.
func (r *Ruleset) Has(t Table, h Hook) bool {
	return r.tables[t] != nil && r.tables[t].hooks[h] != nil
}

// NeedsConntrack reports whether a rule needs to know connections: by its match
// (--ctstate, --state), or by its target, if that translates.
func (r *Ruleset) NeedsConntrack() bool {
	for _, t := range r.tables {
		if t == nil {
			continue
		}
		for _, c := range t.chains {
			for _, e := range c.entries {
				if e.rule.needsConntrack() {
					return true
				}
			}
		}
	}
	return false
}

// table is one table's chains.
type table struct {
	chains []*chain // the built-in ones in the order of their hooks, then the others by name
	hooks  [numHooks]*chain
}

func (t *table) chain(name string) *chain {
	for _, c := range t.chains {
		if c.name == name {
			return c
		}
	}
	return nil
}

// chain is a chain of rules.
type chain struct {
	name     string
	builtin  bool
	hook     Hook      // if builtin
	drop     bool      // the policy, if builtin
	counters *Counters // of the policy
	entries  []entry
	index    *destinationIndex // nil if it is not worth one
}

// policy returns the name of a built-in chain's policy.
func (c *chain) policy() string {
	switch {
	case !c.builtin:
		return "-"
	case c.drop:
		return "DROP"
	}
	return "ACCEPT"
}

// entry is a rule in its place.
type entry struct {
	rule *Rule
	jump *chain // where the rule jumps or goes to, if it does
}

// with returns the ruleset with t as one of its tables.
func (r *Ruleset) with(name Table, t *table) *Ruleset {
	n := *r
	if n.tables[name] == nil {
		n.used = slices.Concat([]Table{name}, r.used)
	}
	n.tables[name] = t
	return &n
}

// draft is a table that is being changed.
type draft struct {
	name   Table
	chains map[string]*draftChain
}

type draftChain struct {
	name     string
	builtin  bool
	hook     Hook
	drop     bool
	counters *Counters
	rules    []*Rule
}

// draft returns a copy of a table to change. A table that is not there yet has
// its built-in chains. flush leaves out what can be left out.
func (r *Ruleset) draft(name Table, flush bool) *draft {
	d := &draft{name: name, chains: make(map[string]*draftChain)}
	for _, h := range hooksOf[name] {
		d.chains[h.String()] = &draftChain{name: h.String(), builtin: true, hook: h, counters: new(Counters)}
	}
	if r.tables[name] == nil {
		return d
	}
	for _, c := range r.tables[name].chains {
		if flush {
			if c.builtin {
				d.chains[c.name].drop = c.drop
			}
			continue
		}
		n := &draftChain{c.name, c.builtin, c.hook, c.drop, c.counters, make([]*Rule, len(c.entries))}
		for i, e := range c.entries {
			n.rules[i] = e.rule
		}
		d.chains[c.name] = n
	}
	return d
}

// sorted returns the chains in their order.
func (d *draft) sorted() []*draftChain {
	return slices.SortedFunc(maps.Values(d.chains), func(a, b *draftChain) int {
		switch {
		case a.builtin && b.builtin:
			return int(a.hook) - int(b.hook)
		case a.builtin:
			return -1
		case b.builtin:
			return 1
		case a.name < b.name:
			return -1
		}
		return 1
	})
}

// references returns how many rules lead to the chain.
func (d *draft) references(name string) int {
	n := 0
	for _, c := range d.chains {
		for _, r := range c.rules {
			if r.jump == name {
				n++
			}
		}
	}
	return n
}

// finish makes a table of the draft, unless the kernel would refuse it.
func (d *draft) finish() (*table, error) {
	t := new(table)
	byName := make(map[string]*chain, len(d.chains))
	for _, dc := range d.sorted() {
		c := &chain{name: dc.name, builtin: dc.builtin, hook: dc.hook, drop: dc.drop, counters: dc.counters}
		t.chains = append(t.chains, c)
		byName[c.name] = c
		if c.builtin {
			t.hooks[c.hook] = c
		}
	}
	for _, c := range t.chains {
		rules := d.chains[c.name].rules
		c.entries = make([]entry, len(rules))
		for i, r := range rules {
			c.entries[i] = entry{r, byName[r.jump]}
		}
		c.index = indexDestinations(c.entries)
	}
	reached, err := t.reach()
	if err != nil {
		return nil, err
	}
	for _, c := range t.chains {
		for _, e := range c.entries {
			if err := e.rule.allowed(d.name, reached[c]); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// reach returns from which hooks each chain is reached. A circle is an error,
// if a hook leads to it.
func (t *table) reach() (map[*chain]hookSet, error) {
	reached := make(map[*chain]hookSet, len(t.chains))
	onPath := make(map[*chain]bool)
	var visit func(c *chain, h Hook) error
	visit = func(c *chain, h Hook) error {
		if onPath[c] {
			return errLoop
		}
		if reached[c]&(1<<h) != 0 {
			return nil
		}
		reached[c] |= 1 << h
		onPath[c] = true
		defer delete(onPath, c)
		for _, e := range c.entries {
			if e.jump != nil {
				if err := visit(e.jump, h); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, c := range t.hooks {
		if c != nil {
			if err := visit(c, c.hook); err != nil {
				return nil, err
			}
		}
	}
	return reached, nil
}
