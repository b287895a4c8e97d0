package fabric_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/netfilter"
	"podnet.dev/podnet/internal/netstack"
)

// inAndOutside runs a test in a bubble and outside.
func inAndOutside(t *testing.T, test func(t *testing.T)) {
	t.Run("in a bubble", func(t *testing.T) { synctest.Test(t, test) })
	t.Run("outside", test)
}

func TestTrafficBetweenNamespaces(t *testing.T) {
	for _, network := range []string{"tcp4", "tcp6", "udp4", "udp6", "ip4:icmp", "ip6:ipv6-icmp"} {
		t.Run(network, func(t *testing.T) {
			inAndOutside(t, func(t *testing.T) {
				a, b := connect(t)
				addr := b.ipv4
				if network == "tcp6" || network == "udp6" || network == "ip6:ipv6-icmp" {
					addr = b.ipv6
				}
				switch network[:2] {
				case "tc":
					client, server := dial(t, a, b, addr)
					go io.Copy(server, struct{ io.Reader }{server})
					echo(t, client, []byte("hello"))
					client.Close()
				case "ud":
					server, err := b.ListenPacket(t.Context(), network, ":0")
					require.NoError(t, err)
					go func() {
						buf := make([]byte, 1<<16)
						for {
							n, from, err := server.ReadFrom(buf)
							if err != nil {
								return
							}
							server.WriteTo(buf[:n], from)
						}
					}()
					port := server.LocalAddr().(*net.UDPAddr).AddrPort().Port()
					client, err := a.Dial(t.Context(), network, netip.AddrPortFrom(addr, port).String())
					require.NoError(t, err)
					echo(t, client, []byte("hello"))
					echo(t, client, make([]byte, 60000)) // forty fragments
					server.Close()
				default:
					client, err := a.Dial(t.Context(), network, addr.String())
					require.NoError(t, err)
					request := []byte{byte(header.ICMPv4Echo), 0, 0, 0, 0, 7, 0, 1, 'h', 'i'}
					if addr.Is6() {
						request[0] = byte(header.ICMPv6EchoRequest) // the stack adds the checksum
					} else {
						header.ICMPv4(request).SetChecksum(header.ICMPv4Checksum(request, 0))
					}
					_, err = client.Write(request)
					require.NoError(t, err)
					buf := make([]byte, 100)
					n, err := client.Read(buf)
					require.NoError(t, err)
					assert.Equal(t, "hi", string(buf[n-2:n]))
				}
			})
		})
	}
}

func echo(t *testing.T, c net.Conn, data []byte) {
	t.Helper()
	_, err := c.Write(data)
	require.NoError(t, err)
	got := make([]byte, len(data))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.Equal(t, data, got)
}

// tap sees the packets that a stack writes.
type tap struct {
	*fabric.Veth
	seen func(*stack.PacketBuffer)
}

func (t tap) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	for _, pkt := range pkts.AsSlice() {
		t.seen(pkt)
	}
	return t.Veth.WritePackets(pkts)
}

