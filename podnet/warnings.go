package podnet

import (
	"fmt"
	"iter"
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
	if msgs := dns1123LabelErrors(s.Name); len(msgs) > 0 {
		w = append(w, fmt.Sprintf("metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: %v", msgs))
	}
	return append(w, s.asInPod().warnSpec()...)
}

// warnSpec warns of what Pods and templates have alike.
func (s PodSpec) warnSpec() []string {
	w := s.warnNodeSelector()
	w = append(w, s.warnAnnotations()...)
	w = append(w, s.warnFilePaths()...)
	w = append(w, s.warnHostAliases()...)
	w = append(w, s.warnContainers()...)
	w = append(w, s.warnPorts()...)
	w = append(w, s.warnIPs()...)
	return w
}

// allContainers yields the init containers and then the others, each with its
// path.
func (s PodSpec) allContainers() iter.Seq2[string, *ContainerSpec] {
	return func(yield func(string, *ContainerSpec) bool) {
		for i := range s.InitContainers {
			if !yield(fmt.Sprintf("spec.initContainers[%d]", i), &s.InitContainers[i]) {
				return
			}
		}
		for i := range s.Containers {
			if !yield(fmt.Sprintf("spec.containers[%d]", i), &s.Containers[i]) {
				return
			}
		}
	}
}

// warnAnnotations warns of annotations that once did what fields do now.
func (s PodSpec) warnAnnotations() []string {
	var w []string
	for _, old := range []struct{ key, text string }{
		{"scheduler.alpha.kubernetes.io/critical-pod", `non-functional in v1.16+; use the "priorityClassName" field instead`},
		{"security.alpha.kubernetes.io/sysctls", `non-functional in v1.11+; use the "sysctls" field instead`},
		{"security.alpha.kubernetes.io/unsafe-sysctls", `non-functional in v1.11+; use the "sysctls" field instead`},
	} {
		if _, ok := s.Annotations[old.key]; ok {
			w = append(w, fmt.Sprintf("metadata.annotations[%s]: %s", old.key, old.text))
		}
	}
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

// warnContainers warns of what concerns one container only.
func (s PodSpec) warnContainers() []string {
	w := s.warnSeccomp("seccomp.security.alpha.kubernetes.io/pod")
	for at, c := range s.allContainers() {
		w = append(w, s.warnSeccomp("container.seccomp.security.alpha.kubernetes.io/"+c.Name)...)
		w = append(w, c.Resources.warn(at+".resources")...)
		w = append(w, c.warnEnv(at)...)
	}
	return w
}

// warnSeccomp warns of an annotation where there should be a field (that podnet
// does not have).
func (s PodSpec) warnSeccomp(key string) []string {
	if _, ok := s.Annotations[key]; !ok {
		return nil
	}
	return []string{fmt.Sprintf(`metadata.annotations[%s]: non-functional in v1.27+; use the "seccompProfile" field instead`, key)}
}

// warn warns of parts of bytes.
func (r ResourceRequirements) warn(at string) []string {
	var w []string
	limits, requests := r.amounts(new(fieldErrors), at)
	for _, name := range []string{"memory", "ephemeral-storage"} {
		for _, list := range []struct {
			name    string
			amounts resourceAmounts
		}{{"limits", limits}, {"requests", requests}} {
			if amount, ok := list.amounts[name]; ok && !amount.IsWhole() {
				w = append(w, fmt.Sprintf("%s.%s[%s]: fractional byte value %q is invalid, must be an integer", at, list.name, name, amount))
			}
		}
	}
	return w
}

// warnEnv warns of variables that are set twice.
func (c *ContainerSpec) warnEnv(at string) []string {
	var w []string
	seen := make(map[string]bool)
	for i, env := range c.Env {
		// A later definition may build on the earlier one: PATH=$(PATH):/opt.
		ref := "$(" + env.Name + ")"
		extends := env.ValueFrom == nil && env.Value != ref && strings.Contains(env.Value, ref)
		if seen[env.Name] && !extends {
			w = append(w, fmt.Sprintf("%s.env[%d]: hides previous definition of %q, which may be dropped when using apply", at, i, env.Name))
		}
		seen[env.Name] = true
	}
	return w
}

// warnIPs warns of IPv6 addresses in long form.
func (s PodSpec) warnIPs() []string {
	var w []string
	warn := func(at, ip string) { w = append(w, warnIPForm(at, ip)...) }
	if s.DNSConfig != nil {
		for i, ip := range s.DNSConfig.Nameservers {
			warn(fmt.Sprintf("spec.dnsConfig.nameservers[%d]", i), ip)
		}
	}
	for i, alias := range s.HostAliases {
		warn(fmt.Sprintf("spec.hostAliases[%d].ip", i), alias.IP)
	}
	return w
}

// warnIPForm warns of an IPv6 address in long form.
func warnIPForm(at, ip string) []string {
	addr, err := netip.ParseAddr(ip)
	if err == nil && addr.Is6() && addr.String() != ip {
		return []string{fmt.Sprintf("%s: IPv6 address %q should be in RFC 5952 canonical format (%q)", at, ip, addr)}
	}
	return nil
}
