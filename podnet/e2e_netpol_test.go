package podnet_test

import (
	"net/netip"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

const (
	netpolTitle    = "Netpol NetworkPolicy between server and client "
	netpolUDPTitle = "Netpol [LinuxOnly] NetworkPolicy between server and client using UDP "
)

// netpol is a test of Kubernetes' own, with the Pods that it names. All of them
// listen on ports 80 and 81, TCP and UDP.
func netpol(title, pods string, run func(*truthTable)) e2e {
	return e2e{title, func(w *world) {
		run(&truthTable{grid: newGrid(w.T, pods, 80, 81)})
	}}
}

// truthTable is who should reach whom.
type truthTable struct {
	*grid
	no map[[2]int]bool // by the Pods' indexes; all others should
}

// all begins a table in which everybody reaches everybody.
func (t *truthTable) all() *truthTable {
	t.no = make(map[[2]int]bool)
	return t
}

// expect says whether some Pods reach others: those of a name "x/a", of a
// namespace "x", or all of them "".
func (t *truthTable) expect(from, to string, reaches bool) *truthTable {
	means := func(p *podnet.Pod, who string) bool {
		return who == "" || who == p.Namespace() || who == p.Namespace()+"/"+p.Name()
	}
	for i, p := range t.pods {
		for j, q := range t.pods {
			if means(p, from) && means(q, to) {
				t.no[[2]int{i, j}] = !reaches
			}
		}
	}
	return t
}

// validate connects everybody with everybody, over both families. Whatever is
// expected, a Pod reaches itself.
func (t *truthTable) validate(protocol podnet.Protocol, port uint16) {
	t.Helper()
	var probes []probe
	for _, p := range t.probes() {
		if p.protocol == protocol && p.port == port {
			probes = append(probes, p)
		}
	}
	if protocol == podnet.ProtocolTCP {
		probes = t.dial(probes)
	} else {
		probes = t.send(probes)
	}
	var wrong []string
	for _, p := range probes {
		i, j := t.index(p.from), t.index(p.to)
		if want := i == j || !t.no[[2]int{i, j}]; p.connected != want {
			wrong = append(wrong, p.String())
		}
	}
	assert.Empty(t, wrong, "should, and do not, or should not, and do")
}

func (t *truthTable) index(p *podnet.Pod) int { return t.pod(p.Namespace() + "/" + p.Name()) }

// tcp80 is what most tests ask for.
func (t *truthTable) tcp80() {
	t.Helper()
	t.validate(podnet.ProtocolTCP, 80)
}

// rules are of one direction of a policy.
type rules func(*podnet.NetworkPolicySpec)

func ingress(list ...podnet.NetworkPolicyIngressRule) rules {
	return func(s *podnet.NetworkPolicySpec) {
		s.PolicyTypes, s.Ingress = append(s.PolicyTypes, podnet.PolicyTypeIngress), list
	}
}

func egress(list ...podnet.NetworkPolicyEgressRule) rules {
	return func(s *podnet.NetworkPolicySpec) {
		s.PolicyTypes, s.Egress = append(s.PolicyTypes, podnet.PolicyTypeEgress), list
	}
}

// policy applies one: its name is namespace/name.
func (t *truthTable) policy(name string, selector podnet.LabelSelector, directions ...rules) {
	t.Helper()
	namespace, name, _ := strings.Cut(name, "/")
	s := podnet.NetworkPolicySpec{Name: name, Namespace: namespace, PodSelector: selector}
	for _, d := range directions {
		d(&s)
	}
	require.NoError(t, t.cluster.Apply(t.Context(), s))
}

// The selectors and peers of the tests.

func labeled(key, value string) podnet.LabelSelector {
	return podnet.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func expression(key string, op podnet.LabelSelectorOperator, values ...string) podnet.LabelSelector {
	return podnet.LabelSelector{MatchExpressions: []podnet.LabelSelectorRequirement{{Key: key, Operator: op, Values: values}}}
}

const (
	inValues    = podnet.LabelSelectorOpIn
	notInValues = podnet.LabelSelectorOpNotIn
)

var everyone, podA = podnet.LabelSelector{}, labeled("pod", "a")

func podPeer(s podnet.LabelSelector) podnet.NetworkPolicyPeer {
	return podnet.NetworkPolicyPeer{PodSelector: &s}
}

func namespacePeer(s podnet.LabelSelector) podnet.NetworkPolicyPeer {
	return podnet.NetworkPolicyPeer{NamespaceSelector: &s}
}

func bothPeer(namespaces, pods podnet.LabelSelector) podnet.NetworkPolicyPeer {
	return podnet.NetworkPolicyPeer{NamespaceSelector: &namespaces, PodSelector: &pods}
}

func blockPeer(cidr string, except ...string) podnet.NetworkPolicyPeer {
	return podnet.NetworkPolicyPeer{IPBlock: &podnet.IPBlock{CIDR: cidr, Except: except}}
}

func fromPeers(peers ...podnet.NetworkPolicyPeer) podnet.NetworkPolicyIngressRule {
	return podnet.NetworkPolicyIngressRule{From: peers}
}

func toPeers(peers ...podnet.NetworkPolicyPeer) podnet.NetworkPolicyEgressRule {
	return podnet.NetworkPolicyEgressRule{To: peers}
}

func policyPorts(protocol podnet.Protocol, port podnet.IntOrString) []podnet.NetworkPolicyPort {
	return []podnet.NetworkPolicyPort{{Protocol: protocol, Port: &port}}
}

func atPort(protocol podnet.Protocol, port podnet.IntOrString, peers ...podnet.NetworkPolicyPeer) podnet.NetworkPolicyIngressRule {
	return podnet.NetworkPolicyIngressRule{Ports: policyPorts(protocol, port), From: peers}
}

func toPort(port podnet.IntOrString) podnet.NetworkPolicyEgressRule {
	return podnet.NetworkPolicyEgressRule{Ports: policyPorts("", port)}
}

// blocks returns peers of the addresses of a Pod, one of each family: the real
// tests know of one family only. around makes it the /4 that has the address, and
// leaves the address itself out.
func (t *truthTable) blocks(pod string, around bool) (peers []podnet.NetworkPolicyPeer) {
	for _, a := range t.pods[t.pod(pod)].IPs() {
		itself := netip.PrefixFrom(a, a.BitLen()).String()
		if !around {
			peers = append(peers, blockPeer(itself))
			continue
		}
		large, err := a.Prefix(4)
		require.NoError(t, err)
		peers = append(peers, blockPeer(large.String(), itself))
	}
	return peers
}
