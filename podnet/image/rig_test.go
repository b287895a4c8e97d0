package image_test

import (
	"fmt"
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/podnettest"
)

// start starts a Pod of one container, "c", with the standard images.
func start(t testing.TB, spec podnet.ContainerSpec) *podnet.Container {
	t.Helper()
	cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
	spec.Name = "c"
	pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", Containers: []podnet.ContainerSpec{spec}, RestartPolicy: podnet.RestartPolicyNever})
	return pod.Container("c")
}

// idle starts a container of an image that only waits.
func idle(t testing.TB, name string) *podnet.Container {
	t.Helper()
	return start(t, podnet.ContainerSpec{Image: name, Command: []string{"sleep", "infinity"}})
}

// sh runs a script in a container.
func sh(t testing.TB, c *podnet.Container, script string) podnet.ExecResult {
	t.Helper()
	r, err := c.Exec(t.Context(), "sh", "-c", script)
	require.NoError(t, err, script)
	return r
}

// row is a script and what has to come of it.
type row struct {
	name           string
	script         string
	files          map[string]string // in the script's directory, before it runs
	stdout, stderr string
	code           int
}

// runRows runs scripts, each in a directory of its own.
func runRows(t *testing.T, c *podnet.Container, rows []row) {
	t.Helper()
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			dir := fmt.Sprintf("/tmp/%03d", i)
			require.NoError(t, c.FS().MkdirAll(dir, 0o755))
			for name, text := range r.files {
				require.NoError(t, c.FS().MkdirAll(path.Dir(dir+"/"+name), 0o755))
				require.NoError(t, c.FS().WriteFile(dir+"/"+name, []byte(text), 0o644))
			}
			got, err := c.Exec(t.Context(), "sh", "-c", "cd "+dir+"\n"+r.script)
			require.NoError(t, err)
			assert.Equal(t, r.stdout, got.Stdout, "stdout of %s", r.script)
			assert.Equal(t, r.stderr, got.Stderr, "stderr of %s", r.script)
			assert.Equal(t, r.code, got.ExitCode, "exit code of %s", r.script)
		})
	}
}
