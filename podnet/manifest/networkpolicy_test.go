package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestParseReadsAllOfANetworkPolicy(t *testing.T) {
	objects, err := Parse([]byte(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db
  namespace: shop
  labels: {a: b}
  annotations: {c: d}
spec:
  podSelector:
    matchLabels: {app: db}
    matchExpressions:
    - {key: tier, operator: NotIn, values: [front, edge]}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock:
        cidr: 172.17.0.0/16
        except: [172.17.1.0/24]
    - namespaceSelector:
        matchLabels: {project: shop}
      podSelector: {}
    ports:
    - {protocol: UDP, port: 6379, endPort: 6400}
    - {port: http}
    - {protocol: SCTP}
  - {}
  egress:
  - to:
    - podSelector:
        matchExpressions: [{key: app, operator: Exists}]
    ports: [{port: 5978}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, namespace: ignored, labels: {project: shop}, annotations: {e: f}}
`))
	require.NoError(t, err)
	redis, http, last, other := podnet.Port(6379), podnet.PortName("http"), int32(6400), podnet.Port(5978)
	assert.Equal(t, []podnet.Object{
		podnet.NetworkPolicySpec{
			Name: "db", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
			PodSelector: podnet.LabelSelector{
				MatchLabels:      map[string]string{"app": "db"},
				MatchExpressions: []podnet.LabelSelectorRequirement{{Key: "tier", Operator: podnet.LabelSelectorOpNotIn, Values: []string{"front", "edge"}}},
			},
			PolicyTypes: []podnet.PolicyType{podnet.PolicyTypeIngress, podnet.PolicyTypeEgress},
			Ingress: []podnet.NetworkPolicyIngressRule{
				{
					From: []podnet.NetworkPolicyPeer{
						{IPBlock: &podnet.IPBlock{CIDR: "172.17.0.0/16", Except: []string{"172.17.1.0/24"}}},
						{NamespaceSelector: &podnet.LabelSelector{MatchLabels: map[string]string{"project": "shop"}}, PodSelector: &podnet.LabelSelector{}},
					},
					Ports: []podnet.NetworkPolicyPort{{Protocol: podnet.ProtocolUDP, Port: &redis, EndPort: &last}, {Port: &http}, {Protocol: podnet.ProtocolSCTP}},
				},
				{},
			},
			Egress: []podnet.NetworkPolicyEgressRule{{
				To:    []podnet.NetworkPolicyPeer{{PodSelector: &podnet.LabelSelector{MatchExpressions: []podnet.LabelSelectorRequirement{{Key: "app", Operator: podnet.LabelSelectorOpExists}}}}},
				Ports: []podnet.NetworkPolicyPort{{Port: &other}},
			}},
		},
		podnet.NamespaceSpec{Name: "shop", Labels: map[string]string{"project": "shop"}, Annotations: map[string]string{"e": "f"}},
	}, objects)
}

func TestParseRefusesNetworkPolicies(t *testing.T) {
	const policy, namespace = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
	tests := map[string]struct{ text, want string }{
		"another version":     {"apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: a}\n", `NetworkPolicy "a" is invalid: apiVersion: Unsupported value: "extensions/v1beta1": supported values: "networking.k8s.io/v1"`},
		"a field misspelt":    {policy + "spec: {podselector: {}}", `NetworkPolicy "a" is invalid: spec.podselector: unknown field: did you mean "podSelector"?`},
		"egress with from":    {policy + "spec: {egress: [{from: []}]}", `NetworkPolicy "a" is invalid: spec.egress[0].from: unknown field: check its name and its indentation, or remove it`},
		"a list for a rule":   {policy + "spec: {ingress: {}}", `NetworkPolicy "a" is invalid: spec.ingress: Invalid value: must be a list, not a mapping`},
		"a port of no kind":   {policy + "spec: {ingress: [{ports: [{port: true}]}]}", `NetworkPolicy "a" is invalid: spec.ingress[0].ports[0].port: Invalid value: true: must be the number of a port, or the name of one`},
		"both kinds of peers": {policy + "spec: {ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}", `NetworkPolicy "a" is invalid: spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer`},
		"finalizers":          {namespace + "spec: {finalizers: [kubernetes]}", `Namespace "a" is invalid: spec.finalizers: not supported by podnet yet: remove it: a cluster sets it`},
		"a status":            {namespace + "status: {phase: Active}", `Namespace "a" is invalid: status.phase: not supported by podnet yet: remove it`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			assert.EqualError(t, err, test.want)
		})
	}
}
