package kubeproxy

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const (
	pod     = "10.244.0.9"
	outside = "203.0.113.5"
)

func to(endpoint string) Decision {
	return Decision{Kind: DNAT, To: addrPort(endpoint), Service: "default/web:http"}
}

func (d Decision) masqueraded() Decision { d.Masquerade = true; return d }
func (d Decision) hairpin() Decision     { d.Masquerade, d.Hairpin = true, true; return d }

var (
	rejected  = Decision{Kind: Reject, Service: "default/web:http", Reason: "default/web:http has no endpoints"}
	noneLocal = Decision{Kind: Drop, Service: "default/web:http", Reason: "default/web:http has no local endpoints"}
)

// with returns web changed.
func with(s Service, change func(*Service)) Service { change(&s); return s }

func internalLocal(s *Service) { s.InternalLocal = true }
func external(s *Service) {
	s.Ports[0].NodePort = 30080
	s.ExternalIPs = []netip.Addr{addr("198.51.100.1")}
	s.LoadBalancerIPs = []netip.Addr{addr("198.51.100.2")}
}
func externalLocal(s *Service) { external(s); s.ExternalLocal = true }

func TestTranslate(t *testing.T) {
	const vip, nodePort, externalIP, balancer = "10.96.0.50:80", nodeIP + ":30080", "198.51.100.1:80", "198.51.100.2:80"
	a, b := ready("10.244.0.1", "node-1"), ready("10.244.1.1", "node-2")
	const atA, atB = "10.244.0.1:8080", "10.244.1.1:8080"
	guarded := func(s *Service) {
		external(s)
		s.SourceRanges = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	}
	tests := map[string]struct {
		service  Service
		src, dst string
		want     Decision
	}{
		"from a Pod":                             {web(a), pod, vip, to(atA)},
		"from outside":                           {web(a), outside, vip, to(atA).masqueraded()},
		"from the node":                          {web(a), nodeIP, vip, to(atA).masqueraded()},
		"from the endpoint itself":               {web(a), "10.244.0.1", vip, to(atA).hairpin()},
		"undeclared port":                        {web(a), pod, "10.96.0.50:81", Decision{}},
		"another address":                        {web(a), pod, "10.96.0.51:80", Decision{}},
		"no endpoints":                           {web(), pod, vip, rejected},
		"none that is ready":                     {web(unready("10.244.0.1", "node-1")), pod, vip, rejected},
		"ready rather than ending":               {web(ending("10.244.0.1", "node-1"), b), pod, vip, to(atB)},
		"ending rather than none":                {web(ending("10.244.0.1", "node-1"), unready("10.244.1.1", "node-2")), pod, vip, to(atA)},
		"ready though ending, if so published":   {web(Endpoint{Addr: addr("10.244.0.1"), Ready: true, Terminating: true, Ports: a.Ports}), pod, vip, to(atA)},
		"endpoint without the port":              {web(Endpoint{Addr: addr("10.244.0.1"), Ready: true, Serving: true, Ports: []EndpointPort{{"other", TCP, 1}}}), pod, vip, rejected},
		"endpoint with the port's name for UDP":  {web(Endpoint{Addr: addr("10.244.0.1"), Ready: true, Serving: true, Ports: []EndpointPort{{"http", UDP, 1}}}), pod, vip, rejected},
		"an address twice, the one ending loses": {web(ending("10.244.0.1", "node-2"), a), pod, vip, to(atA)},

		"internal Local, one here":                  {with(web(a, b), internalLocal), pod, vip, to(atA)},
		"internal Local, none here":                 {with(web(b), internalLocal), pod, vip, noneLocal},
		"internal Local, none at all":               {with(web(), internalLocal), pod, vip, rejected},
		"internal Local, ending here":               {with(web(ending("10.244.0.1", "node-1"), b), internalLocal), pod, vip, to(atA)},
		"internal Local, unready here":              {with(web(unready("10.244.0.1", "node-1"), b), internalLocal), pod, vip, noneLocal},
		"internal Local, from outside":              {with(web(a), internalLocal), outside, vip, to(atA).masqueraded()},
		"internal Local, node port from outside":    {with(web(b), func(s *Service) { external(s); s.InternalLocal = true }), outside, nodePort, to(atB).masqueraded()},
		"node port from outside":                    {with(web(b), external), outside, nodePort, to(atB).masqueraded()},
		"node port from a Pod":                      {with(web(b), external), pod, nodePort, to(atB).masqueraded()},
		"node port from the node":                   {with(web(b), external), nodeIP, nodePort, to(atB).masqueraded()},
		"node port on loopback":                     {with(web(b), external), nodeIP, "127.0.0.1:30080", to(atB).masqueraded()},
		"node port on loopback, no endpoints":       {with(web(), external), nodeIP, "127.0.0.1:30080", rejected},
		"node port on loopback, Local, none here":   {with(web(b), externalLocal), nodeIP, "127.0.0.1:30080", to(atB).masqueraded()},
		"node port of another node":                 {with(web(b), external), pod, "192.168.0.2:30080", Decision{}},
		"node port at the ClusterIP":                {with(web(b), external), pod, "10.96.0.50:30080", Decision{}},
		"node port without endpoints":               {with(web(), external), nodeIP, nodePort, rejected},
		"external IP":                               {with(web(b), external), outside, externalIP, to(atB).masqueraded()},
		"external IP without endpoints":             {with(web(), external), outside, externalIP, rejected},
		"external IP without endpoints, from here":  {with(web(), external), nodeIP, externalIP, Decision{}},
		"load balancer":                             {with(web(b), external), outside, balancer, to(atB).masqueraded()},
		"load balancer's other port":                {with(web(b), external), outside, "198.51.100.2:81", Decision{}},
		"load balancer, source admitted":            {with(web(b), guarded), outside, balancer, to(atB).masqueraded()},
		"load balancer, source not admitted":        {with(web(b), guarded), "192.0.2.1", balancer, Decision{Kind: Drop, Service: "default/web:http", Reason: "default/web:http traffic not accepted by " + chainName(firewallChain, &servicePort{name: "default/web:http", Port: Port{Protocol: TCP}})}},
		"node port, source not admitted":            {with(web(b), guarded), "192.0.2.1", nodePort, to(atB).masqueraded()},
		"external Local keeps the source":           {with(web(a, b), externalLocal), outside, nodePort, to(atA)},
		"external Local, none here":                 {with(web(b), externalLocal), outside, nodePort, noneLocal},
		"external Local, none here, from a Pod":     {with(web(b), externalLocal), pod, nodePort, to(atB)},
		"external Local, none here, from the node":  {with(web(b), externalLocal), nodeIP, nodePort, to(atB).masqueraded()},
		"external Local, none at all":               {with(web(), externalLocal), outside, nodePort, rejected},
		"external Local, the ClusterIP from a Pod":  {with(web(b), externalLocal), pod, vip, to(atB)},
		"external Local, ending here":               {with(web(ending("10.244.0.1", "node-1"), b), externalLocal), outside, balancer, to(atA)},
		"external Local, hairpin":                   {with(web(a), externalLocal), "10.244.0.1", externalIP, to(atA).hairpin()},
		"near endpoints":                            {with(web(a, b), func(s *Service) { s.PreferSameNode = true }), pod, vip, to(atA)},
		"near endpoints, none here":                 {with(web(b), func(s *Service) { s.PreferSameNode = true }), pod, vip, to(atB)},
		"near endpoints, the one here is not ready": {with(web(ending("10.244.0.1", "node-1"), b), func(s *Service) { s.PreferSameNode = true }), pod, vip, to(atB)},
		"IPv6 of an IPv4 Service":                   {web(a), pod, "[fd00:10:96::50]:80", Decision{}},
		"IPv4 in IPv6 form":                         {web(a), "::ffff:10.244.0.1", "[::ffff:10.96.0.50]:80", to(atA).hairpin()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			table := newTable(test.service)
			for range 10 {
				assert.Equal(t, test.want, table.Translate(from(test.src, test.dst)))
			}
		})
	}
}

