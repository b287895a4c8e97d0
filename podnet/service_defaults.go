package podnet

import (
	"cmp"
	"slices"
)

// defaultAffinitySeconds is 3 hours.
const defaultAffinitySeconds = 10800

// withDefaults returns a copy of s with Kubernetes' defaults filled in
// (SetDefaults_Service in pkg/apis/core/v1/defaults.go), but for what is given
// out. It shares nothing with s.
func (s ServiceSpec) withDefaults() ServiceSpec {
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	s.Type = cmp.Or(s.Type, ServiceTypeClusterIP)
	s.SessionAffinity = cmp.Or(s.SessionAffinity, ServiceAffinityNone)
	switch s.SessionAffinity {
	case ServiceAffinityNone:
		s.SessionAffinityConfig = nil
	case ServiceAffinityClientIP:
		if c := s.SessionAffinityConfig; c == nil || c.ClientIP == nil || c.ClientIP.TimeoutSeconds == nil {
			s.SessionAffinityConfig = &SessionAffinityConfig{ClientIP: &ClientIPConfig{TimeoutSeconds: new(int32(defaultAffinitySeconds))}}
		}
	}
	for i := range s.Ports {
		p := &s.Ports[i]
		p.Protocol = cmp.Or(p.Protocol, ProtocolTCP)
		if p.TargetPort == (IntOrString{}) {
			p.TargetPort = Port(p.Port)
		}
	}
	if s.externallyAccessible() {
		s.ExternalTrafficPolicy = cmp.Or(s.ExternalTrafficPolicy, ServiceTrafficPolicyCluster)
	}
	switch s.Type {
	case ServiceTypeClusterIP, ServiceTypeNodePort, ServiceTypeLoadBalancer:
		s.InternalTrafficPolicy = cmp.Or(s.InternalTrafficPolicy, ServiceTrafficPolicyCluster)
	}
	if s.Type == ServiceTypeLoadBalancer && s.AllocateLoadBalancerNodePorts == nil {
		s.AllocateLoadBalancerNodePorts = new(true)
	}
	return s
}

// linkClusterIPs makes the list of addresses of a new Service that has only the
// one.
func (s *ServiceSpec) linkClusterIPs() {
	if s.ClusterIP != "" && len(s.ClusterIPs) == 0 {
		s.ClusterIPs = []string{s.ClusterIP}
	}
}

func (s *ServiceSpec) headless() bool {
	return len(s.ClusterIPs) == 1 && s.ClusterIPs[0] == ClusterIPNone
}

// externallyAccessible reports whether there is another way than the cluster IP.
func (s *ServiceSpec) externallyAccessible() bool {
	switch s.Type {
	case ServiceTypeLoadBalancer, ServiceTypeNodePort:
		return true
	case ServiceTypeClusterIP:
		return len(s.ExternalIPs) > 0
	}
	return false
}

func (s *ServiceSpec) needsClusterIP() bool { return s.Type != ServiceTypeExternalName }

// hasNodePorts reports whether the type is one that has node ports.
func (s *ServiceSpec) hasNodePorts() bool {
	return s.Type == ServiceTypeNodePort || s.Type == ServiceTypeLoadBalancer
}

// givesNodePorts reports whether a port without node port is given one.
func (s *ServiceSpec) givesNodePorts() bool {
	return s.Type == ServiceTypeNodePort || s.Type == ServiceTypeLoadBalancer && *s.AllocateLoadBalancerNodePorts
}

func (s *ServiceSpec) needsHealthCheck() bool {
	return s.Type == ServiceTypeLoadBalancer && s.ExternalTrafficPolicy == ServiceTrafficPolicyLocal
}

// nodePorts returns the node ports, some perhaps twice.
func (s *ServiceSpec) nodePorts() []int32 {
	var list []int32
	for _, p := range s.Ports {
		if p.NodePort != 0 {
			list = append(list, p.NodePort)
		}
	}
	return list
}

// keepGiven fills in what old was given and s leaves out, so that the spec that
// made a Service can be applied again (patchAllocatedValues and
// normalizeClusterIPs in pkg/registry/core/service/storage).
func (s *ServiceSpec) keepGiven(old *ServiceSpec) {
	if old.needsClusterIP() && s.needsClusterIP() {
		s.ClusterIP = cmp.Or(s.ClusterIP, old.ClusterIP)
		if len(s.ClusterIPs) == 0 {
			s.ClusterIPs = slices.Clone(old.ClusterIPs)
		}
	}
	if old.hasNodePorts() && old.givesNodePorts() && s.hasNodePorts() && s.givesNodePorts() {
		used := s.nodePorts()
		byName := make(map[string]int32)
		for _, p := range old.Ports {
			byName[p.Name] = p.NodePort
		}
		for i := range s.Ports {
			if p := &s.Ports[i]; p.NodePort == 0 && !slices.Contains(used, byName[p.Name]) {
				p.NodePort = byName[p.Name]
			}
		}
	}
	if old.needsHealthCheck() && s.needsHealthCheck() {
		s.HealthCheckNodePort = cmp.Or(s.HealthCheckNodePort, old.HealthCheckNodePort)
	}
	same := slices.Equal(s.ClusterIPs, old.ClusterIPs)
	switch {
	case s.ClusterIP == old.ClusterIP:
		if len(s.ClusterIPs) == 0 {
			s.ClusterIPs = slices.Clone(old.ClusterIPs)
		}
	case s.ClusterIP == "" && same:
		s.ClusterIPs = nil
	case s.ClusterIP != "" && same:
		s.ClusterIPs = []string{s.ClusterIP}
	}
}

// dropUnused clears what old was given, s repeats, and s's type has no use for
// (dropTypeDependentFields in pkg/registry/core/service/strategy.go).
func (s *ServiceSpec) dropUnused(old *ServiceSpec) {
	if old.needsClusterIP() && !s.needsClusterIP() {
		if s.ClusterIP == old.ClusterIP && slices.Equal(s.ClusterIPs, old.ClusterIPs) {
			s.ClusterIP, s.ClusterIPs = "", nil
		}
		if slices.Equal(s.IPFamilies, old.IPFamilies) {
			s.IPFamilies = nil
		}
		if s.IPFamilyPolicy == old.IPFamilyPolicy {
			s.IPFamilyPolicy = ""
		}
	}
	if old.hasNodePorts() && !s.hasNodePorts() && containsAll(old.nodePorts(), s.nodePorts()) {
		for i := range s.Ports {
			s.Ports[i].NodePort = 0
		}
	}
	if old.needsHealthCheck() && !s.needsHealthCheck() && s.HealthCheckNodePort == old.HealthCheckNodePort {
		s.HealthCheckNodePort = 0
	}
	if old.Type == ServiceTypeLoadBalancer && s.Type != ServiceTypeLoadBalancer {
		if a, b := s.AllocateLoadBalancerNodePorts, old.AllocateLoadBalancerNodePorts; a != nil && b != nil && *a == *b {
			s.AllocateLoadBalancerNodePorts = nil
		}
		if s.LoadBalancerClass == old.LoadBalancerClass {
			s.LoadBalancerClass = ""
		}
		if slices.Equal(s.LoadBalancerIngress, old.LoadBalancerIngress) {
			s.LoadBalancerIngress = nil
		}
	}
	if old.externallyAccessible() && !s.externallyAccessible() && s.ExternalTrafficPolicy == old.ExternalTrafficPolicy {
		s.ExternalTrafficPolicy = ""
	}
}

func containsAll(list, part []int32) bool {
	return !slices.ContainsFunc(part, func(n int32) bool { return !slices.Contains(list, n) })
}
