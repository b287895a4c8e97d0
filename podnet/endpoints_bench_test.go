package podnet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// BenchmarkServicesAndPods makes 10,000 Services and starts 1,000 Pods that are
// endpoints of them: ten Services have each Pod (each), or ten have all (all).
func BenchmarkServicesAndPods(b *testing.B) {
	const services, pods = 10000, 1000
	for name, selector := range map[string]func(i int) map[string]string{
		"each": func(i int) map[string]string {
			return map[string]string{"tier": "web", "app": fmt.Sprint(i % pods)}
		},
		"all": func(i int) map[string]string {
			if i < 10 {
				return map[string]string{"tier": "web"}
			}
			return map[string]string{"tier": "web", "app": fmt.Sprint("none-", i)}
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				begun := time.Now()
				c, err := podnet.NewCluster(podnet.Config{PodCIDRs: prefixes("10.244.0.0/16"), Nodes: 4})
				require.NoError(b, err)
				for i := range services {
					require.NoError(b, c.Apply(b.Context(), podnet.ServiceSpec{
						Name: fmt.Sprintf("svc-%d", i), Selector: selector(i), Ports: []podnet.ServicePort{{Name: "tcp", Port: 80}, {Name: "udp", Protocol: podnet.ProtocolUDP, Port: 80}},
					}))
				}
				made := time.Now()
				for i := range pods {
					p := webPod(fmt.Sprintf("pod-%d", i))
					p.Labels = map[string]string{"tier": "web", "app": fmt.Sprint(i)}
					require.NoError(b, c.Apply(b.Context(), p))
				}
				for _, p := range c.Pods() {
					require.NoError(b, p.WaitReady(b.Context()))
				}
				b.ReportMetric(made.Sub(begun).Seconds(), "s/services")
				b.ReportMetric(time.Since(made).Seconds(), "s/pods")
				if name == "all" {
					require.Len(b, c.Service("", "svc-9").Endpoints(), pods)
				} else {
					require.Len(b, c.Service("", "svc-9999").Endpoints(), 1)
				}
				deleting := time.Now()
				for _, p := range c.Pods() {
					require.NoError(b, p.Delete(b.Context()))
				}
				b.ReportMetric(time.Since(deleting).Seconds(), "s/deletion")
				require.NoError(b, c.Close())
			}
		})
	}
}
