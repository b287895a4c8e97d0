package bench

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"podnet.dev/podnet"
)

// sizes calls bench with each size, but in a short test the first two only.
func sizes(b *testing.B, unit string, list []int, bench func(b *testing.B, n int)) {
	for i, n := range list {
		b.Run(fmt.Sprintf("%s=%d", unit, n), func(b *testing.B) {
			if testing.Short() && i > 1 {
				b.Skip("large")
			}
			bench(b, n)
		})
	}
}

// held returns the bytes that are in use, stacks of goroutines included.
func held() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// oneRange gives a node room for any number of Pods.
func oneRange() podnet.Config {
	return podnet.Config{PodCIDRs: []netip.Prefix{netip.MustParsePrefix("fd00:10:244::/56")}}
}

func idle(name string) podnet.PodSpec {
	return podnet.PodSpec{Name: name, Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}
}
