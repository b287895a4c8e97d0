package iptables

import (
	"fmt"
	"net/netip"
)

// Kind is what is to become of a packet.
type Kind uint8

// The kinds of verdicts.
const (
	Accept     Kind = iota // goes on to the next table
	Drop                   // vanishes
	Reject                 // vanishes, and its sender hears of it: see Verdict.Reject
	DNAT                   // its destination becomes one of Verdict.NAT
	SNAT                   // its source becomes one of Verdict.NAT
	Redirect               // its destination becomes this namespace, at a port of Verdict.NAT
	Masquerade             // its source becomes the address of the interface it leaves by
)

var kindNames = [...]string{"ACCEPT", "DROP", "REJECT", "DNAT", "SNAT", "REDIRECT", "MASQUERADE"}

// String returns the name of the target that gives such a verdict.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return "?"
	}
	return kindNames[k]
}

// Verdict is what a table says about a packet.
type Verdict struct {
	Kind   Kind
	Rule   *Rule      // that decided; nil if it was the policy
	Table  Table      // that was asked
	Chain  string     // that the rule is in, or whose policy decided; "" if there is none
	Reject RejectWith // if Kind is Reject
	NAT    NATRange   // if Kind is DNAT, SNAT, Redirect or Masquerade
}

// RejectWith is the answer of REJECT to a sender.
type RejectWith struct {
	TCPReset   bool  // a TCP segment with RST, instead of ICMP
	Type, Code uint8 // of the ICMP or ICMPv6 message
}

// NATRange says what addresses and ports may be translated to.
type NATRange struct {
	MinAddr, MaxAddr netip.Addr // both included; not valid: the address stays, or is the target's own choice
	MinPort, MaxPort uint16     // both included, if Ports
	Ports            bool       // a port is named; else it stays if it can
	BasePort         uint16     // if not 0: port MinPort + (old port - BasePort)
	Random           bool       // choose the port at random
	FullyRandom      bool       // the same, by a better generator
	Persistent       bool       // the same address for every connection of a client
}

// String says which rule decided, or which policy, as `iptables -S` writes it, and
// "" if none did.
func (v Verdict) String() string {
	switch {
	case v.Chain == "":
		return ""
	case v.Rule == nil:
		return fmt.Sprintf("-t %s -P %s %s", v.Table, v.Chain, v.Kind)
	}
	return fmt.Sprintf("-t %s -A %s %s", v.Table, v.Chain, v.Rule)
}
