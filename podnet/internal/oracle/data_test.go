package oracle

import (
	"strings"
	"testing"
)

// data returns a ConfigMap or Secret with these fields.
func data(kind, fields string) string {
	return "{apiVersion: v1, kind: " + kind + ", metadata: {name: a}, " + fields + "}"
}

func TestConfigMaps(t *testing.T) {
	half := strings.Repeat("x", 512<<10)
	runTable(t, []testCase{
		{name: "all that there is", want: accepted, text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a.b, namespace: c, labels: {d: e}, annotations: {f: g}}, immutable: true, data: {a: b, A_.-: ''}, binaryData: {c: AAE=}}"},
		{name: "nothing", want: accepted, text: data("ConfigMap", "data: null")},
		{name: "metadata", want: refused, text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: A, namespace: a.b, labels: {'': ''}, annotations: {'': ''}}}"},
		{name: "no name", want: refused, text: "{apiVersion: v1, kind: ConfigMap}"},
		{name: "wrong keys", want: refused, text: data("ConfigMap", "data: {'': a, a b: c, ..: d, .: e, ..f: g, h/i: j, "+x254+": k}")},
		{name: "wrong keys of bytes", want: refused, text: data("ConfigMap", "binaryData: {'': '', a b: ''}")},
		{name: "a key in both", want: refused, text: data("ConfigMap", "data: {a: b, ' ': c}, binaryData: {a: '', ' ': ''}")},
		{name: "1 MiB", want: accepted, text: data("ConfigMap", "data: {a: "+half+", b: "+half+"}")},
		{name: "more than 1 MiB", want: refused, text: data("ConfigMap", "data: {a: "+half+", b: "+half+"}, binaryData: {c: AA==}")},
	})
}

func TestSecrets(t *testing.T) {
	half := strings.Repeat("x", 512<<10)
	runTable(t, []testCase{
		{name: "all that there is", want: accepted, text: "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: example.com/a, immutable: false, data: {a: YQ==}, stringData: {a: b, c: d}}"},
		{name: "nothing", want: accepted, text: data("Secret", "type: Opaque")},
		{name: "metadata", want: refused, text: "{apiVersion: v1, kind: Secret, metadata: {name: A, namespace: a.b, labels: {'': ''}, annotations: {'': ''}}}"},
		{name: "wrong keys", want: refused, text: data("Secret", "data: {'': YQ==, a b: ''}, stringData: {..: d, a b: c}")},
		{name: "1 MiB", want: accepted, text: data("Secret", "stringData: {a: "+half+", b: "+half+"}")},
		{name: "more than 1 MiB", want: refused, text: data("Secret", "data: {c: AA==}, stringData: {a: "+half+", b: "+half+"}")},
		{name: "1 MiB of what wins", want: accepted, text: data("Secret", "data: {a: "+half+"}, stringData: {a: "+half+half+"}")},
		{name: "a service account's token", want: refused, text: data("Secret", "type: kubernetes.io/service-account-token")},
		{name: "a service account's token with account", want: accepted, text: "{apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {kubernetes.io/service-account.name: b}}, type: kubernetes.io/service-account-token}"},
		{name: "dockercfg", want: accepted, text: data("Secret", "type: kubernetes.io/dockercfg, stringData: {.dockercfg: '{}'}")},
		{name: "dockercfg without data", want: refused, text: data("Secret", "type: kubernetes.io/dockercfg, stringData: {.dockerconfigjson: '{}'}")},
		{name: "dockercfg that is no JSON", want: refused, text: data("Secret", "type: kubernetes.io/dockercfg, stringData: {.dockercfg: '{'}")},
		{name: "dockerconfigjson", want: accepted, text: data("Secret", "type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: e30=}")},
		{name: "dockerconfigjson without data", want: refused, text: data("Secret", "type: kubernetes.io/dockerconfigjson")},
		{name: "dockerconfigjson of another type", want: refused, text: data("Secret", "type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '[1]'}")},
		{name: "basic-auth", want: accepted, text: data("Secret", "type: kubernetes.io/basic-auth, stringData: {password: ''}")},
		{name: "basic-auth without either", want: refused, text: data("Secret", "type: kubernetes.io/basic-auth, stringData: {user: a}")},
		{name: "ssh-auth", want: accepted, text: data("Secret", "type: kubernetes.io/ssh-auth, stringData: {ssh-privatekey: a}")},
		{name: "ssh-auth with an empty key", want: refused, text: data("Secret", "type: kubernetes.io/ssh-auth, stringData: {ssh-privatekey: ''}")},
		{name: "tls without data", want: refused, text: data("Secret", "type: kubernetes.io/tls")},
		{name: "tls without key", want: refused, text: data("Secret", "type: kubernetes.io/tls, stringData: {tls.crt: a}")},
		{name: "tls that is none", want: warned, text: data("Secret", "type: kubernetes.io/tls, stringData: {tls.crt: a, tls.key: b}")},
	})
}

// TestUnreadable has what the API server cannot read, so podnet must not either.
func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"", "[]", "{}", "a", "{apiVersion: v1}", "{kind: Pod}", "{apiVersion: v2, kind: Pod}", "{apiVersion: v1, kind: Foo}",
		data("ConfigMap", "data: {a: 1}"),
		data("ConfigMap", "binaryData: {a: b}"),
		data("ConfigMap", "immutable: 'true'"),
		data("ConfigMap", "stringData: {a: b}"),
		data("Secret", "data: {a: ' '}"),
		data("Secret", "data: {a: 1}"),
		data("Secret", "data: [a]"),
		data("Secret", "Data: {}"),
		data("Secret", "data: {a: '', a: ''}"),
		testCase{in: "container", text: "resources: {limits: {cpu: 1}}, resources: {}"}.manifest(),
		testCase{in: "container", text: "resources: {limits: {cpu: a}}"}.manifest(),
		testCase{in: "container", text: "resources: {limits: {cpu: []}}"}.manifest(),
		testCase{in: "container", text: "restartPolicyRules: [{exitCodes: {values: [a]}}]"}.manifest(),
		testCase{in: "container", text: "securityContext: {runAsUser: root}"}.manifest(),
		testCase{in: "liveness", text: "httpGet: {port: 99999999999}"}.manifest(),
		testCase{in: "liveness", text: "httpGet: {port: 1.5}"}.manifest(),
		testCase{in: "liveness", text: "httpget: {port: 1}"}.manifest(),
		testCase{in: "liveness", text: "periodSeconds: 1s"}.manifest(),
		testCase{in: "liveness", text: "periodSeconds: 2147483648"}.manifest(),
		testCase{in: "volume", text: "secret: {name: a}"}.manifest(),
		testCase{in: "volume", text: "projected: {sources: [{secret: {secretName: a}}]}"}.manifest(),
		testCase{in: "volume", text: "projected: {sources: [{configMap: {name: a, defaultMode: 1}}]}"}.manifest(),
		testCase{in: "volume", text: "configMap: {name: a, defaultMode: '0644'}"}.manifest(),
		testCase{in: "env", text: "value: 1"}.manifest(),
		testCase{in: "env", text: "valueFrom: {configMapRef: {name: a}}"}.manifest(),
		testCase{in: "spec", text: "dnsConfig: {options: [{name: ndots, value: 2}]}"}.manifest(),
	} {
		if ofAPIServer(text).unreadable == nil {
			t.Errorf("Kubernetes reads %s", text)
		}
		compare(t, text)
	}
}
