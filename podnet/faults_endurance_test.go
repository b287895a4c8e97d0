package podnet_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// Under each preset and each fault, and under all at once, a connection carries what
// it is given: 1 GiB with -endurance, else 2 MiB, or 512 KiB with -short. docs/faults.md has the
// table.
func TestWhatAConnectionCarriesUnderEachFault(t *testing.T) {
	size := int64(2 << 20)
	switch {
	case *fullSize:
		size = 1 << 30
	case testing.Short():
		size = 512 << 10
	}
	const ms = time.Millisecond
	for _, tc := range []struct {
		name string
		cond podnet.Conditions
	}{
		{"SameNode", podnet.SameNode},
		{"SameZone", podnet.SameZone},
		{"CrossZone", podnet.CrossZone},
		{"CrossRegion", podnet.CrossRegion},
		{"Slow4G", podnet.Slow4G},
		{"LossyWiFi", podnet.LossyWiFi},
		{"latency of 10 ms", podnet.Conditions{Latency: 10 * ms}},
		{"jitter", podnet.Conditions{Latency: 10 * ms, Jitter: 5 * ms, Distribution: podnet.Normal}},
		{"100 Mbit/s", podnet.Conditions{Latency: ms, Bandwidth: 100e6}},
		{"100 Mbit/s, a queue of 20", podnet.Conditions{Latency: ms, Bandwidth: 100e6, Queue: 20}},
		{"1 % loss", podnet.Conditions{Latency: ms, Loss: 0.01}},
		{"bursts of loss", podnet.Conditions{Latency: ms, BurstLoss: podnet.BurstLoss{Begin: 0.001, End: 0.3}}},
		{"1 % twice", podnet.Conditions{Latency: ms, Duplicate: 0.01}},
		{"1 % late", podnet.Conditions{Latency: ms, Reorder: 0.01}},
		{"1 % damaged", podnet.Conditions{Latency: ms, Corrupt: 0.01}},
		{"an MTU of 1300", podnet.Conditions{Latency: ms, MTU: 1300}},
		{"all of it", podnet.Conditions{
			Latency: ms, Jitter: ms / 2, Bandwidth: 100e6, Queue: 100, Loss: 0.002, Duplicate: 0.002, Reorder: 0.002, Corrupt: 0.002, MTU: 1400,
			BurstLoss: podnet.BurstLoss{Begin: 0.0005, End: 0.3},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			begun := time.Now()
			var took time.Duration
			var counts podnet.FaultCounts
			synctest.Test(t, func(t *testing.T) { took, counts = carry(t, tc.cond, size) })
			t.Logf("| %s | %.4g | %v | %d | %d | %.1fs real", tc.name, float64(size)*8/took.Seconds()/1e6, took.Round(ms), counts.Packets, counts.Lost+counts.Overflowed+counts.Corrupted, time.Since(begun).Seconds())
		})
	}
}

// carry sends bytes under conditions between two Pods, and returns how long it took.
func carry(t *testing.T, cond podnet.Conditions, size int64) (time.Duration, podnet.FaultCounts) {
	c, client, server := faultyWorld(t, podnet.Config{})
	i, err := c.Impair(podnet.Where{From: podnet.Ends(client), To: podnet.Ends(server)}, cond)
	require.NoError(t, err)
	l, err := server.Listen("tcp", ":9000")
	require.NoError(t, err)
	defer l.Close()
	conn, err := client.DialContext(context.Background(), "tcp", server.IP().String()+":9000")
	require.NoError(t, err)
	start := time.Now()
	sent := sha256.New()
	go func() {
		defer conn.Close()
		b := make([]byte, 64<<10)
		for at := int64(0); at < size; at += int64(len(b)) {
			binary.BigEndian.PutUint64(b, uint64(at))
			sent.Write(b)
			if _, err := conn.Write(b); err != nil {
				t.Errorf("after %d bytes: %v", at, err)
				return
			}
		}
	}()
	peer, err := l.Accept()
	require.NoError(t, err)
	received := sha256.New()
	n, err := io.Copy(received, struct{ io.Reader }{peer})
	require.NoError(t, err)
	took := time.Since(start)
	peer.Close()
	assert.Equal(t, size, n)
	assert.Equal(t, sent.Sum(nil), received.Sum(nil))
	time.Sleep(time.Second)
	return took, i.Counts()
}
