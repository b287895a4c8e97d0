package podnet_test

import (
	"context"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// The ports of NetworkingTestConfig.
const (
	endpointHTTPPort = 8083
	endpointUDPPort  = 8081
	clusterHTTPPort  = 80
	clusterUDPPort   = 90
)

// netTest is the suite's NetworkingTestConfig: a server on every node with a node
// port Service and a sticky one, and a client in a Pod and one on a node.
type netTest struct {
	*world
	family int // which of two addresses is dialed

	endpoints         []*podnet.Pod
	client, host      *podnet.Pod
	nodePort, session *podnet.Service
}

var netTestSelector = map[string]string{"selector": "netserver"}

func newNetTest(w *world, family int, endpointsOnHost bool) *netTest {
	n := &netTest{world: w, family: family}
	spec := podnet.ServiceSpec{
		Name: "node-port-service", Type: podnet.ServiceTypeNodePort, Selector: netTestSelector, IPFamilyPolicy: podnet.IPFamilyPolicyPreferDualStack,
		Ports: []podnet.ServicePort{
			{Name: "http", Port: clusterHTTPPort, TargetPort: podnet.Port(endpointHTTPPort)},
			{Name: "udp", Port: clusterUDPPort, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(endpointUDPPort)},
		},
	}
	n.nodePort = w.service(spec)
	spec.Name, spec.SessionAffinity = "session-affinity-service", podnet.ServiceAffinityClientIP
	n.session = w.service(spec)
	for i, node := range w.cluster.Nodes() {
		p := onNode(withLabels(agnhost(fmt.Sprintf("netserver-%d", i), netexec{http: []int{endpointHTTPPort}, udp: []int{endpointUDPPort}}.run), netTestSelector), node.Name())
		p.HostNetwork = endpointsOnHost
		n.endpoints = append(n.endpoints, w.apply(p))
	}
	n.client = w.apply(agnhost("test-container-pod", pause))
	n.host = w.apply(hostNetworked(onNode(agnhost("host-test-container-pod", pause), "node-1")))
	return n
}

// to returns a Service's address and its port for a protocol.
func (n *netTest) to(s *podnet.Service, protocol string) string {
	return at(s.ClusterIPs()[n.family], map[string]int32{"http": clusterHTTPPort, "udp": clusterUDPPort}[protocol])
}

// toNode returns the first node's address and the Service's node port.
func (n *netTest) toNode(s *podnet.Service, protocol string) string {
	for _, p := range s.Spec().Ports {
		if p.Name == protocol {
			return at(n.cluster.Nodes()[0].IPs()[n.family], p.NodePort)
		}
	}
	n.Fatalf("no port %s", protocol)
	return ""
}

// both dials all endpoints through the cluster address and the node port.
func (n *netTest) both(protocol string, from *podnet.Pod) {
	n.Helper()
	n.dials(protocol, from, n.to(n.nodePort, protocol), n.endpoints...)
	n.dials(protocol, from, n.toNode(n.nodePort, protocol), n.endpoints...)
}

// large sends what does not fit into a packet, and wants it back.
func (n *netTest) large(protocol string) {
	n.Helper()
	message := strings.Repeat("42", 1000)
	if protocol == "udp" {
		message = "n" + strings.Repeat("o", 1999)
	}
	n.says(message, protocol, n.client, n.to(n.nodePort, protocol), "echo "+message)
}

// gone deletes the node port Service, and checks that its node port is closed.
func (n *netTest) gone(protocol string) {
	n.Helper()
	address := n.toNode(n.nodePort, protocol)
	n.dials(protocol, n.host, address, n.endpoints...)
	require.NoError(n, n.nodePort.Delete(n.Context()))
	for range 10 {
		n.fails(protocol, n.host, address)
	}
}

// sticky checks that one endpoint answers all the time.
func (n *netTest) sticky(protocol string) {
	n.Helper()
	seen := make(map[string]int)
	for range 10 { // SessionAffinityChecks
		name, err := n.ask(protocol, n.client, n.to(n.session, protocol), "hostname")
		require.NoError(n, err)
		seen[name]++
	}
	assert.Len(n, seen, 1)
}

// updates deletes an endpoint: the others answer.
func (n *netTest) updates(protocol string) {
	n.Helper()
	n.dials(protocol, n.client, n.to(n.nodePort, protocol), n.endpoints...)
	require.NoError(n, n.endpoints[0].Delete(n.Context()))
	n.dials(protocol, n.client, n.to(n.nodePort, protocol), n.endpoints[1:]...)
}

// onHosts is "should function for service endpoints using hostNetwork".
func onHosts(n *netTest) {
	for _, protocol := range []string{"http", "udp"} {
		n.both(protocol, n.client)
		n.both(protocol, n.host)
		n.large(protocol)
	}
}

// e2eGranular is "Granular Checks: Services", with the first or the second
// address family.
func e2eGranular(prefix string, family int) []e2e {
	row := func(title string, run func(*netTest)) e2e {
		return e2e{prefix + title, in(podnet.Config{Nodes: 3}, func(w *world) {
			run(newNetTest(w, family, title == "should function for service endpoints using hostNetwork"))
		})}
	}
	return []e2e{
		row("should function for pod-Service: http", func(n *netTest) { n.both("http", n.client) }),
		row("should function for pod-Service: udp", func(n *netTest) { n.both("udp", n.client) }),
		row("should function for node-Service: http", func(n *netTest) { n.both("http", n.host) }),
		row("should function for node-Service: udp", func(n *netTest) { n.both("udp", n.host) }),
		row("should function for endpoint-Service: http", func(n *netTest) { n.both("http", n.endpoints[0]) }),
		row("should function for endpoint-Service: udp", func(n *netTest) { n.both("udp", n.endpoints[0]) }),
		row("should update endpoints: http", func(n *netTest) { n.updates("http") }),
		row("should update endpoints: udp", func(n *netTest) { n.updates("udp") }),
		row("should function for client IP based session affinity: http [LinuxOnly]", func(n *netTest) { n.sticky("http") }),
		row("should function for client IP based session affinity: udp [LinuxOnly]", func(n *netTest) { n.sticky("udp") }),
		row("should be able to handle large requests: http", func(n *netTest) { n.large("http") }),
		row("should be able to handle large requests: udp", func(n *netTest) { n.large("udp") }),
		row("should function for service endpoints using hostNetwork", onHosts),
	}
}

// networking is a test of title with the first address family.
func networking(title string, run func(*netTest)) e2e {
	return e2e{title, in(podnet.Config{Nodes: 3}, func(w *world) { run(newNetTest(w, 0, false)) })}
}

var e2eNetworking = []e2e{
	networking("Networking Granular Checks: Pods should function for intra-pod communication: http [C]", func(n *netTest) {
		for _, p := range n.endpoints {
			n.dials("http", n.client, at(p.IP(), endpointHTTPPort), p)
		}
	}),
	networking("Networking Granular Checks: Pods should function for intra-pod communication: udp [C]", func(n *netTest) {
		for _, p := range n.endpoints {
			n.dials("udp", n.client, at(p.IP(), endpointUDPPort), p)
		}
	}),
	networking("Networking Granular Checks: Pods should function for node-pod communication: http [LinuxOnly] [C]", func(n *netTest) {
		for _, p := range n.endpoints {
			n.dials("http", n.host, at(p.IP(), endpointHTTPPort), p)
		}
	}),
	networking("Networking Granular Checks: Pods should function for node-pod communication: udp [LinuxOnly] [C]", func(n *netTest) {
		for _, p := range n.endpoints {
			n.dials("udp", n.host, at(p.IP(), endpointUDPPort), p)
		}
	}),
	networking("Networking Granular Checks: Services should function for multiple endpoint-Services with same selector", func(n *netTest) {
		spec := n.nodePort.Spec()
		second := n.service(podnet.ServiceSpec{
			Name: "second-node-port-service", Type: spec.Type, Selector: spec.Selector,
			Ports: []podnet.ServicePort{{Name: "http", Port: clusterHTTPPort, TargetPort: podnet.Port(endpointHTTPPort)}},
		})
		dial := func(s *podnet.Service) {
			n.dials("http", n.endpoints[0], n.to(s, "http"), n.endpoints...)
			n.dials("http", n.endpoints[0], n.toNode(s, "http"), n.endpoints...)
		}
		dial(n.nodePort)
		dial(second)
		require.NoError(n, n.nodePort.Delete(n.Context()))
		dial(second)
	}),
	networking("Networking Granular Checks: Services should update nodePort: http [Slow]", func(n *netTest) { n.gone("http") }),
	networking("Networking Granular Checks: Services should support basic nodePort: udp functionality", func(n *netTest) {
		n.dials("udp", n.host, n.toNode(n.nodePort, "udp"), n.endpoints...)
	}),
	networking("Networking Granular Checks: Services should update nodePort: udp [Slow]", func(n *netTest) { n.gone("udp") }),
	{"Networking should allow creating a Pod with an SCTP HostPort [LinuxOnly] [Serial]", in(podnet.Config{Nodes: 2}, func(w *world) {
		spec := onNode(agnhost("hostport", pause), "node-2")
		spec.Containers[0].Ports = []podnet.ContainerPort{{ContainerPort: 5060, HostPort: 5060, Protocol: podnet.ProtocolSCTP}}
		assert.Equal(w, "1/1 Running 0", columns(w.apply(spec)))
	})},
	{"NoSNAT Should be able to send traffic between Pods without SNAT", in(podnet.Config{Nodes: 3}, func(w *world) {
		var pods []*podnet.Pod
		for _, node := range w.cluster.Nodes() {
			pods = append(pods, w.apply(onNode(agnhost("no-snat-test-"+node.Name(), netexec{http: []int{8080}}.run), node.Name())))
		}
		for _, source := range pods {
			for _, target := range pods {
				if source != target {
					for i, ip := range target.IPs() {
						assert.Equal(w, source.IPs()[i].String(), w.clientIP(source, at(ip, 8080)))
					}
				}
			}
		}
	})},
	{"Connectivity Pod Lifecycle should be able to connect from a Pod to a terminating Pod", func(w *world) {
		spec := agnhost("webserver-pod", netexec{http: []int{80}, delayShutdown: 100 * time.Second}.run)
		spec.TerminationGracePeriodSeconds = seconds(100)
		server, client := w.apply(spec), w.client("pause-pod-1")
		w.says("webserver-pod", "http", client, at(server.IP(), 80), "hostname")
		w.delete(server)
		time.Sleep(15 * time.Second)
		assert.Equal(w, "1/1 Terminating 0", columns(server))
		w.says("webserver-pod", "http", client, at(server.IP(), 80), "hostname")
	}},
	{"Connectivity Pod Lifecycle should be able to connect to other Pod from a terminating Pod", func(w *world) {
		run := netexec{http: []int{80}, delayShutdown: 100 * time.Second}.run
		server, spec := w.apply(agnhost("webserver-pod", run)), agnhost("pause-pod-1", run)
		spec.TerminationGracePeriodSeconds = seconds(100)
		client := w.apply(spec)
		w.says("webserver-pod", "http", client, at(server.IP(), 80), "hostname")
		w.delete(client)
		time.Sleep(15 * time.Second)
		assert.Equal(w, "1/1 Terminating 0", columns(client))
		w.says("webserver-pod", "http", client, at(server.IP(), 80), "hostname")
	}},
	{"Connectivity Pod Lifecycle should be able to have zero downtime on a Blue Green deployment using Services and Readiness Gates", blueGreen},
}

// clientIP asks a netexec whom it sees.
func (w *world) clientIP(from *podnet.Pod, address string) string {
	w.Helper()
	peer, err := w.curl(from, address, "clientip")
	require.NoError(w, err, "from %s to %s", from.Name(), address)
	return strings.Trim(peer[:strings.LastIndexByte(peer, ':')], "[]")
}

func blueGreen(w *world) {
	const gate = "k8s.io/blue-green"
	labels := map[string]string{"testid": "blue-green-svc"}
	s := w.service(podnet.ServiceSpec{Name: "blue-green-svc", Selector: labels, Ports: []podnet.ServicePort{{Name: "http", Port: 80}}})
	pods := make(map[string]*podnet.Pod)
	for _, name := range []string{"blue-pod", "green-pod"} {
		spec := withLabels(agnhost(name, netexec{http: []int{80}, delayShutdown: 30 * time.Second}.run), labels)
		spec.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: gate}}
		pods[name] = w.apply(spec)
		assert.Equal(w, "1/1 Running 0", columns(pods[name]))
		assert.False(w, condition(pods[name], "Ready"))
	}
	client := w.client("client-pod-1")
	patch := func(name string, status bool) {
		require.NoError(w, pods[name].SetCondition(podnet.PodCondition{Type: gate, Status: status}))
		synctest.Wait()
		for _, e := range s.Endpoints() {
			if e.Pod == name {
				assert.Equal(w, status, e.Ready)
			}
		}
	}
	patch("blue-pod", true)
	for range 5 {
		w.says("blue-pod", "http", client, at(s.ClusterIP(), 80), "hostname")
	}
	// All the time until the end, somebody answers.
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, err := w.curl(client, at(s.ClusterIP(), 80), "hostname")
			assert.NoError(w, err)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	time.Sleep(time.Second)
	patch("green-pod", true)
	time.Sleep(time.Second)
	patch("blue-pod", false)
	for range 6 {
		w.says("green-pod", "http", client, at(s.ClusterIP(), 80), "hostname")
		time.Sleep(time.Second)
	}
	cancel()
	<-done
}
