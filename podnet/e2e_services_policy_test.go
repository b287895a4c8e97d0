package podnet_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// policyTest is a Service with one server on the first node, and a client on
// each node.
type policyTest struct {
	*world
	service *podnet.Service
	server  *podnet.Pod
	clients []*podnet.Pod
}

func newPolicyTest(w *world, hostClients bool, change func(*podnet.ServiceSpec)) *policyTest {
	spec := tcpService("svc-proxy-terminating", podnet.ServicePort{Name: "http", Port: 80})
	change(&spec)
	t := &policyTest{world: w, service: w.service(spec)}
	pod := onNode(withLabels(agnhost("echo-hostname-0", netexec{http: []int{int(spec.Ports[0].Port)}, delayShutdown: 100 * time.Second}.run), jig(spec.Name)), "node-1")
	pod.TerminationGracePeriodSeconds = seconds(100)
	t.server = w.apply(pod)
	assert.Len(w, t.service.Endpoints(), 1)
	for i, node := range w.cluster.Nodes() {
		client := onNode(agnhost(fmt.Sprintf("pause-pod-%d", i), pause), node.Name())
		client.HostNetwork = hostClients
		t.clients = append(t.clients, w.apply(client))
	}
	return t
}

// answers checks from which client an address is answered, five times, with some
// seconds between them.
func (t *policyTest) answers(address string, want ...bool) {
	t.Helper()
	for range 5 {
		for i, client := range t.clients {
			if want[i] {
				t.says("echo-hostname-0", "http", client, address, "hostname")
			} else {
				t.fails("http", client, address)
			}
		}
		time.Sleep(5 * time.Second)
	}
}

func (t *policyTest) clusterAddress() string {
	return at(t.service.ClusterIP(), t.service.Spec().Ports[0].Port)
}

func (t *policyTest) nodeAddress(node int) string {
	return at(t.nodeIP(node), t.service.Spec().Ports[0].NodePort)
}

func internalLocal(s *podnet.ServiceSpec) {
	s.InternalTrafficPolicy = podnet.ServiceTrafficPolicyLocal
}

func externalLocal(s *podnet.ServiceSpec) {
	s.Type, s.ExternalTrafficPolicy = podnet.ServiceTypeNodePort, podnet.ServiceTrafficPolicyLocal
}

