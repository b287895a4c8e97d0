package netstack

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

// Addresses of the namespace that newTestNamespace makes.
var (
	podIPv4 = netip.MustParseAddr("10.244.0.2")
	podIPv6 = netip.MustParseAddr("fd00:10:244::2")
)

// newTestNamespace returns a namespace like a Pod's, with lo and an eth0 that
// leads nowhere, and a process in it.
func newTestNamespace(t *testing.T) (*Namespace, *Owner) {
	t.Helper()
	return newTestNamespaceWith(t, Config{Seed: 1})
}

func newTestNamespaceWith(t *testing.T, cfg Config) (*Namespace, *Owner) {
	t.Helper()
	ns, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(ns.Close)
	require.NoError(t, ns.AddLink(Link{
		Name:     "eth0",
		Addrs:    []netip.Prefix{netip.PrefixFrom(podIPv4, 24), netip.PrefixFrom(podIPv6, 64)},
		Gateways: []netip.Addr{netip.MustParseAddr("10.244.0.1"), netip.MustParseAddr("fd00:10:244::1")},
	}))
	return ns, ns.NewOwner("app", 1, hostsFile)
}

// overBothPaths runs a test in a bubble, once with shortcuts and once without.
func overBothPaths(t *testing.T, test func(t *testing.T, cfg Config)) {
	for name, packets := range map[string]bool{"shortcut": false, "packets": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, Config{Seed: 1, packets: packets}) })
		})
	}
}

// hostsFile resolves as the /etc/hosts of a Pod does.
func hostsFile(_ context.Context, host string) ([]netip.Addr, error) {
	if host != "localhost" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("127.0.0.1")}, nil
}

// connect returns both ends of a connection to a new listener of o.
func connect(t *testing.T, o *Owner, network, address string) (client, server net.Conn) {
	t.Helper()
	l, err := o.Listen(t.Context(), network, address)
	require.NoError(t, err)
	defer l.Close()
	client, err = o.Dial(t.Context(), network, l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	return client, server
}
