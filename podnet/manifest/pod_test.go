package manifest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestParseTakesAllFields(t *testing.T) {
	objects, err := Parse([]byte(`
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web}
  annotations: {example.com/owner: me}
  creationTimestamp: null
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 0
  hostname: www
  hostAliases:
  - ip: 10.1.2.3
    hostnames: [db, db.local]
  containers:
  - name: web
    image: nginx
    command: [nginx]
    args: [-g, daemon off;]
    workingDir: /srv
    imagePullPolicy: Never
    env:
    - name: A
      value: "1"
    - name: EMPTY
    ports:
    - name: http
      containerPort: 65535
      protocol: UDP
    volumeMounts:
    - name: data
      mountPath: /data
      readOnly: true
  volumes:
  - name: data
    emptyDir:
      medium: Memory
      sizeLimit: 1.5Ki
status: {}
`))
	require.NoError(t, err)
	grace := int64(0)
	assert.Equal(t, []podnet.Object{podnet.PodSpec{
		Name:                          "web",
		Namespace:                     "shop",
		Labels:                        map[string]string{"app": "web"},
		Annotations:                   map[string]string{"example.com/owner": "me"},
		RestartPolicy:                 podnet.RestartPolicyOnFailure,
		TerminationGracePeriodSeconds: &grace,
		Hostname:                      "www",
		HostAliases:                   []podnet.HostAlias{{IP: "10.1.2.3", Hostnames: []string{"db", "db.local"}}},
		Containers: []podnet.ContainerSpec{{
			Name:            "web",
			Image:           "nginx",
			Command:         []string{"nginx"},
			Args:            []string{"-g", "daemon off;"},
			WorkingDir:      "/srv",
			ImagePullPolicy: podnet.PullNever,
			Env:             []podnet.EnvVar{{Name: "A", Value: "1"}, {Name: "EMPTY"}},
			Ports:           []podnet.ContainerPort{{Name: "http", ContainerPort: 65535, Protocol: podnet.ProtocolUDP}},
			VolumeMounts:    []podnet.VolumeMount{{Name: "data", MountPath: "/data", ReadOnly: true}},
		}},
		Volumes: []podnet.VolumeSpec{{Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{SizeLimit: 1536}}},
	}}, objects)
}

