package oracle

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// policy returns a NetworkPolicy with this spec.
func policy(spec string) string {
	return "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {" + spec + "}}"
}

func policyPort(port string) string { return policy("ingress: [{ports: [{" + port + "}]}]") }

func policyPeer(peer string) string { return policy("egress: [{to: [{" + peer + "}]}]") }

func policyBlock(block string) string { return policyPeer("ipBlock: {" + block + "}") }

func policyExpression(e string) string {
	return policy("podSelector: {matchExpressions: [{" + e + "}]}")
}

func TestNamespaces(t *testing.T) {
	runTable(t, []testCase{
		{name: "all that there is", want: accepted, text: "{apiVersion: v1, kind: Namespace, metadata: {name: a-1, labels: {b: c}, annotations: {d: e}}}"},
		{name: "no name", want: refused, text: "{apiVersion: v1, kind: Namespace}"},
		{name: "dotted name", want: refused, text: "{apiVersion: v1, kind: Namespace, metadata: {name: a.b}}"},
		{name: "a name in capitals", want: refused, text: "{apiVersion: v1, kind: Namespace, metadata: {name: A}}"},
		{name: "a long name", want: refused, text: "{apiVersion: v1, kind: Namespace, metadata: {name: " + x64 + "}}"},
		{name: "a name that is no label", want: refused, text: "{apiVersion: v1, kind: Namespace, metadata: {name: '-a b'}}"},
		{name: "in a namespace", want: accepted, text: "{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}"},
		{name: "another label of its name", want: accepted, text: "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {kubernetes.io/metadata.name: '*'}}}"},
		{name: "metadata", want: refused, text: "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {'': '', c: ' '}, annotations: {'': ''}}}"},
		{name: "long annotations", want: refused, text: "{apiVersion: v1, kind: Namespace, metadata: {name: a, annotations: {a: " + strings.Repeat("x", 256<<10) + "}}}"},
	})
}

