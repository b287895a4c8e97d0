package main

import (
	"cmp"
	"fmt"
	"slices"

	"podnet.dev/podnet"
)

// policy is what of a NetworkPolicy matters here.
type policy struct {
	file, namespace, name string
	pods                  podnet.LabelSelector
	egress                bool // egress is closed but for outRules
	inRules, outRules     []policyRule
}

// policyRule allows its ports to or from its peers; an empty list is all.
type policyRule struct {
	ports []policyPort
	peers []policyPeer
}

type policyPort struct {
	protocol podnet.Protocol
	port     *podnet.IntOrString // nil for all
	endPort  int32               // 0 for none
}

type policyPeer struct {
	pods, namespaces *podnet.LabelSelector
	ipBlock          bool // it is a range of addresses, and the others are nil
}

// policyOf converts a NetworkPolicy.
func policyOf(file string, s podnet.NetworkPolicySpec) policy {
	to := policy{file: file, namespace: cmp.Or(s.Namespace, "default"), name: s.Name, pods: s.PodSelector}
	to.egress = slices.Contains(s.PolicyTypes, podnet.PolicyTypeEgress) || len(s.PolicyTypes) == 0 && len(s.Egress) > 0
	for _, r := range s.Ingress {
		to.inRules = append(to.inRules, policyRule{policyPorts(r.Ports), policyPeers(r.From)})
	}
	for _, r := range s.Egress {
		to.outRules = append(to.outRules, policyRule{policyPorts(r.Ports), policyPeers(r.To)})
	}
	return to
}

func policyPorts(from []podnet.NetworkPolicyPort) (to []policyPort) {
	for _, p := range from {
		port := policyPort{protocol: p.Protocol, port: p.Port}
		if p.EndPort != nil {
			port.endPort = *p.EndPort
		}
		to = append(to, port)
	}
	return to
}

func policyPeers(from []podnet.NetworkPolicyPeer) (to []policyPeer) {
	for _, p := range from {
		to = append(to, policyPeer{pods: p.PodSelector, namespaces: p.NamespaceSelector, ipBlock: p.IPBlock != nil})
	}
	return to
}

func (p policy) identity() identity { return identity{"NetworkPolicy", p.namespace, p.name} }

func (p policy) selects(s source) bool {
	return s.namespace() == p.namespace && p.pods.Matches(s.spec.Labels)
}

// checkPolicies finds NetworkPolicies that do nothing, or more than was meant.
func (n *network) checkPolicies() {
	for _, p := range n.policies {
		pods := n.selected(p.selects)
		if len(pods) == 0 {
			n.report(severityWarning, p.file, p.identity(), "spec.podSelector",
				fmt.Sprintf("It selects no Pod of the manifests in namespace %s, so it does nothing.", p.namespace),
				"Select labels that the Pods have, and put the policy into their namespace.")
			continue
		}
		n.checkNamedPorts(p, "ingress", p.inRules, pods)
		n.checkNamedPorts(p, "egress", p.outRules, n.pods)
	}
	n.checkDNS()
}

// checkNamedPorts finds rules for ports whose names none of pods, to which the
// connections would go, has. Such a port allows nothing.
func (n *network) checkNamedPorts(p policy, direction string, rules []policyRule, pods []source) {
	for i, r := range rules {
		for j, port := range r.ports {
			if port.port == nil || port.port.StrVal == "" {
				continue
			}
			if direction == "egress" && isDNSPort(port.port.StrVal) {
				continue // every cluster has them
			}
			named := servicePort{protocol: port.protocol, target: *port.port}
			if slices.ContainsFunc(pods, func(s source) bool { _, ok := named.targetOf(s); return ok }) {
				continue
			}
			who := "No Pod of the manifests"
			if direction == "ingress" {
				who = "No Pod that it selects"
			}
			n.report(severityWarning, p.file, p.identity(), fmt.Sprintf("spec.%s[%d].ports[%d].port", direction, i, j),
				fmt.Sprintf("%s has a port named %q with protocol %s: it allows nothing.", who, port.port.StrVal, cmp.Or(port.protocol, podnet.ProtocolTCP)),
				"Give the container's port this name, or give the port as a number.")
		}
	}
}

// checkDNS notes Pods that can look up no name: their egress is closed, and no
// policy lets them ask the cluster's DNS. It is told of the first policy that
// closes it.
func (n *network) checkDNS() {
	deaf := make(map[int][]source) // by the index of the policy
	for _, s := range n.pods {
		first := -1
		allowed := false
		for i, p := range n.policies {
			if !p.egress || !p.selects(s) {
				continue
			}
			if first < 0 {
				first = i
			}
			allowed = allowed || slices.ContainsFunc(p.outRules, func(r policyRule) bool { return n.allowsDNS(p, r) })
		}
		if first >= 0 && !allowed {
			deaf[first] = append(deaf[first], s)
		}
	}
	for i, p := range n.policies {
		if pods := deaf[i]; len(pods) > 0 {
			n.report(severityNote, p.file, p.identity(), "spec.egress",
				fmt.Sprintf("It closes the egress of %s, and no policy lets them ask the cluster's DNS: they can look up no name, and so reach no Service by its name.", objectsText(pods)),
				"Unless that is meant, allow egress to port 53, UDP and TCP, of the Pods with k8s-app=kube-dns in namespace kube-system.")
		}
	}
}

// allowsDNS reports whether a rule allows packets to the cluster's DNS.
func (n *network) allowsDNS(p policy, r policyRule) bool {
	port := len(r.ports) == 0 || slices.ContainsFunc(r.ports, func(p policyPort) bool {
		switch {
		case cmp.Or(p.protocol, podnet.ProtocolTCP) == podnet.ProtocolSCTP:
			return false
		case p.port == nil:
			return true
		case p.port.StrVal != "":
			return isDNSPort(p.port.StrVal)
		}
		return p.port.IntVal <= 53 && 53 <= max(p.port.IntVal, p.endPort)
	})
	return port && (len(r.peers) == 0 || slices.ContainsFunc(r.peers, func(peer policyPeer) bool { return n.isDNS(p, peer) }))
}

// isDNSPort reports whether CoreDNS has a port of this name.
func isDNSPort(name string) bool { return name == "dns" || name == "dns-tcp" }

// isDNS reports whether a peer may be the cluster's DNS. Of a range of addresses
// it cannot be told.
func (n *network) isDNS(p policy, peer policyPeer) bool {
	if peer.ipBlock {
		return true
	}
	namespace := p.namespace == "kube-system"
	if peer.namespaces != nil {
		labels := n.namespaces["kube-system"]
		if labels == nil {
			labels = map[string]string{"kubernetes.io/metadata.name": "kube-system"}
		}
		namespace = peer.namespaces.Matches(labels)
	}
	return namespace && (peer.pods == nil || peer.pods.Matches(map[string]string{"k8s-app": "kube-dns"}))
}
