package oracle

import "testing"

// workload is a Deployment or StatefulSet with text among the fields of its spec.
func workload(kind, text string) string {
	return "{apiVersion: apps/v1, kind: " + kind + ", metadata: {name: a}, spec: {" + text + "}}"
}

// templated has a selector and a template, too, with text among the fields of
// the template's spec.
func templated(kind, text string) string {
	return workload(kind, "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}], "+text+"}}")
}

const good = "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: i}]}}"

func TestDeployments(t *testing.T) {
	const kind = "Deployment"
	runTable(t, []testCase{
		{name: "the smallest", want: accepted, text: workload(kind, good)},
		{name: "nothing", want: refused, text: workload(kind, "")},
		{name: "no head", want: refused, text: "{apiVersion: apps/v1, kind: Deployment}"},
		{name: "metadata", want: refused, text: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: A, namespace: a.b, labels: {'': ''}, annotations: {'': ''}}, spec: {" + good + "}}"},
		{name: "a name with dots", want: warned, text: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a.b}, spec: {" + good + "}}"},
		{name: "no selector", want: refused, text: workload(kind, "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}")},
		{name: "an empty selector", want: refused, text: workload(kind, "selector: {}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}")},
		{name: "a selector of others", want: refused, text: workload(kind, "selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}")},
		{name: "a template without labels", want: refused, text: workload(kind, "selector: {matchLabels: {a: c}}, template: {spec: {containers: [{name: c, image: i}]}}")},
		{name: "wrong selectors", want: refused, text: workload(kind, "selector: {matchLabels: {a b: 'c d'}, matchExpressions: [{key: /, operator: In}, {key: a, operator: Exists, values: [' ']}, {key: a, operator: Like, values: [b]}]}")},
		{name: "selectors of all operators", want: accepted, text: workload(kind, "selector: {matchExpressions: [{key: a, operator: In, values: [b, c]}, {key: a, operator: Exists}, {key: d, operator: DoesNotExist}, {key: d, operator: NotIn, values: [e]}]}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}")},
		{name: "no replicas", want: accepted, text: workload(kind, "replicas: 0, minReadySeconds: 3, "+good)},
		{name: "negative numbers", want: refused, text: workload(kind, "replicas: -1, minReadySeconds: -1, "+good)},
		{name: "wrong template", want: refused, text: workload(kind, "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c d: 'e f'}, annotations: {c d: e}}, spec: {hostname: A, containers: [{name: A, image: ' i'}], volumes: [{name: v}, {name: v}]}}")},
		{name: "a template that ends", want: refused, text: templated(kind, "restartPolicy: Never, activeDeadlineSeconds: 5")},
		{name: "a template with an unknown policy", want: refused, text: templated(kind, "restartPolicy: a")},
		{name: "ports twice", want: warned, text: workload(kind, "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, name: a}]}, {name: d, image: i, ports: [{containerPort: 80, name: a}]}]}}")},
		{name: "an image with a space", want: accepted, text: workload(kind, "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: ' i'}]}}")},
		{name: "how Pods are exchanged", want: accepted, text: workload(kind, "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}}, revisionHistoryLimit: 0, progressDeadlineSeconds: 600, "+good)},
		{name: "Recreate", want: accepted, text: workload(kind, "strategy: {type: Recreate}, "+good)},
		{name: "Recreate step by step", want: refused, text: workload(kind, "strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}, "+good),
			difference: differs("podnet exchanges no Pods", "spec.strategy.type: not supported by podnet yet: use RollingUpdate or Recreate, or remove it: podnet exchanges no Pods for others",
				"spec.strategy.rollingUpdate: not supported by podnet yet: use type RollingUpdate with limits that are not both 0, or remove it: podnet exchanges no Pods for others")},
		{name: "paused", want: accepted, text: workload(kind, "paused: true, "+good),
			difference: differs("podnet exchanges no Pods", "spec.paused: not supported by podnet yet: remove it: there are no changes of a template to put off")},
	})
}

func TestStatefulSets(t *testing.T) {
	const kind = "StatefulSet"
	runTable(t, []testCase{
		{name: "the smallest", want: accepted, text: workload(kind, good)},
		{name: "nothing", want: refused, text: workload(kind, "")},
		{name: "all that there is", want: accepted, text: workload(kind, "replicas: 2, minReadySeconds: 1, serviceName: s, podManagementPolicy: Parallel, ordinals: {start: 3}, "+good)},
		{name: "a name with dots", want: refused, text: "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a.b}, spec: {" + good + "}}"},
		{name: "wrong numbers and names", want: refused, text: workload(kind, "replicas: -1, minReadySeconds: -1, serviceName: A, podManagementPolicy: a, ordinals: {start: -1}, "+good)},
		{name: "an empty selector", want: refused, text: workload(kind, "selector: {}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}")},
		{name: "wrong selectors", want: refused, text: workload(kind, "selector: {matchLabels: {a: 'c d'}, matchExpressions: [{key: a, operator: In}]}, template: {spec: {restartPolicy: Never}}")},
		{name: "wrong template", want: refused, text: workload(kind, "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c d: 'e f'}, annotations: {c d: e}}, spec: {containers: []}}")},
		{name: "a template that ends", want: refused, text: templated(kind, "restartPolicy: Never, activeDeadlineSeconds: 5")},
		{name: "a wrong hostname that is not kept", want: accepted, text: templated(kind, "hostname: A, subdomain: a.b")},
		{name: "what becomes of claims", want: accepted, text: workload(kind, "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}, revisionHistoryLimit: 3, updateStrategy: {type: OnDelete}, "+good)},
	})
}
