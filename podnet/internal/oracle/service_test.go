package oracle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// serviceWith returns a Service with these fields of spec.
func serviceWith(fields string) string {
	return "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {" + fields + "}}"
}

// ported is serviceWith a port.
func ported(fields string) string { return serviceWith("ports: [{port: 80}], " + fields) }

func TestServices(t *testing.T) {
	x64 := strings.Repeat("x", 64)
	runTable(t, []testCase{
		{name: "a port", want: accepted, text: ported("selector: {a: b}")},
		{name: "nothing", want: refused, text: "{apiVersion: v1, kind: Service, metadata: {name: a}}"},
		{name: "metadata", want: refused, text: "{apiVersion: v1, kind: Service, metadata: {name: a.b, namespace: A, labels: {'': ''}, annotations: {'': ''}}, spec: {ports: [{port: 80}]}}"},
		{name: "a name that begins with a digit", want: accepted, text: "{apiVersion: v1, kind: Service, metadata: {name: 1a}, spec: {ports: [{port: 80}]}}"},
		{name: "a long name", want: refused, text: "{apiVersion: v1, kind: Service, metadata: {name: " + x64 + "}, spec: {ports: [{port: 80}]}}"},
		{name: "no name", want: refused, text: "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}"},
		{name: "selector", want: refused, text: ported("selector: {'a b': c, d: 'e f', '': g}")},
		{name: "an empty selector", want: accepted, text: ported("selector: {}")},

		{name: "ports", want: accepted, text: serviceWith("ports: [{name: a, port: 80, targetPort: http, appProtocol: kubernetes.io/h2c}, {name: b, port: 80, protocol: UDP, targetPort: 1}, {name: c, port: 81, protocol: SCTP}]")},
		{name: "ports without names", want: refused, text: serviceWith("ports: [{port: 80}, {port: 81}]")},
		{name: "ports with one name", want: refused, text: serviceWith("ports: [{name: a, port: 80}, {name: a, port: 81}, {name: a, port: 82}]")},
		{name: "ports with one number", want: refused, text: serviceWith("ports: [{name: a, port: 80}, {name: b, port: 80, targetPort: 81}, {name: c, port: 80, protocol: UDP}]")},
		{name: "a wrong port", want: refused, text: serviceWith("ports: [{name: A_, port: 0, protocol: tcp, targetPort: 70000, appProtocol: a b, nodePort: 30000}]")},
		{name: "port 65536", want: refused, text: serviceWith("ports: [{port: 65536}]")},
		{name: "a wrong name of a target port", want: refused, text: serviceWith("ports: [{port: 1, targetPort: a-port-with-a-name-that-is-too-long}, {port: 2, name: b, targetPort: '1'}]")},
		{name: "a node port of a ClusterIP", want: refused, text: serviceWith("ports: [{port: 1, nodePort: 30000}]")},
		{name: "a node port twice", want: refused, text: serviceWith("type: NodePort, ports: [{name: a, port: 1, nodePort: 30000}, {name: b, port: 2, nodePort: 30000}, {name: c, port: 3, nodePort: 30000, protocol: UDP}]")},

		{name: "an unknown type", want: refused, text: ported("type: Foo")},
		{name: "an ExternalName", want: accepted, text: serviceWith("type: ExternalName, externalName: a.example.com.")},
		{name: "an ExternalName with ports", want: accepted, text: ported("type: ExternalName, externalName: a")},
		{name: "an ExternalName without", want: refused, text: serviceWith("type: ExternalName")},
		{name: "an ExternalName that is none", want: refused, text: serviceWith("type: ExternalName, externalName: A_.")},
		{name: "an ExternalName with addresses", want: refused, text: serviceWith("type: ExternalName, externalName: a, clusterIP: 10.96.0.3, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack")},
		{name: "a headless ExternalName", want: refused, text: serviceWith("type: ExternalName, externalName: a, clusterIP: None")},
		{name: "a name that is not used", want: warned, text: ported("externalName: b")},
		{name: "headless", want: accepted, text: serviceWith("clusterIP: None")},
		{name: "headless, LoadBalancer", want: refused, text: ported("clusterIP: None, type: LoadBalancer")},
		{name: "headless, NodePort", want: refused, text: ported("clusterIP: None, type: NodePort")},
		{name: "headless, with what it ignores", want: warned, text: ported("clusterIP: None, sessionAffinity: ClientIP, externalIPs: [192.0.2.1]")},

		{name: "affinity", want: accepted, text: ported("sessionAffinity: ClientIP")},
		{name: "affinity of a day", want: accepted, text: ported("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}")},
		{name: "affinity of more", want: refused, text: ported("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}")},
		{name: "affinity of nothing", want: refused, text: ported("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}")},
		{name: "affinity, half said", want: accepted, text: ported("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {}}")},
		{name: "a timeout without affinity", want: accepted, text: ported("sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}")},
		{name: "unknown affinity", want: refused, text: ported("sessionAffinity: Cookie, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}")},

		{name: "addresses", want: accepted, text: ported("clusterIP: 10.96.0.3, clusterIPs: [10.96.0.3, 'fd00::3'], ipFamilies: [IPv4, IPv6], ipFamilyPolicy: RequireDualStack")},
		{name: "addresses that differ", want: refused, text: ported("clusterIP: 10.96.0.3, clusterIPs: [10.96.0.4]")},
		{name: "only the list", want: refused, text: ported("clusterIPs: [10.96.0.4]")},
		{name: "no addresses", want: refused, text: ported("clusterIP: a, clusterIPs: [a, 010.0.0.1, '::ffff:1.2.3.4']")},
		{name: "None and more", want: refused, text: ported("clusterIP: None, clusterIPs: [None, 10.96.0.4]")},
		{name: "None at the end", want: refused, text: ported("clusterIP: 10.96.0.4, clusterIPs: [10.96.0.4, None]")},
		{name: "two of a family", want: refused, text: ported("clusterIP: 10.96.0.4, clusterIPs: [10.96.0.4, 10.96.0.5]")},
		{name: "three", want: refused, text: ported("clusterIP: 10.96.0.4, clusterIPs: [10.96.0.4, 'fd00::1', 10.96.0.5]")},
		{name: "of other families", want: refused, text: ported("clusterIP: 10.96.0.4, clusterIPs: [10.96.0.4, 'fd00::1'], ipFamilies: [IPv6, IPv4]")},
		{name: "unknown families", want: refused, text: ported("clusterIP: 10.96.0.4, ipFamilies: [ipv4, IPv6, IPv6], ipFamilyPolicy: Dual")},
		{name: "long form", want: warned, text: ported("clusterIP: 'FD00::1', externalIPs: ['2001:db8:0::1']")},

		{name: "external IPs", want: warned, text: ported("externalIPs: [192.0.2.1], externalTrafficPolicy: Local")},
		{name: "external IPs that are nobody's", want: refused, text: ported("externalIPs: [0.0.0.0, 127.0.0.1, '::1', 169.254.1.1, 'fe80::1', 224.0.0.1, a, 01.2.3.4, '::']")},
		{name: "external IPs of an ExternalName", want: warned, text: serviceWith("type: ExternalName, externalName: a, externalIPs: [192.0.2.1]")},

		{name: "policies", want: accepted, text: ported("type: NodePort, internalTrafficPolicy: Local, externalTrafficPolicy: Local, trafficDistribution: PreferSameNode")},
		{name: "unknown policies", want: refused, text: ported("type: NodePort, internalTrafficPolicy: local, externalTrafficPolicy: Global, trafficDistribution: Near")},
		{name: "an external policy of what is internal", want: refused, text: ported("externalTrafficPolicy: Cluster")},
		{name: "PreferClose", want: warned, text: ported("trafficDistribution: PreferClose")},
		{name: "topology annotations that differ", want: refused, text: "{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {service.kubernetes.io/topology-mode: Auto, service.kubernetes.io/topology-aware-hints: auto}}, spec: {ports: [{port: 80}]}}"},
		{name: "the old topology annotation", want: warned, text: "{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {service.kubernetes.io/topology-aware-hints: auto}}, spec: {ports: [{port: 80}]}}"},

		{name: "a load balancer", want: accepted, text: ported("type: LoadBalancer, externalTrafficPolicy: Local, loadBalancerClass: example.com/a, allocateLoadBalancerNodePorts: false, loadBalancerSourceRanges: [192.0.2.0/24, ' 198.51.100.0/24 '], healthCheckNodePort: 30001")},
		{name: "what only a load balancer has", want: refused, text: ported("loadBalancerClass: a, allocateLoadBalancerNodePorts: true, loadBalancerSourceRanges: [a], healthCheckNodePort: 1")},
		{name: "wrong values of a load balancer", want: refused, text: ported("type: LoadBalancer, externalTrafficPolicy: Local, loadBalancerClass: a b, loadBalancerSourceRanges: [a, 192.0.2.1/24, 192.0.2.0/33, 192.0.02.0/24, '::ffff:1.2.3.0/120', 192.0.2.1], healthCheckNodePort: 65536")},
		{name: "health checks of policy Cluster", want: refused, text: ported("type: LoadBalancer, healthCheckNodePort: 30001")},
		{name: "ranges in an annotation", want: refused, text: "{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: '192.0.2.0/24, a'}}, spec: {type: LoadBalancer, ports: [{port: 80}]}}"},
		{name: "ranges in an annotation of another type", want: refused, text: "{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: ''}}, spec: {ports: [{port: 80}]}}"},
		{name: "long form of a range", want: warned, text: ported("type: LoadBalancer, loadBalancerSourceRanges: ['2001:DB8::/32']")},
		{name: "ingress", want: accepted, text: strings.TrimSuffix(ported("type: LoadBalancer"), "}") + ", status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}"},
		{name: "ingress that is none", want: refused, text: strings.TrimSuffix(ported("type: LoadBalancer"), "}") + ", status: {loadBalancer: {ingress: [{ip: a}]}}}"},
		{name: "ingress of another type", want: refused, text: strings.TrimSuffix(ported("type: NodePort"), "}") + ", status: {loadBalancer: {ingress: [{ip: a}]}}}"},
	})
}

