package bench

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// BenchmarkProbed measures how fast virtual time goes for Pods that the kubelet
// probes every ten seconds. Up to a hundred Pods have an hour, and more of them
// two minutes.
func BenchmarkProbed(b *testing.B) {
	sizes(b, "pods", []int{1, 10, 100, 1000}, func(b *testing.B, n int) {
		virtual := time.Hour
		if n > 100 {
			virtual = 2 * time.Minute
		}
		for b.Loop() {
			begun := time.Now()
			inBubble(b, func(t *testing.T) {
				c := podnettest.NewCluster(t, oneRange())
				for i := range n {
					if err := c.Apply(t.Context(), probed(fmt.Sprintf("p-%d", i))); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(virtual)
				for _, p := range c.Pods() {
					if s := p.Container("main").Status(); !s.Ready || s.RestartCount > 0 {
						t.Errorf("%s is not well: %+v", p, s)
					}
				}
			})
			real := time.Since(begun).Seconds()
			b.ReportMetric(virtual.Seconds()/real, "virtual-s/s")
			b.ReportMetric(real, "sec")
		}
	})
}

// inBubble runs f in a bubble. That wants a *testing.T, which a benchmark has not.
func inBubble(b *testing.B, f func(*testing.T)) {
	all := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, f) }}}) {
		b.FailNow()
	}
}

func probed(name string) podnet.PodSpec {
	return podnet.PodSpec{Name: name, Containers: []podnet.ContainerSpec{{
		Name:          "main",
		LivenessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(7000)}},
		Run: func(ctx context.Context, c *podnet.Container) error {
			l, err := c.Listen("tcp", ":7000")
			if err != nil {
				return err
			}
			defer context.AfterFunc(ctx, func() { l.Close() })()
			for {
				conn, err := l.Accept()
				if err != nil {
					return nil
				}
				go func(conn net.Conn) {
					conn.Read(make([]byte, 1))
					conn.Close()
				}(conn)
			}
		},
	}}}
}
