package netstack

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/fabric"
)

var gateways = []netip.Addr{netip.MustParseAddr("10.244.0.1"), netip.MustParseAddr("fd00:10:244::1")}

// newNode returns the namespace of a node without Pods, and a process in it.
func newNode(t *testing.T, group *Group) (*Namespace, *Owner) {
	t.Helper()
	ns, err := New(Config{Seed: 1, Group: group})
	require.NoError(t, err)
	t.Cleanup(ns.Close)
	return ns, ns.NewOwner("kubelet", 1, nil)
}

func podAddrs(i int) []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{10, 244, byte(i >> 8), byte(i)}), netip.MustParseAddr(fmt.Sprintf("fd00:10:244::%x", i))}
}

// nodeLink is the link to the i'th Pod, whose end of it is the other.
func nodeLink(i int) (Link, *fabric.VethEnd) {
	mine, theirs := fabric.NewVeth(DefaultMTU)
	l := Link{Name: fmt.Sprintf("veth%d", i), Endpoint: mine, Hosts: podAddrs(i)}
	for _, gw := range gateways {
		l.Addrs = append(l.Addrs, hostPrefix(gw))
	}
	return l, theirs
}

// addPod adds the i'th Pod to a node, and a process in it.
func addPod(t *testing.T, node *Namespace, i int, group *Group) *Owner {
	t.Helper()
	l, end := nodeLink(i)
	require.NoError(t, node.AddLink(l))
	ns, err := New(Config{Seed: uint64(i), Group: group})
	require.NoError(t, err)
	t.Cleanup(ns.Close)
	addrs := podAddrs(i)
	require.NoError(t, ns.AddLink(Link{
		Name: "eth0", Endpoint: end, Gateways: gateways,
		Addrs: []netip.Prefix{netip.PrefixFrom(addrs[0], 24), netip.PrefixFrom(addrs[1], 64)},
	}))
	return ns.NewOwner("app", 1, nil)
}

// peers returns what each side of a connection to l takes the other for.
func peers(t *testing.T, from *Owner, l net.Listener, addr netip.Addr) (client, server netip.AddrPort) {
	t.Helper()
	port := addrPortOf(l.Addr()).Port()
	c, err := from.Dial(t.Context(), "tcp", netip.AddrPortFrom(addr, port).String())
	require.NoError(t, err)
	defer c.Close()
	s, err := l.Accept()
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, addrPortOf(c.LocalAddr()).Port(), addrPortOf(s.RemoteAddr()).Port())
	return addrPortOf(s.RemoteAddr()), addrPortOf(c.RemoteAddr())
}

// A node has its gateway address on the links to all its Pods.
func TestOneAddressOnManyLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, kubelet := newNode(t, nil)
		pods := []*Owner{addPod(t, node, 2, nil), addPod(t, node, 3, nil), addPod(t, node, 4, nil)}
		onAll, err := kubelet.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		for i, pod := range pods {
			l, err := pod.Listen(t.Context(), "tcp", ":8080")
			require.NoError(t, err)
			for j, gw := range gateways {
				addr := podAddrs(2 + i)[j]
				client, _ := peers(t, kubelet, l, addr)
				assert.Equal(t, gw, client.Addr().Unmap(), "the Pod sees the gateway")
				client, _ = peers(t, pod, onAll, gw)
				assert.Equal(t, addr, client.Addr().Unmap(), "the node sees the Pod")

				one, err := kubelet.Listen(t.Context(), "tcp", netip.AddrPortFrom(gw, 81).String())
				require.NoError(t, err)
				client, _ = peers(t, pod, one, gw)
				assert.Equal(t, addr, client.Addr().Unmap(), "a listener on the gateway is reached over every link")
				sent := node.stack.NICInfo()[loopbackID].Stats.Tx.Packets.Value()
				client, _ = peers(t, kubelet, one, gw)
				assert.Equal(t, gw, client.Addr().Unmap())
				assert.Greater(t, node.stack.NICInfo()[loopbackID].Stats.Tx.Packets.Value(), sent, "own-address traffic crosses lo")
				one.Close()

				_, err = kubelet.Dial(t.Context(), "tcp", netip.AddrPortFrom(addr, 9).String())
				assert.EqualError(t, err, "dial tcp "+netip.AddrPortFrom(addr, 9).String()+": connect: connection refused")
				_, err = pod.Dial(t.Context(), "tcp", netip.AddrPortFrom(gw, 9).String())
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
			}
			l.Close()
		}
		var names []string
		for _, i := range node.Interfaces()[1:] {
			names = append(names, fmt.Sprint(i.Index, i.Name, i.Addrs))
		}
		const addrs = "[10.244.0.1/32 fd00:10:244::1/128]"
		assert.Equal(t, []string{"2veth2" + addrs, "3veth3" + addrs, "4veth4" + addrs}, names)
	})
}

func TestRemoveLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, kubelet := newNode(t, nil)
		reaches := func(addr netip.Addr) error {
			c, err := kubelet.Dial(t.Context(), "tcp", netip.AddrPortFrom(addr, 80).String())
			if err == nil {
				err = c.Close()
			}
			return err
		}
		listen := func(pod *Owner) {
			_, err := pod.Listen(t.Context(), "tcp", ":80")
			require.NoError(t, err)
		}
		listen(kubelet)
		listen(addPod(t, node, 2, nil))
		listen(addPod(t, node, 3, nil))
		node.RemoveLink("veth2")
		node.RemoveLink("veth2")
		node.RemoveLink("none")
		node.RemoveLink("lo")
		for i, gw := range gateways {
			assert.ErrorIs(t, reaches(podAddrs(2)[i]), syscall.ENETUNREACH)
			assert.NoError(t, reaches(podAddrs(3)[i]))
			assert.NoError(t, reaches(gw), "veth3 has it still")
		}
		assert.Len(t, node.Interfaces(), 2)
		listen(addPod(t, node, 2, nil))
		assert.Equal(t, "veth2", node.Interfaces()[2].Name)
		assert.Equal(t, 4, node.Interfaces()[2].Index, "no index is used again")
		node.RemoveLink("veth3")
		for i := range gateways {
			assert.NoError(t, reaches(podAddrs(2)[i]))
			assert.ErrorIs(t, reaches(podAddrs(3)[i]), syscall.ENETUNREACH)
		}
		node.RemoveLink("veth2")
		for _, gw := range gateways {
			assert.ErrorIs(t, reaches(gw), syscall.ENETUNREACH)
		}
		assert.NoError(t, reaches(netip.AddrFrom4([4]byte{127, 0, 0, 1})))
	})
}

func TestSocketsOverALinkThatIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, kubelet := newNode(t, nil)
		pod := addPod(t, node, 2, nil)
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
		_, syn := nodeLink(3)
		require.NoError(t, node.AddLink(Link{Name: "veth3", Endpoint: syn, Addrs: []netip.Prefix{hostPrefix(gateways[0])}, Hosts: podAddrs(3)[:1]}))
		go func() {
			_, err := kubelet.Dial(t.Context(), "tcp", "10.244.0.3:80") // nobody is there
			dialed <- err
		}()
		synctest.Wait()
		node.RemoveLink("veth2")
		node.RemoveLink("veth3")

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
		assert.EqualError(t, <-dialed, "dial tcp 10.244.0.3:80: connect: connection timed out")
		_, err = busy.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		assert.NoError(t, idle.Close())
		assert.NoError(t, busy.Close())
	})
}

func port(c net.Conn) string { return fmt.Sprint(addrPortOf(c.LocalAddr()).Port()) }

func TestAddLinkAddsAllOrNothing(t *testing.T) {
	node, _ := newNode(t, nil)
	l, end := nodeLink(2)
	l.Addrs = append(l.Addrs, l.Addrs[0])
	assert.EqualError(t, node.AddLink(l), "netstack: add link veth2: add address 10.244.0.1/32: duplicate address")
	assert.Len(t, node.Interfaces(), 1)
	assert.Empty(t, node.locals)
	assert.Len(t, node.stack.GetRouteTable(), 2)
	assert.Len(t, node.stack.AllAddresses()[loopbackID], 3, "127.0.0.1, ::1 and the broadcast address of all links")
	assert.False(t, end.IsAttached())
	l, _ = nodeLink(2)
	require.NoError(t, node.AddLink(l))
	again, _ := nodeLink(2)
	assert.EqualError(t, node.AddLink(again), "netstack: add link veth2: a link of this name exists")
	node.Close()
	assert.ErrorIs(t, node.AddLink(Link{Name: "veth3"}), net.ErrClosed)
	node.RemoveLink("veth2")
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

// BenchmarkAddAndRemoveLink is what a node pays for a Pod, next to others.
func BenchmarkAddAndRemoveLink(b *testing.B) {
	for _, others := range []int{0, 100, 1000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			node, err := New(Config{})
			require.NoError(b, err)
			defer node.Close()
			for i := range others {
				l, _ := nodeLink(10 + i)
				require.NoError(b, node.AddLink(l))
			}
			b.ReportAllocs()
			for b.Loop() {
				l, _ := nodeLink(2)
				if err := node.AddLink(l); err != nil {
					b.Fatal(err)
				}
				node.RemoveLink(l.Name)
			}
		})
	}
}
