package podnet_test

import (
	"testing"

	"podnet.dev/podnet"
)

func TestValidateValueFrom(t *testing.T) {
	const (
		at     = `spec.containers[0].env[0].valueFrom`
		fields = `supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`
		bytes  = `only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the `
	)
	field := func(path string) podnet.EnvVarSource {
		return podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: path}}
	}
	resource := func(name string, divisor podnet.Quantity) podnet.EnvVarSource {
		return podnet.EnvVarSource{ResourceFieldRef: &podnet.ResourceFieldSelector{Resource: name, Divisor: divisor}}
	}
	tests := map[string]struct {
		source podnet.EnvVarSource
		value  string
		want   string
	}{
		"nothing":                 {podnet.EnvVarSource{}, "", at + ": Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"},
		"a value as well":         {field("metadata.name"), "a", at + ": Invalid value: \"\": may not be specified when `value` is not empty"},
		"two":                     {podnet.EnvVarSource{FieldRef: field("metadata.name").FieldRef, SecretKeyRef: &podnet.SecretKeySelector{Name: "a", Key: "b"}}, "", at + `: Invalid value: "": may not have more than one field specified at a time`},
		"field":                   {field("status.podIPs"), "", ``},
		"no field":                {field(""), "", at + `.fieldRef.fieldPath: Required value`},
		"field of volumes":        {field("metadata.labels"), "", at + `.fieldRef.fieldPath: Unsupported value: "metadata.labels": ` + fields},
		"field of neither":        {field("status.phase"), "", at + `.fieldRef.fieldPath: Unsupported value: "status.phase": ` + fields},
		"unknown field":           {field("spec.host"), "", at + `.fieldRef.fieldPath: Invalid value: "spec.host": error converting fieldPath: field label not supported: spec.host`},
		"label":                   {field("metadata.labels['a[b]']"), "", at + `.fieldRef: Invalid value: "a[b]": name part ` + keyText},
		"annotation":              {field("metadata.annotations['A.b/C']"), "", ``},
		"key of another field":    {field("metadata.name['a']"), "", at + `.fieldRef.fieldPath: Invalid value: "metadata.name['a']": error converting fieldPath: field label does not support subscript: metadata.name['a']`},
		"half a key":              {field("metadata.labels[a']"), "", at + `.fieldRef.fieldPath: Invalid value: "metadata.labels[a']": error converting fieldPath: field label not supported: metadata.labels[a']`},
		"resource":                {resource("limits.cpu", "1m"), "", ``},
		"no resource":             {resource("", ""), "", at + `.resourceFieldRef.resource: Required value`},
		"unknown resource":        {resource("cpu", ""), "", at + `.resourceFieldRef.resource: Unsupported value: "cpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"`},
		"divisor of cpu":          {resource("limits.cpu", "2"), "", at + `.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`},
		"divisor of memory":       {resource("requests.memory", "1m"), "", at + `.resourceFieldRef.divisor: Invalid value: "requests.memory": ` + bytes + `memory resource`},
		"divisor in other words":  {resource("requests.memory", "1000k"), "", ``},
		"divisor of storage":      {resource("limits.ephemeral-storage", "3"), "", at + `.resourceFieldRef.divisor: Invalid value: "limits.ephemeral-storage": ` + bytes + `local ephemeral storage resource`},
		"divisor of hugepages":    {resource("limits.hugepages-2Mi", "3"), "", at + `.resourceFieldRef.divisor: Invalid value: "limits.hugepages-2Mi": ` + bytes + `hugepages resource`},
		"divisor of nothing":      {resource("limits.cpu", "0"), "", ``},
		"divisor that is none":    {resource("limits.cpu", "a"), "", at + `.resourceFieldRef.divisor: Invalid value: "a": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`},
		"key of a ConfigMap":      {podnet.EnvVarSource{ConfigMapKeyRef: &podnet.ConfigMapKeySelector{Name: "a", Key: "B_.-"}}, "", ``},
		"no key of a ConfigMap":   {podnet.EnvVarSource{ConfigMapKeyRef: &podnet.ConfigMapKeySelector{}}, "", `[` + at + `.configMapKeyRef.name: Invalid value: "": ` + subdomainText + `, ` + at + `.configMapKeyRef.key: Required value]`},
		"wrong key of a Secret":   {podnet.EnvVarSource{SecretKeyRef: &podnet.SecretKeySelector{Name: "a", Key: "a b"}}, "", at + `.secretKeyRef.key: Invalid value: "a b": ` + dataKeyText},
		"key that is a directory": {podnet.EnvVarSource{SecretKeyRef: &podnet.SecretKeySelector{Name: "a", Key: ".."}}, "", at + `.secretKeyRef.key: Invalid value: "..": must not be '..'`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.Containers[0].Env = []podnet.EnvVar{{Name: "A", Value: test.value, ValueFrom: &test.source}}
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateEnvFrom(t *testing.T) {
	const at = `spec.containers[0].envFrom`
	tests := map[string]struct {
		source podnet.EnvFromSource
		want   string
	}{
		"ConfigMap": {podnet.EnvFromSource{Prefix: "a b", ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "a"}}, ``},
		"Secret":    {podnet.EnvFromSource{SecretRef: &podnet.SecretEnvSource{Name: "a.b-"}}, ``},
		"prefix":    {podnet.EnvFromSource{Prefix: "A=", SecretRef: &podnet.SecretEnvSource{Name: "a"}}, at + `[0].prefix: Invalid value: "A=": ` + envText},
		"nothing":   {podnet.EnvFromSource{}, at + ": Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`"},
		"both":      {podnet.EnvFromSource{ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "a"}, SecretRef: &podnet.SecretEnvSource{Name: "a"}}, at + `: Invalid value: "": may not have more than one field specified at a time`},
		"no name":   {podnet.EnvFromSource{ConfigMapRef: &podnet.ConfigMapEnvSource{}}, at + `[0].configMapRef.name: Required value`},
		"name":      {podnet.EnvFromSource{SecretRef: &podnet.SecretEnvSource{Name: "-"}}, at + `[0].secretRef.name: Invalid value: "-": ` + subdomainText},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.Containers[0].EnvFrom = []podnet.EnvFromSource{test.source}
			checkInvalid(t, s, test.want)
		})
	}
}
