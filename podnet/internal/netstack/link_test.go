package netstack

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/iptables"
)

// newPair returns two namespaces, with 10.244.0.1 and 10.244.0.2, whose eth0 lead
// to one router, and a process in each.
func newPair(t *testing.T) (one, other *Namespace, from, to *Owner) {
	t.Helper()
	group := new(Group)
	router := fabric.NewRouter(fabric.RouterConfig{})
	t.Cleanup(router.Close)
	gateways := []netip.Addr{netip.MustParseAddr("10.244.0.254"), netip.MustParseAddr("fd00:10:244::fe")}
	var list [2]*Namespace
	for i := range list {
		ns, err := New(Config{Seed: uint64(i), Group: group})
		require.NoError(t, err)
		t.Cleanup(ns.Close)
		addrs := []netip.Addr{netip.AddrFrom4([4]byte{10, 244, 0, byte(1 + i)}), netip.MustParseAddr(fmt.Sprintf("fd00:10:244::%d", 1+i))}
		require.NoError(t, ns.AddLink(Link{
			Name: "eth0", Endpoint: router.NewVeth(addrs, gateways, DefaultMTU), Gateways: gateways,
			Addrs: []netip.Prefix{netip.PrefixFrom(addrs[0], 24), netip.PrefixFrom(addrs[1], 64)},
		}))
		list[i] = ns
	}
	return list[0], list[1], list[0].NewOwner("client", 1, nil), list[1].NewOwner("server", 1, nil)
}

func TestSocketsOverALinkThatIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, _, kubelet, pod := newPair(t)
		l, err := pod.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		idle, err := kubelet.Dial(t.Context(), "tcp", "10.244.0.2:80")
		require.NoError(t, err)
		busy, err := kubelet.Dial(t.Context(), "tcp", "[fd00:10:244::2]:80")
		require.NoError(t, err)
		_, err = l.Accept()
		require.NoError(t, err)
		connected, err := kubelet.Dial(t.Context(), "udp", "10.244.0.2:53")
		require.NoError(t, err)
		unconnected, err := kubelet.ListenPacket(t.Context(), "udp4", ":53")
		require.NoError(t, err)
		dialed := make(chan error)
		full, err := pod.ListenWith(t.Context(), ListenConfig{Backlog: 1}, "tcp", ":81")
		require.NoError(t, err)
		for range 2 {
			_, err := kubelet.Dial(t.Context(), "tcp", "10.244.0.2:81")
			require.NoError(t, err)
		}
		synctest.Wait() // the handshakes are done at that end, too
		go func() {
			_, err := kubelet.Dial(t.Context(), "tcp", "10.244.0.2:81") // whose backlog is full
			dialed <- err
		}()
		synctest.Wait()
		node.RemoveLink("eth0")
		node.RemoveLink("eth0")
		node.RemoveLink("none")
		node.RemoveLink("lo")

		_, err = connected.Write([]byte("x"))
		assert.EqualError(t, err, "write udp 10.244.0.1:"+port(connected)+"->10.244.0.2:53: write: network is unreachable")
		_, err = unconnected.WriteTo([]byte("x"), connected.RemoteAddr())
		assert.ErrorIs(t, err, syscall.ENETUNREACH)
		start := time.Now()
		_, err = busy.Write([]byte("x"))
		assert.NoError(t, err)
		_, err = idle.Read(make([]byte, 1))
		assert.EqualError(t, err, "read tcp 10.244.0.1:"+port(idle)+"->10.244.0.2:80: read: connection timed out")
		assert.Equal(t, 150*time.Second, time.Since(start).Round(time.Second), "keep-alive gives up")
		assert.EqualError(t, <-dialed, "dial tcp 10.244.0.2:81: connect: connection timed out")
		assert.NoError(t, full.Close())
		_, err = busy.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		assert.NoError(t, idle.Close())
		assert.NoError(t, busy.Close())
	})
}

func TestAClosedConnectionSendsNoProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, from, to := newPair(t)
		restore(t, client, iptables.IPv4, "*filter\n-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n")
		l, err := to.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		conn, err := from.Dial(t.Context(), "tcp", "10.244.0.2:80")
		require.NoError(t, err)
		peer, err := l.Accept()
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		require.NoError(t, peer.Close())
		time.Sleep(50 * time.Second)
		list := client.Conntrack()
		require.Len(t, list, 1)
		assert.Equal(t, "TIME_WAIT", list[0].State)
		assert.Equal(t, 70*time.Second, list[0].Timeout, "nothing was heard of it")
	})
}

// The server closes first and is in TIME_WAIT. No time passes, so the next
// connection of a port would begin where the last one did.
func TestNoPortComesAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const connections = 2000
		_, _, from, to := newPair(t)
		l, err := to.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		start, ports := time.Now(), make(map[string]bool)
		for range connections {
			conn, err := from.Dial(t.Context(), "tcp", "10.244.0.2:80")
			require.NoError(t, err)
			ports[port(conn)] = true
			peer, err := l.Accept()
			require.NoError(t, err)
			require.NoError(t, peer.Close())
			_, err = conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			require.NoError(t, conn.Close())
			synctest.Wait()
		}
		assert.Equal(t, connections, len(ports))
		assert.Zero(t, time.Since(start))
	})
}

func port(c net.Conn) string { return fmt.Sprint(addrPortOf(c.LocalAddr()).Port()) }

func TestAddLinkAddsAllOrNothing(t *testing.T) {
	ns, err := New(Config{})
	require.NoError(t, err)
	t.Cleanup(ns.Close)
	router := fabric.NewRouter(fabric.RouterConfig{})
	t.Cleanup(router.Close)
	addr := netip.MustParseAddr("10.244.0.1")
	link := func(addrs ...netip.Prefix) (Link, *fabric.Veth) {
		end := router.NewVeth([]netip.Addr{addr}, nil, DefaultMTU)
		return Link{Name: "eth0", Endpoint: end, Addrs: addrs}, end
	}
	l, end := link(hostPrefix(addr), hostPrefix(addr))
	assert.EqualError(t, ns.AddLink(l), "netstack: add link eth0: add address 10.244.0.1/32: duplicate address")
	assert.Len(t, ns.Interfaces(), 1)
	assert.Empty(t, ns.locals)
	assert.Len(t, ns.stack.GetRouteTable(), 2)
	assert.Len(t, ns.stack.AllAddresses()[loopbackID], 3, "127.0.0.1, ::1 and the broadcast address of all links")
	assert.False(t, end.IsAttached())
	l, _ = link(hostPrefix(addr))
	require.NoError(t, ns.AddLink(l))
	again, _ := link(hostPrefix(addr))
	assert.EqualError(t, ns.AddLink(again), "netstack: add link eth0: a link of this name exists")
	ns.RemoveLink("eth0")
	l, _ = link(hostPrefix(addr))
	require.NoError(t, ns.AddLink(l))
	assert.Equal(t, 4, ns.Interfaces()[1].Index, "no index is used again")
	ns.Close()
	assert.ErrorIs(t, ns.AddLink(Link{Name: "eth1"}), net.ErrClosed)
	ns.RemoveLink("eth0")
}

func TestBroadcastsOfALinkGoWithIt(t *testing.T) {
	ns, o := newTestNamespace(t)
	_, err := o.Dial(t.Context(), "tcp", "10.244.0.255:80")
	require.ErrorIs(t, err, syscall.ENETUNREACH)
	require.NoError(t, ns.AddLink(Link{Name: "eth1", Addrs: []netip.Prefix{netip.MustParsePrefix("10.244.0.3/24")}}))
	ns.RemoveLink("eth0")
	assert.True(t, ns.isBroadcast(netip.MustParseAddr("10.244.0.255")))
	ns.RemoveLink("eth1")
	assert.False(t, ns.isBroadcast(netip.MustParseAddr("10.244.0.255")))
	assert.Empty(t, ns.locals)
}
