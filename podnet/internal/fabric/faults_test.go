package fabric_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// impair adds a fault of conditions.
func (w world) impair(where faults.Where, c faults.Conditions) *faults.Fault {
	f := &faults.Fault{Where: where}
	f.SetConditions(c)
	w.faults.Add(f)
	return f
}

func pod(router, host int) []faults.End {
	return []faults.End{{Pod: fmt.Sprintf("pod-%d-%d", router, host)}}
}

func node(router int) []faults.End { return []faults.End{{Node: fmt.Sprintf("node-%d", router)}} }

// arrival is a datagram that arrived: its number, and when.
type arrival struct {
	number int
	after  time.Duration
}

// datagrams sends n datagrams of a size from one host to another, a thousand at once, and
// returns those that arrive.
func datagrams(t *testing.T, from, to host, at netip.Addr, n, size int) []arrival {
	t.Helper()
	l, err := to.ListenPacket(t.Context(), "udp", netip.AddrPortFrom(at, 0).String())
	require.NoError(t, err)
	defer l.Close()
	c, err := from.Dial(t.Context(), "udp", l.LocalAddr().String())
	require.NoError(t, err)
	defer c.Close()
	start := time.Now()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range n {
			b := make([]byte, size)
			binary.BigEndian.PutUint32(b, uint32(i))
			c.Write(b)
			if i%1000 == 999 && n > 1000 { // before the receiver's buffer is full
				time.Sleep(time.Millisecond)
			}
		}
	}()
	var list []arrival
	l.SetReadDeadline(start.Add(time.Minute))
	for {
		b := make([]byte, 1<<16)
		_, _, err := l.ReadFrom(b)
		if err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			<-sent
			return list
		}
		list = append(list, arrival{int(binary.BigEndian.Uint32(b)), time.Since(start)})
	}
}

