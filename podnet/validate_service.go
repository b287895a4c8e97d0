package podnet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Validate reports everything in s that Kubernetes' API server would refuse when
// a Service is created, in its words and in its order. The error is an
// *[InvalidError]; it is nil if there is nothing to report. What an empty field
// means is what is checked.
//
// Whether an address or a port is free, and whether a Service that exists may be
// changed so, is for [Cluster.Apply] to say.
func (s ServiceSpec) Validate() error {
	s = s.withDefaults()
	s.linkClusterIPs()
	var errs fieldErrors
	s.validate(&errs)
	return errs.err(kindService, s.Name)
}

// The annotations that the API server looks into.
const (
	annotationTopologyMode  = "service.kubernetes.io/topology-mode"
	annotationTopologyHints = "service.kubernetes.io/topology-aware-hints" // its old name
	annotationSourceRanges  = "service.beta.kubernetes.io/load-balancer-source-ranges"
)

// validate is for a Service with defaults.
func (s *ServiceSpec) validate(errs *fieldErrors) {
	validateMetaNamed(errs, dns1123LabelErrors, s.Name, s.Namespace, s.Labels, s.Annotations)
	mode, hasMode := s.Annotations[annotationTopologyMode]
	hints, hasHints := s.Annotations[annotationTopologyHints]
	if hasMode && hasHints && mode != hints {
		errs.invalid("metadata.annotations["+annotationTopologyMode+"]", mode, "must match annotations["+annotationTopologyHints+"] when both are specified")
	}
	s.validateType(errs)
	s.validatePorts(errs)
	for _, key := range slices.Sorted(maps.Keys(s.Selector)) {
		errs.invalid("spec.selector", key, qualifiedNameErrors(key)...)
		errs.invalid("spec.selector", s.Selector[key], labelValueErrors(s.Selector[key])...)
	}
	s.validateAffinity(errs)
	s.validateClusterIPs(errs)
	for i, ip := range s.ExternalIPs {
		at := fmt.Sprintf("spec.externalIPs[%d]", i)
		if msgs := ipErrors(ip); len(msgs) > 0 {
			errs.invalid(at, ip, msgs...)
		} else {
			errs.invalid(at, ip, endpointIPErrors(ip)...)
		}
	}
	oneOf(errs, "spec.type", s.Type, ServiceTypeClusterIP, ServiceTypeExternalName, ServiceTypeLoadBalancer, ServiceTypeNodePort)
	s.validatePortNumbers(errs)
	s.validateLoadBalancer(errs)
	s.validateTrafficPolicies(errs)
	s.validateIngress(errs)
}

func (s *ServiceSpec) validateType(errs *fieldErrors) {
	if len(s.Ports) == 0 && !s.headless() && s.Type != ServiceTypeExternalName {
		errs.add(FieldRequired, "spec.ports", nil, "")
	}
	switch s.Type {
	case ServiceTypeLoadBalancer, ServiceTypeNodePort:
		if s.headless() {
			errs.invalid("spec.clusterIPs[0]", s.ClusterIPs[0], fmt.Sprintf("may not be set to 'None' for %s services", s.Type))
		}
	case ServiceTypeExternalName:
		const not = "may not be set for ExternalName services"
		if len(s.ClusterIPs) > 0 {
			errs.add(FieldForbidden, "spec.clusterIPs", nil, not)
		}
		if len(s.IPFamilies) > 0 {
			errs.add(FieldForbidden, "spec.ipFamilies", nil, not)
		}
		if s.IPFamilyPolicy != "" {
			errs.add(FieldForbidden, "spec.ipFamilyPolicy", nil, not)
		}
		if name := strings.TrimSuffix(s.ExternalName, "."); name != "" {
			errs.invalid("spec.externalName", name, dns1123SubdomainErrors(name)...)
		} else {
			errs.add(FieldRequired, "spec.externalName", nil, "")
		}
	}
}

func (s *ServiceSpec) validatePorts(errs *fieldErrors) {
	names := make(map[string]bool, len(s.Ports))
	for i, p := range s.Ports {
		at := fmt.Sprintf("spec.ports[%d]", i)
		switch {
		case p.Name != "":
			errs.invalid(at+".name", p.Name, dns1123LabelErrors(p.Name)...)
			if names[p.Name] {
				errs.add(FieldDuplicate, at+".name", p.Name, "")
			}
			names[p.Name] = true
		case len(s.Ports) > 1:
			errs.add(FieldRequired, at+".name", nil, "")
		}
		errs.between(at+".port", int64(p.Port), 1, 65535)
		oneOf(errs, at+".protocol", p.Protocol, ProtocolSCTP, ProtocolTCP, ProtocolUDP)
		p.TargetPort.validate(errs, at+".targetPort")
		if p.AppProtocol != "" {
			errs.invalid(at+".appProtocol", p.AppProtocol, qualifiedNameErrors(p.AppProtocol)...)
		}
	}
}

// portKey is how the API server prints a port that is there twice.
type portKey struct {
	Name        string
	Protocol    Protocol
	AppProtocol *string
	Port        int32
	TargetPort  int32
	NodePort    int32
}

