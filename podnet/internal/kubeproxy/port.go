package kubeproxy

import (
	"cmp"
	"hash/fnv"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// servicePort is a port of a Service, for one family. It is not modified, but
// for what it has pointers to.
type servicePort struct {
	*Service
	Port
	is4       bool
	clusterIP netip.Addr
	name      string // default/web:http

	externalIPs, loadBalancerIPs []netip.Addr
	sourceRanges                 []netip.Prefix

	draw   *draw
	sticky *sticky // nil without affinity

	behind *behind
	sets   atomic.Pointer[endpointSets] // made when they are asked for, nil again when behind changes
}

// behind is the endpoints of a Service. A thousand Pods that start change them as
// often, and so nobody looks at all of them then.
type behind struct {
	mu   sync.Mutex // guards what follows, and the making of sets
	list []Endpoint // by source
}

func newBehind(list []Endpoint) *behind {
	list = slices.Clone(list)
	slices.SortStableFunc(list, bySource)
	return &behind{list: list}
}

func bySource(a, b Endpoint) int { return cmp.Compare(a.Source, b.Source) }

// replace replaces the endpoints of a source by others. It returns the old ones. mu
// is held.
func (b *behind) replace(source string, with []Endpoint) []Endpoint {
	first, _ := slices.BinarySearchFunc(b.list, Endpoint{Source: source}, bySource)
	last := first
	for last < len(b.list) && b.list[last].Source == source {
		last++
	}
	old := slices.Clone(b.list[first:last])
	b.list = slices.Replace(b.list, first, last, with...)
	return old
}

// endpointSets are the endpoints of a port, sorted out.
type endpointSets struct {
	serving []netip.AddrPort         // that serve, ready or not
	usual   nodeEndpoints            // of a node of which nothing else is known
	nodes   map[string]nodeEndpoints // where it is different
}

// nodeEndpoints are the endpoints that a node uses, by the names of kube-proxy's
// CategorizeEndpoints.
type nodeEndpoints struct {
	cluster []backend // for traffic policy Cluster
	local   []backend // for traffic policy Local
	any     bool      // there are usable endpoints on some node, perhaps not this one
}

// backend is where a connection may go to.
type backend struct {
	addr  netip.AddrPort
	text  string // addr's, by which kube-proxy sorts
	node  string
	ready bool // else it serves and is terminating, or it does not serve

	serving, terminating bool
}

// usableLast says that an endpoint may be used if there are none that are ready.
func (b backend) usableLast() bool { return b.serving && b.terminating }

// compile makes the ports of a Service. What is remembered of clients and draws
// is taken over from old, which may be nil.
func (t *Table) compile(key name, s Service, old *service) *service {
	c := &service{Service: s, behind: newBehind(s.Endpoints)}
	c.Endpoints = nil // behind has them
	for _, ip := range s.ClusterIPs {
		for _, p := range s.Ports {
			sp := &servicePort{
				Service: &c.Service, behind: c.behind, Port: p, is4: ip.Is4(), clusterIP: ip, name: key.port(p.Name),
				externalIPs: ofFamily(s.ExternalIPs, ip.Is4()), loadBalancerIPs: ofFamily(s.LoadBalancerIPs, ip.Is4()),
			}
			sp.setSourceRanges()
			before := old.same(sp)
			if before != nil {
				sp.draw = before.draw
			} else {
				sp.draw = newDraw(t.seed, sp.name, protocolName(p.Protocol), ip.Is4())
			}
			if s.Affinity > 0 {
				sp.sticky = newSticky(sp, before)
			}
			c.ports = append(c.ports, sp)
		}
	}
	return c
}

// same returns the port of s that p takes the place of, nil if there is none.
func (s *service) same(p *servicePort) *servicePort {
	if s == nil {
		return nil
	}
	for _, o := range s.ports {
		if o.Port.Name == p.Port.Name && o.Protocol == p.Protocol && o.is4 == p.is4 {
			return o
		}
	}
	return nil
}

func ofFamily(addrs []netip.Addr, is4 bool) []netip.Addr {
	var list []netip.Addr
	for _, a := range addrs {
		if a.Is4() == is4 {
			list = append(list, a)
		}
	}
	return list
}

// setSourceRanges takes the ranges of the family. One that holds everything
// means that there are none.
func (p *servicePort) setSourceRanges() {
	for _, r := range p.SourceRanges {
		if r.Addr().Is4() != p.is4 {
			continue
		}
		if r.Bits() == 0 {
			p.sourceRanges = nil
			return
		}
		p.sourceRanges = append(p.sourceRanges, r)
	}
}

// externallyAccessible reports whether there is another way than the cluster IP.
func (p *servicePort) externallyAccessible() bool {
	return p.NodePort != 0 || len(p.loadBalancerIPs) > 0 || len(p.externalIPs) > 0
}

// usesCluster reports whether endpoints are ever chosen by policy Cluster: with
// an external policy Local, too, those that are asked from inside are.
func (p *servicePort) usesCluster() bool { return !p.InternalLocal || p.externallyAccessible() }

func (p *servicePort) usesLocal() bool {
	return p.InternalLocal || p.ExternalLocal && p.externallyAccessible()
}

// backends returns the endpoints of the port in kube-proxy's order, that of
// their texts. Of two with one address, the one that is not terminating counts.
// behind.mu is held.
func (p *servicePort) backends() []backend {
	list := make([]backend, 0, len(p.behind.list))
	for i := range p.behind.list {
		e := &p.behind.list[i]
		for addr := range p.addrsOf(e) {
			list = append(list, backend{addr: addr, text: addr.String(), node: e.Node, ready: e.Ready, serving: e.Serving, terminating: e.Terminating})
		}
	}
	slices.SortStableFunc(list, func(a, b backend) int { return cmp.Compare(a.text, b.text) })
	each := list[:0] // address
	for _, b := range list {
		switch last := len(each) - 1; {
		case last < 0 || each[last].addr != b.addr:
			each = append(each, b)
		case !b.terminating:
			each[last] = b
		}
	}
	return each
}

// addrsOf returns where an endpoint serves the port.
func (p *servicePort) addrsOf(e *Endpoint) iter.Seq[netip.AddrPort] {
	return func(yield func(netip.AddrPort) bool) {
		if e.Addr.Is4() != p.is4 {
			return
		}
		for _, port := range e.Ports {
			if port.Name == p.Port.Name && port.Protocol == p.Protocol && port.Port != 0 && !yield(netip.AddrPortFrom(e.Addr, port.Port)) {
				return
			}
		}
	}
}

// endpoints returns the endpoints, sorted out.
func (p *servicePort) endpoints() *endpointSets {
	if sets := p.sets.Load(); sets != nil {
		return sets
	}
	p.behind.mu.Lock()
	defer p.behind.mu.Unlock()
	sets := p.sets.Load()
	if sets == nil {
		sets = p.sortOut()
		p.sets.Store(sets)
	}
	return sets
}

// sortOut sorts the endpoints out for each node. behind.mu is held.
func (p *servicePort) sortOut() *endpointSets {
	sets := new(endpointSets)
	all := p.backends()
	for _, b := range all {
		if b.serving {
			sets.serving = append(sets.serving, b.addr)
		}
	}
	isReady := func(b backend) bool { return b.ready }
	if p.usesCluster() {
		sets.usual.cluster = firstOf(filter(all, isReady), filter(all, backend.usableLast))
		sets.usual.any = len(sets.usual.cluster) > 0
	}
	if p.usesLocal() {
		sets.usual.any = sets.usual.any || slices.ContainsFunc(all, func(b backend) bool { return b.ready || b.usableLast() })
	}
	hinted := p.PreferSameNode && p.usesCluster() && p.allReadyHaveNodes(all)
	if !hinted && !p.usesLocal() {
		return sets
	}
	byNode := make(map[string][]backend)
	for _, b := range all {
		if b.node != "" {
			byNode[b.node] = append(byNode[b.node], b)
		}
	}
	sets.nodes = make(map[string]nodeEndpoints, len(byNode))
	for node, mine := range byNode {
		n := sets.usual
		ready := filter(mine, isReady)
		if p.usesLocal() {
			n.local = firstOf(ready, filter(mine, backend.usableLast))
		}
		if hinted && len(ready) > 0 {
			n.cluster = ready
		}
		sets.nodes[node] = n
	}
	return sets
}

// allReadyHaveNodes says that hints count: every ready endpoint has one.
func (p *servicePort) allReadyHaveNodes(all []backend) bool {
	return !slices.ContainsFunc(all, func(b backend) bool { return b.ready && b.node == "" })
}

func (p *servicePort) forNode(node string) nodeEndpoints {
	sets := p.endpoints()
	if n, ok := sets.nodes[node]; ok {
		return n
	}
	return sets.usual
}

// filter returns those of a list that are to be kept; the list itself if all are.
func filter(list []backend, keep func(backend) bool) []backend {
	if !slices.ContainsFunc(list, func(b backend) bool { return !keep(b) }) {
		return list
	}
	var kept []backend
	for _, b := range list {
		if keep(b) {
			kept = append(kept, b)
		}
	}
	return kept
}

// firstOf returns the first list that is not empty.
func firstOf(a, b []backend) []backend {
	if len(a) > 0 {
		return a
	}
	return b
}

type frontendVia struct {
	frontend
	via via
}

// frontends returns all addresses at which clients get to the port.
func (p *servicePort) frontends() []frontendVia {
	at := func(a netip.Addr, port uint16, v via) frontendVia {
		return frontendVia{frontend{netip.AddrPortFrom(a, port), p.Protocol}, v}
	}
	list := []frontendVia{at(p.clusterIP, p.Port.Port, viaClusterIP)}
	for _, a := range p.externalIPs {
		list = append(list, at(a, p.Port.Port, viaExternalIP))
	}
	for _, a := range p.loadBalancerIPs {
		list = append(list, at(a, p.Port.Port, viaLoadBalancer))
	}
	if p.NodePort != 0 {
		list = append(list, at(anyAddr(p.is4), p.NodePort, viaNodePort))
	}
	return list
}

func (p *servicePort) udpFrontends() []UDPFrontend {
	var list []UDPFrontend
	for _, f := range p.frontends() {
		list = append(list, UDPFrontend{f.addr, p})
	}
	return list
}

// serves returns where the endpoints of a list serve the port.
func (p *servicePort) serves(endpoints []Endpoint) []netip.AddrPort {
	var list []netip.AddrPort
	for i := range endpoints {
		if endpoints[i].Serving {
			list = slices.AppendSeq(list, p.addrsOf(&endpoints[i]))
		}
	}
	return list
}

// servingChanged reports whether connections that old, which may be nil, made
// possible may be stale with p.
func (p *servicePort) servingChanged(old *service) bool {
	before := old.same(p)
	return before == nil || !slices.Equal(before.endpoints().serving, p.endpoints().serving) || !slices.Equal(before.frontends(), p.frontends())
}

// draw gives each connection of a port its lot. What a connection gets depends
// on the seed, the port's name, and how many there were before it at that port.
type draw struct {
	seed  uint64
	drawn atomic.Uint64
}

func newDraw(seed uint64, port, protocol string, is4 bool) *draw {
	h := fnv.New64a()
	_, _ = h.Write([]byte(port + "/" + protocol))
	if !is4 {
		_, _ = h.Write([]byte("/6"))
	}
	return &draw{seed: mix(seed) ^ mix(h.Sum64())}
}

// next returns a number below n, each as likely as the other.
func (d *draw) next(n int) int {
	x := mix(d.seed + d.drawn.Add(1)*0x9e3779b97f4a7c15)
	// The high word of x*n: what is unfair about it is less than n in 2^32.
	return int((x >> 32) * uint64(n) >> 32)
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
