package behaviour_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/internal/behaviour"
	"podnet.dev/podnet/podnettest"
)

// pod are the verbs of a container.
type pod struct{ *podnet.Container }

// startPod starts a Pod whose network is what a case needs. What it says to itself
// takes the shortcut past the stack, or, if somebody watches, crosses lo in packets.
func startPod(t *testing.T, needs behaviour.Needs, watched bool) pod {
	t.Helper()
	var cfg podnet.Config
	if needs&behaviour.SingleStack != 0 {
		cfg.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	}
	idle := func(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return ctx.Err() }
	c, err := podnet.NewCluster(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	if watched {
		c.TraceHeaders(func(podnet.TraceEvent) {})
	}
	p := podnettest.StartPod(t, c, podnet.PodSpec{
		Name: "pod", Containers: []podnet.ContainerSpec{{Name: "main", Run: idle}},
	})
	require.Equal(t, behaviour.IPv4, p.IP().String())
	return pod{p.Container("main")}
}

func (p pod) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return p.DialContext(ctx, network, address)
}

func (p pod) Listen(_ context.Context, network, address string) (net.Listener, error) {
	return p.Container.Listen(network, address)
}

func (p pod) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	return p.Container.ListenPacket(network, address)
}

func (p pod) ListenWith(ctx context.Context, cfg behaviour.ListenConfig, network, address string) (net.Listener, error) {
	return p.Container.ListenWith(ctx, podnet.ListenConfig(cfg), network, address)
}

func (p pod) ListenPacketWith(ctx context.Context, cfg behaviour.ListenConfig, network, address string) (net.PacketConn, error) {
	return p.Container.ListenPacketWith(ctx, podnet.ListenConfig(cfg), network, address)
}

func (p pod) DialWith(ctx context.Context, d behaviour.Dialer, network, address string) (net.Conn, error) {
	return p.Container.DialWith(ctx, podnet.Dialer{
		LocalAddr: d.LocalAddr, LocalName: d.LocalName, Timeout: d.Timeout, Deadline: d.Deadline,
		KeepAlive: d.KeepAlive, KeepAliveConfig: d.KeepAliveConfig, FallbackDelay: d.FallbackDelay,
	}, network, address)
}

func (pod) EphemeralPorts() int { return 60999 - 32768 + 1 }
