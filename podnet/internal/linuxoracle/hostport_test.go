package linuxoracle_test

import "fmt"

// hostPortRules returns what the CNI plugin portmap writes into the node's iptables
// for port 8000 of the node, which leads to port 8080 of a Pod.
func hostPortRules(pod string, f family) string {
	entry := "-A CNI-DN-POD -p tcp -m tcp --dport 8000 "
	rules := `*nat
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
:CNI-DN-POD - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 8000 -j CNI-DN-POD
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --or-mark 0x2000
` + fmt.Sprintf("%s-s %s -j CNI-HOSTPORT-SETMARK\n", entry, nodes[nodeOf(pod)].cidrs[f])
	to := ipOf(pod, f) + ":8080"
	if f == v4 {
		rules += entry + "-s 127.0.0.1/32 -j CNI-HOSTPORT-SETMARK\n"
	} else {
		to = "[" + ipOf(pod, f) + "]:8080"
	}
	return rules + entry + "-j DNAT --to-destination " + to + "\nCOMMIT\n"
}

var hostPortScenarios = []scenario{
	{name: "a host port leads to its Pod", needs: hostPort, run: func(s *stage) {
		s.listen("b", ":8080", false)
		for _, from := range []string{"a", "b", "c", "node-1", "node-2", "router"} {
			s.visit(from, "172.18.0.2:8000")
		}
		s.visit("a", "10.244.0.1:8000")
		s.visit("node-1", "127.0.0.1:8000")
		s.visit("a", "172.18.0.3:8000") // of the other node
		s.visit("a", "10.244.0.3:8000") // of the Pod itself
	}},
	{name: "a host port leads to its Pod by IPv6", needs: hostPort, run: func(s *stage) {
		s.listen6("b", ":8080")
		for _, from := range []string{"a", "b", "c", "node-1", "node-2"} {
			s.visit(from, "[fc00:f853:ccd:e793::2]:8000")
		}
	}},
	{name: "a host port takes precedence over a program of the node", needs: hostPort, run: func(s *stage) {
		s.listen("node-1", ":8000", false)
		s.listen("b", ":8080", false)
		s.visit("a", "172.18.0.2:8000")
		s.visit("node-1", "172.18.0.2:8000")
	}},
	{name: "nobody listens behind a host port", needs: hostPort, run: func(s *stage) {
		s.visit("a", "172.18.0.2:8000")
		s.visit("b", "172.18.0.2:8000")
		s.visit("node-1", "172.18.0.2:8000")
	}},
}
