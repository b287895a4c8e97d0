package linuxoracle_test

import "fmt"

// filter returns rules of one table.
func filter(rules string) string { return "*filter\n" + rules + "\nCOMMIT\n" }

func nat(rules string) string { return "*nat\n" + rules + "\nCOMMIT\n" }

var filterScenarios = []scenario{
	{name: "a Pod drops what it sends", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.restore("a", filter("-A OUTPUT -d 10.244.0.3 -j DROP"))
		s.visit("a", "10.244.0.3:8080")
		s.ask("a", "10.244.0.3:8080")
	}},
	rejects("OUTPUT", "a Pod rejects what it sends"),
	rejects("INPUT", "a Pod rejects what it gets"),
	rejects("FORWARD", "a node rejects what it forwards"),
	{name: "a Pod drops what it gets", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.restore("b", filter("-A INPUT -p tcp -m tcp --dport 8080 -j DROP"))
		s.together(visits("a", "10.244.0.3:8080"), visits("a", "10.244.0.3:8081"), visits("b", "10.244.0.3:8080"), visits("b", "127.0.0.1:8080"))
	}},
	{name: "a Pod accepts replies only", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.listen("b", ":8080", false)
		s.restore("a", filter(":INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"))
		s.visit("a", "10.244.0.3:8080")
		s.visit("b", "10.244.0.2:8080")
		s.visit("a", "127.0.0.1:8080")
		s.ask("a", "10.244.0.3:9") // the port unreachable is RELATED
	}},
	{name: "a rule for one user", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.restore("a", filter("-A OUTPUT -m owner --uid-owner 1000 -j REJECT"))
		s.visitAs("a", "10.244.0.3:8080", dialer{user: 1000})
		s.visitAs("a", "10.244.0.3:8080", dialer{user: 1001})
	}},
	{name: "what a Pod redirects to itself crosses lo", run: func(s *stage) {
		s.listen("a", ":9000", true)
		s.listen("b", ":8080", false)
		s.restore("a", nat("-A OUTPUT -d 10.244.0.3 -p tcp -j REDIRECT --to-ports 9000"))
		s.visit("a", "10.244.0.3:8080")
		s.restore("a", filter("-A OUTPUT -o lo -p tcp -m tcp --dport 9000 -j REJECT --reject-with icmp-net-unreachable"))
		s.visit("a", "10.244.0.3:8080") // does filter OUTPUT see lo?
		s.restore("a", filter("-A OUTPUT -o eth0 -p tcp -m tcp --dport 9000 -j REJECT --reject-with icmp-host-unreachable"))
		s.visit("a", "10.244.0.3:8080") // or eth0?
		s.restore("a", filter("-F OUTPUT\n-A INPUT -i lo -p tcp -m tcp --dport 9000 -j REJECT --reject-with icmp-net-unreachable"))
		s.visit("a", "10.244.0.3:8080") // and INPUT?
	}},
	{name: "a Pod sends what it dials elsewhere", run: func(s *stage) {
		s.listen("a", ":9000", true)
		s.listen("a", "127.0.0.1:9001", true)
		s.listen("b", ":8080", true)
		s.listen("c", ":8080", true)
		s.restore("a", nat(`-A OUTPUT -d 192.0.2.1 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.2:8080
-A OUTPUT -d 192.0.2.2 -p tcp -j DNAT --to-destination 10.244.0.2:9000
-A OUTPUT -d 192.0.2.3 -p tcp -j DNAT --to-destination 127.0.0.1:9001
-A OUTPUT -d 192.0.2.4 -p tcp -j DNAT --to-destination 10.244.0.3
-A OUTPUT -d 127.0.0.1 -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 9000
-A OUTPUT -d 127.0.0.1 -p tcp -m tcp --dport 82 -j DNAT --to-destination 10.244.0.3:8080
-A OUTPUT -d 10.244.0.2 -p tcp -m tcp --dport 83 -j REDIRECT --to-ports 9000`))
		for _, to := range []string{"192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80", "192.0.2.4:8080", "127.0.0.1:81", "127.0.0.1:82", "10.244.0.2:83"} {
			s.visit("a", to)
		}
	}},
	{name: "a Pod sends what it gets elsewhere", run: func(s *stage) {
		s.listen("a", ":9000", true)
		s.listen("a", "127.0.0.1:9001", true)
		s.listen("b", ":8080", true)
		s.restore("a", nat(`-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 9000
-A PREROUTING -p tcp -m tcp --dport 82 -j DNAT --to-destination 127.0.0.1:9001
-A PREROUTING -p tcp -m tcp --dport 83 -j DNAT --to-destination 10.244.0.3:8080`))
		s.visit("b", "10.244.0.2:81")
		s.visit("b", "10.244.0.2:82")
		s.visit("c", "10.244.0.2:83")
		s.visit("a", "10.244.0.2:81") // PREROUTING is not for what it sends itself
		s.sysctl("a", "ipv4.conf.all.route_localnet", "1")
		s.visit("b", "10.244.0.2:82")
		s.sysctl("a", "ipv4.ip_forward", "1")
		s.visit("c", "10.244.0.2:83") // b answers c directly, which c does not know
		s.restore("a", nat("-A POSTROUTING -d 10.244.0.3 -j MASQUERADE"))
		s.visit("c", "10.244.0.2:83")
	}},
	{name: "a Pod changes its source", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.listen("c", ":8080", false)
		s.restore("a", nat(`-A POSTROUTING -d 10.244.0.3 -p tcp -j SNAT --to-source 10.244.0.77
-A POSTROUTING -d 10.244.1.2 -j MASQUERADE`))
		s.visit("a", "10.244.0.3:8080") // the answer has no way back
		s.visit("a", "10.244.1.2:8080")
		s.ip("node-1", "route add 10.244.0.77 via 10.244.0.2 dev vetha onlink")
		s.visit("a", "10.244.0.3:8080")
	}},
	{name: "SO_ORIGINAL_DST of what was not redirected", run: func(s *stage) {
		s.listen("b", ":8080", true)
		s.visit("a", "10.244.0.3:8080")
		s.restore("b", nat("-A PREROUTING -p tcp -m tcp --dport 1 -j REDIRECT --to-ports 2"))
		s.visit("a", "10.244.0.3:8080")
		s.serve(web("b"))
		s.visit("a", webAddress)
	}},
}

// rejects returns a scenario in which a chain rejects in every way.
func rejects(chain, name string) scenario {
	return scenario{name: name, run: func(s *stage) {
		on := map[string]string{"OUTPUT": "a", "INPUT": "b", "FORWARD": "node-1"}[chain]
		s.listen("b", ":8080", false)
		for _, with := range []string{
			"icmp-port-unreachable", "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable",
			"icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset",
		} {
			match := "-d 10.244.0.3"
			if with == "tcp-reset" {
				match += " -p tcp"
			}
			s.restore(on, filter(fmt.Sprintf("-F %s\n-A %[1]s %s -j REJECT --reject-with %s", chain, match, with)))
			s.Note("with", with)
			s.together(visits("a", "10.244.0.3:8080"), asks("a", "10.244.0.3:8080"))
			if chain != "OUTPUT" {
				s.probe("a", "10.244.0.3:8080", 64, 1)
			}
		}
	}}
}
