package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outcome is what becomes of a manifest in Kubernetes. It is in the table so
// that a case cannot come to test something else unnoticed.
type outcome string

const (
	accepted outcome = "accepted"
	warned   outcome = "warned of"
	refused  outcome = "refused"
)

// testCase is one manifest of which podnet and the API server must say the same.
type testCase struct {
	name string
	want outcome
	in   string // where in a Pod text is; empty if text is the whole manifest
	text string

	// difference, if there is one, is what podnet says instead, and why.
	difference *difference
}

type difference struct {
	says    []string
	because string
}

func differs(because string, says ...string) *difference { return &difference{says, because} }

// manifest returns the case's manifest: the text, or a Pod with the text's
// fields in the object that c.in names.
func (c testCase) manifest() string {
	where := map[string]string{}
	in, text := c.in, c.text
	switch in {
	case "":
		return text
	case "liveness", "readiness", "startup":
		in, text = "container", in+"Probe: {"+text+"}"
	case "postStart", "preStop":
		in, text = "container", "lifecycle: {"+in+": {"+text+"}}"
	case "env":
		in, text = "container", "env: [{name: A, "+text+"}]"
	case "mount":
		in, text = "container", "volumeMounts: [{name: v, "+text+"}]"
	case "rule":
		in, text = "container", "restartPolicy: Never, restartPolicyRules: [{"+text+"}]"
	}
	where[in] = ", " + text
	init := ""
	switch in {
	case "init":
		init = "{name: i, image: i" + where["init"] + "}"
	case "sidecar":
		init = "{name: s, image: i, restartPolicy: Always" + where["sidecar"] + "}"
	}
	volume := "{name: v, emptyDir: {}}"
	if in == "volume" {
		volume += ", {name: w" + where["volume"] + "}"
	}
	name := "name: a"
	if in == "metadata" && strings.HasPrefix(text, "name:") {
		name, where["metadata"] = text, ""
	}
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {%s%s}, spec: {volumes: [%s], initContainers: [%s], containers: [{name: c, image: i%s}]%s}}",
		name, where["metadata"], volume, init, where["container"], where["spec"])
}

func runTable(t *testing.T, cases []testCase) {
	names := make(map[string]bool)
	for _, c := range cases {
		require.False(t, names[c.name], "two cases are called %q", c.name)
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			text := c.manifest()
			v := ofAPIServer(text)
			require.NoError(t, v.unreadable, text)
			switch {
			case len(v.errors) > 0:
				assert.Equal(t, refused, c.want, "%q", v.errors)
			case len(v.warnings) > 0:
				assert.Equal(t, warned, c.want, "%q", v.warnings)
			default:
				assert.Equal(t, accepted, c.want)
			}
			if c.difference == nil {
				compare(t, text)
				return
			}
			got := ofPodnet(text)
			assert.NotEmpty(t, c.difference.because)
			assert.Equal(t, c.difference.says, got.says())
			assert.NotEqual(t, v, got, "no difference any more: %s", c.difference.because)
		})
	}
}