// TestParseTakesHarmlessFields has the fields whose value is what podnet does
// anyway, each beside another value of it that is refused. Every one is put
// into a Pod on its own.
func TestParseTakesHarmlessFields(t *testing.T) {
	tests := map[string]struct {
		in      string // the object that has the field
		harmful string // empty if every value is harmless
		want    string // the error for harmful: its path and what follows
	}{
		"dnsPolicy: ClusterFirst":                      {"spec", "dnsPolicy: Default", "spec.dnsPolicy: not supported by podnet yet: remove it"},
		"schedulerName: default-scheduler":             {"spec", "schedulerName: mine", "spec.schedulerName: not supported by podnet yet: remove it"},
		"serviceAccountName: default":                  {"spec", "serviceAccountName: mine", "spec.serviceAccountName: not supported by podnet yet: remove it"},
		"serviceAccount: default":                      {"spec", "serviceAccount: mine", "spec.serviceAccount: not supported by podnet yet: remove it"},
		"automountServiceAccountToken: false":          {"spec", "automountServiceAccountToken: true", "spec.automountServiceAccountToken: not supported by podnet yet: remove it"},
		"enableServiceLinks: true":                     {"spec", "", ""},
		"enableServiceLinks: false":                    {"spec", "", ""},
		"hostNetwork: false":                           {"spec", "hostNetwork: true", "spec.hostNetwork: not supported by podnet yet: remove it: podnet's node has no programs to share a network with"},
		"hostPID: false":                               {"spec", "hostPID: true", "spec.hostPID: not supported by podnet yet: remove it"},
		"hostIPC: false":                               {"spec", "hostIPC: true", "spec.hostIPC: not supported by podnet yet: remove it"},
		"hostUsers: true":                              {"spec", "hostUsers: false", "spec.hostUsers: not supported by podnet yet: remove it"},
		"shareProcessNamespace: false":                 {"spec", "shareProcessNamespace: true", "spec.shareProcessNamespace: not supported by podnet yet: remove it"},
		"setHostnameAsFQDN: false":                     {"spec", "setHostnameAsFQDN: true", "spec.setHostnameAsFQDN: not supported by podnet yet: remove it"},
		"os: {name: linux}":                            {"spec", "os: {name: windows}", "spec.os: not supported by podnet yet: remove it"},
		"securityContext: {}":                          {"spec", "securityContext: {fsGroup: 0}", "spec.securityContext: not supported by podnet yet: remove it"},
		"initContainers: []":                           {"spec", "initContainers: [{name: i, image: i}]", "spec.initContainers: not supported by podnet yet: remove them, or do their work at the start of a container's command"},
		"nodeSelector: {}":                             {"spec", "nodeSelector: {a: b}", "spec.nodeSelector: not supported by podnet yet: remove it"},
		"priority: null":                               {"spec", "priority: 0", "spec.priority: not supported by podnet yet: remove it"},
		"terminationMessagePath: /dev/termination-log": {"container", "terminationMessagePath: /tmp/x", "spec.containers[0].terminationMessagePath: not supported by podnet yet: remove it"},
		"terminationMessagePolicy: File":               {"container", "terminationMessagePolicy: FallbackToLogsOnError", "spec.containers[0].terminationMessagePolicy: not supported by podnet yet: remove it"},
		"securityContext: {} ":                         {"container", "securityContext: {runAsUser: 0}", "spec.containers[0].securityContext: not supported by podnet yet: remove it"},
		"resources: {}":                                {"container", "resources: {limits: {cpu: 1}}", "spec.containers[0].resources.limits: not supported by podnet yet: remove it: podnet limits neither CPU nor memory"},
		"resources: {requests: {}}":                    {"container", "resources: {requests: {cpu: 1}}", "spec.containers[0].resources.requests: not supported by podnet yet: remove it: podnet shares out neither CPU nor memory"},
		"tty: false":                                   {"container", "tty: true", "spec.containers[0].tty: not supported by podnet yet: remove it"},
		"livenessProbe: null":                          {"container", "livenessProbe: {}", "spec.containers[0].livenessProbe: not supported by podnet yet: remove it"},
		"ports: [{containerPort: 80, protocol: TCP}]":  {"container", "ports: [{containerPort: 80, hostPort: 80}]", "spec.containers[0].ports[0].hostPort: not supported by podnet yet: remove it: a port is reached at the Pod's IP"},
		"ports: [{containerPort: 80, hostPort: 0}]":    {"container", "ports: [{containerPort: 80, hostIP: 1.2.3.4}]", "spec.containers[0].ports[0].hostIP: not supported by podnet yet: remove it: a port is reached at the Pod's IP"},
		"env: [{name: A, valueFrom: null}]":            {"container", "env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]", "spec.containers[0].env[0].valueFrom: not supported by podnet yet: give the value itself"},
		"envFrom: []":                                  {"container", "envFrom: [{configMapRef: {name: a}}]", "spec.containers[0].envFrom: not supported by podnet yet: name each variable under env"},
		"volumeMounts: [{name: v, mountPath: /v, mountPropagation: None}]":      {"container", "volumeMounts: [{name: v, mountPath: /v, mountPropagation: HostToContainer}]", "spec.containers[0].volumeMounts[0].mountPropagation: not supported by podnet yet: remove it"},
		"volumeMounts: [{name: v, mountPath: /v, recursiveReadOnly: Disabled}]": {"container", "volumeMounts: [{name: v, mountPath: /v, recursiveReadOnly: Enabled}]", "spec.containers[0].volumeMounts[0].recursiveReadOnly: not supported by podnet yet: remove it"},
		"volumeMounts: [{name: v, mountPath: /v, subPath: ''}]":                 {"container", "volumeMounts: [{name: v, mountPath: /v, subPath: a}]", "spec.containers[0].volumeMounts[0].subPath: not supported by podnet yet: mount the whole volume"},
		"emptyDir: {}":                        {"volume", "configMap: {name: a}", "spec.volumes[0].configMap: not supported by podnet yet: use emptyDir, and write the files from a container"},
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
			`spec.ports: unknown field: check its name and its indentation, or remove it, ` +
			`spec.containers[0].livenessProbe: not supported by podnet yet: remove it]`},
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
  - c
  volumes:
  - {name: v, emptyDir: {sizeLimit: 1Gib, medum: Memory}}
`, `Pod "a" is invalid: [` +
			`metadata.labels.a: Invalid value: 1: must be a string, not a number: put it in quotes, ` +
			`metadata.labels.b: Invalid value: true: must be a string, not true or false: put it in quotes, ` +
			`spec.containers[0].command: Invalid value: "/bin/sh": must be a list, not a string, ` +
			`spec.containers[0].env[0].value: Invalid value: 1: must be a string, not a number: put it in quotes, ` +
			`spec.containers[0].env[1].value: Invalid value: 1.5: must be a string, not a number: put it in quotes, ` +
			`spec.containers[0].ports[0].containerPort: Invalid value: "80": must be a whole number of 32 bits, without quotes, ` +
			`spec.containers[0].ports[1].containerPort: Invalid value: 99999999999: must be a whole number of 32 bits, without quotes, ` +
			`spec.containers[0].ports[2].containerPort: Invalid value: 8.5: must be a whole number of 32 bits, without quotes, ` +
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
  subdomain: x
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
			`spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive, ` +
			`spec.containers[0].ports[1].containerPort: Invalid value: -1: must be between 1 and 65535, inclusive, ` +
			`metadata.generateName: not supported by podnet yet: podnet makes up no names: set metadata.name, ` +
			`spec.subdomain: not supported by podnet yet: remove it, ` +
			`spec.volumes[1]: Required value: must specify a volume type, ` +
			`spec.containers[0].name: Required value, ` +
			`spec.containers[0].ports[2].containerPort: Required value, ` +
			`spec.containers[0].volumeMounts[1].name: Not found: "w", ` +
			`spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique, ` +
			`spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never", ` +
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
