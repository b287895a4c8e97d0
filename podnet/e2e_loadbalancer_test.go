package podnet_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// The tests of LoadBalancers have no cloud here: the address is the one that the
// cloud would have given, and clients are Pods and nodes of the cluster.

var ingressIP = netip.MustParseAddr("198.51.100.7")

func toLoadBalancer(s *podnet.ServiceSpec) {
	s.Type, s.LoadBalancerIngress = podnet.ServiceTypeLoadBalancer, []string{ingressIP.String()}
}

// lbAffinity are the tests of session affinity, told of a client on a node.
func lbAffinity(policy podnet.ServiceTrafficPolicy, transition bool) func(w *world) {
	return in(twoNodes, func(w *world) {
		spec := podnet.ServiceSpec{Name: "lb-affinity", SessionAffinity: podnet.ServiceAffinityClientIP, ExternalTrafficPolicy: policy}
		toLoadBalancer(&spec)
		s, _ := w.serveHostname(spec, 3)
		client := w.apply(hostNetworked(agnhost("client", pause)))
		if !transition {
			w.affinity(client, at(ingressIP, 80), true)
			return
		}
		w.update(s, func(spec *podnet.ServiceSpec) {
			spec.SessionAffinity, spec.SessionAffinityConfig = podnet.ServiceAffinityNone, nil
		})
		w.affinity(client, at(ingressIP, 80), false)
		w.update(s, func(spec *podnet.ServiceSpec) { spec.SessionAffinity = podnet.ServiceAffinityClientIP })
		w.affinity(client, at(ingressIP, 80), true)
	})
}

// changesType goes through all types and ports of a Service.
func changesType(protocol podnet.Protocol) func(w *world) {
	return in(twoNodes, func(w *world) {
		kind := map[podnet.Protocol]string{podnet.ProtocolTCP: "http", podnet.ProtocolUDP: "udp"}[protocol]
		s := w.service(tcpService("mutability-test", podnet.ServicePort{Port: 80, Protocol: protocol}))
		pod := withLabels(agnhost("server", netexec{http: []int{80}, udp: []int{80}}.run), jig(s.Name()))
		server, exec := w.apply(pod), w.client("execpod")
		w.reachable(s, exec)

		w.update(s, func(spec *podnet.ServiceSpec) { spec.Type = podnet.ServiceTypeNodePort })
		nodePort := s.Spec().Ports[0].NodePort
		assert.NotZero(w, nodePort)
		w.reachable(s, exec)

		w.update(s, toLoadBalancer)
		assert.Equal(w, nodePort, s.Spec().Ports[0].NodePort)
		w.reachable(s, exec)
		w.says("server", kind, exec, at(ingressIP, 80), "hostname")

		w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports[0].NodePort = 32000 })
		assert.EqualValues(w, 32000, s.Spec().Ports[0].NodePort)
		w.says("server", kind, exec, at(w.nodeIP(0), 32000), "hostname")
		w.fails(kind, exec, at(w.nodeIP(0), nodePort))
		w.says("server", kind, exec, at(ingressIP, 80), "hostname")

		w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports[0].Port++; spec.Ports[0].TargetPort = podnet.Port(80) })
		assert.EqualValues(w, 32000, s.Spec().Ports[0].NodePort)
		w.says("server", kind, exec, at(ingressIP, 81), "hostname")
		w.fails(kind, exec, at(ingressIP, 80))

		require.NoError(w, server.Delete(w.Context()))
		w.fails(kind, exec, at(ingressIP, 81))
		w.apply(pod)
		w.says("server", kind, exec, at(ingressIP, 81), "hostname")

		w.update(s, func(spec *podnet.ServiceSpec) {
			spec.Type, spec.LoadBalancerIngress, spec.Ports[0].NodePort = podnet.ServiceTypeClusterIP, nil, 0
		})
		assert.Zero(w, s.Spec().Ports[0].NodePort)
		w.reachable(s, exec)
		w.fails(kind, exec, at(ingressIP, 81))
	})
}

