package main

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		acts := regexp.MustCompile(`(?m)^\d\. `).Split(out.String(), -1)
		require.Len(t, acts, 4)
		for i, wants := range [][]string{
			nil,
			{
				"tail: can't open '/var/log/nginx/access.log': No such file or directory",
				"web-and-logger   1/2     CrashLoopBackOff",
				"log-tailer: CrashLoopBackOff: back-off 10s restarting failed container=log-tailer pod=web-and-logger_default(",
			},
			{
				"<title>Welcome to nginx!</title>",
				`"GET / HTTP/1.1" 200 `,
				"web-and-logger   2/2     Running",
			},
			{
				"Warning: spec.containers[2].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
				"bind() to 0.0.0.0:80 failed (98: Address already in use)",
				"web-and-logger   2/3     CrashLoopBackOff",
				"back-off 10s restarting failed container=web-app",
				"the first one serves on: <title>Welcome to nginx!</title>",
			},
		} {
			for _, want := range wants {
				assert.Contains(t, acts[i], want)
			}
		}
	})
}
