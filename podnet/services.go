package podnet

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet/internal/kubeproxy"
)

// services are the Services of a cluster, and what they need of its Pods. It is
// told of every change of a Pod, and finds the few Services that it concerns
// through one label.
type services struct {
	table *kubeproxy.Table

	// onStale, if not nil, is told of the UDP frontends of which tracked
	// connections may lead to an endpoint that is gone. It is called after the
	// table was changed, in the goroutine that brought the change about; calls
	// are in the order of the changes. It must return soon and change no Service
	// and no Pod. It is set before the first Apply.
	onStale func([]kubeproxy.UDPFrontend)

	changing sync.Mutex // held for a change and what onStale does about it; taken before mu

	mu          sync.Mutex // guards what follows; taken after Cluster.mu, and nothing waits under it
	ranges      *serviceRanges
	byName      map[podKey]*Service
	byIP        map[netip.Addr]*Service            // by its cluster IPs
	podsByIP    map[netip.Addr]*Pod                // those that are in pods
	bySelector  map[labelKey]map[*Service]struct{} // each under one of its labels
	selectors   map[labelKey]int                   // how many Services have a label in their selector
	byLabel     map[labelKey]map[*Pod]struct{}
	pods        map[*Pod]*podState
	slices      map[podKey]map[string]EndpointSliceSpec // by the name of their Service
	sliceOf     map[podKey]string                       // the name of their Service, by that of the slice
	byNamespace map[string][]*Service                   // each by name
	envs        map[string]*serviceVariables            // by namespace; made when needed
}

// labelKey is a label of the objects of a namespace.
type labelKey struct{ namespace, key, value string }

func newServices(cfg Config) *services {
	return &services{
		table:       kubeproxy.New(seedOf(cfg.Seed, "kube-proxy"), cfg.PodCIDRs),
		ranges:      newServiceRanges(cfg.ServiceCIDRs, cfg.Seed),
		byName:      make(map[podKey]*Service),
		byIP:        make(map[netip.Addr]*Service),
		podsByIP:    make(map[netip.Addr]*Pod),
		bySelector:  make(map[labelKey]map[*Service]struct{}),
		selectors:   make(map[labelKey]int),
		byLabel:     make(map[labelKey]map[*Pod]struct{}),
		pods:        make(map[*Pod]*podState),
		slices:      make(map[podKey]map[string]EndpointSliceSpec),
		sliceOf:     make(map[podKey]string),
		byNamespace: make(map[string][]*Service),
		envs:        make(map[string]*serviceVariables),
	}
}

// specOf returns the spec of the Service of a name, nil if there is none. mu is
// held.
func (v *services) specOf(key podKey) *ServiceSpec {
	if s := v.byName[key]; s != nil {
		return &s.spec
	}
	return nil
}

// check reports why a Service would be refused.
func (v *services) check(spec ServiceSpec) error {
	spec = deepCopy(spec)
	v.mu.Lock()
	defer v.mu.Unlock()
	rewind := v.ranges.mark()
	c := claim{ranges: v.ranges}
	err := c.plan(&spec, v.specOf(podKey{spec.Namespace, spec.Name}))
	c.revert()
	rewind()
	return err
}

// checkTogether reports why one of several Services would be refused that are
// applied one after the other, each of which would not be if it were alone: two
// want the same address, or there are not enough of them.
func (v *services) checkTogether(objects []object) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.ranges.mark()()
	seen := make(map[podKey]bool)
	for _, o := range objects {
		spec, ok := o.(ServiceSpec)
		key := podKey{o.id().namespace, o.id().name}
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		spec = deepCopy(spec)
		c := claim{ranges: v.ranges}
		defer c.undo()
		if err := c.plan(&spec, v.specOf(key)); err != nil {
			return err
		}
		c.commit()
	}
	return nil
}

// change changes Services under mu, and tells onStale what f returns.
func (v *services) change(f func() []kubeproxy.UDPFrontend) {
	v.changing.Lock()
	defer v.changing.Unlock()
	v.mu.Lock()
	stale := f()
	v.mu.Unlock()
	if len(stale) > 0 && v.onStale != nil {
		v.onStale(stale)
	}
}

