package podnet_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// BenchmarkLookup looks up a name of a container: in its /etc/hosts, and at a
// name server in its Pod, where each look-up is two queries over sockets of
// their own.
func BenchmarkLookup(b *testing.B) {
	c := podnettest.NewCluster(b, podnet.Config{})
	c.SetNames(new(names))
	p := podnettest.StartPod(b, c, ownDNS(podnet.PodSpec{Name: "box", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}))
	stop, err := p.ServeDNS(netip.MustParseAddr("127.0.0.1"))
	require.NoError(b, err)
	defer stop()
	r := p.Container("main").Resolver()
	for name, host := range map[string]string{"hosts": "box", "server": "web.default.svc.cluster.local."} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := r.LookupHost(context.Background(), host)
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkLookupOfTheMachine is the same with package net and the machine's
// own network.
func BenchmarkLookupOfTheMachine(b *testing.B) {
	c := podnettest.NewCluster(b, podnet.Config{})
	c.SetNames(new(names))
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(b, err)
	stop := c.ServeNames(packets)
	defer stop()
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, packets.LocalAddr().String())
	}}
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.LookupHost(context.Background(), "web.default.svc.cluster.local.")
		require.NoError(b, err)
	}
}