func TestEndpointSlices(t *testing.T) {
	slice := func(fields string) string {
		return "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a.b}, " + fields + "}"
	}
	addresses := func(n int) string { return strings.Repeat("192.0.2.1, ", n-1) + "192.0.2.1" }
	runTable(t, []testCase{
		{name: "IPv4", want: accepted, text: slice("addressType: IPv4, endpoints: [{addresses: [192.0.2.1], conditions: {ready: false, serving: true, terminating: true}, hostname: a, nodeName: n.1, zone: z}], ports: [{name: a, port: 80, protocol: UDP, appProtocol: http}, {port: 81}]")},
		{name: "nothing", want: refused, text: "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice}"},
		{name: "unknown type", want: refused, text: slice("addressType: IP")},
		{name: "of the other family", want: refused, text: slice("addressType: IPv4, endpoints: [{addresses: [192.0.2.1, '2001:db8::1']}]")},
		{name: "IPv6", want: refused, text: slice("addressType: IPv6, endpoints: [{addresses: ['2001:db8::1', 192.0.2.1, '::1', a]}]")},
		{name: "long form", want: refused, text: slice("addressType: IPv6, endpoints: [{addresses: ['2001:DB8::1']}]")},
		{name: "addresses that are nobody's", want: refused, text: slice("addressType: IPv4, endpoints: [{addresses: [127.0.0.1]}, {addresses: [0.0.0.0]}, {addresses: [01.2.3.4]}]")},
		{name: "no address", want: refused, text: slice("addressType: IPv4, endpoints: [{}]")},
		{name: "a hundred addresses", want: accepted, text: slice("addressType: IPv4, endpoints: [{addresses: [" + addresses(100) + "]}]")},
		{name: "more than a hundred", want: refused, text: slice("addressType: IPv4, endpoints: [{addresses: [" + addresses(101) + "]}]")},
		{name: "more than a thousand endpoints", want: refused, text: slice("addressType: IPv4, endpoints: [" + strings.Repeat("{addresses: [192.0.2.1]}, ", 1001) + "]")},
		{name: "names", want: warned, text: slice("addressType: FQDN, endpoints: [{addresses: [a.example.com, b.example.com.]}]")},
		{name: "wrong names", want: refused, text: slice("addressType: FQDN, endpoints: [{addresses: ['', a, A.b, " + strings.Repeat("x", 64) + ".b]}]")},
		{name: "wrong fields of an endpoint", want: refused, text: slice("addressType: IPv4, endpoints: [{addresses: [192.0.2.1], hostname: a.b, nodeName: A}]")},
		{name: "wrong ports", want: refused, text: slice("addressType: IPv4, ports: [{name: A}, {name: b, protocol: tcp}, {name: b, appProtocol: a b}, {}, {}]")},
	})
}

