package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestParseReadsAllOfAChaos(t *testing.T) {
	objects, err := Parse([]byte(`
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata: {name: slow, namespace: shop, labels: {a: b}, annotations: {c: d}}
spec:
  action: netem
  mode: fixed-percent
  value: "50"
  selector:
    namespaces: [shop, other]
    labelSelectors: {app: web}
    expressionSelectors:
    - {key: tier, operator: NotIn, values: [edge]}
    pods: {shop: [a, b]}
  duration: 30s
  direction: both
  target:
    mode: one
    selector: {labelSelectors: {app: db}}
  delay:
    latency: 10ms
    jitter: 0ms
    correlation: "0"
    reorder: {reorder: "25", correlation: "0", gap: 1}
  loss: {loss: "1", correlation: "0"}
  duplicate: {duplicate: "2", correlation: "0"}
  corrupt: {corrupt: "3", correlation: "0"}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata: {name: narrow}
spec: {action: bandwidth, mode: all, selector: {}, bandwidth: {rate: 1mbps, limit: 20971520, buffer: 10000}}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: PodChaos
metadata: {name: kill, creationTimestamp: null}
spec: {action: container-kill, mode: fixed, value: "2", duration: 1m, gracePeriod: 0, containerNames: [a, b], selector: {pods: {default: [a]}}}
status: {}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: PodChaos
metadata: {name: stop}
spec: {action: pod-kill, mode: one, gracePeriod: 5, selector: {}}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: DNSChaos
metadata: {name: dns}
spec: {action: random, mode: all, duration: 90s, containerNames: [a, b], patterns: [google.com, chaos-mesh.*], selector: {namespaces: [busybox]}}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: Schedule
metadata: {name: often, namespace: shop}
spec:
  schedule: "@every 30s"
  concurrencyPolicy: Allow
  historyLimit: 2
  type: NetworkChaos
  networkChaos: {action: delay, mode: all, selector: {labelSelectors: {app: web}}, delay: {latency: 1s}, duration: 10s}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: Schedule
metadata: {name: kills}
spec: {schedule: "@every 1m", type: PodChaos, podChaos: {action: pod-kill, mode: one, selector: {}}}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: Schedule
metadata: {name: names}
spec: {schedule: "@every 1h", type: DNSChaos, dnsChaos: {action: error, mode: one, selector: {}}}
`))
	require.NoError(t, err)
	assert.Equal(t, []podnet.Object{
		podnet.NetworkChaosSpec{
			Name: "slow", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
			Selector: podnet.ChaosSelector{
				Namespaces: []string{"shop", "other"}, LabelSelectors: map[string]string{"app": "web"}, Pods: map[string][]string{"shop": {"a", "b"}},
				ExpressionSelectors: []podnet.LabelSelectorRequirement{{Key: "tier", Operator: podnet.LabelSelectorOpNotIn, Values: []string{"edge"}}},
			},
			Mode: podnet.ChaosModeFixedPercent, Value: "50",
			Action: podnet.NetworkChaosNetem, Duration: "30s", Direction: podnet.ChaosDirectionBoth,
			Target: &podnet.ChaosTarget{Mode: podnet.ChaosModeOne, Selector: podnet.ChaosSelector{LabelSelectors: map[string]string{"app": "db"}}},
			Delay: &podnet.ChaosDelay{
				Latency: "10ms", Jitter: "0ms", Correlation: "0", Reorder: &podnet.ChaosReorder{Reorder: "25", Correlation: "0", Gap: 1},
			},
			Loss:      &podnet.ChaosLoss{Loss: "1", Correlation: "0"},
			Duplicate: &podnet.ChaosDuplicate{Duplicate: "2", Correlation: "0"},
			Corrupt:   &podnet.ChaosCorrupt{Corrupt: "3", Correlation: "0"},
		},
		podnet.NetworkChaosSpec{
			Name: "narrow", Action: podnet.NetworkChaosBandwidth, Mode: podnet.ChaosModeAll,
			Bandwidth: &podnet.ChaosBandwidth{Rate: "1mbps", Limit: 20971520, Buffer: 10000},
		},
		podnet.PodChaosSpec{
			Name: "kill", Action: podnet.PodChaosContainerKill, Mode: podnet.ChaosModeFixed, Value: "2", Duration: "1m",
			ContainerNames: []string{"a", "b"}, Selector: podnet.ChaosSelector{Pods: map[string][]string{"default": {"a"}}},
		},
		podnet.PodChaosSpec{Name: "stop", Action: podnet.PodChaosPodKill, Mode: podnet.ChaosModeOne, GracePeriod: 5},
		podnet.DNSChaosSpec{
			Name: "dns", Action: podnet.DNSChaosRandom, Mode: podnet.ChaosModeAll, Duration: "90s",
			ContainerNames: []string{"a", "b"}, Patterns: []string{"google.com", "chaos-mesh.*"}, Selector: podnet.ChaosSelector{Namespaces: []string{"busybox"}},
		},
		podnet.ScheduleSpec{
			Name: "often", Namespace: "shop", Schedule: "@every 30s", ConcurrencyPolicy: podnet.AllowConcurrent, HistoryLimit: 2, Type: podnet.ScheduleNetworkChaos,
			NetworkChaos: &podnet.NetworkChaosSpec{
				Action: podnet.NetworkChaosDelay, Mode: podnet.ChaosModeAll, Duration: "10s", Delay: &podnet.ChaosDelay{Latency: "1s"},
				Selector: podnet.ChaosSelector{LabelSelectors: map[string]string{"app": "web"}},
			},
		},
		podnet.ScheduleSpec{
			Name: "kills", Schedule: "@every 1m", Type: podnet.SchedulePodChaos, PodChaos: &podnet.PodChaosSpec{Action: podnet.PodChaosPodKill, Mode: podnet.ChaosModeOne},
		},
		podnet.ScheduleSpec{
			Name: "names", Schedule: "@every 1h", Type: podnet.ScheduleDNSChaos, DNSChaos: &podnet.DNSChaosSpec{Action: podnet.DNSChaosError, Mode: podnet.ChaosModeOne},
		},
	}, objects)
}