func TestConditionsOfALink(t *testing.T) {
	const headers = 28
	for _, tc := range []struct {
		name  string
		where func(w world) faults.Where
		cond  faults.Conditions
		n     int
		check func(t *testing.T, got []arrival)
	}{
		{"latency", nil, faults.Conditions{Latency: 20 * time.Millisecond}, 3, func(t *testing.T, got []arrival) {
			assert.Equal(t, []arrival{{0, 20 * time.Millisecond}, {1, 20 * time.Millisecond}, {2, 20 * time.Millisecond}}, got)
		}},
		{"bandwidth", nil, faults.Conditions{Bandwidth: 8 * (100 + headers) * 1000, Queue: 1000}, 3, func(t *testing.T, got []arrival) {
			assert.Equal(t, []arrival{{0, time.Millisecond}, {1, 2 * time.Millisecond}, {2, 3 * time.Millisecond}}, got)
		}},
		{"a full queue drops what comes last", nil, faults.Conditions{Bandwidth: 8 * (100 + headers) * 1000, Queue: 2}, 10, func(t *testing.T, got []arrival) {
			assert.Equal(t, []arrival{{0, time.Millisecond}, {1, 2 * time.Millisecond}, {2, 3 * time.Millisecond}}, got)
		}},
		{"everything lost", nil, faults.Conditions{Loss: 1}, 100, func(t *testing.T, got []arrival) { assert.Empty(t, got) }},
		{"loss", nil, faults.Conditions{Loss: 0.3}, 4000, func(t *testing.T, got []arrival) {
			assert.InDelta(t, 0.7*4000, len(got), 0.02*4000)
		}},
		{"bursts of loss", nil, faults.Conditions{Burst: faults.Burst{Begin: 0.05, End: 0.25, Loss: 1}}, 4000, func(t *testing.T, got []arrival) {
			bursts, last := 0, -1
			for _, a := range append(got, arrival{number: 4000}) {
				if a.number > last+1 {
					bursts++
				}
				last = a.number
			}
			lost := 4000 - len(got)
			assert.InDelta(t, 4000.0/6, lost, 200, "one packet in six")
			assert.InDelta(t, 4, float64(lost)/float64(bursts), 1, "four at a time")
		}},
		{"duplication", nil, faults.Conditions{Duplicate: 1}, 2, func(t *testing.T, got []arrival) {
			assert.Equal(t, []arrival{{0, 0}, {0, 0}, {1, 0}, {1, 0}}, got)
		}},
		{"corruption is noticed", nil, faults.Conditions{Corrupt: 1}, 200, func(t *testing.T, got []arrival) {
			// But for IPv6's hop limit, traffic class and flow label, which no checksum covers.
			assert.Less(t, len(got), 15)
		}},
		{"uniform jitter keeps the order", nil, faults.Conditions{Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond}, 1000, func(t *testing.T, got []arrival) {
			require.Len(t, got, 1000)
			for i, a := range got {
				assert.Equal(t, i, a.number)
				assert.InDelta(t, 10, float64(a.after)/float64(time.Millisecond), 5)
			}
		}},
		{"reordering", nil, faults.Conditions{Latency: time.Millisecond, Reorder: 0.1, ReorderDelay: time.Millisecond}, 1000, func(t *testing.T, got []arrival) {
			require.Len(t, got, 1000)
			late := 0
			for _, a := range got {
				if a.after == 2*time.Millisecond {
					late++
				}
			}
			assert.InDelta(t, 100, late, 30)
			assert.NotEqual(t, 999, got[999].number)
		}},
		{"between nodes, which Pods of one node do not notice", func(world) faults.Where { return faults.Where{From: node(0), To: node(1)} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Len(t, got, 3) }},
		{"one way, the other", func(world) faults.Where { return faults.Where{From: pod(0, 1), OneWay: true} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Len(t, got, 3) }},
		{"one way, this", func(world) faults.Where { return faults.Where{From: pod(0, 0), OneWay: true} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Empty(t, got) }},
		{"to a Pod", func(world) faults.Where { return faults.Where{To: pod(0, 1), OneWay: true} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Empty(t, got) }},
		{"both links of a way", func(world) faults.Where { return faults.Where{From: append(pod(0, 1), pod(0, 0)...)} }, faults.Conditions{Latency: time.Millisecond}, 1, func(t *testing.T, got []arrival) {
			assert.Equal(t, []arrival{{0, 2 * time.Millisecond}}, got)
		}},
		{"another protocol", func(world) faults.Where { return faults.Where{Protocol: netfilter.TCP} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Len(t, got, 3) }},
		{"another port", func(world) faults.Where { return faults.Where{Ports: []uint16{80}} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Len(t, got, 3) }},
		{"the process", func(world) faults.Where { return faults.Where{Container: "app"} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Empty(t, got) }},
		{"another process", func(world) faults.Where { return faults.Where{Container: "ppa"} }, faults.Conditions{Loss: 1}, 3, func(t *testing.T, got []arrival) { assert.Len(t, got, 3) }},
	} {
		for _, v6 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/v6=%t", tc.name, v6), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, fabric.Rules{}, 2)
					where := faults.Where{From: pod(0, 0), To: pod(0, 1)}
					if tc.where != nil {
						where = tc.where(w)
					}
					at := w.hosts[1].ipv4
					cond := tc.cond
					if v6 {
						at = w.hosts[1].ipv6
						cond.Bandwidth = cond.Bandwidth / (100 + headers) * (100 + headers + 20)
					}
					f := w.impair(where, cond)
					tc.check(t, datagrams(t, w.hosts[0], w.hosts[1], at, tc.n, 100))
					f.Close()
					for _, at := range []faults.Place{faults.Up, faults.Down, faults.Between, faults.Loopback} {
						assert.False(t, w.faults.Active(at), "it is gone")
					}
				})
			})
		}
	}
}

