package podnet_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/internal/kubeproxy"
)

// inBubble runs f with a cluster on a bubble's time.
func inBubble(t *testing.T, f func(t *testing.T, c *podnet.Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c, err := podnet.NewCluster(podnet.Config{Nodes: 2})
		require.NoError(t, err)
		f(t, c)
		require.NoError(t, c.Close())
	})
}

// webPod is a Pod that the Service web selects.
func webPod(name string) podnet.PodSpec {
	return podnet.PodSpec{
		Name: name, Labels: map[string]string{"app": "web", "pod": name},
		Containers: []podnet.ContainerSpec{{Name: "c", Run: untilStopped}},
	}
}

// slowly makes a Pod take 10 seconds to be ready.
func slowly(p podnet.PodSpec) podnet.PodSpec {
	p.Containers[0].ReadinessProbe = &podnet.Probe{Exec: &podnet.ExecAction{Run: func(context.Context, *podnet.Container) error { return nil }}, InitialDelaySeconds: 10}
	return p
}

// endpointsText tells the endpoints of a Service: the Pods, and for each a letter
// for Ready, Serving and Terminating.
func endpointsText(s *podnet.Service) string {
	var list []string
	for _, e := range s.Endpoints() {
		text := e.Pod
		if text == "" {
			text = e.Addr.String()
		}
		text += ":"
		for i, set := range []bool{e.Ready, e.Serving, e.Terminating} {
			if set {
				text += "RST"[i : i+1]
			}
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// translate asks what becomes of a connection from some Pod to the Service.
func translate(c *podnet.Cluster, s *podnet.Service, port uint16) kubeproxy.Decision {
	return podnet.ProxyTable(c).Translate(kubeproxy.Query{
		Node: "node-1", Protocol: kubeproxy.TCP, Src: netip.MustParseAddr("10.244.0.250"), Dst: netip.AddrPortFrom(s.ClusterIP(), port), Now: time.Now(),
	})
}

func TestEndpointsFollowPods(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), web()))
		s := c.Service("", "web")
		assert.Empty(t, endpointsText(s))
		assert.Equal(t, "default/web has no endpoints", translate(c, s, 80).Reason)

		a, err := c.StartPod(t.Context(), slowly(webPod("a")))
		require.NoError(t, err)
		assert.Equal(t, "a:", endpointsText(s), "a Pod with an address is there, ready or not")
		assert.Equal(t, kubeproxy.Reject, translate(c, s, 80).Kind)
		require.NoError(t, a.WaitReady(t.Context()))
		assert.Equal(t, "a:RS", endpointsText(s), "who waits for a Pod finds it")
		assert.Equal(t, netip.AddrPortFrom(a.IP(), 80), translate(c, s, 80).To)
		assert.Equal(t, podnet.Endpoint{
			Addr: a.IP(), Pod: "a", Node: a.Node(), Ready: true, Serving: true,
			Ports: []podnet.EndpointPort{{Protocol: podnet.ProtocolTCP, Port: 80}},
		}, s.Endpoints()[0])

		// An existing Pod is found by a Service that comes later.
		later := changed(func(s *podnet.ServiceSpec) { s.Name, s.Selector = "later", map[string]string{"app": "web", "pod": "a"} })
		require.NoError(t, c.Apply(t.Context(), later))
		assert.Equal(t, "a:RS", endpointsText(c.Service("", "later")))

		for _, other := range []podnet.PodSpec{
			{Name: "o1", Labels: map[string]string{"app": "other", "pod": "a"}},
			{Name: "o2", Namespace: "shop", Labels: map[string]string{"app": "web", "pod": "a"}},
			{Name: "o3"},
		} {
			other.Containers = webPod("").Containers
			p, err := c.StartPod(t.Context(), other)
			require.NoError(t, err)
			require.NoError(t, p.WaitReady(t.Context()))
		}
		assert.Equal(t, "a:RS", endpointsText(s))
		assert.Equal(t, "a:RS", endpointsText(c.Service("", "later")))

		require.NoError(t, a.Delete(t.Context()))
		assert.Empty(t, endpointsText(s))
		assert.Empty(t, endpointsText(c.Service("", "later")))
		assert.Equal(t, kubeproxy.Reject, translate(c, s, 80).Kind)
	})
}

func TestEndpointsOfPodsThatEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), web()))
		s := c.Service("", "web")
		slow := webPod("a")
		slow.Containers[0].Lifecycle = &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 5}}}
		a, err := c.StartPod(t.Context(), slow)
		require.NoError(t, err)
		b, err := c.StartPod(t.Context(), webPod("b"))
		require.NoError(t, err)
		require.NoError(t, b.WaitReady(t.Context()))
		require.NoError(t, a.WaitReady(t.Context()))

		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, a.Delete(t.Context())) })
		synctest.Wait()
		assert.Equal(t, "a:ST b:RS", endpointsText(s), "it serves until it ends")
		assert.Equal(t, netip.AddrPortFrom(b.IP(), 80), translate(c, s, 80).To)
		zero := int64(0)
		require.NoError(t, b.DeleteWith(t.Context(), podnet.DeleteOptions{GracePeriodSeconds: &zero}))
		assert.Equal(t, "a:ST", endpointsText(s), "one that is deleted by force is gone at once")
		assert.Equal(t, netip.AddrPortFrom(a.IP(), 80), translate(c, s, 80).To, "better than none")
		wg.Wait()
		assert.Empty(t, endpointsText(s))

		// A Pod that has ended by itself is no endpoint, whatever it was.
		done := webPod("done")
		done.RestartPolicy = podnet.RestartPolicyNever
		done.Containers[0].Run = func(context.Context, *podnet.Container) error { time.Sleep(time.Second); return nil }
		p, err := c.StartPod(t.Context(), done)
		require.NoError(t, err)
		assert.Equal(t, "done:RS", endpointsText(s))
		require.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool { return s.Phase == podnet.PodSucceeded }))
		assert.Empty(t, endpointsText(s))
	})
}

func TestEndpointsOfPublishNotReadyAddresses(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) { s.PublishNotReadyAddresses = true })))
		s := c.Service("", "web")
		a, err := c.StartPod(t.Context(), slowly(webPod("a")))
		require.NoError(t, err)
		assert.Equal(t, "a:R", endpointsText(s))
		assert.Equal(t, netip.AddrPortFrom(a.IP(), 80), translate(c, s, 80).To)
		require.NoError(t, c.Apply(t.Context(), web()))
		assert.Equal(t, "a:", endpointsText(s), "not published any more")
	})
}

func TestEndpointsOfChangedServices(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		for _, name := range []string{"a", "b"} {
			p, err := c.StartPod(t.Context(), webPod(name))
			require.NoError(t, err)
			require.NoError(t, p.WaitReady(t.Context()))
		}
		require.NoError(t, c.Apply(t.Context(), web()))
		s := c.Service("", "web")
		assert.Equal(t, "a:RS b:RS", endpointsText(s))
		ip := s.ClusterIP()
		for _, step := range []struct {
			change func(*podnet.ServiceSpec)
			want   string
		}{
			{func(s *podnet.ServiceSpec) { s.Selector["pod"] = "b" }, "b:RS"},
			{func(s *podnet.ServiceSpec) { s.Selector = nil }, ""},
			{func(s *podnet.ServiceSpec) { s.Type, s.ExternalName = podnet.ServiceTypeExternalName, "example.com" }, ""},
			{func(*podnet.ServiceSpec) {}, "a:RS b:RS"},
		} {
			require.NoError(t, c.Apply(t.Context(), changed(step.change)))
			assert.Equal(t, step.want, endpointsText(s))
		}
		d := podnet.ProxyTable(c).Translate(kubeproxy.Query{Protocol: kubeproxy.TCP, Dst: netip.AddrPortFrom(ip, 80)})
		assert.Equal(t, kubeproxy.None, d.Kind, "the old address is nobody's")
		assert.Equal(t, kubeproxy.DNAT, translate(c, s, 80).Kind)
		require.NoError(t, s.Delete(t.Context()))
		assert.Equal(t, kubeproxy.None, translate(c, s, 80).Kind)
		require.NoError(t, c.Pod("", "a").Delete(t.Context()))
	})
}

func TestEndpointsFollowLabels(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		other := changed(func(s *podnet.ServiceSpec) { s.Name, s.Selector = "other", map[string]string{"app": "other"} })
		require.NoError(t, c.Apply(t.Context(), web(), other))
		a, err := c.StartPod(t.Context(), webPod("a"))
		require.NoError(t, err)
		require.NoError(t, a.WaitReady(t.Context()))
		podnet.RelabelPod(a, map[string]string{"app": "other"})
		assert.Empty(t, endpointsText(c.Service("", "web")))
		assert.Equal(t, "a:RS", endpointsText(c.Service("", "other")))
		assert.Equal(t, kubeproxy.Reject, translate(c, c.Service("", "web"), 80).Kind)
		require.NoError(t, c.Apply(t.Context(), other), "selects anew")
		assert.Equal(t, "a:RS", endpointsText(c.Service("", "other")))
		require.NoError(t, a.Delete(t.Context()))
		assert.Empty(t, endpointsText(c.Service("", "other")))
		podnet.RelabelPod(a, map[string]string{"app": "web"})
		assert.Empty(t, endpointsText(c.Service("", "web")), "it is gone")
	})
}

