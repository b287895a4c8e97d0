package netstack

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/faults"
)

// impairedPair is newPair with conditions on the way from the first to the second,
// and its latency on the way back;
// if every is not 0, one of so many packets is lost.
func impairedPair(t *testing.T, seed uint64, c faults.Conditions, every int) (one *Namespace, from, to *Owner) {
	t.Helper()
	set := faults.NewSet(seed)
	group := new(Group)
	router := fabric.NewRouter(fabric.RouterConfig{Faults: set})
	t.Cleanup(router.Close)
	t.Cleanup(set.Close)
	gateways := []netip.Addr{netip.MustParseAddr("10.244.0.254")}
	var list [2]*Namespace
	for i := range list {
		ns, err := New(Config{Seed: uint64(i), Group: group, Faults: set})
		require.NoError(t, err)
		t.Cleanup(ns.Close)
		addrs := []netip.Addr{netip.AddrFrom4([4]byte{10, 244, 0, byte(1 + i)})}
		end := router.NewVethOf(faults.End{Pod: fmt.Sprint(i)}, addrs, gateways, DefaultMTU)
		require.NoError(t, ns.AddLink(Link{Name: "eth0", Endpoint: end, Gateways: gateways, Addrs: []netip.Prefix{netip.PrefixFrom(addrs[0], 24)}}))
		list[i] = ns
	}
	for i, c := range []faults.Conditions{c, {Latency: c.Latency}} {
		f := &faults.Fault{Where: faults.Where{From: []faults.End{{Pod: fmt.Sprint(i)}}, To: []faults.End{{Pod: fmt.Sprint(1 - i)}}, OneWay: true}}
		f.SetConditions(c)
		set.Add(f)
	}
	if n := 0; every > 0 {
		set.Add(&faults.Fault{Where: faults.Where{From: []faults.End{{Pod: "0"}}, To: []faults.End{{Pod: "1"}}, OneWay: true}, Script: func(*faults.Crossing) faults.Verdict {
			if n++; n%every == 0 {
				return faults.Verdict{Kind: faults.Drop}
			}
			return faults.Verdict{}
		}})
	}
	return list[0], list[0].NewOwner("client", 1, nil), list[1].NewOwner("server", 1, nil)
}

// goodput sends for a while over one connection, and returns the bytes in a second
// that arrive when it has found its pace.
func goodput(t *testing.T, from, to *Owner, settle, measure time.Duration) float64 {
	t.Helper()
	l, err := to.Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	conn, err := from.Dial(t.Context(), "tcp", "10.244.0.2:80")
	require.NoError(t, err)
	peer, err := l.Accept()
	require.NoError(t, err)
	go func() {
		b := make([]byte, 64<<10)
		for {
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	}()
	read := func(d time.Duration) (n int64) {
		peer.SetReadDeadline(time.Now().Add(d))
		n, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{peer}, make([]byte, 64<<10))
		return n
	}
	read(settle)
	n := read(measure)
	conn.Close()
	peer.Close()
	l.Close()
	return float64(n) / measure.Seconds()
}

// mss is what a packet of 1500 bytes carries, with timestamps.
const mss = 1448

// fullLine is the throughput of a line of so many bits a second, less headers, in
// bytes a second like those of the models that follow.
func fullLine(bits float64) float64 { return bits / 8 * mss / DefaultMTU }

// reno is Mathis and others', 1997: a window that is halved at each loss.
func reno(rtt time.Duration, loss float64) float64 {
	return mss / rtt.Seconds() * math.Sqrt(1.5/loss)
}

// cubic follows RFC 9438's window, round trip by round trip. One of so many packets
// is lost: at equal distances, or each by lot.
func cubic(rtt time.Duration, every int, lot bool) float64 {
	const (
		c, beta = 0.4, 0.7
		alpha   = 3 * (1 - beta) / (1 + beta)
		rounds  = 200_000
	)
	lots := rand.New(rand.NewPCG(1, 2))
	window, friendly := 10.0, 0.0 // in packets; friendly is Reno's
	var top, last float64         // the window to come back to, and that at the last loss
	var since, k float64          // seconds since the loss, and those from it to top
	n, arrived, recovering := 0, 0, false
	for range rounds {
		lost := 0
		for range int(window) {
			if n++; lot && lots.IntN(every) == 0 || !lot && n%every == 0 {
				lost++
			}
		}
		arrived += int(window) - lost
		switch {
		case lost > 0:
			if top = window; top < last { // fast convergence
				top *= (1 + beta) / 2
			}
			last, window = window, max(2, window*beta)
			friendly, since, k, recovering = window, 0, math.Cbrt((top-window)/c), true
		case recovering:
			recovering = false
		case top == 0: // slow start
			window *= 2
		default:
			since += rtt.Seconds()
			if friendly += alpha; friendly > top {
				friendly += 1 - alpha
			}
			window = max(window, min(c*math.Pow(since-k, 3)+top, 1.5*window), friendly)
		}
	}
	return float64(arrived) * mss / (rounds * rtt.Seconds())
}

