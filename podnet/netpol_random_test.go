package podnet_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// TestRandomNetworkPolicies has random sets of policies, with new labels now and
// then, over nine Pods in three namespaces on two nodes: two thousand sets at full
// size. For all of them the cluster's verdicts about every Pod, every other and
// itself, three ports, TCP and UDP, IPv4 and IPv6 must be those of the oracle.
// Datagrams are sent for all of these, too, and must arrive or not; of TCP, which
// takes thirty times as long, a random thirtieth is dialled for each set.
func TestRandomNetworkPolicies(t *testing.T) {
	seeds, sets := uint64(2), 100 // two clusters, for two processors
	switch {
	case testing.Short():
		seeds, sets = 1, 20
	case *fullSize:
		sets = 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { randomPolicies(t, seed, sets) })
		})
	}
}

func randomPolicies(t *testing.T, seed uint64, sets int) {
	g := newGrid(t, "x/a x/b x/c y/a y/b y/c z/a z/b z/c", 80, 81, 82)
	r := &policyMaker{Rand: rand.New(rand.NewPCG(9+seed, 9)), grid: g}
	var allowed, denied int
	for n := range sets {
		if n%10 == 9 {
			r.relabel()
		}
		var objects []podnet.Object
		g.oracle.policies = r.policies()
		for _, p := range g.oracle.policies {
			objects = append(objects, p)
		}
		for _, p := range g.cluster.NetworkPolicies() {
			g.cluster.DeleteNetworkPolicy(p.Namespace, p.Name)
		}
		require.NoError(t, g.cluster.Apply(t.Context(), objects...))

		var tcp, udp []probe
		for _, p := range g.probes() {
			p.want = g.oracle.allowed(p.src(), p.dst, p.protocol, p.port)
			if p.want {
				allowed++
			} else {
				denied++
			}
			if v := g.cluster.AllowedAddr(p.src(), p.dst, p.protocol, p.port); v.Allowed != p.want {
				t.Fatalf("set %d: %s: the oracle says %v, podnet %s\n%s", n, p, p.want, v, describe(g.oracle.policies))
			}
			switch {
			case p.protocol == podnet.ProtocolUDP:
				udp = append(udp, p)
			case r.IntN(30) == 0:
				tcp = append(tcp, p)
			}
		}
		for _, p := range append(g.dial(tcp), g.send(udp)...) {
			if p.connected != p.want {
				t.Fatalf("set %d: %s: the oracle says %v, the packets %v\n%s", n, p, p.want, p.connected, describe(g.oracle.policies))
			}
		}
		time.Sleep(time.Minute) // and the nodes forget all connections
	}
	// That it is about something.
	require.Greater(t, allowed, sets*200)
	require.Greater(t, denied, sets*200)
}

// describe prints policies for a message.
func describe(policies []podnet.NetworkPolicySpec) string {
	text := ""
	for _, p := range policies {
		text += fmt.Sprintf("%s/%s %v %+v\n", p.Namespace, p.Name, p.PolicyTypes, p.PodSelector)
		for _, r := range p.Ingress {
			text += "  from " + describeRule(r.Ports, r.From)
		}
		for _, r := range p.Egress {
			text += "  to " + describeRule(r.Ports, r.To)
		}
	}
	return text
}

func describeRule(ports []podnet.NetworkPolicyPort, peers []podnet.NetworkPolicyPeer) string {
	text := ""
	for _, p := range peers {
		text += fmt.Sprintf("%+v %+v %+v; ", p.PodSelector, p.NamespaceSelector, p.IPBlock)
	}
	for _, p := range ports {
		text += fmt.Sprintf("%s %+v; ", p.Protocol, p.Port)
		if p.EndPort != nil {
			text += fmt.Sprintf("to %d; ", *p.EndPort)
		}
	}
	return text + "\n"
}

// policyMaker makes random policies about a grid.
type policyMaker struct {
	*rand.Rand
	grid *grid
}

func oneOf[T any](r *policyMaker, values ...T) T { return values[r.IntN(len(values))] }

func several[T any](r *policyMaker, most int, make func() T) []T {
	var list []T
	for range r.IntN(most + 1) {
		list = append(list, make())
	}
	return list
}