var e2eServicePolicies = []e2e{
	{"Services should respect internalTrafficPolicy=Local Pod to Pod", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, false, internalLocal)
		t.answers(t.clusterAddress(), true, false)
	})},
	{"Services should respect internalTrafficPolicy=Local Pod (hostNetwork: true) to Pod", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, true, func(s *podnet.ServiceSpec) {
			internalLocal(s)
			s.Ports[0].Port = 8000
		})
		t.answers(t.clusterAddress(), true, false)
	})},
	{"Services should respect internalTrafficPolicy=Local Pod and Node, to Pod (hostNetwork: true)", in(twoNodes, func(w *world) {
		spec := tcpService("svc-itp", podnet.ServicePort{Name: "http", Port: 80, TargetPort: podnet.Port(10180)})
		internalLocal(&spec)
		s := w.service(spec)
		server := onNode(hostNetworked(withLabels(agnhost("echo-hostname-0", netexec{http: []int{10180}, udp: []int{10180}}.run), jig(s.Name()))), "node-1")
		server.Containers[0].Env = []podnet.EnvVar{{Name: "NODE_NAME", ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}}
		w.apply(server)
		for i, host := range []bool{false, false, true, true} {
			client := onNode(agnhost(fmt.Sprintf("pause-pod-%d", i), pause), fmt.Sprintf("node-%d", 1+i%2))
			client.HostNetwork = host
			p := w.apply(client)
			for range 5 {
				if i%2 == 0 {
					w.says("node-1", "http", p, at(s.ClusterIP(), 80), "envvar NODE_NAME")
				} else {
					w.fails("http", p, at(s.ClusterIP(), 80))
				}
			}
		}
	})},
	{"Services should support externalTrafficPolicy=Local for type=NodePort", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, true, externalLocal)
		exec := t.clients[1]
		assert.Equal(w, exec.IP().String(), w.clientIP(exec, t.nodeAddress(0)))
	})},
	{"Services should fallback to terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Cluster", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, false, func(*podnet.ServiceSpec) {})
		w.delete(t.server)
		t.answers(t.clusterAddress(), true, true)
	})},
	{"Services should fallback to local terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Local", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, false, internalLocal)
		w.delete(t.server)
		t.answers(t.clusterAddress(), true, false)
	})},
	{"Services should fallback to terminating endpoints when there are no ready endpoints with externallTrafficPolicy=Cluster", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, false, func(s *podnet.ServiceSpec) { s.Type = podnet.ServiceTypeNodePort })
		w.delete(t.server)
		t.answers(t.nodeAddress(0), true, true)
	})},
	{"Services should fallback to local terminating endpoints when there are no ready endpoints with externalTrafficPolicy=Local", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, false, externalLocal)
		w.delete(t.server)
		// pause-pod-0 is on the first node: for it, the second one forwards.
		// That a node does not forward to another one shows from outside only,
		// and as in the real test from a Pod that is not masqueraded.
		t.answers(t.nodeAddress(0), true, true)
		t.fails("http", t.clients[0], t.nodeAddress(1))
	})},
	{"Traffic Distribution should route traffic to an endpoint on the same node when using PreferSameNode and fall back when the endpoint becomes unavailable", in(twoNodes, func(w *world) {
		spec := tcpService("traffic-dist-test-service", podnet.ServicePort{Port: 80, TargetPort: podnet.Port(9376)})
		spec.TrafficDistribution = podnet.TrafficDistributionPreferSameNode
		s := w.service(spec)
		server := func(name string, i int) *podnet.Pod {
			return w.apply(onNode(withLabels(agnhost(name, netexec{http: []int{9376}}.run), jig(s.Name())), fmt.Sprintf("node-%d", i+1)))
		}
		var servers, clients []*podnet.Pod
		for i := range 2 {
			servers = append(servers, server(fmt.Sprintf("server-%d", i), i))
			clients = append(clients, w.apply(onNode(agnhost(fmt.Sprintf("client-%d", i), pause), fmt.Sprintf("node-%d", i+1))))
		}
		check := func(first *podnet.Pod) {
			for range 10 {
				w.dials("http", clients[0], s.Name()+":80", first)
				w.dials("http", clients[1], s.Name()+":80", servers[1])
			}
		}
		check(servers[0])
		require.NoError(w, servers[0].Delete(w.Context()))
		check(servers[1])
		check(server("server-0-new", 0))
	})},
	{"LocalhostNodePorts should proxy localhost NodePort traffic to backends across nodes", in(twoNodes, func(w *world) {
		spec := tcpService("agnhost-localhost-nodeport", podnet.ServicePort{Port: 9000, TargetPort: podnet.Port(9376)})
		spec.Type = podnet.ServiceTypeNodePort
		s := w.service(spec)
		var pods []*podnet.Pod
		for _, node := range []string{"node-1", "node-2"} {
			pods = append(pods, w.apply(onNode(withLabels(agnhost("backend-"+node, netexec{http: []int{9376}}.run), jig(s.Name())), node)))
		}
		exec := w.apply(hostNetworked(onNode(agnhost("host-exec-pod", pause), "node-1")))
		w.dials("http", exec, at(localhost, s.Spec().Ports[0].NodePort), pods...)
	})},
	{"LocalhostNodePorts should honor sessionAffinity=ClientIP for localhost NodePort", in(twoNodes, func(w *world) {
		spec := tcpService("agnhost-sticky-localhost", podnet.ServicePort{Port: 9000, TargetPort: podnet.Port(9376)})
		spec.Type, spec.SessionAffinity = podnet.ServiceTypeNodePort, podnet.ServiceAffinityClientIP
		s := w.service(spec)
		for i := range 3 {
			w.apply(onNode(withLabels(agnhost(fmt.Sprintf("agnhost-sticky-localhost-%d", i), netexec{http: []int{9376}}.run), jig(s.Name())), "node-1"))
		}
		exec := w.apply(hostNetworked(onNode(agnhost("host-exec-pod", pause), "node-1")))
		w.affinity(exec, at(localhost, s.Spec().Ports[0].NodePort), true)
	})},
}

