package podnet

import "slices"

// unchangeable is what the API server says of a value that must stay.
const unchangeable = "may not change once set"

// validateUpdate reports what may not be changed of old so (ValidateServiceUpdate
// in pkg/apis/core/validation). s has what it was given.
func (s *ServiceSpec) validateUpdate(errs *fieldErrors, old *ServiceSpec) {
	external := s.Type == ServiceTypeExternalName || old.Type == ServiceTypeExternalName
	if !external && !(s.headless() && old.headless()) {
		s.validateClusterIPsUpdate(errs, old)
	}
	if !external && !s.headless() && !old.headless() {
		s.validateFamiliesUpdate(errs, old)
	}
	if s.Type == ServiceTypeLoadBalancer && old.Type == ServiceTypeLoadBalancer && s.LoadBalancerClass != old.LoadBalancerClass {
		errs.add(FieldInvalid, "spec.loadBalancerClass", s.LoadBalancerClass, unchangeable)
	}
	if s.needsHealthCheck() && old.needsHealthCheck() && s.HealthCheckNodePort != old.HealthCheckNodePort {
		errs.add(FieldForbidden, "spec.healthCheckNodePort", nil, "field is immutable")
	}
}

func (s *ServiceSpec) validateClusterIPsUpdate(errs *fieldErrors, old *ServiceSpec) {
	const first = "spec.clusterIPs[0]"
	now, had := s.ClusterIPs, old.ClusterIPs
	switch {
	case len(now) == len(had):
		for i := range had {
			if now[i] != had[i] {
				errs.add(FieldInvalid, []string{first, "spec.clusterIPs[1]"}[min(i, 1)], now, unchangeable)
			}
		}
	case len(now) == 0:
		errs.add(FieldInvalid, first, now, "primary clusterIP can not be unset")
	case len(had) > 0 && now[0] != had[0]:
		errs.add(FieldInvalid, first, now, unchangeable)
	}
	if len(now) == 1 && len(had) == 2 && s.IPFamilyPolicy != IPFamilyPolicySingleStack {
		errs.add(FieldInvalid, "spec.ipFamilyPolicy", s.IPFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary clusterIP")
	}
}

func (s *ServiceSpec) validateFamiliesUpdate(errs *fieldErrors, old *ServiceSpec) {
	const first = "spec.ipFamilies[0]"
	now, had := s.IPFamilies, old.IPFamilies
	switch {
	case len(now) == len(had):
		for i := range had {
			if now[i] != had[i] {
				errs.add(FieldInvalid, first, now, unchangeable)
			}
		}
	case len(now) > 0 && len(had) > 0 && now[0] != had[0]:
		errs.add(FieldInvalid, first, slices.Clone(s.ClusterIPs), unchangeable)
	}
	if len(now) == 1 && len(had) == 2 && s.IPFamilyPolicy != IPFamilyPolicySingleStack {
		errs.add(FieldInvalid, "spec.ipFamilyPolicy", s.IPFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary ipFamily")
	}
}
