package podnet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// TestRandomNetworkPolicies has random sets of policies, with new labels now and
// then, over nine Pods in three namespaces on two nodes: two thousand sets at full
// size. For all of them the cluster's verdicts about every Pod, every other and
// itself, three ports, TCP and UDP, IPv4 and IPv6 must be those of the oracle.
// Datagrams are sent for all of these, too, and must arrive or not; of TCP, which
// takes thirty times as long, a random thirtieth is dialled for each set.
func TestRandomNetworkPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrid(t, "x/a x/b x/c y/a y/b y/c z/a z/b z/c", 80, 81, 82)
		r := &policyMaker{Rand: rand.New(rand.NewPCG(9, 9)), grid: g}
		sets := 200
		if *fullSize {
			sets = 2000
		}
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
			if !policiesAreEnforced {
				continue
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
	})
}

// policiesAreEnforced says whether the nodes ask the policies. What needs that is
// skipped until they do.
const policiesAreEnforced = false

// grid is Pods that listen, on all ports with both protocols.
type grid struct {
	testing.TB
	cluster *podnet.Cluster
	pods    []*podnet.Pod
	oracle  *policyOracle // of the Pods; without policies
	ports   []uint16

	mu      sync.Mutex          // guards arrived
	arrived map[string]struct{} // payloads of datagrams
}

// newGrid makes Pods, called namespace/name, on two nodes. They and their
// namespaces have the labels of Kubernetes' own tests: pod and ns. Their ports
// are called serve-80-tcp and so on, and one is called web, for each name of a
// Pod another one.
func newGrid(tb testing.TB, pods string, ports ...uint16) *grid {
	c := podnettest.NewCluster(tb, podnet.Config{Nodes: 2})
	g := &grid{TB: tb, cluster: c, ports: ports, oracle: &policyOracle{namespaces: make(map[string]map[string]string)}, arrived: make(map[string]struct{})}
	for i := 0; i < len(pods); i += 4 {
		namespace, name := pods[i:i+1], pods[i+2:i+3]
		if g.oracle.namespaces[namespace] == nil {
			g.labelNamespace(namespace, map[string]string{"ns": namespace})
		}
		var list []podnet.ContainerPort
		for j, number := range ports {
			list = append(list,
				podnet.ContainerPort{Name: fmt.Sprintf("serve-%d-tcp", number), ContainerPort: number, Protocol: podnet.ProtocolTCP},
				podnet.ContainerPort{Name: fmt.Sprintf("serve-%d-udp", number), ContainerPort: number, Protocol: podnet.ProtocolUDP})
			if int(name[0]-'a')%len(ports) == j {
				list = append(list, podnet.ContainerPort{Name: "web", ContainerPort: number, Protocol: podnet.ProtocolTCP})
			}
		}
		spec := podnet.PodSpec{Name: name, Namespace: namespace, Labels: map[string]string{"pod": name}, Containers: []podnet.ContainerSpec{{Name: "server", Run: g.serve, Ports: list[:len(list)/2]}}}
		if half := list[len(list)/2:]; len(half) > 0 {
			spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: "other", Run: untilStopped, Ports: half})
		}
		p := podnettest.StartPod(tb, c, spec)
		g.pods = append(g.pods, p)
		g.oracle.pods = append(g.oracle.pods, oraclePod{namespace, spec.Labels, p.IPs(), list})
	}
	synctest.Wait() // all listen
	return g
}

// serve accepts connections, and writes down what datagrams say.
func (g *grid) serve(ctx context.Context, c *podnet.Container) error {
	for _, port := range g.ports {
		l, err := c.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go func() { // until the Pod ends, and its sockets with it
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
		k, err := c.ListenPacket("udp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go func() {
			for buf := make([]byte, 200); ; {
				n, _, err := k.ReadFrom(buf)
				if err != nil {
					return
				}
				g.mu.Lock()
				g.arrived[string(buf[:n])] = struct{}{}
				g.mu.Unlock()
			}
		}()
	}
	<-ctx.Done()
	return nil
}

// pod returns the index of a Pod.
func (g *grid) pod(name string) int {
	for i, p := range g.pods {
		if p.Namespace()+"/"+p.Name() == name {
			return i
		}
	}
	g.Fatalf("there is no Pod %s", name)
	return 0
}

// labelNamespace gives a namespace labels.
func (g *grid) labelNamespace(name string, labels map[string]string) {
	require.NoError(g, g.cluster.Apply(g.Context(), podnet.NamespaceSpec{Name: name, Labels: labels}))
	g.oracle.namespaces[name] = g.cluster.Namespace(name).Labels
}

// labelPod gives a Pod labels.
func (g *grid) labelPod(i int, labels map[string]string) {
	spec := g.pods[i].Spec()
	spec.Labels = labels
	require.NoError(g, g.cluster.Apply(g.Context(), spec))
	g.oracle.pods[i].labels = labels
}

// probe is a connection to try.
type probe struct {
	from, to  *podnet.Pod
	protocol  podnet.Protocol
	dst       netip.Addr // of to
	port      uint16
	want      bool // what should become of it
	connected bool
}

// src returns the address that from connects from.
func (p probe) src() netip.Addr {
	for _, a := range p.from.IPs() {
		if a.Is4() == p.dst.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

func (p probe) String() string {
	return fmt.Sprintf("%s %d from %s/%s to %s/%s at %s", p.protocol, p.port, p.from.Namespace(), p.from.Name(), p.to.Namespace(), p.to.Name(), p.dst)
}

// probes returns all that there is to try.
func (g *grid) probes() []probe {
	var list []probe
	for _, from := range g.pods {
		for _, to := range g.pods {
			for _, dst := range to.IPs() {
				for _, port := range g.ports {
					list = append(list, probe{from: from, to: to, protocol: podnet.ProtocolTCP, dst: dst, port: port}, probe{from: from, to: to, protocol: podnet.ProtocolUDP, dst: dst, port: port})
				}
			}
		}
	}
	return list
}

// dial tries TCP connections, all at once. What is not answered soon will not be:
// packets take no time.
func (g *grid) dial(probes []probe) []probe {
	ctx, cancel := context.WithTimeout(g.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for i := range probes {
		p := &probes[i]
		wg.Go(func() {
			conn, err := p.from.DialContext(ctx, "tcp", netip.AddrPortFrom(p.dst, p.port).String())
			if err == nil {
				conn.Close()
			}
			p.connected = err == nil
		})
	}
	wg.Wait()
	return probes
}

// send sends datagrams, all at once and each Pod's from one new socket, so that no
// node knows a connection of it.
func (g *grid) send(probes []probe) []probe {
	sockets := make(map[*podnet.Pod]net.PacketConn)
	for i, p := range probes {
		k := sockets[p.from]
		if k == nil {
			var err error
			k, err = p.from.ListenPacket("udp", ":0")
			require.NoError(g, err)
			defer k.Close()
			sockets[p.from] = k
		}
		_, err := k.WriteTo(fmt.Appendf(nil, "%d", i), net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.dst, p.port)))
		require.NoError(g, err)
	}
	time.Sleep(100 * time.Millisecond) // more than any link takes
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range probes {
		_, probes[i].connected = g.arrived[fmt.Sprint(i)]
	}
	clear(g.arrived)
	return probes
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
