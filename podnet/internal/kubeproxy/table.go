package kubeproxy

import (
	"net/netip"
	"slices"
	"sync"
)

// Table holds the Services of a cluster. It may be used by many goroutines;
// those that translate do not wait for each other.
type Table struct {
	seed     uint64
	podCIDRs []netip.Prefix

	mu        sync.RWMutex // guards what follows; what the maps hold is never modified, but for endpoints
	services  map[name]*service
	frontends map[frontend]*target
}

// frontend is where clients connect to. The address of a node port has no
// value but its family: netip.IPv4Unspecified or netip.IPv6Unspecified.
type frontend struct {
	addr     netip.AddrPort
	protocol uint8
}

// target is a port of a Service, and how the client got to it.
type target struct {
	port *servicePort
	via  via
}

// via is the kind of address by which a client got to a Service.
type via int

const (
	viaClusterIP via = iota
	viaExternalIP
	viaLoadBalancer
	viaNodePort
)

// service is a Service with its ports, for each family that it has.
type service struct {
	Service // without Endpoints
	ports   []*servicePort
	behind  *behind
}

// New returns a Table without Services. Which endpoint a connection gets is
// drawn from seed. Sources outside podCIDRs are masqueraded.
func New(seed uint64, podCIDRs []netip.Prefix) *Table {
	return &Table{
		seed: seed, podCIDRs: slices.Clone(podCIDRs),
		services: make(map[name]*service), frontends: make(map[frontend]*target),
	}
}

// A UDPFrontend is an address of a Service with UDP and the endpoints that serve
// it. UDP has no end of a connection: what is known of earlier ones must be
// forgotten if it leads anywhere else, which kube-proxy does as soon as an
// endpoint has gone. TCP connections are left to themselves.
type UDPFrontend struct {
	// Dst is where the clients send to. An unspecified address (0.0.0.0 or ::)
	// stands for all addresses of its family: that of a node port, which is
	// compared by the port alone.
	Dst netip.AddrPort

	port *servicePort
}

// Serving returns the endpoints that entries may go on to lead to, ready or not.
func (f UDPFrontend) Serving() []netip.AddrPort { return f.port.endpoints().serving }

// Stale reports whether a connection tracked from a client to dst and translated
// to backend has to be forgotten: it is for Dst, and leads elsewhere than to
// Serving, or nowhere. dst and backend are the same if it was not translated. As
// from kube-proxy, at a node port without any endpoint nothing is stale.
func (f UDPFrontend) Stale(dst, backend netip.AddrPort) bool {
	if f.Dst != dst && (!f.Dst.Addr().IsUnspecified() || f.Dst.Port() != dst.Port() || f.Dst.Addr().Is4() != dst.Addr().Is4()) {
		return false
	}
	serving := f.Serving()
	return !slices.Contains(serving, backend) && (len(serving) > 0 || !f.Dst.Addr().IsUnspecified())
}

// Set makes s the Service of its name, in the place of the one there was. It
// keeps s; the caller must not modify what it refers to. It returns the UDP
// frontends of which connections may be stale now.
func (t *Table) Set(s Service) []UDPFrontend {
	key := name{s.Namespace, s.Name}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.services[key]
	t.drop(old)
	next := t.compile(key, s, old)
	t.services[key] = next
	var changed []UDPFrontend
	for _, p := range next.ports {
		for _, f := range p.frontends() {
			// The first Service that has an address keeps it: the API server
			// sees to it that there is no other, but for external IPs.
			if t.frontends[f.frontend] == nil {
				t.frontends[f.frontend] = &target{p, f.via}
			}
		}
		if p.Protocol == UDP && p.servingChanged(old) {
			changed = append(changed, p.udpFrontends()...)
		}
	}
	return changed
}

// SetEndpoints replaces the endpoints that one source has of a Service: those with
// its name in their field Source, as all of list have. It does nothing if there is
// no such Service. It returns the UDP frontends of which connections may be stale
// now. It costs little, however many endpoints there are: the next connection pays
// for putting them in order.
func (t *Table) SetEndpoints(namespace, serviceName, source string, list []Endpoint) []UDPFrontend {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.services[name{namespace, serviceName}]
	if s == nil {
		return nil
	}
	s.behind.mu.Lock()
	old := s.behind.replace(source, list)
	for _, p := range s.ports {
		p.sets.Store(nil)
	}
	s.behind.mu.Unlock()
	var changed []UDPFrontend
	for _, p := range s.ports {
		if p.sticky != nil {
			p.sticky.prune(p)
		}
		if p.Protocol == UDP && !slices.Equal(p.serves(old), p.serves(list)) {
			changed = append(changed, p.udpFrontends()...)
		}
	}
	return changed
}

// Delete takes a Service out, if there is one of the name. Connections go on as
// they were translated: kube-proxy leaves those of UDP, too.
func (t *Table) Delete(namespace, serviceName string) {
	key := name{namespace, serviceName}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(t.services[key])
	delete(t.services, key)
}

// drop takes the frontends of a Service out, which may be nil. mu is held.
func (t *Table) drop(s *service) {
	if s == nil {
		return
	}
	for _, p := range s.ports {
		for _, f := range p.frontends() {
			if at := t.frontends[f.frontend]; at != nil && at.port == p {
				delete(t.frontends, f.frontend)
			}
		}
	}
}

// lookup returns what a client gets to at an address, nil if that is no
// Service's. local says that the address is one of the node's.
func (t *Table) lookup(dst netip.AddrPort, protocol uint8, local bool) *target {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if at := t.frontends[frontend{dst, protocol}]; at != nil {
		return at
	}
	if !local {
		return nil
	}
	return t.frontends[frontend{netip.AddrPortFrom(anyAddr(dst.Addr().Is4()), dst.Port()), protocol}]
}

// anyAddr returns the address that stands for those of all nodes.
func anyAddr(is4 bool) netip.Addr {
	if is4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}
