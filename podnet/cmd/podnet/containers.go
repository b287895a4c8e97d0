package main

import (
	"cmp"
	"fmt"

	"podnet.dev/podnet"
)

// member is a container or init container of a Pod.
type member struct {
	podnet.ContainerSpec
	field string // spec.containers[0]
	init  bool   // an init container, sidecar or not
}

// members returns the containers of a Pod in the order in which they are
// started: the init containers first.
func members(spec podnet.PodSpec) []member {
	var list []member
	for i, c := range spec.InitContainers {
		list = append(list, member{c, fmt.Sprintf("spec.initContainers[%d]", i), true})
	}
	for i, c := range spec.Containers {
		list = append(list, member{c, fmt.Sprintf("spec.containers[%d]", i), false})
	}
	return list
}

func (m member) sidecar() bool { return m.init && m.RestartPolicy == podnet.RestartPolicyAlways }

// endsBeforeOthers reports whether m is an init container whose end the others
// wait for.
func (m member) endsBeforeOthers() bool { return m.init && !m.sidecar() }

// title names m and says what it is if it is no container like any other.
func (m member) title() string {
	switch {
	case m.sidecar():
		return m.Name + " (sidecar)"
	case m.init:
		return m.Name + " (init)"
	}
	return m.Name
}

// restarts reports whether m is started again after an exit code, rules aside.
func (m member) restarts(pod podnet.PodSpec, code int) bool {
	switch cmp.Or(m.RestartPolicy, pod.RestartPolicy, podnet.RestartPolicyAlways) {
	case podnet.RestartPolicyNever:
		return false
	case podnet.RestartPolicyOnFailure:
		return code != 0
	}
	return code != 0 || !m.endsBeforeOthers()
}
