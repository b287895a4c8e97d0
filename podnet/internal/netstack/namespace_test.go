package netstack

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
)

// The matrix of bind(2) on Linux 6.18, a fresh network namespace: X means that
// a second socket on the port fails with EADDRINUSE. The rows of TCP and UDP
// are the same.
func TestBindConflictsAsOnLinux(t *testing.T) {
	type socket struct{ network, host string }
	kinds := []socket{
		{"4", "0.0.0.0"}, {"4", "127.0.0.1"}, {"4", "127.0.0.2"}, {"4", podIPv4.String()},
		{"", ""}, {"6", "::"}, {"6", "::1"}, {"6", podIPv6.String()},
	}
	rows := []struct {
		first  socket
		second string // in the order of kinds
	}{
		{socket{"4", "0.0.0.0"}, "XXXXX..."},
		{socket{"4", "127.0.0.1"}, "XX..X..."},
		{socket{"4", podIPv4.String()}, "X..XX..."},
		{socket{"", ""}, "XXXXXXXX"},
		{socket{"6", "::"}, "....XXXX"},
		{socket{"6", "::1"}, "....XXX."},
		{socket{"6", podIPv6.String()}, "....XX.X"},
	}
	for _, transport := range []string{"tcp", "udp"} {
		for _, row := range rows {
			t.Run(fmt.Sprintf("%s%s on %q first", transport, row.first.network, row.first.host), func(t *testing.T) {
				_, o := newTestNamespace(t)
				bind := func(s socket, port string) (io.Closer, net.Addr, error) {
					address := net.JoinHostPort(s.host, port)
					if transport == "udp" {
						c, err := o.ListenPacket(t.Context(), "udp"+s.network, address)
						if err != nil {
							return nil, nil, err
						}
						return c, c.LocalAddr(), nil
					}
					l, err := o.Listen(t.Context(), "tcp"+s.network, address)
					if err != nil {
						return nil, nil, err
					}
					return l, l.Addr(), nil
				}
				first, addr, err := bind(row.first, "0")
				require.NoError(t, err)
				defer first.Close()
				port := strconv.Itoa(int(addrPortOf(addr).Port()))
				got := ""
				for _, kind := range kinds {
					second, _, err := bind(kind, port)
					if err != nil {
						require.ErrorIs(t, err, syscall.EADDRINUSE)
						got += "X"
						continue
					}
					got += "."
					second.Close()
				}
				assert.Equal(t, row.second, got, "second: %v", kinds)
			})
		}
	}
}

func TestWhoReachesWhichListener(t *testing.T) {
	targets := []string{"127.0.0.1", "127.0.0.5", podIPv4.String(), "0.0.0.0", "::1", podIPv6.String(), "::"}
	for _, tt := range []struct {
		network, host string
		reached       string // in the order of targets; + connected, - refused
	}{
		{"tcp4", "127.0.0.1", "+--+--+"}, // net falls back from :: to 0.0.0.0
		{"tcp4", "0.0.0.0", "++++--+"},
		{"tcp4", podIPv4.String(), "--+----"},
		{"tcp6", "::1", "----+-+"},
		{"tcp6", "::", "----+++"},
		{"tcp", "", "+++++++"},
	} {
		t.Run(tt.network+" on "+tt.host, func(t *testing.T) {
			_, o := newTestNamespace(t)
			l, err := o.Listen(t.Context(), tt.network, net.JoinHostPort(tt.host, "8080"))
			require.NoError(t, err)
			got := ""
			for _, target := range targets {
				c, err := o.Dial(t.Context(), "tcp", net.JoinHostPort(target, "8080"))
				if err != nil {
					require.ErrorIs(t, err, syscall.ECONNREFUSED)
					got += "-"
					continue
				}
				got += "+"
				c.Close()
			}
			assert.Equal(t, tt.reached, got, "targets %v", targets)
			require.NoError(t, l.Close())
		})
	}
}

func TestSourceAddress(t *testing.T) {
	_, o := newTestNamespace(t)
	l, err := o.Listen(t.Context(), "tcp", ":8080")
	require.NoError(t, err)
	for target, source := range map[string]string{
		"127.0.0.1": "127.0.0.1", "127.0.0.5": "127.0.0.1", podIPv4.String(): podIPv4.String(),
		"::1": "::1", podIPv6.String(): podIPv6.String(),
	} {
		c, err := o.Dial(t.Context(), "tcp", net.JoinHostPort(target, "8080"))
		require.NoError(t, err)
		local := addrPortOf(c.LocalAddr())
		assert.Equal(t, source, local.Addr().String(), target)
		assert.GreaterOrEqual(t, local.Port(), uint16(firstEphemeralPort))
		assert.LessOrEqual(t, local.Port(), uint16(lastEphemeralPort))
		s, err := l.Accept()
		require.NoError(t, err)
		assert.Equal(t, local, netip.AddrPortFrom(addrPortOf(s.RemoteAddr()).Addr().Unmap(), local.Port()))
	}
}

// Traffic to an own address must cross lo, where a capture looks for it.
func TestOwnAddressTrafficCrossesLo(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.0.0.5", podIPv4.String(), "::1", podIPv6.String()} {
		t.Run(host, func(t *testing.T) {
			ns, o := newTestNamespace(t)
			sent := func(id tcpip.NICID) uint64 { return ns.stack.NICInfo()[id].Stats.Tx.Packets.Value() }
			c, s := connect(t, o, "tcp", net.JoinHostPort(host, "0"))
			lo, eth0 := sent(loopbackID), sent(2)
			_, err := c.Write([]byte("x"))
			require.NoError(t, err)
			_, err = s.Read(make([]byte, 1))
			require.NoError(t, err)
			assert.Greater(t, sent(loopbackID), lo)
			assert.Equal(t, eth0, sent(2))
		})
	}
}

