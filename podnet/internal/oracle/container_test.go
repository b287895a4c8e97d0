package oracle

import (
	"strings"
	"testing"
)

func TestContainers(t *testing.T) {
	runTable(t, []testCase{
		{name: "all that there is", want: accepted, in: "container", text: "command: [a], args: [b], workingDir: /c, imagePullPolicy: Never, terminationMessagePath: /d, terminationMessagePolicy: FallbackToLogsOnError"},
		{name: "no name and no image", want: refused, text: podOf("{}", "{}")},
		{name: "pull policy", want: refused, in: "container", text: "imagePullPolicy: always"},
		{name: "termination message policy", want: refused, in: "container", text: "terminationMessagePolicy: Log"},
		{name: "two of one name", want: refused, text: two("name: a, image: i", "name: a, image: i")},
		{name: "two without name", want: refused, text: two("image: i", "image: i")},
		{name: "an init container of the same name", want: refused, text: initAnd("name: a, image: i", "name: a, image: i")},
		{name: "a sidecar of the same name", want: refused, text: initAnd("name: a, image: i, restartPolicy: Always", "name: a, image: i")},
		{name: "an init container without name", want: refused, text: initAnd("image: i", "image: i")},
		{name: "two init containers of one name", want: refused, text: initAnd("name: a, image: i}, {name: a, image: i", "name: b, image: i")},
		{name: "two init containers without name", want: refused, text: initAnd("image: i}, {image: i", "name: b, image: i")},
		{name: "name and image of an init container", want: refused, text: initAnd("name: A, image: ' i'", "name: b_, image: 'i '")},

		{name: "port without number", want: refused, in: "container", text: "ports: [{}, {containerPort: 0}]"},
		{name: "port numbers", want: refused, in: "container", text: "ports: [{containerPort: -1}, {containerPort: 65536}, {containerPort: 65535}, {}]"},
		{name: "port names", want: refused, in: "container", text: "ports: [{containerPort: 1, name: '80'}, {containerPort: 2, name: A}, {containerPort: 3, name: -a--}, {containerPort: 4, name: abcdefghijklmnop}, {containerPort: 5, name: A}]"},
		{name: "protocols", want: refused, in: "container", text: "ports: [{containerPort: 1, protocol: tcp}, {containerPort: 1, protocol: '<'}, {containerPort: 1, protocol: SCTP}]"},
		{name: "port name twice in one container", want: refused, in: "container", text: "ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]"},
		{name: "port name in two containers", want: warned, text: two("name: a, image: i, ports: [{containerPort: 1, name: p}]", "name: b, image: i, ports: [{containerPort: 2, name: p}]")},
		{name: "port twice in one container", want: warned, in: "container", text: "ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}, {containerPort: 1, protocol: UDP}]"},
		{name: "port in two containers", want: warned, text: two("name: a, image: i, ports: [{containerPort: 1}]", "name: b, image: i, ports: [{containerPort: 1}]")},
		{name: "port of a sidecar and of an app", want: warned, text: initAnd("name: s, image: i, restartPolicy: Always, ports: [{containerPort: 1, name: p}]", "name: b, image: i, ports: [{containerPort: 1, name: p}]")},
		{name: "port of an init container and of an app", want: warned, text: initAnd("name: s, image: i, ports: [{containerPort: 1, name: p}]", "name: b, image: i, ports: [{containerPort: 1, name: q}]")},
		{name: "port three times and its name too", want: warned, text: initAnd("name: s, image: i, ports: [{containerPort: 1, name: p}]",
			"name: b, image: i, ports: [{containerPort: 1, name: q}, {containerPort: 2}]}, {name: c, image: i, ports: [{containerPort: 2, name: p}, {containerPort: 1}]")},
		{name: "hostPort beside none", want: warned, text: two("name: a, image: i, ports: [{containerPort: 1, hostPort: 1}]", "name: b, image: i, ports: [{containerPort: 1}]")},
		{name: "hostPort twice", want: refused, text: two("name: a, image: i, ports: [{containerPort: 1, hostPort: 1}]", "name: b, image: i, ports: [{containerPort: 1, hostPort: 1}]")},
		{name: "hostPort twice in one container", want: refused, in: "container", text: "ports: [{containerPort: 1, hostPort: 9}, {containerPort: 2, hostPort: 9, protocol: TCP}, {containerPort: 2, hostPort: 9, protocol: UDP}]"},
		{name: "hostPort twice with a hostIP", want: refused, in: "container", text: "ports: [{containerPort: 1, hostPort: 9, hostIP: 1.1.1.1}, {containerPort: 2, hostPort: 9, hostIP: 1.1.1.1}]"},
		{name: "hostPort three times, and a bad name", want: refused, text: two("name: a, image: i, ports: [{containerPort: 1, hostPort: 1}, {containerPort: 1, hostPort: 1}]", "name: B, image: i, ports: [{containerPort: 1, hostPort: 1}]")},
		{name: "hostPort on two hostIPs", want: accepted, text: two("name: a, image: i, ports: [{containerPort: 1, hostPort: 1, hostIP: 1.1.1.1}]", "name: b, image: i, ports: [{containerPort: 1, hostPort: 1, hostIP: 2.2.2.2}]")},
		{name: "two hostPorts of one port", want: accepted, in: "container", text: "ports: [{containerPort: 1, hostPort: 1}, {containerPort: 1, hostPort: 2}]"},
		{name: "hostIP on one only", want: warned, text: two("name: a, image: i, ports: [{containerPort: 1, hostPort: 1, hostIP: 1.1.1.1}]", "name: b, image: i, ports: [{containerPort: 1, hostPort: 1}]")},
		{name: "hostIP without hostPort", want: warned, in: "container", text: "ports: [{containerPort: 1, hostIP: 1.1.1.1}, {containerPort: 2, name: p, protocol: UDP, hostIP: 1.1.1.1}]"},
		{name: "hostIP on one only, without hostPorts", want: warned, in: "container", text: "ports: [{containerPort: 1, hostIP: 1.1.1.1}, {containerPort: 1}]"},
		{name: "a hostIP that is none", want: accepted, in: "container", text: "ports: [{containerPort: 1, hostPort: 1, hostIP: everywhere}]"},
		{name: "hostPort of two init containers", want: accepted, text: initAnd("name: a, image: i, ports: [{containerPort: 1, hostPort: 1}]}, {name: b, image: i, ports: [{containerPort: 2, hostPort: 1}]", "name: c, image: i")},
		{name: "hostPort of a sidecar and of an app", want: warned, text: initAnd("name: a, image: i, restartPolicy: Always, ports: [{containerPort: 1, hostPort: 1}]", "name: c, image: i, ports: [{containerPort: 1, hostPort: 1}]")},
		{name: "hostPort twice in the second init container", want: refused, text: initAnd("name: a, image: i}, {name: b, image: i, ports: [{containerPort: 2, hostPort: 1}, {containerPort: 2, hostPort: 1}]", "name: c, image: i")},
		{name: "hostPort out of range", want: refused, in: "container", text: "ports: [{containerPort: 1, hostPort: -1}, {containerPort: 2, hostPort: 65536}]"},

		{name: "user of a container", want: accepted, in: "container", text: "securityContext: {runAsUser: 1000, runAsGroup: 0, runAsNonRoot: false}"},
		{name: "IDs of a container", want: refused, in: "container", text: "securityContext: {runAsUser: 2147483648, runAsGroup: -1}"},
		{name: "IDs of an init container", want: refused, in: "init", text: "securityContext: {runAsUser: -1}"},
		{name: "privileges that nobody has", want: accepted, in: "container", text: "securityContext: {privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: false}"},
		{name: "capabilities", want: accepted, in: "container", text: "securityContext: {capabilities: {add: [NET_ADMIN, net_raw, CAP_NET_ADMIN, nonsense, ''], drop: [ALL]}, privileged: true}"},
		{name: "privileged, without escalation", want: refused, in: "container", text: "securityContext: {privileged: true, allowPrivilegeEscalation: false, runAsUser: 0}"},
		{name: "SYS_ADMIN, without escalation", want: refused, in: "container", text: "securityContext: {capabilities: {add: [A, CAP_SYS_ADMIN, SYS_ADMIN, CAP_SYS_ADMIN], drop: []}, allowPrivilegeEscalation: false, runAsGroup: -1, runAsNonRoot: true}"},
		{name: "both, without escalation", want: refused, in: "init", text: "securityContext: {capabilities: {add: [CAP_SYS_ADMIN]}, privileged: true, allowPrivilegeEscalation: false}"},
		{name: "both, with escalation", want: accepted, in: "container", text: "securityContext: {capabilities: {add: [CAP_SYS_ADMIN]}, privileged: true, allowPrivilegeEscalation: true}"},
		{name: "privileges", want: accepted, in: "container", text: "securityContext: {readOnlyRootFilesystem: true, runAsUser: 1}",
			difference: differs("not supported",
				"spec.containers[0].securityContext.readOnlyRootFilesystem: not supported by podnet yet: remove it: a container is a goroutine, which the kernel cannot confine")},
		{name: "a terminal", want: accepted, in: "container", text: "stdin: true, stdinOnce: true, tty: true",
			difference: differs("not supported",
				"spec.containers[0].stdin: not supported by podnet yet: remove it: nothing is typed into a container",
				"spec.containers[0].stdinOnce: not supported by podnet yet: remove it: nothing is typed into a container",
				"spec.containers[0].tty: not supported by podnet yet: remove it: a container has no terminal")},
		{name: "no terminal", want: accepted, in: "container", text: "stdin: false, stdinOnce: false, tty: false"},
	})
}