func TestEndpointPorts(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) {
			s.Ports = []podnet.ServicePort{
				{Name: "http", Port: 80, TargetPort: podnet.PortName("http")},
				{Name: "udp", Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.PortName("http")},
				{Name: "proxy", Port: 81, TargetPort: podnet.PortName("proxy")},
				{Name: "number", Port: 82, TargetPort: podnet.Port(8282), AppProtocol: "h2c"},
			}
		})))
		s := c.Service("", "web")
		a := webPod("a")
		a.Containers[0].Ports = []podnet.ContainerPort{{Name: "http", ContainerPort: 8081}}
		a.InitContainers = []podnet.ContainerSpec{
			{Name: "init", Run: func(context.Context, *podnet.Container) error { return nil }, Ports: []podnet.ContainerPort{{Name: "proxy", ContainerPort: 1}}},
			{Name: "sidecar", RestartPolicy: podnet.RestartPolicyAlways, Run: untilStopped, Ports: []podnet.ContainerPort{{Name: "proxy", ContainerPort: 9001}, {Name: "http", ContainerPort: 9002}}},
		}
		b := webPod("b")
		b.Containers = append(b.Containers, podnet.ContainerSpec{Name: "d", Run: untilStopped, Ports: []podnet.ContainerPort{
			{Name: "http", ContainerPort: 8083, Protocol: podnet.ProtocolUDP}, {Name: "other", ContainerPort: 8084}}})
		for _, spec := range []podnet.PodSpec{a, b} {
			p, err := c.StartPod(t.Context(), spec)
			require.NoError(t, err)
			require.NoError(t, p.WaitReady(t.Context()))
		}
		ports := make(map[string]string)
		for _, e := range s.Endpoints() {
			var list []string
			for _, p := range e.Ports {
				list = append(list, fmt.Sprintf("%s=%d/%s%s", p.Name, p.Port, p.Protocol, p.AppProtocol))
			}
			ports[e.Pod] = strings.Join(list, " ")
		}
		assert.Equal(t, map[string]string{
			"a": "http=8081/TCP proxy=9001/TCP number=8282/TCPh2c",
			"b": "udp=8083/UDP number=8282/TCPh2c",
		}, ports)
		assert.Equal(t, netip.AddrPortFrom(c.Pod("", "a").IP(), 8081), translate(c, s, 80).To)

		list := s.EndpointSlices()
		require.Len(t, list, 2, "one for each set of ports")
		for _, slice := range list {
			assert.Regexp(t, `^web-[bcdfghjklmnpqrstvwxz2456789]{5}$`, slice.Name)
			assert.Equal(t, podnet.AddressTypeIPv4, slice.AddressType)
			assert.Len(t, slice.Endpoints, 1)
			assert.Equal(t, slice.Endpoints[0].Ports, slice.Ports)
		}
		assert.Equal(t, list, s.EndpointSlices(), "names are the same next time")
	})
}

func TestEndpointsOfBothFamilies(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) { s.IPFamilyPolicy = podnet.IPFamilyPolicyPreferDualStack })))
		s := c.Service("", "web")
		a, err := c.StartPod(t.Context(), webPod("a"))
		require.NoError(t, err)
		require.NoError(t, a.WaitReady(t.Context()))
		var addrs []netip.Addr
		for _, e := range s.Endpoints() {
			addrs = append(addrs, e.Addr)
		}
		assert.Equal(t, a.IPs(), addrs)
		assert.Len(t, s.EndpointSlices(), 2)
		require.NoError(t, a.Delete(t.Context()))
		assert.Len(t, s.EndpointSlices(), 2, "they stay, and are empty")
	})
}

func TestEndpointHostnames(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), web()))
		a, b := webPod("a"), webPod("b")
		a.Hostname, a.Subdomain = "web-0", "web"
		b.Hostname, b.Subdomain = "web-1", "other"
		for _, spec := range []podnet.PodSpec{a, b} {
			p, err := c.StartPod(t.Context(), spec)
			require.NoError(t, err)
			require.NoError(t, p.WaitReady(t.Context()))
		}
		names := make(map[string]string)
		for _, e := range c.Service("", "web").Endpoints() {
			names[e.Pod] = e.Hostname
		}
		assert.Equal(t, map[string]string{"a": "web-0", "b": ""}, names)
	})
}