// A namespace's eth0 is ready for a link: here both ends of one, back to back.
func TestTwoNamespacesTalkOverEth0(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New("", "", DefaultMTU)
		var owners []*Owner
		for i, end := range []*pipe.Endpoint{a, b} {
			ns, err := New(Config{Seed: uint64(i)})
			require.NoError(t, err)
			defer ns.Close()
			require.NoError(t, ns.AddLink(Link{Name: "eth0", Endpoint: end, Addrs: []netip.Prefix{
				netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, 0, byte(2 + i)}), 24),
				netip.MustParsePrefix(fmt.Sprintf("fd00:10:244::%d/64", 2+i)),
			}}))
			owners = append(owners, ns.NewOwner("app", 1, nil))
		}
		l, err := owners[1].Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })}
		go srv.Serve(l)
		defer srv.Close()
		tr := &http.Transport{DialContext: owners[0].Dial}
		defer tr.CloseIdleConnections()
		for url, from := range map[string]string{"http://10.244.0.3/": "10.244.0.2:", "http://[fd00:10:244::3]/": "[fd00:10:244::2]:"} {
			resp, err := (&http.Client{Transport: tr}).Get(url)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			require.NoError(t, err)
			assert.Contains(t, string(body), from)
		}
	})
}

func TestInterfaces(t *testing.T) {
	ns, _ := newTestNamespace(t)
	list := ns.Interfaces()
	require.Len(t, list, 2)
	assert.Equal(t, Interface{Index: 1, Name: "lo", MTU: 65536, Flags: net.FlagUp | net.FlagRunning | net.FlagLoopback,
		Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}}, list[0])
	assert.Equal(t, "eth0", list[1].Name)
	assert.Equal(t, DefaultMTU, list[1].MTU)
	assert.Equal(t, []netip.Prefix{netip.PrefixFrom(podIPv4, 24), netip.PrefixFrom(podIPv6, 64)}, list[1].Addrs)
	assert.ErrorContains(t, ns.AddLink(Link{Name: "eth0"}), "exists")
}

func TestSameSeedSamePorts(t *testing.T) {
	draw := func(seed uint64) (ports []string) {
		ns, err := New(Config{Seed: seed})
		require.NoError(t, err)
		defer ns.Close()
		o := ns.NewOwner("app", 1, nil)
		for range 5 {
			l, err := o.Listen(t.Context(), "tcp", ":0")
			require.NoError(t, err)
			ports = append(ports, l.Addr().String())
		}
		return ports
	}
	assert.Equal(t, draw(7), draw(7))
	assert.NotEqual(t, draw(7), draw(8))
}

func TestVirtualTime(t *testing.T) {
	t.Run("a hundred requests of ten minutes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, o := newTestNamespace(t)
			l, err := o.Listen(t.Context(), "tcp", ":80")
			require.NoError(t, err)
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(10 * time.Minute) })}
			go srv.Serve(l)
			defer srv.Close()
			tr := &http.Transport{DialContext: o.Dial}
			defer tr.CloseIdleConnections()
			start := time.Now()
			for range 100 {
				resp, err := (&http.Client{Transport: tr}).Get("http://127.0.0.1/")
				require.NoError(t, err)
				resp.Body.Close()
			}
			assert.Equal(t, 1000*time.Minute, time.Since(start))
		})
	})
	t.Run("SYNs without an answer give up after 127 seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, o := newTestNamespace(t)
			start := time.Now()
			_, err := o.Dial(t.Context(), "tcp", "10.244.0.99:80")
			require.ErrorIs(t, err, syscall.ETIMEDOUT)
			assert.EqualError(t, err, "dial tcp 10.244.0.99:80: connect: connection timed out")
			assert.Equal(t, 127*time.Second, time.Since(start).Round(time.Second))
		})
	})
	t.Run("deadlines pass on time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, o := newTestNamespace(t)
			c, _ := connect(t, o, "tcp", "127.0.0.1:0")
			start := time.Now()
			c.SetReadDeadline(start.Add(time.Hour))
			_, err := c.Read(make([]byte, 1))
			assert.Error(t, err)
			assert.Equal(t, time.Hour, time.Since(start))
		})
	})
	t.Run("a talk without end lets time pass", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, o := newTestNamespace(t)
			c, s := connect(t, o, "tcp", "127.0.0.1:0")
			go io.Copy(s, s)
			defer c.Close()
			start := time.Now()
			for b := make([]byte, 1); time.Since(start) < 100*time.Millisecond; {
				_, err := c.Write(b)
				require.NoError(t, err)
				_, err = c.Read(b)
				require.NoError(t, err)
			}
		})
	})
}

func TestNoRoute(t *testing.T) {
	ns, err := New(Config{})
	require.NoError(t, err)
	defer ns.Close()
	o := ns.NewOwner("app", 1, nil)
	for _, network := range []string{"tcp", "udp"} {
		for _, address := range []string{"192.0.2.1:80", "[2001:db8::1]:80"} {
			_, err = o.Dial(t.Context(), network, address)
			assert.ErrorIs(t, err, syscall.ENETUNREACH)
			assert.EqualError(t, err, "dial "+network+" "+address+": connect: network is unreachable")
		}
	}
}
