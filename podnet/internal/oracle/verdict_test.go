package oracle

import (
	"errors"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
)

// verdict is what somebody says of a manifest.
type verdict struct {
	unreadable error    // it is no object, or has fields that there are not
	errors     []string // why it is refused
	warnings   []string // if it is not refused
}

// says is all that is said, errors or warnings.
func (v verdict) says() []string { return slices.Concat(v.errors, v.warnings) }

func ofPodnet(text string) verdict {
	objects, err := manifest.Parse([]byte(text))
	var invalid *podnet.InvalidError
	switch {
	case errors.As(err, &invalid):
		var v verdict
		for _, field := range invalid.Fields {
			v.errors = append(v.errors, field.Error())
		}
		return v
	case err != nil:
		return verdict{unreadable: err}
	}
	if o, ok := objects[0].(interface{ Warnings() []string }); ok {
		return verdict{warnings: o.Warnings()}
	}
	return verdict{}
}

// compare fails if podnet does not say of a manifest what the API server says,
// in its words and its order.
func compare(t *testing.T, text string) bool {
	t.Helper()
	want, got := ofAPIServer(text), ofPodnet(text)
	if want.unreadable != nil {
		return assert.True(t, got.unreadable != nil || len(got.errors) > 0, "podnet reads what Kubernetes does not: %v\n%s", want.unreadable, text)
	}
	return assert.NoError(t, got.unreadable, "%s", text) &&
		assert.Equal(t, ordered(want.errors), ordered(got.errors), "errors of %s", text) &&
		assert.Equal(t, want.warnings, got.warnings, "warnings of %s", text)
}

// mapField matches errors about fields that are maps, up to the key.
var mapField = regexp.MustCompile(`^(metadata\.labels|metadata\.annotations|data|binaryData|spec\.selector|spec\.template\.(labels|annotations)|(spec\.template\.)?spec\.nodeSelector|(spec\.template\.)?spec\.\w+\[\d+\]\.resources|\S+\.matchLabels)\b`)

// ordered sorts what is in no order in Kubernetes: neighbours of one map.
func ordered(errs []string) []string {
	errs = slices.Clone(errs)
	for i := 0; i < len(errs); {
		j, field := i+1, mapField.FindString(errs[i])
		for field != "" && j < len(errs) && mapField.FindString(errs[j]) == field {
			j++
		}
		slices.Sort(errs[i:j])
		i = j
	}
	return errs
}
