package manifest

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"podnet.dev/podnet"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

func TestLoadLesson(t *testing.T) {
	objects, err := Load(os.DirFS("../../examples/web-and-logger"), "lesson.yaml")
	require.NoError(t, err)
	assert.Equal(t, []podnet.Object{podnet.PodSpec{
		Name: "web-and-logger",
		Containers: []podnet.ContainerSpec{{
			Name:  "web-app",
			Image: "nginx:alpine",
			Ports: []podnet.ContainerPort{{ContainerPort: 80}},
		}, {
			Name:         "log-tailer",
			Image:        "alpine",
			Command:      []string{"/bin/sh"},
			Args:         []string{"-c", "tail -f /var/log/nginx/access.log"},
			VolumeMounts: []podnet.VolumeMount{{Name: "shared-logs", MountPath: "/var/log/nginx"}},
		}},
		Volumes: []podnet.VolumeSpec{{Name: "shared-logs", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
	}}, objects)
}

func TestLoadNamesTheFile(t *testing.T) {
	files := fstest.MapFS{
		"empty.yaml": {},
		"two.yaml":   {Data: []byte("# first\n" + pod("a") + "---\n\n# second\n" + pod("B"))},
	}
	_, err := Load(files, "none.yaml")
	assert.ErrorIs(t, err, fs.ErrNotExist)

	_, err = Load(files, "empty.yaml")
	assert.EqualError(t, err, "empty.yaml: no Kubernetes object in it: want apiVersion, kind, metadata and spec")

	_, err = Load(files, "two.yaml")
	assert.ErrorContains(t, err, `two.yaml: document 2 (line 8): Pod "B" is invalid: metadata.name: Invalid value: "B": a lowercase RFC 1123 subdomain must`)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, Error{File: "two.yaml", Document: 2, Line: 8, Err: e.Err}, *e)
	var field *podnet.FieldError
	require.ErrorAs(t, err, &field)
	assert.Equal(t, "metadata.name", field.Field)
}

// pod returns a Pod in three lines of YAML.
func pod(name string) string {
	return "{apiVersion: v1, kind: Pod,\nmetadata: {name: " + name + "},\nspec: {containers: [{name: c, image: i}]}}\n"
}

func TestParseReadsEveryDocument(t *testing.T) {
	const json = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "NAME"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}`
	jsonPod := func(name string) string { return strings.Replace(json, "NAME", name, 1) }
	tests := map[string]struct {
		text string
		want string // the Pods' names
	}{
		"one":                       {pod("a"), "a"},
		"separator first and last":  {"---\n" + pod("a") + "---\n", "a"},
		"several":                   {pod("a") + "---\n" + pod("b") + "--- # comment\n" + pod("c"), "a b c"},
		"comments only are dropped": {"# x\n---\n  # y\n---\n" + pod("a") + "---\n# z\n", "a"},
		"null is dropped":           {"null\n---\n~\n---\n" + pod("a"), "a"},
		"end of document":           {pod("a") + "...\n" + pod("b") + "...\n---\n" + pod("c"), "a b c"},
		"Windows line ends":         {strings.ReplaceAll(pod("a")+"---\n"+pod("b"), "\n", "\r\n"), "a b"},
		"byte order mark":           {"\ufeff" + pod("a"), "a"},
		"byte order mark, JSON":     {"\ufeff" + jsonPod("a"), "a"},
		"JSON":                      {jsonPod("a"), "a"},
		"JSON indented with tabs":   {strings.ReplaceAll(jsonPod("a"), ", ", ",\n\t"), "a"},
		"JSON after a tab":          {"\t" + jsonPod("a"), "a"},
		"JSON values in a row":      {jsonPod("a") + jsonPod("b") + "\n\n" + jsonPod("c"), "a b c"},
		"JSON and YAML":             {jsonPod("a") + "\n---\n" + pod("b"), "a b"},
		"List":                      {"apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n- " + jsonPod("a") + "\n- " + jsonPod("b"), "a b"},
		"aliases":                   {"apiVersion: v1\nkind: Pod\nmetadata: {name: &n a}\nspec: {containers: [{name: *n, image: i}]}", "a"},
		"separator in a text":       {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: i\n    args:\n    - |\n      ---\n      ...\n", "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			objects, err := Parse([]byte(test.text))
			require.NoError(t, err)
			var names []string
			for _, o := range objects {
				names = append(names, o.(podnet.PodSpec).Name)
			}
			assert.Equal(t, test.want, strings.Join(names, " "))
		})
	}
}

func TestKinds(t *testing.T) {
	assert.Equal(t, "v1 for ConfigMap, List, Namespace, Pod, Secret and Service; networking.k8s.io/v1 for NetworkPolicy; discovery.k8s.io/v1 for EndpointSlice; chaos-mesh.org/v1alpha1 for DNSChaos, NetworkChaos, PodChaos and Schedule; apps/v1 for Deployment and StatefulSet", versionsText())
	assert.Equal(t, "it has kinds ConfigMap, DNSChaos, Deployment, EndpointSlice, Namespace, NetworkChaos, NetworkPolicy, Pod, PodChaos, Schedule, Secret, Service and StatefulSet, alone or in a List", kindsText())
}

func TestParseRefuses(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	tests := map[string]struct{ text, want string }{
		"nothing":           {"", `no Kubernetes object in it: want apiVersion, kind, metadata and spec`},
		"comments only":     {"# x\n---\n# y\n", `no Kubernetes object in it: want apiVersion, kind, metadata and spec`},
		"an empty List":     {"apiVersion: v1\nkind: List\nitems: []", `no Kubernetes object in it: want apiVersion, kind, metadata and spec`},
		"a list":            {"- a\n", `a list instead of a Kubernetes object: want apiVersion, kind, metadata and spec`},
		"a string":          {"apiVersion", `a string instead of a Kubernetes object: want apiVersion, kind, metadata and spec`},
		"a number":          {"1\n", `a number instead of a Kubernetes object: want apiVersion, kind, metadata and spec`},
		"null in a List":    {"apiVersion: v1\nkind: List\nitems: [null]", `items[0]: null instead of a Kubernetes object: want apiVersion, kind, metadata and spec`},
		"a List in a List":  {"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List}]", `items[0]: a List in a List: move its items to the outer one`},
		"items misspelt":    {"apiVersion: v1\nkind: List\nitem: []", `List "" is invalid: item: unknown field: did you mean "items"?`},
		"a page of a List":  {"apiVersion: v1\nkind: List\nmetadata: {continue: x}\nitems: []", `List "" is invalid: metadata.continue: not supported by podnet yet: remove it`},
		"neither head":      {"metadata: {name: a}", `object "a" is invalid: [apiVersion: Required value: ` + versionsText() + `, kind: Required value: ConfigMap, DNSChaos, Deployment, EndpointSlice, List, Namespace, NetworkChaos, NetworkPolicy, Pod, PodChaos, Schedule, Secret, Service or StatefulSet]`},
		"no kind":           {"apiVersion: v1\nmetadata: {name: a}", `object "a" is invalid: kind: Required value: ConfigMap, DNSChaos, Deployment, EndpointSlice, List, Namespace, NetworkChaos, NetworkPolicy, Pod, PodChaos, Schedule, Secret, Service or StatefulSet`},
		"no apiVersion":     {"kind: Pod\n", `object "" is invalid: apiVersion: Required value: ` + versionsText()},
		"kind in capitals":  {"apiVersion: v1\nKind: Pod\n", `object "" is invalid: Kind: unknown field: did you mean "kind"?`},
		"kind a list":       {"apiVersion: v1\nkind: [Pod]\n", `object "" is invalid: kind: Invalid value: must be a string, not a list`},
		"another ConfigMap": {"apiVersion: v2\nkind: ConfigMap\n", `ConfigMap "" is invalid: apiVersion: Unsupported value: "v2": supported values: "v1"`},
		"another version":   {"apiVersion: apps/v1\nkind: Pod\n", `Pod "" is invalid: apiVersion: Unsupported value: "apps/v1": supported values: "v1"`},
		"another kind":      {"apiVersion: v1\nkind: Ingress\n", `kind "Ingress" of apiVersion "v1": not supported by podnet yet: ` + kindsText()},
		"a workload":        {"apiVersion: apps/v1\nkind: ReplicaSet\n", `kind "ReplicaSet" of apiVersion "apps/v1": not supported by podnet yet: ` + kindsText() + `: make a Deployment of it`},
		"a job":             {"apiVersion: batch/v1\nkind: Job\n", `kind "Job" of apiVersion "batch/v1": not supported by podnet yet: ` + kindsText() + `: make a Pod of its spec.template`},
		"an old Deployment": {"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n", `Deployment "a" is invalid: apiVersion: Unsupported value: "extensions/v1beta1": supported values: "apps/v1"`},
		"keys twice":        {head + "spec:\n  containers:\n  - name: c\n    name: d\n    image: i\n    image: j\n", `[line 7: key "name" already set in map, line 9: key "image" already set in map]`},
		"keys twice, JSON":  {`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "name": "a"}}`, `Pod "a" is invalid: [metadata.name: duplicate field: keep one of them, spec.containers: Required value]`},
		"a tab":             {head + "spec:\n\tcontainers: []\n", `line 5: found character that cannot start any token: indent with spaces, not with tabs`},
		"a colon":           {head + "spec: a: b\n", `line 4: mapping values are not allowed in this context`},
		"second document":   {pod("a") + "---\n# x\n\n" + head + "spec: a: b\n", `document 2 (line 7): line 10: mapping values are not allowed in this context`},
		"after a separator": {"# x\n--- {kind: Pod}\n", `line 2: "{kind: Pod}" after "---": put it on a line of its own`},
		"YAML's other ends": {head + "\u2028---\u2028a: b\n", `a second document begins in this one: put a line "---" before it`},
		"a mapping as key":  {"? {a: b}\n: c\n", `invalid map key: map[interface {}]interface {}{"a":"b"}`},
		"no number":         {"a: .nan\n", `json: unsupported value: NaN`},
		"UTF-16":            {"\xff\xfek\x00i\x00", `text in UTF-16: save it as UTF-8`},
		"another encoding":  {"a: b\nname: J\xfcrgen\n", `line 2: no text in UTF-8 (byte 0xfc): is this a manifest?`},
		"control codes":     {"a: \x01\n", `control characters are not allowed`},
		"too deep":          {strings.Repeat("[", 20000), `exceeded max depth of 10000`},
		"too deep by lines": {strings.Repeat("- ", 20000), `exceeded max depth of 10000`},
		"too long":          {"a: " + strings.Repeat("x", maxDocument), `3145731 bytes: a document may have 3145728 (3 MiB), as a request to the API server`},
		"too long, JSON":    {`{"a": "` + strings.Repeat("x", maxDocument) + `"}`, `3145737 bytes: a document may have 3145728 (3 MiB), as a request to the API server`},
		"many aliases":      {laughs(), `document contains excessive aliasing`},
		"long aliases":      {"a: &a " + strings.Repeat("x", 100_000) + "\nb: [" + strings.Repeat("*a, ", 40) + "*a]\n", `aliases (*name) make it longer than 3145728 bytes (3 MiB): write out less, or split it`},
		"a very long kind":  {"apiVersion: v1\nkind: " + strings.Repeat("x", 1000), `kind "` + strings.Repeat("x", 200) + `..." of apiVersion "v1": not supported by podnet yet: ` + kindsText()},
		"a very long key":   {"apiVersion: v1\nkind: Pod\n? " + strings.Repeat("x", 1000) + "\n: 1\nspec: 1\n", `Pod "" is invalid: [spec: Invalid value: 1: must be a mapping, not a number, ` + strings.Repeat("x", 200) + `...: unknown field: check its name and its indentation, or remove it]`},
		"a key in two lines": {"apiVersion: v1\nkind: Pod\n\"x\\ny\": 1\nspec: 1\n",
			`Pod "" is invalid: [spec: Invalid value: 1: must be a mapping, not a number, "x\ny": unknown field: check its name and its indentation, or remove it]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			objects, err := Parse([]byte(test.text))
			assert.Empty(t, objects)
			assert.EqualError(t, err, test.want)
			var e *Error
			assert.ErrorAs(t, err, &e)
		})
	}
}