// apply makes a Service, or changes the one of the name.
func (v *services) apply(spec ServiceSpec) (err error) {
	spec = deepCopy(spec)
	key := podKey{spec.Namespace, spec.Name}
	v.change(func() []kubeproxy.UDPFrontend {
		c := claim{ranges: v.ranges}
		if err = c.plan(&spec, v.specOf(key)); err != nil {
			c.revert()
			return nil
		}
		c.commit()
		s := v.byName[key]
		if s == nil {
			s = &Service{services: v, namespace: spec.Namespace, name: spec.Name}
			v.byName[key] = s
			v.list(s)
		}
		v.unselect(s)
		v.forgetEnv(s)
		for _, a := range addrsOf(s.spec.ClusterIPs) {
			delete(v.byIP, a)
		}
		s.spec = spec
		for _, a := range addrsOf(spec.ClusterIPs) {
			v.byIP[a] = s
		}
		v.selectPods(s)
		return v.sync(s)
	})
	return err
}

// delete deletes a Service that may be deleted already.
func (v *services) delete(s *Service) {
	v.change(func() []kubeproxy.UDPFrontend {
		if s.deleted {
			return nil
		}
		s.deleted = true
		v.unselect(s)
		v.forgetEnv(s)
		delete(v.byName, podKey{s.namespace, s.name})
		v.unlist(s)
		ports := s.spec.nodePorts()
		if s.spec.HealthCheckNodePort != 0 {
			ports = append(ports, s.spec.HealthCheckNodePort)
		}
		for _, a := range addrsOf(s.spec.ClusterIPs) {
			delete(v.byIP, a)
		}
		v.ranges.release(addrsOf(s.spec.ClusterIPs), ports)
		v.table.Delete(s.namespace, s.name)
		return nil
	})
}

// sync gives kube-proxy the Service as it is now. mu is held.
func (v *services) sync(s *Service) []kubeproxy.UDPFrontend {
	if s.deleted {
		return nil
	}
	ips := addrsOf(s.spec.ClusterIPs)
	_, others := s.spec.Labels[labelServiceProxyName]
	if len(ips) == 0 || others { // headless or ExternalName, or somebody else's
		v.table.Delete(s.namespace, s.name)
		return nil
	}
	return v.table.Set(s.forProxy(ips))
}

// syncPod is sync when only the endpoints that a Pod makes have changed. mu is held.
func (v *services) syncPod(s *Service, p *Pod) []kubeproxy.UDPFrontend {
	if s.deleted {
		return nil
	}
	return v.table.SetEndpoints(s.namespace, s.name, p.uid, s.pods[p].proxy)
}

// The labels of what kube-proxy does not look at: Services of another proxy, and
// EndpointSlices that are for DNS alone.
const (
	labelServiceProxyName = "service.kubernetes.io/service-proxy-name"
	labelHeadless         = "service.kubernetes.io/headless"
)

// protocolNumbers are IP's.
var protocolNumbers = map[Protocol]uint8{ProtocolTCP: kubeproxy.TCP, ProtocolUDP: kubeproxy.UDP, ProtocolSCTP: kubeproxy.SCTP}

// forProxy returns what kube-proxy must know of the Service. mu is held.
func (s *Service) forProxy(ips []netip.Addr) kubeproxy.Service {
	p := kubeproxy.Service{
		Namespace: s.namespace, Name: s.name,
		ClusterIPs:          ips,
		ExternalIPs:         addrsOf(s.spec.ExternalIPs),
		LoadBalancerIPs:     addrsOf(s.spec.LoadBalancerIngress),
		InternalLocal:       s.spec.InternalTrafficPolicy == ServiceTrafficPolicyLocal,
		ExternalLocal:       s.spec.ExternalTrafficPolicy == ServiceTrafficPolicyLocal,
		PreferSameNode:      s.spec.TrafficDistribution == TrafficDistributionPreferSameNode,
		HealthCheckNodePort: uint16(s.spec.HealthCheckNodePort),
	}
	for _, r := range s.spec.LoadBalancerSourceRanges {
		p.SourceRanges = append(p.SourceRanges, parseSourceRange(r))
	}
	if s.spec.SessionAffinity == ServiceAffinityClientIP {
		p.Affinity = time.Duration(*s.spec.SessionAffinityConfig.ClientIP.TimeoutSeconds) * time.Second
	}
	for _, port := range s.spec.Ports {
		p.Ports = append(p.Ports, kubeproxy.Port{
			Name: port.Name, Protocol: protocolNumbers[port.Protocol], Port: uint16(port.Port), NodePort: uint16(port.NodePort),
		})
	}
	p.Endpoints = make([]kubeproxy.Endpoint, 0, len(s.pods))
	for _, e := range s.pods {
		p.Endpoints = append(p.Endpoints, e.proxy...)
	}
	for _, slice := range s.services.slices[podKey{s.namespace, s.name}] {
		if _, ok := slice.Labels[labelHeadless]; ok {
			continue
		}
		for _, e := range slice.endpoints() {
			p.Endpoints = append(p.Endpoints, e.forProxy(""))
		}
	}
	return p
}

