package podnet_test

import "podnet.dev/podnet"

var e2eNetpolIngress = []e2e{
	netpol(netpolTitle+"should support a 'default-deny-ingress' policy", "x/a x/b y/a y/b", func(t *truthTable) {
		t.policy("x/deny-ingress", everyone, ingress())
		t.all().expect("", "x", false).tcp80()
	}),
	netpol(netpolTitle+"should support a 'default-deny-all' policy", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/deny-all", everyone, ingress(), egress())
		t.all().expect("", "x", false).expect("x", "", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy to allow traffic from pods within server namespace based on PodSelector", "x/a x/b x/c y/a", func(t *truthTable) {
		t.policy("x/x-a-allows-x-b", podA, ingress(fromPeers(podPeer(labeled("pod", "b")))))
		t.all().expect("", "x/a", false).expect("x/b", "x/a", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy to allow ingress traffic for a target", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/deny-all", everyone, ingress())
		t.policy("x/allow-all-to-a", podA, ingress(fromPeers(bothPeer(everyone, everyone))))
		t.all().expect("", "x/b", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy to allow ingress traffic from pods in all namespaces", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-from-another-ns", podA, ingress(fromPeers(namespacePeer(everyone))))
		t.all().tcp80()
	}),
	netpol(netpolTitle+"should enforce policy to allow traffic only from a different namespace, based on NamespaceSelector", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-ns-selector", podA, ingress(fromPeers(namespacePeer(labeled("ns", "y")))))
		t.all().expect("x", "x/a", false).expect("z", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on PodSelector with MatchExpressions", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/x-a-allows-x-b", podA, ingress(fromPeers(podPeer(expression("pod", inValues, "b")))))
		t.all().expect("", "x/a", false).expect("x/b", "x/a", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on NamespaceSelector with MatchExpressions", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-ns-y-match-selector", podA, ingress(fromPeers(namespacePeer(expression("ns", inValues, "y")))))
		t.all().expect("x", "x/a", false).expect("z", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on PodSelector or NamespaceSelector", "x/a x/b x/c y/a", func(t *truthTable) {
		t.policy("x/allow-ns-y-match-selector", podA, ingress(fromPeers(namespacePeer(expression("ns", notInValues, "x")), podPeer(labeled("pod", "b")))))
		t.all().expect("x/c", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on PodSelector and NamespaceSelector", "x/a x/b y/a y/b z/b", func(t *truthTable) {
		t.policy("x/allow-ns-y-podselector-and-nsselector", podA, ingress(fromPeers(bothPeer(expression("ns", notInValues, "x"), labeled("pod", "b")))))
		t.all().expect("", "x/a", false).expect("y/b", "x/a", true).expect("z/b", "x/a", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on Multiple PodSelectors and NamespaceSelectors", "x/a x/b y/a y/b y/c", func(t *truthTable) {
		t.policy("x/allow-ns-y-z-pod-b-c", podA, ingress(fromPeers(bothPeer(expression("ns", notInValues, "x"), expression("pod", inValues, "b", "c")))))
		t.all().expect("x", "x/a", false).expect("y/a", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on any PodSelectors", "x/a x/b x/c", func(t *truthTable) {
		t.policy("x/allow-ns-x-pod-b-c", podA, ingress(fromPeers(podPeer(labeled("pod", "b")), podPeer(labeled("pod", "c")))))
		t.all().expect("", "x/a", false).expect("x/b", "x/a", true).expect("x/c", "x/a", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy to allow traffic only from a pod in a different namespace based on PodSelector and NamespaceSelector", "x/a x/b y/a y/b z/a", func(t *truthTable) {
		t.policy("x/allow-ns-y-pod-a-via-namespace-pod-selector", podA, ingress(fromPeers(bothPeer(labeled("ns", "y"), podA))))
		t.all().expect("", "x/a", false).expect("y/a", "x/a", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on Ports", "x/a x/b y/a y/b z/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-ns-selector", podA, ingress(atPort("TCP", podnet.Port(81), namespacePeer(labeled("ns", "y")))))
		t.all().expect("x", "x/a", false).expect("y", "x/a", true).expect("z", "x/a", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should enforce multiple, stacked policies with overlapping podSelectors", "x/a x/b y/a y/b z/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-ns-selector", podA, ingress(atPort("TCP", podnet.Port(81), namespacePeer(labeled("ns", "y")))))
		allow := func() *truthTable {
			return t.all().expect("x", "x/a", false).expect("y", "x/a", true).expect("z", "x/a", false)
		}
		allow().validate("TCP", 81)
		t.all().expect("", "x/a", false).tcp80()
		t.policy("x/allow-client-a-via-ns-selector-80", podA, ingress(atPort("TCP", podnet.Port(80), namespacePeer(labeled("ns", "y")))))
		allow().tcp80()
	}),
	netpol(netpolTitle+"should support allow-all policy", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/allow-all", everyone, ingress(fromPeers()))
		t.all().tcp80()
		t.all().validate("TCP", 81)
	}),
	netpol(netpolTitle+"should allow ingress access on one named port", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/allow-all", everyone, ingress(atPort("", podnet.PortName("serve-81-tcp"))))
		t.all().validate("TCP", 81)
		t.all().expect("", "x", false).tcp80()
	}),
	netpol(netpolTitle+"should allow ingress access from namespace on one named port", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-ns-selector-80", podA, ingress(atPort("TCP", podnet.PortName("serve-80-tcp"), namespacePeer(labeled("ns", "y")))))
		t.all().expect("x", "x/a", false).expect("z", "x/a", false).tcp80()
		t.all().expect("", "x/a", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should not allow all ports if it cannot limit to the requested port", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-ingress-on-nonexistent-port", podA, ingress(atPort("TCP", podnet.PortName("no-such-port"))))
		t.all().expect("", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should deny ingress from pods on other namespaces", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/deny-empty-policy", everyone, ingress(fromPeers(podPeer(everyone))))
		t.all().expect("y", "x", false).expect("z", "x", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce ingress policy allowing any port traffic to a server on a specific protocol", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-ingress-by-proto", podA, ingress(podnet.NetworkPolicyIngressRule{Ports: []podnet.NetworkPolicyPort{{Protocol: "TCP"}}}))
		t.all().tcp80()
		t.all().expect("", "x/a", false).validate("UDP", 80)
	}),
	netpol(netpolTitle+"should enforce multiple ingress policies with ingress allow-all policy taking precedence", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-ingress-port-80", everyone, ingress(atPort("", podnet.Port(80))))
		t.all().expect("", "x", false).validate("TCP", 81)
		t.policy("x/allow-ingress", everyone, ingress(fromPeers()))
		t.all().validate("TCP", 81)
	}),
	netpol(netpolTitle+"should not mistakenly treat 'protocol: SCTP' as 'protocol: TCP', even if the plugin doesn't support SCTP", "x/a y/a", func(t *truthTable) {
		t.policy("x/deny-ingress", everyone, ingress())
		t.policy("x/allow-only-sctp-ingress-on-port-81", podA, ingress(atPort("SCTP", podnet.Port(81))))
		t.all().expect("", "x", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should properly isolate pods that are selected by a policy allowing SCTP, even if the plugin doesn't support SCTP", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-only-sctp-ingress-on-port-80", podA, ingress(atPort("SCTP", podnet.Port(80))))
		t.all().expect("", "x/a", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should not allow access by TCP when a policy specifies only UDP", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-only-udp-ingress-on-port-81", podA, ingress(atPort("UDP", podnet.Port(81))))
		t.all().expect("", "x/a", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should enforce policy to allow traffic based on NamespaceSelector with MatchLabels using default ns label", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-ns-selector-for-immutable-ns-label", podA, ingress(fromPeers(namespacePeer(labeled("kubernetes.io/metadata.name", "y")))))
		t.all().expect("x", "x/a", false).expect("z", "x/a", false).tcp80()
	}),

	netpol(netpolUDPTitle+"should support a 'default-deny-ingress' policy", "x/a x/b y/a y/b", func(t *truthTable) {
		t.policy("x/deny-all", everyone, ingress())
		t.all().expect("", "x", false).validate("UDP", 80)
	}),
	netpol(netpolUDPTitle+"should enforce policy based on Ports", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-ingress-on-port-81-ns-x", podA, ingress(atPort("UDP", podnet.Port(81), namespacePeer(labeled("ns", "y")))))
		t.all().expect("x", "x/a", false).expect("z", "x/a", false).validate("UDP", 81)
	}),
	netpol(netpolUDPTitle+"should enforce policy to allow traffic only from a pod in a different namespace based on PodSelector and NamespaceSelector", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/allow-ns-y-pod-a-via-namespace-pod-selector", podA, ingress(fromPeers(bothPeer(labeled("ns", "y"), podA))))
		t.all().expect("", "x/a", false).expect("y/a", "x/a", true).validate("UDP", 80)
	}),
}
