package podnet

// ServiceSpec describes a Service: a name and, but for some types, an address
// that stand for the Pods that Selector selects. Its fields are named as in
// Kubernetes, and the zero value of each means what Kubernetes' default means.
//
// [Cluster.Apply] gives out what is not set: cluster addresses and node ports.
// [Service.Spec] shows it. When a Service is applied again, what is left out
// stays as it is, as with `kubectl apply`.
type ServiceSpec struct {
	Name        string            // required; a DNS label
	Namespace   string            // default "default"
	Labels      map[string]string // with service.kubernetes.io/service-proxy-name the nodes leave the Service to another proxy
	Annotations map[string]string

	Type ServiceType // default ServiceTypeClusterIP

	// Selector selects the Pods of the namespace that have all these labels.
	// Without one the Service has the endpoints of the EndpointSlices that
	// name it, and no others.
	Selector map[string]string

	// Ports is required, but for headless and ExternalName Services.
	Ports []ServicePort

	// ClusterIP is the Service's own address, ClusterIPNone for a headless
	// Service. The default is an address of [Config].ServiceCIDRs that is free.
	ClusterIP string

	// ClusterIPs are the addresses, at most one of each family; the first is
	// ClusterIP. The default is as many as IPFamilyPolicy says.
	ClusterIPs []string

	IPFamilies     []IPFamily     // default: the families of ClusterIPs, else that of the first of Config.ServiceCIDRs
	IPFamilyPolicy IPFamilyPolicy // default IPFamilyPolicySingleStack; of a headless Service without selector RequireDualStack

	ExternalName string // the DNS name that an ExternalName Service stands for

	// ExternalIPs are further addresses of the Service, which nobody gives out:
	// packets to them must find their way to a node.
	ExternalIPs []string

	SessionAffinity       ServiceAffinity        // default ServiceAffinityNone
	SessionAffinityConfig *SessionAffinityConfig // only of ServiceAffinityClientIP; default 3 hours

	InternalTrafficPolicy ServiceTrafficPolicy // for ClusterIP; default ServiceTrafficPolicyCluster
	ExternalTrafficPolicy ServiceTrafficPolicy // for node ports, ExternalIPs and load balancers; default ServiceTrafficPolicyCluster

	// PublishNotReadyAddresses makes every Pod with an address an endpoint that
	// counts as ready, as the peers of a StatefulSet want it.
	PublishNotReadyAddresses bool

	// TrafficDistribution prefers near endpoints: PreferSameNode, PreferSameZone
	// or its old name PreferClose. Nodes have no zones here, so only the first
	// makes a difference. The default prefers none.
	TrafficDistribution string

	// Of type LoadBalancer. There is no cloud that gives out an address:
	// LoadBalancerIngress, in Kubernetes a part of the status, has it.
	LoadBalancerIngress           []string // IP addresses
	LoadBalancerSourceRanges      []string // CIDRs that may connect to LoadBalancerIngress; default all
	LoadBalancerClass             string   // for the reader
	AllocateLoadBalancerNodePorts *bool    // default true
	HealthCheckNodePort           int32    // of ExternalTrafficPolicy Local; given out, but nobody listens there
}

// ServicePort is a port of a Service.
type ServicePort struct {
	Name        string      // a DNS label; required and unique if there are several ports
	Protocol    Protocol    // default ProtocolTCP
	Port        int32       // required; unique in the Service for a Protocol
	TargetPort  IntOrString // of the Pod, by number or by a container's name for it; default Port
	NodePort    int32       // of every node, there also at 127.0.0.1; from 30000 to 32767; default one that is free, if the type has them
	AppProtocol string      // what is spoken, for the reader; default nothing
}

// ServiceType says how a Service can be reached.
type ServiceType string

// The types of Kubernetes. The zero value means ServiceTypeClusterIP.
const (
	ServiceTypeClusterIP    ServiceType = "ClusterIP"    // at an address inside the cluster
	ServiceTypeNodePort     ServiceType = "NodePort"     // and at a port of every node
	ServiceTypeLoadBalancer ServiceType = "LoadBalancer" // and at the addresses of a load balancer
	ServiceTypeExternalName ServiceType = "ExternalName" // not at all: it is a DNS name for another
)

// ClusterIPNone is the ClusterIP of a headless Service: its name stands for the
// addresses of its endpoints.
const ClusterIPNone = "None"

// IPFamily is an address family.
type IPFamily string

// The address families of Kubernetes.
const (
	IPv4Protocol IPFamily = "IPv4"
	IPv6Protocol IPFamily = "IPv6"
)

// IPFamilyPolicy says how many address families a Service has.
type IPFamilyPolicy string

// The policies of Kubernetes. The zero value means IPFamilyPolicySingleStack.
const (
	IPFamilyPolicySingleStack      IPFamilyPolicy = "SingleStack"
	IPFamilyPolicyPreferDualStack  IPFamilyPolicy = "PreferDualStack"  // both if the cluster has both
	IPFamilyPolicyRequireDualStack IPFamilyPolicy = "RequireDualStack" // both, or it is an error
)

// ServiceAffinity says whether connections of one client go to one endpoint.
type ServiceAffinity string

// The affinities of Kubernetes. The zero value means ServiceAffinityNone.
const (
	ServiceAffinityNone     ServiceAffinity = "None"
	ServiceAffinityClientIP ServiceAffinity = "ClientIP" // those of one source address
)

// SessionAffinityConfig has the details of a [ServiceAffinity].
type SessionAffinityConfig struct {
	ClientIP *ClientIPConfig
}

// ClientIPConfig has the details of ServiceAffinityClientIP.
type ClientIPConfig struct {
	// TimeoutSeconds is how long a client is remembered after its latest
	// connection: 1 to 86400. The default is 10800, which is 3 hours.
	TimeoutSeconds *int32
}

// ServiceTrafficPolicy says to which endpoints connections go.
type ServiceTrafficPolicy string

// The traffic policies of Kubernetes. The zero value means
// ServiceTrafficPolicyCluster.
const (
	ServiceTrafficPolicyCluster ServiceTrafficPolicy = "Cluster" // all
	ServiceTrafficPolicyLocal   ServiceTrafficPolicy = "Local"   // those of the node, and no others
)

// The values of ServiceSpec.TrafficDistribution.
const (
	TrafficDistributionPreferSameNode = "PreferSameNode"
	TrafficDistributionPreferSameZone = "PreferSameZone"
	TrafficDistributionPreferClose    = "PreferClose" // the old name of PreferSameZone
)
