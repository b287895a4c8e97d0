package podnet_test

import (
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

var e2eNetpolEgress = []e2e{
	netpol(netpolTitle+"should allow egress access on one named port", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-egress", everyone, egress(toPort(podnet.PortName("serve-80-tcp"))))
		t.all().tcp80()
		t.all().expect("x", "", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should deny egress from pods based on PodSelector", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/deny-egress-pod-a", podA, egress())
		t.all().expect("x/a", "", false).tcp80()
	}),
	netpol(netpolTitle+"should deny egress from all pods in a namespace", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/deny-egress-ns-x", everyone, egress())
		t.all().expect("x", "", false).tcp80()
	}),
	netpol(netpolTitle+"should work with Ingress, Egress specified together", "x/a x/b x/c y/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-pod-selector", podA, egress(toPort(podnet.Port(80))), ingress(fromPeers(podPeer(labeled("pod", "b")))))
		t.all().expect("", "x/a", false).expect("x/b", "x/a", true).tcp80()
		t.all().expect("", "x/a", false).expect("x/a", "", false).expect("x/b", "x/a", true).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should support denying of egress traffic on the client side (even if the server explicitly allows this traffic)", "x/a y/a y/b", func(t *truthTable) {
		t.policy("x/allow-to-ns-y-pod-a", podA, egress(toPeers(bothPeer(labeled("ns", "y"), podA))))
		fromXA := ingress(fromPeers(bothPeer(labeled("ns", "x"), podA)))
		t.policy("y/allow-from-xa-on-ya-match-selector", podA, fromXA)
		t.policy("y/allow-from-xa-on-yb-match-selector", labeled("pod", "b"), fromXA)
		t.all().expect("x/a", "", false).expect("", "y/a", false).expect("x/a", "y/a", true).expect("", "y/b", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce egress policy allowing traffic to a server in a different namespace based on PodSelector and NamespaceSelector", "x/a y/a y/b", func(t *truthTable) {
		t.policy("x/allow-to-ns-y-pod-a", podA, egress(toPeers(bothPeer(labeled("ns", "y"), podA))))
		t.all().expect("x/a", "", false).expect("x/a", "y/a", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce multiple egress policies with egress allow-all policy taking precedence", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-egress-port-80", everyone, egress(toPort(podnet.Port(80))))
		t.all().expect("x", "", false).validate("TCP", 81)
		t.policy("x/allow-egress", everyone, egress(toPeers()))
		t.all().validate("TCP", 81)
	}),
	netpol(netpolTitle+"should allow egress access to server in CIDR block", "x/a y/a y/b", func(t *truthTable) {
		t.policy("x/allow-client-a-via-cidr-egress-rule", podA, egress(toPeers(t.blocks("y/b", false)...)))
		t.all().expect("x/a", "", false).expect("x/a", "y/b", true).tcp80()
	}),
	netpol(netpolTitle+"should enforce except clause while egress access to server in CIDR block", "x/a x/b x/c", func(t *truthTable) {
		t.policy("x/allow-client-a-via-cidr-egress-rule", podA, egress(toPeers(t.blocks("x/b", true)...)))
		t.all().expect("x/a", "x/b", false).tcp80()
	}),
	netpol(netpolTitle+"should ensure an IP overlapping both IPBlock.CIDR and IPBlock.Except is allowed", "x/a x/b x/c", func(t *truthTable) {
		t.policy("x/allow-client-a-via-cidr-egress-rule", podA, egress(toPeers(t.blocks("x/b", true)...)))
		t.all().expect("x/a", "x/b", false).tcp80()
		t.policy("x/allow-client-a-via-cidr-egress-rule", podA, egress(toPeers(t.blocks("x/b", false)...)))
		t.all().expect("x/a", "", false).expect("x/a", "x/b", true).tcp80()
		// What the title says, and the real test does not try.
		t.policy("x/allow-client-a-via-cidr-egress-rule", podA, egress(toPeers(t.blocks("x/b", true)...), toPeers(t.blocks("x/b", false)...)))
		t.all().tcp80()
	}),
	netpol(netpolTitle+"should enforce policies to check ingress and egress policies can be controlled independently based on PodSelector", "x/a x/b y/a", func(t *truthTable) {
		t.policy("x/allow-egress-for-target", podA, egress(toPeers()))
		t.all().tcp80()
		t.policy("x/deny-ingress-via-label-selector", podA, ingress())
		t.all().expect("", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should enforce policy based on NamespaceSelector with MatchExpressions using default ns label", "x/a x/b y/a z/a", func(t *truthTable) {
		t.policy("x/allow-ns-y-match-selector-for-immutable-ns-label", podA, egress(toPeers(namespacePeer(expression("kubernetes.io/metadata.name", notInValues, "y")))))
		t.all().expect("x/a", "y", false).tcp80()
	}),
}

var e2eNetpolChanges = []e2e{
	netpol(netpolTitle+"should enforce updated policy", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-all-mutate-to-deny-all", everyone, ingress(fromPeers()))
		t.all().validate("TCP", 81)
		t.policy("x/allow-all-mutate-to-deny-all", everyone, ingress())
		t.all().expect("", "x", false).validate("TCP", 81)
	}),
	netpol(netpolTitle+"should allow ingress access from updated namespace", "x/a y/a", func(t *truthTable) {
		t.policy("x/allow-client-a-via-ns-selector", podA, ingress(fromPeers(namespacePeer(labeled("ns2", "updated")))))
		t.all().expect("", "x/a", false).tcp80()
		t.labelNamespace("y", map[string]string{"ns": "y", "ns2": "updated"})
		t.all().expect("", "x/a", false).expect("y", "", true).tcp80()
	}),
	netpol(netpolTitle+"should allow ingress access from updated pod", "x/a x/b", func(t *truthTable) {
		labels := map[string]string{"pod": "b", "pod2": "updated"}
		t.policy("x/allow-client-a-via-pod-selector", podA, ingress(fromPeers(podPeer(podnet.LabelSelector{MatchLabels: labels}))))
		t.all().expect("", "x/a", false).tcp80()
		t.labelPod(t.pod("x/b"), labels)
		t.all().expect("", "x/a", false).expect("x/b", "x/a", true).tcp80()
	}),
	netpol(netpolTitle+"should deny ingress access to updated pod", "x/a y/a", func(t *truthTable) {
		t.policy("x/deny-ingress-via-label-selector", labeled("target", "isolated"), ingress())
		t.all().tcp80()
		t.labelPod(t.pod("x/a"), map[string]string{"target": "isolated"})
		t.all().expect("", "x/a", false).tcp80()
	}),
	netpol(netpolTitle+"should stop enforcing policies after they are deleted", "x/a y/a", func(t *truthTable) {
		t.policy("x/deny-all", everyone, ingress(), egress())
		t.all().expect("x", "", false).expect("", "x", false).tcp80()
		require.True(t, t.cluster.DeleteNetworkPolicy("x", "deny-all"))
		t.all().tcp80()
	}),
}
