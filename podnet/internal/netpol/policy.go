// Package netpol decides which connections NetworkPolicies allow. It knows Pods,
// namespaces and policies, and answers for a connection by its addresses; whoever
// carries the packets asks it.
//
// The rules are those of Kubernetes' API (networking/v1): what no policy selects
// is open; policies that select a Pod are added up, in no order, and only allow;
// a connection needs the egress of its source and the ingress of its destination.
package netpol

import (
	"net/netip"

	"podnet.dev/podnet/internal/labels"
)

// The protocols of Kubernetes, by their numbers in an IP header.
const (
	TCP  uint8 = 6
	UDP  uint8 = 17
	SCTP uint8 = 132
)

// Policy is a NetworkPolicy, with its defaults filled in. It is not changed once
// a [Set] has it.
type Policy struct {
	Namespace, Name string
	Pods            labels.Selector // of its namespace; an empty one selects all

	// IsolatesIngress and IsolatesEgress are its policyTypes: in such a
	// direction the Pods are closed but for what rules allow.
	IsolatesIngress, IsolatesEgress bool
	Ingress, Egress                 []Rule
}

// Rule allows what comes from, or goes to, one of Peers at one of Ports. An
// empty list stands for everything.
type Rule struct {
	Peers []Peer
	Ports []RulePort
}

// Peer is who may be at the other end: an address in Block, or else a Pod that
// both selectors select.
type Peer struct {
	Pods       *labels.Selector // nil: all
	Namespaces *labels.Selector // nil: the policy's own
	Block      *Block
}

// Block is a range of addresses with holes.
type Block struct {
	CIDR   netip.Prefix
	Except []netip.Prefix
}

func (b *Block) contains(a netip.Addr) bool {
	if !b.CIDR.Contains(a) {
		return false
	}
	for _, e := range b.Except {
		if e.Contains(a) {
			return false
		}
	}
	return true
}

// RulePort is a port, or a range of ports, of the destination.
type RulePort struct {
	Protocol    uint8
	Name        string // of the destination Pod's port, if it is not empty
	First, Last uint16 // counts if Name is empty; both 0 for all ports
}

// matches reports whether a connection to a port of dst, nil if that is no Pod,
// is meant. A name that dst has no port of is no port at all.
func (p RulePort) matches(c Conn, dst *Pod) bool {
	switch {
	case p.Protocol != c.Protocol:
		return false
	case p.Name == "":
		return p.First == 0 || p.First <= c.Port && c.Port <= p.Last
	case dst == nil:
		return false
	}
	for _, port := range dst.Ports {
		if port.Name == p.Name && port.Protocol == c.Protocol && port.Number == c.Port {
			return true
		}
	}
	return false
}

// allows reports whether the rule of a policy of namespace own lets c pass.
// addr is the other end's address, and peer who has it, nil if that is no Pod.
func (r *Rule) allows(c Conn, own *namespace, addr netip.Addr, peer, dst *endpoint) bool {
	return r.allowsPort(c, dst) && r.allowsPeer(own, addr, peer)
}

func (r *Rule) allowsPort(c Conn, dst *endpoint) bool {
	for _, p := range r.Ports {
		if p.matches(c, dst.podOrNil()) {
			return true
		}
	}
	return len(r.Ports) == 0
}

func (r *Rule) allowsPeer(own *namespace, addr netip.Addr, peer *endpoint) bool {
	for _, p := range r.Peers {
		if p.matches(own, addr, peer) {
			return true
		}
	}
	return len(r.Peers) == 0
}

func (p *Peer) matches(own *namespace, addr netip.Addr, peer *endpoint) bool {
	switch {
	case p.Block != nil:
		return p.Block.contains(addr)
	case peer == nil:
		return false // an address that nobody has has no labels either
	case p.Namespaces == nil && peer.namespace != own:
		return false
	case p.Namespaces != nil && !p.Namespaces.Matches(peer.namespace.labels):
		return false
	}
	return p.Pods == nil || p.Pods.Matches(peer.pod.Labels)
}
