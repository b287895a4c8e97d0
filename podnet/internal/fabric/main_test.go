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
	"podnet.dev/podnet/internal/faults"
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
	end        *fabric.Veth
	whose      faults.End
	ipv4, ipv6 netip.Addr
}

// connect returns two hosts at one router without rules.
func connect(t testing.TB) (a, b host) {
	t.Helper()
	hosts := newWorld(t, fabric.Rules{}, 1).hosts
	return hosts[0], hosts[1]
}

// world is two hosts at each of its routers, whose numbers they have: 10.0.R.H and
// fd00:R::H. The router is 10.0.R.254 and fd00:R::fe to them, and 172.18.0.R and
// fc00::R to the others.
type world struct {
	network *fabric.Network
	faults  *faults.Set
	routers []*fabric.Router
	hosts   []host
}

func newWorld(t testing.TB, rules fabric.Rules, routers int) world {
	t.Helper()
	w := world{network: fabric.NewNetwork(netstack.DefaultMTU), faults: faults.NewSet(1)}
	t.Cleanup(w.network.Close)
	t.Cleanup(w.faults.Close)
	group := new(netstack.Group)
	for n := range routers {
		addrs := []netip.Addr{netip.AddrFrom4([4]byte{172, 18, 0, byte(n)}), netip.MustParseAddr(fmt.Sprintf("fc00::%d", n))}
		r := fabric.NewRouter(fabric.RouterConfig{Network: w.network, Name: fmt.Sprintf("node-%d", n), Faults: w.faults, Addrs: addrs, Seed: uint64(n), Rules: rules})
		t.Cleanup(r.Close)
		w.network.Attach(r, []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", n)), netip.MustParsePrefix(fmt.Sprintf("fd00:%d::/64", n))})
		w.routers = append(w.routers, r)
		gateways := []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(n), 254}), netip.MustParseAddr(fmt.Sprintf("fd00:%d::fe", n))}
		for i := range 2 {
			h := host{ipv4: netip.AddrFrom4([4]byte{10, 0, byte(n), byte(1 + i)}), ipv6: netip.MustParseAddr(fmt.Sprintf("fd00:%d::%d", n, 1+i))}
			h.whose = faults.End{Node: fmt.Sprintf("node-%d", n), Pod: fmt.Sprintf("pod-%d-%d", n, i)}
			h.end = r.NewVethOf(h.whose, []netip.Addr{h.ipv4, h.ipv6}, gateways, netstack.DefaultMTU)
			var err error
			h.ns, err = netstack.New(netstack.Config{Seed: uint64(2*n + i), Group: group, Faults: w.faults, End: h.whose})
			require.NoError(t, err)
			t.Cleanup(h.ns.Close)
			require.NoError(t, h.ns.AddLink(netstack.Link{
				Name: "eth0", Endpoint: h.end, Addrs: []netip.Prefix{netip.PrefixFrom(h.ipv4, 32), netip.PrefixFrom(h.ipv6, 128)}, Gateways: gateways,
			}))
			h.Owner = h.ns.NewOwner("app", 1, nil)
			w.hosts = append(w.hosts, h)
		}
	}
	return w
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