func (s *ServiceSpec) validatePortNumbers(errs *fieldErrors) {
	if s.Type == ServiceTypeClusterIP {
		for i, p := range s.Ports {
			if p.NodePort != 0 {
				errs.add(FieldForbidden, fmt.Sprintf("spec.ports[%d].nodePort", i), nil, "may not be used when `type` is 'ClusterIP'")
			}
		}
	}
	seen := make(map[portKey]bool, 2*len(s.Ports))
	for i, p := range s.Ports {
		key := portKey{Protocol: p.Protocol, NodePort: p.NodePort}
		if p.NodePort != 0 && seen[key] {
			errs.add(FieldDuplicate, fmt.Sprintf("spec.ports[%d].nodePort", i), p.NodePort, "")
		}
		seen[key] = true
	}
	clear(seen)
	for i, p := range s.Ports {
		key := portKey{Protocol: p.Protocol, Port: p.Port}
		if seen[key] {
			errs.add(FieldDuplicate, fmt.Sprintf("spec.ports[%d]", i), key, "")
		}
		seen[key] = true
	}
}

// maxAffinitySeconds is a day.
const maxAffinitySeconds = 86400

func (s *ServiceSpec) validateAffinity(errs *fieldErrors) {
	oneOf(errs, "spec.sessionAffinity", s.SessionAffinity, ServiceAffinityClientIP, ServiceAffinityNone)
	if s.SessionAffinity != ServiceAffinityClientIP {
		return
	}
	const at = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
	if seconds := *s.SessionAffinityConfig.ClientIP.TimeoutSeconds; seconds <= 0 || seconds > maxAffinitySeconds {
		errs.add(FieldInvalid, at, seconds, fmt.Sprintf("must be greater than 0 and less than %d", maxAffinitySeconds))
	}
}

// validateClusterIPs checks what says which addresses the Service has.
func (s *ServiceSpec) validateClusterIPs(errs *fieldErrors) {
	if s.Type == ServiceTypeExternalName {
		return // which must not have any of it
	}
	const at = "spec.clusterIPs"
	switch {
	case s.ClusterIP != "" && len(s.ClusterIPs) == 0:
		errs.add(FieldRequired, at, nil, "")
	case s.ClusterIP != "" && s.ClusterIPs[0] != s.ClusterIP:
		errs.add(FieldInvalid, at, s.ClusterIPs, "first value must match `clusterIP`")
	case s.ClusterIP == "" && len(s.ClusterIPs) > 0:
		errs.add(FieldInvalid, at, s.ClusterIPs, "must be empty when `clusterIP` is not specified")
	}
	for i, family := range s.IPFamilies {
		at := fmt.Sprintf("spec.ipFamilies[%d]", i)
		oneOf(errs, at, family, IPv4Protocol, IPv6Protocol)
		if slices.Contains(s.IPFamilies[:i], family) {
			errs.add(FieldDuplicate, at, family, "")
		}
	}
	if s.IPFamilyPolicy != "" {
		oneOf(errs, "spec.ipFamilyPolicy", s.IPFamilyPolicy, IPFamilyPolicyPreferDualStack, IPFamilyPolicyRequireDualStack, IPFamilyPolicySingleStack)
	}
	invalid := false
	for i, ip := range s.ClusterIPs {
		if i == 0 && ip == ClusterIPNone {
			if len(s.ClusterIPs) > 1 {
				invalid = true
				errs.add(FieldInvalid, at, s.ClusterIPs, "'None' must be the first and only value")
			}
			continue
		}
		msgs := ipErrors(ip)
		errs.invalid(fmt.Sprintf("%s[%d]", at, i), ip, msgs...)
		invalid = invalid || len(msgs) > 0
	}
	if len(s.ClusterIPs) > 2 {
		errs.add(FieldInvalid, at, s.ClusterIPs, "may only hold up to 2 values")
	}
	if invalid {
		return // what comes next would only confuse
	}
	if len(s.ClusterIPs) > 1 && !dualStack(s.ClusterIPs) {
		errs.add(FieldInvalid, at, s.ClusterIPs, "may specify no more than one IP for each IP family")
	}
	if s.headless() {
		return
	}
	for i, ip := range s.ClusterIPs {
		if i < len(s.IPFamilies) && slices.Contains([]IPFamily{IPv4Protocol, IPv6Protocol}, s.IPFamilies[i]) && s.IPFamilies[i] != familyOf(ip) {
			errs.invalid(fmt.Sprintf("%s[%d]", at, i), ip, fmt.Sprintf("expected an %s value as indicated by `ipFamilies[%d]`", s.IPFamilies[i], i))
		}
	}
}

// dualStack reports whether there is an address of each family, and not two of
// one if there are just two.
func dualStack(ips []string) bool {
	var v4, v6 bool
	for _, ip := range ips {
		v4 = v4 || familyOf(ip) == IPv4Protocol
		v6 = v6 || familyOf(ip) == IPv6Protocol
	}
	return v4 && v6
}

