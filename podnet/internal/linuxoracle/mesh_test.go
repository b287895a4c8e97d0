package linuxoracle_test

import "net/netip"

// istioRules are what istio-init writes with its default arguments.
const istioRules = `*nat
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -p tcp -j ISTIO_REDIRECT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`

// linkerdRules are what linkerd-init writes with its chart's arguments.
const linkerdRules = `*nat
:PROXY_INIT_OUTPUT - [0:0]
:PROXY_INIT_REDIRECT - [0:0]
-A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT
-A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
-A PROXY_INIT_REDIRECT -p tcp -m multiport --dports 4190,4191,4567,4568 -m comment --comment "proxy-init/ignore-port-4190,4191,4567,4568" -j RETURN
-A PROXY_INIT_REDIRECT -p tcp -m comment --comment "proxy-init/redirect-all-incoming-to-proxy-port" -j REDIRECT --to-port 4143
-A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -m comment --comment "proxy-init/ignore-proxy-user-id" -j RETURN
-A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
-A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 4567,4568 -m comment --comment "proxy-init/ignore-port-4567,4568" -j RETURN
-A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-port 4140
COMMIT
`

var meshScenarios = []scenario{
	{name: "istio takes what the app dials", run: func(s *stage) {
		s.mesh(istioRules)
		s.visit("a", "10.244.0.3:8080")
		s.visit("a", "10.244.1.2:9999")
		s.visit("a", "10.244.0.1:80")
		s.visit("a", webAddress)
		s.visit("a", "192.0.2.1:443")
	}},
	{name: "istio leaves what the proxy dials", run: func(s *stage) {
		s.mesh(istioRules)
		s.visitAs("a", "10.244.0.3:8080", dialer{user: 1337})
		s.visitAs("a", "10.244.1.2:8080", dialer{user: 1337})
		s.visitAs("a", "10.244.0.3:9", dialer{user: 1337})
		s.visitAs("a", "127.0.0.1:8080", dialer{user: 1337})
	}},
	{name: "istio takes what comes into the Pod", run: func(s *stage) {
		s.mesh(istioRules)
		s.visit("b", "10.244.0.2:8080")
		s.visit("c", "10.244.0.2:8080")
		s.visit("node-1", "10.244.0.2:8080")
		s.visit("b", "10.244.0.2:15020")
		s.visit("b", "10.244.0.2:15021")
		s.visit("b", "10.244.0.2:15006")
		s.visit("b", webAddress)
	}},
	{name: "istio leaves the app's own addresses", run: func(s *stage) {
		s.mesh(istioRules)
		s.visit("a", "10.244.0.2:8080")
		s.visit("a", "127.0.0.1:8080")
		s.visit("a", "127.0.0.5:8080")
	}},
	{name: "istio's app reaches its own Service", run: func(s *stage) {
		s.mesh(istioRules)
		s.visit("a", webAddress)                                                                            // to the proxy
		s.visitAs("a", "10.244.0.2:8080", dialer{user: 1337})                                               // the proxy to itself, as a Pod of the Service
		s.visitAs("a", "10.244.0.2:8080", dialer{user: 1337, from: netip.MustParseAddrPort("127.0.0.6:0")}) // and on to the app
		s.visitAs("a", webAddress, dialer{user: 1337})                                                      // out of the Pod and back
	}},
	{name: "istio leaves UDP", run: func(s *stage) {
		s.mesh(istioRules)
		s.echo("b", ":5353")
		s.ask("a", "10.244.0.3:5353")
	}},
	{name: "istio's proxy does not run", run: func(s *stage) {
		s.restore("a", istioRules)
		s.listen("a", ":8080", false)
		s.listen("b", ":8080", false)
		s.visit("a", "10.244.0.3:8080")
		s.visit("b", "10.244.0.2:8080")
		s.visit("a", "10.244.0.2:8080")
	}},
	{name: "istio's rules take connections that nobody tracked", run: func(s *stage) {
		s.echoTCP("b", ":8080")
		c := s.dial("a dials", "a", "tcp", "10.244.0.3:8080", dialer{})
		s.line(c, "without rules")
		s.restore("a", istioRules)
		s.line(c, "with rules")
		s.visit("a", "10.244.0.3:8080")
	}},
	{name: "istio's rules leave connections that were tracked", run: func(s *stage) {
		s.restore("a", filter("-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"))
		s.echoTCP("b", ":8080")
		c := s.dial("a dials", "a", "tcp", "10.244.0.3:8080", dialer{})
		s.line(c, "without rules")
		s.restore("a", istioRules)
		s.line(c, "with rules")
		s.visit("a", "10.244.0.3:8080")
	}},
	{name: "linkerd takes what the app dials", run: func(s *stage) {
		s.mesh(linkerdRules)
		s.visit("a", "10.244.0.3:8080")
		s.visit("a", webAddress)
		s.visitAs("a", "10.244.0.3:8080", dialer{user: 2102})
		s.visit("a", "10.244.0.2:8080")
		s.visit("a", "127.0.0.1:8080")
	}},
	{name: "linkerd takes what comes into the Pod", run: func(s *stage) {
		s.mesh(linkerdRules)
		s.visit("b", "10.244.0.2:8080")
		s.visit("node-1", "10.244.0.2:8080")
		s.visit("b", "10.244.0.2:4191")
		s.visitAs("a", "10.244.0.2:8080", dialer{user: 2102})
		s.visitAs("a", webAddress, dialer{user: 2102})
	}},
}

// mesh gives a the rules of a mesh and its proxy's ports, and an app to it and to
// the others. a is the endpoint of a Service.
func (s *stage) mesh(rules string) {
	s.restore("a", rules)
	for _, port := range []string{":15001", ":15006", ":15020", ":15021", ":4140", ":4143", ":4191"} {
		s.listen("a", port, true)
	}
	for _, pod := range []string{"a", "b", "c"} {
		s.listen(pod, ":8080", false)
	}
	s.serve(web("a"))
}
