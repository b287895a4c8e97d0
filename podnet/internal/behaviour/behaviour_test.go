package behaviour_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/behaviour"
)

var update = flag.Bool("update", false, "record what Linux shows, and write docs/differences.md")

// recording is what Linux showed when it was last recorded. It stands in for
// Linux on other systems.
const recording = "testdata/linux.json"

// TestPodBehavesAsLinux runs every case on Linux and in a Pod, there once with the
// shortcut that localhost takes and once without. On Linux it runs
// against the machine's own kernel, in a network namespace of its own where the
// test may make one; there, with -update, it records what Linux shows.
func TestPodBehavesAsLinux(t *testing.T) {
	linux := hostResults(t)
	if linux == nil {
		data, err := os.ReadFile(recording)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &linux))
	}
	if *update {
		data, err := json.MarshalIndent(linux, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(recording, append(data, '\n'), 0o644))
	}
	for _, c := range behaviour.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			want, ok := linux[c.Name]
			if !ok {
				t.Skip("this machine gives the test no network of its own")
			}
			if c.Needs&behaviour.Long != 0 && testing.Short() {
				t.Skip("long")
			}
			for name, watched := range map[string]bool{"by the shortcut": false, "by packets": true} {
				got := behaviour.Run(t.Context(), c, startPod(t, c.Needs, watched))
				if c.Differs == nil {
					assert.Equal(t, want, got, name)
					continue
				}
				assert.Equal(t, c.Differs.Linux, want, "Linux is not what the difference says")
				assert.Equal(t, c.Differs.Pod, got, "podnet, %s, is not what the difference says", name)
				assert.NotEqual(t, want, got, "no difference is left")
			}
		})
	}
}

func TestEveryCaseHasItsOwnName(t *testing.T) {
	names := make(map[string]bool)
	for _, c := range behaviour.Cases() {
		assert.False(t, names[c.Name], c.Name)
		names[c.Name] = true
	}
	assert.GreaterOrEqual(t, len(names), 150)
	t.Logf("%d cases", len(names))
}
