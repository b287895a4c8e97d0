package podnet_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// jig is a Service's selector, as the suite's TestJig makes it.
func jig(name string) map[string]string { return map[string]string{"testid": name} }

// tcpService is a Service with the jig's selector and a TCP port 80.
func tcpService(name string, ports ...podnet.ServicePort) podnet.ServiceSpec {
	if len(ports) == 0 {
		ports = []podnet.ServicePort{{Port: 80}}
	}
	return podnet.ServiceSpec{Name: name, Selector: jig(name), Ports: ports}
}

// servePods makes Pods of a jig that serve TCP and UDP on port 9376, as
// CreateServicePods does.
func (w *world) servePods(name string, replicas int) (pods []*podnet.Pod) {
	for i := range replicas {
		pods = append(pods, w.apply(withLabels(agnhost(fmt.Sprintf("%s-%d", name, i), netexec{http: []int{9376}, udp: []int{9376}}.run), jig(name))))
	}
	return pods
}

// serveHostname makes a Service and Pods behind it: StartServeHostnameService.
func (w *world) serveHostname(spec podnet.ServiceSpec, replicas int) (*podnet.Service, []*podnet.Pod) {
	w.Helper()
	spec.Selector, spec.Ports = jig(spec.Name), []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(9376)}}
	return w.service(spec), w.servePods(spec.Name, replicas)
}

// up checks from a Pod and from a node that a Service leads to all of some Pods.
func (w *world) up(s *podnet.Service, pods []*podnet.Pod) {
	w.Helper()
	w.dials("http", w.client("verify-service-up-exec-pod"), at(s.ClusterIP(), 80), pods...)
	w.dials("http", w.apply(hostNetworked(agnhost("verify-service-up-host-exec-pod", pause))), at(s.ClusterIP(), 80), pods...)
}

// down checks that a Service leads nowhere.
func (w *world) down(address string) {
	w.Helper()
	w.fails("http", w.apply(hostNetworked(agnhost("verify-service-down-host-exec-pod", pause))), address)
}

// withPort is a Pod that serves one port, which has a name.
func withPort(name string, labels map[string]string, portName string, port int) podnet.PodSpec {
	spec := withLabels(agnhost(name, netexec{http: []int{port}}.run), labels)
	spec.Containers[0].Ports = []podnet.ContainerPort{{Name: portName, ContainerPort: uint16(port)}}
	return spec
}

// sidecar is a Pod that serves port 8080 from a restartable init container.
func sidecar(labels map[string]string) podnet.PodSpec {
	spec := withLabels(agnhost("sidecar-port", pause), labels)
	spec.InitContainers = []podnet.ContainerSpec{{
		Name: "init", RestartPolicy: always, Run: netexec{http: []int{8080}}.run,
		Ports: []podnet.ContainerPort{{Name: "http-sidecar", ContainerPort: 8080}},
	}}
	return spec
}

var twoNodes = podnet.Config{Nodes: 2}

