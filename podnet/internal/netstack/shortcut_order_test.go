package netstack

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"podnet.dev/podnet/internal/netfilter"
)

// transfer sends random bytes, in pieces of random size, and reads them likewise at
// the other end. Before a piece, now and then, switchPath is called.
func transfer(t *testing.T, from, to net.Conn, seed uint64, total int, switchPath func()) {
	sent, got := sha256.New(), sha256.New()
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(seed, 1))
		source := rand.NewChaCha8([32]byte{byte(seed)})
		for left := total; left > 0; {
			if r.IntN(8) == 0 {
				switchPath()
			}
			b := make([]byte, min(left, 1+r.IntN(1<<r.IntN(18))))
			source.Read(b)
			sent.Write(b)
			n, err := from.Write(b)
			if !assert.NoError(t, err) {
				break
			}
			left -= n
		}
		assert.NoError(t, from.(*tcpConn).CloseWrite())
	})
	r := rand.New(rand.NewPCG(seed, 2))
	n := 0
	for {
		b := make([]byte, 1+r.IntN(1<<r.IntN(18)))
		m, err := to.Read(b)
		got.Write(b[:m])
		n += m
		if err != nil {
			assert.Equal(t, io.EOF, err)
			break
		}
	}
	wg.Wait()
	assert.Equal(t, total, n)
	assert.Equal(t, sent.Sum(nil), got.Sum(nil))
}

func TestBytesKeepTheirOrderWhenThePathChanges(t *testing.T) {
	seeds, total := uint64(8), 16<<20
	if testing.Short() {
		seeds, total = 2, 4<<20
	}
	test := func(t *testing.T, seed uint64) {
		watch := new(netfilter.Watch)
		_, o := newTestNamespaceWith(t, Config{Seed: seed, Watch: watch})
		client, server := connect(t, o, "tcp4", "127.0.0.1:0")
		for _, c := range []net.Conn{client, server} { // so that nobody runs far ahead
			require.NoError(t, c.(*tcpConn).SetWriteBuffer(32<<10))
			require.NoError(t, c.(*tcpConn).SetReadBuffer(32<<10))
			c.(*tcpConn).grow = nil
		}
		var on atomic.Bool
		switchPath := func() {
			if on.Swap(!on.Load()) {
				watch.Set(nil, 0)
			} else {
				watch.Set(func(netfilter.Sighting) {}, netfilter.Heads)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { transfer(t, client, server, seed, total, switchPath) })
		wg.Go(func() { transfer(t, server, client, seed+100, total, switchPath) })
		wg.Wait()
		for _, c := range []net.Conn{client, server} {
			assert.Greater(t, c.(*tcpConn).sent, int64(total/100), "by packets")
			assert.Less(t, c.(*tcpConn).sent, int64(total-total/100), "by packets")
			c.Close()
		}
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { test(t, seed) })
		t.Run(fmt.Sprint(seed, " in a bubble"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, seed) })
		})
	}
}

func TestACaptureSeesEverySegmentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := new(netfilter.Watch)
		_, o := newTestNamespaceWith(t, Config{Watch: watch})
		client, server := connect(t, o, "tcp4", "127.0.0.1:0")
		_, err := client.Write([]byte("before|"))
		require.NoError(t, err)

		var mu sync.Mutex
		var seen bytes.Buffer
		watch.Set(func(s netfilter.Sighting) {
			if s.Event != netfilter.Sent || s.Tuple.Dst() != addrPortOf(server.LocalAddr()) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			segment := header.TCP(header.IPv4(s.Bytes).Payload())
			seen.Write(segment.Payload())
		}, 0)
		want := bytes.Repeat([]byte("0123456789"), 20_000)
		var wg sync.WaitGroup
		wg.Go(func() {
			for b := want; len(b) > 0; b = b[min(len(b), 7777):] {
				_, err := client.Write(b[:min(len(b), 7777)])
				assert.NoError(t, err)
			}
			synctest.Wait()
		})
		got := make([]byte, len("before|")+len(want))
		_, err = io.ReadFull(server, got)
		require.NoError(t, err)
		wg.Wait()
		assert.True(t, bytes.Equal(append([]byte("before|"), want...), got), "what was read")
		mu.Lock()
		assert.True(t, bytes.Equal(want, seen.Bytes()), "what was seen")
		mu.Unlock()
		watch.Set(nil, 0)
		assert.True(t, byShortcut(t, client))
	})
}
