package netstack

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/iptables"
	"podnet.dev/podnet/internal/netfilter"
)

// byShortcut writes to c, and reports whether that went past the stack.
func byShortcut(t *testing.T, c net.Conn) bool {
	t.Helper()
	before := c.(*tcpConn).sent
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	return c.(*tcpConn).sent == before
}

func TestSocketsOfOneNamespaceTakeTheShortcut(t *testing.T) {
	for name, tt := range map[string]struct{ network, address string }{
		"localhost":           {"tcp4", "127.0.0.1:0"},
		"another loopback":    {"tcp4", "127.0.0.5:0"},
		"localhost of IPv6":   {"tcp6", "[::1]:0"},
		"the Pod's IP":        {"tcp4", "10.244.0.2:0"},
		"the Pod's IPv6":      {"tcp6", "[fd00:10:244::2]:0"},
		"dual-stack listener": {"tcp", ":0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns, o := newTestNamespace(t)
				client, server := connect(t, o, tt.network, tt.address)
				assert.True(t, byShortcut(t, client), "client")
				assert.True(t, byShortcut(t, server), "server")
				client.Close()
				server.Close()
				assert.Empty(t, ns.shortcuts.alone)
			})
		})
	}
	t.Run("another namespace", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, ns, client, app := newPair(t)
			l, err := app.Listen(t.Context(), "tcp", ":80")
			require.NoError(t, err)
			c, err := client.Dial(t.Context(), "tcp", "10.244.0.2:80")
			require.NoError(t, err)
			s, err := l.Accept()
			require.NoError(t, err)
			assert.False(t, byShortcut(t, c))
			assert.False(t, byShortcut(t, s))
			assert.Empty(t, ns.shortcuts.alone)
		})
	})
}

func TestWhoNeedsToSeePacketsSeesThem(t *testing.T) {
	for name, begin := range map[string]func(ns *Namespace) (end func()){
		"a watch": func(ns *Namespace) func() {
			ns.watch.Set(func(netfilter.Sighting) {}, netfilter.Heads)
			return func() { ns.watch.Set(nil, 0) }
		},
		"a fault": func(ns *Namespace) func() {
			f := &faults.Fault{Where: faults.Where{Loopback: true}}
			f.SetConditions(faults.Conditions{Latency: time.Millisecond})
			ns.faults.Add(f)
			return f.Close
		},
		"rules": func(ns *Namespace) func() {
			ns.ChangeRules(iptables.IPv4, func(r *iptables.Ruleset) (*iptables.Ruleset, error) {
				return r.Restore("*filter\n-A INPUT -p tcp --dport 9 -j DROP\nCOMMIT\n", iptables.RestoreOptions{})
			})
			return nil // rules do not go away
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns, o := newTestNamespaceWith(t, Config{Watch: new(netfilter.Watch), Faults: faults.NewSet(1)})
				client, server := connect(t, o, "tcp4", "127.0.0.1:0")
				assert.True(t, byShortcut(t, client))
				end := begin(ns)
				assert.False(t, byShortcut(t, client))
				b := make([]byte, 2)
				_, err := io.ReadFull(server, b)
				require.NoError(t, err)
				if end != nil {
					end()
					time.Sleep(time.Second) // what the fault has delayed, arrives
					assert.True(t, byShortcut(t, client))
					_, err := io.ReadFull(server, b[:1])
					require.NoError(t, err)
				}
			})
		})
	}
}

func TestACloseLeavesWhatWasSent(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		ns, app := newTestNamespaceWith(t, cfg)
		for name, end := range map[string]func(o *Owner, c net.Conn){
			"close":      func(_ *Owner, c net.Conn) { assert.NoError(t, c.Close()) },
			"half-close": func(_ *Owner, c net.Conn) { assert.NoError(t, c.(*tcpConn).CloseWrite()) },
			"kill":       func(o *Owner, _ net.Conn) { o.Kill() },
		} {
			o := ns.NewOwner("sender", 2, nil)
			l, err := app.Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			c, err := o.Dial(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			s, err := l.Accept()
			require.NoError(t, err)
			want := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
			_, err = c.Write(want)
			require.NoError(t, err)
			end(o, c)
			synctest.Wait()
			got, err := io.ReadAll(s)
			assert.NoError(t, err, name)
			assert.True(t, bytes.Equal(want, got), name)
			s.Close()
			o.Kill()
			l.Close()
		}
	})
}

