package podnet

import (
	"net/netip"

	"podnet.dev/podnet/internal/dns"
)

// serviceNames is what the cluster's name server knows: the Services.
type serviceNames struct{ cluster *Cluster }

func (n serviceNames) HasNamespace(name string) bool { return n.cluster.hasNamespace(name) }

func (n serviceNames) Service(namespace, name string) (dns.Service, bool) {
	v := n.cluster.services
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.byName[podKey{namespace, name}]
	if s == nil {
		return dns.Service{}, false
	}
	d := dns.Service{ClusterIPs: addrsOf(s.spec.ClusterIPs), ExternalName: s.spec.ExternalName, Endpoints: s.named}
	for _, p := range s.spec.Ports {
		d.Ports = append(d.Ports, dns.Port{Name: p.Name, Protocol: string(p.Protocol), Number: uint16(p.Port)})
	}
	return d, true
}

func (n serviceNames) ServiceByIP(ip netip.Addr) (namespace, name string, ok bool) {
	v := n.cluster.services
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.byIP[ip]
	if s == nil {
		return "", "", false
	}
	return s.namespace, s.name, true
}

func (n serviceNames) EndpointsByIP(ip netip.Addr) []dns.EndpointName {
	v := n.cluster.services
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []dns.EndpointName
	if p := v.podsByIP[ip]; p != nil {
		for _, s := range v.selecting(p, v.pods[p].labels) {
			for _, e := range s.pods[p].list {
				if e.Addr == ip && e.Ready {
					list = append(list, dns.EndpointName{Namespace: s.namespace, Service: s.name, Hostname: e.Hostname})
				}
			}
		}
	}
	for key, slices := range v.slices { // there are few: somebody wrote them
		for _, slice := range slices {
			for _, e := range slice.endpoints() {
				if e.Addr == ip && e.Ready {
					list = append(list, dns.EndpointName{Namespace: key.namespace, Service: key.name, Hostname: e.Hostname})
				}
			}
		}
	}
	return list
}

// named returns the endpoints that have names: the ready ones.
func (s *Service) named() []dns.Endpoint {
	s.services.mu.Lock()
	defer s.services.mu.Unlock()
	var list []dns.Endpoint
	for _, e := range s.endpoints() {
		if !e.Ready {
			continue
		}
		d := dns.Endpoint{IPs: []netip.Addr{e.Addr}, Hostname: e.Hostname}
		for _, p := range e.Ports {
			d.Ports = append(d.Ports, dns.Port{Name: p.Name, Protocol: string(p.Protocol), Number: uint16(p.Port)})
		}
		list = append(list, d)
	}
	return list
}