var e2eLoadBalancers = []e2e{
	{"LoadBalancers [Feature:LoadBalancer] should be able to change the type and ports of a TCP service [Slow]", changesType(podnet.ProtocolTCP)},
	{"LoadBalancers [Feature:LoadBalancer] should be able to change the type and ports of a UDP service [Slow]", changesType(podnet.ProtocolUDP)},
	{"LoadBalancers [Feature:LoadBalancer] should only allow access from service loadbalancer source ranges [Slow]", in(twoNodes, func(w *world) {
		spec := tcpService("lb-sourcerange")
		toLoadBalancer(&spec)
		s := w.service(spec)
		w.apply(withLabels(agnhost("server", netexec{http: []int{80}}.run), jig(s.Name())))
		accept, drop := w.apply(onNode(agnhost("execpod-accept", pause), "node-1")), w.apply(onNode(agnhost("execpod-drop", pause), "node-2"))
		check := func(ranges []string, accepted, dropped bool) {
			w.Helper()
			w.update(s, func(spec *podnet.ServiceSpec) { spec.LoadBalancerSourceRanges = ranges })
			for p, ok := range map[*podnet.Pod]bool{accept: accepted, drop: dropped} {
				if ok {
					w.says("server", "http", p, at(ingressIP, 80), "hostname")
				} else {
					w.fails("http", p, at(ingressIP, 80))
				}
			}
		}
		check(nil, true, true)
		check([]string{accept.IP().String() + "/32", w.nodeIP(0).String() + "/32"}, true, false)
		check([]string{"0.0.0.0/1", "128.0.0.0/1"}, true, true)
		check([]string{"255.0.0.0/32"}, false, false)
		check([]string{}, true, true)
	})},
	{"LoadBalancers [Feature:LoadBalancer] should have session affinity work for LoadBalancer service with Local traffic policy [Slow] [LinuxOnly]", lbAffinity(podnet.ServiceTrafficPolicyLocal, false)},
	{"LoadBalancers [Feature:LoadBalancer] should be able to switch session affinity for LoadBalancer service with Local traffic policy [Slow] [LinuxOnly]", lbAffinity(podnet.ServiceTrafficPolicyLocal, true)},
	{"LoadBalancers [Feature:LoadBalancer] should have session affinity work for LoadBalancer service with Cluster traffic policy [Slow] [LinuxOnly]", lbAffinity(podnet.ServiceTrafficPolicyCluster, false)},
	{"LoadBalancers [Feature:LoadBalancer] should be able to switch session affinity for LoadBalancer service with Cluster traffic policy [Slow] [LinuxOnly]", lbAffinity(podnet.ServiceTrafficPolicyCluster, true)},
	{"LoadBalancers [Feature:LoadBalancer] should be able to create LoadBalancer Service without NodePort and change it [Slow]", in(twoNodes, func(w *world) {
		s := w.service(tcpService("reallocate-nodeport-test"))
		w.apply(withLabels(agnhost("server", netexec{http: []int{80}}.run), jig(s.Name())))
		client, allocate := w.client("client"), false
		w.update(s, func(spec *podnet.ServiceSpec) {
			toLoadBalancer(spec)
			spec.AllocateLoadBalancerNodePorts = &allocate
		})
		assert.Zero(w, s.Spec().Ports[0].NodePort)
		w.says("server", "http", client, at(ingressIP, 80), "hostname")
		yes := true
		w.update(s, func(spec *podnet.ServiceSpec) { spec.AllocateLoadBalancerNodePorts = &yes })
		assert.NotZero(w, s.Spec().Ports[0].NodePort)
		w.says("server", "http", client, at(ingressIP, 80), "hostname")
		w.says("server", "http", client, at(w.nodeIP(1), s.Spec().Ports[0].NodePort), "hostname")
	})},
	{"LoadBalancers [Feature:LoadBalancer] should be able to preserve UDP traffic when server pod cycles for a LoadBalancer service on different nodes", in(twoNodes, lbCycles("node-2"))},
	{"LoadBalancers [Feature:LoadBalancer] should be able to preserve UDP traffic when server pod cycles for a LoadBalancer service on the same nodes", in(twoNodes, lbCycles("node-1"))},
	{"LoadBalancers ExternalTrafficPolicy: Local [Feature:LoadBalancer] [Slow] should work from pods", in(twoNodes, func(w *world) {
		t := newPolicyTest(w, false, func(s *podnet.ServiceSpec) {
			toLoadBalancer(s)
			s.ExternalTrafficPolicy = podnet.ServiceTrafficPolicyLocal
		})
		assert.NotZero(w, t.service.Spec().HealthCheckNodePort)
		for _, client := range t.clients {
			assert.Equal(w, client.IP().String(), w.clientIP(client, at(ingressIP, 80)))
		}
	})},
	{"LoadBalancers ExternalTrafficPolicy: Local [Feature:LoadBalancer] [Slow] should target all nodes with endpoints", in(twoNodes, func(w *world) {
		spec := tcpService("external-local-update")
		toLoadBalancer(&spec)
		spec.ExternalTrafficPolicy = podnet.ServiceTrafficPolicyLocal
		s := w.service(spec)
		var pods []*podnet.Pod
		for i := range 2 {
			pods = append(pods, w.apply(onNode(withLabels(agnhost(fmt.Sprintf("server-%d", i), netexec{http: []int{80}}.run), jig(s.Name())), fmt.Sprintf("node-%d", i+1))))
		}
		w.dials("http", w.apply(hostNetworked(agnhost("client", pause))), at(ingressIP, 80), pods...)
	})},
	{"Service endpoints latency should not be very high [C]", in(twoNodes, func(w *world) {
		for i := range 200 {
			name := fmt.Sprintf("latency-svc-%d", i)
			s := w.service(tcpService(name))
			p := w.apply(withLabels(agnhost(name, pause), jig(name)))
			start := time.Now()
			require.NoError(w, p.WaitReady(w.Context()))
			assert.Equal(w, []string{name}, endpointPods(s, ""))
			assert.Less(w, time.Since(start), 20*time.Second)
			require.NoError(w, p.Delete(w.Context()))
			require.NoError(w, s.Delete(w.Context()))
		}
	})},
}

// lbCycles replaces the server of a load balancer that a client on a node sends
// to all the time.
func lbCycles(second string) func(w *world) {
	return func(w *world) {
		spec := udpService(80)
		toLoadBalancer(&spec)
		w.service(spec)
		w.apply(hostNetworked(w.prober("pod-client", "hostname", at(ingressIP, 80), time.Second)))
		one := w.apply(udpBackend("pod-server-1", "node-1"))
		assert.Equal(w, "pod-server-1", last(w.heard()))
		w.apply(udpBackend("pod-server-2", second))
		require.NoError(w, one.Delete(w.Context()))
		assert.Equal(w, "pod-server-2", last(w.heard()))
	}
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}