func TestParseRefusesChaos(t *testing.T) {
	const meta = "\nmetadata: {name: a}\nspec: "
	const network, pod, dns = "apiVersion: chaos-mesh.org/v1alpha1\nkind: NetworkChaos" + meta, "apiVersion: chaos-mesh.org/v1alpha1\nkind: PodChaos" + meta, "apiVersion: chaos-mesh.org/v1alpha1\nkind: DNSChaos" + meta
	tests := map[string]struct{ text, want string }{
		"another kind":        {"apiVersion: chaos-mesh.org/v1alpha1\nkind: IOChaos" + meta + "{action: latency}", `kind "IOChaos" of apiVersion "chaos-mesh.org/v1alpha1": not supported by podnet yet: ` + kindsText()},
		"an old version":      {"apiVersion: pingcap.com/v1alpha1\nkind: PodChaos" + meta + "{}", `PodChaos "a" is invalid: apiVersion: Unsupported value: "pingcap.com/v1alpha1": supported values: "chaos-mesh.org/v1alpha1"`},
		"another action":      {pod + "{action: pod-cpu, mode: all}", `PodChaos "a" is invalid: spec.action: Unsupported value: "pod-cpu": supported values: "pod-kill", "pod-failure", "container-kill"`},
		"no action":           {network + "{mode: all}", `NetworkChaos "a" is invalid: spec.action: Unsupported value: "": supported values: "netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth"`},
		"a field misspelt":    {network + "{action: partition, mode: all, selector: {labelSelector: {a: b}}}", `NetworkChaos "a" is invalid: spec.selector.labelSelector: unknown field: did you mean "labelSelectors"?`},
		"a scheduler":         {pod + "{action: pod-kill, mode: all, scheduler: {cron: '@every 1m'}}", `PodChaos "a" is invalid: spec.scheduler: unknown field: check its name and its indentation, or remove it`},
		"a number for a text": {network + "{action: loss, mode: all, loss: {loss: 25}}", `NetworkChaos "a" is invalid: spec.loss.loss: Invalid value: 25: must be a string, not a number: put it in quotes`},
		"external targets":    {network + "{action: partition, mode: all, externalTargets: [192.0.2.1]}", `NetworkChaos "a" is invalid: spec.externalTargets: not supported by podnet yet: select Pods with target: there is nothing outside of the cluster`},
		"a node selector":     {network + "{action: partition, mode: all, target: {mode: all, selector: {nodeSelectors: {a: b}, nodes: [c]}}}", `NetworkChaos "a" is invalid: [spec.target.selector.nodes: not supported by podnet yet: select Pods by namespaces, labelSelectors, expressionSelectors or pods, spec.target.selector.nodeSelectors: not supported by podnet yet: select Pods by namespaces, labelSelectors, expressionSelectors or pods]`},
		"a peak rate":         {network + "{action: bandwidth, mode: all, bandwidth: {rate: 1kbps, limit: 1, buffer: 1, peakrate: 1}}", `NetworkChaos "a" is invalid: spec.bandwidth.peakrate: not supported by podnet yet: remove it: a line has no bursts that it would limit`},
		"a netem rate":        {network + "{action: netem, mode: all, loss: {loss: '1'}, rate: {rate: 1mbps}, device: eth0}", `NetworkChaos "a" is invalid: [spec.rate: not supported by podnet yet: use the action bandwidth, spec.device: not supported by podnet yet: remove it: a Pod has one interface beside lo]`},
		"another cluster":     {dns + "{action: error, mode: all, remoteCluster: a}", `DNSChaos "a" is invalid: spec.remoteCluster: not supported by podnet yet: remove it: there is one cluster`},
		"a deadline":          {"apiVersion: chaos-mesh.org/v1alpha1\nkind: Schedule" + meta + "{schedule: '@every 1m', type: PodChaos, startingDeadlineSeconds: 1, podChaos: {action: pod-kill, mode: all, remoteCluster: b}}", `Schedule "a" is invalid: [spec.podChaos.remoteCluster: not supported by podnet yet: remove it: there is one cluster, spec.startingDeadlineSeconds: not supported by podnet yet: remove it: a chaos is made in time]`},
		"another schedule":    {"apiVersion: chaos-mesh.org/v1alpha1\nkind: Schedule" + meta + "{schedule: '5 * * * *', type: IOChaos}", `Schedule "a" is invalid: [spec.schedule: Invalid value: "5 * * * *": parse schedule field error:podnet knows "@every 30s" and the like, and no times of the day, spec.type: Unsupported value: "IOChaos": supported values: "DNSChaos", "NetworkChaos", "PodChaos"]`},
		"a status":            {dns + "{action: error, mode: all}\nstatus: {conditions: []}", `DNSChaos "a" is invalid: status: not supported by podnet yet: remove it: a cluster sets it`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			assert.EqualError(t, err, test.want)
		})
	}
}
