package netstack

import (
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Libraries write under a mutex, and while somebody waits for a mutex a
// bubble's clock stands still: such a write must not wait for time to pass.
func TestWritesUnderAMutexDoNotStopABubblesClock(t *testing.T) {
	for name, test := range map[string]struct{ writes, size int }{
		"many small writes":        {10000, 1},
		"more than the peer reads": {500, 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			writeUnderAMutex(t, test.writes, test.size, func(t *testing.T) (client, server net.Conn) {
				_, o := newTestNamespace(t)
				return connect(t, o, "tcp4", "127.0.0.1:0")
			})
		})
		t.Run(name+" to another namespace", func(t *testing.T) {
			if testing.Short() && test.size < 100 {
				t.Skip("gVisor's loss recovery may take minutes over it under the race detector")
			}
			writeUnderAMutex(t, test.writes, test.size, func(t *testing.T) (client, server net.Conn) {
				_, _, kubelet, pod := newPair(t)
				l, err := pod.Listen(t.Context(), "tcp", ":80")
				require.NoError(t, err)
				defer l.Close()
				client, err = kubelet.Dial(t.Context(), "tcp", "10.244.0.2:80")
				require.NoError(t, err)
				server, err = l.Accept()
				require.NoError(t, err)
				return client, server
			})
		})
	}
}

func writeUnderAMutex(t *testing.T, writes, size int, open func(t *testing.T) (client, server net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		client, server := open(t)
		var mu sync.Mutex // of whoever writes to client
		var writers sync.WaitGroup
		for range 2 {
			writers.Go(func() {
				for range writes {
					mu.Lock()
					_, err := client.Write(make([]byte, size))
					mu.Unlock()
					assert.NoError(t, err)
				}
			})
		}
		go func() {
			writers.Wait()
			client.Close()
		}()
		n, err := io.Copy(io.Discard, struct{ io.Reader }{server})
		assert.NoError(t, err)
		assert.EqualValues(t, 2*writes*size, n)
		server.Close()
	})
}

// Programs that never wait for anything but each other see time pass.
func TestTimePassesForProgramsThatTalkWithoutEnd(t *testing.T) {
	for name, talk := range map[string]func(t *testing.T, o *Owner, until time.Time){
		"question and answer": func(t *testing.T, o *Owner, until time.Time) {
			client, server := connect(t, o, "tcp4", "127.0.0.1:0")
			go func() {
				io.Copy(server, struct{ io.Reader }{server})
				server.Close()
			}()
			b := make([]byte, 1)
			for time.Now().Before(until) {
				client.Write(b)
				client.Read(b)
			}
			client.Close()
		},
		"a stream one way": func(t *testing.T, o *Owner, until time.Time) {
			client, server := connect(t, o, "tcp4", "127.0.0.1:0")
			go func() {
				io.Copy(io.Discard, struct{ io.Reader }{server})
				server.Close()
			}()
			b := make([]byte, 32<<10)
			for time.Now().Before(until) {
				client.Write(b)
			}
			client.Close()
		},
		"datagrams to nobody": func(t *testing.T, o *Owner, until time.Time) {
			c, err := o.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
			require.NoError(t, err)
			for time.Now().Before(until) {
				c.WriteTo([]byte("x"), c.LocalAddr())
			}
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, o := newTestNamespace(t)
				until := time.Now().Add(20 * time.Millisecond)
				talk(t, o, until)
				assert.WithinDuration(t, until, time.Now(), time.Second) // a full send buffer is paid at once
			})
		})
	}
}
