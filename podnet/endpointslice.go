package podnet

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"podnet.dev/podnet/internal/kubeproxy"
)

const kindEndpointSlice = "EndpointSlice"

func (s EndpointSliceSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s.withDefaults(), nil
}

// withDefaults returns a copy of s with Kubernetes' defaults filled in.
func (s EndpointSliceSpec) withDefaults() EndpointSliceSpec {
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	for i := range s.Ports {
		s.Ports[i].Protocol = cmp.Or(s.Ports[i].Protocol, ProtocolTCP)
	}
	return s
}

func (s EndpointSliceSpec) id() objectID { return objectID{kindEndpointSlice, s.Namespace, s.Name} }

func (s EndpointSliceSpec) check(c *Cluster) error {
	old, ok := c.EndpointSlice(s.Namespace, s.Name)
	if !ok || old.AddressType == s.AddressType {
		return nil
	}
	return &InvalidError{Kind: kindEndpointSlice, Name: s.Name, Fields: []*FieldError{{
		Field: "addressType", Type: FieldInvalid, Value: s.AddressType, Detail: "field is immutable",
	}}}
}

func (s EndpointSliceSpec) apply(c *Cluster) error {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return s.id().error("apply", ErrClosed)
	}
	c.services.applySlice(s)
	c.warn(s.id(), s.Warnings())
	return nil
}

// EndpointSlice returns the EndpointSlice of a name that was applied, and false
// if there is none. An empty namespace is "default". What it holds must not be
// changed; Apply changes it. [Service.EndpointSlices] has those that the cluster
// makes, too.
func (c *Cluster) EndpointSlice(namespace, name string) (EndpointSliceSpec, bool) {
	v := c.services
	v.mu.Lock()
	defer v.mu.Unlock()
	key := podKey{cmp.Or(namespace, "default"), name}
	s, ok := v.slices[podKey{key.namespace, v.sliceOf[key]}][name]
	return s, ok
}

// DeleteEndpointSlice deletes the EndpointSlice of a name, and reports whether
// there was one.
func (c *Cluster) DeleteEndpointSlice(namespace, name string) (deleted bool) {
	v := c.services
	key := podKey{cmp.Or(namespace, "default"), name}
	v.change(func() (stale []kubeproxy.UDPFrontend) {
		stale, deleted = v.removeSlice(key)
		return stale
	})
	return deleted
}

func (v *services) applySlice(s EndpointSliceSpec) {
	key := podKey{s.Namespace, s.Name}
	service := podKey{s.Namespace, s.Labels[LabelServiceName]}
	v.change(func() (stale []kubeproxy.UDPFrontend) {
		if old, ok := v.sliceOf[key]; ok && old != service.name {
			stale, _ = v.removeSlice(key)
		}
		v.sliceOf[key] = service.name
		if v.slices[service] == nil {
			v.slices[service] = make(map[string]EndpointSliceSpec)
		}
		v.slices[service][s.Name] = s
		return append(stale, v.syncNamed(service)...)
	})
}

// removeSlice takes a slice out, and reports whether it was there. mu is held.
func (v *services) removeSlice(key podKey) ([]kubeproxy.UDPFrontend, bool) {
	name, ok := v.sliceOf[key]
	if !ok {
		return nil, false
	}
	service := podKey{key.namespace, name}
	delete(v.sliceOf, key)
	delete(v.slices[service], key.name)
	if len(v.slices[service]) == 0 {
		delete(v.slices, service)
	}
	return v.syncNamed(service), true
}

// syncNamed is sync for the Service of a name, if there is one. mu is held.
func (v *services) syncNamed(key podKey) []kubeproxy.UDPFrontend {
	if s := v.byName[key]; s != nil {
		return v.sync(s)
	}
	return nil
}

// endpoints returns the endpoints in a slice. Domain names are none.
func (s *EndpointSliceSpec) endpoints() []Endpoint {
	var list []Endpoint
	for _, e := range s.Endpoints {
		addr, err := netip.ParseAddr(e.Addresses[0])
		if s.AddressType == AddressTypeFQDN || err != nil {
			continue
		}
		c := e.Conditions
		list = append(list, Endpoint{
			Addr: addr, Hostname: e.Hostname, Node: e.NodeName, Ports: s.Ports,
			Ready: c.Ready == nil || *c.Ready, Serving: c.Serving == nil || *c.Serving, Terminating: c.Terminating != nil && *c.Terminating,
		})
	}
	return list
}

// EndpointSlice is a part of the endpoints of a Service, as `kubectl get
// endpointslices` shows it.
type EndpointSlice struct {
	Name, Namespace string
	AddressType     AddressType
	Endpoints       []Endpoint // by address
	Ports           []EndpointPort
}

// maxEndpointsPerSlice is what the controller puts into a slice
// (--max-endpoints-per-slice).
const maxEndpointsPerSlice = 100

// EndpointSlices returns the slices of the Service: those that the cluster makes
// of its Pods, one for each address family and set of ports and 100 endpoints,
// and those that were applied. A Service with a selector has one for each family
// even without endpoints. One that was deleted has none.
func (s *Service) EndpointSlices() []EndpointSlice {
	v := s.services
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []EndpointSlice
	if s.deleted {
		return nil
	}
	if len(s.spec.Selector) > 0 && s.spec.Type != ServiceTypeExternalName {
		for _, family := range s.spec.IPFamilies {
			list = append(list, s.ownSlices(family)...)
		}
	}
	for _, applied := range v.slices[podKey{s.namespace, s.name}] {
		list = append(list, EndpointSlice{
			Name: applied.Name, Namespace: applied.Namespace, AddressType: applied.AddressType,
			Endpoints: applied.endpoints(), Ports: applied.Ports,
		})
	}
	slices.SortStableFunc(list, func(a, b EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// ownSlices returns the slices of Pods, for one family. services.mu is held.
func (s *Service) ownSlices(family IPFamily) []EndpointSlice {
	groups := make(map[string][]Endpoint) // by what their ports say
	for _, e := range s.pods {
		for _, one := range e.list {
			if one.Addr.Is4() == (family == IPv4Protocol) {
				key := fmt.Sprint(one.Ports)
				groups[key] = append(groups[key], one)
			}
		}
	}
	if len(groups) == 0 {
		groups[""] = nil
	}
	var list []EndpointSlice
	for key, all := range groups {
		slices.SortFunc(all, func(a, b Endpoint) int { return a.Addr.Compare(b.Addr) })
		for i := 0; i == 0 || i < len(all); i += maxEndpointsPerSlice {
			part := all[i:min(i+maxEndpointsPerSlice, len(all))]
			slice := EndpointSlice{
				Name:      s.name + "-" + nameSuffix(fmt.Sprintf("%s/%s %s %s %d", s.namespace, s.name, family, key, i)),
				Namespace: s.namespace, AddressType: AddressType(family), Endpoints: part,
			}
			if len(part) > 0 {
				slice.Ports = part[0].Ports
			}
			list = append(list, slice)
		}
	}
	return list
}

// nameSuffix makes the five letters that the API server would draw: no vowels,
// and no digits that look like letters. The same text has the same letters.
func nameSuffix(text string) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	n := seedOf(0, text)
	b := make([]byte, 5)
	for i := range b {
		b[i] = letters[n%uint64(len(letters))]
		n /= uint64(len(letters))
	}
	return string(b)
}