// familyOf returns the family of a valid address.
func familyOf(ip string) IPFamily {
	if a, err := netip.ParseAddr(ip); err == nil && a.Is4() {
		return IPv4Protocol
	}
	return IPv6Protocol
}

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"

func (s *ServiceSpec) validateLoadBalancer(errs *fieldErrors) {
	balanced := s.Type == ServiceTypeLoadBalancer
	const at = "spec.LoadBalancerSourceRanges" // with a capital letter, as the API server says
	if len(s.LoadBalancerSourceRanges) > 0 {
		if !balanced {
			errs.add(FieldForbidden, at, nil, onlyLoadBalancer)
		}
		for i, r := range s.LoadBalancerSourceRanges {
			r = strings.TrimSpace(r)
			errs.invalid(fmt.Sprintf("%s[%d]", at, i), r, sourceRangeErrors(r)...)
		}
	} else if value, ok := s.Annotations[annotationSourceRanges]; ok {
		at := "metadata.annotations[" + annotationSourceRanges + "]"
		if !balanced {
			errs.add(FieldForbidden, at, nil, onlyLoadBalancer)
		}
		if value = strings.TrimSpace(value); value != "" {
			for r := range strings.SplitSeq(value, ",") {
				r = strings.TrimSpace(r)
				errs.invalid(at, r, sourceRangeErrors(r)...)
			}
		}
	}
	if s.AllocateLoadBalancerNodePorts != nil && !balanced {
		errs.add(FieldForbidden, "spec.allocateLoadBalancerNodePorts", nil, onlyLoadBalancer)
	}
	if s.LoadBalancerClass != "" {
		if balanced {
			errs.invalid("spec.loadBalancerClass", s.LoadBalancerClass, qualifiedNameErrors(s.LoadBalancerClass)...)
		} else {
			errs.add(FieldForbidden, "spec.loadBalancerClass", nil, onlyLoadBalancer)
		}
	}
}

// validateIngress checks what in Kubernetes is a part of the status, when a load
// balancer sets it.
func (s *ServiceSpec) validateIngress(errs *fieldErrors) {
	const at = "status.loadBalancer.ingress"
	if len(s.LoadBalancerIngress) > 0 && s.Type != ServiceTypeLoadBalancer {
		errs.add(FieldForbidden, at, nil, "may only be used when `spec.type` is 'LoadBalancer'")
		return
	}
	for i, ip := range s.LoadBalancerIngress {
		errs.invalid(fmt.Sprintf("%s[%d].ip", at, i), ip, ipErrors(ip)...)
	}
}

func (s *ServiceSpec) validateTrafficPolicies(errs *fieldErrors) {
	const at = "spec.externalTrafficPolicy"
	switch {
	case s.externallyAccessible():
		oneOf(errs, at, s.ExternalTrafficPolicy, ServiceTrafficPolicyCluster, ServiceTrafficPolicyLocal)
	case s.ExternalTrafficPolicy != "":
		errs.add(FieldInvalid, at, s.ExternalTrafficPolicy, "may only be set for externally-accessible services")
	}
	const health = "spec.healthCheckNodePort"
	if p := s.HealthCheckNodePort; p != 0 {
		if !s.needsHealthCheck() {
			errs.add(FieldInvalid, health, p, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
		} else {
			errs.between(health, int64(p), 1, 65535)
		}
	}
	if s.InternalTrafficPolicy != "" {
		oneOf(errs, "spec.internalTrafficPolicy", s.InternalTrafficPolicy, ServiceTrafficPolicyCluster, ServiceTrafficPolicyLocal)
	}
	if s.TrafficDistribution != "" {
		oneOf(errs, "spec.trafficDistribution", s.TrafficDistribution, TrafficDistributionPreferClose, TrafficDistributionPreferSameZone, TrafficDistributionPreferSameNode)
	}
}

// endpointIPErrors reports why a valid address cannot be somebody else's.
func endpointIPErrors(ip string) []string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return []string{"must be a valid IP address"}
	}
	switch {
	case a.IsUnspecified():
		return []string{fmt.Sprintf("may not be unspecified (%s)", ip)}
	case a.IsLoopback():
		return []string{"may not be in the loopback range (127.0.0.0/8, ::1/128)"}
	case a.IsLinkLocalUnicast():
		return []string{"may not be in the link-local range (169.254.0.0/16, fe80::/10)"}
	case a.IsLinkLocalMulticast():
		return []string{"may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"}
	}
	return nil
}

// sourceRangeErrors reports what is wrong with a CIDR, as ipErrors does of an
// address.
func sourceRangeErrors(value string) []string {
	p, err := netip.ParsePrefix(value)
	switch {
	case err == nil && p.Addr().Is4In6():
		return []string{"must not have an IPv4-mapped IPv6 address"}
	case err == nil && p != p.Masked():
		return []string{"must not have bits set beyond the prefix length"}
	case err == nil:
		return nil
	}
	if _, err = netip.ParsePrefix(zeroPadded.ReplaceAllString(value, "$1")); err == nil {
		return []string{"must not have leading 0s in IP or prefix length"}
	}
	return []string{"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"}
}
