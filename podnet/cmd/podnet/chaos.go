package main

import (
	"slices"

	"podnet.dev/podnet"
)

// checkChaos finds a chaos that selects no Pod. at is the path of what has the
// selector.
func (n *network) checkChaos(o other, at, namespace string, s podnet.ChaosSelector) {
	if len(s.Pods) > 0 { // which may be those of a workload
		return
	}
	if slices.ContainsFunc(n.pods, func(p source) bool { return s.Matches(namespace, p.spec) }) {
		return
	}
	n.report(severityWarning, o.file, identify(o.object), at+".selector",
		"It selects no Pod of the manifests, so it cannot begin.",
		"Select labels that the Pods have, and name their namespaces if they are in others.")
}

func (n *network) checkNetworkChaos(o other, at, namespace string, s podnet.NetworkChaosSpec) {
	n.checkChaos(o, at, namespace, s.Selector)
	if s.Target != nil {
		n.checkChaos(o, at+".target", namespace, s.Target.Selector)
	}
}

func (n *network) checkSchedule(o other, s podnet.ScheduleSpec) {
	switch {
	case s.NetworkChaos != nil:
		n.checkNetworkChaos(o, "spec.networkChaos", s.Namespace, *s.NetworkChaos)
	case s.PodChaos != nil:
		n.checkChaos(o, "spec.podChaos", s.Namespace, s.PodChaos.Selector)
	case s.DNSChaos != nil:
		n.checkChaos(o, "spec.dnsChaos", s.Namespace, s.DNSChaos.Selector)
	}
}
