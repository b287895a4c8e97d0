package iptables

// target is what a rule does with the packets that match. The zero value does
// nothing but count.
type target struct {
	name    string
	options []option
	does    action
	kind    Kind // if does is decide
	reject  RejectWith
	nat     *NATRange
	mark    uint32 // if does is setMark
	mask    uint32
	table   Table // that it is for, if only
	only    bool
	hooks   hookSet // that it is for
}

// action is what a rule does.
type action uint8

const (
	goOn    action = iota // to the next rule
	decide                // for this table
	goBack                // to the chain that jumped here
	setMark               // and go on
	untrack               // and go on
)

// newTarget returns an empty target of that name, nil if there is none.
func newTarget(name string, f Family) *target {
	nat := func(k Kind, options []option, hooks ...Hook) *target {
		return &target{options: options, does: decide, kind: k, nat: new(NATRange), table: NAT, only: true, hooks: setOf(hooks...)}
	}
	var t *target
	switch name {
	case "ACCEPT":
		t = &target{does: decide, hooks: anyHook}
	case "DROP", "QUEUE": // nobody reads the queue
		t = &target{does: decide, kind: Drop, hooks: anyHook}
	case "RETURN":
		t = &target{does: goBack, hooks: anyHook}
	case "REJECT":
		t = &target{options: rejectOptions, does: decide, kind: Reject, table: Filter, only: true, hooks: setOf(Input, Forward, Output)}
		t.reject = rejects[f][0].with
	case "MARK":
		t = &target{options: markOptions, does: setMark, hooks: anyHook}
	case "CT":
		t = &target{options: ctOptions, table: Raw, only: true, hooks: setOf(Prerouting, Output)}
	case "NOTRACK":
		t = &target{does: untrack, table: Raw, only: true, hooks: anyHook}
	case "DNAT":
		t = nat(DNAT, dnatOptions, Prerouting, Output)
	case "SNAT":
		t = nat(SNAT, snatOptions, Postrouting, Input)
	case "REDIRECT":
		t = nat(Redirect, redirectOptions, Prerouting, Output)
	case "MASQUERADE":
		t = nat(Masquerade, masqueradeOptions, Postrouting)
	default:
		return nil
	}
	t.name = name
	return t
}

// isVerdict reports whether a target is none of the extensions.
func isVerdict(name string) bool {
	switch name {
	case "ACCEPT", "DROP", "QUEUE", "RETURN":
		return true
	}
	return false
}

func (t *target) allowed(r *Rule, in Table, from hookSet) bool {
	if t.name == "" {
		return true
	}
	if t.only && t.table != in || from&^t.hooks != 0 {
		return false
	}
	return !t.reject.TCPReset || r.isProtocol(protoTCP)
}

// reading is a target whose options are being read.
type reading struct {
	*target
	family Family
}

func (t *reading) extension() string { return t.name }
func (t *reading) options() []option { return t.target.options }

func (t *reading) set(r *Rule, o *option, _ bool, args []string) error {
	switch t.name {
	case "REJECT":
		return t.setReject(args[0])
	case "MARK":
		return t.setMark(o, args[0])
	case "CT":
		if o.name != "notrack" {
			return unsupported(t, o)
		}
		t.does = untrack
		return nil
	}
	return t.setNAT(r, o, args)
}

func (t *reading) check(_ *Rule, given uint32) error {
	if t.name == "MARK" && given == 0 {
		return bad("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required")
	}
	return nil
}

var ctOptions = []option{
	{name: "notrack", id: 0},
	{name: "helper", id: 1, args: 1},
	{name: "timeout", id: 1, args: 1},
	{name: "ctevents", id: 1, args: 1},
	{name: "expevents", id: 1, args: 1},
	{name: "zone", id: 1, args: 1},
	{name: "zone-orig", id: 1, args: 1},
	{name: "zone-reply", id: 1, args: 1},
}

// saved is the target's options as iptables-save writes them, each with a space
// in front.
func (t *target) saved() string {
	switch t.name {
	case "REJECT":
		return " --reject-with " + t.reject.name()
	case "MARK":
		return " --set-xmark " + hex(t.mark) + "/" + hex(t.mask)
	case "CT":
		if t.does == untrack {
			return " --notrack"
		}
	}
	if t.nat != nil {
		return t.savedNAT()
	}
	return ""
}

// listed is the target as -L shows it behind the matches.
func (t *target) listed() string {
	switch t.name {
	case "REJECT":
		return "reject-with " + t.reject.name()
	case "MARK":
		return t.listedMark()
	case "CT":
		if t.does == untrack {
			return "CT notrack"
		}
		return "CT"
	case "NOTRACK":
		return "NOTRACK"
	}
	if t.nat != nil {
		return t.listedNAT()
	}
	return ""
}

// shown is the target's name as -L shows it: NOTRACK is CT in the kernel.
func (t *target) shown() string {
	if t.name == "NOTRACK" {
		return "CT"
	}
	return t.name
}
