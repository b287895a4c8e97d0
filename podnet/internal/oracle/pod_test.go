package oracle

import (
	"strings"
	"testing"
)

var x64, x254 = strings.Repeat("x", 64), strings.Repeat("x", 254)

func TestPods(t *testing.T) {
	runTable(t, []testCase{
		{name: "the smallest", want: accepted, in: "spec", text: ""},
		{name: "no name", want: refused, text: "{apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: i}]}}"},
		{name: "no containers", want: refused, text: "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {initContainers: [{name: c, image: i}], hostname: _}}"},
		{name: "name in capitals", want: refused, in: "metadata", text: "name: A"},
		{name: "name with dots", want: warned, in: "metadata", text: "name: a.b"},
		{name: "long name", want: warned, in: "metadata", text: "name: " + x64},
		{name: "too long name", want: refused, in: "metadata", text: "name: " + x254},
		{name: "namespace", want: accepted, in: "metadata", text: "namespace: shop"},
		{name: "dotted namespace", want: refused, in: "metadata", text: "namespace: a.b"},
		{name: "long namespace", want: refused, in: "metadata", text: "namespace: " + x64},
		{name: "labels", want: accepted, in: "metadata", text: "labels: {a: b, example.com/a: ''}"},
		{name: "wrong labels", want: refused, in: "metadata", text: "labels: {a b: c, d: 'e f', /g: h, i/: j, k/l/m: o, O/p: q, " + x64 + ": " + x64 + "}"},
		{name: "wrong annotations", want: refused, in: "metadata", text: "annotations: {a b: c, /g: h, O/p: q}"},
		{name: "long annotations", want: refused, in: "metadata", text: "annotations: {a: " + strings.Repeat("x", 256<<10) + "}"},
		{name: "annotations of old", want: warned, in: "metadata", text: "annotations: {scheduler.alpha.kubernetes.io/critical-pod: '', security.alpha.kubernetes.io/sysctls: a=b, security.alpha.kubernetes.io/unsafe-sysctls: ''}"},
		{name: "annotations of seccomp", want: warned, in: "metadata", text: "annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default, container.seccomp.security.alpha.kubernetes.io/c: unconfined}"},
		{name: "annotation of a mirror Pod", want: refused, in: "metadata", text: "annotations: {kubernetes.io/config.mirror: a}",
			difference: differs("podnet gives the annotation no meaning")},
		{name: "annotation of seccomp with another value", want: refused, in: "metadata", text: "annotations: {seccomp.security.alpha.kubernetes.io/pod: a}",
			difference: differs("podnet gives the annotation no meaning",
				`metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead`)},
		{name: "annotation of a cost that is no number", want: refused, in: "metadata", text: "annotations: {controller.kubernetes.io/pod-deletion-cost: a}",
			difference: differs("podnet gives the annotation no meaning")},
		{name: "generateName", want: refused, in: "metadata", text: "generateName: b-, labels: {'': ''}",
			difference: differs("podnet makes up no names",
				"metadata.generateName: not supported by podnet yet: podnet makes up no names: set metadata.name",
				`metadata.labels: Invalid value: "": name part must be non-empty`,
				`metadata.labels: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`)},

		{name: "restartPolicy", want: accepted, in: "spec", text: "restartPolicy: OnFailure"},
		{name: "unknown restartPolicy", want: refused, in: "spec", text: "restartPolicy: Sometimes"},
		{name: "no grace", want: accepted, in: "spec", text: "terminationGracePeriodSeconds: 0"},
		{name: "negative grace", want: accepted, in: "spec", text: "terminationGracePeriodSeconds: -1",
			difference: differs("the API server takes it for 1, which nobody can mean",
				"spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0")},
		{name: "deadline", want: accepted, in: "spec", text: "activeDeadlineSeconds: 1"},
		{name: "deadline of 0", want: refused, in: "spec", text: "activeDeadlineSeconds: 0"},
		{name: "negative deadline", want: refused, in: "spec", text: "activeDeadlineSeconds: -5"},
		{name: "longest deadline", want: accepted, in: "spec", text: "activeDeadlineSeconds: 2147483647"},
		{name: "too long deadline", want: refused, in: "spec", text: "activeDeadlineSeconds: 2147483648"},
		{name: "readiness gates", want: accepted, in: "spec", text: "readinessGates: [{conditionType: example.com/lb}, {conditionType: Ready}, {conditionType: Ready}]"},
		{name: "readiness gate without type", want: refused, in: "spec", text: "readinessGates: [{}]"},
		{name: "wrong readiness gates", want: refused, in: "spec", text: "readinessGates: [{conditionType: 'a b'}, {conditionType: /a}]"},

		{name: "hostname", want: accepted, in: "spec", text: "hostname: www, subdomain: web, setHostnameAsFQDN: true"},
		{name: "dotted hostname", want: refused, in: "spec", text: "hostname: www.a"},
		{name: "long hostname", want: refused, in: "spec", text: "hostname: " + x64},
		{name: "dotted subdomain", want: refused, in: "spec", text: "subdomain: a.b"},
		{name: "subdomain in capitals", want: refused, in: "spec", text: "subdomain: A"},
		{name: "hostnameOverride", want: accepted, in: "spec", text: "hostnameOverride: a.b, hostname: c, setHostnameAsFQDN: false"},
		{name: "hostnameOverride of 64 characters", want: accepted, in: "spec", text: "hostnameOverride: " + x64},
		{name: "hostnameOverride of 65 characters", want: refused, in: "spec", text: "hostnameOverride: " + x64 + "x"},
		{name: "hostnameOverride of 254 characters", want: refused, in: "spec", text: "hostnameOverride: " + x254},
		{name: "hostnameOverride in capitals", want: refused, in: "spec", text: "hostnameOverride: A"},
		{name: "empty hostnameOverride", want: refused, in: "spec", text: "hostnameOverride: ''"},
		{name: "hostnameOverride as FQDN", want: refused, in: "spec", text: "hostnameOverride: a, setHostnameAsFQDN: true"},
		{name: "host aliases", want: accepted, in: "spec", text: "hostAliases: [{ip: 10.0.0.1, hostnames: [a, b.c]}, {ip: '::1'}]"},
		{name: "host alias without IP", want: refused, in: "spec", text: "hostAliases: [{}]"},
		{name: "wrong host aliases", want: refused, in: "spec", text: "hostAliases: [{ip: 10.0.1, hostnames: [A, '']}, {ip: 010.0.0.1}, {ip: '::ffff:1.2.3.4'}, {ip: 'fe80::1%eth0'}, {ip: 1.2.3.4/8}]"},
		{name: "host alias twice", want: warned, in: "spec", text: "hostAliases: [{ip: 10.0.0.1}, {ip: 10.0.0.2}, {ip: 10.0.0.1}, {ip: 10.0.0.1}]"},
		{name: "host alias in long form", want: warned, in: "spec", text: "hostAliases: [{ip: '2001:DB8:0::1'}]"},

		{name: "dnsPolicy of a host's network", want: accepted, in: "spec", text: "dnsPolicy: ClusterFirstWithHostNet"},
		{name: "dnsPolicy of the node", want: accepted, in: "spec", text: "dnsPolicy: Default"},
		{name: "unknown dnsPolicy", want: refused, in: "spec", text: "dnsPolicy: none"},
		{name: "dnsPolicy None", want: accepted, in: "spec", text: "dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1]}"},
		{name: "dnsPolicy None without config", want: refused, in: "spec", text: "dnsPolicy: None"},
		{name: "dnsPolicy None without servers", want: refused, in: "spec", text: "dnsPolicy: None, dnsConfig: {searches: [A], options: [{}]}"},
		{name: "dnsConfig", want: accepted, in: "spec", text: "dnsConfig: {nameservers: [1.1.1.1, '::1'], searches: [a, b.c., _tcp.d, .], options: [{name: ndots, value: '2'}, {name: edns0}]}"},
		{name: "four nameservers", want: refused, in: "spec", text: "dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, '<a>']}"},
		{name: "wrong nameserver", want: refused, in: "spec", text: "dnsConfig: {nameservers: [dns.google]}"},
		{name: "nameserver in long form", want: warned, in: "spec", text: "dnsConfig: {nameservers: ['2001:DB8::1']}, hostAliases: [{ip: '0::1'}]"},
		{name: "wrong searches", want: refused, in: "spec", text: "dnsConfig: {searches: ['', A, a..b, __a, " + x254 + "]}"},
		{name: "33 searches", want: refused, in: "spec", text: "dnsConfig: {searches: [" + strings.Repeat("a, ", 33) + "]}"},
		{name: "32 searches", want: accepted, in: "spec", text: "dnsConfig: {searches: [" + strings.Repeat("a, ", 32) + "]}"},
		{name: "2049 characters of searches", want: refused, in: "spec", text: "dnsConfig: {searches: [" + strings.Repeat(strings.Repeat("x", 204)+", ", 10) + "]}"},
		{name: "option without name", want: refused, in: "spec", text: "dnsConfig: {options: [{name: a}, {value: b}]}"},
		{name: "empty dnsConfig", want: accepted, in: "spec", text: "dnsConfig: {}"},

		{name: "user of the Pod", want: accepted, in: "spec", text: "securityContext: {runAsUser: 0, runAsGroup: 2147483647, runAsNonRoot: true}"},
		{name: "negative IDs of the Pod", want: refused, in: "spec", text: "securityContext: {runAsUser: -1, runAsGroup: -2}"},
		{name: "great IDs of the Pod", want: refused, in: "spec", text: "securityContext: {runAsUser: 2147483648, runAsGroup: 99999999999}"},
		{name: "no securityContext of the Pod", want: accepted, in: "spec", text: "securityContext: {}"},

		{name: "what podnet does anyway", want: accepted, in: "spec", text: "schedulerName: default-scheduler, serviceAccountName: default, serviceAccount: default, automountServiceAccountToken: false, enableServiceLinks: true, hostUsers: true, os: {name: linux}, hostNetwork: false"},
		{name: "hostNetwork", want: accepted, in: "spec", text: "hostNetwork: true"},
		{name: "hostNetwork with ports", want: accepted, text: podWith("", "{name: a, image: i, ports: [{containerPort: 1}, {containerPort: 2, hostPort: 2}, {containerPort: 2, protocol: UDP}]}", "hostNetwork: true")},
		{name: "hostNetwork with another hostPort", want: refused, text: podWith("", "{name: a, image: i, ports: [{containerPort: 1, hostPort: 2}]}", "hostNetwork: true, restartPolicy: a")},
		{name: "hostNetwork with a port twice", want: refused, text: podWith("", "{name: a, image: i, ports: [{containerPort: 1}]}, {name: b, image: i, ports: [{containerPort: 1}]}", "hostNetwork: true")},
		{name: "hostNetwork with a port on one hostIP", want: warned, text: podWith("", "{name: a, image: i, ports: [{containerPort: 1}, {containerPort: 1, hostIP: 1.1.1.1}]}", "hostNetwork: true")},
		{name: "hostNetwork of an init container", want: accepted, text: podWith("{name: a, image: i, ports: [{containerPort: 1, hostPort: 2}]}", "{name: b, image: i}", "hostNetwork: true")},
		{name: "hostNetwork and a hostname", want: refused, in: "spec", text: "hostNetwork: true, hostnameOverride: a"},
		{name: "hostNetwork with a great port", want: refused, text: podWith("", "{name: a, image: i, ports: [{containerPort: 65536}]}", "hostNetwork: true"),
			difference: differs("podnet's type cannot hold the port, and so not the default of hostPort",
				"spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive")},
		{name: "nodeName", want: accepted, in: "spec", text: "nodeName: node-1.example.com"},
		{name: "bad nodeName", want: refused, in: "spec", text: "nodeName: Node_1, activeDeadlineSeconds: 0"},
		{name: "nodeSelector", want: accepted, in: "spec", text: "nodeSelector: {disk: ssd, kubernetes.io/os: linux, e: ''}"},
		{name: "bad nodeSelector", want: refused, in: "spec", text: "dnsPolicy: a, nodeSelector: {'-a': b, c: '-d', e/f/g: h}, securityContext: {runAsUser: -1}"},
		{name: "old labels of nodes", want: warned, in: "spec", text: "nodeSelector: {beta.kubernetes.io/os: linux}, hostAliases: [{ip: '1.1.1.1'}, {ip: 1.1.1.1}]"},
		{name: "the old label of masters", want: warned, in: "spec", text: "nodeSelector: {node-role.kubernetes.io/master: ''}"},
		{name: "hostPID and hostIPC", want: accepted, in: "spec", text: "hostPID: true, hostIPC: true",
			difference: differs("not supported", "spec.hostPID: not supported by podnet yet: remove it", "spec.hostIPC: not supported by podnet yet: remove it")},
		{name: "a shared process namespace", want: accepted, in: "spec", text: "shareProcessNamespace: true",
			difference: differs("not supported", "spec.shareProcessNamespace: not supported by podnet yet: remove it: a container sees its own processes only")},
		{name: "ephemeral containers", want: refused, in: "spec", text: "ephemeralContainers: [{name: d, image: i}]",
			difference: differs("not supported", "spec.ephemeralContainers: not supported by podnet yet: remove them: exec runs a command in any container")},
		{name: "resources of the Pod", want: accepted, in: "spec", text: "resources: {limits: {cpu: 1}}",
			difference: differs("not supported", "spec.resources: not supported by podnet yet: set them for each container: podnet shows them, and limits nothing")},
		{name: "groups of the Pod", want: accepted, in: "spec", text: "securityContext: {fsGroup: 1, supplementalGroups: [2], seccompProfile: {type: RuntimeDefault}}",
			difference: differs("not supported",
				"spec.securityContext.supplementalGroups: not supported by podnet yet: remove it: groups grant nothing",
				"spec.securityContext.fsGroup: not supported by podnet yet: remove it: every user may read and write a volume",
				"spec.securityContext.seccompProfile: not supported by podnet yet: remove it: a container is a goroutine, which the kernel cannot confine")},
	})
}