func TestNetworkPolicies(t *testing.T) {
	runTable(t, []testCase{
		{name: "nothing", want: accepted, text: policy("")},
		{name: "no spec", want: accepted, text: "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a.b, namespace: c}}"},
		{name: "metadata", want: refused, text: "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: A, namespace: a.b, labels: {'': ''}, annotations: {'': ''}}}"},
		{name: "deny all", want: accepted, text: policy("podSelector: {}, policyTypes: [Ingress, Egress]")},
		{name: "empty lists", want: accepted, text: policy("podSelector: {}, policyTypes: [], ingress: [], egress: [{ports: [], to: []}]")},
		{name: "a type", want: refused, text: policy("policyTypes: [ingress]")},
		{name: "an empty type", want: refused, text: policy("policyTypes: ['', Egress]")},
		{name: "a type twice", want: accepted, text: policy("policyTypes: [Egress, Egress]")},
		{name: "three types", want: refused, text: policy("policyTypes: [Ingress, Egress, '<']")},

		{name: "labels", want: accepted, text: policy("podSelector: {matchLabels: {a: b, c.d/e: ''}, matchExpressions: [{key: a, operator: In, values: [b, '']}, {key: a, operator: NotIn, values: [b]}, {key: a, operator: Exists}, {key: a, operator: DoesNotExist, values: []}]}")},
		{name: "wrong labels", want: refused, text: policy("podSelector: {matchLabels: {a b: c, d: 'e f', '': g}}")},
		{name: "an expression of nothing", want: refused, text: policyExpression("")},
		{name: "an unknown operator", want: refused, text: policyExpression("key: a, operator: '<in>', values: [b]")},
		{name: "In nothing", want: refused, text: policyExpression("key: a, operator: In")},
		{name: "NotIn nothing", want: refused, text: policyExpression("key: '', operator: NotIn, values: []")},
		{name: "Exists with values", want: refused, text: policyExpression("key: a, operator: Exists, values: [b]")},
		{name: "DoesNotExist with values", want: refused, text: policyExpression("key: a b, operator: DoesNotExist, values: ['']")},
		{name: "values that no label has", want: refused, text: policyExpression("key: a, operator: In, values: [b, 'c d', '-', " + x64 + "]")},

		{name: "every protocol", want: accepted, text: policy("ingress: [{ports: [{}, {protocol: TCP}, {protocol: UDP, port: 1}, {protocol: SCTP, port: 65535}]}]")},
		{name: "another protocol", want: refused, text: policyPort("protocol: tcp, port: 80")},
		{name: "no protocol that is set", want: refused, text: policyPort("protocol: ''"),
			difference: differs("podnet has no protocol that is set and empty")},
		{name: "port 0", want: refused, text: policyPort("port: 0")},
		{name: "port 65536", want: refused, text: policyPort("port: 65536")},
		{name: "a negative port", want: refused, text: policyPort("port: -1, endPort: -2")},
		{name: "a named port", want: accepted, text: policyPort("port: http-1")},
		{name: "an empty name", want: refused, text: policyPort("port: ''"),
			difference: differs("podnet has no name that is set and empty", "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive")},
		{name: "a name that is a number", want: refused, text: policyPort("port: '80'")},
		{name: "a wrong name", want: refused, text: policyPort("port: -A--abcdefghijklmnop")},
		{name: "a range", want: accepted, text: policyPort("port: 80, endPort: 90")},
		{name: "a range of one", want: accepted, text: policyPort("port: 80, endPort: 80")},
		{name: "a range backwards", want: refused, text: policyPort("port: 80, endPort: 79")},
		{name: "a range too far", want: refused, text: policyPort("port: 80, endPort: 65536")},
		{name: "a range from nowhere", want: refused, text: policyPort("port: 0, endPort: 0")},
		{name: "a range from a name", want: refused, text: policyPort("port: http, endPort: 0")},
		{name: "a range without begin", want: refused, text: policyPort("endPort: 70000")},

		{name: "peers", want: accepted, text: policy("ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}, {podSelector: {matchLabels: {a: b}}, namespaceSelector: {}}, {ipBlock: {cidr: 0.0.0.0/0}}]}]")},
		{name: "no peer", want: refused, text: policyPeer("")},
		{name: "a block and Pods", want: refused, text: policyPeer("podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}")},
		{name: "a block and namespaces", want: refused, text: policyPeer("namespaceSelector: {}, ipBlock: {}")},
		{name: "wrong selectors", want: refused, text: policyPeer("namespaceSelector: {matchLabels: {'': ''}}, podSelector: {matchExpressions: [{}]}")},
		{name: "blocks", want: accepted, text: policyBlock("cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.2.3/32]")},
		{name: "blocks of IPv6", want: accepted, text: policyBlock("cidr: '2001:db8::/32', except: ['2001:db8:1::/64']")},
		{name: "blocks in long form", want: warned, text: policyBlock("cidr: '2001:DB8:0::/32', except: ['2001:db8:1:0::/64', '2001:db8:2::/64']")},
		{name: "blocks in long form for ingress", want: warned, text: policy("ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: '0::/0', except: ['0::/1']}}]}], egress: [{to: [{ipBlock: {cidr: '0::/0'}}]}]")},
		{name: "no range", want: refused, text: policyBlock("except: [a]")},
		{name: "an address", want: refused, text: policyBlock("cidr: 10.0.0.1")},
		{name: "no address", want: refused, text: policyBlock("cidr: a/8, except: [b]")},
		{name: "a range with a zone", want: refused, text: policyBlock("cidr: 'fe80::%a/64'")},
		{name: "a range of 33 bits", want: refused, text: policyBlock("cidr: 10.0.0.0/33")},
		{name: "a range of +8 bits", want: refused, text: policyBlock("cidr: 10.0.0.0/+8")},
		{name: "leading zeros", want: refused, text: policyBlock("cidr: 010.0.0.0/8, except: [010.1.0.0/16, 10.2.0.0/016]")},
		{name: "leading zeros of bits", want: refused, text: policyBlock("cidr: 10.0.0.0/08")},
		{name: "no bits but zeros", want: refused, text: policyBlock("cidr: 0.0.0.0/00")},
		{name: "IPv4 in IPv6", want: refused, text: policyBlock("cidr: '::ffff:10.0.0.0/104', except: ['::ffff:10.1.0.0/112', 10.1.0.0/16, 10.1.2.0/24]")},
		{name: "half of IPv4 in IPv6", want: refused, text: policyBlock("cidr: '::ffff:10.0.0.0/90', except: [10.1.0.0/16]")},
		{name: "bits beyond", want: refused, text: policyBlock("cidr: 10.0.0.1/8, except: [10.1.0.1/16]")},
		{name: "except what is not in it", want: refused, text: policyBlock("cidr: 10.0.0.0/8, except: [11.0.0.0/16]")},
		{name: "except all", want: refused, text: policyBlock("cidr: 10.0.0.0/8, except: [10.0.0.0/8]")},
		{name: "except more", want: refused, text: policyBlock("cidr: 10.0.0.0/16, except: [10.0.0.0/8]")},
		{name: "except the other family", want: refused, text: policyBlock("cidr: 10.0.0.0/8, except: ['::/64']")},
		{name: "except nothing", want: refused, text: policyBlock("cidr: 10.0.0.0/8, except: ['', a, 10.1.0.0/16]")},

		{name: "the order of all that is wrong", want: refused, text: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: A}
spec:
  policyTypes: [a, b]
  egress:
  - to: [{ipBlock: {cidr: a}, podSelector: {matchLabels: {'': ''}}}, {}]
    ports: [{port: 0, protocol: a}]
  ingress:
  - from: [{ipBlock: {}, namespaceSelector: {matchExpressions: [{}]}, podSelector: {matchExpressions: [{key: '', values: ['a b']}]}}]
    ports: [{endPort: 1}, {port: A, endPort: 1}]
  - {}
  - ports: [{port: 5, endPort: 4}]
  podSelector: {matchLabels: {'': ''}}
`},
	})
}

// TestRandomNetworkPolicies compares policies of all fields, of which some, or a
// few, or none are wrong.
func TestRandomNetworkPolicies(t *testing.T) {
	compareRandom(t, 2000, randomNetworkPolicy, tally{400, 100, 300})
}

func FuzzNetworkPolicies(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { compare(t, randomNetworkPolicy(seed)) })
}

func randomNetworkPolicy(seed uint64) string {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1))}
	m.wrong = pick(m.Rand, 0, 0, 0.01, 0.05, 0.3)
	meta := object{"name": m.subdomain()}
	m.maybe(5, meta, "namespace", m.label)
	m.maybe(5, meta, "labels", func() any { return m.strings() })
	spec := object{}
	m.maybe(2, spec, "podSelector", m.selector)
	rule := func(peers string) func() any {
		return func() any {
			return list(m, 2, func() object {
				r := object{}
				m.maybe(2, r, "ports", func() any { return list(m, 3, m.policyPort) })
				m.maybe(2, r, peers, func() any { return list(m, 3, m.policyPeer) })
				return r
			})
		}
	}
	m.maybe(2, spec, "ingress", rule("from"))
	m.maybe(2, spec, "egress", rule("to"))
	m.maybe(2, spec, "policyTypes", func() any {
		return list(m, one(m, []int{2}, []int{4}), func() any { return one(m, []string{"Ingress", "Egress"}, []string{"", "ingress", "<"}) })
	})
	text, err := json.Marshal(object{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

func (m *maker) selector() any {
	s := object{}
	m.maybe(2, s, "matchLabels", func() any { return m.strings() })
	m.maybe(2, s, "matchExpressions", func() any {
		return list(m, 2, func() object {
			e := object{"key": m.name(), "operator": one(m, []string{"In", "NotIn"}, []string{"", "in", "Exists", "DoesNotExist", "<"})}
			e["values"] = list(m, 2, func() any { return one(m, []string{"", "a", "B.c"}, []string{"a b", "-", x64}) })
			if len(e["values"].([]any)) == 0 && m.Float64() >= m.wrong {
				e["operator"] = pick(m.Rand, "Exists", "DoesNotExist")
			}
			return e
		})
	})
	return s
}

func (m *maker) policyPort() object {
	p := object{}
	m.maybe(2, p, "protocol", func() any { return one(m, []string{"TCP", "UDP", "SCTP"}, []string{"tcp", "<"}) })
	m.maybe(2, p, "port", func() any { return one(m, []any{1, 80, "http", "a-1"}, []any{0, -1, 65536, "80", "A", "-a"}) })
	if _, number := p["port"].(int); number || m.Float64() < m.wrong {
		m.maybe(2, p, "endPort", func() any { return one(m, []int{80, 65535}, []int{0, -1, 79, 65536}) })
	}
	return p
}

func (m *maker) policyPeer() object {
	cidr := func() any {
		return one(m, []string{"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "2001:DB8::/32", "::0/0"},
			[]string{"", "a", "10.0.0.1", "10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "::ffff:10.0.0.0/104", "10.0.0.0/33", "fe80::%a/64", "/8", "1.2.3.4/", "2001:0db8::/032"})
	}
	except := func() any {
		return one(m, []string{"10.1.0.0/16", "10.1.2.3/32"}, []string{"", "10.0.0.0/8", "0.0.0.0/0", "2001:db8:1:0::/64", "::/1", "::ffff:10.1.0.0/112", "10.1.0.0/016", "10.1.2.3/16", "a/b"})
	}
	block := func() any {
		b := object{"cidr": cidr()}
		m.maybe(2, b, "except", func() any { return list(m, 2, except) })
		if b["cidr"] != "10.0.0.0/8" && b["cidr"] != "0.0.0.0/0" && m.Float64() >= m.wrong {
			delete(b, "except")
		}
		return b
	}
	p := object{}
	if m.IntN(2) == 0 {
		p["ipBlock"] = block()
		if m.Float64() >= m.wrong {
			return p
		}
	}
	m.maybe(2, p, "podSelector", m.selector)
	m.maybe(2, p, "namespaceSelector", m.selector)
	if len(p) == 0 && m.Float64() >= m.wrong {
		p["podSelector"] = object{}
	}
	return p
}
