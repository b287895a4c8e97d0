package kubeproxy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func udpService(endpoints ...Endpoint) Service {
	s := with(web(endpoints...), external)
	s.Ports = append(s.Ports, Port{Name: "dns", Protocol: UDP, Port: 53, NodePort: 30053})
	for i := range s.Endpoints {
		s.Endpoints[i].Ports = append(s.Endpoints[i].Ports, EndpointPort{"dns", UDP, 5353})
	}
	return s
}

// frontendTexts tells frontends with what serves them.
func frontendTexts(list []UDPFrontend) (texts []string) {
	for _, f := range list {
		texts = append(texts, fmt.Sprint(f.Dst, f.Serving()))
	}
	return texts
}

// ofUDPService returns the frontends of a udpService with what serves it.
func ofUDPService(serving string) []string {
	return []string{"10.96.0.50:53 " + serving, "198.51.100.1:53 " + serving, "198.51.100.2:53 " + serving, "0.0.0.0:30053 " + serving}
}

func TestSetReportsUDPFrontends(t *testing.T) {
	a, b := ready("10.244.0.1", ""), ready("10.244.0.2", "")
	table := newTable()
	assert.Equal(t, ofUDPService("[10.244.0.1:5353 10.244.0.2:5353]"), frontendTexts(table.Set(udpService(a, b))))
	assert.Empty(t, table.Set(udpService(b, a)), "nothing has changed")
	assert.Empty(t, table.Set(udpService(ending("10.244.0.1", ""), b)), "one that ends serves on")
	assert.Equal(t, ofUDPService("[10.244.0.2:5353]"), frontendTexts(table.Set(udpService(unready("10.244.0.1", ""), b))))
	assert.Equal(t, ofUDPService("[]"), frontendTexts(table.Set(udpService())))
	assert.Empty(t, table.Set(web(a)), "the port is gone: its flows go on")
	assert.Empty(t, table.Set(web()), "TCP goes on")
}

func TestSetEndpointsReportsUDPFrontends(t *testing.T) {
	table := newTable(udpService())
	set := func(source string, list ...Endpoint) []string {
		list = udpService(list...).Endpoints
		for i := range list {
			list[i].Source = source
		}
		return frontendTexts(table.SetEndpoints("default", "web", source, list))
	}
	assert.Equal(t, ofUDPService("[10.244.0.2:5353]"), set("b", ready("10.244.0.2", "")))
	assert.Equal(t, ofUDPService("[10.244.0.1:5353 10.244.0.2:5353]"), set("a", ready("10.244.0.1", "")))
	assert.Empty(t, set("a", ready("10.244.0.1", "node-1")), "the address is the same")
	assert.Empty(t, set("c", unready("10.244.0.3", "")), "it does not serve")
	assert.Empty(t, set("c"))
	assert.Empty(t, set("d"), "there was none")
	assert.Equal(t, ofUDPService("[10.244.0.2:5353]"), set("a"))
	assert.Equal(t, ofUDPService("[]"), set("b"))
	assert.Empty(t, table.SetEndpoints("default", "other", "a", nil), "there is no such Service")
}

// However endpoints came about, one by one or all together, a table says the same.
func TestSetEndpointsIsAsGoodAsSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		s := udpService()
		s.InternalLocal, s.PreferSameNode = r.IntN(2) > 0, r.IntN(2) > 0
		one, all := newTable(s), newTable()
		have := make(map[string][]Endpoint)
		for range 20 {
			source := fmt.Sprint("pod-", r.IntN(6))
			var list []Endpoint
			for range r.IntN(3) {
				e := ready(fmt.Sprintf("10.244.0.%d", r.IntN(9)), []string{"", "node-1", "node-2"}[r.IntN(3)])
				e.Ready, e.Terminating = r.IntN(2) > 0, r.IntN(2) > 0
				list = append(list, e)
			}
			list = udpService(list...).Endpoints
			for i := range list {
				list[i].Source = source
			}
			have[source] = list
			one.SetEndpoints("default", "web", source, list)
		}
		for _, source := range slices.Sorted(maps.Keys(have)) {
			s.Endpoints = append(s.Endpoints, have[source]...)
		}
		all.Set(s)
		for _, node := range []string{"node-1", "node-2", "node-3"} {
			for i, p := range one.services[name{"default", "web"}].ports {
				assert.Equal(t, all.services[name{"default", "web"}].ports[i].forNode(node), p.forNode(node))
			}
		}
	}
}

func TestUDPFrontendStale(t *testing.T) {
	table := newTable()
	of := func(list []UDPFrontend, dst string) UDPFrontend {
		i := slices.IndexFunc(list, func(f UDPFrontend) bool { return f.Dst == addrPort(dst) })
		return list[i]
	}
	list := table.Set(udpService(ready("10.244.0.1", "")))
	f := of(list, "10.96.0.50:53")
	assert.False(t, f.Stale(addrPort("10.96.0.50:53"), addrPort("10.244.0.1:5353")))
	assert.True(t, f.Stale(addrPort("10.96.0.50:53"), addrPort("10.244.0.2:5353")))
	assert.True(t, f.Stale(addrPort("10.96.0.50:53"), addrPort("10.96.0.50:53")), "from before there were endpoints")
	assert.False(t, f.Stale(addrPort("10.96.0.51:53"), addrPort("10.244.0.2:5353")))
	f = of(list, "0.0.0.0:30053")
	assert.True(t, f.Stale(addrPort("192.168.0.1:30053"), addrPort("10.244.0.2:5353")))
	assert.False(t, f.Stale(addrPort("[2001:db8::1]:30053"), addrPort("10.244.0.2:5353")))
	assert.False(t, f.Stale(addrPort("192.168.0.1:30054"), addrPort("10.244.0.2:5353")))
	list = table.Set(udpService())
	assert.True(t, of(list, "10.96.0.50:53").Stale(addrPort("10.96.0.50:53"), addrPort("10.244.0.1:5353")))
	assert.False(t, of(list, "0.0.0.0:30053").Stale(addrPort("192.168.0.1:30053"), addrPort("10.244.0.1:5353")), "other flows may have the port")
}
