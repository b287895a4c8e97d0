package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseRefusesServices(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	const slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\n"
	tests := map[string]struct{ text, want string }{
		"no ports":           {service, `Service "a" is invalid: spec.ports: Required value`},
		"a port as text":     {service + "spec: {ports: [{port: '80'}]}", `Service "a" is invalid: spec.ports[0].port: Invalid value: "80": must be a whole number of 32 bits, without quotes`},
		"a cloud's address":  {service + "spec: {ports: [{port: 80}], loadBalancerIP: 192.0.2.1}", `Service "a" is invalid: spec.loadBalancerIP: not supported by podnet yet: set status.loadBalancer.ingress: there is no cloud to ask`},
		"a cloud's name":     {service + "spec: {type: LoadBalancer, ports: [{port: 80}]}\nstatus: {loadBalancer: {ingress: [{hostname: a.example.com}]}}", `Service "a" is invalid: [status.loadBalancer.ingress[0].hostname: not supported by podnet yet: remove it, status.loadBalancer.ingress[0].ip: Invalid value: "": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)]`},
		"a port below zero":  {service + "spec: {ports: [{port: -1}]}", `Service "a" is invalid: [spec.ports[0].port: Invalid value: -1: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: -1: must be between 1 and 65535, inclusive]`},
		"a slice of v1":      {"apiVersion: v1\nkind: EndpointSlice\nmetadata: {name: a}\n", `EndpointSlice "a" is invalid: apiVersion: Unsupported value: "v1": supported values: "discovery.k8s.io/v1"`},
		"a slice of nothing": {slice, `EndpointSlice "a" is invalid: addressType: Required value`},
		"a slice's hints":    {slice + "addressType: IPv4\nendpoints: [{addresses: [192.0.2.1], hints: {forZones: [{name: a}]}, targetRef: {kind: Pod}}]", `EndpointSlice "a" is invalid: [endpoints[0].targetRef: not supported by podnet yet: remove it: the endpoints of Pods are found by the Service's selector, endpoints[0].hints: not supported by podnet yet: remove it: set spec.trafficDistribution of the Service]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			assert.EqualError(t, err, test.want)
		})
	}
}