func TestTranslateFamilies(t *testing.T) {
	six := ready("fd00:10:244::1", "node-1")
	s := with(web(ready("10.244.0.1", "node-1"), six), external)
	s.ClusterIPs = append(s.ClusterIPs, addr("fd00:10:96::50"))
	table := newTable(s)
	assert.Equal(t, to("[fd00:10:244::1]:8080").hairpin(), table.Translate(from("fd00:10:244::1", "[fd00:10:96::50]:80")))
	assert.Equal(t, to("10.244.0.1:8080"), table.Translate(from(pod, "10.96.0.50:80")))
	q := from("2001:db8::1", "[2001:db8::2]:30080")
	q.NodeIPs = func(a netip.Addr) bool { return a == addr("2001:db8::2") }
	assert.Equal(t, to("[fd00:10:244::1]:8080").masqueraded(), table.Translate(q))
	q.Dst = addrPort("[::1]:30080")
	q.NodeIPs = netip.Addr.IsLoopback
	assert.Equal(t, Decision{}, table.Translate(q))
}

func TestTranslateProtocols(t *testing.T) {
	s := web()
	s.Ports = []Port{{Name: "dns", Protocol: UDP, Port: 53}, {Name: "dns-tcp", Protocol: TCP, Port: 53}, {Protocol: SCTP, Port: 53}}
	s.Endpoints = []Endpoint{{Addr: addr("10.244.0.1"), Ready: true, Serving: true, Ports: []EndpointPort{{"dns", UDP, 1}, {"dns-tcp", TCP, 2}, {"", SCTP, 3}}}}
	table := newTable(s)
	for protocol, want := range map[uint8]Decision{
		UDP:  {Kind: DNAT, To: addrPort("10.244.0.1:1"), Service: "default/web:dns"},
		TCP:  {Kind: DNAT, To: addrPort("10.244.0.1:2"), Service: "default/web:dns-tcp"},
		SCTP: {Kind: DNAT, To: addrPort("10.244.0.1:3"), Service: "default/web"},
		1:    {},
	} {
		q := from(pod, "10.96.0.50:53")
		q.Protocol = protocol
		assert.Equal(t, want, table.Translate(q))
	}
}

