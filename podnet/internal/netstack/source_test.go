package netstack

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSource compares what is promised with what a connected UDP socket has.
func TestSource(t *testing.T) {
	_, pod := newTestNamespace(t)
	ns, err := New(Config{})
	require.NoError(t, err)
	t.Cleanup(ns.Close)
	bare := ns.NewOwner("app", 1, nil) // without any way out
	for _, text := range []string{
		"127.0.0.1", "127.0.0.5", "::1", "::ffff:127.0.0.1", "10.244.0.2", "fd00:10:244::2", "10.244.0.9", "192.0.2.1", "fd00:10:96::5", "2001:db8::1",
	} {
		to := netip.MustParseAddr(text)
		for name, o := range map[string]*Owner{"a Pod": pod, "a bare namespace": bare} {
			var want netip.Addr
			if c, err := o.Dial(t.Context(), "udp", netip.AddrPortFrom(to, 9).String()); err == nil {
				ap, err := netip.ParseAddrPort(c.LocalAddr().String())
				require.NoError(t, err)
				want = ap.Addr()
				require.NoError(t, c.Close())
			}
			assert.Equal(t, want, o.Source(to), "from %s to %s", name, to)
		}
	}
	assert.Equal(t, podIPv4, pod.Source(netip.MustParseAddr("192.0.2.1")))
	assert.False(t, bare.Source(netip.MustParseAddr("192.0.2.1")).IsValid())
	assert.False(t, pod.Source(netip.Addr{}).IsValid())
	pod.Kill()
	assert.False(t, pod.Source(netip.MustParseAddr("192.0.2.1")).IsValid())
}
