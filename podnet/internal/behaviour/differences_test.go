package behaviour_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/behaviour"
)

//go:generate go test -run TestDifferencesAreWrittenDown -update .

const differences = "../../../docs/differences.md"

func TestDifferencesAreWrittenDown(t *testing.T) {
	want := behaviour.Differences()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(differences), 0o755))
		require.NoError(t, os.WriteFile(differences, []byte(want), 0o644))
	}
	got, err := os.ReadFile(differences)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "go generate ./podnet/internal/behaviour writes it anew")
}

func TestDifferencesAreWhole(t *testing.T) {
	for _, c := range behaviour.Cases() {
		if d := c.Differs; d != nil {
			assert.NotEmpty(t, d.Why, c.Name)
			assert.NotEmpty(t, d.Linux, c.Name)
			assert.NotEmpty(t, d.Pod, c.Name)
		}
	}
}