var e2eServices = []e2e{
	{"Services should serve a basic endpoint from pods [C]", in(twoNodes, func(w *world) {
		s := w.service(tcpService("endpoint-test2"))
		assert.Empty(w, s.Endpoints())
		p1 := w.apply(withLabels(agnhost("pod1", netexec{http: []int{80}}.run), jig("endpoint-test2")))
		assert.Equal(w, []string{"pod1"}, endpointPods(s, ""))
		exec := w.client("execpod")
		w.reachable(s, exec)
		p2 := w.apply(withLabels(agnhost("pod2", netexec{http: []int{80}}.run), jig("endpoint-test2")))
		assert.Equal(w, []string{"pod1", "pod2"}, endpointPods(s, ""))
		w.reachable(s, exec)
		require.NoError(w, p1.Delete(w.Context()))
		assert.Equal(w, []string{"pod2"}, endpointPods(s, ""))
		w.reachable(s, exec)
		require.NoError(w, p2.Delete(w.Context()))
		assert.Empty(w, s.Endpoints())
	})},
	{"Services should serve multiport endpoints from pods [C]", in(twoNodes, func(w *world) {
		s := w.service(tcpService("multi-endpoint-test", podnet.ServicePort{Name: "portname1", Port: 80, TargetPort: podnet.PortName("svc1")}, podnet.ServicePort{Name: "portname2", Port: 81, TargetPort: podnet.PortName("svc2")}))
		p1 := w.apply(withPort("pod1", jig(s.Name()), "svc1", 100))
		assert.Equal(w, []string{"portname1: pod1:100"}, endpointPorts(s))
		p2 := w.apply(withPort("pod2", jig(s.Name()), "svc2", 101))
		assert.Equal(w, []string{"portname1: pod1:100", "portname2: pod2:101"}, endpointPorts(s))
		w.reachable(s, w.client("execpod"))
		require.NoError(w, p1.Delete(w.Context()))
		assert.Equal(w, []string{"portname2: pod2:101"}, endpointPorts(s))
		require.NoError(w, p2.Delete(w.Context()))
		assert.Empty(w, endpointPorts(s))
	})},
	{"Services should be updated after adding or deleting ports", in(twoNodes, func(w *world) {
		one, two := podnet.ServicePort{Name: "portname1", Port: 80, TargetPort: podnet.PortName("svc1")}, podnet.ServicePort{Name: "portname2", Port: 81, TargetPort: podnet.PortName("svc2")}
		s := w.service(tcpService("edit-port-test", one))
		w.apply(withPort("pod1", jig(s.Name()), "svc1", 100))
		assert.Equal(w, []string{"portname1: pod1:100"}, endpointPorts(s))
		exec := w.client("execpod")
		w.reachable(s, exec)
		w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports = []podnet.ServicePort{one, two} })
		w.apply(withPort("pod2", jig(s.Name()), "svc2", 101))
		assert.Equal(w, []string{"portname1: pod1:100", "portname2: pod2:101"}, endpointPorts(s))
		w.reachable(s, exec)
		w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports = []podnet.ServicePort{one} })
		assert.Equal(w, []string{"portname1: pod1:100"}, endpointPorts(s))
		w.reachable(s, exec)
		w.fails("http", exec, at(s.ClusterIP(), 81))
	})},
	{"Services should preserve source pod IP for traffic thru service cluster IP [LinuxOnly]", in(twoNodes, func(w *world) {
		s := w.service(tcpService("sourceip-test", podnet.ServicePort{Port: 8080}))
		w.apply(withLabels(agnhost("echo-sourceip", netexec{http: []int{8080}}.run), jig(s.Name())))
		for _, node := range []string{"node-1", "node-2"} {
			p := w.apply(onNode(agnhost("pause-pod-"+node, pause), node))
			assert.Equal(w, p.IP().String(), w.clientIP(p, at(s.ClusterIP(), 8080)))
		}
	})},
	{"Services should allow pods to hairpin back to themselves through services", func(w *world) {
		s := w.service(tcpService("hairpin-test", podnet.ServicePort{Port: 8080}))
		p := w.apply(withLabels(agnhost("hairpin", netexec{http: []int{8080}}.run), jig(s.Name())))
		w.reachable(s, p)
		assert.Equal(w, "10.244.0.1", w.clientIP(p, at(s.ClusterIP(), 8080)), "the node's")
	}},
	{"Services should be able to up and down services", in(twoNodes, func(w *world) {
		s1, pods1 := w.serveHostname(podnet.ServiceSpec{Name: "up-down-1"}, 3)
		s2, pods2 := w.serveHostname(podnet.ServiceSpec{Name: "up-down-2"}, 3)
		w.up(s1, pods1)
		w.up(s2, pods2)
		for _, p := range pods1 {
			require.NoError(w, p.Delete(w.Context()))
		}
		require.NoError(w, s1.Delete(w.Context()))
		w.down(at(s1.ClusterIP(), 80))
		w.up(s2, pods2)
		s3, pods3 := w.serveHostname(podnet.ServiceSpec{Name: "up-down-3"}, 3)
		assert.NotEqual(w, s2.ClusterIP(), s3.ClusterIP())
		w.up(s2, pods2)
		w.up(s3, pods3)
	})},
	{"Services should work after the service has been recreated", in(twoNodes, func(w *world) {
		s, pods := w.serveHostname(podnet.ServiceSpec{Name: "service-deletion"}, 1)
		w.up(s, pods)
		old := at(s.ClusterIP(), 80)
		require.NoError(w, s.Delete(w.Context()))
		assert.Nil(w, w.cluster.Service("", "service-deletion"))
		w.down(old)
		w.up(w.service(tcpService("service-deletion", podnet.ServicePort{Port: 80, TargetPort: podnet.Port(9376)})), pods)
	})},
	{"Services should be able to create a functioning NodePort service [C]", in(twoNodes, func(w *world) {
		spec := tcpService("nodeport-test", podnet.ServicePort{Name: "http", Port: 80, TargetPort: podnet.Port(9376)})
		spec.Type = podnet.ServiceTypeNodePort
		s := w.service(spec)
		w.servePods(s.Name(), 2)
		w.reachable(s, w.client("execpod"))
	})},
	{"Services should be possible to connect to a service via ExternalIP when the external IP is not assigned to a node", in(twoNodes, func(w *world) {
		spec := tcpService("externalip-test", podnet.ServicePort{Name: "http", Port: 80, TargetPort: podnet.Port(9376)})
		spec.ExternalIPs = []string{"203.0.113.250"}
		s := w.service(spec)
		w.servePods(s.Name(), 2)
		w.reachable(s, w.client("execpod"))
	})},
	{"Services should be able to update service type to NodePort listening on same port number but different protocols", in(twoNodes, func(w *world) {
		s := w.service(tcpService("nodeport-update-service"))
		tcp := podnet.ServicePort{Name: "tcp-port", Port: 80, TargetPort: podnet.Port(9376)}
		udp := podnet.ServicePort{Name: "udp-port", Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(9376)}
		w.update(s, func(spec *podnet.ServiceSpec) {
			spec.Type, spec.Ports = podnet.ServiceTypeNodePort, []podnet.ServicePort{tcp}
		})
		w.servePods(s.Name(), 2)
		exec := w.client("execpod")
		w.reachable(s, exec)
		w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports = []podnet.ServicePort{tcp, udp} })
		w.reachable(s, exec)
		require.Len(w, s.Spec().Ports, 2)
		for _, p := range s.Spec().Ports {
			assert.NotZero(w, p.NodePort)
		}
	})},
	{"Services should be able to change the type from ExternalName to ClusterIP [C]", in(twoNodes, func(w *world) { fromExternalName(w, podnet.ServiceTypeClusterIP) })},
	{"Services should be able to change the type from ExternalName to NodePort [C]", in(twoNodes, func(w *world) { fromExternalName(w, podnet.ServiceTypeNodePort) })},
	{"Services should be able to change the type from ClusterIP to ExternalName [C]", in(twoNodes, func(w *world) { toExternalName(w, podnet.ServiceTypeClusterIP) })},
	{"Services should be able to change the type from NodePort to ExternalName [C]", in(twoNodes, func(w *world) { toExternalName(w, podnet.ServiceTypeNodePort) })},
	{"Services should prevent NodePort collisions", func(w *world) {
		spec := tcpService("nodeport-collision-1")
		spec.Type = podnet.ServiceTypeNodePort
		s := w.service(spec)
		port := s.Spec().Ports[0].NodePort
		assert.NotZero(w, port)
		spec.Name, spec.Ports = "nodeport-collision-2", []podnet.ServicePort{{Port: 80, NodePort: port}}
		assert.EqualError(w, w.cluster.Apply(w.Context(), spec), fmt.Sprintf(`Service "nodeport-collision-2" is invalid: spec.ports[0].nodePort: Invalid value: %d: provided port is already allocated`, port))
		require.NoError(w, s.Delete(w.Context()))
		w.service(spec)
	}},
	{"Services should check NodePort out-of-range", func(w *world) {
		spec := tcpService("nodeport-range-test")
		spec.Type = podnet.ServiceTypeNodePort
		s := w.service(spec)
		port := s.Spec().Ports[0].NodePort
		assert.True(w, port >= 30000 && port <= 32767, port)
		outside := 1 + rand.Int32N(29999)
		spec.Ports = []podnet.ServicePort{{Port: 80, NodePort: outside}}
		want := fmt.Sprintf(`Service "nodeport-range-test" is invalid: spec.ports[0].nodePort: Invalid value: %d: provided port is not in the valid range. The range of valid ports is 30000-32767`, outside)
		assert.EqualError(w, w.cluster.Apply(w.Context(), spec), want)
		assert.Equal(w, port, s.Spec().Ports[0].NodePort)
		require.NoError(w, s.Delete(w.Context()))
		assert.EqualError(w, w.cluster.Apply(w.Context(), spec), want)
	}},
	{"Services should release NodePorts on delete", func(w *world) {
		spec := tcpService("nodeport-reuse", podnet.ServicePort{Port: 80, NodePort: 30080})
		spec.Type = podnet.ServiceTypeNodePort
		s := w.service(spec)
		require.NoError(w, s.Delete(w.Context()))
		assert.ErrorIs(w, w.fails("http", w.apply(hostNetworked(agnhost("hostexec", pause))), at(w.nodeIP(0), 30080)), syscall.ECONNREFUSED)
		w.service(spec)
	}},
	{"Services should create endpoints for unready pods", in(twoNodes, func(w *world) {
		spec := tcpService("tolerate-unready", podnet.ServicePort{Name: "http", Port: 80})
		spec.PublishNotReadyAddresses = true
		s := w.service(spec)
		server := withLabels(agnhost("slow-terminating-unready-pod", netexec{http: []int{80}}.run), jig(s.Name()))
		server.TerminationGracePeriodSeconds = seconds(100)
		server.Containers[0].ReadinessProbe = &podnet.Probe{Exec: action(succeeds(func() bool { return false }))}
		server.Containers[0].Lifecycle = &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 100}}}
		p := w.apply(server)
		exec, name := w.client("execpod"), "tolerate-unready.default.svc.cluster.local:80"
		tolerate := func(yes bool) {
			w.update(s, func(spec *podnet.ServiceSpec) { spec.PublishNotReadyAddresses = yes })
		}
		w.says(p.Name(), "http", exec, name, "hostname")
		w.delete(p)
		tolerate(false)
		w.fails("http", exec, name)
		tolerate(true)
		w.says(p.Name(), "http", exec, name, "hostname")
	})},
	{"Services should be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is true", in(twoNodes, func(w *world) {
		s, exec := terminating(w, true)
		for range 5 {
			for _, address := range nodePorts(w, s) {
				w.says("webserver-pod", "http", exec, address, "hostname")
			}
			time.Sleep(5 * time.Second)
		}
	})},
	{"Services should not be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is false", in(twoNodes, func(w *world) {
		s, exec := terminating(w, false)
		for range 5 {
			for _, address := range nodePorts(w, s) {
				assert.ErrorIs(w, w.fails("http", exec, address), syscall.ECONNREFUSED)
			}
			time.Sleep(5 * time.Second)
		}
	})},
	{"Services should implement service.kubernetes.io/service-proxy-name", in(twoNodes, func(w *world) {
		other := map[string]string{"service.kubernetes.io/service-proxy-name": "foo-bar"}
		disabled, _ := w.serveHostname(podnet.ServiceSpec{Name: "service-proxy-disabled", Labels: other}, 3)
		toggled, pods := w.serveHostname(podnet.ServiceSpec{Name: "service-proxy-toggled"}, 3)
		w.up(toggled, pods)
		w.down(at(disabled.ClusterIP(), 80))
		w.update(toggled, func(spec *podnet.ServiceSpec) { spec.Labels = other })
		w.down(at(toggled.ClusterIP(), 80))
		w.update(toggled, func(spec *podnet.ServiceSpec) { spec.Labels = map[string]string{} })
		w.up(toggled, pods)
		w.down(at(disabled.ClusterIP(), 80))
	})},
	{"Services should implement service.kubernetes.io/headless", in(twoNodes, func(w *world) {
		s := w.service(podnet.ServiceSpec{Name: "example-custom-endpoints", Ports: []podnet.ServicePort{{Name: "port80", Port: 80}}})
		p := w.apply(agnhost("pod-handle-http-request", netexec{http: []int{8090}}.run))
		slice := customSlice("e2e-custom-slice", s.Name(), "port80", 8090, p)
		require.NoError(w, w.cluster.Apply(w.Context(), slice))
		client := w.client("client-pod")
		w.says(p.Name(), "http", client, at(s.ClusterIP(), 80), "hostname")
		slice.Labels["service.kubernetes.io/headless"] = ""
		require.NoError(w, w.cluster.Apply(w.Context(), slice))
		w.fails("http", client, at(s.ClusterIP(), 80))
	})},
	{"Services should be rejected when no endpoints exist", in(twoNodes, func(w *world) {
		w.service(tcpService("no-pods"))
		assert.ErrorIs(w, w.fails("http", w.apply(onNode(agnhost("execpod-noendpoints", pause), "node-1")), "no-pods:80"), syscall.ECONNREFUSED)
	})},
	{"Services should be rejected for evicted pods (no endpoints exist)", in(twoNodes, func(w *world) {
		// Nobody is evicted for what it writes here; a Pod that has failed is
		// no endpoint all the same.
		spec := tcpService("evicted-pods")
		spec.PublishNotReadyAddresses = true
		s := w.service(spec)
		pod := withLabels(agnhost("evicted-pod", exits(1, 10*time.Second)), jig(s.Name()))
		pod.RestartPolicy = podnet.RestartPolicyNever
		w.apply(pod)
		assert.Len(w, s.Endpoints(), 1)
		time.Sleep(11 * time.Second)
		assert.Empty(w, s.Endpoints())
		assert.ErrorIs(w, w.fails("http", w.apply(onNode(agnhost("execpod-evictedpods", pause), "node-1")), "evicted-pods:80"), syscall.ECONNREFUSED)
	})},
	{"Services should find a service from listing all namespaces [C]", func(w *world) {
		assert.True(w, slices.ContainsFunc(w.cluster.Services(), func(s *podnet.Service) bool { return s.Name() == "kubernetes" && s.Namespace() == "default" }))
	}},
	{"Services should delete a collection of services [C]", func(w *world) {
		before := len(w.cluster.Services())
		for i, label := range []string{"delete", "delete", "keep"} {
			spec := tcpService("e2e-svc-"+string(rune('a'+i)), podnet.ServicePort{Name: "http", Port: int32(8001 + i)})
			spec.Labels = map[string]string{"e2e-test-service": label}
			w.service(spec)
		}
		assert.Len(w, w.cluster.Services(), before+3)
		for _, s := range w.cluster.Services() {
			if s.Spec().Labels["e2e-test-service"] == "delete" {
				require.NoError(w, s.Delete(w.Context()))
			}
		}
		assert.Len(w, w.cluster.Services(), before+1)
		assert.NotNil(w, w.cluster.Service("", "e2e-svc-c"))
	}},
	{"Services should serve endpoints on same port and different protocols [C]", in(twoNodes, func(w *world) {
		tcp := podnet.ServicePort{Name: "tcp-port", Port: 80}
		udp := podnet.ServicePort{Name: "udp-port", Port: 80, Protocol: podnet.ProtocolUDP}
		s := w.service(tcpService("multiprotocol-test", tcp, udp))
		w.apply(withLabels(agnhost("pod1", netexec{http: []int{80}, udp: []int{80}}.run), jig(s.Name())))
		assert.Equal(w, []string{"tcp-port: pod1:80", "udp-port: pod1:80"}, endpointPorts(s))
		exec := w.client("execpod")
		w.reachable(s, exec)
		for protocol, ports := range map[string][]podnet.ServicePort{"http": {tcp}, "udp": {udp}} {
			w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports = ports })
			w.reachable(s, exec)
			w.fails(map[string]string{"http": "udp", "udp": "http"}[protocol], exec, at(s.ClusterIP(), 80))
		}
	})},
	{"Services should serve endpoints on same port and different protocol for internal traffic on Type LoadBalancer", in(twoNodes, func(w *world) {
		spec := tcpService("multiprotocol-lb-test", podnet.ServicePort{Name: "portname1", Port: 80, TargetPort: podnet.PortName("svc1")}, podnet.ServicePort{Name: "portname2", Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.PortName("svc2")})
		spec.Type = podnet.ServiceTypeLoadBalancer
		s := w.service(spec)
		pod := withLabels(agnhost("pod1", netexec{http: []int{100}, udp: []int{100}}.run), jig(s.Name()))
		pod.Containers[0].Ports = []podnet.ContainerPort{{Name: "svc1", ContainerPort: 100}, {Name: "svc2", ContainerPort: 100, Protocol: podnet.ProtocolUDP}}
		w.apply(pod)
		assert.Equal(w, []string{"portname1: pod1:100", "portname2: pod1:100"}, endpointPorts(s))
		w.reachable(s, w.client("execpod"))
	})},
	{"Services should allow creating a basic SCTP service with pod and endpoints [LinuxOnly] [Serial]", func(w *world) {
		s := w.service(tcpService("sctp-endpoint-test", podnet.ServicePort{Port: 5060, Protocol: podnet.ProtocolSCTP}))
		assert.Empty(w, s.Endpoints())
		pod := withLabels(agnhost("pod1", pause), jig(s.Name()))
		pod.Containers[0].Ports = []podnet.ContainerPort{{ContainerPort: 5060, Protocol: podnet.ProtocolSCTP}}
		p := w.apply(pod)
		assert.Equal(w, []string{": pod1:5060"}, endpointPorts(s))
		require.NoError(w, p.Delete(w.Context()))
		assert.Empty(w, s.Endpoints())
	}},
	{"Services should connect to the ports exposed by restartable init containers", func(w *world) {
		w.apply(sidecar(jig("sidecar-with-port")))
		s := w.service(tcpService("sidecar-with-port", podnet.ServicePort{Name: "http-sidecar", Port: 8080, TargetPort: podnet.Port(8080)}))
		w.says("sidecar-port", "http", w.client("execpod"), at(s.ClusterIP(), 8080), "hostname")
	}},
	{"Services should connect to the named ports exposed by restartable init containers", func(w *world) {
		w.apply(sidecar(jig("sidecar-with-named-port")))
		s := w.service(tcpService("sidecar-with-named-port", podnet.ServicePort{Name: "http-sidecar", Port: 8080, TargetPort: podnet.PortName("http-sidecar")}))
		w.says("sidecar-port", "http", w.client("execpod"), at(s.ClusterIP(), 8080), "hostname")
	}},
	{"Services should support named targetPorts that resolve to different ports on different endpoints", in(twoNodes, func(w *world) {
		labels := jig("mutable-named-port")
		pods := []*podnet.Pod{w.apply(withPort("testpod0", labels, "mutable-port", 8080)), w.apply(withPort("testpod1", labels, "mutable-port", 8080))}
		s := w.service(tcpService("mutable-named-port", podnet.ServicePort{Name: "mutable-named-port", Port: 8001, TargetPort: podnet.PortName("mutable-port")}))
		exec := w.client("execpod")
		w.dials("http", exec, at(s.ClusterIP(), 8001), pods...)
		for i, name := range []string{"testpod2", "testpod3"} {
			require.NoError(w, pods[i].Delete(w.Context()))
			pods[i] = w.apply(withPort(name, labels, "mutable-port", 8000))
			w.reachable(s, exec)
			w.dials("http", exec, at(s.ClusterIP(), 8001), pods...)
		}
	})},
}

