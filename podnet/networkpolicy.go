package podnet

import (
	"cmp"
	"maps"
	"slices"
)

// NetworkPolicySpec describes a NetworkPolicy: what may connect to some Pods of
// its namespace, and to what they may connect. Pods that no policy selects are
// open; policies add up, and none forbids what another allows. A Pod's own node,
// and the Pod itself, reach it whatever is said.
type NetworkPolicySpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	PodSelector LabelSelector // whom it is about; an empty one selects all Pods of the namespace

	// Ingress and Egress are the rules, of which one is enough. With none, a
	// direction of PolicyTypes is closed.
	Ingress []NetworkPolicyIngressRule
	Egress  []NetworkPolicyEgressRule

	// PolicyTypes are the directions that are closed but for the rules. The
	// default is Ingress, and Egress if there are rules for it.
	PolicyTypes []PolicyType
}

// PolicyType is a direction of connections.
type PolicyType string

// The directions of a NetworkPolicy, as seen from the Pods that it selects.
const (
	PolicyTypeIngress PolicyType = "Ingress"
	PolicyTypeEgress  PolicyType = "Egress"
)

// NetworkPolicyIngressRule allows connections from one of From to one of Ports.
// An empty list stands for all.
type NetworkPolicyIngressRule struct {
	Ports []NetworkPolicyPort
	From  []NetworkPolicyPeer
}

// NetworkPolicyEgressRule allows connections to one of To at one of Ports. An
// empty list stands for all.
type NetworkPolicyEgressRule struct {
	Ports []NetworkPolicyPort
	To    []NetworkPolicyPeer
}

// NetworkPolicyPort is a port of the destination, or several.
type NetworkPolicyPort struct {
	Protocol Protocol // default TCP

	// Port is a number, or the name of a port of the destination Pod, where
	// each Pod's own counts. nil means all ports of the protocol.
	Port    *IntOrString
	EndPort *int32 // makes a range of it; the last port of it
}

// NetworkPolicyPeer is who may be at the other end: an IPBlock, or else Pods. A
// Service is no peer; the Pods behind it are.
type NetworkPolicyPeer struct {
	// PodSelector selects Pods: of the policy's own namespace, or of those that
	// NamespaceSelector selects. nil selects all.
	PodSelector       *LabelSelector
	NamespaceSelector *LabelSelector
	IPBlock           *IPBlock
}

// IPBlock is a range of addresses with holes. It is held against the address
// that a packet has at the Pod: behind a Service, that of the Pod.
type IPBlock struct {
	CIDR   string   // "192.168.1.0/24" or "2001:db8::/64"
	Except []string // ranges within CIDR
}

const kindNetworkPolicy = "NetworkPolicy"

func (s NetworkPolicySpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s.withDefaults(), nil
}

// withDefaults returns a copy with Kubernetes' defaults.
func (s NetworkPolicySpec) withDefaults() NetworkPolicySpec {
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	if len(s.PolicyTypes) == 0 {
		s.PolicyTypes = []PolicyType{PolicyTypeIngress}
		if len(s.Egress) > 0 {
			s.PolicyTypes = append(s.PolicyTypes, PolicyTypeEgress)
		}
	}
	for _, r := range s.Ingress {
		setProtocols(r.Ports)
	}
	for _, r := range s.Egress {
		setProtocols(r.Ports)
	}
	return s
}

func setProtocols(ports []NetworkPolicyPort) {
	for i := range ports {
		ports[i].Protocol = cmp.Or(ports[i].Protocol, ProtocolTCP)
	}
}

func (s NetworkPolicySpec) id() objectID {
	return objectID{kindNetworkPolicy, s.Namespace, s.Name}
}

func (s NetworkPolicySpec) check(*Cluster) error { return nil }

func (s NetworkPolicySpec) apply(c *Cluster) error {
	if err := c.put(s); err != nil {
		return err
	}
	if l := c.config.Logger; l != nil {
		for _, w := range s.Warnings() {
			l.Warn(w, "networkpolicy", s.Namespace+"/"+s.Name)
		}
	}
	return nil
}

// stored and removed keep the policies that are enforced in step with those that
// there are. They run under the cluster's lock.
func (s NetworkPolicySpec) stored(c *Cluster)  { c.policies.SetPolicy(s.compile()) }
func (s NetworkPolicySpec) removed(c *Cluster) { c.policies.DeletePolicy(s.Namespace, s.Name) }

// NetworkPolicy returns the NetworkPolicy of a name, with its defaults, and false
// if there is none. An empty namespace is "default". What it holds must not be
// changed; Apply changes it.
func (c *Cluster) NetworkPolicy(namespace, name string) (NetworkPolicySpec, bool) {
	o, ok := c.find(objectID{kindNetworkPolicy, cmp.Or(namespace, "default"), name})
	s, _ := o.(NetworkPolicySpec)
	return s, ok
}

// NetworkPolicies returns the NetworkPolicies of all namespaces, by namespace and
// name.
func (c *Cluster) NetworkPolicies() []NetworkPolicySpec {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []NetworkPolicySpec
	for o := range maps.Values(c.objects) {
		if s, ok := o.(NetworkPolicySpec); ok {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b NetworkPolicySpec) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// DeleteNetworkPolicy deletes the NetworkPolicy of a name, and reports whether
// there was one. What it alone kept apart may connect at once.
func (c *Cluster) DeleteNetworkPolicy(namespace, name string) bool {
	return c.remove(objectID{kindNetworkPolicy, cmp.Or(namespace, "default"), name})
}
