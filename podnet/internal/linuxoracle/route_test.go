package linuxoracle_test

var routeScenarios = []scenario{
	{name: "routes of a Pod", run: func(s *stage) {
		s.show("a", "route")
		s.show("a", "route get 10.244.0.3")
		s.show("a", "route get 192.0.2.1")
		s.show("a", "route get 127.0.0.1")
		s.show("a", "route get 10.244.0.2")
	}},
	{name: "a Pod without a default route", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.ip("a", "route del default")
		s.visit("a", "192.0.2.1:80")
		s.ask("a", "192.0.2.1:80")
		s.visit("a", "10.244.1.2:8080")
		s.visit("a", "10.244.0.3:8080")
		s.serve(web("b"))
		s.visit("a", webAddress)
		s.show("a", "route get 192.0.2.1")
		s.ip("a", "route add default via 10.244.0.1")
		s.visit("a", webAddress)
	}},
	{name: "a Pod that refuses a route", run: func(s *stage) {
		s.ip("a", "route add unreachable 192.0.2.1")
		s.ip("a", "route add prohibit 192.0.2.2")
		s.ip("a", "route add blackhole 192.0.2.3")
		for _, to := range []string{"192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"} {
			s.visit("a", to)
			s.ask("a", to)
		}
		s.show("a", "route")
	}},
	{name: "a Pod without a way back", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.ip("a", "route del default")
		s.visit("c", "10.244.0.2:8080")
		s.visit("b", "10.244.0.2:8080")
	}},
	{name: "a Pod with its link down", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.ip("a", "link set eth0 down")
		s.visit("a", "10.244.0.3:8080")
		s.visit("a", "10.244.0.2:8080")
		s.visit("a", "127.0.0.1:8080")
		s.visit("b", "10.244.0.2:8080")
		s.show("a", "route")
	}},
	{name: "a Pod with lo down", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.ip("a", "link set lo down")
		s.visit("a", "127.0.0.1:8080")
		s.visit("a", "10.244.0.2:8080")
	}},
	{name: "routes that cannot be", run: func(s *stage) {
		for _, args := range []string{
			"route add 10.9.0.0/16 via 192.0.2.1", "route add 10.9.0.0/16 dev eth9", "route add default via 10.244.0.1",
			"route del 10.9.0.0/16", "route add 10.9.0.1/16 dev eth0",
			"route add 10.9.0.0/16 dev eth0 src 192.0.2.1", "route replace default via 10.244.0.1",
		} {
			s.ip("a", args)
		}
		s.show("a", "route")
	}},
	{name: "a narrower route wins", run: func(s *stage) {
		s.listen("c", ":8080", false)
		s.ip("a", "route add blackhole 10.244.1.0/24")
		s.visit("a", "10.244.1.2:8080")
		s.ip("a", "route add 10.244.1.2/32 via 10.244.0.1")
		s.visit("a", "10.244.1.2:8080")
		s.ip("a", "route add 10.244.1.2/32 via 10.244.0.1 metric 5")
		s.ip("a", "route add 10.244.1.2/32 via 10.244.0.1 metric 5")
		s.show("a", "route")
	}},
}
