package peers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"podnet.dev/bench"
)

func paths() []bench.Path { return slices.Concat(bench.Paths(), memoryPaths, linuxPaths()) }

func BenchmarkPath(b *testing.B) { bench.Run(b, paths()) }

// BenchmarkLatency measures how the times of single operations are distributed, by
// an HDR histogram of three digits from a nanosecond to a minute.
func BenchmarkLatency(b *testing.B) {
	bench.RunEach(b, paths(), func(b *testing.B, do func() error) {
		h := hdrhistogram.New(1, int64(time.Minute), 3)
		for b.Loop() {
			begun := time.Now()
			err := do()
			took := time.Since(begun)
			if err != nil {
				b.Fatal(err)
			}
			if err := h.RecordValue(int64(max(took, 1))); err != nil {
				b.Fatal(err)
			}
		}
		for _, p := range []float64{10, 25, 50, 75, 90, 99, 99.9, 99.99} {
			b.ReportMetric(float64(h.ValueAtPercentile(p)), fmt.Sprintf("p%v-ns", p))
		}
	})
}
