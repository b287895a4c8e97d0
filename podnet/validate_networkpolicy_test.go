package podnet

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// All that the API server says of NetworkPolicies is compared in package oracle.
func TestValidateNetworkPolicies(t *testing.T) {
	port, name, low, high := Port(80), PortName("-"), int32(79), int32(90)
	ingress := func(r NetworkPolicyIngressRule) NetworkPolicySpec {
		return NetworkPolicySpec{Name: "a", Ingress: []NetworkPolicyIngressRule{r}}
	}
	withPort := func(p NetworkPolicyPort) NetworkPolicySpec {
		return ingress(NetworkPolicyIngressRule{Ports: []NetworkPolicyPort{p}})
	}
	withBlock := func(cidr string, except ...string) NetworkPolicySpec {
		return ingress(NetworkPolicyIngressRule{From: []NetworkPolicyPeer{{IPBlock: &IPBlock{cidr, except}}}})
	}
	const at = "spec.ingress[0].from[0].ipBlock."
	tests := map[string]struct {
		spec NetworkPolicySpec
		want []string // after `NetworkPolicy "a" is invalid: `
	}{
		"all Pods, no rules":  {NetworkPolicySpec{Name: "a"}, nil},
		"a range of ports":    {withPort(NetworkPolicyPort{Port: &port, EndPort: &high}), nil},
		"a range backwards":   {withPort(NetworkPolicyPort{Port: &port, EndPort: &low}), []string{"spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"}},
		"a range from a name": {withPort(NetworkPolicyPort{Port: &name, EndPort: &high}), []string{"spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric", `spec.ingress[0].ports[0].port: Invalid value: "-": must contain at least one letter (a-z)`, `spec.ingress[0].ports[0].port: Invalid value: "-": must not begin or end with a hyphen`}},
		"a range of nothing":  {withPort(NetworkPolicyPort{EndPort: &high}), []string{"spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is not specified"}},
		"a block":             {withBlock("10.0.0.0/8", "10.1.0.0/16"), nil},
		"a block of nothing":  {withBlock("", "a"), []string{at + "cidr: Required value"}},
		"an address":          {withBlock("10.0.0.1"), []string{at + `cidr: Invalid value: "10.0.0.1": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`}},
		"a hole outside":      {withBlock("10.0.0.0/8", "11.0.0.0/8"), []string{at + "except[0]: Invalid value: \"11.0.0.0/8\": must be a strict subset of `cidr`"}},
		"three types":         {NetworkPolicySpec{Name: "a", PolicyTypes: []PolicyType{"a", "b", "c"}}, []string{`spec.policyTypes: Invalid value: ["a","b","c"]: may not specify more than two policyTypes`}},
		"an operator":         {NetworkPolicySpec{Name: "a", PodSelector: LabelSelector{MatchExpressions: []LabelSelectorRequirement{{Key: "a", Operator: "Like"}}}}, []string{`spec.podSelector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator`}},
		"In nothing":          {NetworkPolicySpec{Name: "a", PodSelector: LabelSelector{MatchExpressions: []LabelSelectorRequirement{{Key: "a", Operator: "In"}}}}, []string{"spec.podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.spec.Validate()
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			var invalid *InvalidError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, kindNetworkPolicy, invalid.Kind)
			var got []string
			for _, f := range invalid.Fields {
				got = append(got, f.Error())
			}
			assert.Equal(t, tt.want, got)
		})
	}
}
