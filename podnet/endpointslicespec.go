package podnet

// LabelServiceName is the label of an EndpointSlice that names its Service.
const LabelServiceName = "kubernetes.io/service-name"

// EndpointSliceSpec describes endpoints that somebody else than the cluster
// knows: those of a Service without selector, for the most part. The slices of
// Pods are made by the cluster; [Service.EndpointSlices] shows all.
type EndpointSliceSpec struct {
	Name        string            // required; a DNS subdomain
	Namespace   string            // default "default"
	Labels      map[string]string // LabelServiceName names the Service; without it the slice is of no use. With service.kubernetes.io/headless it is for DNS alone
	Annotations map[string]string

	AddressType AddressType // required; cannot be changed
	Endpoints   []EndpointSpec

	// Ports are those of each of Endpoints. They belong to the Service's ports
	// of the same names.
	Ports []EndpointPort
}

// AddressType says what the addresses of an EndpointSlice are.
type AddressType string

// The address types of Kubernetes.
const (
	AddressTypeIPv4 AddressType = "IPv4"
	AddressTypeIPv6 AddressType = "IPv6"
	AddressTypeFQDN AddressType = "FQDN" // allowed, and no use to anybody
)

// EndpointSpec is one endpoint of an EndpointSlice.
type EndpointSpec struct {
	Addresses  []string // at least one, of which only the first counts
	Conditions EndpointConditions
	Hostname   string // a DNS label: the endpoint's name below the Service's; default none
	NodeName   string // the node that it is on; default none
	Zone       string // for the reader
}

// EndpointConditions are the conditions of an endpoint.
type EndpointConditions struct {
	Ready       *bool // takes new connections; nil means true
	Serving     *bool // would, were it not Terminating; nil means true
	Terminating *bool // is about to end; nil means false
}

// EndpointPort is a port of an endpoint.
type EndpointPort struct {
	Name        string   // of the Service's port; empty if that has none
	Protocol    Protocol // default ProtocolTCP
	Port        int32    // where the endpoint listens; 0 in an EndpointSliceSpec for none
	AppProtocol string
}