// fromExternalName changes the type of a Service that is but a name.
func fromExternalName(w *world, to podnet.ServiceType) {
	s := w.service(podnet.ServiceSpec{Name: "externalname-service", Selector: jig("externalname-service"), Type: podnet.ServiceTypeExternalName, ExternalName: "foo.example.com"})
	assert.False(w, s.ClusterIP().IsValid())
	w.update(s, func(spec *podnet.ServiceSpec) {
		spec.Type, spec.ExternalName, spec.Ports = to, "", []podnet.ServicePort{{Name: "http", Port: 80, TargetPort: podnet.Port(9376)}}
	})
	w.servePods(s.Name(), 2)
	w.reachable(s, w.client("execpod"))
}

// toExternalName makes a Service the name of another one.
func toExternalName(w *world, from podnet.ServiceType) {
	name := strings.ToLower(string(from)) + "-service"
	spec := tcpService(name)
	spec.Type = from
	s := w.service(spec)
	other, _ := w.serveHostname(podnet.ServiceSpec{Name: "externalsvc"}, 2)
	w.update(s, func(spec *podnet.ServiceSpec) {
		spec.Type, spec.ExternalName, spec.ClusterIP, spec.ClusterIPs = podnet.ServiceTypeExternalName, "externalsvc.default.svc.cluster.local", "", nil
		if from == podnet.ServiceTypeNodePort {
			spec.Ports[0].NodePort = 0
		}
	})
	assert.False(w, s.ClusterIP().IsValid())
	got, err := w.client("execpod").LookupHost(w.Context(), name+".default.svc.cluster.local")
	require.NoError(w, err)
	assert.Equal(w, []string{other.ClusterIP().String()}, got)
}

