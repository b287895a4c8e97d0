package iptables

import "slices"

// Family is an address family. iptables has the rules of one, ip6tables those of
// the other.
type Family uint8

// The families.
const (
	IPv4 Family = iota
	IPv6
)

// Command returns the name of the family's command, iptables or ip6tables.
func (f Family) Command() string {
	if f == IPv6 {
		return "ip6tables"
	}
	return "iptables"
}

// Table is one of the four tables.
type Table uint8

// The tables, in the order in which a hook asks them. NAT is asked only for the
// first packet of a connection, and in Postrouting and Input after Mangle and
// Filter.
const (
	Raw Table = iota
	Mangle
	NAT
	Filter
	numTables
)

var tableNames = [numTables]string{"raw", "mangle", "nat", "filter"}

// String returns the table's name, as -t takes it.
func (t Table) String() string {
	if t >= numTables {
		return "?"
	}
	return tableNames[t]
}

// tableNamed returns the table of that name.
func tableNamed(name string) (Table, bool) {
	i := slices.Index(tableNames[:], name)
	return Table(i), i >= 0
}

// Hook is a place on a packet's way through a namespace.
type Hook uint8

// The hooks.
const (
	Prerouting  Hook = iota // arrived, not yet routed
	Input                   // for a socket of this namespace
	Forward                 // from one interface to another
	Output                  // sent by a socket of this namespace
	Postrouting             // about to leave
	numHooks
)

var hookNames = [numHooks]string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}

// String returns the name of the hook's chains.
func (h Hook) String() string {
	if h >= numHooks {
		return "?"
	}
	return hookNames[h]
}

// hookSet is a set of hooks.
type hookSet uint8

func setOf(hooks ...Hook) hookSet {
	var s hookSet
	for _, h := range hooks {
		s |= 1 << h
	}
	return s
}

const anyHook = 1<<numHooks - 1

// hooksOf are the hooks for which a table has a built-in chain.
var hooksOf = [numTables][]Hook{
	Raw:    {Prerouting, Output},
	Mangle: {Prerouting, Input, Forward, Output, Postrouting},
	NAT:    {Prerouting, Input, Output, Postrouting},
	Filter: {Input, Forward, Output},
}
