package podnet

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
)

const kindService = "Service"

// complete leaves the checks to check: what is allowed depends on the Service
// that there is.
func (s ServiceSpec) complete() (object, error) { return s.withDefaults(), nil }

func (s ServiceSpec) id() objectID { return objectID{kindService, s.Namespace, s.Name} }

func (s ServiceSpec) check(c *Cluster) error { return c.services.check(s) }

func (s ServiceSpec) apply(c *Cluster) error {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return s.id().error("apply", ErrClosed)
	}
	if err := c.services.apply(s); err != nil {
		return err
	}
	c.warn(s.id(), s.Warnings())
	return nil
}

// Service is a Service of a cluster. It is made by [Cluster.Apply] and ends with
// [Service.Delete]; what it was stays readable.
//
// Two Services exist from the start, as in a cluster that kubeadm made:
// "kubernetes" in the namespace default, without endpoints because there is no
// API server, and "kube-dns" in kube-system.
type Service struct {
	services  *services
	namespace string
	name      string

	// What follows is guarded by services.mu.

	spec    ServiceSpec // with what it was given; never modified, but replaced
	label   labelKey    // under which it is in services.bySelector; zero without selector
	pods    map[*Pod]podEndpoints
	env     *variables // that containers get of it; nil until one does
	deleted bool
}

// Service returns the Service of a name, or nil if there is none. An empty
// namespace is "default".
func (c *Cluster) Service(namespace, name string) *Service {
	c.services.mu.Lock()
	defer c.services.mu.Unlock()
	return c.services.byName[podKey{cmp.Or(namespace, "default"), name}]
}

// Services returns the Services of all namespaces, by namespace and name.
func (c *Cluster) Services() []*Service {
	c.services.mu.Lock()
	defer c.services.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.services.byName), (*Service).compare)
}

// compare orders Services by namespace and name.
func (s *Service) compare(o *Service) int {
	return cmp.Or(cmp.Compare(s.namespace, o.namespace), cmp.Compare(s.name, o.name))
}

// Name returns the Service's name.
func (s *Service) Name() string { return s.name }

// Namespace returns the namespace that the Service is in.
func (s *Service) Namespace() string { return s.namespace }

// Spec returns the spec as it was applied last, with its defaults and with what
// was given out: ClusterIPs, IPFamilies, node ports. It must not be changed;
// Apply changes it.
func (s *Service) Spec() ServiceSpec {
	s.services.mu.Lock()
	defer s.services.mu.Unlock()
	return s.spec
}

// ClusterIP returns the Service's address. It is the zero Addr for a headless or
// an ExternalName Service.
func (s *Service) ClusterIP() netip.Addr {
	if ips := s.ClusterIPs(); len(ips) > 0 {
		return ips[0]
	}
	return netip.Addr{}
}

// ClusterIPs returns the Service's addresses, at most one of each family.
func (s *Service) ClusterIPs() []netip.Addr { return addrsOf(s.Spec().ClusterIPs) }

// Delete deletes the Service. Its addresses and node ports are free at once.
// Connections that it brought about go on.
func (s *Service) Delete(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return s.Spec().id().error("delete", err)
	}
	s.services.delete(s)
	return nil
}

// Endpoint is where connections to a Service go: one address, so a Pod with two
// addresses makes two endpoints of a Service with two families.
type Endpoint struct {
	Addr     netip.Addr
	Hostname string // its name below the Service's; empty for most
	Pod      string // name of the Pod; empty if it is none
	Node     string // name of the node; empty if that is not known

	Ready       bool // takes new connections
	Serving     bool // would, were it not Terminating
	Terminating bool // is about to end

	Ports []EndpointPort // which of the Service's ports, and where it serves them
}

// Endpoints returns the endpoints of the Service by address, those of Pods and
// those of EndpointSlices. Pods are there as soon as they have an address, ready
// or not, until they end. A Service that was deleted has none.
func (s *Service) Endpoints() []Endpoint {
	s.services.mu.Lock()
	defer s.services.mu.Unlock()
	list := s.endpoints()
	slices.SortFunc(list, func(a, b Endpoint) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Pod, b.Pod)) })
	return list
}
