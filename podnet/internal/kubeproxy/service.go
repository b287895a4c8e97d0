package kubeproxy

import (
	"net/netip"
	"time"
)

// IP protocol numbers.
const (
	TCP  uint8 = 6
	UDP  uint8 = 17
	SCTP uint8 = 132
)

// Service is what kube-proxy knows of a Service that has an address of its own,
// its endpoints included. A headless or ExternalName one is none of its business.
type Service struct {
	Namespace, Name string

	ClusterIPs      []netip.Addr   // at most one of each family; other addresses only count with one of their family
	ExternalIPs     []netip.Addr   // spec.externalIPs
	LoadBalancerIPs []netip.Addr   // status.loadBalancer.ingress
	SourceRanges    []netip.Prefix // who may connect to LoadBalancerIPs; empty for everybody

	Ports               []Port
	HealthCheckNodePort uint16 // only shown in the rules; 0 for none

	Affinity      time.Duration // how long a client's endpoint is remembered; 0 for no affinity
	InternalLocal bool          // internalTrafficPolicy is Local
	ExternalLocal bool          // externalTrafficPolicy is Local

	// PreferSameNode says that every ready endpoint with a node has a hint for
	// that node, as trafficDistribution PreferSameNode makes it.
	PreferSameNode bool

	Endpoints []Endpoint
}

// Port is a port of a Service.
type Port struct {
	Name     string // may be empty
	Protocol uint8
	Port     uint16
	NodePort uint16 // 0 for none
}

// Endpoint is one address behind a Service.
type Endpoint struct {
	Addr netip.Addr
	Node string // the node it is on; may be empty

	// Source is whose it is, a Pod's or an EndpointSlice's, for SetEndpoints; may
	// be empty.
	Source string

	Ready       bool // takes new connections
	Serving     bool // would, were it not Terminating
	Terminating bool

	Ports []EndpointPort
}

// EndpointPort says where an endpoint serves a port of the Service.
type EndpointPort struct {
	Name     string // of the Service's port
	Protocol uint8
	Port     uint16
}

// name is the name of a Service.
type name struct{ namespace, name string }

// String is how kube-proxy names a port of a Service: web/http of namespace
// default is default/web:http.
func (n name) port(port string) string {
	s := n.namespace + "/" + n.name
	if port != "" {
		s += ":" + port
	}
	return s
}

// protocolName returns what iptables calls a protocol.
func protocolName(protocol uint8) string {
	switch protocol {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	}
	return "all"
}
