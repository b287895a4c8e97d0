package podnet

import (
	"fmt"
	"net/netip"
	"slices"

	"podnet.dev/podnet/internal/ipam"
)

// The node ports of a cluster (--service-node-port-range).
const (
	firstNodePort = 30000
	lastNodePort  = 32767
)

// serviceRanges are the addresses and node ports that Services are given.
type serviceRanges struct {
	families []IPFamily // of the cluster, the first one the default
	ips      map[IPFamily]*ipam.ServiceRange
	ports    *ipam.PortRange
}

func newServiceRanges(cidrs []netip.Prefix, seed uint64) *serviceRanges {
	r := &serviceRanges{
		ips:   make(map[IPFamily]*ipam.ServiceRange),
		ports: ipam.NewPortRange(firstNodePort, lastNodePort, seedOf(seed, "node ports")),
	}
	for _, cidr := range cidrs {
		family := familyOf(cidr.Addr().String())
		r.families = append(r.families, family)
		r.ips[family] = ipam.NewServiceRange(cidr, seedOf(seed, cidr.String()))
	}
	return r
}

// mark returns a function that makes the lots that follow be drawn again.
func (r *serviceRanges) mark() (rewind func()) {
	rewinds := []func(){r.ports.Mark()}
	for _, ips := range r.ips {
		rewinds = append(rewinds, ips.Mark())
	}
	return func() {
		for _, rewind := range rewinds {
			rewind()
		}
	}
}

// claim is what one Apply of a Service takes and gives back: all or nothing.
// (pkg/registry/core/service/storage/alloc.go is what it does.)
type claim struct {
	ranges *serviceRanges

	ips, oldIPs     []netip.Addr
	ports, oldPorts []int32
}

// plan returns spec, a copy with defaults, with what it is given. old is the spec
// of the Service that there is, nil if there is none.
func (c *claim) plan(spec *ServiceSpec, old *ServiceSpec) error {
	if old == nil {
		spec.linkClusterIPs()
	} else {
		spec.keepGiven(old)
	}
	err := c.ranges.setFamilies(spec, old)
	if err == nil {
		err = c.takeIPs(spec, old)
	}
	if err == nil {
		err = c.takeNodePorts(spec, old)
	}
	if err == nil {
		err = c.takeHealthCheckPort(spec, old)
	}
	if err != nil {
		return err
	}
	if old != nil {
		spec.dropUnused(old)
	}
	var errs fieldErrors
	if old != nil {
		spec.validateUpdate(&errs, old)
	}
	spec.validate(&errs)
	return errs.err(kindService, spec.Name)
}

// revert gives back what was taken.
func (c *claim) revert() { c.ranges.release(c.ips, c.ports) }

// commit gives back what the old Service no longer has.
func (c *claim) commit() { c.ranges.release(c.oldIPs, c.oldPorts) }

// undo is revert, after commit or without it.
func (c *claim) undo() {
	c.revert()
	for _, ip := range c.oldIPs {
		if pool := c.ranges.ips[familyOf(ip.String())]; pool != nil {
			_ = pool.Take(ip) // without commit it is still taken
		}
	}
	for _, p := range c.oldPorts {
		_ = c.ranges.ports.Take(p)
	}
}

func (r *serviceRanges) release(ips []netip.Addr, ports []int32) {
	for _, ip := range ips {
		if pool := r.ips[familyOf(ip.String())]; pool != nil {
			pool.Release(ip)
		}
	}
	for _, p := range ports {
		r.ports.Release(p)
	}
}

// invalidField is the error of one field.
func invalidField(name, field string, value any, detail string) error {
	return &InvalidError{Kind: kindService, Name: name, Fields: []*FieldError{{Field: field, Type: FieldInvalid, Value: value, Detail: detail}}}
}

// internalError is how the API server reports what is nobody's fault.
func internalError(format string, args ...any) error {
	return fmt.Errorf("Internal error occurred: "+format, args...)
}

