package bench

import (
	"fmt"
	"testing"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// BenchmarkPods measures how long some number of Pods take until all are ready, what
// each holds then, and how long one more takes.
func BenchmarkPods(b *testing.B) {
	sizes(b, "pods", []int{1, 10, 100, 1000, 4000}, func(b *testing.B, n int) {
		for b.Loop() {
			c := podnettest.NewCluster(b, oneRange())
			start := func(name string) {
				podnettest.StartPod(b, c, idle(name))
			}
			start("first") // and with it the node
			var objects []podnet.Object
			for i := range n {
				objects = append(objects, idle(fmt.Sprintf("p-%d", i)))
			}
			before, begun := held(), time.Now()
			if err := c.Apply(b.Context(), objects...); err != nil {
				b.Fatal(err)
			}
			for _, p := range c.Pods() {
				if err := p.WaitReady(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			up := time.Since(begun)
			b.ReportMetric(up.Seconds(), "sec-up")
			b.ReportMetric(float64(int64(held()-before))/float64(n), "B-held/pod")
			const more = 20
			begun = time.Now()
			for i := range more {
				start(fmt.Sprintf("more-%d", i))
			}
			b.ReportMetric(float64(time.Since(begun).Nanoseconds())/more, "ns/pod")
			if err := c.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
