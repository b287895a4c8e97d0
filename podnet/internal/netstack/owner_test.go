package netstack

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKilledOwnerInTheMiddleOfTraffic(t *testing.T) {
	overBothPaths(t, func(t *testing.T, cfg Config) {
		ns, app := newTestNamespaceWith(t, cfg)
		victim := ns.NewOwner("victim", 1, nil)
		bystander, friend := connect(t, app, "tcp", "127.0.0.1:0")

		l, err := victim.Listen(t.Context(), "tcp", ":8080")
		require.NoError(t, err)
		dial := func() net.Conn {
			c, err := app.Dial(t.Context(), "tcp", "127.0.0.1:8080")
			require.NoError(t, err)
			return c
		}
		accept := func() net.Conn {
			c, err := l.Accept()
			require.NoError(t, err)
			return c
		}
		idle := dial()
		accept()
		unread := dial()
		accept()
		unread.Write([]byte("nobody reads this"))
		queued := dial()
		synctest.Wait()
		waiting := make(chan error)
		go func() { _, err := l.Accept(); waiting <- err }() // takes queued
		require.NoError(t, <-waiting)
		notAccepted := dial()
		go func() { _, err := idle.Read(make([]byte, 1)); waiting <- err }()
		synctest.Wait()

		victim.Kill()

		assert.Equal(t, io.EOF, <-waiting, "the idle peer")
		_, err = queued.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		_, err = unread.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		_, err = notAccepted.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		_, err = app.Dial(t.Context(), "tcp", "127.0.0.1:8080")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		_, err = l.Accept()
		assert.ErrorIs(t, err, net.ErrClosed)
		_, err = victim.Listen(t.Context(), "tcp", ":8080")
		assert.ErrorIs(t, err, net.ErrClosed, "the dead open nothing")
		_, err = victim.Dial(t.Context(), "tcp", "127.0.0.1:1")
		assert.ErrorIs(t, err, net.ErrClosed)
		_, err = victim.ListenPacket(t.Context(), "udp", ":1")
		assert.ErrorIs(t, err, net.ErrClosed)

		_, err = bystander.Write([]byte("x"))
		require.NoError(t, err, "others keep their connections")
		_, err = friend.Read(make([]byte, 1))
		require.NoError(t, err)

		again, err := ns.NewOwner("victim", 1, nil).Listen(t.Context(), "tcp", ":8080")
		require.NoError(t, err, "the next one binds the port at once")
		c, err := app.Dial(t.Context(), "tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		c.Close()
		again.Close()
	})
}

func TestKillEndsADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, _ := newTestNamespace(t)
		o := ns.NewOwner("victim", 1, nil)
		done := make(chan error)
		go func() { _, err := o.Dial(t.Context(), "tcp", "10.244.0.99:80"); done <- err }()
		synctest.Wait()
		o.Kill()
		assert.ErrorIs(t, <-done, net.ErrClosed)
	})
}

// Connections that begin just when their owner dies are closed, whatever comes first.
func TestKillWhileConnectionsBegin(t *testing.T) {
	for range 200 {
		ns, _ := newTestNamespace(t)
		client, server := ns.NewOwner("client", 1, nil), ns.NewOwner("server", 2, nil)
		l, err := server.Listen(t.Context(), "tcp4", "127.0.0.1:80")
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, err := l.Accept(); err != nil {
					return
				}
			}
		})
		first := make(chan struct{})
		wg.Go(func() {
			for i := 0; ; i++ {
				if _, err := client.Dial(t.Context(), "tcp", "127.0.0.1:80"); err != nil {
					return
				}
				if i == 0 {
					close(first)
				}
			}
		})
		<-first
		wg.Go(client.Kill)
		wg.Go(server.Kill)
		wg.Wait()
		assert.Empty(t, ns.Sockets())
		assert.Empty(t, ns.shortcuts.alone)
		ns.Close()
	}
}

func TestSocketsAreListedByOwner(t *testing.T) {
	ns, o := newTestNamespace(t)
	web := ns.NewOwner("web", 1, nil)
	_, err := web.Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	_, err = web.ListenPacket(t.Context(), "udp4", "127.0.0.1:53")
	require.NoError(t, err)
	c, err := o.Dial(t.Context(), "tcp", "127.0.0.1:80")
	require.NoError(t, err)
	c.Write([]byte("abc"))
	var got []string
	for _, s := range ns.Sockets() {
		got = append(got, ephemeral.ReplaceAllString(fmt.Sprintf("%s %s %s dual=%v %s", s.Network, s.State, s.Local, s.Dual, s.Owner), ":PORT"))
	}
	assert.Equal(t, []string{
		"tcp LISTEN [::]:80 dual=true web", "tcp ESTAB 127.0.0.1:PORT dual=false app", "udp UNCONN 127.0.0.1:53 dual=false web",
	}, got)
}

// The namespaces of Pods come and go; nothing of them may stay.
func TestNamespacesLeaveNothing(t *testing.T) {
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	use := func() {
		ns, err := New(Config{})
		require.NoError(t, err)
		require.NoError(t, ns.AddLink(Link{Name: "eth0"}))
		o := ns.NewOwner("app", 1, nil)
		l, err := o.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		c, err := o.Dial(t.Context(), "tcp", "127.0.0.1:80")
		require.NoError(t, err)
		s, err := l.Accept()
		require.NoError(t, err)
		c.SetDeadline(time.Now().Add(time.Hour))
		c.Write([]byte("x"))
		s.Close() // leaves a connection behind
		ns.Close()
		ns.Close() // a second one does nothing
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
	}
	for range 20 {
		use()
	}
	goroutines, heap := runtime.NumGoroutine(), live()
	for range 200 {
		use()
	}
	assert.Less(t, runtime.NumGoroutine(), goroutines+20, "but for some that are just ending, a leak would leave 200")
	grown := int64(live()) - int64(heap)
	assert.Less(t, grown, int64(200*2<<10), "bytes of 200 namespaces") // one keeps some 60 KB if it stays
	t.Logf("200 namespaces: %+d goroutines, %+d bytes", runtime.NumGoroutine()-goroutines, grown)
}
