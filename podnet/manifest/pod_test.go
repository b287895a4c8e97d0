package manifest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// TestParseTakesHarmlessFields has the fields whose value is what podnet does
// anyway, each beside another value of it that is refused. Every one is put
// into a Pod on its own.
func TestParseTakesHarmlessFields(t *testing.T) {
	tests := map[string]struct {
		in      string // the object that has the field
		harmful string // empty if every value is harmless
		want    string // the error for harmful: its path and what follows
	}{
		"schedulerName: default-scheduler":                              {"spec", "schedulerName: mine", "spec.schedulerName: not supported by podnet yet: remove it"},
		"serviceAccountName: default":                                   {"spec", "serviceAccountName: mine", "spec.serviceAccountName: not supported by podnet yet: remove it"},
		"serviceAccount: default":                                       {"spec", "serviceAccount: mine", "spec.serviceAccount: not supported by podnet yet: remove it"},
		"automountServiceAccountToken: false":                           {"spec", "automountServiceAccountToken: true", "spec.automountServiceAccountToken: not supported by podnet yet: remove it"},
		"enableServiceLinks: true":                                      {"spec", "", ""},
		"enableServiceLinks: false":                                     {"spec", "", ""},
		"hostPID: false":                                                {"spec", "hostPID: true", "spec.hostPID: not supported by podnet yet: remove it"},
		"hostIPC: false":                                                {"spec", "hostIPC: true", "spec.hostIPC: not supported by podnet yet: remove it"},
		"hostUsers: true":                                               {"spec", "hostUsers: false", "spec.hostUsers: not supported by podnet yet: remove it"},
		"shareProcessNamespace: false":                                  {"spec", "shareProcessNamespace: true", "spec.shareProcessNamespace: not supported by podnet yet: remove it: a container sees its own processes only"},
		"os: {name: linux}":                                             {"spec", "os: {name: windows}", "spec.os: not supported by podnet yet: remove it"},
		"securityContext: {}":                                           {"spec", "securityContext: {fsGroup: 0}", "spec.securityContext.fsGroup: not supported by podnet yet: remove it: every user may read and write a volume"},
		"ephemeralContainers: []":                                       {"spec", "ephemeralContainers: [{name: a, image: i}]", "spec.ephemeralContainers: not supported by podnet yet: remove them: exec runs a command in any container"},
		"resources: null":                                               {"spec", "resources: {limits: {cpu: 1}}", "spec.resources: not supported by podnet yet: set them for each container: podnet shows them, and limits nothing"},
		"securityContext: {seccompProfile: null}":                       {"spec", "securityContext: {seccompProfile: {type: Unconfined}}", "spec.securityContext.seccompProfile: not supported by podnet yet: remove it: a container is a goroutine, which the kernel cannot confine"},
		"securityContext: {supplementalGroups: []}":                     {"spec", "securityContext: {supplementalGroups: [1]}", "spec.securityContext.supplementalGroups: not supported by podnet yet: remove it: groups grant nothing"},
		"securityContext: {readOnlyRootFilesystem: false}":              {"container", "securityContext: {readOnlyRootFilesystem: true}", "spec.containers[0].securityContext.readOnlyRootFilesystem: not supported by podnet yet: remove it: a container is a goroutine, which the kernel cannot confine"},
		"securityContext: {procMount: Default}":                         {"container", "securityContext: {procMount: Unmasked}", "spec.containers[0].securityContext.procMount: not supported by podnet yet: remove it: a container is a goroutine, which the kernel cannot confine"},
		"resources: {claims: []}":                                       {"container", "resources: {claims: [{name: a}]}", "spec.containers[0].resources.claims: not supported by podnet yet: remove it"},
		"stdin: false":                                                  {"container", "stdin: true", "spec.containers[0].stdin: not supported by podnet yet: remove it: nothing is typed into a container"},
		"livenessProbe: {httpGet: {port: 1, protocol: HTTP1}}":          {"container", "livenessProbe: {httpGet: {port: 1, protocol: HTTP2}}", "spec.containers[0].livenessProbe.httpGet.protocol: not supported by podnet yet: remove it: podnet asks with HTTP/1.1"},
		"readinessProbe: {grpc: {port: 1, mode: Plaintext}}":            {"container", "readinessProbe: {grpc: {port: 1, mode: TLS}}", "spec.containers[0].readinessProbe.grpc.mode: not supported by podnet yet: remove it: podnet asks without TLS"},
		"lifecycle: {preStop: {exec: {command: [a]}, tcpSocket: null}}": {"container", "lifecycle: {preStop: {tcpSocket: {port: 1}}}", "spec.containers[0].lifecycle.preStop.tcpSocket: not supported by podnet yet: use exec or httpGet: with it the hook fails in Kubernetes too"},
		"lifecycle: {stopSignal: null}":                                 {"container", "lifecycle: {stopSignal: SIGINT}", "spec.containers[0].lifecycle.stopSignal: not supported by podnet yet: remove it: a container is stopped by SIGTERM"},
		"env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name, apiVersion: v1}}}]": {"container", "env: [{name: A, valueFrom: {fileKeyRef: {volumeName: v, path: a, key: b}}}]", "spec.containers[0].env[0].valueFrom.fileKeyRef: not supported by podnet yet: give the value itself, or take it from a ConfigMap"},
		"configMap: {name: a, defaultUser: null}":                                             {"volume", "configMap: {name: a, defaultUser: 1}", "spec.volumes[0].configMap.defaultUser: not supported by podnet yet: remove it"},
		"projected: {sources: [{configMap: {name: a}}]}":                                      {"volume", "projected: {sources: [{serviceAccountToken: {path: a}}]}", "spec.volumes[0].projected.sources[0].serviceAccountToken: not supported by podnet yet: remove it: there is no API server that would know the token"},
		"affinity: null":                {"spec", "affinity: {nodeAffinity: {}}", "spec.affinity: not supported by podnet yet: remove it"},
		"tolerations: []":               {"spec", "tolerations: [{operator: Exists}]", "spec.tolerations: not supported by podnet yet: remove it"},
		"topologySpreadConstraints: []": {"spec", "topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]", "spec.topologySpreadConstraints: not supported by podnet yet: remove it"},
		"priority: null":                {"spec", "priority: 0", "spec.priority: not supported by podnet yet: remove it"},
		"tty: false":                    {"container", "tty: true", "spec.containers[0].tty: not supported by podnet yet: remove it: a container has no terminal"},
		"volumeMounts: [{name: v, mountPath: /v, mountPropagation: None}]":      {"container", "volumeMounts: [{name: v, mountPath: /v, mountPropagation: HostToContainer}]", "spec.containers[0].volumeMounts[0].mountPropagation: not supported by podnet yet: remove it"},
		"volumeMounts: [{name: v, mountPath: /v, recursiveReadOnly: Disabled}]": {"container", "volumeMounts: [{name: v, mountPath: /v, recursiveReadOnly: Enabled}]", "spec.containers[0].volumeMounts[0].recursiveReadOnly: not supported by podnet yet: remove it"},
		"emptyDir: {}":                        {"volume", "hostPath: {path: /}", "spec.volumes[0].hostPath: not supported by podnet yet: use emptyDir"},
		"emptyDir: {medium: ''}":              {"volume", "emptyDir: {medium: HugePages}", `spec.volumes[0].emptyDir.medium: Unsupported value: "HugePages": supported values: "", "Memory"`},
		"emptyDir: {medium: Memory}":          {"volume", "emptyDir: {mode: 511}", "spec.volumes[0].emptyDir.mode: not supported by podnet yet: remove it"},
		"emptyDir: {sizeLimit: 0}":            {"volume", "emptyDir: {sizeLimit: -1Gi}", "spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"},
		"creationTimestamp: null":             {"metadata", "creationTimestamp: '2026-01-01T00:00:00Z'", "metadata.creationTimestamp: not supported by podnet yet: remove it: a cluster sets it"},
		"uid: ''":                             {"metadata", "uid: a", "metadata.uid: not supported by podnet yet: remove it: a cluster sets it"},
		"generateName: ''":                    {"metadata", "generateName: a-", "metadata.generateName: not supported by podnet yet: podnet makes up no names: set metadata.name"},
		"status: {}":                          {"", "status: {phase: Running, podIPs: [{ip: 1.2.3.4}]}", "status: not supported by podnet yet: remove it: a cluster sets it"},
		"status: {conditions: [], podIP: ''}": {"", "status: {podIP: 1.2.3.4}", "status: not supported by podnet yet: remove it: a cluster sets it"},
	}
	for harmless, test := range tests {
		t.Run(test.in+"/"+harmless, func(t *testing.T) {
			_, err := Parse([]byte(podWith(test.in, harmless)))
			require.NoError(t, err)
			if test.harmful != "" {
				_, err = Parse([]byte(podWith(test.in, test.harmful)))
				assert.EqualError(t, err, `Pod "a" is invalid: `+test.want)
			}
		})
	}
}

