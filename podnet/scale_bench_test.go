package podnet_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// BenchmarkScale brings up 1,000 Pods and 10,000 Services on 10 nodes and measures
// how long that takes, from NewCluster until all Pods are ready and listen, and what
// all of it holds then. In one namespace each container has the variables of all
// Services. Run it with -benchtime=1x -count=5.
func BenchmarkScale(b *testing.B) {
	for _, namespaces := range []int{1, 100} {
		b.Run(fmt.Sprintf("namespaces=%d", namespaces), func(b *testing.B) {
			for b.Loop() {
				before, goroutines := memory(), runtime.NumGoroutine()
				begun := time.Now()
				c, err := podnet.NewCluster(podnet.Config{Nodes: 10})
				require.NoError(b, err)
				big := &bigCluster{TB: b, Cluster: c, nodes: 10, pods: 1000, services: 10_000, namespaces: namespaces}
				big.apply()
				b.ReportMetric(time.Since(begun).Seconds(), "s/apply")
				big.waitListening()
				b.ReportMetric(time.Since(begun).Seconds(), "s/up")
				b.ReportMetric(float64(memory()-before)/(1<<20), "MiB-held")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")
				closing := time.Now()
				require.NoError(b, c.Close())
				b.ReportMetric(time.Since(closing).Seconds(), "s/close")
				runtime.KeepAlive(big)
			}
		})
	}
}

// BenchmarkAmongServices compares what a client pays for a connection through a
// Service, a datagram and its answer, and a look-up of its name, with no other
// Service and among 10,000: one of
// each in turn, and the ratio of the medians.
func BenchmarkAmongServices(b *testing.B) {
	for name, act := range map[string]func(p *podnet.Pod, address, host string) error{
		"tcp": func(p *podnet.Pod, address, _ string) error { _, err := ask(p, "tcp", address); return err },
		"udp": func(p *podnet.Pod, address, _ string) error { _, err := ask(p, "udp", address); return err },
		"dns": func(p *podnet.Pod, _, host string) error { _, err := p.LookupHost(b.Context(), host); return err },
	} {
		b.Run(name, func(b *testing.B) {
			few, many := newBigCluster(b, 2, 10, 1), newBigCluster(b, 2, 10, 10_000)
			var times [2][]time.Duration
			n := 0
			for b.Loop() {
				for i, c := range []*bigCluster{few, many} {
					client, service := c.pod(1+n%9), c.service(10*n) // the Pod behind it is always the first
					address, host := at(service.ClusterIP(), 80), service.Name()+"."+service.Namespace()
					begun := time.Now()
					err := act(client, address, host)
					times[i] = append(times[i], time.Since(begun))
					require.NoError(b, err)
				}
				n++
			}
			b.ReportMetric(median(times[0]), "ns/one")
			b.ReportMetric(median(times[1]), "ns/of-10000")
			b.ReportMetric(median(times[1])/median(times[0]), "ratio")
		})
	}
}

func median(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)/2])
}

// BenchmarkNewCluster measures what a test pays that has a cluster of its own, with
// one Pod, and what these hold.
func BenchmarkNewCluster(b *testing.B) {
	var held uint64
	for b.Loop() {
		b.StopTimer()
		before := memory()
		b.StartTimer()
		c, err := podnet.NewCluster(podnet.Config{})
		require.NoError(b, err)
		_, err = c.StartPod(b.Context(), podnet.PodSpec{Name: "p", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		require.NoError(b, err)
		b.StopTimer()
		held += memory() - before
		b.StartTimer()
		require.NoError(b, c.Close())
	}
	b.ReportMetric(float64(held)/float64(b.N), "B-held/op")
}
