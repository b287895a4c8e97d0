package podnet

import (
	"fmt"
	"net/netip"
	"strings"
)

// Warnings returns what the API server accepts in s but warns of, in its words
// (Kubernetes, pkg/api/service/warnings.go). It is meant for a spec that
// [ServiceSpec.Validate] has nothing against.
func (s ServiceSpec) Warnings() []string {
	s = s.withDefaults()
	s.linkClusterIPs()
	var w []string
	if _, ok := s.Annotations[annotationTopologyHints]; ok {
		w = append(w, fmt.Sprintf("annotation %s is deprecated, please use %s instead", annotationTopologyHints, annotationTopologyMode))
	}
	headless := s.Type == ServiceTypeClusterIP && s.ClusterIP == ClusterIPNone
	if !headless {
		for i, ip := range s.ClusterIPs {
			w = append(w, warnIPForm(fmt.Sprintf("spec.clusterIPs[%d]", i), ip)...)
		}
	} else {
		if len(s.ExternalIPs) > 0 {
			w = append(w, "spec.externalIPs is ignored for headless services")
		}
		if s.SessionAffinity != ServiceAffinityNone {
			w = append(w, "spec.SessionAffinity is ignored for headless services")
		}
	}
	for i, ip := range s.ExternalIPs {
		w = append(w, warnIPForm(fmt.Sprintf("spec.externalIPs[%d]", i), ip)...)
	}
	external := s.Type == ServiceTypeExternalName
	if len(s.ExternalIPs) > 0 && !headless && !external {
		w = append(w, "spec.externalIPs is deprecated and may no longer be implemented in some clusters")
	}
	for i, r := range s.LoadBalancerSourceRanges {
		if p, err := netip.ParsePrefix(strings.TrimSpace(r)); err == nil && p.Addr().Is6() && p.String() != r && r == strings.TrimSpace(r) {
			w = append(w, fmt.Sprintf("spec.loadBalancerSourceRanges[%d]: IPv6 CIDR value %q should be in RFC 5952 canonical format (%q)", i, r, p))
		}
	}
	if external && len(s.ExternalIPs) > 0 {
		w = append(w, fmt.Sprintf("spec.externalIPs is ignored when spec.type is %q", ServiceTypeExternalName))
	}
	if !external && s.ExternalName != "" {
		w = append(w, fmt.Sprintf("spec.externalName is ignored when spec.type is not %q", ServiceTypeExternalName))
	}
	if s.TrafficDistribution == TrafficDistributionPreferClose {
		w = append(w, fmt.Sprintf("spec.trafficDistribution: %q is deprecated; use %q", TrafficDistributionPreferClose, TrafficDistributionPreferSameZone))
	}
	return w
}

// Warnings returns what the API server accepts in s but warns of, in its words.
// It is meant for a spec that [EndpointSliceSpec.Validate] has nothing against.
func (s EndpointSliceSpec) Warnings() []string {
	var w []string
	if s.AddressType == AddressTypeFQDN {
		return []string{"spec.addressType: FQDN endpoints are deprecated"}
	}
	for i, e := range s.Endpoints {
		for j, ip := range e.Addresses {
			w = append(w, warnIPForm(fmt.Sprintf("endpoints[%d].addresses[%d]", i, j), ip)...)
		}
	}
	return w
}
