package podnet

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"

	"podnet.dev/podnet/internal/kubelet"
	"podnet.dev/podnet/internal/kubeproxy"
)

// This file is the endpoints controller (pkg/controller/endpointslice and
// k8s.io/endpointslice): which Pods are endpoints of which Services, and how
// they are.

// podState is what makes an endpoint of a Pod.
type podState struct {
	labels      map[string]string
	ips         []netip.Addr
	ready       bool // the condition
	terminal    bool // Succeeded or Failed
	terminating bool // deletion was asked for
}

// podEndpoints are the endpoints that a Pod makes of a Service.
type podEndpoints struct {
	list  []Endpoint
	proxy []kubeproxy.Endpoint
}

// addPod begins to follow a Pod. Its life has not begun.
func (v *services) addPod(p *Pod, labels map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pods[p] = &podState{labels: labels}
	for key, value := range labels {
		put(v.byLabel, labelKey{p.spec.Namespace, key, value}, p)
	}
}

// relabelPod gives a Pod other labels.
func (v *services) relabelPod(p *Pod, labels map[string]string) {
	v.change(func() (stale []kubeproxy.UDPFrontend) {
		state := v.pods[p]
		if state == nil {
			return nil
		}
		before := v.selecting(p, state.labels)
		for key, value := range state.labels {
			take(v.byLabel, labelKey{p.spec.Namespace, key, value}, p)
		}
		state.labels = labels
		for key, value := range labels {
			put(v.byLabel, labelKey{p.spec.Namespace, key, value}, p)
		}
		for _, s := range append(before, v.selecting(p, labels)...) {
			stale = append(stale, v.updateEndpoints(s, p)...)
		}
		return stale
	})
}

// removePod ends it: the Pod's name is free.
func (v *services) removePod(p *Pod) {
	v.update(p, func(s *podState) { s.terminal = true })
	v.mu.Lock()
	defer v.mu.Unlock()
	if state := v.pods[p]; state != nil {
		for key, value := range state.labels {
			take(v.byLabel, labelKey{p.spec.Namespace, key, value}, p)
		}
		v.moved(p, state.ips, nil)
		delete(v.pods, p)
	}
}

// selecting returns the Services that select a Pod with these labels, by name.
// mu is held.
func (v *services) selecting(p *Pod, set map[string]string) []*Service {
	var list []*Service
	for key, value := range set {
		for s := range v.bySelector[labelKey{p.spec.Namespace, key, value}] {
			if s.selects(set) {
				list = append(list, s)
			}
		}
	}
	slices.SortFunc(list, func(a, b *Service) int { return cmp.Compare(a.name, b.name) })
	return list
}

// selects reports whether the Service selects Pods with these labels. mu is held.
func (s *Service) selects(set map[string]string) bool {
	for key, want := range s.spec.Selector {
		if value, ok := set[key]; !ok || value != want {
			return false
		}
	}
	return s.label != (labelKey{})
}

// podStatus is told of every status of a Pod before anybody sees it, and so who
// waits for a Pod to be ready finds it among the endpoints.
func (v *services) podStatus(p *Pod, status kubelet.Status) {
	v.update(p, func(s *podState) {
		s.ips = status.IPs
		s.ready = status.Ready()
		s.terminal = status.Phase == kubelet.PodSucceeded || status.Phase == kubelet.PodFailed
		s.terminating = s.terminating || !status.DeletionTimestamp.IsZero()
	})
}

// podDeleted is told that a Pod is to end.
func (v *services) podDeleted(p *Pod) {
	v.update(p, func(s *podState) { s.terminating = true })
}

// update changes what is known of a Pod, and then the Services that select it.
func (v *services) update(p *Pod, change func(*podState)) {
	v.change(func() (stale []kubeproxy.UDPFrontend) {
		state := v.pods[p]
		if state == nil {
			return nil
		}
		before := *state
		if change(state); reflect.DeepEqual(before, *state) {
			return nil
		}
		v.moved(p, before.ips, state.ips)
		for _, s := range v.selecting(p, state.labels) {
			stale = append(stale, v.updateEndpoints(s, p)...)
		}
		return stale
	})
}

// podAt returns the Pod that has an address, or nil.
func (v *services) podAt(a netip.Addr) *Pod {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.podsByIP[a]
}

// moved notes a Pod's addresses. mu is held.
func (v *services) moved(p *Pod, from, to []netip.Addr) {
	for _, a := range from {
		if v.podsByIP[a] == p {
			delete(v.podsByIP, a)
		}
	}
	if p.spec.HostNetwork {
		return // its addresses are its node's
	}
	for _, a := range to {
		v.podsByIP[a] = p
	}
}

