package netstack

import (
	"fmt"
	"io"
	"math"
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
		ns, err := New(Config{Seed: uint64(i), Group: group})
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

// nth returns the number in the name of a case that loses every nth packet, or 0.
func nth(name string) (n int) {
	fmt.Sscanf(name, "one packet of %d lost", &n)
	return n
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

func TestThroughputIsWhatTheModelsSay(t *testing.T) {
	if testing.Short() {
		t.Skip("many minutes of full lines")
	}
	const mss = 1448
	reno := func(rtt time.Duration, loss float64) float64 { // Mathis and others, 1997
		return mss / rtt.Seconds() * math.Sqrt(1.5/loss)
	}
	// RFC 9438, 5: the average window, which is at least Reno's.
	cubic := func(rtt time.Duration, loss float64) float64 {
		const c, beta = 0.4, 0.7
		window := math.Pow(c*(3+beta)/(4*(1-beta)), 0.25) * math.Pow(rtt.Seconds(), 0.75) / math.Pow(loss, 0.75)
		return max(window*mss/rtt.Seconds(), reno(rtt, loss))
	}
	line := func(bits float64) float64 { return bits / 8 * mss / 1500 }
	for _, tc := range []struct {
		name    string
		control tcpip.CongestionControlOption
		c       faults.Conditions
		want    float64
		settle  time.Duration
		measure time.Duration
	}{
		{"a line of 10 Mbit/s", "cubic", faults.Conditions{Latency: 10 * time.Millisecond, Bandwidth: 10e6, Queue: 1000}, line(10e6), 5 * time.Second, 10 * time.Second},
		{"a line of 100 Mbit/s", "cubic", faults.Conditions{Latency: 10 * time.Millisecond, Bandwidth: 100e6, Queue: 1000}, line(100e6), 2 * time.Second, 2 * time.Second},
		{"a line with a short queue", "cubic", faults.Conditions{Latency: 10 * time.Millisecond, Bandwidth: 100e6, Queue: 170}, line(100e6), 2 * time.Second, 2 * time.Second},
		{"a line of 1 Gbit/s", "cubic", faults.Conditions{Latency: 2 * time.Millisecond, Bandwidth: 1e9, Queue: 1000}, line(1e9), time.Second / 4, time.Second / 4},
		{"0.1 % loss, 20 ms", "reno", faults.Conditions{Latency: 10 * time.Millisecond, Loss: 0.001}, reno(20*time.Millisecond, 0.001), 30 * time.Second, 120 * time.Second},
		{"1 % loss, 20 ms", "reno", faults.Conditions{Latency: 10 * time.Millisecond, Loss: 0.01}, reno(20*time.Millisecond, 0.01), 30 * time.Second, 120 * time.Second},
		{"1 % loss, 100 ms", "reno", faults.Conditions{Latency: 50 * time.Millisecond, Loss: 0.01}, reno(100*time.Millisecond, 0.01), 30 * time.Second, 120 * time.Second},
		{"one packet of 2000 lost, 100 ms", "cubic", faults.Conditions{Latency: 50 * time.Millisecond}, cubic(100*time.Millisecond, 1.0/2000), 30 * time.Second, 120 * time.Second},
		{"one packet of 500 lost, 100 ms", "cubic", faults.Conditions{Latency: 50 * time.Millisecond}, cubic(100*time.Millisecond, 1.0/500), 30 * time.Second, 120 * time.Second},
		{"0.1 % loss, 100 ms", "cubic", faults.Conditions{Latency: 50 * time.Millisecond, Loss: 0.001}, cubic(100*time.Millisecond, 0.001), 30 * time.Second, 120 * time.Second},
	} {
		t.Run(tc.name+", "+string(tc.control), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns, from, to := impairedPair(t, 1, tc.c, nth(tc.name))
				require.Nil(t, ns.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &tc.control))
				got := goodput(t, from, to, tc.settle, tc.measure)
				t.Logf("%.2f Mbit/s, the model %.2f: %.2f", got*8/1e6, tc.want*8/1e6, got/tc.want)
				assert.InEpsilon(t, tc.want, got, 0.25)
			})
		})
	}
}
