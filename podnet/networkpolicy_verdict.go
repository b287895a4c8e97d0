package podnet

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/netpol"
)

// PolicyVerdict says whether NetworkPolicies allow a connection: the source's
// side must let it out and the destination's must let it in.
type PolicyVerdict struct {
	Allowed         bool
	Egress, Ingress PolicyDecision
}

// PolicyDecision is what the policies of one side say.
type PolicyDecision struct {
	Allowed bool

	// Policy is the namespace/name of the policy that allows it or, if nothing
	// does, of the first that would have to. It is empty if no policy had to be
	// asked.
	Policy string

	Rule   int    // the index of the rule that allows it; -1 if none did
	Reason string // "allowed by ingress[0] of shop/web"
}

// String gives the reasons: that of the side that forbids it, or both.
func (v PolicyVerdict) String() string {
	switch {
	case !v.Egress.Allowed:
		return "denied: " + v.Egress.Reason
	case !v.Ingress.Allowed:
		return "denied: " + v.Ingress.Reason
	}
	reason := func(d PolicyDecision) string { return strings.TrimPrefix(d.Reason, "allowed ") } // which it says already
	return "allowed: " + reason(v.Egress) + "; " + reason(v.Ingress)
}

// Allowed says whether the NetworkPolicies allow a connection from a Pod to a
// port of another, and which rule decides, without connecting. It is asked of the
// primary address of to, and of the one of from that is of the same family: where
// rules have an IPBlock, [Cluster.AllowedAddr] may say something else of the
// other family. An empty protocol is TCP. A Pod without an address, which has not
// started or has ended, is not reached by anyone.
func (c *Cluster) Allowed(from, to *Pod, protocol Protocol, port uint16) PolicyVerdict {
	dst := to.IP()
	var src netip.Addr
	for _, a := range from.IPs() {
		if a.Is4() == dst.Is4() {
			src = a
		}
	}
	if !dst.IsValid() || !src.IsValid() {
		who := to
		if dst.IsValid() {
			who = from
		}
		d := PolicyDecision{Rule: -1, Reason: fmt.Sprintf("%s/%s has no address that the other could reach", who.Namespace(), who.Name())}
		return PolicyVerdict{Egress: d, Ingress: d}
	}
	return c.AllowedAddr(src, dst, protocol, port)
}

// AllowedAddr says of two addresses what [Cluster.Allowed] says of Pods. An
// address that no Pod has is only matched by IPBlocks. A Service's address is
// none of a Pod: ask for the Pods behind it.
func (c *Cluster) AllowedAddr(src, dst netip.Addr, protocol Protocol, port uint16) PolicyVerdict {
	v := c.policies.Verdict(netpol.Conn{Src: src, Dst: dst, Protocol: protocol.number(), Port: port})
	return PolicyVerdict{Allowed: v.Allowed, Egress: decisionOf(v.Egress), Ingress: decisionOf(v.Ingress)}
}

func decisionOf(d netpol.Decision) PolicyDecision {
	return PolicyDecision{Allowed: d.Allowed, Policy: d.Policy(), Rule: d.Rule, Reason: d.Reason()}
}

// number returns the protocol's number in an IP header; the default is TCP's.
func (p Protocol) number() uint8 {
	switch p {
	case ProtocolUDP:
		return netpol.UDP
	case ProtocolSCTP:
		return netpol.SCTP
	}
	return netpol.TCP
}

// compile returns the policy as netpol has it. s is valid and has defaults.
func (s NetworkPolicySpec) compile() *netpol.Policy {
	p := &netpol.Policy{
		Namespace: s.Namespace, Name: s.Name, Pods: s.PodSelector.selector(),
		IsolatesIngress: slices.Contains(s.PolicyTypes, PolicyTypeIngress),
		IsolatesEgress:  slices.Contains(s.PolicyTypes, PolicyTypeEgress),
	}
	for _, r := range s.Ingress {
		p.Ingress = append(p.Ingress, compileRule(r.Ports, r.From))
	}
	for _, r := range s.Egress {
		p.Egress = append(p.Egress, compileRule(r.Ports, r.To))
	}
	return p
}

func compileRule(ports []NetworkPolicyPort, peers []NetworkPolicyPeer) (r netpol.Rule) {
	for _, p := range ports {
		to := netpol.RulePort{Protocol: p.Protocol.number()}
		if p.Port != nil {
			to.Name, to.First, to.Last = p.Port.StrVal, uint16(p.Port.IntVal), uint16(p.Port.IntVal)
		}
		if p.EndPort != nil {
			to.Last = uint16(*p.EndPort)
		}
		r.Ports = append(r.Ports, to)
	}
	for _, p := range peers {
		var to netpol.Peer
		if p.PodSelector != nil {
			s := p.PodSelector.selector()
			to.Pods = &s
		}
		if p.NamespaceSelector != nil {
			s := p.NamespaceSelector.selector()
			to.Namespaces = &s
		}
		if b := p.IPBlock; b != nil {
			to.Block = &netpol.Block{CIDR: netip.MustParsePrefix(b.CIDR)}
			for _, e := range b.Except {
				to.Block.Except = append(to.Block.Except, netip.MustParsePrefix(e))
			}
		}
		r.Peers = append(r.Peers, to)
	}
	return r
}

// enforcePolicies tells the policies of the Pod's labels and addresses. It must be
// called before the Pod sends its first packet, and with mu held.
func (p *Pod) enforcePolicies(s *sandbox) {
	to := netpol.Pod{UID: p.uid, Namespace: p.spec.Namespace, Name: p.spec.Name, Labels: p.meta.labels, IPs: s.allAddrs(), NodeIPs: slices.Concat(p.node.gateways(), p.node.addrs)}
	for _, k := range p.containers {
		if k.init && k.spec.RestartPolicy != RestartPolicyAlways {
			continue
		}
		for _, port := range k.spec.Ports {
			if port.Name != "" {
				to.Ports = append(to.Ports, netpol.Port{Name: port.Name, Protocol: cmp.Or(port.Protocol, ProtocolTCP).number(), Number: port.ContainerPort})
			}
		}
	}
	p.cluster.policies.SetPod(to)
}
