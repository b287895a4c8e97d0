package podnet_test

import (
	"net/netip"
	"slices"

	"podnet.dev/podnet"
)

// policyOracle says what NetworkPolicies allow a second time: from the text of
// Kubernetes' documentation, walking all that there is for every question, and
// without any code of the real one.
type policyOracle struct {
	policies   []podnet.NetworkPolicySpec
	namespaces map[string]map[string]string // their labels
	pods       []oraclePod
}

type oraclePod struct {
	namespace string
	labels    map[string]string
	ips       []netip.Addr
	ports     []podnet.ContainerPort
}

// allowed says whether a connection succeeds: both ends must agree.
func (o *policyOracle) allowed(src, dst netip.Addr, protocol podnet.Protocol, port uint16) bool {
	from, to := o.owner(src), o.owner(dst)
	if from == to && from >= 0 {
		return true // a Pod cannot block access to itself
	}
	return o.letsOut(from, to, dst, protocol, port) && o.letsIn(to, from, src, protocol, port)
}

// owner returns the index of the Pod that has an address, or -1.
func (o *policyOracle) owner(a netip.Addr) int {
	for i, p := range o.pods {
		for _, ip := range p.ips {
			if ip == a {
				return i
			}
		}
	}
	return -1
}

func (o *policyOracle) letsOut(from, to int, dst netip.Addr, protocol podnet.Protocol, port uint16) bool {
	if from < 0 {
		return true
	}
	isolated := false
	for _, p := range o.policies {
		applies := len(p.Egress) > 0 // if policyTypes does not say
		if len(p.PolicyTypes) > 0 {
			applies = false
			for _, t := range p.PolicyTypes {
				applies = applies || t == "Egress"
			}
		}
		if !applies || p.Namespace != o.pods[from].namespace || !o.selects(p.PodSelector, o.pods[from].labels) {
			continue
		}
		isolated = true
		for _, rule := range p.Egress {
			if o.portFits(rule.Ports, to, protocol, port) && o.peerFits(rule.To, p.Namespace, to, dst) {
				return true
			}
		}
	}
	return !isolated
}

func (o *policyOracle) letsIn(to, from int, src netip.Addr, protocol podnet.Protocol, port uint16) bool {
	if to < 0 {
		return true
	}
	isolated := false
	for _, p := range o.policies {
		applies := true // if policyTypes does not say
		if len(p.PolicyTypes) > 0 {
			applies = false
			for _, t := range p.PolicyTypes {
				applies = applies || t == "Ingress"
			}
		}
		if !applies || p.Namespace != o.pods[to].namespace || !o.selects(p.PodSelector, o.pods[to].labels) {
			continue
		}
		isolated = true
		for _, rule := range p.Ingress {
			if o.portFits(rule.Ports, to, protocol, port) && o.peerFits(rule.From, p.Namespace, from, src) {
				return true
			}
		}
	}
	return !isolated
}

// portFits is about the port of the destination, whichever end asks.
func (o *policyOracle) portFits(ports []podnet.NetworkPolicyPort, destination int, protocol podnet.Protocol, port uint16) bool {
	if len(ports) == 0 {
		return true
	}
	for _, p := range ports {
		want := p.Protocol
		if want == "" {
			want = "TCP"
		}
		if want != protocol {
			continue
		}
		switch {
		case p.Port == nil:
			return true
		case p.Port.StrVal != "":
			if destination < 0 {
				continue
			}
			for _, named := range o.pods[destination].ports {
				if named.Name == p.Port.StrVal && named.Protocol == protocol && named.ContainerPort == port {
					return true
				}
			}
		case p.EndPort != nil:
			if int(port) >= int(p.Port.IntVal) && int(port) <= int(*p.EndPort) {
				return true
			}
		case int(port) == int(p.Port.IntVal):
			return true
		}
	}
	return false
}

func (o *policyOracle) peerFits(peers []podnet.NetworkPolicyPeer, own string, peer int, address netip.Addr) bool {
	if len(peers) == 0 {
		return true
	}
	for _, p := range peers {
		if p.IPBlock != nil {
			in := netip.MustParsePrefix(p.IPBlock.CIDR).Contains(address)
			for _, e := range p.IPBlock.Except {
				in = in && !netip.MustParsePrefix(e).Contains(address)
			}
			if in {
				return true
			}
			continue
		}
		if peer < 0 {
			continue
		}
		other := o.pods[peer]
		if p.NamespaceSelector != nil {
			if !o.selects(*p.NamespaceSelector, o.namespaces[other.namespace]) {
				continue
			}
		} else if other.namespace != own {
			continue
		}
		if p.PodSelector == nil || o.selects(*p.PodSelector, other.labels) {
			return true
		}
	}
	return false
}

func (o *policyOracle) selects(s podnet.LabelSelector, labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		got, ok := labels[e.Key]
		switch e.Operator {
		case "In":
			if !ok || !slices.Contains(e.Values, got) {
				return false
			}
		case "NotIn":
			if ok && slices.Contains(e.Values, got) {
				return false
			}
		case "Exists":
			if !ok {
				return false
			}
		case "DoesNotExist":
			if ok {
				return false
			}
		}
	}
	return true
}