// A stream crosses in segments of up to 64 KiB, which say that they are to be cut
// to the MTU; all else keeps to it.
func TestLongSegmentsAtAnMTUOf1500(t *testing.T) {
	r := fabric.NewRouter(fabric.RouterConfig{})
	defer r.Close()
	var longest, datagrams atomic.Int64
	var owners []*netstack.Owner
	for i := range 2 {
		ns, err := netstack.New(netstack.Config{})
		require.NoError(t, err)
		defer ns.Close()
		addr, gateway := netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}), netip.AddrFrom4([4]byte{10, 0, 0, 254})
		var end stack.LinkEndpoint = r.NewVeth([]netip.Addr{addr}, []netip.Addr{gateway}, 1500)
		if i == 0 {
			end = tap{end.(*fabric.Veth), func(pkt *stack.PacketBuffer) {
				longest.Store(max(longest.Load(), int64(pkt.Size())))
				if pkt.GSOOptions.Type == stack.GSONone {
					assert.LessOrEqual(t, pkt.Size(), 1500)
					datagrams.Add(1)
					return
				}
				assert.LessOrEqual(t, int(pkt.GSOOptions.MSS), 1460)
			}}
		}
		require.NoError(t, ns.AddLink(netstack.Link{Name: "eth0", Endpoint: end, Addrs: []netip.Prefix{netip.PrefixFrom(addr, 32)}, Gateways: []netip.Addr{gateway}}))
		owners = append(owners, ns.NewOwner("app", 1, nil))
	}
	l, err := owners[1].Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	client, err := owners[0].Dial(t.Context(), "tcp", "10.0.0.2:80")
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	go func() {
		client.Write(make([]byte, 8<<20))
		client.Close()
	}()
	n, err := discard(server)
	require.NoError(t, err)
	assert.EqualValues(t, 8<<20, n)
	assert.Greater(t, longest.Load(), int64(32<<10))
	assert.LessOrEqual(t, longest.Load(), int64(65535))

	c, err := owners[0].Dial(t.Context(), "udp", "10.0.0.2:53")
	require.NoError(t, err)
	before := datagrams.Load()
	_, err = c.Write(make([]byte, 3000))
	require.NoError(t, err)
	assert.EqualValues(t, 3, datagrams.Load()-before)
}

// stub is a stack that does with packets what it is told.
type stub struct {
	stack.NetworkDispatcher
	handle func(*stack.PacketBuffer)
}

func (s stub) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt *stack.PacketBuffer) {
	s.handle(pkt)
}

// send writes a UDP packet of the length of data to 10.0.0.2.
func send(e *fabric.Veth, data string, gso stack.GSO) tcpip.Error {
	b := append(make([]byte, header.IPv4MinimumSize+header.UDPMinimumSize), data...)
	header.IPv4(b).Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.UDPProtocolNumber), Flags: header.IPv4FlagDontFragment,
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
	})
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	pkt.GSOOptions = gso
	var list stack.PacketBufferList
	list.PushBack(pkt)
	_, err := e.WritePackets(list)
	return err
}

// text returns the payload of a UDP packet.
func text(pkt *stack.PacketBuffer) string {
	b := pkt.ToBuffer()
	defer b.Release()
	return string(b.Flatten()[header.IPv4MinimumSize+header.UDPMinimumSize:])
}

// pair returns the veths of 10.0.0.1 and 10.0.0.2, and what the router drops.
func pair(t *testing.T) (from, to *fabric.Veth, drops func() []string) {
	var mu sync.Mutex
	var list []string
	r := fabric.NewRouter(fabric.RouterConfig{Rules: fabric.Rules{Dropped: func(_ netfilter.Tuple, why string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, why)
	}}})
	t.Cleanup(r.Close)
	gateways := []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 254})}
	from = r.NewVeth([]netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 1})}, gateways, 1500)
	to = r.NewVeth([]netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 2})}, gateways, 1500)
	t.Cleanup(from.Close)
	t.Cleanup(to.Close)
	return from, to, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

func TestWhatArrives(t *testing.T) {
	const headers = header.IPv4MinimumSize + header.UDPMinimumSize
	for name, tt := range map[string]struct {
		prepare func(from, to *fabric.Veth)
		length  int
		gso     stack.GSO
		drop    string // why it does not arrive
	}{
		"a packet":                       {length: 1},
		"as long as the receiver's MTU":  {length: 1400 - headers},
		"longer than the receiver's MTU": {length: 1401 - headers, drop: fabric.DropTooBig},
		"a long segment":                 {length: 2000, gso: stack.GSO{Type: stack.GSOTCPv4, MSS: 1360}},
		"segments that are too long":     {length: 2000, gso: stack.GSO{Type: stack.GSOTCPv4, MSS: 1460}, drop: fabric.DropTooBig},
		"with nobody there":              {length: 1, prepare: func(_, to *fabric.Veth) { to.Attach(nil) }, drop: fabric.DropNoDevice},
		"after the other end was closed": {length: 1, prepare: func(_, to *fabric.Veth) { to.Close(); to.Close() }, drop: fabric.DropNoRoute},
	} {
		t.Run(name, func(t *testing.T) {
			from, to, drops := pair(t)
			to.SetMTU(1400)
			assert.EqualValues(t, 1500, from.MTU())
			assert.False(t, to.IsAttached())
			var got []int
			to.Attach(stub{handle: func(pkt *stack.PacketBuffer) {
				assert.Equal(t, tt.gso, pkt.GSOOptions)
				assert.Equal(t, header.IPv4ProtocolNumber, pkt.NetworkProtocolNumber)
				got = append(got, len(text(pkt)))
			}})
			assert.True(t, to.IsAttached())
			if tt.prepare != nil {
				tt.prepare(from, to)
			}
			assert.Nil(t, send(from, string(make([]byte, tt.length)), tt.gso))
			to.Close()
			if tt.drop == "" {
				assert.Equal(t, []int{tt.length}, got)
				assert.Empty(t, drops())
			} else {
				assert.Empty(t, got)
				assert.Contains(t, drops(), tt.drop)
			}
		})
	}
}

