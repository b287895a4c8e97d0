package podnet

// DNSPolicy says what a Pod's /etc/resolv.conf is made of.
type DNSPolicy string

// The policies of Kubernetes. The zero value means DNSClusterFirst.
const (
	DNSClusterFirst            DNSPolicy = "ClusterFirst"            // the cluster's name server and domains; with HostNetwork the same as DNSDefault
	DNSClusterFirstWithHostNet DNSPolicy = "ClusterFirstWithHostNet" // the same, with HostNetwork too
	DNSDefault                 DNSPolicy = "Default"                 // the node's own, which is empty
	DNSNone                    DNSPolicy = "None"                    // nothing but PodDNSConfig
)

// PodDNSConfig is added to what the Pod's [DNSPolicy] gives.
type PodDNSConfig struct {
	Nameservers []string // IP addresses; at most 3
	Searches    []string // domains; at most 32
	Options     []PodDNSConfigOption
}

// PodDNSConfigOption is an option of resolv.conf.
type PodDNSConfigOption struct {
	Name  string
	Value *string // nil for an option without a value
}
