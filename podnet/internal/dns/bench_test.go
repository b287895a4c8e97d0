package dns

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// BenchmarkServer answers one query, with few Services and with many.
func BenchmarkServer(b *testing.B) {
	for _, services := range []int{1, 10_000} {
		c := newCluster()
		for i := range services {
			ip := netip.AddrFrom4([4]byte{10, 96, byte(i >> 8), byte(i)})
			c.add("default", fmt.Sprintf("web-%d", i), Service{ClusterIPs: []netip.Addr{ip}, Ports: []Port{{"http", "TCP", 80}}})
		}
		s := testServer(b, ServerConfig{Backend: c})
		for _, q := range []struct {
			name string
			host string
			kind dnsmessage.Type
		}{
			{"A", "web-0.default.svc.cluster.local.", dnsmessage.TypeA},
			{"NXDOMAIN", "web-0.default.svc.cluster.local.default.svc.cluster.local.", dnsmessage.TypeA},
			{"SRV", "_http._tcp.web-0.default.svc.cluster.local.", dnsmessage.TypeSRV},
			{"PTR", "0.0.96.10.in-addr.arpa.", dnsmessage.TypePTR},
		} {
			b.Run(fmt.Sprintf("services=%d/%s", services, q.name), func(b *testing.B) {
				m := question(q.host, q.kind)
				msg, err := m.Pack()
				require.NoError(b, err)
				size := 0
				b.ReportAllocs()
				for b.Loop() {
					s.handle(msg, true, func(answer []byte) { size = len(answer) })
				}
				require.NotZero(b, size)
			})
		}
	}
}
