package podnet_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// On one processor, a scenario's packets are the same in every run: same seed, same
// faults, at the same time.
func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	run := func(seed uint64) (lines []string) {
		synctest.Test(t, func(t *testing.T) {
			c, client, _ := faultyWorld(t, podnet.Config{Seed: seed, Conditions: podnet.Conditions{
				Latency: time.Millisecond, Jitter: time.Millisecond, Loss: 0.1, Duplicate: 0.1, Corrupt: 0.05, Reorder: 0.1,
			}})
			var mu sync.Mutex
			stop := c.Trace(func(e podnet.TraceEvent) {
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, fmt.Sprintf("%+v", e))
			})
			for range 3 {
				_, _, err := timedTrip(client, c.Service("", "server").ClusterIP().String()+":80")
				require.NoError(t, err)
				time.Sleep(time.Minute)
			}
			stop()
		})
		return lines
	}
	first := run(1)
	assert.Greater(t, len(first), 50)
	assert.Equal(t, strings.Join(first, "\n"), strings.Join(run(1), "\n"))
	assert.NotEqual(t, strings.Join(first, "\n"), strings.Join(run(2), "\n"))
}