var localhost = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// affinity is checkAffinity: 15 answers in a row are those of one endpoint, or
// they are not.
func (w *world) affinity(from *podnet.Pod, address string, holds bool) {
	w.Helper()
	const confirm = 15
	var hosts []string
	for range 10 * confirm {
		name, err := w.ask("http", from, address, "hostname")
		require.NoError(w, err)
		hosts = append(hosts, name)
		if len(hosts) < confirm {
			continue
		}
		last := hosts[len(hosts)-confirm:]
		same := strings.Count(strings.Join(last, " ")+" ", last[0]+" ") == confirm
		if holds {
			require.True(w, same, "affinity should hold: %v", last)
			return
		}
		if !same {
			return
		}
	}
	assert.Fail(w, "affinity should not hold", hosts)
}

// affinityService is a Service with three Pods that binds clients to one of them,
// and where it is found: at a node, or at its own address.
func affinityService(w *world, typ podnet.ServiceType, timeout *int32) (s *podnet.Service, exec *podnet.Pod, address string) {
	spec := podnet.ServiceSpec{Name: "affinity", Type: typ, SessionAffinity: podnet.ServiceAffinityClientIP}
	if timeout != nil {
		spec.SessionAffinityConfig = &podnet.SessionAffinityConfig{ClientIP: &podnet.ClientIPConfig{TimeoutSeconds: timeout}}
	}
	s, _ = w.serveHostname(spec, 3)
	exec = w.client("execpod-affinity")
	w.reachable(s, exec)
	if typ == podnet.ServiceTypeNodePort {
		return s, exec, at(w.nodeIP(0), s.Spec().Ports[0].NodePort)
	}
	return s, exec, at(s.ClusterIP(), 80)
}

// e2eAffinity are the tests of session affinity.
func e2eAffinity() (list []e2e) {
	for _, tt := range []struct {
		typ  podnet.ServiceType
		name string
	}{{podnet.ServiceTypeClusterIP, "service with type clusterIP"}, {podnet.ServiceTypeNodePort, "NodePort service"}} {
		list = append(list,
			e2e{"Services should have session affinity work for " + tt.name + " [LinuxOnly] [C]", in(twoNodes, func(w *world) {
				_, exec, address := affinityService(w, tt.typ, nil)
				w.affinity(exec, address, true)
			})},
			e2e{"Services should have session affinity timeout work for " + tt.name + " [LinuxOnly]", in(twoNodes, func(w *world) {
				timeout := int32(125)
				_, exec, address := affinityService(w, tt.typ, &timeout)
				w.affinity(exec, address, true)
				hosts := make(map[string]bool)
				for range 10 {
					name, err := w.ask("http", exec, address, "hostname")
					require.NoError(w, err)
					if hosts[name] = true; len(hosts) > 1 {
						return
					}
					time.Sleep(time.Duration(timeout+5) * time.Second)
				}
				assert.Fail(w, "the session is sticky after its timeout")
			})},
			e2e{"Services should be able to switch session affinity for " + tt.name + " [LinuxOnly] [C]", in(twoNodes, func(w *world) {
				s, exec, address := affinityService(w, tt.typ, nil)
				w.update(s, func(spec *podnet.ServiceSpec) {
					spec.SessionAffinity, spec.SessionAffinityConfig = podnet.ServiceAffinityNone, nil
				})
				w.affinity(exec, address, false)
				w.update(s, func(spec *podnet.ServiceSpec) { spec.SessionAffinity = podnet.ServiceAffinityClientIP })
				w.affinity(exec, address, true)
			})})
	}
	return list
}
