package fabric_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/netfilter"
)

// service is the address that rules send elsewhere.
var (
	service4 = netip.MustParseAddrPort("10.96.0.1:80")
	service6 = netip.MustParseAddrPort("[fd96::1]:80")
)

// redirect sends what goes to a service's address to a host.
func redirect(to host, port uint16, masquerade func(fabric.Connection) bool) fabric.Rules {
	return fabric.Rules{Translate: func(c fabric.Connection) fabric.Translation {
		t := fabric.Translation{Masquerade: masquerade(c)}
		switch c.Dst().Addr() {
		case service4.Addr():
			t.Dst = netip.AddrPortFrom(to.ipv4, port)
		case service6.Addr():
			t.Dst = netip.AddrPortFrom(to.ipv6, port)
		default:
			return fabric.Translation{}
		}
		return t
	}}
}

func never(fabric.Connection) bool  { return false }
func always(fabric.Connection) bool { return true }

// serverAt is the host with a number, as rules may name it before there is one.
func serverAt(router, n int) host {
	return host{ipv4: netip.AddrFrom4([4]byte{10, 0, byte(router), byte(1 + n)}), ipv6: netip.MustParseAddr(fmt.Sprintf("fd00:%d::%d", router, 1+n))}
}

func TestTranslatedConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to   int // hosts; 0 and 1 are at router 0, 2 and 3 at router 1
		masquerade func(fabric.Connection) bool
		peer       func(client host, v4 bool) netip.Addr // whom the server sees
	}{
		"to another host":                      {0, 1, never, host.addr},
		"to another router's host":             {0, 2, never, host.addr},
		"to another host, masqueraded":         {0, 1, always, func(_ host, v4 bool) netip.Addr { return gateway(0, v4) }},
		"to oneself, masqueraded":              {0, 0, always, func(_ host, v4 bool) netip.Addr { return gateway(0, v4) }},
		"to another router's host masqueraded": {0, 3, always, func(_ host, v4 bool) netip.Addr { return routerAddr(0, v4) }},
	} {
		for _, network := range []string{"tcp4", "tcp6", "udp4", "udp6"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				inAndOutside(t, func(t *testing.T) {
					w := newWorld(t, redirect(serverAt(tt.to/2, tt.to%2), 8080, tt.masquerade), 2)
					client, server := w.hosts[tt.from], w.hosts[tt.to]
					v4 := network[3] == '4'
					service := service4
					if !v4 {
						service = service6
					}
					peer := serveEcho(t, server, network)
					c, err := client.Dial(t.Context(), network, service.String())
					require.NoError(t, err)
					assert.Equal(t, service.String(), c.RemoteAddr().String())
					echo(t, c, []byte("hello"))
					echo(t, c, make([]byte, 60000)) // UDP's is fragmented
					c.Close()
					assert.Equal(t, tt.peer(client, v4), <-peer)
				})
			})
		}
	}
}

func (h host) addr(v4 bool) netip.Addr {
	if v4 {
		return h.ipv4
	}
	return h.ipv6
}

func gateway(router int, v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{10, 0, byte(router), 254})
	}
	return netip.MustParseAddr(fmt.Sprintf("fd00:%d::fe", router))
}

func routerAddr(router int, v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{172, 18, 0, byte(router)})
	}
	return netip.MustParseAddr(fmt.Sprintf("fc00::%d", router))
}

// serveEcho echoes on port 8080 and tells who the first peer was.
func serveEcho(t *testing.T, h host, network string) <-chan netip.Addr {
	t.Helper()
	peer := make(chan netip.Addr, 1)
	if network[:3] == "udp" {
		s, err := h.ListenPacket(t.Context(), network, ":8080")
		require.NoError(t, err)
		go func() {
			buf := make([]byte, 1<<16)
			for {
				n, from, err := s.ReadFrom(buf)
				if err != nil {
					return
				}
				select {
				case peer <- from.(*net.UDPAddr).AddrPort().Addr().Unmap():
				default:
				}
				s.WriteTo(buf[:n], from)
			}
		}()
		return peer
	}
	l, err := h.Listen(t.Context(), network, ":8080")
	require.NoError(t, err)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		peer <- c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		io.Copy(c, struct{ io.Reader }{c})
		c.Close()
	}()
	return peer
}

// What comes back about a translated packet tells of it as it was sent.
func TestErrorsAboutTranslatedPackets(t *testing.T) {
	for name, masquerade := range map[string]func(fabric.Connection) bool{"plain": never, "masqueraded": always} {
		for _, to := range []int{0, 1, 2} {
			t.Run(fmt.Sprint(name, " to host ", to), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if to == 0 && name == "plain" {
						return // a host does not see itself as its peer
					}
					w := newWorld(t, redirect(serverAt(to/2, to%2), 8080, masquerade), 2)
					for _, service := range []netip.AddrPort{service4, service6} {
						c, err := w.hosts[0].Dial(t.Context(), "udp", service.String())
						require.NoError(t, err)
						_, err = c.Write([]byte("x"))
						require.NoError(t, err)
						_, err = c.Read(make([]byte, 1))
						assert.ErrorIs(t, err, syscall.ECONNREFUSED)
						_, err = w.hosts[0].Dial(t.Context(), "tcp", service.String())
						assert.ErrorIs(t, err, syscall.ECONNREFUSED)
					}
				})
			})
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		translation fabric.Translation
		tcp, udp    error // of dialing, of reading
	}{
		"port unreachable": {fabric.Translation{Refuse: netfilter.PortUnreachable}, syscall.ECONNREFUSED, syscall.ECONNREFUSED},
		"reset":            {fabric.Translation{Refuse: netfilter.TCPReset}, syscall.ECONNREFUSED, context.DeadlineExceeded},
		// Such errors do not end a UDP socket's waiting on Linux either
		// (icmp_err_convert in net/ipv4/icmp.c: they are not fatal).
		"net unreachable": {fabric.Translation{Refuse: netfilter.NetUnreachable}, syscall.ENETUNREACH, context.DeadlineExceeded},
		"dropped":         {fabric.Translation{Drop: true}, syscall.ETIMEDOUT, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{Translate: func(fabric.Connection) fabric.Translation { return tt.translation }}, 1)
				for _, service := range []netip.AddrPort{service4, service6} {
					_, err := w.hosts[0].Dial(t.Context(), "tcp", service.String())
					assert.ErrorIs(t, err, tt.tcp, service)
					c, err := w.hosts[0].Dial(t.Context(), "udp", service.String())
					require.NoError(t, err)
					c.SetDeadline(time.Now().Add(time.Second))
					_, err = c.Write([]byte("x"))
					require.NoError(t, err)
					_, err = c.Read(make([]byte, 1))
					if tt.udp == context.DeadlineExceeded {
						var timeout net.Error
						require.ErrorAs(t, err, &timeout)
						assert.True(t, timeout.Timeout())
					} else {
						assert.ErrorIs(t, err, tt.udp, service)
					}
				}
			})
		})
	}
}