// setFamilies decides which families the Service has: initIPFamilyFields.
func (r *serviceRanges) setFamilies(s, old *ServiceSpec) error {
	if s.Type == ServiceTypeExternalName || s.keepsPreferDualStack(old) {
		return nil
	}
	selectorless := s.ClusterIP == ClusterIPNone && len(s.Selector) == 0
	if s.IPFamilyPolicy == "" {
		switch {
		case old != nil && old.IPFamilyPolicy != "":
			s.IPFamilyPolicy = old.IPFamilyPolicy
		case selectorless:
			s.IPFamilyPolicy = IPFamilyPolicyRequireDualStack
		default:
			s.IPFamilyPolicy = IPFamilyPolicySingleStack
		}
	}
	var errs fieldErrors
	if s.validateClusterIPs(&errs); len(errs) > 0 {
		return errs.err(kindService, s.Name)
	}
	single := s.IPFamilyPolicy == IPFamilyPolicySingleStack
	const policy = "spec.ipFamilyPolicy"
	if old != nil && single {
		// The policy alone says it clearly: the second one goes.
		if slices.Equal(s.ClusterIPs, old.ClusterIPs) && len(s.ClusterIPs) > 1 {
			s.ClusterIPs = s.ClusterIPs[:1]
		}
		if slices.Equal(s.IPFamilies, old.IPFamilies) && len(s.IPFamilies) > 1 {
			s.IPFamilies = s.IPFamilies[:1]
		}
	} else if old != nil {
		if n := len(s.ClusterIPs); n > 0 && n < len(old.ClusterIPs) {
			errs.add(FieldInvalid, policy, s.IPFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP")
		}
		if n := len(s.IPFamilies); n > 0 && n < len(old.IPFamilies) {
			errs.add(FieldInvalid, policy, s.IPFamilyPolicy, "must be 'SingleStack' to release the secondary IP family")
		}
	}
	if single && len(s.ClusterIPs) == 2 {
		errs.add(FieldInvalid, policy, s.IPFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified")
	}
	if single && len(s.IPFamilies) == 2 {
		errs.add(FieldInvalid, policy, s.IPFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")
	}
	for i, ip := range s.ClusterIPs {
		if ip == ClusterIPNone {
			break
		}
		if i < len(s.IPFamilies) {
			continue
		}
		family := familyOf(ip)
		if r.ips[family] == nil {
			errs.add(FieldInvalid, fmt.Sprintf("spec.clusterIPs[%d]", i), s.ClusterIPs, string(family)+" is not configured on this cluster")
		} else {
			s.IPFamilies = append(s.IPFamilies, family)
		}
	}
	if len(errs) > 0 {
		return errs.err(kindService, s.Name)
	}
	if selectorless { // whose endpoints may be of families that the cluster does not have
		if len(s.IPFamilies) == 0 {
			s.IPFamilies = []IPFamily{r.families[0]}
		}
		if len(s.IPFamilies) == 1 && !single {
			s.IPFamilies = append(s.IPFamilies, otherFamily(s.IPFamilies[0]))
		}
		return nil
	}
	if s.IPFamilyPolicy == IPFamilyPolicyRequireDualStack && len(r.families) < 2 {
		errs.add(FieldInvalid, policy, s.IPFamilyPolicy, "this cluster is not configured for dual-stack services")
	}
	for i, family := range s.IPFamilies {
		if r.ips[family] == nil {
			errs.add(FieldInvalid, fmt.Sprintf("spec.ipFamilies[%d]", i), family, "not configured on this cluster")
		}
	}
	if len(errs) > 0 {
		return errs.err(kindService, s.Name)
	}
	if len(s.IPFamilies) == 0 {
		s.IPFamilies = []IPFamily{r.families[0]}
	}
	if !single && len(s.IPFamilies) == 1 && len(r.families) == 2 {
		s.IPFamilies = append(s.IPFamilies, otherFamily(s.IPFamilies[0]))
	}
	return nil
}

func otherFamily(f IPFamily) IPFamily {
	if f == IPv4Protocol {
		return IPv6Protocol
	}
	return IPv4Protocol
}

// keepsPreferDualStack reports whether the addresses stay as they are: a Service
// that prefers two families is not moved with the cluster.
func (s *ServiceSpec) keepsPreferDualStack(old *ServiceSpec) bool {
	return old != nil && s.Type == old.Type && s.IPFamilyPolicy == IPFamilyPolicyPreferDualStack && old.IPFamilyPolicy == IPFamilyPolicyPreferDualStack &&
		slices.Equal(s.ClusterIPs, old.ClusterIPs) && slices.Equal(s.IPFamilies, old.IPFamilies)
}

// takeIPs takes the addresses that the Service is to have and old has not.
func (c *claim) takeIPs(s, old *ServiceSpec) error {
	switch {
	case old == nil || old.Type == ServiceTypeExternalName:
		if s.Type == ServiceTypeExternalName || s.headless() {
			return nil
		}
		return c.takeFrom(s, 0)
	case old.headless() || s.keepsPreferDualStack(old):
		return nil
	case s.Type == ServiceTypeExternalName:
		c.oldIPs = append(c.oldIPs, addrsOf(old.ClusterIPs)...)
	case len(old.IPFamilies) == 1 && len(s.IPFamilies) == 2:
		return c.takeFrom(s, 1)
	case len(old.IPFamilies) == 2 && len(s.IPFamilies) == 1:
		c.oldIPs = append(c.oldIPs, addrsOf(old.ClusterIPs[1:])...)
	}
	return nil
}

// takeFrom takes the addresses of the families from the i'th on.
func (c *claim) takeFrom(s *ServiceSpec, first int) error {
	asked := slices.Clone(s.ClusterIPs)
	for len(s.ClusterIPs) < len(s.IPFamilies) {
		s.ClusterIPs = append(s.ClusterIPs, "")
	}
	for i := first; i < len(s.IPFamilies); i++ {
		pool := c.ranges.ips[s.IPFamilies[i]]
		if text := s.ClusterIPs[i]; text != "" {
			ip := netip.MustParseAddr(text) // validated
			if err := pool.Take(ip); err != nil {
				return invalidField(s.Name, "spec.clusterIPs", asked, fmt.Sprintf("failed to allocate IP %s: %v", text, err))
			}
			c.ips = append(c.ips, ip)
			continue
		}
		ip, err := pool.Next()
		if err != nil {
			return internalError("failed to allocate a serviceIP for Service %q: %w", s.Name, err)
		}
		c.ips = append(c.ips, ip)
		s.ClusterIPs[i] = ip.String()
	}
	if len(s.ClusterIPs) > 0 {
		s.ClusterIP = s.ClusterIPs[0]
	}
	return nil
}

// addrsOf returns the addresses in a list that may have "None".
func addrsOf(texts []string) []netip.Addr {
	var list []netip.Addr
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// takeNodePorts takes the node ports that the Service is to have and old, which
// may be nil, has not.
func (c *claim) takeNodePorts(s, old *ServiceSpec) error {
	if old != nil && old.hasNodePorts() && !s.hasNodePorts() {
		c.oldPorts = append(c.oldPorts, old.nodePorts()...)
	}
	switch {
	case !s.hasNodePorts():
		return nil
	case old == nil:
		return c.takeNewNodePorts(s)
	}
	had := old.nodePorts()
	taken := make(map[int32]bool)
	type pair struct {
		protocol Protocol
		port     int32
	}
	seen := make(map[pair]bool)
	for i := range s.Ports {
		p := &s.Ports[i]
		switch {
		case p.NodePort == 0 && !s.givesNodePorts():
			continue
		case p.NodePort == 0:
			port, err := c.nextPort()
			if err != nil {
				return internalError("failed to allocate a nodePort: %w", err)
			}
			p.NodePort = port
		case !slices.Contains(had, p.NodePort) && !taken[p.NodePort]:
			if err := c.takePort(s, i, p.NodePort); err != nil {
				return err
			}
			taken[p.NodePort] = true
		}
		if key := (pair{p.Protocol, p.NodePort}); p.NodePort != 0 && seen[key] {
			return fmt.Errorf("duplicate nodePort: {%s %d}", key.protocol, key.port)
		} else {
			seen[key] = true
		}
	}
	now := s.nodePorts()
	for _, p := range had {
		if !slices.Contains(now, p) {
			c.oldPorts = append(c.oldPorts, p)
		}
	}
	return nil
}

// takeNewNodePorts is for a new Service: ports of one number, of TCP and UDP
// say, have one node port.
func (c *claim) takeNewNodePorts(s *ServiceSpec) error {
	given := make(map[int32]int32) // node ports by port
	for i := range s.Ports {
		p := &s.Ports[i]
		had, twice := given[p.Port]
		switch {
		case p.NodePort == 0 && !s.givesNodePorts():
		case !twice:
			wanted := int32(0)
			for _, o := range s.Ports {
				if o.Port == p.Port && o.NodePort != 0 {
					wanted = o.NodePort
					break
				}
			}
			if wanted != 0 {
				if err := c.takePort(s, i, wanted); err != nil {
					return err
				}
			} else {
				port, err := c.nextPort()
				if err != nil {
					return internalError("failed to allocate a nodePort: %w", err)
				}
				wanted = port
			}
			p.NodePort, given[p.Port] = wanted, wanted
		case p.NodePort == 0:
			p.NodePort = had
		case p.NodePort != had:
			if err := c.takePort(s, i, p.NodePort); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *claim) takePort(s *ServiceSpec, i int, port int32) error {
	if err := c.ranges.ports.Take(port); err != nil {
		return invalidField(s.Name, fmt.Sprintf("spec.ports[%d].nodePort", i), port, err.Error())
	}
	c.ports = append(c.ports, port)
	return nil
}

func (c *claim) nextPort() (int32, error) {
	port, err := c.ranges.ports.Next()
	if err == nil {
		c.ports = append(c.ports, port)
	}
	return port, err
}

func (c *claim) takeHealthCheckPort(s, old *ServiceSpec) error {
	needed := old != nil && old.needsHealthCheck()
	switch {
	case needed && !s.needsHealthCheck():
		c.oldPorts = append(c.oldPorts, old.HealthCheckNodePort)
	case needed || !s.needsHealthCheck():
	case s.HealthCheckNodePort != 0:
		if err := c.ranges.ports.Take(s.HealthCheckNodePort); err != nil {
			return internalError("failed to allocate requested HealthCheck NodePort %d: %w", s.HealthCheckNodePort, err)
		}
		c.ports = append(c.ports, s.HealthCheckNodePort)
	default:
		port, err := c.nextPort()
		if err != nil {
			return internalError("failed to allocate a HealthCheck NodePort 0: %w", err)
		}
		s.HealthCheckNodePort = port
	}
	return nil
}
