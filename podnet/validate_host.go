package podnet

import (
	"cmp"
	"fmt"
)

// validateHostNetwork checks that the Pod's ports are those of its node if it has
// the node's network.
func (s PodSpec) validateHostNetwork(errs *fieldErrors) {
	if !s.HostNetwork {
		return
	}
	for i, c := range s.Containers {
		for j, port := range c.Ports {
			if port.HostPort != 0 && port.HostPort != port.ContainerPort {
				errs.invalid(fmt.Sprintf("spec.containers[%d].ports[%d].hostPort", i, j), port.HostPort, "must match `containerPort` when `hostNetwork` is true")
			}
		}
	}
}

// validateHostPorts checks that no port of the node is asked for twice.
func (s PodSpec) validateHostPorts(errs *fieldErrors, at string, containers []ContainerSpec) {
	seen := make(map[string]bool)
	for i, c := range containers {
		for j, port := range c.Ports {
			if port.HostPort == 0 {
				continue
			}
			key := fmt.Sprintf("%s/%s/%d", cmp.Or(port.Protocol, ProtocolTCP), port.HostIP, port.HostPort)
			if seen[key] {
				errs.add(FieldDuplicate, fmt.Sprintf("%s[%d].ports[%d].hostPort", at, i, j), key, "")
			}
			seen[key] = true
		}
	}
}
