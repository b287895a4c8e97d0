package netstack

import (
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// connectPair connects two processes.
func connectPair(t *testing.T, from, to *Owner) (client, server net.Conn) {
	t.Helper()
	l, err := to.Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	client, err = from.Dial(t.Context(), "tcp", "10.244.0.2:80")
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close(); l.Close() })
	return client, server
}

// carry sends n bytes, and returns how long it takes until they have arrived.
func carry(t *testing.T, from, to net.Conn, n int64) time.Duration {
	t.Helper()
	start := time.Now()
	go from.Write(make([]byte, n))
	_, err := io.CopyN(io.Discard, struct{ io.Reader }{to}, n)
	require.NoError(t, err)
	return time.Since(start)
}

func TestALossAtTheEndCostsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const packets = 5
		ns, from, to := impairedPair(t, 1, faults.Conditions{Latency: time.Millisecond}, 2+packets) // SYN, ACK, data
		client, server := connectPair(t, from, to)
		assert.Less(t, carry(t, client, server, packets*mss), 10*time.Millisecond)
		assert.Zero(t, ns.stack.Stats().TCP.Timeouts.Value())
		assert.Equal(t, uint64(1), ns.stack.Stats().TCP.Retransmits.Value())
	})
}

// Nor does a path that turns out to be narrow.
func TestANarrowPathCostsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, from, to := impairedPair(t, 1, faults.Conditions{Latency: time.Millisecond, MTU: 1300}, 0)
		client, server := connectPair(t, from, to)
		assert.Less(t, carry(t, client, server, 100_000), 20*time.Millisecond)
		assert.Zero(t, ns.stack.Stats().TCP.Timeouts.Value())
	})
}

// What arrives a little late is not sent again: less than a quarter of the round trip.
func TestALittleReorderingIsNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, from, to := impairedPair(t, 1, faults.Conditions{Latency: 10 * time.Millisecond, Reorder: 0.01, ReorderDelay: 3 * time.Millisecond}, 0)
		client, server := connectPair(t, from, to)
		carry(t, client, server, 1<<20) // the first that are late look lost
		before := ns.stack.Stats().TCP.Retransmits.Value()
		carry(t, client, server, 4<<20)
		// Of some thirty that are late, one may be just then when RACK allows less.
		assert.LessOrEqual(t, ns.stack.Stats().TCP.Retransmits.Value()-before, uint64(5))
	})
}

// Where a round trip takes no time, so do RACK's allowances: it must not send for ever.
func TestLossesWhereNoTimePasses(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, from, to := impairedPair(t, seed, faults.Conditions{Loss: 0.1, Reorder: 0.1, Duplicate: 0.1}, 0)
				client, server := connectPair(t, from, to)
				for range 20 {
					carry(t, client, server, 100)
					carry(t, server, client, 50_000)
				}
			})
		})
	}
}

// Connections have RACK if they begin under faults that may lose single packets, and
// then no segments of several packets.
func TestWhichConnectionsHaveRACK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := faults.NewSet(1)
		defer set.Close()
		router := fabric.NewRouter(fabric.RouterConfig{Faults: set})
		defer router.Close()
		end := router.NewVeth(nil, nil, DefaultMTU)
		defer end.Close()
		ns, err := New(Config{Faults: set})
		require.NoError(t, err)
		defer ns.Close()
		for _, tc := range []struct {
			name  string
			fault *faults.Fault
			c     faults.Conditions
			rack  bool
		}{
			{"conditions", &faults.Fault{}, faults.Conditions{Loss: 0.1}, true},
			{"conditions of UDP", &faults.Fault{Where: faults.Where{Protocol: netfilter.UDP}}, faults.Conditions{Loss: 0.1}, false},
			{"an MTU, too", &faults.Fault{}, faults.Conditions{Loss: 0.1, MTU: 1300}, false},
			{"a script", &faults.Fault{Script: func(*faults.Crossing) faults.Verdict { return faults.Verdict{} }}, faults.Conditions{}, true},
			{"a cut", &faults.Fault{Cut: true}, faults.Conditions{}, false},
		} {
			check := func(rack bool) {
				t.Helper()
				var recovery tcpip.TCPRecovery
				require.Nil(t, ns.stack.TransportProtocolOption(tcp.ProtocolNumber, &recovery))
				assert.Equal(t, rack, recovery == tcpip.TCPRACKLossDetection, tc.name)
				assert.Equal(t, rack, end.SupportedGSO() == stack.GSONotSupported, tc.name)
			}
			check(false)
			set.Add(tc.fault)
			tc.fault.SetConditions(tc.c)
			check(tc.rack)
			tc.fault.Close()
			check(false)
		}
	})
}
