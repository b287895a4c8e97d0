package bench

import (
	"fmt"
	"strings"
	"testing"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// BenchmarkContainers compares a Pod of several containers that has one IP with one
// whose containers have an IP each: a round trip of 64 bytes from the first to the
// last, and what the Pod takes of the network and of memory. A Service with a port
// for each container and a NetworkPolicy select it.
func BenchmarkContainers(b *testing.B) {
	for _, world := range []struct {
		name string
		cfg  podnet.Config
	}{
		{"pod", podnet.Config{}},
		{"container", podnet.Config{IPPerContainer: true}},
	} {
		b.Run("ip-per="+world.name, func(b *testing.B) {
			sizes(b, "containers", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(b *testing.B, n int) { containers(b, world.cfg, n) })
		})
	}
}

func containers(b *testing.B, cfg podnet.Config, n int) {
	c := podnettest.NewCluster(b, cfg)
	podnettest.StartPod(b, c, idle("first")) // and with it the node
	rules := lines(c)
	labels := map[string]string{"app": "web"}
	service := podnet.ServiceSpec{Name: "web", Selector: labels}
	for i := range n {
		service.Ports = append(service.Ports, podnet.ServicePort{Name: fmt.Sprint("c", i), Port: int32(7000 + i)})
	}
	policy := podnet.NetworkPolicySpec{
		Name: "web", PodSelector: podnet.LabelSelector{MatchLabels: labels}, Ingress: []podnet.NetworkPolicyIngressRule{{}},
	}
	if err := c.Apply(b.Context(), service, policy); err != nil {
		b.Fatal(err)
	}
	spec := func(name string, labels map[string]string) podnet.PodSpec {
		s := podnet.PodSpec{Name: name, Labels: labels}
		for i := range n {
			s.Containers = append(s.Containers, podnet.ContainerSpec{
				Name: fmt.Sprint("c", i), Run: untilStopped, Ports: []podnet.ContainerPort{{ContainerPort: uint16(7000 + i)}},
			})
		}
		return s
	}
	p := podnettest.StartPod(b, c, spec("web", labels))
	f, rules := p.Footprint(), lines(c)-rules
	const more = 10
	before := held()
	for i := range more {
		podnettest.StartPod(b, c, spec(fmt.Sprint("more-", i), nil))
	}
	memory := float64(int64(held()-before)) / more

	address := "127.0.0.1:7000"
	if cfg.IPPerContainer {
		address = port(p.Containers()[n-1].IP())
	}
	o := roundTrip(64)(b, ends(p.Containers()[0], p.Containers()[n-1], address))
	for b.Loop() {
		if err := o.do(); err != nil {
			b.Fatal(err)
		}
	}
	for unit, value := range map[string]int{
		"IPs": f.Addresses, "links": f.Links, "routes": f.Routes, "node-routes": f.NodeRoutes,
		"endpoints": f.Endpoints, "policy-entries": f.PolicyEntries, "rules": rules,
	} {
		b.ReportMetric(float64(value), unit)
	}
	b.ReportMetric(memory, "B-held/pod")
}

// lines counts the iptables rules that kube-proxy would have on the node.
func lines(c *podnet.Cluster) int {
	return strings.Count(c.Node("node-1").IPTablesSave(false), "\n-A ")
}
