package podnet_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestTerminationMessage(t *testing.T) {
	lines := func(from, to int, text string) string {
		var b strings.Builder
		for i := from; i <= to; i++ {
			fmt.Fprintf(&b, "%s %d\n", text, i)
		}
		return b.String()
	}
	const fallback = podnet.TerminationMessageFallbackToLogsOnError
	long := lines(1, 1000, "line")
	for name, tt := range map[string]struct {
		path      string
		policy    podnet.TerminationMessagePolicy
		file, log string
		code      int
		want      string
	}{
		"nothing is said":                  {"", "", "", "a log\n", 1, ""},
		"the file":                         {"", "", "out of luck", "a log\n", 1, "out of luck"},
		"the file of who did well":         {"", fallback, "done", "a log\n", 0, "done"},
		"another file":                     {"/var/run/why", "", "here", "", 1, "here"},
		"a file in a volume":               {"/data/why", "", "there", "", 1, "there"},
		"the end of a long file":           {"", "", long, "", 1, long[len(long)-4096:]},
		"the log":                          {"", fallback, "", "one\ntwo\n", 3, "one\ntwo\n"},
		"the log, without an end":          {"", fallback, "", "one\ntwo", 3, "one\ntwo"},
		"no log of who did well":           {"", fallback, "", "one\n", 0, ""},
		"the file before the log":          {"", fallback, "file", "log", 1, "file"},
		"the last 80 lines of the log":     {"", fallback, "", lines(1, 100, "line"), 1, lines(21, 100, "line")},
		"80 lines":                         {"", fallback, "", lines(1, 80, "line"), 1, lines(1, 80, "line")},
		"the last 2048 bytes of the log":   {"", fallback, "", lines(1, 100, strings.Repeat("x", 50)), 1, lines(1, 100, strings.Repeat("x", 50))[5392-2048:]},
		"the log of a program without one": {"", fallback, "", "", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, podnet.Config{})
				path := tt.path
				if path == "" {
					path = "/dev/termination-log"
				}
				p := podnettest.StartPod(t, c, podnet.PodSpec{
					Name: "web", RestartPolicy: podnet.RestartPolicyNever, Volumes: []podnet.VolumeSpec{{Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
					Containers: []podnet.ContainerSpec{{
						Name: "main", TerminationMessagePath: tt.path, TerminationMessagePolicy: tt.policy, VolumeMounts: []podnet.VolumeMount{{Name: "data", MountPath: "/data"}},
						Run: func(_ context.Context, c *podnet.Container) error {
							info, err := c.FS().Stat(path)
							if assert.NoError(t, err) {
								assert.Zero(t, info.Size())
								assert.Equal(t, "-rw-rw-rw-", info.Mode().String())
							}
							assert.NoError(t, c.FS().WriteFile(path, []byte(tt.file), 0o644))
							_, err = io.WriteString(c.Stdout(), tt.log)
							assert.NoError(t, err)
							return podnet.ExitError{Code: tt.code}
						},
					}},
				})
				synctest.Wait()
				end := p.Container("main").Status().State.Terminated
				require.NotNil(t, end)
				assert.Equal(t, tt.code, end.ExitCode)
				assert.Equal(t, tt.want, end.Message)
			})
		})
	}
}

// Each run has a file of its own, and a Pod's messages are 12 KiB together.
func TestTerminationMessagesOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		var containers []podnet.ContainerSpec
		runs := 0
		for i := range 4 {
			containers = append(containers, podnet.ContainerSpec{Name: fmt.Sprint("c", i), Run: func(ctx context.Context, c *podnet.Container) error {
				if c.Name() == "c0" {
					if runs++; runs == 2 {
						return untilStopped(ctx, c)
					}
				}
				return c.FS().WriteFile("/dev/termination-log", []byte(strings.Repeat(c.Name(), 2048)), 0o644)
			}})
		}
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: containers})
		require.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool {
			c, _ := s.Container("c0")
			return c.RestartCount == 1 && c.State.Running != nil
		}))
		last := p.Container("c0").Status().LastTermination
		require.NotNil(t, last)
		assert.Equal(t, strings.Repeat("c0", 1536), last.Message)
		b, err := p.Container("c0").FS().ReadFile("/dev/termination-log")
		require.NoError(t, err)
		assert.Empty(t, b)
	})
}