// The same seed gives the same losses, and traffic elsewhere does not move them.
func TestLotsDependOnTheLinkAlone(t *testing.T) {
	run := func(t *testing.T, disturb bool) (got []arrival) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, fabric.Rules{}, 2)
			w.impair(faults.Where{}, faults.Conditions{Loss: 0.5, Latency: time.Millisecond, Jitter: time.Millisecond, Normal: true})
			if disturb {
				datagrams(t, w.hosts[1], w.hosts[0], w.hosts[0].ipv4, 100, 10)
				datagrams(t, w.hosts[2], w.hosts[3], w.hosts[3].ipv4, 100, 10)
			}
			got = datagrams(t, w.hosts[0], w.hosts[1], w.hosts[1].ipv4, 100, 10)
		})
		return got
	}
	first := run(t, false)
	assert.InDelta(t, 50, len(first), 20)
	assert.Equal(t, first, run(t, false))
	assert.Equal(t, first, run(t, true))
}

func TestALinkWithAnMTUTellsTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fabric.Rules{}, 2)
		w.impair(faults.Where{From: pod(0, 0), To: pod(1, 0)}, faults.Conditions{MTU: 1300, Latency: time.Millisecond})
		hash(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv4, 1<<20)
		hash(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv6, 1<<20)
		assert.Len(t, datagrams(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv4, 3, 1400), 3, "IPv4 is cut")
		assert.Empty(t, datagrams(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv6, 3, 1400), "IPv6 may not be")
	})
}

// hash sends n bytes over TCP, looks whether they are the same on the other side,
// and returns how long that took.
func hash(t *testing.T, from, to host, at netip.Addr, n int) time.Duration {
	t.Helper()
	client, server := dial(t, from, to, at)
	start := time.Now()
	go func() {
		defer client.Close()
		b := make([]byte, 1<<16)
		for at := 0; at < n; at += len(b) {
			pattern(b, at)
			if _, err := client.Write(b[:min(len(b), n-at)]); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	got, want, at2 := make([]byte, 1<<16), make([]byte, 1<<16), 0
	for {
		k, err := io.ReadFull(server, got)
		pattern(want, at2)
		if !bytes.Equal(want[:k], got[:k]) {
			t.Fatalf("other bytes after %d", at2)
		}
		at2 += k
		if err != nil {
			require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), err)
			break
		}
	}
	took := time.Since(start)
	assert.Equal(t, n, at2)
	assert.NoError(t, server.Close())
	return took
}

// pattern fills b with what stands at a place of an endless text without
// repetition.
func pattern(b []byte, at int) {
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], uint64(at+i)*0x9e3779b97f4a7c15)
	}
}

func TestTCPUnderEachFault(t *testing.T) {
	const size = 1 << 20
	for name, c := range map[string]faults.Conditions{
		"latency":     {Latency: 10 * time.Millisecond},
		"jitter":      {Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond},
		"bandwidth":   {Latency: time.Millisecond, Bandwidth: 100e6, Queue: 1000},
		"short queue": {Latency: time.Millisecond, Bandwidth: 100e6, Queue: 20},
		"loss":        {Latency: time.Millisecond, Loss: 0.01},
		"no latency":  {Loss: 0.01},
		"bursts":      {Latency: time.Millisecond, Burst: faults.Burst{Begin: 0.001, End: 0.3, Loss: 1}},
		"duplication": {Latency: time.Millisecond, Duplicate: 0.1},
		"reordering":  {Latency: time.Millisecond, Reorder: 0.1, ReorderDelay: time.Millisecond},
		"corruption":  {Latency: time.Millisecond, Corrupt: 0.01},
		"MTU":         {Latency: time.Millisecond, MTU: 1300},
		"all":         {Latency: time.Millisecond, Jitter: time.Millisecond, Normal: true, Bandwidth: 100e6, Queue: 100, Loss: 0.005, Duplicate: 0.01, Reorder: 0.01, ReorderDelay: time.Millisecond, Corrupt: 0.005, MTU: 1400},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 1)
				w.impair(faults.Where{From: pod(0, 0), To: pod(0, 1)}, c)
				took := hash(t, w.hosts[0], w.hosts[1], w.hosts[1].ipv4, size)
				t.Logf("%v: %.1f Mbit/s", took, float64(size)*8/took.Seconds()/1e6)
			})
		})
		t.Run(name+" on lo", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 1)
				w.impair(faults.Where{From: pod(0, 0), Loopback: true}, c)
				took := hash(t, w.hosts[0], w.hosts[0], netip.MustParseAddr("127.0.0.1"), size)
				t.Logf("%v: %.1f Mbit/s", took, float64(size)*8/took.Seconds()/1e6)
			})
		})
	}
}