func TestAKilledReaderResetsTheWriter(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		ns, app := newTestNamespaceWith(t, cfg)
		victim := ns.NewOwner("victim", 2, nil)
		l, err := victim.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		c, err := app.Dial(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		_, err = l.Accept()
		require.NoError(t, err)
		done := make(chan error)
		go func() { // fills the buffers and waits
			for {
				if _, err := c.Write(make([]byte, 1<<20)); err != nil {
					done <- err
					return
				}
			}
		}()
		synctest.Wait()
		victim.Kill()
		assert.ErrorIs(t, <-done, syscall.ECONNRESET)
		_, err = c.Write([]byte("x"))
		assert.ErrorIs(t, err, syscall.EPIPE)
		_, err = c.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		c.Close()
	})
}

func TestKilledInTheMiddleOfTraffic(t *testing.T) {
	ns, app := newTestNamespace(t)
	for range 50 {
		victim := ns.NewOwner("victim", 2, nil)
		l, err := victim.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		c, err := app.Dial(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		s, err := l.Accept()
		require.NoError(t, err)
		started := make(chan struct{}, 4)
		var wg sync.WaitGroup
		for _, call := range []func([]byte) (int, error){c.Read, c.Write, s.Read, s.Write} {
			wg.Go(func() {
				b := make([]byte, 10_000)
				for i := 0; ; i++ {
					if i == 20 {
						started <- struct{}{}
					}
					if _, err := call(b); err != nil {
						return
					}
				}
			})
		}
		for range 4 {
			<-started
		}
		victim.Kill()
		wg.Wait()
		c.Close()
	}
	assert.Empty(t, ns.shortcuts.alone)
}

func TestConnectionsThatNobodyAccepts(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		ns, o := newTestNamespaceWith(t, cfg)
		l, err := o.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		var conns []net.Conn
		for range 3 {
			c, err := o.Dial(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			_, err = c.Write([]byte("too early"))
			require.NoError(t, err)
			conns = append(conns, c)
		}
		s, err := l.Accept()
		require.NoError(t, err)
		_, err = conns[0].Write([]byte(", or not"))
		require.NoError(t, err)
		b := make([]byte, len("too early, or not"))
		_, err = io.ReadFull(s, b)
		require.NoError(t, err)
		assert.Equal(t, "too early, or not", string(b))
		l.Close()
		synctest.Wait()
		for _, c := range conns[1:] {
			_, err = c.Read(b)
			assert.ErrorIs(t, err, syscall.ECONNRESET)
			c.Close()
		}
		_, err = s.Write([]byte("we still talk"))
		require.NoError(t, err)
		n, err := conns[0].Read(b)
		require.NoError(t, err)
		assert.Equal(t, "we still talk", string(b[:n]))
		s.Close()
		conns[0].Close()
		assert.Empty(t, ns.shortcuts.alone)
	})
}

func TestASocketConnectedToItself(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		ns, o := newTestNamespaceWith(t, cfg)
		self := netip.MustParseAddrPort("127.0.0.1:4000")
		c, err := o.DialWith(t.Context(), Dialer{LocalAddr: self}, "tcp", self.String())
		require.NoError(t, err)
		for _, text := range []string{"hello", "myself"} {
			_, err = c.Write([]byte(text))
			require.NoError(t, err)
			b := make([]byte, len(text))
			_, err = io.ReadFull(c, b)
			require.NoError(t, err)
			assert.Equal(t, text, string(b))
		}
		require.NoError(t, c.(*tcpConn).CloseWrite())
		_, err = c.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		c.Close()
		assert.Empty(t, ns.shortcuts.alone)
	})
}

func TestBuffersBoundWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, o := newTestNamespace(t)
		client, server := connect(t, o, "tcp4", "127.0.0.1:0")
		require.NoError(t, client.(*tcpConn).SetWriteBuffer(64<<10))
		require.NoError(t, server.(*tcpConn).SetReadBuffer(32<<10))
		sendBuffer := int(client.(*tcpConn).ep.SocketOptions().GetSendBufferSize())
		receiveBuffer := int(server.(*tcpConn).ep.SocketOptions().GetReceiveBufferSize())

		client.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := client.Write(make([]byte, 1<<20))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, sendBuffer+receiveBuffer, n)
		for _, s := range ns.Sockets() {
			switch s.Local {
			case addrPortOf(client.LocalAddr()):
				assert.Equal(t, sendBuffer, s.SendQ)
				assert.EqualValues(t, receiveBuffer, s.TCP.BytesAcked, "what has arrived")
			case addrPortOf(server.LocalAddr()):
				assert.Equal(t, receiveBuffer, s.RecvQ)
				assert.EqualValues(t, receiveBuffer, s.TCP.BytesReceived, "read or not")
			}
		}

		// Larger buffers make room.
		client.SetWriteDeadline(time.Time{})
		wrote := make(chan error)
		go func() { _, err := client.Write(make([]byte, 1)); wrote <- err }()
		synctest.Wait()
		require.NoError(t, server.(*tcpConn).SetReadBuffer(64<<10))
		require.NoError(t, <-wrote)

		require.NoError(t, client.Close())
		all, err := io.Copy(io.Discard, struct{ io.Reader }{server})
		assert.NoError(t, err)
		assert.EqualValues(t, n+1, all)
		server.Close()
	})
}

func TestAResetDropsWhatHasNotArrived(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		_, o := newTestNamespaceWith(t, cfg)
		client, server := connect(t, o, "tcp4", "127.0.0.1:0")
		require.NoError(t, server.(*tcpConn).SetReadBuffer(32<<10))
		client.SetWriteDeadline(time.Now().Add(time.Second))
		_, err := client.Write(make([]byte, 8<<20))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, client.(*tcpConn).SetLinger(0))
		require.NoError(t, client.Close())
		synctest.Wait()
		n, err := io.Copy(io.Discard, struct{ io.Reader }{server})
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Positive(t, n)
		assert.LessOrEqual(t, n, int64(128<<10)) // gVisor's window is not smaller yet
		server.Close()
	})
}

func TestAnEndThatGaveUpAnswersWithAReset(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		cfg.Faults = faults.NewSet(1)
		_, o := newTestNamespaceWith(t, cfg)
		client, server := connect(t, o, "tcp4", "127.0.0.1:0")
		require.NoError(t, server.(*tcpConn).SetKeepAlive(false)) // it does not notice
		f := &faults.Fault{Where: faults.Where{Loopback: true}}
		f.SetConditions(faults.Conditions{Loss: 1})
		require.True(t, cfg.Faults.Add(f))
		_, err := client.Write([]byte("x"))
		require.NoError(t, err)
		_, err = client.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		f.Close()

		_, err = server.Write([]byte("x"))
		require.NoError(t, err)
		_, err = server.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		client.Close()
		server.Close()
		cfg.Faults.Close()
	})
}

func TestAShortcutCountsAsTrafficOnLo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, o := newTestNamespace(t)
		client, _ := connect(t, o, "tcp4", "127.0.0.1:0")
		synctest.Wait()
		before := ns.Interfaces()[0]
		client.Write(make([]byte, 100_000))
		after := ns.Interfaces()[0]
		const segments, headers = 3, 20 + 20 + 12 // of 64 KiB, which is too much for one, and the rest
		assert.EqualValues(t, segments, after.TxPackets-before.TxPackets)
		assert.EqualValues(t, 100_000+segments*headers, after.TxBytes-before.TxBytes)
		assert.EqualValues(t, segments, after.RxPackets-before.RxPackets)
		assert.EqualValues(t, 100_000+segments*headers, after.RxBytes-before.RxBytes)
	})
}

func TestAnEmptyShortcutKeepsNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, o := newTestNamespace(t)
		l, err := o.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		var conns []net.Conn
		for range 1000 {
			c, err := o.Dial(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			s, err := l.Accept()
			require.NoError(t, err)
			conns = append(conns, c, s)
			for _, pair := range [][2]net.Conn{{c, s}, {s, c}} {
				assert.True(t, byShortcut(t, pair[0]))
				_, err = pair[1].Read(make([]byte, 1))
				require.NoError(t, err)
			}
		}
		for _, c := range conns {
			assert.Nil(t, c.(*tcpConn).in.head)
			assert.Nil(t, c.(*tcpConn).in.tail)
		}
		assert.Empty(t, ns.shortcuts.alone)
		for _, c := range conns {
			c.Close()
		}
	})
}
