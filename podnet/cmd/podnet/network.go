package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"podnet.dev/podnet"
)

// network is what the manifests say of who talks to whom.
type network struct {
	pods       []source
	services   []service
	policies   []policy
	namespaces map[string]map[string]string // labels by name, of the namespaces that are described
	configMaps map[identity]podnet.ConfigMapSpec
	images     imageSet

	list []finding
}

// service is what of a Service matters here.
type service struct {
	file, namespace, name string
	selector              map[string]string
	headless              bool // its name stands for the Pods' own addresses
	external              bool // its name stands for another
	ports                 []servicePort
}

type servicePort struct {
	protocol podnet.Protocol
	port     int32
	target   podnet.IntOrString
}

// newNetwork collects what the manifests have.
func newNetwork(pods []source, others []other, images imageSet) *network {
	n := &network{pods: pods, images: images, configMaps: make(map[identity]podnet.ConfigMapSpec), namespaces: make(map[string]map[string]string)}
	for _, o := range others {
		n.add(o)
	}
	return n
}

// add converts an object that makes no Pods.
func (n *network) add(o other) {
	switch s := o.object.(type) {
	case podnet.ConfigMapSpec:
		n.configMaps[identify(s)] = s
	case podnet.NetworkChaosSpec:
		n.checkNetworkChaos(o, "spec", s.Namespace, s)
	case podnet.PodChaosSpec:
		n.checkChaos(o, "spec", s.Namespace, s.Selector)
	case podnet.DNSChaosSpec:
		n.checkChaos(o, "spec", s.Namespace, s.Selector)
	case podnet.ScheduleSpec:
		n.checkSchedule(o, s)
	case podnet.NamespaceSpec:
		n.namespaces[s.Name] = namespaceLabels(s)
	case podnet.NetworkPolicySpec:
		n.policies = append(n.policies, policyOf(o.file, s))
	case podnet.ServiceSpec:
		n.services = append(n.services, serviceOf(o.file, s))
	}
	for _, w := range warningsOf(o.object) {
		n.list = append(n.list, warningFinding(o.file, identify(o.object), w))
	}
}

// namespaceLabels are the labels that a namespace has: its name, whatever is
// given.
func namespaceLabels(s podnet.NamespaceSpec) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, s.Labels)
	labels["kubernetes.io/metadata.name"] = s.Name
	return labels
}

// serviceOf converts a Service.
func serviceOf(file string, s podnet.ServiceSpec) service {
	to := service{
		file: file, namespace: cmp.Or(s.Namespace, "default"), name: s.Name, selector: s.Selector,
		headless: s.ClusterIP == podnet.ClusterIPNone, external: s.Type == podnet.ServiceTypeExternalName,
	}
	for _, p := range s.Ports {
		to.ports = append(to.ports, servicePort{protocol: cmp.Or(p.Protocol, podnet.ProtocolTCP), port: p.Port, target: p.TargetPort})
	}
	return to
}

// findings looks at everything.
func (n *network) findings() []finding {
	n.checkHairpins()
	n.checkServices()
	n.checkPolicies()
	return n.list
}

func (n *network) report(severity, file string, object identity, field, message, fix string) {
	n.list = append(n.list, finding{severity, file, object.String(), field, message, fix})
}

func (s service) identity() identity { return identity{"Service", s.namespace, s.name} }

// selects reports whether connections to the Service may go to a Pod.
func (s service) selects(p source) bool {
	selector := podnet.LabelSelector{MatchLabels: s.selector}
	return len(s.selector) > 0 && !s.external && p.namespace() == s.namespace && selector.Matches(p.spec.Labels)
}

// String names the port as messages do.
func (p servicePort) String() string { return socketName(p.port, p.protocol) }

func socketName(port int32, protocol podnet.Protocol) string {
	if protocol == "" || protocol == podnet.ProtocolTCP {
		return fmt.Sprint(port)
	}
	return fmt.Sprintf("%d/%s", port, protocol)
}

