package podnet

// Footprint is what a Pod takes of the network, in both address families
// together: what grows with the number of containers if each has an IP of its
// own, and does not if they share the Pod's. It counts what there is now.
type Footprint struct {
	Namespaces int // network namespaces
	Addresses  int // of [Config].PodCIDRs
	Links      int // veth pairs between the Pod and its node
	Routes     int // in its namespaces, as `ip route` and `ip -6 route` list them there
	NodeRoutes int // on its node, one to each address

	// Endpoints are those that it makes of the Services that select it: what
	// every node's kube-proxy has to know. One is an address with ports.
	Endpoints int

	// PolicyEntries are its addresses, counted for each NetworkPolicy that
	// selects it: what its node's enforcement has to know.
	PolicyEntries int
}

// Footprint returns what the Pod takes of the network. While it has no sandbox
// there is nothing of it; a Pod on the host network uses what its node has, and
// only makes endpoints.
func (p *Pod) Footprint() Footprint {
	s := p.currentSandbox()
	if s == nil {
		return Footprint{}
	}
	f := Footprint{Endpoints: p.cluster.services.count(p)}
	if s.host {
		return f
	}
	for _, one := range s.all() {
		f.Namespaces++
		f.Links += len(one.net.Interfaces()) - 1 // without lo
		f.Routes += len(one.net.Routes())
	}
	addrs := s.allAddrs()
	f.Addresses = len(addrs)
	for _, a := range addrs {
		if p.node.hasRoute(a) {
			f.NodeRoutes++
		}
	}
	set := p.labels()
	for _, policy := range p.cluster.NetworkPolicies() {
		if policy.Namespace == p.spec.Namespace && policy.PodSelector.selector().Matches(set) {
			f.PolicyEntries += len(addrs)
		}
	}
	return f
}

// count returns how many endpoints a Pod makes of all Services.
func (v *services) count(p *Pod) (endpoints int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	state := v.pods[p]
	if state == nil {
		return 0
	}
	for _, s := range v.selecting(p, state.labels) {
		endpoints += len(s.pods[p].list)
	}
	return endpoints
}
