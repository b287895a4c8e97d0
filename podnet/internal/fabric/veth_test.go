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
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/fabric"
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
	*fabric.VethEnd
	seen func(*stack.PacketBuffer)
}

func (t tap) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	for _, pkt := range pkts.AsSlice() {
		t.seen(pkt)
	}
	return t.VethEnd.WritePackets(pkts)
}

// A stream crosses in segments of up to 64 KiB, which say that they are to be cut
// to the MTU; all else keeps to it.
func TestLongSegmentsAtAnMTUOf1500(t *testing.T) {
	one, other := fabric.NewVeth(1500)
	var longest, datagrams atomic.Int64
	watched := tap{one, func(pkt *stack.PacketBuffer) {
		longest.Store(max(longest.Load(), int64(pkt.Size())))
		if pkt.GSOOptions.Type == stack.GSONone {
			assert.LessOrEqual(t, pkt.Size(), 1500)
			datagrams.Add(1)
			return
		}
		assert.LessOrEqual(t, int(pkt.GSOOptions.MSS), 1460)
	}}
	var owners []*netstack.Owner
	for i, end := range []stack.LinkEndpoint{watched, other} {
		ns, err := netstack.New(netstack.Config{})
		require.NoError(t, err)
		defer ns.Close()
		require.NoError(t, ns.AddLink(netstack.Link{Name: "eth0", Endpoint: end, Addrs: []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}), 24),
		}}))
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

func send(e *fabric.VethEnd, data []byte, gso stack.GSO) tcpip.Error {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(data)})
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	pkt.GSOOptions = gso
	var list stack.PacketBufferList
	list.PushBack(pkt)
	_, err := e.WritePackets(list)
	return err
}

func text(pkt *stack.PacketBuffer) string {
	b := pkt.ToBuffer()
	defer b.Release()
	return string(b.Flatten())
}

func TestWhatArrives(t *testing.T) {
	long := make([]byte, 1401)
	for name, tt := range map[string]struct {
		prepare func(from, to *fabric.VethEnd)
		data    []byte
		gso     stack.GSO
		arrives bool
	}{
		"a packet":                         {data: []byte("x"), arrives: true},
		"as long as the receiver's MTU":    {data: long[:1400], arrives: true},
		"longer than the receiver's MTU":   {data: long},
		"a long segment":                   {data: long, gso: stack.GSO{Type: stack.GSOTCPv4}, arrives: true},
		"with nobody there":                {data: []byte("x"), prepare: func(_, to *fabric.VethEnd) { to.Attach(nil) }},
		"after this end was closed":        {data: []byte("x"), prepare: func(from, _ *fabric.VethEnd) { from.Close() }},
		"after the other end was closed":   {data: []byte("x"), prepare: func(_, to *fabric.VethEnd) { to.Close() }},
		"after both were, one of them two": {data: []byte("x"), prepare: func(from, to *fabric.VethEnd) { from.Close(); to.Close(); to.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := fabric.NewVeth(1500)
			to.SetMTU(1400)
			assert.EqualValues(t, 1500, from.MTU())
			assert.False(t, to.IsAttached())
			var got []string
			to.Attach(stub{handle: func(pkt *stack.PacketBuffer) {
				assert.Equal(t, tt.gso, pkt.GSOOptions)
				assert.Equal(t, header.IPv4ProtocolNumber, pkt.NetworkProtocolNumber)
				got = append(got, text(pkt))
			}})
			assert.True(t, to.IsAttached())
			if tt.prepare != nil {
				tt.prepare(from, to)
			}
			assert.Nil(t, send(from, tt.data, tt.gso))
			to.Close()
			if tt.arrives {
				assert.Equal(t, []string{string(tt.data)}, got)
			} else {
				assert.Empty(t, got)
			}
		})
	}
}