// targetOf returns the number of the Pod's port that a Service's port leads to,
// and false if the Pod has none of that name: app containers are asked first,
// then sidecars, and protocols must be the same (endpointslice, FindPort).
func (p servicePort) targetOf(pod source) (int32, bool) {
	if p.target.StrVal == "" {
		return cmp.Or(p.target.IntVal, p.port), true
	}
	all := members(pod.spec)
	slices.SortStableFunc(all, func(a, b member) int {
		if a.init == b.init {
			return 0
		} else if b.init {
			return -1
		}
		return 1
	})
	for _, c := range all {
		if c.endsBeforeOthers() {
			continue
		}
		for _, q := range c.Ports {
			if q.Name == p.target.StrVal && cmp.Or(q.Protocol, podnet.ProtocolTCP) == cmp.Or(p.protocol, podnet.ProtocolTCP) {
				return int32(q.ContainerPort), true
			}
		}
	}
	return 0, false
}

// checkServices finds Services that lead nowhere.
func (n *network) checkServices() {
	for _, s := range n.services {
		if len(s.selector) == 0 || s.external {
			continue
		}
		pods := n.selected(s.selects)
		if len(pods) == 0 {
			n.report(severityWarning, s.file, s.identity(), "spec.selector",
				fmt.Sprintf("No Pod of the manifests in namespace %s has the labels %s: the Service has no endpoints, and connections to it are refused.", s.namespace, labelsText(s.selector)),
				n.nearLabels(s))
			continue
		}
		for i, p := range s.ports {
			n.checkTarget(s, fmt.Sprintf("spec.ports[%d].targetPort", i), p, pods)
		}
	}
}

// nearLabels says which labels were perhaps meant.
func (n *network) nearLabels(s service) string {
	for _, p := range n.pods {
		if p.namespace() != s.namespace && (podnet.LabelSelector{MatchLabels: s.selector}).Matches(p.spec.Labels) {
			return fmt.Sprintf("%s has them, but a Service selects Pods of its own namespace only: move one of the two.", p.object())
		}
	}
	for _, p := range n.pods {
		if p.namespace() != s.namespace {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(s.selector)) {
			if value, ok := p.spec.Labels[key]; ok {
				return fmt.Sprintf("%s has %s=%s: let the selector and the labels say the same.", p.object(), key, value)
			}
		}
	}
	return "Give the Pods these labels, or select those that they have."
}

// checkTarget finds target ports that nothing listens on.
func (n *network) checkTarget(s service, field string, port servicePort, pods []source) {
	for _, p := range pods {
		target, ok := port.targetOf(p)
		if !ok {
			n.report(severityError, s.file, s.identity(), field,
				fmt.Sprintf("No container of %s names a port %q with protocol %s: port %s of the Service leads to no port of it.", p.object(), port.target.StrVal, cmp.Or(port.protocol, podnet.ProtocolTCP), port),
				"Give the port of the container this name, or give targetPort as a number.")
			continue
		}
		plan := portPlan(p.spec, n.images)
		known := slices.ContainsFunc(plan, func(u portUse) bool {
			return int32(u.Port) == target && u.Protocol == cmp.Or(port.protocol, podnet.ProtocolTCP) && !u.unused
		})
		// Of a Pod of which nothing is known, nothing is said.
		if !known && len(plan) > 0 {
			n.report(severityWarning, s.file, s.identity(), field,
				fmt.Sprintf("Port %s of the Service leads to port %s of %s, which no container of it declares and no image is known to listen on: connections are refused.", port, socketName(target, port.protocol), p.object()),
				"Let targetPort be the port that the container listens on, or declare it in the Pod.")
		}
	}
}

// selected returns the Pods of which keep is true.
func (n *network) selected(keep func(source) bool) []source {
	return slices.DeleteFunc(slices.Clone(n.pods), func(p source) bool { return !keep(p) })
}

// labelsText writes labels as kubectl does.
func labelsText(labels map[string]string) string {
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		texts = append(texts, key+"="+labels[key])
	}
	return strings.Join(texts, ",")
}

// objectsText lists objects, the first three by name.
func objectsText(pods []source) string {
	var texts []string
	for i, p := range pods {
		if i == 3 {
			texts = append(texts, fmt.Sprintf("%d more", len(pods)-i))
			break
		}
		texts = append(texts, p.object())
	}
	if n := len(texts) - 1; n > 0 {
		return strings.Join(texts[:n], ", ") + " and " + texts[n]
	}
	return strings.Join(texts, "")
}
