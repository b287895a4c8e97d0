package bench

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var guard = flag.Bool("guard", false, "hold localhost against the kernel's loopback; nothing else should run meanwhile")

// Localhost in a Pod must not fall far behind the kernel's loopback in the same run.
// The margins are wide: what they catch is a mistake, not a slow day.
func TestLocalhostKeepsUpWithTheKernel(t *testing.T) {
	if !*guard {
		t.Skip("only with -guard")
	}
	paths := Paths()
	path := func(name string) Path {
		return paths[slices.IndexFunc(paths, func(p Path) bool { return p.Name == name })]
	}
	for _, w := range works {
		atMost, ok := map[string]float64{"rtt64": 4, "rtt64k": 5, "stream": 4, "connect": 4, "http": 4, "udp": 4}[w.name]
		if !ok {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			ours, kernel := w.open(t, path("localhost").Open(t)), w.open(t, path("kernel").Open(t))
			var times [2][]time.Duration
			for range 15 {
				for i, o := range []*operation{ours, kernel} {
					begun := time.Now()
					for range 100 {
						require.NoError(t, o.do())
					}
					times[i] = append(times[i], time.Since(begun))
				}
			}
			ratio := float64(median(times[0])) / float64(median(times[1]))
			t.Logf("%.2f times the kernel's", ratio)
			assert.LessOrEqual(t, ratio, atMost, "localhost takes so many times what the kernel's loopback takes")
		})
	}
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
