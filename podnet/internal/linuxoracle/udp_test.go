package linuxoracle_test

// dns returns a UDP Service with these Pods as its endpoints.
func dns(endpoints ...string) service {
	return service{name: "dns", port: "dns", udp: true, clusterIP: "10.96.1.53", number: 53, target: 5353, endpoints: endpoints}
}

const dnsAddress = "10.96.1.53:53"

var udpScenarios = []scenario{
	{name: "a Pod asks a UDP Service", run: func(s *stage) {
		s.echo("b", ":5353")
		s.echo("c", ":5353")
		s.serve(dns("b"))
		s.ask("a", dnsAddress)
		s.ask("b", dnsAddress)
		s.ask("node-1", dnsAddress)
		s.serve(dns("c"))
		s.ask("a", dnsAddress)
		s.ask("node-1", dnsAddress)
	}},
	{name: "a UDP Service has no endpoints", run: func(s *stage) {
		s.serve(dns())
		s.ask("a", dnsAddress)
		s.ask("node-1", dnsAddress)
		s.probe("a", dnsAddress, 64, 1)
	}},
	{name: "a UDP Service leads to a Pod where nobody listens", run: func(s *stage) {
		s.serve(dns("b"))
		s.ask("a", dnsAddress)
		s.ask("b", dnsAddress)
		s.probe("a", dnsAddress, 64, 1)
		s.serve(dns("c"))
		s.ask("a", dnsAddress)
		s.probe("a", dnsAddress, 64, 1)
	}},
	{name: "a UDP Service with local policy has no local endpoints", run: func(s *stage) {
		s.echo("b", ":5353")
		local := dns("b")
		local.internalLocal = true
		s.serve(local)
		s.ask("c", dnsAddress)
		s.ask("node-2", dnsAddress)
	}},
	{name: "a UDP socket moves to the new endpoint", run: func(s *stage) { moveEndpoint(s) }},
	{name: "a UDP socket stays with the old endpoint if its flow is not ended", needs: keepFlows, run: moveEndpoint},
	{name: "a UDP socket finds endpoints that come later", run: func(s *stage) {
		s.echo("b", ":5353")
		s.serve(dns())
		if c := s.dial("a dials", "a", "udp", dnsAddress, dialer{}); c != nil {
			s.askOn("without endpoints", c)
			s.serve(dns("b"))
			s.askOn("with endpoint b", c)
		}
	}},
}

func moveEndpoint(s *stage) {
	s.echo("b", ":5353")
	s.echo("c", ":5353")
	s.serve(dns("b"))
	c := s.dial("a dials", "a", "udp", dnsAddress, dialer{})
	if c == nil {
		return
	}
	s.askOn("with endpoint b", c)
	s.serve(dns("c"))
	s.askOn("with endpoint c", c)
	s.Must(s.net.stop("b"))
	s.askOn("b is gone", c)
}
