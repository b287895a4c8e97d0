package netstack

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/volume"
)

// newUnixOwner returns a process of ns with files.
func newUnixOwner(ns *Namespace, name string, files Files) *Owner {
	o := ns.NewOwner(name, 1, nil)
	o.SetFiles(files)
	return o
}

func TestKilledOwnerOfUnixSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, app := newTestNamespace(t)
		view := volume.New(0).View()
		app.SetFiles(view)
		victim := newUnixOwner(ns, "victim", view)

		l, err := victim.Listen(t.Context(), "unix", "/s")
		require.NoError(t, err)
		dial := func() net.Conn {
			c, err := app.Dial(t.Context(), "unix", "/s")
			require.NoError(t, err)
			return c
		}
		idle := dial()
		_, err = l.Accept()
		require.NoError(t, err)
		unread := dial()
		_, err = l.Accept()
		require.NoError(t, err)
		unread.Write([]byte("nobody reads this"))
		notAccepted := dial()
		inbox, err := victim.ListenPacket(t.Context(), "unixgram", "@inbox")
		require.NoError(t, err)
		waiting := make(chan error)
		go func() { _, err := idle.Read(make([]byte, 1)); waiting <- err }()
		go func() { _, _, err := inbox.ReadFrom(make([]byte, 1)); waiting <- err }()
		synctest.Wait()

		victim.Kill()

		assert.ElementsMatch(t, []string{"EOF", "read unixgram @inbox: use of closed network connection"}, []string{(<-waiting).Error(), (<-waiting).Error()})
		_, err = unread.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		_, err = notAccepted.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		_, err = app.Dial(t.Context(), "unix", "/s")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED, "the path is left over")
		_, err = app.Listen(t.Context(), "unix", "/s")
		assert.ErrorIs(t, err, syscall.EADDRINUSE)
		_, err = app.ListenPacket(t.Context(), "unixgram", "@inbox")
		assert.NoError(t, err, "an abstract name goes with its socket")
		assert.ErrorIs(t, l.Close(), net.ErrClosed, "what still runs of the dead")
		_, err = view.Lstat("/s")
		assert.NoError(t, err, "removes nothing")
		for _, network := range []string{"unix", "unixgram", "unixpacket"} {
			_, err = victim.Listen(t.Context(), network, "@x")
			assert.ErrorIs(t, err, net.ErrClosed, "the dead open nothing")
			_, err = victim.Dial(t.Context(), network, "@x")
			assert.ErrorIs(t, err, net.ErrClosed)
		}
	})
}

func TestUnixPathNeedsFiles(t *testing.T) {
	_, o := newTestNamespace(t)
	_, err := o.Listen(t.Context(), "unix", "/s")
	assert.EqualError(t, err, `listen unix /s: the process has no file system, only abstract names such as "@name"`)
	_, err = o.Dial(t.Context(), "unix", "/s")
	assert.EqualError(t, err, `dial unix /s: the process has no file system, only abstract names such as "@name"`)
	p, err := o.ListenPacket(t.Context(), "unixgram", "@me")
	require.NoError(t, err)
	_, err = p.WriteTo([]byte("x"), &net.UnixAddr{Name: "/s", Net: "unixgram"})
	assert.EqualError(t, err, `write unixgram @me->/s: the process has no file system, only abstract names such as "@name"`)
}

func TestAbstractNamesBelongToTheNamespace(t *testing.T) {
	ns, o := newTestNamespace(t)
	_, stranger := newTestNamespace(t)
	l, err := o.Listen(t.Context(), "unix", "@here")
	require.NoError(t, err)
	_, err = ns.NewOwner("sidecar", 1, nil).Dial(t.Context(), "unix", "@here")
	assert.NoError(t, err)
	_, err = stranger.Dial(t.Context(), "unix", "@here")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	other, err := stranger.Listen(t.Context(), "unix", "@here")
	require.NoError(t, err)
	other.Close()
	l.Close()
}

func TestUnixBacklogIsTheListenersChoice(t *testing.T) {
	_, o := newTestNamespace(t)
	_, err := o.ListenWith(t.Context(), ListenConfig{Backlog: 2}, "unix", "@s")
	require.NoError(t, err)
	for range 3 { // Linux admits one more
		_, err = o.Dial(t.Context(), "unix", "@s")
		require.NoError(t, err)
	}
	_, err = o.Dial(t.Context(), "unix", "@s")
	assert.EqualError(t, err, "dial unix @s: connect: resource temporarily unavailable")
}