// TestRandomServices compares what podnet and the API server say of Services of
// all fields.
func TestRandomServices(t *testing.T) {
	compareRandom(t, 3000, randomServiceText, tally{500, 300, 400})
}

func FuzzServices(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { compare(t, randomServiceText(seed)) })
}

func randomServiceText(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0))
	wrong := pick(r, 0, 0.02, 0.2)
	value := func(good []any, bad ...any) any {
		if len(bad) > 0 && r.Float64() < wrong {
			return bad[r.IntN(len(bad))]
		}
		return good[r.IntN(len(good))]
	}
	spec := object{}
	maybe := func(name string, good []any, bad ...any) {
		if r.IntN(3) == 0 {
			spec[name] = value(good, bad...)
		}
	}
	maybe("type", []any{"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}, "Foo", "clusterip")
	typ, _ := spec["type"].(string)
	if typ == "ExternalName" || r.Float64() < wrong {
		spec["externalName"] = value([]any{"a.example.com", "a."}, "", "A_", ".")
	}
	if typ != "ExternalName" || r.Float64() < wrong {
		maybe("clusterIP", []any{"10.96.0.3", "None", "fd00::3"}, "a", "010.0.0.1", "")
		maybe("ipFamilies", []any{[]any{"IPv4", "IPv6"}, []any{"IPv6"}}, []any{"ip"}, []any{"IPv4", "IPv4"})
		maybe("ipFamilyPolicy", []any{"SingleStack", "PreferDualStack", "RequireDualStack"}, "None")
		if r.Float64() < wrong {
			spec["clusterIPs"] = pick(r, []any{"10.96.0.3", "fd00::3"}, []any{"None"}, []any{"a", "None"}, []any{"10.96.0.3", "10.96.0.4"})
		}
	}
	maybe("selector", []any{object{"a": "b"}, object{}}, object{"a b": "c"}, object{"a": "b c"})
	maybe("externalIPs", []any{[]any{"192.0.2.1"}, []any{"2001:db8::1"}}, []any{"127.0.0.1"}, []any{"a"}, []any{"0.0.0.0", "fe80::1"})
	maybe("sessionAffinity", []any{"None", "ClientIP"}, "Cookie")
	maybe("sessionAffinityConfig", []any{object{"clientIP": object{"timeoutSeconds": 5}}, object{}}, object{"clientIP": object{"timeoutSeconds": -1}})
	maybe("internalTrafficPolicy", []any{"Cluster", "Local"}, "local")
	if typ == "NodePort" || typ == "LoadBalancer" || r.Float64() < wrong {
		maybe("externalTrafficPolicy", []any{"Cluster", "Local"}, "Global")
	}
	maybe("publishNotReadyAddresses", []any{true, false})
	maybe("trafficDistribution", []any{"PreferClose", "PreferSameNode", "PreferSameZone"}, "Near")
	if typ == "LoadBalancer" || r.Float64() < wrong {
		maybe("loadBalancerSourceRanges", []any{[]any{"192.0.2.0/24", " 2001:db8::/32"}}, []any{"192.0.2.1/24"}, []any{"a", "192.0.2.0/240"})
		maybe("loadBalancerClass", []any{"example.com/a", "b"}, "a b")
		maybe("allocateLoadBalancerNodePorts", []any{true, false})
		if spec["externalTrafficPolicy"] == "Local" || r.Float64() < wrong {
			maybe("healthCheckNodePort", []any{30000}, -1, 65536)
		}
	}
	var ports []any
	for i := range r.IntN(4) {
		p := object{"port": value([]any{80 + i}, 0, 80, 70000, -1), "name": value([]any{fmt.Sprintf("p%d", i)}, "", "p0", "A")}
		if r.IntN(3) == 0 {
			p["protocol"] = value([]any{"TCP", "UDP", "SCTP"}, "tcp")
		}
		if r.IntN(3) == 0 {
			p["targetPort"] = value([]any{8080, "http", 0, ""}, -1, 70000, "1", "a--b")
		}
		if typ == "NodePort" || typ == "LoadBalancer" || r.Float64() < wrong {
			p["nodePort"] = value([]any{30000 + i, 0}, 30000)
		}
		if r.IntN(4) == 0 {
			p["appProtocol"] = value([]any{"http", "kubernetes.io/h2c"}, "a b")
		}
		ports = append(ports, p)
	}
	if len(ports) > 0 {
		spec["ports"] = ports
	}
	text, err := json.Marshal(object{"apiVersion": "v1", "kind": "Service", "metadata": object{"name": value([]any{"a", "1-b"}, "", "A", "a.b")}, "spec": spec})
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}
