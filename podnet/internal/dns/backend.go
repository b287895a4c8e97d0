package dns

import (
	"net/netip"
	"strings"
)

// A Backend knows the Services of a cluster. A query asks it a few times at
// most, so its methods should look things up, not search for them. They are
// called by several goroutines at once.
type Backend interface {
	// Service returns a Service by its names, which are in lower case.
	Service(namespace, name string) (Service, bool)
	// HasNamespace reports whether there is a namespace.
	HasNamespace(name string) bool
	// ServiceByIP returns the names of the Service that has a cluster IP.
	ServiceByIP(ip netip.Addr) (namespace, name string, ok bool)
	// EndpointsByIP returns the endpoints that have an address: one for each
	// Service that they belong to.
	EndpointsByIP(ip netip.Addr) []EndpointName
}

// Service is what the name server knows of a Service.
type Service struct {
	// ClusterIPs are its virtual addresses. A Service that has none and no
	// ExternalName is headless: its name stands for its endpoints.
	ClusterIPs []netip.Addr
	// ExternalName, if not empty, is the name that the Service is an alias of.
	ExternalName string
	// Ports are those of the cluster IPs.
	Ports []Port
	// Endpoints returns the endpoints that names stand for: the ready ones, or
	// all if the Service publishes those that are not. It may be nil for none.
	Endpoints func() []Endpoint
}

// Port is a port of a Service or an endpoint.
type Port struct {
	Name     string // "" for a port without a name
	Protocol string // TCP, UDP or SCTP
	Number   uint16
}

// Endpoint is where a Service leads to, as a rule a Pod.
type Endpoint struct {
	IPs      []netip.Addr
	Hostname string // "" for a name made of the IP
	Ports    []Port
}

// EndpointName is a name that an endpoint has in a Service.
type EndpointName struct {
	Namespace, Service string
	Hostname           string // "" for a name made of the IP
}

// label returns the first label of an endpoint's name: its hostname, or its
// address with dashes for the dots and colons.
func label(hostname string, ip netip.Addr) string {
	if hostname != "" {
		return hostname
	}
	if ip.Is4() {
		return strings.ReplaceAll(ip.String(), ".", "-")
	}
	dashed := strings.ReplaceAll(ip.String(), ":", "-")
	if strings.HasSuffix(dashed, "-") {
		dashed += "0" // a label may not end with a dash
	}
	return dashed
}

// addrOf returns the address that a Pod's name in the domain pod stands for, the
// zero Addr if it is none.
func addrOf(dashed string) netip.Addr {
	sep := ":"
	if strings.Count(dashed, "-") == 3 && !strings.Contains(dashed, "--") {
		sep = "."
	}
	addr, _ := netip.ParseAddr(strings.ReplaceAll(dashed, "-", sep))
	return addr.Unmap()
}
