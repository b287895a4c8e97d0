package dns

import (
	"fmt"
	"strings"
)

// ResolvConf is what resolv.conf(5) holds.
type ResolvConf struct {
	Search      []string
	Nameservers []string
	Options     []string // as in the file: "ndots:5"
}

// ClusterFirst returns the resolv.conf of a Pod with the DNS policy
// ClusterFirst, which is Kubernetes' default (kubelet, network/dns/dns.go).
func ClusterFirst(namespace, clusterDomain, server string) ResolvConf {
	return ResolvConf{
		Search:      omitDuplicates([]string{namespace + ".svc." + clusterDomain, "svc." + clusterDomain, clusterDomain}),
		Nameservers: []string{server},
		Options:     []string{"ndots:5"},
	}
}

// String returns the file's text, in containerd's order.
func (r ResolvConf) String() string {
	var b strings.Builder
	if len(r.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(r.Search, " "))
	}
	for _, server := range r.Nameservers {
		fmt.Fprintf(&b, "nameserver %s\n", server)
	}
	if len(r.Options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(r.Options, " "))
	}
	return b.String()
}
