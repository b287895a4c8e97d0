package linuxoracle_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "record what Linux shows")

// recording is what Linux showed when it was last recorded. It stands in for
// Linux where the test may not make namespaces, and is held against it where it
// may.
const recording = "testdata/linux.json"

// A record is what a kernel showed.
type record struct {
	Kernel string              // its release
	Cases  map[string][]string // what each scenario showed
}

func recorded(t *testing.T) record {
	t.Helper()
	data, err := os.ReadFile(recording)
	require.NoError(t, err)
	var r record
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// TestLinuxShowsWhatIsRecorded plays every scenario on this machine's kernel. With
// -update it records what the kernel shows.
func TestLinuxShowsWhatIsRecorded(t *testing.T) {
	got := kernelRecord(t)
	if *update {
		var data bytes.Buffer
		e := json.NewEncoder(&data)
		e.SetEscapeHTML(false)
		e.SetIndent("", "\t")
		require.NoError(t, e.Encode(got))
		require.NoError(t, os.WriteFile(recording, data.Bytes(), 0o644))
	}
	want := recorded(t)
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			require.NotEmpty(t, want.Cases[sc.name], "not recorded: run go test with -update as root")
			assert.Equal(t, want.Cases[sc.name], got.Cases[sc.name], "recorded on Linux %s, this is %s", want.Kernel, got.Kernel)
		})
	}
}

func TestEveryScenarioIsRecordedOnce(t *testing.T) {
	names := make(map[string]bool)
	for _, sc := range scenarios() {
		assert.False(t, names[sc.name], sc.name)
		names[sc.name] = true
	}
	for name := range recorded(t).Cases {
		assert.True(t, names[name], "there is no scenario %q: record anew", name)
		delete(names, name)
	}
	assert.Empty(t, names, "not recorded")
}
