package podnet

import (
	"cmp"
	"fmt"
)

// warnPorts warns of ports and of port names that are declared twice in the
// Pod. All ports come first, then all names, as from the API server.
func (s PodSpec) warnPorts() []string {
	type socket struct {
		port     uint16
		protocol Protocol
	}
	type declaration struct {
		at string
		ContainerPort
	}
	var w, byName []string
	ports := make(map[socket][]declaration)
	names := make(map[string]string)
	for container, c := range s.allContainers() {
		for i, port := range c.Ports {
			port.Protocol = cmp.Or(port.Protocol, ProtocolTCP)
			d := declaration{fmt.Sprintf("%s.ports[%d]", container, i), port}
			if d.HostIP != "" && d.HostPort == 0 {
				w = append(w, fmt.Sprintf("%s: hostIP set without hostPort: {Name:%s HostPort:0 ContainerPort:%d Protocol:%s HostIP:%s}", d.at, d.Name, d.ContainerPort.ContainerPort, d.Protocol, d.HostIP))
			}
			key := socket{port.ContainerPort, port.Protocol}
			for _, other := range ports[key] {
				if kind := d.overlap(other.ContainerPort); kind != "" {
					w = append(w, fmt.Sprintf("%s: %s port definition with %s", d.at, kind, other.at))
				}
			}
			ports[key] = append(ports[key], d)
			if port.Name == "" {
				continue
			}
			if other, ok := names[port.Name]; ok {
				byName = append(byName, fmt.Sprintf("%s: duplicate port name %q with %s, services and probes that select ports by name will use %s", d.at, port.Name, other, other))
			} else {
				names[port.Name] = d.at
			}
		}
	}
	return append(w, byName...)
}

// overlap says how two declarations of one port and protocol get in each other's
// way, "" if they do not.
func (p ContainerPort) overlap(other ContainerPort) string {
	switch {
	case p.HostPort == other.HostPort && p.HostIP == other.HostIP:
		return "duplicate"
	case p.HostPort == 0 || other.HostPort == 0:
		return "overlapping"
	case p.HostPort == other.HostPort && (p.HostIP == "") != (other.HostIP == ""):
		return "dangerously ambiguous"
	}
	return ""
}