func TestPacketsArriveInOrderAndBeforeCloseReturns(t *testing.T) {
	from, to := fabric.NewVeth(1500)
	var got []string
	to.Attach(stub{handle: func(pkt *stack.PacketBuffer) { got = append(got, text(pkt)) }})
	var want []string
	for i := range 900 {
		want = append(want, fmt.Sprint(i))
		require.Nil(t, send(from, []byte(want[i]), stack.GSO{}))
	}
	from.Close()
	assert.Equal(t, want, got)
}

func TestAFullBacklogDropsPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := fabric.NewVeth(1500)
		var arrived int
		busy := make(chan struct{})
		to.Attach(stub{handle: func(*stack.PacketBuffer) { arrived++; <-busy }})
		require.Nil(t, send(from, []byte("x"), stack.GSO{}))
		synctest.Wait() // it is being delivered
		for range 1000 {
			require.Nil(t, send(from, []byte("x"), stack.GSO{}))
		}
		assert.Equal(t, &tcpip.ErrNoBufferSpace{}, send(from, []byte("x"), stack.GSO{}))
		close(busy)
		from.Close()
		assert.Equal(t, 1001, arrived)
	})
}

// Two stacks that answer each other's answers: the stack of the goroutine does
// not grow, and Close ends it.
func TestAnswersToAnswersDoNotRecurse(t *testing.T) {
	a, b := fabric.NewVeth(1500)
	var answers atomic.Int64
	enough := make(chan struct{})
	answer := func(from *fabric.VethEnd) stub {
		return stub{handle: func(*stack.PacketBuffer) {
			assert.Less(t, runtime.Callers(0, make([]uintptr, 100)), 20)
			if answers.Add(1) == 10000 {
				close(enough)
			}
			send(from, []byte("x"), stack.GSO{})
		}}
	}
	a.Attach(answer(a))
	b.Attach(answer(b))
	send(a, []byte("x"), stack.GSO{})
	<-enough
	a.Close()
}

// A router's answer to a SYN is an ICMP error, for which the TCP endpoint takes
// the lock that it holds while it sends the SYN.
func TestAnAnswerThatWantsTheWritersLock(t *testing.T) {
	inAndOutside(t, func(t *testing.T) {
		here, there := fabric.NewVeth(1500)
		ns, err := netstack.New(netstack.Config{})
		require.NoError(t, err)
		defer ns.Close()
		self := netip.MustParseAddr("10.0.0.1")
		require.NoError(t, ns.AddLink(netstack.Link{
			Name: "eth0", Endpoint: here, Addrs: []netip.Prefix{netip.PrefixFrom(self, 24)}, Gateways: []netip.Addr{netip.MustParseAddr("10.0.0.254")},
		}))
		there.Attach(stub{handle: func(pkt *stack.PacketBuffer) { send(there, unreachable([]byte(text(pkt))), stack.GSO{}) }})
		_, err = ns.NewOwner("app", 1, nil).Dial(t.Context(), "tcp", "192.0.2.1:80")
		require.ErrorIs(t, err, syscall.EHOSTUNREACH)
		assert.EqualError(t, err, "dial tcp 192.0.2.1:80: connect: no route to host")
	})
}

// unreachable returns the ICMP error that says that the host of an IPv4 packet
// cannot be reached.
func unreachable(packet []byte) []byte {
	orig := header.IPv4(packet)
	about := packet[:int(orig.HeaderLength())+8]
	b := make([]byte, header.IPv4MinimumSize+header.ICMPv4MinimumSize, 100)
	b = append(b, about...)
	ip := header.IPv4(b)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.ICMPv4ProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 254}), DstAddr: orig.SourceAddress(),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	icmp := header.ICMPv4(ip.Payload())
	icmp.SetType(header.ICMPv4DstUnreachable)
	icmp.SetCode(header.ICMPv4HostUnreachable)
	icmp.SetChecksum(header.ICMPv4Checksum(icmp, 0))
	return b
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