// selectPods finds the Pods that a Service selects. mu is held.
func (v *services) selectPods(s *Service) {
	s.pods = make(map[*Pod]podEndpoints)
	if len(s.spec.Selector) == 0 || s.spec.Type == ServiceTypeExternalName {
		return
	}
	// Of the labels, the one that fewest Services want, so that no Pod has many
	// to look at.
	var rarest labelKey // among Pods
	for key, value := range s.spec.Selector {
		k := labelKey{s.namespace, key, value}
		v.selectors[k]++
		if n, least := v.selectors[k], v.selectors[s.label]; s.label == (labelKey{}) || n < least || n == least && less(k, s.label) {
			s.label = k
		}
		if rarest == (labelKey{}) || len(v.byLabel[k]) < len(v.byLabel[rarest]) {
			rarest = k
		}
	}
	put(v.bySelector, s.label, s)
	for p := range v.byLabel[rarest] {
		if e, ok := v.endpointsOf(s, p); ok {
			s.pods[p] = e
		}
	}
}

// less orders labels of one namespace, so that nothing depends on a map's order.
func less(a, b labelKey) bool {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.value, b.value)) < 0
}

// unselect takes a Service out of the index. mu is held.
func (v *services) unselect(s *Service) {
	if s.label == (labelKey{}) {
		return
	}
	take(v.bySelector, s.label, s)
	s.label = labelKey{}
	for key, value := range s.spec.Selector {
		k := labelKey{s.namespace, key, value}
		if v.selectors[k]--; v.selectors[k] == 0 {
			delete(v.selectors, k)
		}
	}
}

// put and take keep the sets of an index.
func put[K, V comparable](index map[K]map[V]struct{}, key K, value V) {
	if index[key] == nil {
		index[key] = make(map[V]struct{})
	}
	index[key][value] = struct{}{}
}

func take[K, V comparable](index map[K]map[V]struct{}, key K, value V) {
	delete(index[key], value)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

// parseSourceRange parses a range that is valid, but for spaces around it.
func parseSourceRange(text string) netip.Prefix {
	return netip.MustParsePrefix(strings.TrimSpace(text))
}

// addBuiltIn makes the Services that every cluster has: the API server's at the
// first address, and the DNS server's at the tenth of the first range.
func (v *services) addBuiltIn(nameserver netip.Addr, cidr netip.Prefix) error {
	list := []ServiceSpec{{
		Name: "kubernetes", Namespace: "default",
		Labels:    map[string]string{"component": "apiserver", "provider": "kubernetes"},
		ClusterIP: cidr.Masked().Addr().Next().String(),
		Ports:     []ServicePort{{Name: "https", Port: 443, TargetPort: Port(6443)}},
	}}
	if cidr.Contains(nameserver) {
		list = append(list, ServiceSpec{
			Name: "kube-dns", Namespace: "kube-system",
			Labels:      map[string]string{"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"},
			Annotations: map[string]string{"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
			Selector:    map[string]string{"k8s-app": "kube-dns"},
			ClusterIP:   nameserver.String(),
			Ports: []ServicePort{
				{Name: "dns", Port: 53, Protocol: ProtocolUDP}, {Name: "dns-tcp", Port: 53}, {Name: "metrics", Port: 9153},
			},
		})
	}
	for _, s := range list {
		if err := v.apply(s.withDefaults()); err != nil {
			return fmt.Errorf("podnet: Config.ServiceCIDRs: range %s has no address for the Service %s: %w", cidr, s.Name, err)
		}
	}
	return nil
}
