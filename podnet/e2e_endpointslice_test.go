package podnet_test

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// twoPorts is a Service without selector, with ports 80 and 81.
func twoPorts(w *world) *podnet.Service {
	return w.service(podnet.ServiceSpec{Name: "example-custom-endpoints", Ports: []podnet.ServicePort{{Name: "port80", Port: 80}, {Name: "port81", Port: 81}}})
}

// sliceLines returns a Service's slices as "family: Pod ready, …: port name=number, …".
func sliceLines(s *podnet.Service) (list []string) {
	for _, slice := range s.EndpointSlices() {
		line := string(slice.AddressType) + ":"
		for _, e := range slice.Endpoints {
			line += fmt.Sprintf(" %s@%s ready=%v serving=%v terminating=%v", e.Pod, e.Addr, e.Ready, e.Serving, e.Terminating)
		}
		line += ":"
		for _, p := range slice.Ports {
			line += fmt.Sprintf(" %s=%s/%d", p.Name, p.Protocol, p.Port)
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

var e2eEndpointSlice = []e2e{
	{"EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [C]", func(w *world) {
		s := w.service(podnet.ServiceSpec{
			Name: "example-empty-selector", Selector: map[string]string{"does-not-match-anything": "endpoints-and-endpoint-slices-should-still-be-created"},
			Ports: []podnet.ServicePort{{Name: "example", Port: 80}},
		})
		assert.Equal(w, []string{"IPv4::"}, sliceLines(s))
		require.NoError(w, s.Delete(w.Context()))
		assert.Empty(w, s.EndpointSlices())
	}},
	{"EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service [C]", in(twoNodes, func(w *world) {
		pod := func(name string, ports ...podnet.ContainerPort) *podnet.Pod {
			spec := withLabels(agnhost(name, pause), map[string]string{name: "on", "shared12": "on"})
			spec.Containers[0].Ports = ports
			return w.apply(spec)
		}
		p1 := pod("pod1", podnet.ContainerPort{Name: "example-name", ContainerPort: 3000})
		p2 := pod("pod2", podnet.ContainerPort{Name: "example-name", ContainerPort: 3001}, podnet.ContainerPort{Name: "other-port", ContainerPort: 3002})
		number := w.service(podnet.ServiceSpec{
			Name: "example-int-port", Selector: map[string]string{"pod1": "on"}, PublishNotReadyAddresses: true,
			Ports: []podnet.ServicePort{{Name: "example", Port: 80, TargetPort: podnet.Port(3000)}},
		})
		name := w.service(podnet.ServiceSpec{
			Name: "example-named-port", Selector: map[string]string{"shared12": "on"}, PublishNotReadyAddresses: true,
			Ports: []podnet.ServicePort{{Name: "http", Port: 80, TargetPort: podnet.PortName("example-name")}},
		})
		const ready = " ready=true serving=true terminating=false"
		assert.Equal(w, []string{"IPv4: pod1@" + p1.IP().String() + ready + ": example=TCP/3000"}, sliceLines(number))
		assert.ElementsMatch(w, []string{
			"IPv4: pod1@" + p1.IP().String() + ready + ": http=TCP/3000",
			"IPv4: pod2@" + p2.IP().String() + ready + ": http=TCP/3001",
		}, sliceLines(name))
	})},
	{"EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices [C]", in(twoNodes, func(w *world) {
		s := twoPorts(w)
		server := agnhost("pod-handle-http-request", netexec{http: []int{8090}}.run)
		server.Containers = append(server.Containers, podnet.ContainerSpec{Name: "container-handle-9090-request", Run: netexec{http: []int{9090}}.run})
		p := w.apply(server)
		require.NoError(w, w.cluster.Apply(w.Context(), customSlice("e2e-custom-slice1", s.Name(), "port80", 8090, p), customSlice("e2e-custom-slice2", s.Name(), "port81", 9090, p)))
		client := w.client("pause-pod-0")
		for port, target := range map[int32]string{80: "8090", 81: "9090"} {
			w.says(p.Name(), "http", client, at(s.ClusterIP(), port), "hostname")
			w.says(target, "http", client, at(s.ClusterIP(), port), "serverport")
		}
	})},
	{"EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices [C]", in(twoNodes, func(w *world) {
		s := twoPorts(w)
		p1, p2 := w.apply(agnhost("pod1-handle-http-request", netexec{http: []int{8090}}.run)), w.apply(agnhost("pod2-handle-http-request", netexec{http: []int{8090}}.run))
		require.NoError(w, w.cluster.Apply(w.Context(), customSlice("e2e-custom-slice1", s.Name(), "port80", 8090, p1), customSlice("e2e-custom-slice2", s.Name(), "port81", 8090, p2)))
		client := w.client("pause-pod-0")
		w.dials("http", client, at(s.ClusterIP(), 80), p1)
		w.dials("http", client, at(s.ClusterIP(), 81), p2)
	})},
	{"EndpointSlice should support creating EndpointSlice API operations [C]", func(w *world) {
		slice := podnet.EndpointSliceSpec{
			Name: "e2e-example-ing", Labels: map[string]string{"special-label": "e2e"}, AddressType: podnet.AddressTypeIPv4,
			Endpoints: []podnet.EndpointSpec{{Addresses: []string{"1.2.3.4", "5.6.7.8"}}},
		}
		require.NoError(w, w.cluster.Apply(w.Context(), slice))
		got, ok := w.cluster.EndpointSlice("", slice.Name)
		require.True(w, ok)
		assert.Equal(w, slice.Endpoints, got.Endpoints)
		slice.Annotations = map[string]string{"patched": "true"}
		require.NoError(w, w.cluster.Apply(w.Context(), slice))
		got, _ = w.cluster.EndpointSlice("", slice.Name)
		assert.Equal(w, slice.Annotations, got.Annotations)
		assert.True(w, w.cluster.DeleteEndpointSlice("", slice.Name))
		_, ok = w.cluster.EndpointSlice("", slice.Name)
		assert.False(w, ok)
		assert.False(w, w.cluster.DeleteEndpointSlice("", slice.Name))
	}},
}
