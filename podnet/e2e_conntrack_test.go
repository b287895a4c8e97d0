package podnet_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// prober is a Pod that sends a datagram to an address every few seconds, from one
// port, and notes by whom it is answered, each change once.
func (w *world) prober(name, message, address string, every time.Duration) podnet.PodSpec {
	return onNode(agnhost(name, func(ctx context.Context, c *podnet.Container) error {
		for before := ""; ; {
			d := podnet.Dialer{LocalAddr: netip.AddrPortFrom(netip.Addr{}, 12345)}
			conn, err := c.DialWith(ctx, d, "udp", address)
			if err != nil {
				return err
			}
			answer := "FAIL"
			if got, err := exchange(conn, message); err == nil {
				answer = got
			}
			if err := conn.Close(); err != nil {
				return err
			}
			if answer != before {
				w.note("%s", answer)
				before = answer
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(every):
			}
		}
	}), "node-1")
}

// udpBackend is a server on the other node.
func udpBackend(name, node string) podnet.PodSpec {
	return onNode(withLabels(agnhost(name, netexec{udp: []int{80}}.run), jig("svc-udp")), node)
}

// udpService is a Service with the port 80.
func udpService(target int32) podnet.ServiceSpec {
	return podnet.ServiceSpec{Name: "svc-udp", Selector: jig("svc-udp"), Ports: []podnet.ServicePort{{Name: "udp", Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(target)}}}
}

// heard waits a minute and returns the answers that were noted.
func (w *world) heard() (list []string) {
	time.Sleep(time.Minute)
	for _, line := range w.take() {
		var at int
		var answer string
		_, err := fmt.Sscanf(line, "%ds %s", &at, &answer)
		require.NoError(w, err)
		list = append(list, answer)
	}
	return list
}

// cycles replaces the server of a Service that somebody sends to all the time.
func cycles(w *world, spec podnet.ServiceSpec, host bool, address func(*podnet.Service) string) {
	s := w.service(spec)
	client := w.prober("pod-client", "hostname", address(s), time.Second)
	client.HostNetwork = host
	w.apply(client)
	assert.Equal(w, []string{"FAIL"}, w.heard())
	one := w.apply(udpBackend("pod-server-1", "node-2"))
	assert.Equal(w, []string{"pod-server-1"}, w.heard())
	w.apply(udpBackend("pod-server-2", "node-2"))
	require.NoError(w, one.Delete(w.Context()))
	answers := w.heard()
	require.NotEmpty(w, answers)
	assert.Equal(w, "pod-server-2", answers[len(answers)-1])
}

var e2eConntrack = []e2e{
	{"Conntrack should be able to preserve UDP traffic when server pod cycles for a NodePort service", in(twoNodes, func(w *world) {
		spec := udpService(80)
		spec.Type = podnet.ServiceTypeNodePort
		cycles(w, spec, false, func(s *podnet.Service) string { return at(w.nodeIP(1), s.Spec().Ports[0].NodePort) })
	})},
	{"Conntrack should be able to preserve UDP traffic when server pod cycles for a ClusterIP service", in(twoNodes, func(w *world) {
		cycles(w, udpService(80), false, func(s *podnet.Service) string { return at(s.ClusterIP(), 80) })
	})},
	{"Conntrack should be able to preserve UDP traffic when server pod cycles for a ClusterIP service and client is hostNetwork", in(twoNodes, func(w *world) {
		cycles(w, udpService(80), true, func(s *podnet.Service) string { return at(s.ClusterIP(), 80) })
	})},
	{"Conntrack should be able to preserve UDP traffic when server pod cycles for a ClusterIP service with InternalTrafficPolicy set to Local", in(twoNodes, func(w *world) {
		spec := udpService(80)
		internalLocal(&spec)
		s := w.service(spec)
		w.apply(w.prober("pod-client", "hostname", at(s.ClusterIP(), 80), time.Second))
		assert.Equal(w, []string{"FAIL"}, w.heard())
		w.apply(udpBackend("ds-conntrack-2", "node-2"))
		one := w.apply(udpBackend("ds-conntrack-1", "node-1"))
		assert.Equal(w, []string{"ds-conntrack-1"}, w.heard())
		require.NoError(w, one.Delete(w.Context()))
		w.apply(udpBackend("ds-conntrack-3", "node-1"))
		answers := w.heard()
		require.NotEmpty(w, answers)
		assert.Equal(w, "ds-conntrack-3", answers[len(answers)-1])
	})},
	{"Conntrack should be able to preserve UDP traffic when initial unready endpoints get ready", in(twoNodes, func(w *world) {
		s := w.service(udpService(80))
		w.apply(w.prober("pod-client", "hostname", at(s.ClusterIP(), 80), time.Second))
		server := udpBackend("pod-server-1", "node-2")
		server.InitContainers = []podnet.ContainerSpec{{Name: "init", Run: exits(0, 15*time.Second)}}
		w.apply(server)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(w, s.Endpoints(), 1)
		assert.False(w, s.Endpoints()[0].Ready)
		assert.Equal(w, []string{"FAIL", "pod-server-1"}, w.heard())
	})},
	{"Conntrack should be able to cleanup conntrack entries when UDP service target port changes for a NodePort service", in(twoNodes, func(w *world) {
		spec := udpService(8080)
		spec.Type = podnet.ServiceTypeNodePort
		s := w.service(spec)
		w.apply(w.prober("pod-client", "serverport", at(w.nodeIP(1), s.Spec().Ports[0].NodePort), time.Second))
		server := onNode(withLabels(agnhost("conntrack-handle-target-ports", netexec{udp: []int{8080}}.run), jig("svc-udp")), "node-2")
		server.Containers = append(server.Containers, podnet.ContainerSpec{Name: "container-handle-9090-request", Run: netexec{udp: []int{9090}}.run})
		w.apply(server)
		assert.Equal(w, []string{"udp: conntrack-handle-target-ports:8080"}, endpointPorts(s))
		assert.Equal(w, []string{"FAIL", "8080"}, w.heard())
		w.update(s, func(spec *podnet.ServiceSpec) { spec.Ports[0].TargetPort = podnet.Port(9090) })
		assert.Equal(w, []string{"udp: conntrack-handle-target-ports:9090"}, endpointPorts(s))
		assert.Equal(w, []string{"9090"}, w.heard())
	})},
}
