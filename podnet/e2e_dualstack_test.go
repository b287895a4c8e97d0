package podnet_test

import (
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// dualStackService makes a node port Service with a TCP and a UDP port, and checks
// what it was given.
func dualStackService(name string, policy podnet.IPFamilyPolicy, families []podnet.IPFamily, want ...podnet.IPFamily) func(w *world) {
	return in(twoNodes, func(w *world) {
		w.servePods(name, 2)
		s := w.service(podnet.ServiceSpec{
			Name: name, Type: podnet.ServiceTypeNodePort, Selector: jig(name), IPFamilyPolicy: policy, IPFamilies: families,
			Ports: []podnet.ServicePort{{Name: "tcp-port", Port: 53, TargetPort: podnet.Port(9376)}, {Name: "udp-port", Port: 53, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(9376)}},
		})
		spec := s.Spec()
		assert.Len(w, spec.Ports, 2)
		assert.Equal(w, want, spec.IPFamilies)
		if policy == "" {
			policy = podnet.IPFamilyPolicySingleStack
		}
		assert.Equal(w, policy, spec.IPFamilyPolicy)
		require.Len(w, s.ClusterIPs(), len(want))
		var types []podnet.AddressType
		for _, slice := range s.EndpointSlices() {
			types = append(types, slice.AddressType)
			assert.Len(w, slice.Endpoints, 2)
		}
		client := w.client("client")
		for i, ip := range s.ClusterIPs() {
			assert.Equal(w, want[i] == podnet.IPv6Protocol, ip.Is6())
			assert.Contains(w, types, podnet.AddressType(want[i]))
			for _, protocol := range []string{"http", "udp"} {
				name, err := w.ask(protocol, client, at(ip, 53), "hostname")
				require.NoError(w, err)
				assert.Contains(w, endpointPods(s, "tcp-port"), name)
			}
		}
		assert.Len(w, types, len(want))
	})
}

const dualStack = "[Feature:IPv6DualStack] "

var (
	v4, v6 = podnet.IPv4Protocol, podnet.IPv6Protocol

	e2eDualStack = []e2e{
		{dualStack + "should have at least one dual-stack node", in(twoNodes, func(w *world) {
			for _, node := range w.cluster.Nodes() {
				require.Len(w, node.IPs(), 2)
				assert.NotEqual(w, node.IPs()[0].Is4(), node.IPs()[1].Is4())
			}
		})},
		{dualStack + "should create pod, add ipv6 and ipv4 ip to pod ips", func(w *world) {
			p := w.client("pod-dualstack-ips")
			require.Len(w, p.IPs(), 2)
			assert.Equal(w, p.IP(), p.IPs()[0])
			assert.NotEqual(w, p.IPs()[0].Is4(), p.IPs()[1].Is4())
			require.NoError(w, p.Delete(w.Context()))
		}},
		{dualStack + "should create pod, add ipv6 and ipv4 ip to host ips", func(w *world) {
			_, env := w.env(false, map[string]string{"IP": "status.hostIP", "IPS": "status.hostIPs"})
			ips := w.cluster.Nodes()[0].IPs()
			require.Len(w, ips, 2)
			assert.Equal(w, ips[0].String(), env("IP"))
			assert.Equal(w, ips[0].String()+","+ips[1].String(), env("IPS"))
		}},
		{dualStack + "should be able to reach pod on ipv4 and ipv6 ip", in(podnet.Config{Nodes: 3}, func(w *world) {
			var servers, clients []*podnet.Pod
			for _, node := range w.cluster.Nodes() {
				servers = append(servers, w.apply(onNode(agnhost("dualstack-test-server-"+node.Name(), netexec{http: []int{80}}.run), node.Name())))
				clients = append(clients, w.apply(onNode(agnhost("dualstack-test-client-"+node.Name(), pause), node.Name())))
			}
			for _, client := range clients {
				for _, server := range servers {
					require.Len(w, server.IPs(), 2)
					for _, ip := range server.IPs() {
						w.dials("http", client, at(ip, 80), server)
					}
				}
			}
		})},
		{dualStack + "should create a single stack service with cluster ip from primary service range", dualStackService("defaultclusterip", "", nil, v4)},
		{dualStack + "should create service with ipv4 cluster ip", dualStackService("ipv4clusterip", "", []podnet.IPFamily{v4}, v4)},
		{dualStack + "should create service with ipv6 cluster ip", dualStackService("ipv6clusterip", "", []podnet.IPFamily{v6}, v6)},
		{dualStack + "should create service with ipv4,v6 cluster ip", dualStackService("ipv4ipv6clusterip", podnet.IPFamilyPolicyRequireDualStack, []podnet.IPFamily{v4, v6}, v4, v6)},
		{dualStack + "should create service with ipv6,v4 cluster ip", dualStackService("ipv6ipv4clusterip", podnet.IPFamilyPolicyRequireDualStack, []podnet.IPFamily{v6, v4}, v6, v4)},
	}
)