func TestPacketsArriveInOrderAndBeforeCloseReturns(t *testing.T) {
	from, to, _ := pair(t)
	var got []string
	to.Attach(stub{handle: func(pkt *stack.PacketBuffer) { got = append(got, text(pkt)) }})
	var want []string
	for i := range 900 {
		want = append(want, fmt.Sprint(i))
		require.Nil(t, send(from, want[i], stack.GSO{}))
	}
	to.Close()
	assert.Equal(t, want, got)
}

func TestAFullBacklogDropsPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to, drops := pair(t)
		var arrived int
		busy := make(chan struct{})
		to.Attach(stub{handle: func(*stack.PacketBuffer) { arrived++; <-busy }})
		send(from, "x", stack.GSO{})
		synctest.Wait() // it is being delivered
		for range 1001 {
			send(from, "x", stack.GSO{})
		}
		assert.Equal(t, []string{fabric.DropQueueFull}, drops())
		close(busy)
		to.Close()
		assert.Equal(t, 1001, arrived)
	})
}

func TestCloseUnderTraffic(t *testing.T) {
	for name, end := range map[string]func(a, b host){
		"one end":        func(a, b host) { a.end.Close() },
		"both ends":      func(a, b host) { both(a.end.Close, b.end.Close) },
		"one link":       func(a, b host) { a.ns.RemoveLink("eth0") },
		"both links":     func(a, b host) { both(func() { a.ns.RemoveLink("eth0") }, func() { b.ns.RemoveLink("eth0") }) },
		"one namespace":  func(a, b host) { a.ns.Close() },
		"both of them":   func(a, b host) { both(a.ns.Close, b.ns.Close) },
		"one, then both": func(a, b host) { b.ns.RemoveLink("eth0"); both(a.ns.Close, b.ns.Close) },
	} {
		t.Run(name, func(t *testing.T) {
			inAndOutside(t, func(t *testing.T) {
				a, b := connect(t)
				var wg sync.WaitGroup
				var moved atomic.Int64
				started := make(chan struct{})
				for range 4 {
					client, server := dial(t, a, b, b.ipv4)
					for _, c := range []net.Conn{client, server} {
						wg.Go(func() {
							buf := make([]byte, 32<<10)
							for {
								n, err := c.Read(buf)
								if err != nil {
									return
								}
								if total := moved.Add(int64(n)); total > 8<<20 && total-int64(n) <= 8<<20 {
									close(started)
								}
							}
						})
						wg.Go(func() {
							for buf := make([]byte, 32<<10); ; {
								if _, err := c.Write(buf); err != nil {
									return
								}
							}
						})
					}
				}
				wg.Go(func() {
					for { // refused, again and again
						runtime.Gosched() // js/wasm takes no goroutine from its one thread
						if _, err := a.Dial(context.Background(), "tcp", netip.AddrPortFrom(b.ipv6, 1).String()); errors.Is(err, net.ErrClosed) {
							return
						}
					}
				})
				<-started
				end(a, b)
				a.Kill()
				b.Kill()
				wg.Wait()
			})
		})
	}
}

func both(f, g func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Go(g)
	wg.Wait()
}
