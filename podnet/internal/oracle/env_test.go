package oracle

import "testing"

func TestEnv(t *testing.T) {
	runTable(t, []testCase{
		{name: "values", want: accepted, in: "container", text: "env: [{name: A, value: b}, {name: 'a b.c-d:~'}]"},
		{name: "no name", want: refused, in: "container", text: "env: [{value: a}]"},
		{name: "wrong names", want: refused, in: "container", text: "env: [{name: A=B}, {name: é}, {name: \"a\\tb\"}, {name: '1 a'}]"},
		{name: "hidden", want: warned, in: "container", text: "env: [{name: A, value: a}, {name: B}, {name: A, value: b}]"},
		{name: "built on", want: accepted, in: "container", text: "env: [{name: A, value: a}, {name: A, value: $(A):b}]"},
		{name: "itself", want: warned, in: "container", text: "env: [{name: A, value: a}, {name: A, value: $(A)}]"},
		{name: "hidden by a field", want: warned, in: "container", text: "env: [{name: A, value: a}, {name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"},
		{name: "hidden in an init container", want: warned, in: "init", text: "env: [{name: A, value: a}, {name: A, value: b}, {name: A}]"},

		{name: "from a field", want: accepted, in: "env", text: "valueFrom: {fieldRef: {fieldPath: status.podIP}}"},
		{name: "from every field", want: accepted, in: "container", text: "env: [" +
			"{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: B, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}, {name: C, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}, " +
			"{name: D, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}, {name: E, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}, {name: F, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}, " +
			"{name: G, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}, {name: H, valueFrom: {fieldRef: {fieldPath: status.podIPs, apiVersion: v1}}}, {name: I, valueFrom: {fieldRef: {fieldPath: spec.host}}}]"},
		{name: "from a label", want: accepted, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "metadata.labels['a/b']"}}`},
		{name: "from an annotation", want: accepted, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "metadata.annotations['Example.com/a']"}}`},
		{name: "from no label", want: refused, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "metadata.labels['']"}}`},
		{name: "from a wrong label", want: refused, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "metadata.labels['A/b']"}}`},
		{name: "from a wrong annotation", want: refused, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "metadata.annotations['A b']"}}`},
		{name: "from a key of another field", want: refused, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "metadata.name['a']"}}`},
		{name: "from a half key", want: refused, in: "env", text: `valueFrom: {fieldRef: {fieldPath: "['a']"}}`},
		{name: "from all labels", want: refused, in: "env", text: "valueFrom: {fieldRef: {fieldPath: metadata.labels}}"},
		{name: "from the phase", want: refused, in: "env", text: "valueFrom: {fieldRef: {fieldPath: status.phase}}"},
		{name: "from an unknown field", want: refused, in: "env", text: "valueFrom: {fieldRef: {fieldPath: spec.hostname}}"},
		{name: "from no field", want: refused, in: "env", text: "valueFrom: {fieldRef: {}}"},
		{name: "from another version", want: refused, in: "container", text: "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name, apiVersion: v2}}}, {name: B, valueFrom: {fieldRef: {apiVersion: v2}}}, {name: C, valueFrom: {fieldRef: {fieldPath: a, apiVersion: v1}}}]"},

		{name: "from a resource", want: accepted, in: "env", text: "valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}"},
		{name: "from hugepages", want: accepted, in: "env", text: "valueFrom: {resourceFieldRef: {containerName: d, resource: requests.hugepages-2Mi, divisor: 1Mi}}"},
		{name: "from no resource", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {}}"},
		{name: "from an unknown resource", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: cpu, divisor: 3}}"},
		{name: "divisor of cpu", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1k}}"},
		{name: "divisor of memory", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 2Mi}}"},
		{name: "divisor of memory in parts", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: requests.memory, divisor: 1m}}"},
		{name: "divisor of memory, written otherwise", want: accepted, in: "env", text: "valueFrom: {resourceFieldRef: {resource: requests.memory, divisor: 1024Ki}}"},
		{name: "divisor of memory as an exponent", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: requests.memory, divisor: '1e3'}}"},
		{name: "divisor of storage", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: limits.ephemeral-storage, divisor: -1}}"},
		{name: "divisor of hugepages", want: refused, in: "env", text: "valueFrom: {resourceFieldRef: {resource: limits.hugepages-a, divisor: 5}}"},
		{name: "divisor of 0", want: accepted, in: "env", text: "valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 0}}"},

		{name: "from a ConfigMap and a Secret", want: accepted, in: "container", text: "env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: b.c, optional: true}}}, {name: B, valueFrom: {secretKeyRef: {name: a, key: B_-c}}}]"},
		{name: "from no ConfigMap", want: refused, in: "env", text: "valueFrom: {configMapKeyRef: {}}"},
		{name: "from no Secret", want: refused, in: "env", text: "valueFrom: {secretKeyRef: {}}"},
		{name: "from a wrong ConfigMap", want: refused, in: "env", text: "valueFrom: {configMapKeyRef: {name: A-, key: a b}}"},
		{name: "from a wrong Secret", want: refused, in: "env", text: "valueFrom: {secretKeyRef: {name: '<a>', key: ..a}}"},
		{name: "from the keys . and ..", want: refused, in: "container", text: "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: .}}}, {name: B, valueFrom: {secretKeyRef: {name: a, key: ..}}}, {name: C, valueFrom: {secretKeyRef: {name: a, key: " + x254 + "}}}]"},
		{name: "from nothing", want: refused, in: "env", text: "valueFrom: {}"},
		{name: "from nothing, with a value", want: refused, in: "env", text: "value: a, valueFrom: {}"},
		{name: "from two", want: refused, in: "env", text: "valueFrom: {configMapKeyRef: {name: a, key: b}, fieldRef: {fieldPath: metadata.name}}"},
		{name: "from all", want: refused, in: "env", text: "valueFrom: {secretKeyRef: {}, configMapKeyRef: {}, resourceFieldRef: {}, fieldRef: {}}"},
		{name: "beside a value", want: refused, in: "env", text: "value: a, valueFrom: {fieldRef: {fieldPath: metadata.name}}"},
		{name: "from a file", want: accepted, in: "env", text: "valueFrom: {fileKeyRef: {volumeName: v, path: a, key: b}}",
			difference: differs("not supported", "spec.containers[0].env[0].valueFrom.fileKeyRef: not supported by podnet yet: give the value itself, or take it from a ConfigMap")},

		{name: "all of a ConfigMap and a Secret", want: accepted, in: "container", text: "envFrom: [{prefix: 'a b', configMapRef: {name: a, optional: true}}, {secretRef: {name: a.b}}]"},
		{name: "all of nothing", want: refused, in: "container", text: "envFrom: [{}, {prefix: A=}]"},
		{name: "all of no name", want: refused, in: "container", text: "envFrom: [{configMapRef: {}}, {secretRef: {}}]"},
		{name: "all of both", want: refused, in: "container", text: "envFrom: [{configMapRef: {name: a}, secretRef: {name: b}}]"},
		{name: "all of wrong names", want: refused, in: "container", text: "envFrom: [{configMapRef: {name: A}}, {secretRef: {name: -}}, {secretRef: {name: --}}]"},
		{name: "all of what ends in a hyphen", want: accepted, in: "container", text: "envFrom: [{configMapRef: {name: a-}}, {secretRef: {name: b-}}]"},
	})
}