// updateEndpoints looks at a Pod that a Service selects or has selected. mu is
// held.
func (v *services) updateEndpoints(s *Service, p *Pod) []kubeproxy.UDPFrontend {
	e, ok := v.endpointsOf(s, p)
	old, had := s.pods[p]
	switch {
	case !ok && !had:
		return nil
	case !ok:
		delete(s.pods, p)
	case had && reflect.DeepEqual(e.list, old.list):
		return nil
	default:
		s.pods[p] = e
	}
	return v.syncPod(s, p)
}

// endpointsOf returns the endpoints that a Pod makes of a Service, and false if
// it makes none. mu is held.
func (v *services) endpointsOf(s *Service, p *Pod) (podEndpoints, bool) {
	state := v.pods[p]
	if state == nil || state.terminal || len(state.ips) == 0 || !s.selects(state.labels) {
		return podEndpoints{}, false
	}
	e := Endpoint{
		Pod: p.spec.Name, Node: p.Node(),
		Serving: state.ready, Terminating: state.terminating,
		Ready: s.spec.PublishNotReadyAddresses || state.ready && !state.terminating,
	}
	if p.spec.Hostname != "" && p.spec.Subdomain == s.name {
		e.Hostname = p.spec.Hostname
	}
	ports := make([][]EndpointPort, p.networks) // that each has
	found := false
	for _, port := range s.spec.Ports {
		if number, network, ok := p.findPort(port); ok {
			found = true
			ports[network] = append(ports[network], EndpointPort{Name: port.Name, Protocol: port.Protocol, Port: number, AppProtocol: port.AppProtocol})
		}
	}
	var all podEndpoints
	for _, family := range s.spec.IPFamilies {
		for network := range ports {
			if e.Ports = ports[network]; e.Ports == nil && (found || network > 0) {
				continue // but the Pod's first is an endpoint, even without ports
			}
			for _, ip := range p.addrsOf(network, state.ips) {
				if ip.Is4() == (family == IPv4Protocol) {
					e.Addr = ip
					all.list = append(all.list, e)
					all.proxy = append(all.proxy, e.forProxy(p.uid))
				}
			}
		}
	}
	return all, len(all.list) > 0
}

// findPort returns the port of the Pod that a Service's port leads to, and in which
// of its networks: a number as it is, a name as the first container with such a
// port says, sidecars last (FindPort in k8s.io/endpointslice). With
// Config.IPPerContainer a number is the first container's that declares it, or
// else the first one's.
func (p *Pod) findPort(port ServicePort) (number int32, network int, ok bool) {
	target := port.TargetPort
	if target.StrVal == "" && p.networks == 1 {
		return target.IntVal, 0, true
	}
	find := func(c *container) bool {
		for _, o := range c.spec.Ports {
			if o.Protocol == port.Protocol && (target.StrVal != "" && o.Name == target.StrVal || target == Port(int32(o.ContainerPort))) {
				number, network = int32(o.ContainerPort), c.network
				return true
			}
		}
		return false
	}
	for _, c := range p.containers {
		if !c.init && find(c) {
			return number, network, true
		}
	}
	for _, c := range p.containers {
		if c.init && c.spec.RestartPolicy == RestartPolicyAlways && find(c) {
			return number, network, true
		}
	}
	return target.IntVal, 0, target.StrVal == ""
}

// endpoints returns all endpoints, in no order. mu is held.
func (s *Service) endpoints() []Endpoint {
	var list []Endpoint
	if s.deleted {
		return nil
	}
	for _, e := range s.pods {
		list = append(list, e.list...)
	}
	for _, slice := range s.services.slices[podKey{s.namespace, s.name}] {
		list = append(list, slice.endpoints()...)
	}
	return slices.Clone(list)
}

// forProxy returns what kube-proxy must know of the endpoint. source is the UID of
// its Pod, or empty.
func (e *Endpoint) forProxy(source string) kubeproxy.Endpoint {
	p := kubeproxy.Endpoint{Addr: e.Addr, Node: e.Node, Source: source, Ready: e.Ready, Serving: e.Serving, Terminating: e.Terminating}
	for _, port := range e.Ports {
		p.Ports = append(p.Ports, kubeproxy.EndpointPort{Name: port.Name, Protocol: protocolNumbers[port.Protocol], Port: uint16(port.Port)})
	}
	return p
}