func TestRestartRules(t *testing.T) {
	rules := func(n int) string {
		return strings.Repeat("{action: Restart, exitCodes: {operator: In, values: [1]}}, ", n)
	}
	runTable(t, []testCase{
		{name: "every policy", want: accepted, text: two("name: a, image: i, restartPolicy: Always", "name: b, image: i, restartPolicy: OnFailure}, {name: c, image: i, restartPolicy: Never")},
		{name: "unknown policy", want: refused, in: "container", text: "restartPolicy: Sometimes"},
		{name: "unknown policy of an init container", want: refused, in: "init", text: "restartPolicy: always"},
		{name: "policies of init containers", want: accepted, text: initAnd("name: a, image: i, restartPolicy: Never}, {name: b, image: i, restartPolicy: OnFailure}, {name: c, image: i, restartPolicy: Always", "name: d, image: i")},
		{name: "empty policy", want: refused, in: "container", text: "restartPolicy: ''",
			difference: differs("podnet has no policy that is set and empty")},
		{name: "rules", want: accepted, in: "container", text: "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1, 2]}}, {action: RestartAllContainers, exitCodes: {operator: NotIn, values: []}}]"},
		{name: "rules of an init container", want: accepted, in: "init", text: "restartPolicy: Never, restartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [1]}}]"},
		{name: "rules of a sidecar", want: accepted, in: "sidecar", text: "restartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [1]}}]"},
		{name: "rules without policy", want: refused, in: "container", text: "restartPolicyRules: [{}]"},
		{name: "rules of an init container without policy", want: refused, in: "init", text: "restartPolicyRules: [{}]"},
		{name: "wrong rules of a sidecar", want: refused, in: "sidecar", text: "restartPolicyRules: [{}]"},
		{name: "empty rule", want: refused, in: "rule", text: ""},
		{name: "unknown action", want: refused, in: "rule", text: "action: Stop, exitCodes: {operator: In}"},
		{name: "no operator", want: refused, in: "rule", text: "action: Restart, exitCodes: {}"},
		{name: "unknown operator", want: refused, in: "rule", text: "action: Restart, exitCodes: {operator: Equals, values: [-1, 999]}"},
		{name: "255 exit codes", want: accepted, in: "rule", text: "action: Restart, exitCodes: {operator: In, values: [" + strings.Repeat("1, ", 255) + "]}"},
		{name: "256 exit codes", want: refused, in: "rule", text: "action: Restart, exitCodes: {operator: In, values: [" + strings.Repeat("1, ", 256) + "]}"},
		{name: "20 rules", want: accepted, in: "container", text: "restartPolicy: Never, restartPolicyRules: [" + rules(20) + "]"},
		{name: "21 rules", want: refused, in: "container", text: "restartPolicy: Never, restartPolicyRules: [" + rules(21) + "]"},
	})
}

// two returns a Pod of two containers of these fields.
func two(a, b string) string { return podOf("", "{"+a+"}, {"+b+"}") }

// initAnd returns a Pod of an init container and a container of these fields.
func initAnd(init, app string) string { return podOf("{"+init+"}", "{"+app+"}") }

func podOf(inits, apps string) string { return podWith(inits, apps, "restartPolicy: Always") }

// podWith returns a Pod with further fields of the spec.
func podWith(inits, apps, spec string) string {
	return "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {initContainers: [" + inits + "], containers: [" + apps + "], " + spec + "}}"
}