// podWith returns a Pod with a field in one of its objects.
func podWith(in, field string) string {
	fields := map[string]string{"volume": "emptyDir: {}"}
	fields[in] = field
	text := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  " + fields["metadata"] +
		"\nspec:\n  containers:\n  - name: c\n    image: i\n    " + fields["container"] +
		"\n  volumes:\n  - name: v\n    " + fields["volume"] + "\n  " + fields["spec"] + "\n"
	if in == "" {
		text += field + "\n"
	}
	return text
}

func TestParseReportsAllFields(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"of unknown names": {`
apiVersion: v1
kind: Pod
metadata: {name: a, lables: {}}
spec:
  Containers: []
  ports: []
  containers:
  - name: c
    image: i
    imagee: i
    livenessProbe: {httpGet: {port: 80, pth: /}}
`, `Pod "a" is invalid: [` +
			`metadata.lables: unknown field: did you mean "labels"?, ` +
			`spec.Containers: unknown field: did you mean "containers"?, ` +
			`spec.containers[0].imagee: unknown field: did you mean "image"?, ` +
			`spec.containers[0].livenessProbe.httpGet.pth: unknown field: did you mean "path"?, ` +
			`spec.ports: unknown field: check its name and its indentation, or remove it]`},
		"of the wrong type": {`
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {a: 1, b: yes, c: null}}
spec:
  hostname: [a]
  tolerations: {}
  containers:
  - name: c
    command: /bin/sh
    env: [{name: A, value: 1}, {name: B, value: 1.50}]
    stdin: "true"
    ports: [{containerPort: "80"}, {containerPort: 99999999999}, {containerPort: 8.5}]
    resources: {limits: {cpu: 1e9999999, memory: 1GB}}
    livenessProbe: {periodSeconds: 10s, httpGet: {port: 8.5}}
    restartPolicyRules: {action: Restart}
  - c
  volumes:
  - {name: v, emptyDir: {sizeLimit: 1Gib, medum: Memory}}
`, `Pod "a" is invalid: [` +
			`metadata.labels.a: Invalid value: 1: must be a string, not a number: put it in quotes, ` +
			`metadata.labels.b: Invalid value: true: must be a string, not true or false: put it in quotes, ` +
			`spec.containers[0].command: Invalid value: "/bin/sh": must be a list, not a string, ` +
			`spec.containers[0].env[0].value: Invalid value: 1: must be a string, not a number: put it in quotes, ` +
			`spec.containers[0].env[1].value: Invalid value: 1.5: must be a string, not a number: put it in quotes, ` +
			`spec.containers[0].livenessProbe.httpGet.port: Invalid value: 8.5: must be the number of a port, or the name of one, ` +
			`spec.containers[0].livenessProbe.periodSeconds: Invalid value: "10s": must be a whole number of 32 bits, without quotes, ` +
			`spec.containers[0].ports[0].containerPort: Invalid value: "80": must be a whole number of 32 bits, without quotes, ` +
			`spec.containers[0].ports[1].containerPort: Invalid value: 99999999999: must be a whole number of 32 bits, without quotes, ` +
			`spec.containers[0].ports[2].containerPort: Invalid value: 8.5: must be a whole number of 32 bits, without quotes, ` +
			`spec.containers[0].resources.limits.cpu: Invalid value: "1e9999999": must not have an exponent of more than two digits, ` +
			`spec.containers[0].resources.limits.memory: Invalid value: "1GB": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', ` +
			`spec.containers[0].restartPolicyRules: Invalid value: must be a list, not a mapping, ` +
			`spec.containers[0].stdin: Invalid value: "true": must be true or false, without quotes, ` +
			`spec.containers[1]: Invalid value: "c": must be a mapping, not a string, ` +
			`spec.hostname: Invalid value: must be a string, not a list, ` +
			`spec.tolerations: Invalid value: must be a list, not a mapping, ` +
			`spec.volumes[0].emptyDir.sizeLimit: Invalid value: "1Gib": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', ` +
			`spec.volumes[0].emptyDir.medum: unknown field: did you mean "medium"?]`},
		"that podnet lacks or Kubernetes refuses": {`
apiVersion: v1
kind: Pod
metadata: {generateName: web-}
spec:
  hostPID: true
  activeDeadlineSeconds: 0
  restartPolicy: Sometimes
  hostAliases: [{ip: 1.2.3}]
  containers:
  - image: i
    ports: [{containerPort: 70000}, {containerPort: -1}, {containerPort: 0}]
    volumeMounts: [{name: v, mountPath: /v}, {name: w, mountPath: /v}]
  volumes:
  - {name: v, hostPath: {path: /}}
  - {name: w}
`, `Pod "web" is invalid: [` +
			`spec.volumes[0].hostPath: not supported by podnet yet: use emptyDir, ` +
			`metadata.generateName: not supported by podnet yet: podnet makes up no names: set metadata.name, ` +
			`spec.hostPID: not supported by podnet yet: remove it, ` +
			`spec.containers[0].name: Required value, ` +
			`spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive, ` +
			`spec.containers[0].ports[1].containerPort: Invalid value: -1: must be between 1 and 65535, inclusive, ` +
			`spec.containers[0].ports[2].containerPort: Required value, ` +
			`spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique, ` +
			`spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never", ` +
			`spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive, ` +
			`spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestParseSizeLimit(t *testing.T) {
	for quantity, want := range map[string]int64{
		"1": 1, "1k": 1000, "1Ki": 1024, "1500m": 2, "'64Mi'": 64 << 20, "1e3": 1000, "0": 0,
		"7Ei": 7 << 60, "8Ei": math.MaxInt64, "1000E": math.MaxInt64,
	} {
		t.Run(quantity, func(t *testing.T) {
			objects, err := Parse([]byte(podWith("volume", "emptyDir: {sizeLimit: "+quantity+"}")))
			require.NoError(t, err)
			assert.Equal(t, want, objects[0].(podnet.PodSpec).Volumes[0].EmptyDir.SizeLimit)
		})
	}
}