func TestACut(t *testing.T) {
	for _, between := range []string{"Pods", "nodes", "a Pod and a node"} {
		t.Run(between, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 2)
				client, server := dial(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv4)
				where := map[string]faults.Where{
					"Pods":             {From: pod(0, 0), To: pod(1, 0)},
					"nodes":            {From: node(1), To: node(0)},
					"a Pod and a node": {From: pod(0, 0), To: node(1)},
				}[between]
				f := &faults.Fault{Where: where, Cut: true}
				require.True(t, w.faults.Add(f))
				_, err := client.Write([]byte("hello"))
				require.NoError(t, err)
				time.Sleep(20 * time.Second)
				server.SetReadDeadline(time.Now())
				_, err = server.Read(make([]byte, 5))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				f.Close()
				server.SetReadDeadline(time.Time{})
				n, err := server.Read(make([]byte, 5))
				assert.NoError(t, err)
				assert.Equal(t, 5, n, "TCP has sent it again")
				client.Close()
				server.Close()
			})
		})
	}
}

func TestWhatIsUnderWayWhenACutBegins(t *testing.T) {
	for _, where := range []faults.Where{{From: pod(0, 0), To: pod(1, 0)}, {From: node(0), To: node(1)}} {
		for _, link := range []string{"pods", "nodes", "network"} {
			for _, keep := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s over %s, keep=%t", where.String(), link, keep), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, fabric.Rules{}, 2)
						switch link {
						case "pods":
							w.impair(faults.Where{From: pod(0, 0)}, faults.Conditions{Latency: time.Second})
						case "nodes":
							w.impair(faults.Where{From: node(0)}, faults.Conditions{Latency: time.Second})
						default:
							w.network.SetLatency(time.Second)
						}
						time.AfterFunc(time.Second/2, func() {
							w.faults.Add(&faults.Fault{Where: where, Cut: true, Keep: keep})
						})
						want := 0
						if keep {
							want = 2
						}
						assert.Len(t, datagrams(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv4, 2, 10), want)
						assert.Empty(t, datagrams(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv4, 2, 10))
					})
				})
			}
		}
	}
}

