package podnet_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// echo is a Program that sends back what it gets on port 7.
func echo(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":7")
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		wg.Go(func() {
			defer conn.Close()
			buf := make([]byte, 256)
			for {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				if _, err := conn.Write(buf[:n]); err != nil {
					return
				}
			}
		})
	}
}

var fullSize = flag.Bool("endurance", false, "run the endurance tests at full size, not at a tenth, or a hundredth with -short")

func size(n int) int {
	if *fullSize {
		return n
	}
	if testing.Short() {
		return n / 100
	}
	return n / 10
}

// footprint measures what the process holds, and logs how it changed.
type footprint struct {
	heap       uint64
	goroutines int
}

func measure() footprint {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{m.HeapAlloc, runtime.NumGoroutine()}
}

func (before footprint) mustBeBack(t *testing.T) {
	t.Helper()
	after := measure()
	t.Logf("heap %d -> %d KiB, goroutines %d -> %d", before.heap>>10, after.heap>>10, before.goroutines, after.goroutines)
	assert.LessOrEqual(t, after.goroutines, before.goroutines+2)
	assert.Less(t, int64(after.heap)-int64(before.heap), int64(4<<20), "bytes of heap that stay")
}

// endure runs use on a Pod with an echo server, and checks that nothing of it
// stays when the Pod is gone. It does so with the shortcut that localhost takes, and
// with somebody who watches, so that packets cross lo.
func endure(t *testing.T, use func(t *testing.T, p *podnet.Pod, client *podnet.Container)) {
	t.Run("by the shortcut", func(t *testing.T) { endureOnce(t, false, use) })
	t.Run("by packets", func(t *testing.T) { endureOnce(t, true, use) })
}

func endureOnce(t *testing.T, watched bool, use func(t *testing.T, p *podnet.Pod, client *podnet.Container)) {
	run := func(use func(t *testing.T, p *podnet.Pod, client *podnet.Container)) {
		c, err := podnet.NewCluster(podnet.Config{})
		require.NoError(t, err)
		if watched {
			c.TraceHeaders(func(podnet.TraceEvent) {})
		}
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "endure", Containers: []podnet.ContainerSpec{
			{Name: "server", Run: echo}, {Name: "client", Run: untilStopped},
		}})
		require.NoError(t, p.WaitListening(t.Context(), 7))
		use(t, p, p.Container("client"))
		require.NoError(t, c.Close())
	}
	run(func(*testing.T, *podnet.Pod, *podnet.Container) {}) // so that what stays for ever is there before
	before := measure()
	run(use)
	before.mustBeBack(t)
}

// roundTrip sends a number and expects it back.
func roundTrip(conn net.Conn, n uint64) error {
	var out, in [8]byte
	binary.BigEndian.PutUint64(out[:], n)
	if _, err := conn.Write(out[:]); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, in[:]); err != nil {
		return err
	}
	if in != out {
		return errors.New("another connection's answer")
	}
	return nil
}

// A hundred thousand connections are opened, used and closed. The ports of those
// that wait in TIME-WAIT run out on the way, as on Linux, and come back.
func TestManyConnections(t *testing.T) {
	endure(t, func(t *testing.T, p *podnet.Pod, client *podnet.Container) {
		const workers = 8
		total := size(100_000)
		var wg sync.WaitGroup
		failures := make(chan error, workers)
		start := time.Now()
		for w := range workers {
			wg.Go(func() {
				for i := w; i < total; i += workers {
					if err := connectOnce(client, uint64(i)); err != nil {
						failures <- err
						return
					}
				}
			})
		}
		wg.Wait()
		close(failures)
		for err := range failures {
			t.Error(err)
		}
		t.Logf("%d connections in %v", total, time.Since(start).Round(time.Millisecond))
	})
}

func connectOnce(client *podnet.Container, n uint64) error {
	for {
		conn, err := client.Dial("tcp", "127.0.0.1:7")
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			// All 28,232 ports wait in TIME-WAIT; after a second they may be
			// used again (Linux's tcp_tw_reuse=2).
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		err = roundTrip(conn, n)
		return errors.Join(err, conn.Close())
	}
}

func TestManyConnectionsAtOnce(t *testing.T) {
	endure(t, func(t *testing.T, p *podnet.Pod, client *podnet.Container) {
		total := size(2000)
		conns := make([]net.Conn, total)
		for i := range conns {
			conn, err := client.Dial("tcp", "localhost:7")
			require.NoError(t, err)
			conns[i] = conn
		}
		for round := range 3 {
			var wg sync.WaitGroup
			for i, conn := range conns {
				wg.Go(func() { assert.NoError(t, roundTrip(conn, uint64(round*total+i))) })
			}
			wg.Wait()
		}
		assert.GreaterOrEqual(t, len(p.Sockets()), 2*total+1)
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
	})
}

func TestALongTransfer(t *testing.T) {
	endure(t, func(t *testing.T, p *podnet.Pod, client *podnet.Container) {
		total := int64(size(4<<10)) << 20
		l, err := p.Listen("tcp", "127.0.0.1:9")
		require.NoError(t, err)
		defer l.Close()
		received := make(chan []byte)
		go func() {
			conn, err := l.Accept()
			if !assert.NoError(t, err) {
				close(received)
				return
			}
			defer conn.Close()
			hash := sha256.New()
			n, err := io.CopyBuffer(struct{ io.Writer }{hash}, struct{ io.Reader }{conn}, make([]byte, 256<<10))
			assert.NoError(t, err)
			assert.Equal(t, total, n)
			received <- hash.Sum(nil)
		}()
		conn, err := client.Dial("tcp", "127.0.0.1:9")
		require.NoError(t, err)
		hash := sha256.New()
		block := make([]byte, 256<<10)
		start := time.Now()
		for sent := int64(0); sent < total; sent += int64(len(block)) {
			binary.BigEndian.PutUint64(block, uint64(sent)) // no two blocks are the same
			hash.Write(block)
			_, err := conn.Write(block)
			require.NoError(t, err)
		}
		require.NoError(t, conn.Close())
		assert.Equal(t, hash.Sum(nil), <-received)
		t.Logf("%d MiB in %v", total>>20, time.Since(start).Round(time.Millisecond))
	})
}
