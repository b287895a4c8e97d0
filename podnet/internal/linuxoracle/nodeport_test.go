package linuxoracle_test

// nodePort returns a Service with a node port.
func nodePort(local bool, endpoints ...string) service {
	w := web(endpoints...)
	w.nodePort, w.externalLocal = 30080, local
	return w
}

// visitNodePorts dials the node port from everywhere.
func visitNodePorts(s *stage) {
	var all []func(*stage)
	for _, from := range []string{"a", "b", "c", "node-1", "node-2", "router"} {
		all = append(all, visits(from, "172.18.0.2:30080"), visits(from, "172.18.0.3:30080"))
	}
	s.together(all...)
	s.visit("a", "10.244.0.1:30080")
	s.visit("node-1", "10.244.0.1:30080")
	s.visit("a", "127.0.0.1:30080")
}

func fromLocalhost(s *stage) {
	s.listen("b", ":8080", false)
	for _, local := range []bool{false, true} {
		s.serve(nodePort(local, "b"))
		s.visit("node-1", "127.0.0.1:30080")
		s.visit("node-2", "127.0.0.1:30080")
		s.visit("node-1", "127.0.0.5:30080")
		s.visit("node-1", "172.18.0.2:30080")
	}
	s.serve(nodePort(false))
	s.visit("node-1", "127.0.0.1:30080")
}

var nodePortScenarios = []scenario{
	{name: "a node port leads to a Pod", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.serve(nodePort(false, "b"))
		visitNodePorts(s)
	}},
	{name: "a node port with local policy leads to a Pod", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.serve(nodePort(true, "b"))
		visitNodePorts(s)
	}},
	{name: "a node port has no endpoints", run: func(s *stage) {
		s.serve(nodePort(false))
		visitNodePorts(s)
	}},
	{name: "a node port is for localhost too", needs: localhostNodePorts, run: fromLocalhost},
	{name: "a node port is not for localhost", needs: noLocalhostNodePorts, run: fromLocalhost},
	{name: "a node port takes precedence over a program of the node", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.listen("node-1", ":30080", false)
		s.visit("a", "172.18.0.2:30080")
		s.serve(nodePort(false, "b"))
		s.visit("a", "172.18.0.2:30080")
	}},
	{name: "a UDP node port leads to a Pod", run: func(s *stage) {
		s.echo("b", ":5353")
		d := dns("b")
		d.nodePort = 30053
		s.serve(d)
		for _, from := range []string{"a", "b", "c", "node-1", "node-2"} {
			s.ask(from, "172.18.0.2:30053")
			s.ask(from, "172.18.0.3:30053")
		}
	}},
}