// TestOrder has manifests in which much is wrong: the order of the errors counts.
func TestOrder(t *testing.T) {
	runTable(t, []testCase{
		{name: "of a Pod's fields", want: refused, text: `
apiVersion: v1
kind: Pod
metadata: {name: A, namespace: B, labels: {'': ''}, annotations: {'': ''}}
spec:
  subdomain: _
  hostname: _
  hostnameOverride: _
  activeDeadlineSeconds: 0
  hostAliases: [{ip: a, hostnames: [_]}]
  readinessGates: [{}]
  dnsConfig: {options: [{}], searches: [A], nameservers: [a]}
  securityContext: {runAsGroup: -1, runAsUser: -1}
  dnsPolicy: a
  restartPolicy: a
  initContainers: [{image: ' '}]
  containers: [{image: ' a'}]
  volumes: [{emptyDir: {sizeLimit: -1}}]
`},
		{name: "of a container's fields", want: refused, text: `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - {name: c, image: i}
  - name: c
    restartPolicyRules: [{}]
    startupProbe: {}
    readinessProbe: {}
    livenessProbe: {}
    lifecycle: {preStop: {}, postStart: {}}
    securityContext: {runAsUser: -1}
    resources: {limits: {cpu: -1}}
    imagePullPolicy: a
    volumeMounts: [{}]
    envFrom: [{}]
    env: [{}, {name: a, valueFrom: {}}]
    ports: [{}]
    terminationMessagePolicy: a
`},
		{name: "of an init container's fields", want: refused, text: `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: c, image: i}]
  initContainers:
  - name: c
    restartPolicyRules: [{}]
    startupProbe: {}
    readinessProbe: {}
    livenessProbe: {}
    lifecycle: {}
    securityContext: {runAsUser: -1}
    imagePullPolicy: a
    ports: [{containerPort: 70000}]
  - name: c
    restartPolicy: Always
    restartPolicyRules: [{action: a}]
    startupProbe: {}
    lifecycle: {preStop: {}}
`},
		{name: "of a probe's fields", want: refused, in: "liveness",
			text: "exec: {}, httpGet: {}, tcpSocket: {}, grpc: {}, terminationGracePeriodSeconds: 0, failureThreshold: -1, successThreshold: -1, periodSeconds: -1, timeoutSeconds: -1, initialDelaySeconds: -1"},
		{name: "of a volume's sources", want: refused, in: "volume",
			text: "projected: {defaultMode: -1}, configMap: {}, secret: {}, emptyDir: {sizeLimit: -1}"},
		{name: "of several volumes", want: refused,
			text: "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{name: v}, {name: v}, {}, {name: A, secret: {}}], containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /v}, {name: A, mountPath: /w}]}]}}"},
	})
}
