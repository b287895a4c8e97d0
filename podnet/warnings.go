package podnet

import (
	"fmt"
	"net/netip"
	"strings"
)

// Warnings returns what the API server accepts in s but warns of, in its words
// (Kubernetes, pkg/api/pod/warnings.go): kubectl prints each as "Warning: ...".
// It is meant for a spec that [PodSpec.Validate] has nothing against.
//
// Two containers that declare one port are only warned of here. The clash
// itself shows when the second of them listens: "address already in use".
func (s PodSpec) Warnings() []string {
	var w []string
	w = append(w, s.warnHostAliases()...)
	w = append(w, s.warnEnv()...)
	w = append(w, s.warnPorts()...)
	w = append(w, s.warnIPs()...)
	return w
}

func (s PodSpec) warnHostAliases() []string {
	var w []string
	seen := make(map[string]bool)
	for i, alias := range s.HostAliases {
		if seen[alias.IP] {
			w = append(w, fmt.Sprintf("spec.hostAliases[%d].ip: duplicate ip %q", i, alias.IP))
		}
		seen[alias.IP] = true
	}
	return w
}

func (s PodSpec) warnEnv() []string {
	var w []string
	for i, c := range s.Containers {
		seen := make(map[string]bool)
		for j, env := range c.Env {
			// A later definition may build on the earlier one: PATH=$(PATH):/opt.
			ref := "$(" + env.Name + ")"
			extends := env.Value != ref && strings.Contains(env.Value, ref)
			if seen[env.Name] && !extends {
				w = append(w, fmt.Sprintf("spec.containers[%d].env[%d]: hides previous definition of %q, which may be dropped when using apply", i, j, env.Name))
			}
			seen[env.Name] = true
		}
	}
	return w
}

// warnPorts warns of ports and of port names that are declared twice in the
// Pod. All ports come first, then all names, as from the API server.
func (s PodSpec) warnPorts() []string {
	type socket struct {
		port     uint16
		protocol Protocol
	}
	var w, byName []string
	ports := make(map[socket][]string)
	names := make(map[string]string)
	for i, c := range s.Containers {
		for j, port := range c.Ports {
			at := fmt.Sprintf("spec.containers[%d].ports[%d]", i, j)
			key := socket{port.ContainerPort, port.Protocol}
			if key.protocol == "" {
				key.protocol = ProtocolTCP
			}
			for _, other := range ports[key] {
				w = append(w, fmt.Sprintf("%s: duplicate port definition with %s", at, other))
			}
			ports[key] = append(ports[key], at)
			if port.Name == "" {
				continue
			}
			if other, ok := names[port.Name]; ok {
				byName = append(byName, fmt.Sprintf("%s: duplicate port name %q with %s, services and probes that select ports by name will use %s", at, port.Name, other, other))
			} else {
				names[port.Name] = at
			}
		}
	}
	return append(w, byName...)
}

// warnIPs warns of IPv6 addresses in long form.
func (s PodSpec) warnIPs() []string {
	var w []string
	for i, alias := range s.HostAliases {
		addr, err := netip.ParseAddr(alias.IP)
		if err == nil && addr.Is6() && addr.String() != alias.IP {
			w = append(w, fmt.Sprintf("spec.hostAliases[%d].ip: IPv6 address %q should be in RFC 5952 canonical format (%q)", i, alias.IP, addr.String()))
		}
	}
	return w
}
