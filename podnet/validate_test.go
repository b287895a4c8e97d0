package podnet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// The texts in this file are those of the API server of Kubernetes 1.37.
const (
	labelText     = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`
	subdomainText = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
	keyText       = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`
	valueText     = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`
	envText       = `a valid environment variable name must consist only of printable ASCII characters other than '='`
)

func TestValidatePod(t *testing.T) {
	x254, x64 := strings.Repeat("x", 254), strings.Repeat("x", 64)
	tests := map[string]struct {
		change func(*podnet.PodSpec)
		want   string // empty if the spec stays valid
	}{
		"as it is":           {func(s *podnet.PodSpec) {}, ``},
		"no name":            {func(s *podnet.PodSpec) { s.Name = "" }, `metadata.name: Required value: name or generateName is required`},
		"name in capitals":   {func(s *podnet.PodSpec) { s.Name = "Web" }, `metadata.name: Invalid value: "Web": ` + subdomainText},
		"name with dots":     {func(s *podnet.PodSpec) { s.Name = "web.0" }, ``},
		"long name":          {func(s *podnet.PodSpec) { s.Name = x254 }, `metadata.name: Invalid value: "` + x254 + `": must be no more than 253 characters`},
		"namespace":          {func(s *podnet.PodSpec) { s.Namespace = "shop" }, ``},
		"dotted namespace":   {func(s *podnet.PodSpec) { s.Namespace = "a.b" }, `metadata.namespace: Invalid value: "a.b": must not contain dots`},
		"label":              {func(s *podnet.PodSpec) { s.Labels = map[string]string{"example.com/App": "a_B.c"} }, ``},
		"empty label value":  {func(s *podnet.PodSpec) { s.Labels = map[string]string{"a": ""} }, ``},
		"label value":        {func(s *podnet.PodSpec) { s.Labels = map[string]string{"a": "b c"} }, `metadata.labels: Invalid value: "b c": ` + valueText},
		"long label value":   {func(s *podnet.PodSpec) { s.Labels = map[string]string{"a": x64} }, `metadata.labels: Invalid value: "` + x64 + `": must be no more than 63 bytes`},
		"label key":          {func(s *podnet.PodSpec) { s.Labels = map[string]string{"a b": ""} }, `metadata.labels: Invalid value: "a b": name part ` + keyText},
		"long label key":     {func(s *podnet.PodSpec) { s.Labels = map[string]string{x64: ""} }, `metadata.labels: Invalid value: "` + x64 + `": name part must be no more than 63 bytes`},
		"label key's prefix": {func(s *podnet.PodSpec) { s.Labels = map[string]string{"A/b": ""} }, `metadata.labels: Invalid value: "A/b": prefix part ` + subdomainText},
		"long prefix":        {func(s *podnet.PodSpec) { s.Labels = map[string]string{x254 + "/b": ""} }, `metadata.labels: Invalid value: "` + x254 + `/b": prefix part must be no more than 253 bytes`},
		"no prefix":          {func(s *podnet.PodSpec) { s.Labels = map[string]string{"/b": ""} }, `metadata.labels: Invalid value: "/b": prefix part must be non-empty`},
		"two prefixes":       {func(s *podnet.PodSpec) { s.Labels = map[string]string{"a/b/c": ""} }, `metadata.labels: Invalid value: "a/b/c": a valid label key ` + keyText + ` with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`},
		"labels in order": {func(s *podnet.PodSpec) { s.Labels = map[string]string{"/a": "", "/c": "", "/b": ""} },
			`[metadata.labels: Invalid value: "/a": prefix part must be non-empty, metadata.labels: Invalid value: "/b": prefix part must be non-empty, metadata.labels: Invalid value: "/c": prefix part must be non-empty]`},
		"equal errors once":    {func(s *podnet.PodSpec) { s.Labels = map[string]string{"a": "!", "b": "!"} }, `metadata.labels: Invalid value: "!": ` + valueText},
		"annotation":           {func(s *podnet.PodSpec) { s.Annotations = map[string]string{"Example.com/a": "any thing"} }, ``},
		"annotation's key":     {func(s *podnet.PodSpec) { s.Annotations = map[string]string{"a/": ""} }, `[metadata.annotations: Invalid value: "a/": name part must be non-empty, metadata.annotations: Invalid value: "a/": name part ` + keyText + `]`},
		"long annotations":     {func(s *podnet.PodSpec) { s.Annotations = map[string]string{"a": strings.Repeat("x", 256<<10)} }, `metadata.annotations: Too long: may not be more than 262144 bytes`},
		"no containers":        {func(s *podnet.PodSpec) { s.Containers = nil; s.Volumes = nil }, `spec.containers: Required value`},
		"restart policy":       {func(s *podnet.PodSpec) { s.RestartPolicy = "Foo" }, `spec.restartPolicy: Unsupported value: "Foo": supported values: "Always", "OnFailure", "Never"`},
		"restart policy Never": {func(s *podnet.PodSpec) { s.RestartPolicy = podnet.RestartPolicyNever }, ``},
		"no grace":             {func(s *podnet.PodSpec) { s.TerminationGracePeriodSeconds = new(int64) }, ``},
		"negative grace":       {func(s *podnet.PodSpec) { n := int64(-1); s.TerminationGracePeriodSeconds = &n }, `spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0`},
		"hostname":             {func(s *podnet.PodSpec) { s.Hostname = "www" }, ``},
		"dotted hostname":      {func(s *podnet.PodSpec) { s.Hostname = "www.a" }, `spec.hostname: Invalid value: "www.a": must not contain dots`},
		"host alias":           {hostAlias("2001:db8::1", "db", "db.local"), ``},
		"host alias's name":    {hostAlias("10.0.0.1", "db", "_"), `spec.hostAliases[0].hostnames[1]: Invalid value: "_": ` + subdomainText},
		"no address":           {hostAlias("", "db"), `spec.hostAliases[0].ip: Invalid value: "": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`},
		"half an address":      {hostAlias("10.0.1"), `spec.hostAliases[0].ip: Invalid value: "10.0.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`},
		"address with a zone":  {hostAlias("fe80::1%eth0"), `spec.hostAliases[0].ip: Invalid value: "fe80::1%eth0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`},
		"leading zeros":        {hostAlias("10.0.0.010"), `spec.hostAliases[0].ip: Invalid value: "10.0.0.010": must not have leading 0s`},
		"mapped address":       {hostAlias("::ffff:10.0.0.1"), `spec.hostAliases[0].ip: Invalid value: "::ffff:10.0.0.1": must not be an IPv4-mapped IPv6 address`},
		"volume without name":  {func(s *podnet.PodSpec) { s.Volumes = append(s.Volumes, dir("")) }, `spec.volumes[1].name: Required value`},
		"volume's name":        {func(s *podnet.PodSpec) { s.Volumes = append(s.Volumes, dir("a.b")) }, `spec.volumes[1].name: Invalid value: "a.b": must not contain dots`},
		"volume twice":         {func(s *podnet.PodSpec) { s.Volumes = append(s.Volumes, dir("data")) }, `spec.volumes[1].name: Duplicate value: "data"`},
		"volume of no type":    {func(s *podnet.PodSpec) { s.Volumes = append(s.Volumes, podnet.VolumeSpec{Name: "a"}) }, `spec.volumes[1]: Required value: must specify a volume type`},
		"negative size limit": {func(s *podnet.PodSpec) { s.Volumes[0].EmptyDir.SizeLimit = -1 },
			`[spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity, spec.containers[0].volumeMounts[0].name: Not found: "data"]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			test.change(&s)
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateContainer(t *testing.T) {
	x64 := strings.Repeat("x", 64)
	tests := map[string]struct {
		change func(*podnet.ContainerSpec)
		want   string // after spec.containers[0]; empty if the spec stays valid
	}{
		"no name":             {func(c *podnet.ContainerSpec) { c.Name = "" }, `.name: Required value`},
		"name":                {func(c *podnet.ContainerSpec) { c.Name = "Web_1" }, `.name: Invalid value: "Web_1": ` + labelText},
		"long name":           {func(c *podnet.ContainerSpec) { c.Name = x64 }, `.name: Invalid value: "` + x64 + `": must be no more than 63 characters`},
		"no image":            {func(c *podnet.ContainerSpec) { c.Image = "" }, `.image: Required value`},
		"Run for an image":    {func(c *podnet.ContainerSpec) { c.Image, c.Run = "", nop }, ``},
		"image and Run":       {func(c *podnet.ContainerSpec) { c.Run = nop }, ``},
		"spaces":              {func(c *podnet.ContainerSpec) { c.Image = " nginx\n" }, `.image: Invalid value: " nginx\n": must not have leading or trailing whitespace`},
		"pull policy":         {func(c *podnet.ContainerSpec) { c.ImagePullPolicy = "Foo" }, `.imagePullPolicy: Unsupported value: "Foo": supported values: "Always", "IfNotPresent", "Never"`},
		"env":                 {func(c *podnet.ContainerSpec) { c.Env = []podnet.EnvVar{{Name: "1 a.B-c:"}} }, ``},
		"env without name":    {func(c *podnet.ContainerSpec) { c.Env = []podnet.EnvVar{{Value: "a"}} }, `.env[0].name: Required value`},
		"env with =":          {func(c *podnet.ContainerSpec) { c.Env = []podnet.EnvVar{{Name: "A=B"}} }, `.env[0].name: Invalid value: "A=B": ` + envText},
		"env not ASCII":       {func(c *podnet.ContainerSpec) { c.Env = []podnet.EnvVar{{Name: "é"}} }, `.env[0].name: Invalid value: "é": ` + envText},
		"no port":             {ports(podnet.ContainerPort{}), `.ports[0].containerPort: Required value`},
		"protocol":            {ports(podnet.ContainerPort{ContainerPort: 1, Protocol: "tcp"}), `.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`},
		"port names":          {ports(podnet.ContainerPort{Name: "a", ContainerPort: 1}, podnet.ContainerPort{Name: "b", ContainerPort: 1}), ``},
		"port name twice":     {ports(podnet.ContainerPort{Name: "a", ContainerPort: 1}, podnet.ContainerPort{Name: "a", ContainerPort: 2}), `.ports[1].name: Duplicate value: "a"`},
		"port name of digits": {ports(podnet.ContainerPort{Name: "80", ContainerPort: 1}), `.ports[0].name: Invalid value: "80": must contain at least one letter (a-z)`},
		"port name's letters": {ports(podnet.ContainerPort{Name: "aB", ContainerPort: 1}), `.ports[0].name: Invalid value: "aB": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`},
		"port name's hyphens": {ports(podnet.ContainerPort{Name: "a--b", ContainerPort: 1}), `.ports[0].name: Invalid value: "a--b": must not contain consecutive hyphens`},
		"port name's end":     {ports(podnet.ContainerPort{Name: "a-", ContainerPort: 1}), `.ports[0].name: Invalid value: "a-": must not begin or end with a hyphen`},
		"long port name":      {ports(podnet.ContainerPort{Name: "abcdefghijklmnop", ContainerPort: 1}), `.ports[0].name: Invalid value: "abcdefghijklmnop": must be no more than 15 characters`},
		"mount of nothing":    {mounts("x", "/x"), `.volumeMounts[0].name: Not found: "x"`},
		"mount nowhere":       {mounts("data", ""), `.volumeMounts[0].mountPath: Required value`},
		"relative mount":      {mounts("data", "srv/data"), ``},
		"mount twice":         {mounts("data", "/a", "data", "/b"), ``},
		"two on one path":     {mounts("data", "/a", "data", "/a"), `.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`},
		"equal paths":         {mounts("data", "/a/b", "data", "a/./b/"), `.volumeMounts[1].mountPath: Invalid value: "a/./b/": must be unique`},
		"colon":               {mounts("data", "/a:b"), `.volumeMounts[0].mountPath: Invalid value: "/a:b": must not contain ':'`},
		"dots":                {mounts("data", "/a/../b"), `.volumeMounts[0].mountPath: Invalid value: "/a/../b": must not contain '..'`},
		"dots in a name":      {mounts("data", "/a..b"), ``},
		"dots to the root":    {mounts("data", "/a/.."), `.volumeMounts[0].mountPath: Invalid value: "/a/..": must not contain '..'`},
		"the root":            {mounts("data", "/"), `.volumeMounts[0].mountPath: Invalid value: "/": must not be '/': podnet gives each container a root of its own`},
		"the root by a dot":   {mounts("data", "."), `.volumeMounts[0].mountPath: Invalid value: ".": must not be '/': podnet gives each container a root of its own`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			test.change(&s.Containers[0])
			if test.want != "" {
				test.want = "spec.containers[0]" + test.want
			}
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateReportsEverythingInOrder(t *testing.T) {
	s := podnet.PodSpec{
		Namespace:     "A",
		RestartPolicy: "<no>",
		Volumes:       []podnet.VolumeSpec{{}},
		Containers: []podnet.ContainerSpec{
			{Name: "web", Image: "a "},
			{Name: "web", VolumeMounts: []podnet.VolumeMount{{}}},
			{},
		},
	}
	err := s.Validate()
	assert.EqualError(t, err, `Pod "" is invalid: [`+strings.Join([]string{
		`metadata.name: Required value: name or generateName is required`,
		`metadata.namespace: Invalid value: "A": ` + labelText,
		`spec.volumes[0]: Required value: must specify a volume type`,
		`spec.volumes[0].name: Required value`,
		`spec.containers[1].image: Required value`,
		`spec.containers[1].volumeMounts[0].name: Required value`,
		`spec.containers[1].volumeMounts[0].name: Not found: ""`,
		`spec.containers[1].volumeMounts[0].mountPath: Required value`,
		`spec.containers[1].name: Duplicate value: "web"`,
		`spec.containers[2].name: Required value`,
		`spec.containers[2].image: Required value`,
		`spec.restartPolicy: Unsupported value: "\u003cno\u003e": supported values: "Always", "OnFailure", "Never"`,
		`spec.containers[0].image: Invalid value: "a ": must not have leading or trailing whitespace`,
	}, ", ")+"]")

	var invalid *podnet.InvalidError
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, "Pod", invalid.Kind)
	assert.Len(t, invalid.Fields, 13)
	var field *podnet.FieldError
	require.ErrorAs(t, fmt.Errorf("apply: %w", err), &field)
	assert.Equal(t, &podnet.FieldError{Field: "metadata.name", Type: podnet.FieldRequired, Detail: "name or generateName is required"}, field)
	assert.ErrorIs(t, err, invalid.Fields[12])
}

func TestFieldErrorText(t *testing.T) {
	tests := map[string]struct {
		err  podnet.FieldError
		want string
	}{
		"string":           {podnet.FieldError{Field: "a", Type: podnet.FieldInvalid, Value: "<\n\"", Detail: "d"}, `a: Invalid value: "<\n\"": d`},
		"number":           {podnet.FieldError{Field: "a", Type: podnet.FieldInvalid, Value: uint16(7)}, `a: Invalid value: 7`},
		"list":             {podnet.FieldError{Field: "a", Type: podnet.FieldNotFound, Value: []string{"x", "y"}}, `a: Not found: ["x","y"]`},
		"not JSON":         {podnet.FieldError{Field: "a", Type: podnet.FieldDuplicate, Value: 1i}, `a: Duplicate value: (0+1i)`},
		"no value":         {podnet.FieldError{Field: "a", Type: podnet.FieldInvalid, Detail: "d"}, `a: Invalid value: d`},
		"value not shown":  {podnet.FieldError{Field: "a", Type: podnet.FieldForbidden, Value: 1, Detail: "d"}, `a: Forbidden: d`},
		"type of a caller": {podnet.FieldError{Field: "a", Type: "unknown field", Value: 1}, `a: unknown field`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { assert.EqualError(t, &test.err, test.want) })
	}
}

func validPod() podnet.PodSpec {
	return podnet.PodSpec{
		Name:       "web",
		Containers: []podnet.ContainerSpec{{Name: "c", Image: "nginx", VolumeMounts: []podnet.VolumeMount{{Name: "data", MountPath: "/data"}}}},
		Volumes:    []podnet.VolumeSpec{dir("data")},
	}
}

func checkInvalid(t *testing.T, s podnet.PodSpec, want string) {
	t.Helper()
	err := s.Validate()
	if want == "" {
		assert.NoError(t, err)
		return
	}
	assert.EqualError(t, err, fmt.Sprintf("Pod %q is invalid: %s", s.Name, want))
	assert.True(t, errors.As(err, new(*podnet.InvalidError)))
}

func dir(name string) podnet.VolumeSpec {
	return podnet.VolumeSpec{Name: name, EmptyDir: &podnet.EmptyDirVolumeSource{}}
}

func hostAlias(ip string, names ...string) func(*podnet.PodSpec) {
	return func(s *podnet.PodSpec) { s.HostAliases = []podnet.HostAlias{{IP: ip, Hostnames: names}} }
}

func ports(ports ...podnet.ContainerPort) func(*podnet.ContainerSpec) {
	return func(c *podnet.ContainerSpec) { c.Ports = ports }
}

// mounts takes names and paths in turn.
func mounts(pairs ...string) func(*podnet.ContainerSpec) {
	return func(c *podnet.ContainerSpec) {
		c.VolumeMounts = nil
		for i := 0; i < len(pairs); i += 2 {
			c.VolumeMounts = append(c.VolumeMounts, podnet.VolumeMount{Name: pairs[i], MountPath: pairs[i+1]})
		}
	}
}

func nop(context.Context, *podnet.Container) error { return nil }
