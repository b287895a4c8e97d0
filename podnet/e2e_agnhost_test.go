package podnet_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// The server and the clients of the network tests: what agnhost, curl and nc are
// in the suite.

// netexec is agnhost netexec: it tells who it is and what it sees.
type netexec struct {
	http, udp     []int         // ports
	delayShutdown time.Duration // goes on that long after SIGTERM
}

// run is the program. The same path, sent as a datagram, has the same answer.
func (n netexec) run(ctx context.Context, c *podnet.Container) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, port := range n.http {
		l, err := c.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" && ctx.Err() != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			io.WriteString(w, n.answer(c, strings.Trim(r.URL.Path+" "+r.FormValue("msg")+r.FormValue("var"), "/ "), r.RemoteAddr, port))
		})}
		defer server.Close()
		wg.Go(func() { server.Serve(l) })
	}
	for _, port := range n.udp {
		// On a host with several addresses, answers of a wildcard socket may come
		// from another one than was asked.
		hosts := []string{""}
		if c.Pod().Spec().HostNetwork {
			hosts = hosts[:0]
			for _, ip := range c.Pod().IPs() {
				hosts = append(hosts, ip.String())
			}
		}
		for _, host := range hosts {
			conn, err := c.ListenPacket("udp", net.JoinHostPort(host, fmt.Sprint(port)))
			if err != nil {
				return err
			}
			defer conn.Close()
			wg.Go(func() {
				for buf := make([]byte, 4000); ; {
					size, from, err := conn.ReadFrom(buf)
					if err != nil {
						return
					}
					conn.WriteTo([]byte(n.answer(c, string(buf[:size]), from.String(), port)), from)
				}
			})
		}
	}
	<-ctx.Done()
	if n.delayShutdown > 0 {
		select {
		case <-time.After(n.delayShutdown):
		case <-c.Killed():
		}
	}
	return nil
}

func (n netexec) answer(c *podnet.Container, request, from string, port int) string {
	command, arg, _ := strings.Cut(request, " ")
	switch command {
	case "", "hostname":
		return c.Hostname()
	case "clientip":
		return from
	case "serverport":
		return fmt.Sprint(port)
	case "echo":
		return arg
	case "envvar":
		return c.Getenv(arg)
	}
	return "" // healthz, readyz
}

// agnhost is a Pod with one container, called like the image.
func agnhost(name string, run podnet.Program) podnet.PodSpec {
	return podnet.PodSpec{Name: name, Containers: []podnet.ContainerSpec{{Name: "agnhost", Run: run}}}
}

// onNode returns the Pod with a node to be bound to.
func onNode(spec podnet.PodSpec, node string) podnet.PodSpec {
	spec.NodeName = node
	return spec
}

// hostNetworked returns the Pod on the network of its node.
func hostNetworked(spec podnet.PodSpec) podnet.PodSpec {
	spec.HostNetwork = true
	return spec
}

// withLabels returns the Pod with labels.
func withLabels(spec podnet.PodSpec, labels map[string]string) podnet.PodSpec {
	spec.Labels = labels
	return spec
}

// client applies a Pod that connections are made from.
func (w *world) client(name string) *podnet.Pod { return w.apply(agnhost(name, pause)) }

// curl returns what a GET gives, on a connection of its own, within 5 seconds.
// As with curl, it is the client that closes it.
func (w *world) curl(from *podnet.Pod, address, path string) (string, error) {
	transport := &http.Transport{DialContext: from.Containers()[0].DialContext}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + address + "/" + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		return string(body), fmt.Errorf("%s", resp.Status)
	}
	return string(body), err
}

// nc sends a datagram from a new port, and returns the answer that comes within
// 5 seconds.
func (w *world) nc(from *podnet.Pod, address, message string) (string, error) {
	conn, err := from.Containers()[0].Dial("udp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return exchange(conn, message)
}

func exchange(conn net.Conn, message string) (string, error) {
	if _, err := io.WriteString(conn, message); err != nil {
		return "", err
	}
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 4000)
	n, err := conn.Read(buf)
	return string(buf[:n]), err
}

// ask asks a netexec over http or udp.
func (w *world) ask(protocol string, from *podnet.Pod, address, request string) (string, error) {
	if protocol == "udp" {
		return w.nc(from, address, request)
	}
	request, arg, _ := strings.Cut(request, " ")
	if arg != "" {
		request += map[string]string{"echo": "?msg=", "envvar": "?var="}[request] + arg
	}
	return w.curl(from, address, request)
}