// policies returns a set of policies.
func (r *policyMaker) policies() []podnet.NetworkPolicySpec {
	n := 0
	return several(r, 5, func() podnet.NetworkPolicySpec {
		n++
		return podnet.NetworkPolicySpec{
			Name: fmt.Sprintf("p%d", n), Namespace: oneOf(r, "x", "y", "z"), PodSelector: r.podSelector(),
			PolicyTypes: oneOf(r, nil, nil, []podnet.PolicyType{"Ingress"}, []podnet.PolicyType{"Egress"}, []podnet.PolicyType{"Egress", "Ingress"}),
			Ingress: several(r, 2, func() podnet.NetworkPolicyIngressRule {
				return podnet.NetworkPolicyIngressRule{Ports: several(r, 2, r.port), From: several(r, 2, r.peer)}
			}),
			Egress: several(r, 2, func() podnet.NetworkPolicyEgressRule {
				return podnet.NetworkPolicyEgressRule{Ports: several(r, 2, r.port), To: several(r, 2, r.peer)}
			}),
		}
	})
}

func (r *policyMaker) port() podnet.NetworkPolicyPort {
	p := podnet.NetworkPolicyPort{Protocol: oneOf[podnet.Protocol](r, "", "TCP", "UDP", "UDP", "SCTP")}
	number := podnet.Port(oneOf[int32](r, 1, 80, 81, 82))
	name := podnet.PortName(oneOf(r, "web", "web", "serve-80-tcp", "serve-81-udp", "nothing"))
	switch r.IntN(4) {
	case 0:
		p.Port = &number
	case 1:
		last := number.IntVal + r.Int32N(3)
		p.Port, p.EndPort = &number, &last
	case 2:
		p.Port = &name
	}
	return p
}

func (r *policyMaker) peer() (p podnet.NetworkPolicyPeer) {
	pods, namespaces := r.podSelector(), r.namespaceSelector()
	switch r.IntN(5) {
	case 0:
		p.PodSelector = &pods
	case 1:
		p.NamespaceSelector = &namespaces
	case 2:
		p.PodSelector, p.NamespaceSelector = &pods, &namespaces
	default:
		p.IPBlock = r.block()
	}
	return p
}

// block returns a range about the address of a Pod, sometimes without it or
// another one's.
func (r *policyMaker) block() *podnet.IPBlock {
	address := func(v4 bool) netip.Addr {
		for {
			p := oneOf(r, r.grid.pods...)
			if a := oneOf(r, p.IPs()...); a.Is4() == v4 {
				return a
			}
		}
	}
	a := address(r.IntN(2) == 0)
	bits := a.BitLen() - oneOf(r, 0, 1, 2, 3, 8, 16)
	prefix, _ := a.Prefix(bits)
	b := &podnet.IPBlock{CIDR: prefix.String()}
	if hole := address(a.Is4()); bits < a.BitLen() && prefix.Contains(hole) && r.IntN(2) == 0 {
		without, _ := hole.Prefix(bits + 1 + r.IntN(a.BitLen()-bits))
		b.Except = []string{without.String()}
	}
	return b
}

func (r *policyMaker) podSelector() podnet.LabelSelector {
	return r.selector("pod", []string{"a", "b", "c"})
}

func (r *policyMaker) namespaceSelector() podnet.LabelSelector {
	return r.selector(oneOf(r, "ns", "kubernetes.io/metadata.name"), []string{"x", "y", "z"})
}

func (r *policyMaker) selector(key string, values []string) (s podnet.LabelSelector) {
	some := []string{oneOf(r, values...), oneOf(r, values...)}
	expression := func(op podnet.LabelSelectorOperator, key string, values ...string) {
		s.MatchExpressions = append(s.MatchExpressions, podnet.LabelSelectorRequirement{Key: key, Operator: op, Values: values})
	}
	switch r.IntN(7) {
	case 0, 1:
		s.MatchLabels = map[string]string{key: some[0]}
	case 2:
		expression(podnet.LabelSelectorOpIn, key, some...)
	case 3:
		expression(podnet.LabelSelectorOpNotIn, key, some...)
	case 4:
		expression(oneOf(r, podnet.LabelSelectorOpExists, podnet.LabelSelectorOpDoesNotExist), "color")
		expression(podnet.LabelSelectorOpNotIn, key, some[0])
	case 5:
		s.MatchLabels = map[string]string{"color": oneOf(r, "red", "blue")}
	}
	return s
}

// relabel gives a Pod and a namespace other labels.
func (r *policyMaker) relabel() {
	labels := func(key string, values ...string) map[string]string {
		l := map[string]string{key: oneOf(r, values...)}
		if r.IntN(2) == 0 {
			l["color"] = oneOf(r, "red", "blue")
		}
		return l
	}
	r.grid.labelPod(r.IntN(len(r.grid.pods)), labels("pod", "a", "b", "c"))
	r.grid.labelNamespace(oneOf(r, "x", "y", "z"), labels("ns", "x", "y", "z"))
}