func TestUnixDialTakesNoIPAddress(t *testing.T) {
	_, o := newTestNamespace(t)
	_, err := o.DialWith(t.Context(), Dialer{LocalAddr: netip.MustParseAddrPort("127.0.0.1:80")}, "unix", "@s")
	assert.EqualError(t, err, "dial unix: address 127.0.0.1:80: mismatched local address type")
	_, err = o.DialWith(t.Context(), Dialer{LocalName: "@me"}, "tcp", "127.0.0.1:80")
	assert.EqualError(t, err, "dial tcp: address @me: mismatched local address type")
}

func TestDatagramClientIsAnswered(t *testing.T) {
	_, o := newTestNamespace(t)
	server, err := o.ListenPacket(t.Context(), "unixgram", "@server")
	require.NoError(t, err)
	c, err := o.DialWith(t.Context(), Dialer{LocalName: "@client"}, "unixgram", "@server")
	require.NoError(t, err)
	c.Write([]byte("ping"))
	b := make([]byte, 10)
	n, from, err := server.ReadFrom(b)
	require.NoError(t, err)
	server.WriteTo(b[:n], from)
	n, err = c.Read(b)
	require.NoError(t, err)
	assert.Equal(t, "ping", string(b[:n]))
}

func TestFileDescriptorsCannotBePassed(t *testing.T) {
	_, o := newTestNamespace(t)
	c, _ := connect(t, o, "unix", "@s")
	_, _, err := c.(unixEnd).WriteMsgUnix([]byte("x"), []byte("rights"), nil)
	assert.EqualError(t, err, "write unix @: sendmsg: operation not supported")
	assert.ErrorIs(t, err, syscall.EOPNOTSUPP)
}

func TestUnixSocketsAreListed(t *testing.T) {
	ns, _ := newTestNamespace(t)
	o := newUnixOwner(ns, "web", volume.New(0).View())
	_, err := o.Listen(t.Context(), "unix", "/s")
	require.NoError(t, err)
	_, err = o.ListenPacket(t.Context(), "unixgram", "@log")
	require.NoError(t, err)
	c, server := connect(t, o, "unixpacket", "/p")
	c.Write([]byte("first"))
	c.Write([]byte("second"))
	_, err = o.Dial(t.Context(), "unix", "/s")
	require.NoError(t, err)
	_, err = o.Dial(t.Context(), "unixgram", "@log")
	require.NoError(t, err)
	var got []string
	for _, s := range ns.Sockets() {
		got = append(got, fmt.Sprintf("%s %s %d %d %q %s/%d", s.Network, s.State, s.RecvQ, s.SendQ, s.Path, s.Owner, s.PID))
	}
	assert.Equal(t, []string{
		`u_dgr ESTAB 0 0 "" web/1`, `u_dgr UNCONN 0 0 "@log" web/1`,
		`u_seq ESTAB 0 1536 "" web/1`, `u_seq ESTAB 5 0 "/p" web/1`,
		`u_str ESTAB 0 0 "" web/1`, `u_str LISTEN 1 4096 "/s" web/1`,
	}, got)
	server.Close()
}

// Many senders to a receiver that is slower than they are: every message comes
// once, and each sender's in its order.
func TestDatagramSendersWaitForTheReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, _ := newTestNamespace(t)
		o := ns.NewOwner("app", 1, nil)
		in, err := o.ListenPacket(t.Context(), "unixgram", "@in")
		require.NoError(t, err)
		const senders, messages = 20, 50
		for id := range senders {
			c, err := o.Dial(t.Context(), "unixgram", "@in")
			require.NoError(t, err)
			go func() {
				for n := range messages {
					c.Write([]byte{byte(id), byte(n)})
				}
				c.Close()
			}()
		}
		var next [senders]byte
		for range senders * messages {
			b := make([]byte, 10)
			time.Sleep(time.Millisecond)
			n, _, err := in.ReadFrom(b)
			require.NoError(t, err)
			require.Equal(t, []byte{b[0], next[b[0]]}, b[:n])
			next[b[0]]++
		}
		synctest.Wait()
		assert.Len(t, ns.Sockets(), 1)
	})
}

func TestSenderThatGaveUpIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, o := newTestNamespace(t)
		in, err := o.ListenPacket(t.Context(), "unixgram", "@in")
		require.NoError(t, err)
		receiver := in.(*unixConn).sock
		for range 20 {
			c, err := o.Dial(t.Context(), "unixgram", "@in")
			require.NoError(t, err)
			c.SetWriteDeadline(time.Now().Add(time.Second))
			c.Write([]byte("x"))
			c.Close()
		}
		assert.Len(t, receiver.queue, 11)
		assert.Empty(t, receiver.refused)
	})
}

func TestUnixTransferIsWhole(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		t.Run(network, func(t *testing.T) {
			_, o := newTestNamespace(t)
			c, s := connect(t, o, network, "@s")
			data := make([]byte, 8<<20)
			rand.NewChaCha8([32]byte{}).Read(data)
			go func() {
				random := rand.New(rand.NewPCG(1, 2))
				for rest := data; len(rest) > 0; {
					n := min(len(rest), 1+random.IntN(150000))
					c.Write(rest[:n])
					rest = rest[n:]
				}
				c.Close()
			}()
			sum := sha256.New()
			n, err := io.CopyBuffer(sum, s, make([]byte, 150000)) // no message is longer
			require.NoError(t, err)
			assert.EqualValues(t, len(data), n)
			want := sha256.Sum256(data)
			assert.True(t, bytes.Equal(want[:], sum.Sum(nil)))
			assert.Zero(t, c.(*unixConn).sock.sent.Load(), "the send buffer is free again")
		})
	}
}

// Writes of many goroutines on one stream do not mix.
func TestConcurrentUnixWritesStayWhole(t *testing.T) {
	_, o := newTestNamespace(t)
	c, s := connect(t, o, "unix", "@s")
	const size = 70000
	var writers sync.WaitGroup
	for id := range 8 {
		writers.Go(func() {
			for range 10 {
				c.Write(bytes.Repeat([]byte{byte(id)}, size))
			}
		})
	}
	go func() { writers.Wait(); c.Close() }()
	b := make([]byte, size)
	for n := 0; ; n++ {
		if _, err := io.ReadFull(s, b); err != nil {
			require.Equal(t, io.EOF, err)
			assert.Equal(t, 80, n)
			return
		}
		require.Equal(t, bytes.Repeat(b[:1], size), b)
	}
}

func TestConcurrentUseAndCloseOfUnixSockets(t *testing.T) {
	ns, _ := newTestNamespace(t)
	view := volume.New(0).View()
	var all sync.WaitGroup
	for id := range 4 {
		o := newUnixOwner(ns, "o", view)
		all.Go(func() {
			defer o.Kill()
			for n := range 50 {
				path := fmt.Sprintf("/%d-%d", id, n)
				l, err := o.Listen(t.Context(), "unix", path)
				if err != nil {
					t.Error(err)
					return
				}
				var parts sync.WaitGroup
				parts.Go(func() {
					for c, err := l.Accept(); err == nil; c, err = l.Accept() {
						parts.Go(func() { io.Copy(c, c); c.Close() })
					}
				})
				for range 3 {
					parts.Go(func() {
						c, err := o.Dial(t.Context(), "unix", path)
						if err != nil {
							return // the listener was faster to go
						}
						defer c.Close()
						go c.SetDeadline(time.Now().Add(time.Minute))
						c.Write([]byte("hello"))
						c.Read(make([]byte, 5))
					})
				}
				ns.Sockets()
				l.Close()
				parts.Wait()
			}
		})
	}
	all.Wait()
	assert.Empty(t, ns.Sockets())
	entries, err := view.ReadDir("/")
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// Two that talk without end must not stop a bubble's clock.
func TestUnixTalkLetsTimePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, o := newTestNamespace(t)
		c, s := connect(t, o, "unix", "@s")
		go io.Copy(s, s)
		end := time.Now().Add(time.Second)
		c.SetDeadline(end)
		b := []byte("ping")
		for {
			if _, err := c.Write(b); err != nil {
				break
			}
			if _, err := io.ReadFull(c, b); err != nil {
				break
			}
		}
		assert.False(t, time.Now().Before(end))
		c.Close()
	})
}
