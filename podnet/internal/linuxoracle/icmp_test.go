package linuxoracle_test

import "time"

var icmpScenarios = []scenario{
	{name: "hops on the way to a Pod of another node", run: func(s *stage) {
		for ttl := 1; ttl <= 3; ttl++ {
			s.probe("a", "10.244.1.2:9", ttl, 1)
		}
	}},
	{name: "hops on the way to a Pod of the same node", run: func(s *stage) {
		s.probe("a", "10.244.0.3:9", 1, 1)
		s.probe("a", "10.244.0.3:9", 2, 1)
	}},
	{name: "hops on the way to a Service", run: func(s *stage) {
		s.serve(dns("c"))
		for ttl := 1; ttl <= 3; ttl++ {
			s.probe("a", dnsAddress, ttl, 1)
		}
		s.probe("node-1", dnsAddress, 1, 1)
	}},
	{name: "the last hop to nodes", run: func(s *stage) {
		s.probe("a", "10.244.0.1:9", 1, 1)
		s.probe("a", "172.18.0.2:9", 1, 1)
		s.probe("a", "172.18.0.3:9", 1, 1)
		s.probe("a", "172.18.0.3:9", 2, 1)
		s.probe("a", "172.18.0.1:9", 2, 1) // which has no way back to Pods
	}},
	{name: "connections with too small a TTL", run: func(s *stage) {
		s.listen("c", ":8080", false)
		s.visitAs("a", "10.244.1.2:8080", dialer{ttl: 1})
		s.visitAs("a", "10.244.1.2:8080", dialer{ttl: 2})
		s.visitAs("a", "10.244.1.2:8080", dialer{ttl: 3})
		s.probe("a", "10.244.0.2:9", 1, 1)
	}},
	{name: "a link with a smaller MTU on the way", needs: smallNodeMTU, run: func(s *stage) {
		s.listen("c", ":8080", false)
		s.probe("a", "10.244.1.2:9", 64, 1472)
		s.probe("a", "10.244.1.2:9", 64, 1472)
		s.probe("a", "10.244.1.2:9", 64, 1372)
		s.probe("a", "10.244.0.3:9", 64, 1473)
		s.show("a", "route get 10.244.1.2")
		s.transfer("a", "c", "10.244.1.2:8081")
	}, differs: &difference{"podnet keeps the path's MTU with the connection, not with the route", []string{
		"ip route get 10.244.1.2: 10.244.1.2 via 10.244.0.1 dev eth0 src 10.244.0.2 uid 0",
		"ip route get 10.244.1.2: cache",
		"transfer: 1048576 <nil>",
	}}},
	{name: "a link with a smaller MTU on the way to a Service", needs: smallNodeMTU, run: func(s *stage) {
		s.serve(service{name: "web", clusterIP: "10.96.1.10", number: 80, target: 8081, endpoints: []string{"c"}}, dns("c"))
		s.transfer("a", "c", webAddress)
		s.probe("a", dnsAddress, 64, 1472)
		s.show("a", "route get 10.96.1.53")
	}, differs: &difference{"podnet keeps the path's MTU with the connection, not with the route", []string{
		"transfer: 1048576 <nil>",
		"ip route get 10.96.1.53: 10.96.1.53 via 10.244.0.1 dev eth0 src 10.244.0.2 uid 0",
		"ip route get 10.96.1.53: cache",
	}}},
	{name: "a node that has no route", run: func(s *stage) {
		s.ip("node-1", "route del default")
		s.visit("a", "10.244.0.99:80")
		s.visit("a", "192.0.2.1:80")
		s.ask("a", "192.0.2.1:80")
		s.probe("a", "192.0.2.1:80", 64, 1)
		s.visit("node-1", "192.0.2.1:80")
		s.serve(web("b"))
		s.listen("b", ":8080", false)
		s.visit("node-1", webAddress)
		s.visit("a", webAddress)
	}},
	{name: "a node that refuses a route", run: func(s *stage) {
		s.ip("node-1", "route add unreachable 192.0.2.1")
		s.ip("node-1", "route add prohibit 192.0.2.2")
		s.ip("node-1", "route add blackhole 192.0.2.3")
		for _, to := range []string{"192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"} {
			s.together(visits("a", to), asks("a", to))
			s.probe("a", to, 64, 1)
			s.visit("node-1", to)
		}
	}},
	{name: "a neighbour that does not answer", run: func(s *stage) {
		s.visitAs("node-1", "172.18.0.99:80", dialer{timeout: 10 * time.Second})
		s.visitAs("a", "172.18.0.99:80", dialer{timeout: 10 * time.Second})
	}},
}
