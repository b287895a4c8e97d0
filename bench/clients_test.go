package bench

import (
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkClients measures how often clients that all connect at once can connect
// to one server and close, to localhost and to the kernel's loopback.
func BenchmarkClients(b *testing.B) {
	for _, p := range Paths() {
		if p.Name != "localhost" && p.Name != "kernel" {
			continue
		}
		b.Run("path="+p.Name, func(b *testing.B) {
			sizes(b, "clients", []int{1, 10, 100, 500, 2000}, func(b *testing.B, n int) {
				o := connect(b, p.Open(b))
				var clients sync.WaitGroup
				var failed atomic.Pointer[error]
				var begun atomic.Int64
				b.ResetTimer()
				for range n {
					clients.Go(func() {
						for begun.Add(1) <= int64(b.N) {
							if err := o.do(); err != nil {
								failed.Store(&err)
								return
							}
						}
					})
				}
				clients.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "conn/s")
				if err := failed.Load(); err != nil {
					b.Fatal(*err)
				}
			})
		})
	}
}