func TestScripts(t *testing.T) {
	always := func(v faults.Verdict) func(*faults.Crossing) faults.Verdict {
		return func(*faults.Crossing) faults.Verdict { return v }
	}
	wheres := map[string]faults.Where{
		"a pair": {From: pod(0, 0), To: pod(1, 0)}, "a link": {From: pod(0, 0)}, "to a Pod": {To: pod(1, 0)}, "nodes": {From: node(0), To: node(1)},
	}
	for name, where := range wheres {
		t.Run("reset of an established connection, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 2)
				client, server := dial(t, w.hosts[0], w.hosts[2], w.hosts[2].ipv6)
				w.faults.Add(&faults.Fault{Where: where, Script: always(faults.Verdict{Kind: faults.Reset})})
				_, err := client.Write([]byte("hello"))
				require.NoError(t, err)
				_, err = client.Read(make([]byte, 1))
				assert.ErrorIs(t, err, syscall.ECONNRESET)
				_, err = server.Read(make([]byte, 1))
				assert.ErrorIs(t, err, syscall.ECONNRESET)
			})
		})
		t.Run("refusal, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 2)
				l, err := w.hosts[2].Listen(t.Context(), "tcp", ":80")
				require.NoError(t, err)
				f := &faults.Fault{Where: where, Script: always(faults.Verdict{Kind: faults.Reject})}
				w.faults.Add(f)
				address := netip.AddrPortFrom(w.hosts[2].ipv4, 80).String()
				_, err = w.hosts[0].Dial(t.Context(), "tcp", address)
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
				c, err := w.hosts[0].Dial(t.Context(), "udp", address)
				require.NoError(t, err)
				_, err = c.Write([]byte("x"))
				require.NoError(t, err)
				_, err = c.Read(make([]byte, 1))
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
				f.Close()
				conn, err := w.hosts[0].Dial(t.Context(), "tcp", address)
				require.NoError(t, err)
				conn.Close()
				l.Close()
			})
		})
	}
	t.Run("on lo", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, fabric.Rules{}, 1)
			client, server := dial(t, w.hosts[0], w.hosts[0], netip.IPv6Loopback())
			w.faults.Add(&faults.Fault{Where: faults.Where{Loopback: true}, Script: always(faults.Verdict{Kind: faults.Reset})})
			_, err := client.Write([]byte("hello"))
			require.NoError(t, err)
			for _, c := range []net.Conn{client, server} {
				_, err = c.Read(make([]byte, 1))
				assert.ErrorIs(t, err, syscall.ECONNRESET)
			}
			_, err = w.hosts[0].Dial(context.Background(), "tcp", "localhost:80")
			assert.Error(t, err)
		})
	})
	t.Run("delay", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, fabric.Rules{}, 1)
			n := 0
			w.faults.Add(&faults.Fault{Where: faults.Where{To: pod(0, 1)}, Script: func(c *faults.Crossing) faults.Verdict {
				n++
				if n == 1 {
					return faults.Verdict{Kind: faults.Delay, Delay: time.Second}
				}
				return faults.Verdict{}
			}})
			assert.Equal(t, []arrival{{1, 0}, {2, 0}, {0, time.Second}}, datagrams(t, w.hosts[0], w.hosts[1], w.hosts[1].ipv4, 3, 10))
		})
	})
}

func TestConditionsThatAreLiftedKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fabric.Rules{}, 1)
		f := w.impair(faults.Where{From: pod(0, 0), To: pod(0, 1)}, faults.Conditions{Latency: time.Second})
		l, err := w.hosts[1].ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		c, err := w.hosts[0].Dial(t.Context(), "udp", netip.AddrPortFrom(w.hosts[1].ipv4, 53).String())
		require.NoError(t, err)
		c.Write([]byte("1"))
		f.Close()
		f.Close()
		assert.True(t, w.faults.Active(faults.Down), "something is under way")
		c.Write([]byte("2"))
		for _, want := range []string{"1", "2"} {
			b := make([]byte, 1)
			_, _, err := l.ReadFrom(b)
			require.NoError(t, err)
			assert.Equal(t, want, string(b))
		}
		synctest.Wait()
		assert.False(t, w.faults.Active(faults.Down))
		c.Close()
		l.Close()
	})
}

// What is under way at the end of the world is dropped, and released.
func TestClosingAWorldWithPacketsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fabric.Rules{}, 1)
		w.impair(faults.Where{}, faults.Conditions{Latency: time.Hour, Duplicate: 1, Corrupt: 0.5})
		c, err := w.hosts[0].Dial(t.Context(), "udp", netip.AddrPortFrom(w.hosts[1].ipv4, 53).String())
		require.NoError(t, err)
		for range 10 {
			c.Write([]byte("x"))
		}
		w.faults.Close()
		assert.False(t, w.faults.Add(&faults.Fault{Cut: true}))
		c.Close()
	})
}
