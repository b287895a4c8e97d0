package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoReachesWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		t.Log("\n" + out.String())
		before, after, ok := strings.Cut(out.String(), "With policies.yaml:\n")
		require.True(t, ok)
		assert.Equal(t, 6, strings.Count(before, "connects"))
		var connects []string
		for line := range strings.Lines(after) {
			f := strings.Fields(line)
			allowed := strings.Contains(line, " allowed: ")
			assert.Equal(t, allowed, f[3] == "connects", "what is said is what happens: %s", line)
			if allowed {
				connects = append(connects, f[0]+" -> "+f[2])
			}
		}
		assert.Equal(t, []string{"api -> db", "frontend -> api"}, connects)
	})
}
