package podnet_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// BenchmarkStartPod measures what a Pod with one container costs: the time until
// it runs, and the memory that it holds then, stacks of goroutines included. Run
// it with -benchtime=1000x: every Pod stays until the end.
func BenchmarkStartPod(b *testing.B) {
	for name, cfg := range map[string]podnet.Config{
		"on a hundred nodes": {Nodes: 100},                             // dual stack, with room for 25,300
		"on one node":        {PodCIDRs: prefixes("fd00:10:244::/56")}, // with room for all
	} {
		b.Run(name, func(b *testing.B) {
			c, err := podnet.NewCluster(cfg)
			require.NoError(b, err)
			before := memory()
			b.ResetTimer()
			for i := range b.N {
				_, err := c.StartPod(b.Context(), podnet.PodSpec{
					Name: fmt.Sprintf("p%d", i), Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}},
				})
				require.NoError(b, err)
			}
			b.StopTimer()
			b.ReportMetric(float64(memory()-before)/float64(b.N), "B-held/op")
			require.NoError(b, c.Close())
		})
	}
}

func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
