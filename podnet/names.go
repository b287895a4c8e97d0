package podnet

import (
	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/kubelet"
)

// hostnameAndDomain returns the Pod's short hostname and the domain of its full
// name, which is empty if it has none (GeneratePodHostNameAndDomain in
// kubelet_pods.go).
func (s PodSpec) hostnameAndDomain(clusterDomain string) (hostname, domain string) {
	if s.HostnameOverride != nil {
		return kubelet.Hostname(s.Name, *s.HostnameOverride), ""
	}
	return kubelet.Hostname(s.Name, s.Hostname), kubelet.HostDomain(s.Subdomain, s.Namespace, clusterDomain)
}

// resolvConf returns the Pod's resolv.conf, and what the kubelet warns of it.
func (p *Pod) resolvConf() (dns.ResolvConf, []string) {
	var r dns.ResolvConf
	policy := p.spec.DNSPolicy
	if policy == DNSClusterFirst && p.spec.HostNetwork {
		policy = DNSDefault
	}
	switch policy {
	case DNSNone:
	case DNSDefault: // the node's, in which there is nothing
	default:
		r = dns.ClusterFirst(p.spec.Namespace, p.cluster.config.Domain, p.cluster.nameserver.String())
	}
	if c := p.spec.DNSConfig; c != nil {
		options := make([]dns.Option, len(c.Options))
		for i, o := range c.Options {
			options[i].Name = o.Name
			if o.Value != nil {
				options[i].Value = *o.Value
			}
		}
		r = r.Append(c.Nameservers, c.Searches, options)
	}
	return r.Limit()
}
