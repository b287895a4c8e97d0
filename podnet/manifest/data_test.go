package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestParseRefusesData(t *testing.T) {
	const configMap, secret = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
	tests := map[string]struct{ text, want string }{
		"a number":         {configMap + "data: {a: 1}", `ConfigMap "a" is invalid: data.a: Invalid value: 1: must be a string, not a number: put it in quotes`},
		"no base64":        {configMap + "binaryData: {a: YQ}", `ConfigMap "a" is invalid: binaryData.a: Invalid value: "YQ": must be in base64: illegal base64 data at input byte 0`},
		"text in a Secret": {secret + "data: {a: hello!, b: YQ==}", `Secret "a" is invalid: data.a: Invalid value: "hello!": must be in base64: illegal base64 data at input byte 5`},
		"true in a Secret": {secret + "data: {a: true, b: [1, 2]}", `Secret "a" is invalid: data.a: Invalid value: true: must be a string in base64, not true or false`},
		"a wrong key":      {configMap + "data: {a/b: c}", `ConfigMap "a" is invalid: data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`},
		"no tls.key":       {secret + "type: kubernetes.io/tls\nstringData: {tls.crt: a}", `Secret "a" is invalid: data[tls.key]: Required value`},
		"a field misspelt": {secret + "stringdata: {a: b}", `Secret "a" is invalid: stringdata: unknown field: did you mean "stringData"?`},
		"Pod's fields":     {configMap + "spec: {}", `ConfigMap "a" is invalid: spec: unknown field: check its name and its indentation, or remove it`},
		"of a cluster":     {configMap + "  \nimmutable: false\ndata: {}\nbinaryData: {}\n---\n" + "apiVersion: v1\nkind: Secret\nmetadata: {name: b, uid: c, finalizers: [d], ownerReferences: []}", `document 2 (line 9): Secret "b" is invalid: [metadata.uid: not supported by podnet yet: remove it: a cluster sets it, metadata.finalizers: not supported by podnet yet: remove it]`},
		"generateName":     {"apiVersion: v1\nkind: Secret\nmetadata: {generateName: a-}", `Secret "a" is invalid: metadata.generateName: not supported by podnet yet: podnet makes up no names: set metadata.name`},
		"in a List":        {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap}\n", `items[0]: ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestParseReadsBase64InLines(t *testing.T) {
	objects, err := Parse([]byte("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  a: |\n    aGVs\n    bG8=\n"))
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"a": []byte("hello")}, objects[0].(podnet.SecretSpec).Data)
}

// TestParseIsQuickWithQuantities has quantities that Kubernetes reads for hours.
func TestParseIsQuickWithQuantities(t *testing.T) {
	const want = "must not have an exponent of more than two digits"
	for _, quantity := range []string{"1e-1000000000", "123456789012345678901e1000000000", "1.5E+999999999", " 1e100000000 ", "1e00000000001"} {
		t.Run(quantity, func(t *testing.T) {
			_, err := Parse([]byte(podWith("volume", "emptyDir: {sizeLimit: '"+quantity+"'}")))
			assert.ErrorContains(t, err, want)
			_, err = Parse([]byte(podWith("container", "resources: {requests: {cpu: '"+quantity+"'}}")))
			assert.ErrorContains(t, err, want)
			_, err = Parse([]byte(podWith("container", "env: [{name: A, value: '"+quantity+"'}]")))
			assert.NoError(t, err)
		})
	}
	const head, tail = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i", "resources": {"limits": {`, `}}}]}}`
	_, err := Parse([]byte(head + `"cpu": 1e-1000000000` + tail))
	assert.ErrorContains(t, err, want)
	_, err = Parse([]byte(head + `"cpu": "1\u0065-1000000000"` + tail))
	assert.ErrorContains(t, err, want)
	_, err = Parse([]byte(head + `"cpu": "1e-1000000000", "cpu": "1"` + tail))
	assert.EqualError(t, err, `kind Pod "a": duplicate field "spec.containers[0].resources.limits.cpu"`)
	for _, quantity := range []string{"1e99", "123456789012345678901e-99", "'12E+18'"} {
		_, err := Parse([]byte(podWith("container", "resources: {requests: {cpu: "+quantity+"}}")))
		assert.NoError(t, err, quantity)
	}
}