// says asks, and checks the answer.
func (w *world) says(want, protocol string, from *podnet.Pod, address, request string) {
	w.Helper()
	got, err := w.ask(protocol, from, address, request)
	if assert.NoError(w, err, "%s from %s to %s", protocol, from.Name(), address) {
		assert.Equal(w, want, got, "%s from %s to %s", protocol, from.Name(), address)
	}
}

// fails asks, and checks that there is no answer.
func (w *world) fails(protocol string, from *podnet.Pod, address string) error {
	w.Helper()
	got, err := w.ask(protocol, from, address, "hostname")
	assert.Error(w, err, "%s from %s to %s: %s", protocol, from.Name(), address, got)
	return err
}

// dials asks again and again who is there, until all of some Pods have answered.
// Nobody else may, and every request must be answered.
func (w *world) dials(protocol string, from *podnet.Pod, address string, pods ...*podnet.Pod) {
	w.Helper()
	want, seen := make(map[string]bool), make(map[string]bool)
	for _, p := range pods {
		want[hostname(p)] = true
	}
	for range len(want)*len(want) + 30 { // MaxTries
		name, err := w.ask(protocol, from, address, "hostname")
		require.NoError(w, err, "%s from %s to %s", protocol, from.Name(), address)
		seen[name] = true
		if !want[name] || len(seen) == len(want) {
			break
		}
	}
	assert.Equal(w, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(seen)), "%s from %s to %s", protocol, from.Name(), address)
}

// hostname returns what a Pod says it is.
func hostname(p *podnet.Pod) string {
	if p.Spec().HostNetwork {
		return p.Node()
	}
	return cmp.Or(p.Spec().Hostname, p.Name())
}

func at(ip netip.Addr, port int32) string { return netip.AddrPortFrom(ip, uint16(port)).String() }

// nodeIP returns a node's address, of the first family.
func (w *world) nodeIP(i int) netip.Addr { return w.cluster.Nodes()[i].IPs()[0] }

// service applies a Service and returns it.
func (w *world) service(spec podnet.ServiceSpec) *podnet.Service {
	w.Helper()
	require.NoError(w, w.cluster.Apply(w.Context(), spec))
	return w.cluster.Service(spec.Namespace, spec.Name)
}

// update changes a Service.
func (w *world) update(s *podnet.Service, change func(*podnet.ServiceSpec)) {
	w.Helper()
	spec := s.Spec()
	spec.Ports = slices.Clone(spec.Ports)
	change(&spec)
	require.NoError(w, w.cluster.Apply(w.Context(), spec))
}

// reachable is CheckServiceReachability: every port of a Service answers, by all
// addresses that it has, and by its name. Whoever answers is an endpoint.
func (w *world) reachable(s *podnet.Service, from *podnet.Pod) {
	w.Helper()
	spec := s.Spec()
	require.NotEmpty(w, spec.Ports)
	for _, port := range spec.Ports {
		protocol := "http"
		if port.Protocol == podnet.ProtocolUDP {
			protocol = "udp"
		}
		addresses := []string{at(s.ClusterIP(), port.Port), fmt.Sprintf("%s:%d", s.Name(), port.Port)}
		for _, ip := range append(slices.Clone(spec.ExternalIPs), spec.LoadBalancerIngress...) {
			addresses = append(addresses, at(netip.MustParseAddr(ip), port.Port))
		}
		if spec.Type == podnet.ServiceTypeNodePort {
			for i := range w.cluster.Nodes() {
				addresses = append(addresses, at(w.nodeIP(i), port.NodePort))
			}
		}
		for _, address := range addresses {
			name, err := w.ask(protocol, from, address, "hostname")
			if assert.NoError(w, err, "%s from %s to %s", protocol, from.Name(), address) {
				assert.Contains(w, endpointPods(s, port.Name), name, "%s from %s to %s", protocol, from.Name(), address)
			}
		}
	}
}

// endpointPods returns the names of the Pods that are endpoints of a port, in
// order.
func endpointPods(s *podnet.Service, port string) []string {
	names := []string{}
	for _, e := range s.Endpoints() {
		for _, p := range e.Ports {
			if p.Name == port {
				names = append(names, e.Pod)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// endpointPorts returns a Service's endpoints as "port name: Pod:number", in order.
func endpointPorts(s *podnet.Service) []string {
	var list []string
	for _, e := range s.Endpoints() {
		for _, p := range e.Ports {
			list = append(list, fmt.Sprintf("%s: %s:%d", p.Name, e.Pod, p.Port))
		}
	}
	slices.Sort(list)
	return list
}
