package netpol

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Conn is a connection, or a packet that could begin one. Addresses are those at
// the ends: behind a Service, the Pod's and not the Service's.
type Conn struct {
	Src, Dst netip.Addr
	Protocol uint8 // as in an IP header
	Port     uint16
}

// Verdict is what becomes of a connection.
type Verdict struct {
	Allowed         bool // by both
	Egress, Ingress Decision
}

// Decision is what the policies of one end say. It holds what was true when it
// was made, whatever is changed then.
type Decision struct {
	Allowed bool

	// Rule is the index of the rule that allows it; -1 if none did.
	Rule int

	why       why
	direction direction
	conn      Conn
	pod, peer *Pod      // at this end and at the other; nil if that is none
	policies  []*Policy // that isolate the Pod
	policy    *Policy   // that decides, or nil
}

// Policy returns the namespace/name of the policy whose rule allows the
// connection, or of the first of those that isolate the Pod and do not. It is
// empty if the connection is allowed for another reason.
func (d Decision) Policy() string {
	if d.policy == nil {
		return ""
	}
	return d.policy.String()
}

// why is the kind of reason of a Decision.
type why uint8

const (
	noPod why = iota
	ownPod
	ownNode
	notIsolated
	byRule
	byNoRule
)

type direction string

const (
	ingress direction = "ingress"
	egress  direction = "egress"
)

// Verdict says whether a connection is allowed, and why.
func (s *Set) Verdict(c Conn) Verdict {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c = c.plain()
	v := Verdict{Egress: s.decide(c, egress), Ingress: s.decide(c, ingress)}
	v.Allowed = v.Egress.Allowed && v.Ingress.Allowed
	return v
}

// Egress says whether the source's policies allow a connection. It does not
// allocate: what a Decision says in words is made when it is asked for.
func (s *Set) Egress(c Conn) Decision {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.decide(c.plain(), egress)
}

// Ingress says whether the destination's policies allow a connection.
func (s *Set) Ingress(c Conn) Decision {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.decide(c.plain(), ingress)
}

func (c Conn) plain() Conn {
	c.Src, c.Dst = plain(c.Src), plain(c.Dst)
	return c
}

func (s *Set) decide(c Conn, at direction) Decision {
	src, dst := s.byIP[c.Src], s.byIP[c.Dst]
	me, peer, addr := dst, src, c.Src
	if at == egress {
		me, peer, addr = src, dst, c.Dst
	}
	d := Decision{Allowed: true, Rule: -1, direction: at, conn: c, pod: me.podOrNil(), peer: peer.podOrNil()}
	if me == nil {
		d.why = noPod
		return d
	}
	if me == peer {
		d.why = ownPod
		return d
	}
	if slices.Contains(me.pod.NodeIPs, addr) {
		d.why = ownNode
		return d
	}
	d.policies = me.isolation().ingress
	if at == egress {
		d.policies = me.isolation().egress
	}
	if len(d.policies) == 0 {
		d.why = notIsolated
		return d
	}
	for _, p := range d.policies {
		rules := p.Ingress
		if at == egress {
			rules = p.Egress
		}
		for i := range rules {
			if rules[i].allows(c, me.namespace, addr, peer, dst) {
				d.why, d.policy, d.Rule = byRule, p, i
				return d
			}
		}
	}
	d.Allowed, d.why, d.policy = false, byNoRule, d.policies[0]
	return d
}

// Reason says in words why.
func (d Decision) Reason() string {
	switch d.why {
	case noPod:
		return fmt.Sprintf("no Pod has %s, so no policy applies to it", d.own())
	case ownPod:
		return fmt.Sprintf("%s talks to itself", d.pod)
	case ownNode:
		return fmt.Sprintf("%s is of the node that %s runs on", d.other(), d.pod)
	case notIsolated:
		return fmt.Sprintf("no policy selects %s for %s", d.pod, d.direction)
	case byRule:
		return fmt.Sprintf("allowed by %s[%d] of %s", d.direction, d.Rule, d.policy)
	}
	names := make([]string, len(d.policies))
	for i, p := range d.policies {
		names[i] = p.String()
	}
	whose, preposition := "them", "from"
	if len(names) == 1 {
		whose = "it"
	}
	if d.direction == egress {
		preposition = "to"
	}
	other := d.other().String()
	if d.peer != nil {
		other = fmt.Sprintf("%s (%s)", d.peer, other)
	}
	return fmt.Sprintf("selected by %s, and no %s rule of %s allows %s %s %s", list(names), d.direction, whose, d.conn.port(), preposition, other)
}

// own and other are the addresses at this end and at the other.
func (d Decision) own() netip.Addr {
	if d.direction == egress {
		return d.conn.Src
	}
	return d.conn.Dst
}

func (d Decision) other() netip.Addr {
	if d.direction == egress {
		return d.conn.Dst
	}
	return d.conn.Src
}

// port names the protocol and the port, if the protocol has ports.
func (c Conn) port() string {
	switch c.Protocol {
	case TCP:
		return fmt.Sprintf("TCP %d", c.Port)
	case UDP:
		return fmt.Sprintf("UDP %d", c.Port)
	case SCTP:
		return fmt.Sprintf("SCTP %d", c.Port)
	case 1, 58:
		return "ICMP"
	}
	return fmt.Sprintf("IP protocol %d", c.Protocol)
}

// String returns the policy's namespace/name.
func (p *Policy) String() string { return p.Namespace + "/" + p.Name }

// String returns the Pod's namespace/name.
func (p *Pod) String() string { return p.Namespace + "/" + p.Name }

// list joins names as in a sentence.
func list(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}
