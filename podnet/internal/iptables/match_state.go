package iptables

import "strings"

// stateMatch is the match of conntrack's --ctstate and of state's --state.
type stateMatch struct {
	family      Family
	isConntrack bool
	states      stateSet
	invert      bool
}

// stateSet is a set of states, as bits.
type stateSet uint8

const (
	inInvalid     = stateSet(1) << StateInvalid
	inNew         = stateSet(1) << StateNew
	inEstablished = stateSet(1) << StateEstablished
	inRelated     = stateSet(1) << StateRelated
	inUntracked   = stateSet(1) << StateUntracked
	inSNAT        = stateSet(1) << 5
	inDNAT        = stateSet(1) << 6
)

// stateNames are in the order in which iptables writes them.
var stateNames = []struct {
	name string
	bit  stateSet
}{
	{"INVALID", inInvalid}, {"NEW", inNew}, {"RELATED", inRelated}, {"ESTABLISHED", inEstablished},
	{"UNTRACKED", inUntracked}, {"SNAT", inSNAT}, {"DNAT", inDNAT},
}

func (m *stateMatch) extension() string {
	if m.isConntrack {
		return "conntrack"
	}
	return "state"
}

var conntrackOptions = []option{
	{name: "ctstate", id: 0, args: 1, invert: true},
	{name: "ctproto", id: 1, args: 1, invert: true},
	{name: "ctorigsrc", id: 1, args: 1, invert: true},
	{name: "ctorigdst", id: 1, args: 1, invert: true},
	{name: "ctreplsrc", id: 1, args: 1, invert: true},
	{name: "ctrepldst", id: 1, args: 1, invert: true},
	{name: "ctorigsrcport", id: 1, args: 1, invert: true},
	{name: "ctorigdstport", id: 1, args: 1, invert: true},
	{name: "ctreplsrcport", id: 1, args: 1, invert: true},
	{name: "ctrepldstport", id: 1, args: 1, invert: true},
	{name: "ctstatus", id: 1, args: 1, invert: true},
	{name: "ctexpire", id: 1, args: 1, invert: true},
	{name: "ctdir", id: 1, args: 1},
}

var stateOptions = []option{{name: "state", id: 0, args: 1, invert: true, mandatory: true}}

func (m *stateMatch) options() []option {
	if m.isConntrack {
		return conntrackOptions
	}
	return stateOptions
}

func (m *stateMatch) set(_ *Rule, o *option, invert bool, args []string) error {
	if o.id != 0 {
		return unsupported(m, o)
	}
	m.invert = invert
	known := stateNames
	if !m.isConntrack {
		known = known[:5]
	}
next:
	for word := range strings.SplitSeq(args[0], ",") {
		for _, s := range known {
			// A name may be cut short, but not to nothing.
			if word != "" && len(word) <= len(s.name) && strings.EqualFold(s.name[:len(word)], word) {
				m.states |= s.bit
				continue next
			}
		}
		return bad("Bad %s \"%s\"", o.name, word)
	}
	return nil
}

func (m *stateMatch) check(_ *Rule, given uint32) error {
	if m.isConntrack && given == 0 {
		return bad("conntrack: At least one option is required")
	}
	return nil
}

func (m *stateMatch) allowed(*Rule, hookSet) bool { return true }

func (m *stateMatch) matches(p *Packet) bool {
	have := stateSet(1) << p.State
	if p.SNAT {
		have |= inSNAT
	}
	if p.DNAT {
		have |= inDNAT
	}
	return (m.states&have != 0) != m.invert
}

func (m *stateMatch) names() string {
	order := stateNames
	var names []string
	for _, s := range order {
		if m.states&s.bit != 0 {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, ",")
}

func (m *stateMatch) word() string {
	if m.isConntrack {
		return "ctstate"
	}
	return "state"
}

func (m *stateMatch) saved() string {
	return " " + not(m.invert) + "--" + m.word() + " " + m.names()
}

func (m *stateMatch) listed(bool) string {
	return not(m.invert) + m.word() + " " + m.names()
}
