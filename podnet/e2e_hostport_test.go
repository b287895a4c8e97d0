package podnet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// hostnamePod answers with its hostname on TCP and UDP port 8080, and wants
// hostPort 54323 on hostIP.
func (w *world) hostnamePod(name, hostIP string, protocol podnet.Protocol) *podnet.Pod {
	run := func(ctx context.Context, c *podnet.Container) error {
		u, err := c.ListenPacket("udp", ":8080")
		if err != nil {
			return err
		}
		go func() { // ends with the process's sockets
			buf := make([]byte, 100)
			for {
				_, from, err := u.ReadFrom(buf)
				if err != nil {
					return
				}
				u.WriteTo([]byte(c.Hostname()), from)
			}
		}()
		return answer(8080, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, c.Hostname()) })(ctx, c)
	}
	return w.apply(podnet.PodSpec{Name: name, NodeName: "node-2", Containers: []podnet.ContainerSpec{{
		Name: "agnhost", Run: run, Ports: []podnet.ContainerPort{{ContainerPort: 8080, HostPort: 54323, HostIP: hostIP, Protocol: protocol}},
	}}})
}

func (w *world) httpHostname(c *podnet.Container, address string) string {
	resp, err := c.HTTPClient().Get("http://" + address + "/hostname")
	if !assert.NoError(w, err) {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(w, err)
	return string(body)
}

func (w *world) udpHostname(c *podnet.Container, address string) string {
	conn, err := c.Dial("udp", address)
	require.NoError(w, err)
	defer conn.Close()
	_, err = conn.Write([]byte("hostname"))
	require.NoError(w, err)
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	assert.NoError(w, err)
	return string(buf[:n])
}

var e2eHostPort = []e2e{
	{"HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [C]", in(podnet.Config{Nodes: 2}, func(w *world) {
		hostIP := w.cluster.Node("node-2").IPs()[0].String()
		for _, p := range []*podnet.Pod{w.hostnamePod("pod1", "127.0.0.1", "TCP"), w.hostnamePod("pod2", hostIP, "TCP"), w.hostnamePod("pod3", hostIP, "UDP")} {
			assert.Equal(w, "node-2 1/1 Running 0", p.Node()+" "+columns(p))
		}
		spec := one(podnet.ContainerSpec{})
		spec.Name, spec.HostNetwork, spec.NodeName = "e2e-host-exec", true, "node-2"
		exec := w.apply(spec).Container("app")
		synctest.Wait()
		assert.Equal(w, "pod1", w.httpHostname(exec, "127.0.0.1:54323"))
		assert.Equal(w, "pod2", w.httpHostname(exec, net.JoinHostPort(hostIP, "54323")))
		assert.Equal(w, "pod3", w.udpHostname(exec, net.JoinHostPort(hostIP, "54323")))
	})},
	// podnet's own.
	{"a host port is reached from the other node's Pods, and is closed when its Pod is gone", in(podnet.Config{Nodes: 2}, func(w *world) {
		p := w.hostnamePod("pod1", "", "TCP")
		spec := one(podnet.ContainerSpec{})
		spec.Name, spec.NodeName = "client", "node-1"
		client := w.apply(spec).Container("app")
		for _, ip := range w.cluster.Node("node-2").IPs() {
			assert.Equal(w, "pod1", w.httpHostname(client, net.JoinHostPort(ip.String(), "54323")))
		}
		client.HTTPClient().CloseIdleConnections()
		require.NoError(w, p.Delete(w.Context()))
		_, err := client.Dial("tcp", net.JoinHostPort(w.cluster.Node("node-2").IPs()[0].String(), "54323"))
		assert.ErrorIs(w, err, syscall.ECONNREFUSED)
	})},
	{"a host port is at 127.0.0.1, and not at ::1", in(podnet.Config{Nodes: 1}, func(w *world) {
		spec := one(podnet.ContainerSpec{Ports: []podnet.ContainerPort{{ContainerPort: 8080, HostPort: 54323}}, Run: answer(8080, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, r.RemoteAddr) })})
		w.apply(spec)
		node := w.cluster.Node("node-1")
		conn, err := node.Dial("tcp", "127.0.0.1:54323")
		require.NoError(w, err)
		conn.Close()
		_, err = node.Dial("tcp", "[::1]:54323")
		assert.ErrorIs(w, err, syscall.ECONNREFUSED)
	})},
	{"the host port of a sidecar is taken and leads nowhere", in(podnet.Config{Nodes: 1}, func(w *world) {
		// The kubelet gives the runtime the ports of spec.containers alone.
		spec := one(podnet.ContainerSpec{})
		spec.InitContainers = []podnet.ContainerSpec{{Name: "proxy", RestartPolicy: always,
			Run:   answer(8080, func(http.ResponseWriter, *http.Request) {}),
			Ports: []podnet.ContainerPort{{ContainerPort: 8080, HostPort: 8080}}}}
		w.apply(spec)
		spec.Name = "second"
		assert.Equal(w, "0/2 Pending 0", columns(w.apply(spec)))
		host := one(podnet.ContainerSpec{})
		host.Name, host.HostNetwork = "host", true
		_, err := w.apply(host).Container("app").Dial("tcp", fmt.Sprintf("%s:8080", w.cluster.Node("node-1").IPs()[0]))
		assert.ErrorIs(w, err, syscall.ECONNREFUSED)
	})},
	{"a probe of a Pod on the host network goes to the node's address", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: answer(80, func(http.ResponseWriter, *http.Request) {}), ReadinessProbe: &podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(80)}}})
		spec.HostNetwork = true
		p := w.apply(spec)
		w.at(11 * time.Second)
		assert.True(w, p.Status().Ready())
	}},
}
