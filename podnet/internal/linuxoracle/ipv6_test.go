package linuxoracle_test

import "fmt"

// web6 returns an IPv6 Service with these Pods as its endpoints.
func web6(endpoints ...string) service {
	w := web(endpoints...)
	w.clusterIP = "fd00:10:96::10"
	return w
}

const webAddress6 = "[fd00:10:96::10]:80"

var ipv6Scenarios = []scenario{
	{name: "IPv6 between Pods and nodes", run: func(s *stage) {
		for _, on := range []string{"a", "b", "c", "node-1", "node-2"} {
			s.listen6(on, ":8080")
		}
		for _, from := range []string{"a", "node-1"} {
			for _, to := range []string{
				"[fd00:10:244::2]:8080", "[fd00:10:244::3]:8080", "[fd00:10:244:1::2]:8080", "[fd00:10:244::1]:8080",
				"[fd00:10:244:1::1]:8080", "[fc00:f853:ccd:e793::2]:8080", "[fc00:f853:ccd:e793::3]:8080", "[::1]:8080",
			} {
				s.visit(from, to)
			}
		}
	}},
	{name: "nobody listens on IPv6", run: func(s *stage) {
		s.visit("a", "[fd00:10:244::3]:9")
		s.visit("a", "[fd00:10:244:1::2]:9")
		s.ask("a", "[fd00:10:244:1::2]:9")
		s.visit("node-1", "[fd00:10:244:1::2]:9")
	}},
	{name: "an IPv6 Service", run: func(s *stage) {
		for _, on := range []string{"a", "b", "c"} {
			s.listen6(on, ":8080")
		}
		for _, endpoint := range []string{"a", "b", "c"} {
			s.serve(web6(endpoint))
			s.visit("a", webAddress6)
			s.visit("c", webAddress6)
			s.visit("node-1", webAddress6)
		}
		s.serve(web6())
		s.visit("a", webAddress6)
		s.visit("node-1", webAddress6)
	}},
	{name: "an IPv6 Service with local policy has no local endpoints", run: func(s *stage) {
		s.listen6("b", ":8080")
		local := web6("b")
		local.internalLocal = true
		s.serve(local)
		s.visit("a", webAddress6)
		s.visit("c", webAddress6)
	}},
	{name: "an IPv6 node port", run: func(s *stage) {
		s.listen6("b", ":8080")
		w := web6("b")
		w.nodePort = 30080
		s.serve(w)
		for _, from := range []string{"a", "b", "c", "node-1", "node-2"} {
			s.visit(from, "[fc00:f853:ccd:e793::2]:30080")
			s.visit(from, "[fc00:f853:ccd:e793::3]:30080")
		}
		s.visit("node-1", "[::1]:30080")
	}},
	{name: "an IPv6 UDP Service", run: func(s *stage) {
		s.echo6("b", ":5353")
		d := dns("b")
		d.clusterIP = "fd00:10:96::53"
		s.serve(d)
		s.ask("a", "[fd00:10:96::53]:53")
		s.ask("b", "[fd00:10:96::53]:53")
		s.ask("node-1", "[fd00:10:96::53]:53")
		d.endpoints = nil
		s.serve(d)
		s.ask("c", "[fd00:10:96::53]:53")
		s.ask("node-2", "[fd00:10:96::53]:53")
	}},
	{name: "a Pod redirects IPv6", run: func(s *stage) {
		s.listen6("a", ":9000")
		s.listen6("b", ":8080")
		s.restore6("a", nat(`-A OUTPUT -d fd00:10:244::3 -p tcp -j REDIRECT --to-ports 9000
-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 9000`))
		s.visit("a", "[fd00:10:244::3]:8080")
		s.visit("b", "[fd00:10:244::2]:81")
	}},
	rejects6("OUTPUT", "a", "a Pod rejects the IPv6 that it sends"),
	rejects6("INPUT", "b", "a Pod rejects the IPv6 that it gets"),
	{name: "IPv6 routes of a Pod", run: func(s *stage) {
		s.listen6("b", ":8080")
		s.ip("a", "-6 route del default")
		s.visit("a", "[2001:db8::1]:80")
		s.visit("a", "[fd00:10:244::3]:8080")
		for _, kind := range []string{"unreachable", "prohibit", "blackhole"} {
			s.ip("a", "-6 route replace "+kind+" 2001:db8::1/128")
			s.Note("with", kind)
			s.visit("a", "[2001:db8::1]:80")
			s.ask("a", "[2001:db8::1]:80")
			s.ip("a", "-6 route del "+kind+" 2001:db8::1/128")
		}
		s.visit("c", "[fd00:10:244::2]:8080")
	}},
}

// rejects6 returns a scenario in which a chain rejects in every way.
func rejects6(chain, on, name string) scenario {
	return scenario{name: name, run: func(s *stage) {
		s.listen6("b", ":8080")
		for _, with := range []string{
			"icmp6-port-unreachable", "icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable",
			"icmp6-policy-fail", "icmp6-reject-route", "tcp-reset",
		} {
			s.restore6(on, filter(fmt.Sprintf("-F %[1]s\n-A %[1]s -p tcp --dport 8080 -j REJECT --reject-with %[2]s", chain, with)))
			if with != "tcp-reset" {
				s.restore6(on, filter(fmt.Sprintf("-A %s -p udp --dport 8080 -j REJECT --reject-with %s", chain, with)))
			}
			s.Note("with", with)
			s.together(visits("a", "[fd00:10:244::3]:8080"), asks("a", "[fd00:10:244::3]:8080"))
		}
	}}
}
