package linuxoracle_test

var pathScenarios = []scenario{
	{name: "a Pod reaches a Pod of its node", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.visit("a", "10.244.0.3:8080")
		s.visit("b", "10.244.0.3:8080")
	}},
	{name: "a Pod reaches a Pod of another node", run: func(s *stage) {
		s.listen("c", ":8080", false)
		s.visit("a", "10.244.1.2:8080")
	}},
	{name: "a node reaches its Pod and another node's", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.listen("c", ":8080", false)
		s.visit("node-1", "10.244.0.2:8080")
		s.visit("node-1", "10.244.1.2:8080")
	}},
	{name: "a Pod reaches nodes", run: func(s *stage) {
		s.listen("node-1", ":9100", false)
		s.listen("node-2", ":9100", false)
		s.visit("a", "10.244.0.1:9100")
		s.visit("a", "172.18.0.2:9100")
		s.visit("a", "172.18.0.3:9100")
		s.visit("a", "10.244.1.1:9100")
		s.visit("node-1", "172.18.0.3:9100")
		s.visit("node-1", "172.18.0.2:9100")
	}},
	{name: "nobody listens", run: func(s *stage) {
		s.visit("a", "10.244.0.3:9")
		s.visit("a", "10.244.1.2:9")
		s.visit("a", "172.18.0.2:9")
		s.visit("node-1", "10.244.1.2:9")
		s.ask("a", "10.244.0.3:9")
		s.ask("a", "10.244.1.2:9")
		s.ask("a", "10.244.0.1:9")
	}},
	{name: "nobody has the address", needs: silentRouter, run: nobodyHasIt},
	{name: "nobody has the address, and the router says so", needs: answeringRouter, run: nobodyHasIt},
}

func nobodyHasIt(s *stage) {
	s.together(
		visits("a", "10.244.0.99:80"), visits("a", "10.244.1.99:80"), visits("a", "192.0.2.1:80"), visits("node-1", "192.0.2.1:80"),
		asks("a", "192.0.2.1:80"), visits("a", "[2001:db8::1]:80"),
	)
	s.probe("a", "192.0.2.1:80", 64, 1)
}