// A hairpin that is not masqueraded does not work, as on Linux.
func TestAPacketFromOneself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var drops []string
		rules := redirect(serverAt(0, 0), 8080, never)
		rules.Dropped = func(_ netfilter.Tuple, why string) {
			mu.Lock()
			defer mu.Unlock()
			drops = append(drops, why)
		}
		w := newWorld(t, rules, 1)
		serveEcho(t, w.hosts[0], "tcp4")
		_, err := w.hosts[0].Dial(t.Context(), "tcp", service4.String())
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		assert.Equal(t, fabric.DropMartian, drops[0])
	})
}

func TestRoutersTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fabric.Rules{}, 2)
		w.network.SetLatency(5 * time.Millisecond)
		start := time.Now()
		client, server := dial(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv4)
		assert.Equal(t, 15*time.Millisecond, time.Since(start), "the handshake, with the ACK at the server")
		go io.Copy(server, struct{ io.Reader }{server})
		start = time.Now()
		echo(t, client, []byte("x"))
		assert.Equal(t, 10*time.Millisecond, time.Since(start))

		start = time.Now()
		client, server = dial(t, w.hosts[0], w.hosts[1], w.hosts[1].ipv6)
		go io.Copy(server, struct{ io.Reader }{server})
		echo(t, client, []byte("x"))
		assert.Equal(t, start, time.Now(), "at one router there is no latency")
	})
}

// A path whose middle is narrower than its ends.
func TestAnMTUOnTheWay(t *testing.T) {
	for _, v4 := range []bool{true, false} {
		t.Run(fmt.Sprint("IPv4 ", v4), func(t *testing.T) {
			inAndOutside(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 2)
				w.network.SetMTU(1300)
				client, server := dial(t, w.hosts[0], w.hosts[2], w.hosts[2].addr(v4))
				go io.Copy(server, struct{ io.Reader }{server})
				var wg sync.WaitGroup
				data := make([]byte, 1<<20)
				wg.Go(func() { client.Write(data) })
				_, err := io.ReadFull(client, data)
				require.NoError(t, err)
				wg.Wait()
			})
		})
	}
}

func TestWhatIsNotAllowedVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var drops []string
		w := newWorld(t, fabric.Rules{
			Allow: func(c fabric.Connection, dst netip.AddrPort) (bool, string) {
				return dst.Port() != 81, "no port 81"
			},
			Dropped: func(tuple netfilter.Tuple, why string) {
				mu.Lock()
				defer mu.Unlock()
				drops = append(drops, fmt.Sprint(tuple.Dst(), " ", why))
			},
		}, 2)
		l, err := w.hosts[2].Listen(t.Context(), "tcp", ":81")
		require.NoError(t, err)
		defer l.Close()
		_, err = w.hosts[0].Dial(t.Context(), "tcp", "10.0.1.1:81")
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		assert.Equal(t, "10.0.1.1:81 no port 81", drops[0])
		_, err = w.hosts[0].Dial(t.Context(), "tcp", "10.0.1.1:82")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

// Fragments of datagrams that are sent at the same time are not mixed up.
func TestLongDatagramsAtOnce(t *testing.T) {
	for _, v4 := range []bool{true, false} {
		t.Run(fmt.Sprint("IPv4 ", v4), func(t *testing.T) {
			w := newWorld(t, fabric.Rules{}, 1)
			if v4 {
				w.hosts[1].end.SetMTU(1300) // they are cut again
			}
			s, err := w.hosts[1].ListenPacket(t.Context(), "udp", ":53")
			require.NoError(t, err)
			var wg sync.WaitGroup
			stop := make(chan struct{})
			for i := range 8 {
				c, err := w.hosts[0].Dial(t.Context(), "udp", netip.AddrPortFrom(w.hosts[1].addr(v4), 53).String())
				require.NoError(t, err)
				wg.Go(func() {
					data := bytes.Repeat([]byte{byte('a' + i)}, 10000)
					for {
						select {
						case <-stop:
							return
						default:
							c.Write(data)
							runtime.Gosched() // js/wasm has one thread
						}
					}
				})
			}
			buf := make([]byte, 1<<16)
			for range 500 {
				n, _, err := s.ReadFrom(buf)
				require.NoError(t, err)
				require.Equal(t, 10000, n)
				require.Equal(t, n, bytes.Count(buf[:n], buf[:1]), "one sender's")
			}
			close(stop)
			wg.Wait()
		})
	}
}
