package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneServesAndTheOtherCrashLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		got := out.String()
		for _, want := range []string{
			"Warning: spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
			"bind() to 0.0.0.0:80 failed (98: Address already in use)",
			"Back-off restarting failed container",
			"1/2     CrashLoopBackOff",
		} {
			assert.Contains(t, got, want)
		}
		held := 0
		for line := range strings.Lines(got) {
			if strings.Contains(line, " is held by ") {
				held++
			}
		}
		assert.Equal(t, 2, held, "0.0.0.0:80 and [::]:80 of one container:\n%s", got)
	})
}