func TestDeletedServicesAreGone(t *testing.T) {
	table := newTable(with(web(ready("10.244.0.1", "")), external))
	table.Delete("default", "other")
	assert.Equal(t, DNAT, table.Translate(from(pod, "10.96.0.50:80")).Kind)
	table.Delete("default", "web")
	for _, dst := range []string{"10.96.0.50:80", nodeIP + ":30080", "198.51.100.1:80", "198.51.100.2:80"} {
		assert.Equal(t, Decision{}, table.Translate(from(pod, dst)))
	}
	assert.Empty(t, table.frontends)
}

func TestServicesThatMoveLeaveNothingBehind(t *testing.T) {
	table := newTable(with(web(ready("10.244.0.1", "")), external))
	moved := web(ready("10.244.0.1", ""))
	moved.Ports = []Port{{Name: "http", Protocol: TCP, Port: 81}}
	table.Set(moved)
	assert.Equal(t, Decision{}, table.Translate(from(pod, "10.96.0.50:80")))
	assert.Equal(t, to("10.244.0.1:8080"), table.Translate(from(pod, "10.96.0.50:81")))
	assert.Len(t, table.frontends, 1)
}

// endpoints returns n endpoints.
func endpoints(n int) []Endpoint {
	var list []Endpoint
	for i := range n {
		list = append(list, ready(fmt.Sprintf("10.244.%d.%d", i/250, i%250+1), fmt.Sprintf("node-%d", i%3+1)))
	}
	return list
}

func TestLoadIsBalancedUniformly(t *testing.T) {
	const connections, n = 10000, 7
	table := newTable(web(endpoints(n)...))
	count := make(map[netip.AddrPort]int)
	for range connections {
		count[table.Translate(from(pod, "10.96.0.50:80")).To]++
	}
	assert.Len(t, count, n)
	mean := float64(connections) / n
	sigma := math.Sqrt(connections * (1.0 / n) * (1 - 1.0/n))
	for endpoint, c := range count {
		assert.InDelta(t, mean, float64(c), 3*sigma, "%s", endpoint)
	}
}

// draws returns where n connections go.
func draws(table *Table, n int) []netip.AddrPort {
	var list []netip.AddrPort
	for range n {
		list = append(list, table.Translate(from(pod, "10.96.0.50:80")).To)
	}
	return list
}

func TestDrawsFollowTheSeed(t *testing.T) {
	s := web(endpoints(7)...)
	want := draws(newTable(s), 100)
	assert.Equal(t, want, draws(newTable(s), 100))

	other := New(seed+1, nil)
	other.Set(s)
	assert.NotEqual(t, want, draws(other, 100))

	// Not other Services, nor how often this one is set.
	table := newTable(s)
	second := web(endpoints(3)...)
	second.Name, second.ClusterIPs = "second", []netip.Addr{addr("10.96.0.51")}
	table.Set(second)
	got := draws(table, 50)
	for range 10 {
		table.Translate(from(pod, "10.96.0.51:80"))
	}
	table.Set(s)
	table.Set(s)
	assert.Equal(t, want, append(got, draws(table, 50)...))
}

func TestTableIsSafeForConcurrentUse(t *testing.T) {
	table := newTable()
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			for n := range 200 {
				switch s := with(web(endpoints(n%5)...), func(s *Service) { s.Affinity = time.Hour }); {
				case i == 0:
					table.Set(s)
				case i == 1 && n%10 == 0:
					table.Delete("default", "web")
				case i == 1:
					table.Save("node-1", false)
				case i == 2:
					table.SetEndpoints("default", "web", "", s.Endpoints)
				default:
					d := table.Translate(from(pod, "10.96.0.50:80"))
					assert.True(t, d.Kind != DNAT || d.To.Port() == 8080)
				}
			}
		})
	}
	wg.Wait()
}
