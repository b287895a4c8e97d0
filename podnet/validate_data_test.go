package podnet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
)

const dataKeyText = `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`

func checkError(t *testing.T, err error, kind, want string) {
	t.Helper()
	if want == "" {
		assert.NoError(t, err)
		return
	}
	assert.EqualError(t, err, kind+` "a" is invalid: `+want)
	assert.ErrorAs(t, err, new(*podnet.InvalidError))
}

func TestValidateConfigMap(t *testing.T) {
	mib := strings.Repeat("x", 1<<20)
	tests := map[string]struct {
		spec podnet.ConfigMapSpec
		want string
	}{
		"as it is":        {podnet.ConfigMapSpec{}, ``},
		"data":            {podnet.ConfigMapSpec{Data: map[string]string{"A_b.c-1": ""}, BinaryData: map[string][]byte{"d": {0}}}, ``},
		"metadata":        {podnet.ConfigMapSpec{Namespace: "A", Labels: map[string]string{"/": ""}}, `[metadata.namespace: Invalid value: "A": ` + labelText + `, metadata.labels: Invalid value: "/": prefix part must be non-empty, metadata.labels: Invalid value: "/": name part must be non-empty, metadata.labels: Invalid value: "/": name part ` + keyText + `]`},
		"keys in order":   {podnet.ConfigMapSpec{Data: map[string]string{"b b": "", ".": "", "..c": ""}}, `[data[.]: Invalid value: ".": must not be '.', data[..c]: Invalid value: "..c": must not start with '..', data[b b]: Invalid value: "b b": ` + dataKeyText + `]`},
		"long key":        {podnet.ConfigMapSpec{BinaryData: map[string][]byte{mib[:254]: nil}}, `binaryData[` + mib[:254] + `]: Invalid value: "` + mib[:254] + `": must be no more than 253 characters`},
		"key in both":     {podnet.ConfigMapSpec{Data: map[string]string{"a": ""}, BinaryData: map[string][]byte{"a": nil}}, `data[a]: Invalid value: "a": duplicate of key present in binaryData`},
		"1 MiB":           {podnet.ConfigMapSpec{Data: map[string]string{"a": mib}}, ``},
		"more than 1 MiB": {podnet.ConfigMapSpec{Data: map[string]string{"a": mib}, BinaryData: map[string][]byte{"b": {0}}}, `[]: Too long: may not be more than 1048576 bytes`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.spec.Name = "a"
			checkError(t, test.spec.Validate(), "ConfigMap", test.want)
		})
	}
}

func TestValidateSecret(t *testing.T) {
	mib := strings.Repeat("x", 1<<20)
	tests := map[string]struct {
		spec podnet.SecretSpec
		want string
	}{
		"as it is":               {podnet.SecretSpec{}, ``},
		"data":                   {podnet.SecretSpec{Type: "example.com/a", Data: map[string][]byte{"a": {0}}, StringData: map[string]string{"a": "b"}}, ``},
		"metadata":               {podnet.SecretSpec{Namespace: "a.b"}, `metadata.namespace: Invalid value: "a.b": must not contain dots`},
		"keys":                   {podnet.SecretSpec{Data: map[string][]byte{"/": nil}, StringData: map[string]string{"": ""}}, `[data[]: Invalid value: "": ` + dataKeyText + `, data[/]: Invalid value: "/": ` + dataKeyText + `]`},
		"more than 1 MiB":        {podnet.SecretSpec{Data: map[string][]byte{"a": {0}}, StringData: map[string]string{"b": mib}}, `data: Too long: may not be more than 1048576 bytes`},
		"1 MiB of what wins":     {podnet.SecretSpec{Data: map[string][]byte{"a": {0}}, StringData: map[string]string{"a": mib}}, ``},
		"tls":                    {podnet.SecretSpec{Type: "kubernetes.io/tls", Data: map[string][]byte{"tls.crt": nil}, StringData: map[string]string{"tls.key": ""}}, ``},
		"tls without data":       {podnet.SecretSpec{Type: "kubernetes.io/tls"}, `[data[tls.crt]: Required value, data[tls.key]: Required value]`},
		"basic-auth":             {podnet.SecretSpec{Type: "kubernetes.io/basic-auth", StringData: map[string]string{"username": ""}}, ``},
		"basic-auth of nobody":   {podnet.SecretSpec{Type: "kubernetes.io/basic-auth"}, `[data[username]: Required value, data[password]: Required value]`},
		"ssh-auth":               {podnet.SecretSpec{Type: "kubernetes.io/ssh-auth", Data: map[string][]byte{"ssh-privatekey": {}}}, `data[ssh-privatekey]: Required value`},
		"dockercfg":              {podnet.SecretSpec{Type: "kubernetes.io/dockercfg"}, `data[.dockercfg]: Required value`},
		"dockerconfigjson":       {podnet.SecretSpec{Type: "kubernetes.io/dockerconfigjson", StringData: map[string]string{".dockerconfigjson": "{}"}}, ``},
		"dockerconfigjson, YAML": {podnet.SecretSpec{Type: "kubernetes.io/dockerconfigjson", StringData: map[string]string{".dockerconfigjson": "auths: {}"}}, `data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character 'a' looking for beginning of value`},
		"token":                  {podnet.SecretSpec{Type: "kubernetes.io/service-account-token"}, `metadata.annotations[kubernetes.io/service-account.name]: Required value`},
		"token of an account":    {podnet.SecretSpec{Type: "kubernetes.io/service-account-token", Annotations: map[string]string{"kubernetes.io/service-account.name": "b"}}, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.spec.Name = "a"
			checkError(t, test.spec.Validate(), "Secret", test.want)
		})
	}
}

func TestSecretWarnings(t *testing.T) {
	assert.Empty(t, podnet.SecretSpec{Name: "a", StringData: map[string]string{"tls.crt": "a"}}.Warnings())
	assert.Equal(t, []string{"tls: failed to find any PEM data in certificate input"},
		podnet.SecretSpec{Name: "a", Type: "kubernetes.io/tls", StringData: map[string]string{"tls.crt": "a", "tls.key": "b"}}.Warnings())
}
