package iptables

// Run returns what the table says about a packet at a hook. It allocates
// nothing. A table without a chain for the hook accepts.
//
// As on Linux, the caller asks NAT only about the first packet of a connection
// and remembers the answer, and asks no NAT about what is untracked or invalid.
func (r *Ruleset) Run(t Table, h Hook, p *Packet) Verdict {
	if r.tables[t] == nil || r.tables[t].hooks[h] == nil {
		return Verdict{}
	}
	base := r.tables[t].hooks[h]
	w := walk{p: p, src: wide(p.Src), dst: wide(p.Dst)}
	if rule, c := w.chain(base); rule != nil {
		v := Verdict{Kind: rule.target.kind, Rule: rule, Table: t, Chain: c.name, Reject: rule.target.reject}
		if rule.target.nat != nil {
			v.NAT = *rule.target.nat
		}
		return v
	}
	base.counters.add(p.Length)
	v := Verdict{Table: t, Chain: base.name}
	if base.drop {
		v.Kind = Drop
	}
	return v
}

// walk is a packet's way through a table.
type walk struct {
	p        *Packet
	src, dst address
}

// chain returns the rule that decides, and the chain that it is in, or nil if
// the end of the chain is reached.
func (w *walk) chain(c *chain) (*Rule, *chain) {
	for i := 0; ; i++ {
		if c.index != nil {
			i = c.index.next(i, w.dst)
		}
		if i >= len(c.entries) {
			return nil, nil
		}
		e := &c.entries[i]
		if !e.rule.matchesPacket(w) {
			continue
		}
		e.rule.counters.add(w.p.Length)
		if e.jump != nil {
			if r, in := w.chain(e.jump); r != nil || e.rule.isGoto {
				return r, in
			}
			continue
		}
		switch t := &e.rule.target; t.does {
		case decide:
			return e.rule, c
		case goBack:
			return nil, nil
		case setMark:
			w.p.Mark = w.p.Mark&^t.mask ^ t.mark
		case untrack:
			if w.p.State == StateInvalid {
				w.p.State = StateUntracked
			}
		}
	}
}