func TestResources(t *testing.T) {
	runTable(t, []testCase{
		{name: "all that there are", want: accepted, in: "container", text: "resources: {limits: {cpu: 1.5, memory: 64Mi, ephemeral-storage: 1G, example.com/gpu: 2}, requests: {cpu: 100m, memory: 1e3}}"},
		{name: "none", want: accepted, in: "container", text: "resources: {limits: {}, requests: {}}"},
		{name: "equal, written otherwise", want: accepted, in: "container", text: "resources: {limits: {cpu: 1}, requests: {cpu: 1000m}}"},
		{name: "more requested than allowed", want: refused, in: "container", text: "resources: {limits: {cpu: 0.5, memory: 1Gi}, requests: {cpu: 1, memory: 1025Mi}}"},
		{name: "in the quantities' own form", want: refused, in: "container", text: "resources: {limits: {cpu: '+0.500', memory: 12E3}, requests: {cpu: '1.500', memory: 13E3}}"},
		{name: "negative", want: refused, in: "container", text: "resources: {limits: {cpu: -1, memory: -1Ki}, requests: {ephemeral-storage: -0.1}}"},
		{name: "of an init container", want: refused, in: "init", text: "resources: {limits: {cpu: -1, foo: 1}}"},
		{name: "unknown", want: refused, in: "container", text: "resources: {limits: {gpu: 1}}"},
		{name: "of a quota", want: refused, in: "container", text: "resources: {requests: {requests.cpu: 1, pods: 1, storage: 1, requests.hugepages-2Mi: 2Mi}}"},
		{name: "of wrong names", want: refused, in: "container", text: "resources: {limits: {'': 1, a b: 1, a/b/c: 1, A/b: 1}}"},
		{name: "of Kubernetes' own", want: accepted, in: "container", text: "resources: {limits: {kubernetes.io/foo: 1.5}, requests: {a.kubernetes.io/foo: 1}}"},
		{name: "requests of somebody's own", want: refused, in: "container", text: "resources: {requests: {requests.example.com/a: 1, " + x254[:245] + "/a: 1}}"},
		{name: "parts of a device", want: refused, in: "container", text: "resources: {limits: {example.com/gpu: 1500m}}"},
		{name: "fewer devices than the limit", want: refused, in: "container", text: "resources: {limits: {example.com/gpu: 2}, requests: {example.com/gpu: 1}}"},
		{name: "devices without limit", want: refused, in: "container", text: "resources: {requests: {example.com/gpu: 1}}"},
		{name: "parts of bytes", want: warned, in: "container", text: "resources: {limits: {memory: 1500m}, requests: {memory: 0.1, ephemeral-storage: 1.5}}"},
		{name: "small parts", want: warned, in: "sidecar", text: "resources: {limits: {cpu: 1n, memory: 100.0001}}"},
		{name: "hugepages", want: accepted, in: "container", text: "resources: {limits: {cpu: 1, hugepages-2Mi: 4Mi}}"},
		{name: "hugepages alone", want: refused, in: "container", text: "resources: {limits: {hugepages-2Mi: 4Mi}}"},
		{name: "half hugepages", want: refused, in: "container", text: "resources: {limits: {memory: 1, hugepages-2Mi: 3Mi, hugepages-x: 1, hugepages-0: 1, hugepages-1500m: 3}}"},
		{name: "hugepages without limit", want: refused, in: "container", text: "resources: {requests: {memory: 1, hugepages-2Mi: 2Mi}}"},
		{name: "claims", want: refused, in: "container", text: "resources: {claims: [{name: a}]}",
			difference: differs("not supported", "spec.containers[0].resources.claims: not supported by podnet yet: remove it")},
	})
}