// laughs returns lists of aliases of lists of aliases, 10^9 elements in all.
func laughs() string {
	var b strings.Builder
	b.WriteString("a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'j'; c++ {
		alias := "*" + string(c-1)
		b.WriteString(string(c) + ": &" + string(c) + " [" + strings.Repeat(alias+", ", 9) + alias + "]\n")
	}
	return b.String()
}

func TestParseErrorsStayShort(t *testing.T) {
	tests := map[string]string{
		"zeros":            strings.Repeat("\x00", 1<<20),
		"bytes":            strings.Repeat("\xfe\x01\x80", 1<<18),
		"one word":         strings.Repeat("x", 1<<20),
		"one key":          `{"apiVersion": "v1", "kind": "Pod", "` + strings.Repeat("x", 1<<20) + `": 1}`,
		"one key twice":    strings.Repeat(strings.Repeat("x", 1000)+": 1\n", 1000),
		"one value":        "apiVersion: v1\nkind: Pod\nmetadata: {labels: " + strings.Repeat("x", 1<<20) + "}",
		"many fields":      "apiVersion: v1\nkind: Pod\nspec: {" + strings.Repeat("x", 1000) + ": 1}\nmetadata:\n" + keys(1_000),
		"many containers":  "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n" + strings.Repeat("  - {imag: x}\n", 1_000),
		"many unsupported": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n" + strings.Repeat("  - {name: a, image: b, tty: true}\n", 1_000),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(text))
			require.Error(t, err)
			assert.Less(t, len(err.Error()), 40_000)
			var invalid *podnet.InvalidError
			if errors.As(err, &invalid) {
				assert.LessOrEqual(t, len(invalid.Fields), 100)
			}
		})
	}
}

// keys returns n lines of a mapping.
func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  k" + strings.Repeat("x", i%10) + string(rune('a'+i%26)) + strings.Repeat("y", i/260) + ": 1\n")
	}
	return b.String()
}
