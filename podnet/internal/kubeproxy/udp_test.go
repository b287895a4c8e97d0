package kubeproxy

import (
	"net/netip"
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

func TestSetReportsUDPFrontends(t *testing.T) {
	a, b := ready("10.244.0.1", ""), ready("10.244.0.2", "")
	frontends := func(serving ...string) []UDPFrontend {
		var list []UDPFrontend
		var addrs []netip.AddrPort
		for _, s := range serving {
			addrs = append(addrs, addrPort(s))
		}
		for _, dst := range []string{"10.96.0.50:53", "198.51.100.1:53", "198.51.100.2:53", "0.0.0.0:30053"} {
			if dst != "0.0.0.0:30053" || len(serving) > 0 {
				list = append(list, UDPFrontend{addrPort(dst), addrs})
			}
		}
		return list
	}
	table := newTable()
	assert.Equal(t, frontends("10.244.0.1:5353", "10.244.0.2:5353"), table.Set(udpService(a, b)))
	assert.Empty(t, table.Set(udpService(b, a)), "nothing has changed")
	assert.Empty(t, table.Set(udpService(ending("10.244.0.1", ""), b)), "one that ends serves on")
	assert.Equal(t, frontends("10.244.0.2:5353"), table.Set(udpService(unready("10.244.0.1", ""), b)))
	assert.Equal(t, frontends(), table.Set(udpService()), "but for the node port, which other flows may have")
	assert.Empty(t, table.Set(web(a)), "the port is gone: its flows go on")
	assert.Empty(t, table.Set(web()), "TCP goes on")
}

func TestUDPFrontendStale(t *testing.T) {
	f := UDPFrontend{addrPort("10.96.0.50:53"), []netip.AddrPort{addrPort("10.244.0.1:5353")}}
	assert.False(t, f.Stale(addrPort("10.96.0.50:53"), addrPort("10.244.0.1:5353")))
	assert.True(t, f.Stale(addrPort("10.96.0.50:53"), addrPort("10.244.0.2:5353")))
	assert.True(t, f.Stale(addrPort("10.96.0.50:53"), addrPort("10.96.0.50:53")), "from before there were endpoints")
	assert.False(t, f.Stale(addrPort("10.96.0.51:53"), addrPort("10.244.0.2:5353")))
	f.Dst = addrPort("0.0.0.0:30053")
	assert.True(t, f.Stale(addrPort("192.168.0.1:30053"), addrPort("10.244.0.2:5353")))
	assert.False(t, f.Stale(addrPort("[2001:db8::1]:30053"), addrPort("10.244.0.2:5353")))
	assert.False(t, f.Stale(addrPort("192.168.0.1:30054"), addrPort("10.244.0.2:5353")))
}
