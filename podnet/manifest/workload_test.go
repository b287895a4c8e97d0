package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// workload is one of a kind whose spec has the fields of text too.
func workload(kind, text string) string {
	return "{apiVersion: apps/v1, kind: " + kind + ", metadata: {name: a}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}, " + text + "}}"
}

func TestWhatExchangesPodsMakesNoDifference(t *testing.T) {
	for kind, texts := range map[string][]string{
		"Deployment": {
			"strategy: {type: Recreate}", "strategy: {}", "strategy: {rollingUpdate: {}}", "strategy: {rollingUpdate: {maxSurge: 0}}",
			"strategy: {rollingUpdate: {maxSurge: 200%, maxUnavailable: 100%}}", "revisionHistoryLimit: 0", "progressDeadlineSeconds: 1, minReadySeconds: 0",
		},
		"StatefulSet": {
			"updateStrategy: {type: OnDelete}", "updateStrategy: {rollingUpdate: {partition: 3}}", "updateStrategy: {rollingUpdate: {maxUnavailable: 1}}",
			"persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}", "revisionHistoryLimit: 0",
		},
	} {
		for _, text := range texts {
			_, err := Parse([]byte(workload(kind, text)))
			assert.NoError(t, err, text)
		}
	}
}

func TestWorkloadsThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ kind, text, want string }{
		{"Deployment", "paused: true", `spec.paused: not supported by podnet yet: remove it: there are no changes of a template to put off`},
		{"Deployment", "strategy: {type: BlueGreen}", `spec.strategy.type: not supported by podnet yet: use RollingUpdate or Recreate, or remove it: podnet exchanges no Pods for others`},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}", `spec.strategy.rollingUpdate: not supported by podnet yet: use type RollingUpdate with limits that are not both 0, or remove it: podnet exchanges no Pods for others`},
		{"Deployment", "progressDeadlineSeconds: 5, minReadySeconds: 5", `spec.progressDeadlineSeconds: not supported by podnet yet: make it greater than minReadySeconds, or remove it: podnet exchanges no Pods for others`},
		{"Deployment", "revisionHistoryLimit: -1", `spec.revisionHistoryLimit: not supported by podnet yet: make it 0 or greater, or remove it: podnet keeps no revisions`},
		{"Deployment", "replica: 1", `spec.replica: unknown field: did you mean "replicas"?`},
		{"StatefulSet", "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]", `spec.volumeClaimTemplates: not supported by podnet yet: remove them, and mount an emptyDir of spec.template.spec.volumes: it lives as long as the Pod`},
		{"StatefulSet", "podManagementPolicy: Serial", `spec.podManagementPolicy: Invalid value: "Serial": must be 'OrderedReady' or 'Parallel'`},
	} {
		_, err := Parse([]byte(workload(tt.kind, tt.text)))
		assert.EqualError(t, err, tt.kind+` "a" is invalid: `+tt.want)
	}
	_, err := Parse([]byte("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {hostPID: true, containers: [{name: c, image: i, ports: [{containerPort: 70000}]}]}}}}"))
	assert.EqualError(t, err, `Deployment "a" is invalid: [spec.template.spec.hostPID: not supported by podnet yet: remove it, spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive]`)
}