func TestEndpointsFollowANewSandbox(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		require.NoError(t, c.Apply(t.Context(), web()))
		a, err := c.StartPod(t.Context(), webPod("a"))
		require.NoError(t, err)
		require.NoError(t, a.WaitReady(t.Context()))
		before := a.IP()
		a.KillSandbox()
		require.NoError(t, a.Wait(t.Context(), func(s podnet.PodStatus) bool { return s.Ready() && s.PodIPs[0] != before }))
		assert.NotEqual(t, before, a.IP())
		s := c.Service("", "web")
		require.Len(t, s.Endpoints(), 1)
		assert.Equal(t, a.IP(), s.Endpoints()[0].Addr)
		assert.Equal(t, a.IP(), translate(c, s, 80).To.Addr())
	})
}

func TestEndpointSlicesOfOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		db := podnet.ServiceSpec{Name: "db", Ports: []podnet.ServicePort{{Name: "sql", Port: 5432}, {Name: "http", Port: 80}}}
		slice := func(name, service string, ports []podnet.EndpointPort, endpoints ...podnet.EndpointSpec) podnet.EndpointSliceSpec {
			return podnet.EndpointSliceSpec{Name: name, Labels: map[string]string{podnet.LabelServiceName: service}, AddressType: podnet.AddressTypeIPv4, Ports: ports, Endpoints: endpoints}
		}
		sql, http := []podnet.EndpointPort{{Name: "sql", Port: 15432}}, []podnet.EndpointPort{{Name: "http", Port: 8080}}
		require.NoError(t, c.Apply(t.Context(), slice("db-1", "db", sql, podnet.EndpointSpec{Addresses: []string{"192.0.2.1"}, Hostname: "one", NodeName: "node-1"}), db))
		s := c.Service("", "db")
		assert.Equal(t, "192.0.2.1:RS", endpointsText(s))
		assert.Equal(t, "192.0.2.1:15432", translate(c, s, 5432).To.String())
		assert.Equal(t, kubeproxy.Reject, translate(c, s, 80).Kind)

		require.NoError(t, c.Apply(t.Context(), slice("db-2", "db", http,
			podnet.EndpointSpec{Addresses: []string{"192.0.2.2"}},
			podnet.EndpointSpec{Addresses: []string{"192.0.2.3"}, Conditions: podnet.EndpointConditions{Ready: new(false), Serving: new(false), Terminating: new(true)}})))
		assert.Equal(t, "192.0.2.1:RS 192.0.2.2:RS 192.0.2.3:T", endpointsText(s))
		assert.Equal(t, "192.0.2.2:8080", translate(c, s, 80).To.String())
		assert.Len(t, s.EndpointSlices(), 2)

		// To another Service, and away.
		require.NoError(t, c.Apply(t.Context(), slice("db-2", "other", http, podnet.EndpointSpec{Addresses: []string{"192.0.2.2"}})))
		assert.Equal(t, "192.0.2.1:RS", endpointsText(s))
		assert.Equal(t, kubeproxy.Reject, translate(c, s, 80).Kind)
		got, ok := c.EndpointSlice("", "db-2")
		assert.True(t, ok)
		assert.Equal(t, "other", got.Labels[podnet.LabelServiceName])
		assert.True(t, c.DeleteEndpointSlice("", "db-1"))
		assert.False(t, c.DeleteEndpointSlice("", "db-1"))
		assert.Equal(t, kubeproxy.Reject, translate(c, s, 5432).Kind)
		assert.Empty(t, s.EndpointSlices())

		six := slice("db-2", "other", http)
		six.AddressType = podnet.AddressTypeIPv6
		assert.EqualError(t, c.Apply(t.Context(), six), `EndpointSlice "db-2" is invalid: addressType: Invalid value: "IPv6": field is immutable`)
	})
}

func TestStaleUDPIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, c *podnet.Cluster) {
		var told []string
		podnet.OnStale(c, func(list []kubeproxy.UDPFrontend) {
			for _, f := range list {
				told = append(told, fmt.Sprintf("%s %v", f.Dst, f.Serving()))
			}
		})
		require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) {
			s.ClusterIP, s.Ports[0].Protocol = "10.96.0.99", podnet.ProtocolUDP
		})))
		a, err := c.StartPod(t.Context(), webPod("a"))
		require.NoError(t, err)
		require.NoError(t, a.WaitReady(t.Context()))
		at := a.IP().String() + ":80"
		require.NoError(t, a.Delete(t.Context()))
		assert.Equal(t, []string{"10.96.0.99:80 []", "10.96.0.99:80 [" + at + "]", "10.96.0.99:80 []"}, told)
	})
}