// terminating makes a node port Service of which the only endpoint, on the first
// node, is terminating and not ready, and a client on the second node.
func terminating(w *world, publish bool) (*podnet.Service, *podnet.Pod) {
	spec := tcpService("svc-tolerate-unready", podnet.ServicePort{Name: "http", Port: 80})
	spec.Type, spec.PublishNotReadyAddresses = podnet.ServiceTypeNodePort, publish
	s := w.service(spec)
	pod := onNode(withLabels(agnhost("webserver-pod", netexec{http: []int{80}, delayShutdown: 300 * time.Second}.run), jig(s.Name())), "node-1")
	pod.TerminationGracePeriodSeconds = seconds(300)
	get := func(path string) *podnet.Probe {
		return &podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Path: path, Port: podnet.Port(80)}}
	}
	pod.Containers[0].ReadinessProbe, pod.Containers[0].LivenessProbe = get("/readyz"), get("/healthz")
	server := w.apply(pod)
	require.NoError(w, server.WaitReady(w.Context()))
	exec := w.apply(onNode(agnhost("pause-pod-1", pause), "node-2"))
	w.delete(server)
	require.NoError(w, server.Wait(w.Context(), func(s podnet.PodStatus) bool { return !s.Ready() }))
	return s, exec
}

// nodePorts returns where a Service with one port is: its own address, and those
// of the nodes.
func nodePorts(w *world, s *podnet.Service) []string {
	port := s.Spec().Ports[0]
	list := []string{at(s.ClusterIP(), port.Port)}
	for i := range w.cluster.Nodes() {
		list = append(list, at(w.nodeIP(i), port.NodePort))
	}
	return list
}

// customSlice is an EndpointSlice with a Pod's address.
func customSlice(name, service, port string, number int32, p *podnet.Pod) podnet.EndpointSliceSpec {
	ready := true
	return podnet.EndpointSliceSpec{
		Name: name, Labels: map[string]string{podnet.LabelServiceName: service, "endpointslice.kubernetes.io/managed-by": "e2e-test"}, AddressType: podnet.AddressTypeIPv4,
		Endpoints: []podnet.EndpointSpec{{Addresses: []string{p.IP().String()}, Conditions: podnet.EndpointConditions{Ready: &ready}}},
		Ports:     []podnet.EndpointPort{{Name: port, Port: number, Protocol: podnet.ProtocolTCP}},
	}
}
