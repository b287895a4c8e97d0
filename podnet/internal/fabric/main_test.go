package fabric_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gvisor.dev/gvisor/pkg/refs"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/netstack"
)

// TestMain looks for goroutines and for packets that were never released.
func TestMain(m *testing.M) {
	refs.SetLeakMode(refs.LeaksPanic)
	code := m.Run()
	refs.DoLeakCheck()
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreAnyFunction("runtime.handleEvent")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// host is a namespace at one end of a veth, and a process in it.
type host struct {
	*netstack.Owner
	ns         *netstack.Namespace
	end        *fabric.VethEnd
	ipv4, ipv6 netip.Addr
}

// connect returns two hosts with a veth between them.
func connect(t testing.TB) (a, b host) {
	t.Helper()
	a.end, b.end = fabric.NewVeth(netstack.DefaultMTU)
	group := new(netstack.Group)
	for i, h := range []*host{&a, &b} {
		h.ipv4 = netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)})
		h.ipv6 = netip.MustParseAddr(fmt.Sprintf("fd00::%d", 1+i))
		var err error
		h.ns, err = netstack.New(netstack.Config{Seed: uint64(i), Group: group})
		require.NoError(t, err)
		t.Cleanup(h.ns.Close)
		require.NoError(t, h.ns.AddLink(netstack.Link{
			Name: "eth0", Endpoint: h.end, Addrs: []netip.Prefix{netip.PrefixFrom(h.ipv4, 24), netip.PrefixFrom(h.ipv6, 64)},
		}))
		h.Owner = h.ns.NewOwner("app", 1, nil)
	}
	return a, b
}

// dial returns both ends of a TCP connection from a to b.
func dial(t testing.TB, a, b host, addr netip.Addr) (client, server net.Conn) {
	t.Helper()
	l, err := b.Listen(context.Background(), "tcp", netip.AddrPortFrom(addr, 0).String())
	require.NoError(t, err)
	defer l.Close()
	client, err = a.Dial(context.Background(), "tcp", l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	return client, server
}

// discard reads a connection to its end.
func discard(c net.Conn) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 64<<10))
}