func TestThroughputIsWhatTheModelsSay(t *testing.T) {
	if testing.Short() {
		t.Skip("many minutes of full lines")
	}
	const ms, s = time.Millisecond, time.Second
	lossy := func(rtt time.Duration, loss float64) faults.Conditions {
		return faults.Conditions{Latency: rtt / 2, Loss: loss}
	}
	for _, tc := range []struct {
		name    string
		control tcpip.CongestionControlOption
		c       faults.Conditions
		every   int // one packet of so many is lost
		want    float64
		settle  time.Duration
		measure time.Duration
	}{
		{"a line of 10 Mbit/s", "cubic", faults.Conditions{Latency: 10 * ms, Bandwidth: 10e6, Queue: 1000}, 0, fullLine(10e6), 5 * s, 10 * s},
		{"a line of 100 Mbit/s", "cubic", faults.Conditions{Latency: 10 * ms, Bandwidth: 100e6, Queue: 1000}, 0, fullLine(100e6), 2 * s, 2 * s},
		{"a line with a short queue", "cubic", faults.Conditions{Latency: 10 * ms, Bandwidth: 100e6, Queue: 170}, 0, fullLine(100e6), 2 * s, 10 * s},
		{"a line of 1 Gbit/s", "cubic", faults.Conditions{Latency: 2 * ms, Bandwidth: 1e9, Queue: 1000}, 0, fullLine(1e9), s / 4, s / 4},
		{"0.1 % loss, 20 ms", "reno", lossy(20*ms, 0.001), 0, reno(20*ms, 0.001), 30 * s, 300 * s},
		{"1 % loss, 2 ms", "reno", lossy(2*ms, 0.01), 0, reno(2*ms, 0.01), 5 * s, 20 * s},
		{"1 % loss, 20 ms", "reno", lossy(20*ms, 0.01), 0, reno(20*ms, 0.01), 30 * s, 300 * s},
		{"1 % loss, 100 ms", "reno", lossy(100*ms, 0.01), 0, reno(100*ms, 0.01), 30 * s, 600 * s},
		{"1 % loss, 2 ms", "cubic", lossy(2*ms, 0.01), 0, cubic(2*ms, 100, true), 5 * s, 20 * s},
		{"1 % loss, 100 ms", "cubic", lossy(100*ms, 0.01), 0, cubic(100*ms, 100, true), 30 * s, 600 * s},
		{"0.1 % loss, 100 ms", "cubic", lossy(100*ms, 0.001), 0, cubic(100*ms, 1000, true), 30 * s, 600 * s},
		{"0.05 % loss, 100 ms", "cubic", lossy(100*ms, 0.0005), 0, cubic(100*ms, 2000, true), 30 * s, 600 * s},
		{"0.01 % loss, 100 ms", "cubic", lossy(100*ms, 0.0001), 0, cubic(100*ms, 10_000, true), 30 * s, 600 * s},
		{"one packet of 2000 lost, 100 ms", "cubic", lossy(100*ms, 0), 2000, cubic(100*ms, 2000, false), 30 * s, 600 * s},
		{"one packet of 500 lost, 100 ms", "cubic", lossy(100*ms, 0), 500, cubic(100*ms, 500, false), 30 * s, 600 * s},
		{"one packet of 100 lost, 100 ms", "cubic", lossy(100*ms, 0), 100, cubic(100*ms, 100, false), 30 * s, 600 * s},
	} {
		t.Run(tc.name+", "+string(tc.control), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns, from, to := impairedPair(t, 1, tc.c, tc.every)
				require.Nil(t, ns.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &tc.control))
				got := goodput(t, from, to, tc.settle, tc.measure)
				t.Logf("%.2f Mbit/s, the model %.2f: %.2f", got*8/1e6, tc.want*8/1e6, got/tc.want)
				assert.InEpsilon(t, tc.want, got, 0.25)
			})
		})
	}
}
