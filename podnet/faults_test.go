package podnet_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// echo is a server's container, which returns what it gets, on port 8080.
func echoServer(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

// faultyWorld is a client on node-1 and a server on node-2, with a Service before it.
func faultyWorld(t *testing.T, cfg podnet.Config) (c *podnet.Cluster, client, server *podnet.Pod) {
	t.Helper()
	cfg.Nodes = 2
	c = podnettest.NewCluster(t, cfg)
	idle := func(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return nil }
	client = podnettest.StartPod(t, c, podnet.PodSpec{Name: "client", NodeName: "node-1", Containers: []podnet.ContainerSpec{{Name: "main", Run: idle}, {Name: "other", Run: idle}}})
	server = podnettest.StartPod(t, c, podnet.PodSpec{Name: "server", NodeName: "node-2", Labels: map[string]string{"app": "server"}, Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
	require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{Name: "server", Selector: map[string]string{"app": "server"}, Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}}}))
	synctest.Wait()
	return c, client, server
}

// timedTrip returns how long it takes to dial, and to hear an echo.
func timedTrip(d interface {
	Dial(network, address string) (net.Conn, error)
}, address string) (dialed, echoed time.Duration, err error) {
	start := time.Now()
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	dialed = time.Since(start)
	start = time.Now()
	if _, err = conn.Write([]byte("hello")); err == nil {
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		_, err = io.ReadFull(conn, make([]byte, 5))
	}
	return dialed, time.Since(start), err
}

func TestWhereLatencyIs(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name  string
		where func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where
		want  time.Duration // of a round trip, a millisecond in each direction where packets are meant
	}{
		{"everywhere", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where { return podnet.Where{} }, 2 * ms},
		{"a Pod's link", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(client)}
		}, 2 * ms},
		{"what a Pod sends", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(client), OneWay: true}
		}, ms},
		{"what a Pod gets", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{To: podnet.Ends(client), OneWay: true}
		}, ms},
		{"a pair of Pods", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(server), To: podnet.Ends(client)}
		}, 2 * ms},
		{"a pair of Pods, one way", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(server), To: podnet.Ends(client), OneWay: true}
		}, ms},
		{"a pair of nodes", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(c.Node("node-1")), To: podnet.Ends(c.Node("node-2"))}
		}, 2 * ms},
		{"a node", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(c.Node("node-1"))}
		}, 2 * ms},
		{"a Pod and a node", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(client), To: podnet.Ends(c.Node("node-2"))}
		}, 2 * ms},
		{"a Pod and its own node", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(client), To: podnet.Ends(c.Node("node-1"))}
		}, 0},
		{"a port of the Pod", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{Ports: []int{8080}}
		}, 2 * ms},
		{"UDP", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{Protocol: podnet.ProtocolUDP}
		}, 0},
		{"the client's container", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(client), Container: "main"}
		}, 2 * ms},
		{"another container", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(client), Container: "other"}
		}, 0},
		{"a container of the server, which listens", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(server), Container: "main"}
		}, 2 * ms},
		{"what a listener's container gets", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{To: podnet.Ends(server), OneWay: true, Container: "main"}
		}, ms},
		{"what a listener's container gets from a node", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{From: podnet.Ends(c.Node("node-1")), To: podnet.Ends(c.Node("node-2")), Container: "main"}
		}, 2 * ms},
		{"another container of the server", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where {
			return podnet.Where{To: podnet.Ends(server), Container: "other"}
		}, 0},
		{"lo", func(c *podnet.Cluster, client, server *podnet.Pod) podnet.Where { return podnet.Where{Loopback: true} }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, server := faultyWorld(t, podnet.Config{})
				i, err := c.Impair(tc.where(c, client, server), podnet.Conditions{Latency: ms})
				require.NoError(t, err)
				for _, address := range []string{server.IP().String() + ":8080", c.Service("", "server").ClusterIP().String() + ":80", net.JoinHostPort(server.IPs()[1].String(), "8080")} {
					dialed, echoed, err := timedTrip(client.Container("main"), address)
					require.NoError(t, err)
					assert.Equal(t, []time.Duration{tc.want, tc.want}, []time.Duration{dialed, echoed}, address)
				}
				if tc.want > 0 {
					assert.NotZero(t, i.Counts().Packets)
				}
				require.NoError(t, i.Set(podnet.Conditions{Latency: 2 * ms}))
				dialed, _, err := timedTrip(client.Container("main"), server.IP().String()+":8080")
				require.NoError(t, err)
				assert.Equal(t, 2*tc.want, dialed)
				require.NoError(t, i.Close())
				require.NoError(t, i.Set(podnet.Conditions{Latency: time.Hour}), "without effect")
				time.Sleep(time.Second) // until nothing is under way
				dialed, _, err = timedTrip(client.Container("main"), server.IP().String()+":8080")
				require.NoError(t, err)
				assert.Zero(t, dialed)
			})
		})
	}
}

func TestLatencyOnLo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, server := faultyWorld(t, podnet.Config{})
		_, err := c.Impair(podnet.Where{From: podnet.Ends(server), Loopback: true}, podnet.Conditions{Latency: time.Millisecond})
		require.NoError(t, err)
		for _, address := range []string{"localhost:8080", "127.0.0.1:8080", "[::1]:8080", server.IP().String() + ":8080"} {
			dialed, echoed, err := timedTrip(server, address)
			require.NoError(t, err)
			assert.Equal(t, []time.Duration{2 * time.Millisecond, 2 * time.Millisecond}, []time.Duration{dialed, echoed}, address)
		}
		dialed, _, err := timedTrip(client, server.IP().String()+":8080")
		require.NoError(t, err)
		assert.Zero(t, dialed)
	})
}

// A listener that has sent nothing yet has a container, too.
func TestLatencyOnLoOfAContainerThatListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, server := faultyWorld(t, podnet.Config{})
		podnettest.Impair(t, c, podnet.Where{From: podnet.Ends(server), Loopback: true, Container: "main"}, podnet.Conditions{Latency: time.Millisecond})
		for _, address := range []string{"127.0.0.1:8080", "[::1]:8080", server.IP().String() + ":8080"} {
			dialed, _, err := timedTrip(server, address)
			require.NoError(t, err)
			assert.Equal(t, 2*time.Millisecond, dialed, address)
		}
		l, err := server.Listen("tcp", ":9090")
		require.NoError(t, err)
		defer l.Close()
		start := time.Now()
		conn, err := server.Dial("tcp", "127.0.0.1:9090")
		require.NoError(t, err)
		defer conn.Close()
		assert.Zero(t, time.Since(start), "that is not the container's")
	})
}

func TestConditionsOfAllLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client, server := faultyWorld(t, podnet.Config{Conditions: podnet.Conditions{Latency: time.Millisecond}, NodeConditions: podnet.Conditions{Latency: 10 * time.Millisecond}})
		dialed, _, err := timedTrip(client, server.IP().String()+":8080")
		require.NoError(t, err)
		assert.Equal(t, 22*time.Millisecond, dialed)
	})
	_, err := podnet.NewCluster(podnet.Config{Conditions: podnet.Conditions{Loss: 2}})
	assert.EqualError(t, err, `podnet: Config.Conditions.Loss: Invalid value: "2": must be a probability between 0 and 1: write 30 % as 0.3`)
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	c, other := podnettest.NewCluster(t, podnet.Config{}), podnettest.NewCluster(t, podnet.Config{})
	host := podnettest.StartPod(t, c, podnet.PodSpec{Name: "host", HostNetwork: true, Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
	gone := podnettest.StartPod(t, c, podnet.PodSpec{Name: "gone", Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
	require.NoError(t, gone.Delete(t.Context()))
	n := podnet.Ends(c.Node("node-1"))
	for _, tc := range []struct {
		want  string
		where podnet.Where
		cond  podnet.Conditions
	}{
		{`Loss: Invalid value: "30": must be a probability between 0 and 1: write 30 % as 0.3`, podnet.Where{}, podnet.Conditions{Loss: 30}},
		{`Corrupt: Invalid value: "NaN": must be a probability between 0 and 1: write 30 % as 0.3`, podnet.Where{}, podnet.Conditions{Corrupt: math.NaN()}},
		{`[Latency: Invalid value: "-1s": must not be negative, Loss: Invalid value: "-1": must be a probability between 0 and 1: write 30 % as 0.3]`, podnet.Where{}, podnet.Conditions{Latency: -time.Second, Loss: -1}},
		{`BurstLoss.End: Required value: a burst that never ends loses everything: for that set Loss to 1`, podnet.Where{}, podnet.Conditions{BurstLoss: podnet.BurstLoss{Begin: 0.1}}},
		{`Queue: Invalid value: 5: without a Bandwidth nothing waits: set Bandwidth`, podnet.Where{}, podnet.Conditions{Queue: 5}},
		{`MTU: Invalid value: 100: must be between 1280 and 65535`, podnet.Where{}, podnet.Conditions{MTU: 100}},
		{`Distribution: Unsupported value: "Pareto": supported values: "Uniform", "Normal"`, podnet.Where{}, podnet.Conditions{Distribution: "Pareto"}},
		{`From[0]: Not found: it is a nil *Pod: Cluster.Pod knows no Pod of that name`, podnet.Where{From: podnet.Ends(c.Pod("", "nobody"))}, podnet.Conditions{}},
		{`To[0]: Not found: it is a nil *Node: Cluster.Node knows no node of that name, they are called node-1, node-2 and so on`, podnet.Where{To: podnet.Ends(c.Node("node-9"))}, podnet.Conditions{}},
		{`From[0]: Not found: it is of another cluster`, podnet.Where{From: podnet.Ends(other.Node("node-1"))}, podnet.Conditions{}},
		{`From[0]: Not found: Pod default/gone: object was deleted`, podnet.Where{From: podnet.Ends(gone)}, podnet.Conditions{}},
		{`From[0]: Not found: Pod default/host has the network of its node: name the node`, podnet.Where{From: podnet.Ends(host)}, podnet.Conditions{}},
		{`From[0]: Required value: it is nil: give a *Pod or a *Node`, podnet.Where{From: []podnet.End{nil}}, podnet.Conditions{}},
		{`Ports[0]: Invalid value: 0: must be between 1 and 65535, inclusive`, podnet.Where{Ports: []int{0}}, podnet.Conditions{}},
		{`Protocol: Unsupported value: "SCTP": supported values: "TCP", "UDP"`, podnet.Where{Protocol: "SCTP"}, podnet.Conditions{}},
		{`To: Forbidden: what goes over lo stays in its Pod: name it in From`, podnet.Where{To: n, Loopback: true}, podnet.Conditions{}},
	} {
		_, err := c.Impair(tc.where, tc.cond)
		require.ErrorContains(t, err, " is invalid: "+tc.want)
		assert.ErrorContains(t, err, "podnet: Impairment ")
	}
	_, err := c.Partition(n, n, podnet.PartitionOptions{})
	assert.ErrorContains(t, err, `b: Invalid value: "node-1": it is on both sides`)
	_, err = c.Partition(nil, nil, podnet.PartitionOptions{})
	assert.ErrorContains(t, err, "a: Required value: name the Pods or nodes on one side")
	_, err = c.Intercept(podnet.Where{}, nil)
	assert.ErrorContains(t, err, "Script: Required value: it is nil")
	i, err := c.Impair(podnet.Where{}, podnet.Conditions{})
	require.NoError(t, err)
	assert.ErrorContains(t, i.Set(podnet.Conditions{Loss: -0.1}), "Loss: Invalid value")
	require.NoError(t, c.Close())
	assert.NoError(t, i.Close())
	_, err = c.Impair(podnet.Where{}, podnet.Conditions{})
	assert.ErrorIs(t, err, podnet.ErrClosed)
}

func TestAPartition(t *testing.T) {
	for _, tc := range []struct {
		name string
		ends func(c *podnet.Cluster, client, server *podnet.Pod) (a, b []podnet.End)
	}{
		{"of Pods", func(_ *podnet.Cluster, client, server *podnet.Pod) (a, b []podnet.End) {
			return podnet.Ends(client), podnet.Ends(server)
		}},
		{"of nodes", func(c *podnet.Cluster, _, _ *podnet.Pod) (a, b []podnet.End) {
			return podnet.Ends(c.Node("node-2")), podnet.Ends(c.Node("node-1"))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, server := faultyWorld(t, podnet.Config{})
				conn, err := client.Dial("tcp", c.Service("", "server").ClusterIP().String()+":80")
				require.NoError(t, err)
				defer conn.Close()
				a, b := tc.ends(c, client, server)
				cut, err := c.Partition(a, b, podnet.PartitionOptions{})
				require.NoError(t, err)
				_, err = conn.Write([]byte("hello"))
				require.NoError(t, err)
				conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				_, err = conn.Read(make([]byte, 5))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				assert.NotZero(t, cut.Counts().CutOff)
				require.NoError(t, cut.Close())
				conn.SetReadDeadline(time.Time{})
				_, err = io.ReadFull(conn, make([]byte, 5))
				require.NoError(t, err, "the connection lives on")
				cut, err = c.Partition(a, b, podnet.PartitionOptions{})
				require.NoError(t, err)
				_, _, err = timedTrip(client, server.IP().String()+":8080") // two virtual minutes
				require.ErrorIs(t, err, syscall.ETIMEDOUT)
				require.NoError(t, cut.Close())
				_, _, err = timedTrip(client, server.IP().String()+":8080")
				require.NoError(t, err)
			})
		})
	}
}

func TestScriptsThatAreThere(t *testing.T) {
	for _, tc := range []struct {
		name   string
		script podnet.Script
		check  func(t *testing.T, client *podnet.Pod, address string)
	}{
		{"the first two connections fail", podnet.FailFirst(2), func(t *testing.T, client *podnet.Pod, address string) {
			for range 2 {
				_, _, err := timedTrip(client, address)
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
			}
			_, _, err := timedTrip(client, address)
			assert.NoError(t, err)
		}},
		{"a black hole", podnet.Always(podnet.Drop), func(t *testing.T, client *podnet.Pod, address string) {
			_, _, err := timedTrip(client, address)
			assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		}},
		{"every third packet is late", podnet.Every(3, podnet.DelayBy(time.Second)), func(t *testing.T, client *podnet.Pod, address string) {
			dialed, echoed, err := timedTrip(client, address)
			assert.NoError(t, err)
			assert.Zero(t, dialed)
			assert.NotZero(t, echoed)
		}},
		{"a reset after 100 KB", podnet.ResetAfter(100_000), func(t *testing.T, client *podnet.Pod, address string) {
			conn, err := client.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			go conn.Write(make([]byte, 200_000))
			n, err := io.Copy(io.Discard, conn)
			assert.ErrorIs(t, err, syscall.ECONNRESET)
			assert.LessOrEqual(t, n, int64(100_000))
		}},
		{"a slow close", podnet.SlowClose(time.Minute), func(t *testing.T, client *podnet.Pod, address string) {
			start := time.Now()
			conn, err := client.Dial("tcp", address)
			require.NoError(t, err)
			require.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
			_, err = io.Copy(io.Discard, conn)
			assert.NoError(t, err)
			assert.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
			conn.Close()
		}},
		{"one that looks at data", func(p podnet.Packet) podnet.Verdict {
			if p.Container == "main" && p.To == "default/server" && p.Dst.Port() == 8080 && string(p.Data()) == "hello" {
				return podnet.Reset
			}
			return podnet.Pass
		}, func(t *testing.T, client *podnet.Pod, address string) {
			_, _, err := timedTrip(client.Container("main"), address)
			assert.ErrorIs(t, err, syscall.ECONNRESET)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, server := faultyWorld(t, podnet.Config{})
				f, err := c.Intercept(podnet.Where{From: podnet.Ends(client), To: podnet.Ends(server)}, tc.script)
				require.NoError(t, err)
				tc.check(t, client, c.Service("", "server").ClusterIP().String()+":80")
				assert.NotZero(t, f.Counts().Scripted)
				assert.NoError(t, f.Close())
			})
		})
	}
}

func TestDisturbedDNS(t *testing.T) {
	const name = "server.default.svc.cluster.local." // no search domains
	wrong := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	for _, tc := range []struct {
		name  string
		cond  podnet.DNSConditions
		check func(t *testing.T, addrs []string, took time.Duration, err error)
	}{
		{"a delay", podnet.DNSConditions{Delay: time.Second}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.NoError(t, err)
			assert.Equal(t, time.Second, took)
		}},
		{"no such name", podnet.DNSConditions{Names: []string{"server"}, Outcome: podnet.DNSNXDomain}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.ErrorContains(t, err, "no such host")
		}},
		{"another name", podnet.DNSConditions{Names: []string{"*.example.com", "erver"}, Outcome: podnet.DNSNXDomain}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.NoError(t, err)
		}},
		{"a failing server", podnet.DNSConditions{Outcome: podnet.DNSServFail}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.ErrorContains(t, err, "server misbehaving")
		}},
		{"no answer", podnet.DNSConditions{Outcome: podnet.DNSNoAnswer}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.ErrorContains(t, err, "i/o timeout")
			assert.GreaterOrEqual(t, took, 10*time.Second)
		}},
		{"the first fails", podnet.DNSConditions{Outcome: podnet.DNSServFail, First: 1}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.NoError(t, err, "the resolver asks again")
		}},
		{"no room over UDP", podnet.DNSConditions{Outcome: podnet.DNSTruncated}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.NoError(t, err, "there is over TCP")
		}},
		{"wrong addresses", podnet.DNSConditions{Addrs: wrong}, func(t *testing.T, addrs []string, took time.Duration, err error) {
			assert.NoError(t, err)
			assert.ElementsMatch(t, []string{"192.0.2.1", "2001:db8::1"}, addrs)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, server := faultyWorld(t, podnet.Config{})
				tc.cond.Clients = []*podnet.Pod{client}
				f, err := c.DisturbDNS(tc.cond)
				require.NoError(t, err)
				start := time.Now()
				addrs, err := client.LookupHost(t.Context(), name)
				tc.check(t, addrs, time.Since(start), err)
				_, err = server.LookupHost(t.Context(), name)
				assert.NoError(t, err, "it is not the other Pod's")
				assert.Equal(t, tc.name != "another name", f.Count() > 0)
				assert.NoError(t, f.Close())
				addrs, err = client.LookupHost(t.Context(), name)
				assert.NoError(t, err)
				assert.Equal(t, c.Service("", "server").ClusterIP().String(), addrs[0])
			})
		})
	}
	c := podnettest.NewCluster(t, podnet.Config{})
	_, err := c.DisturbDNS(podnet.DNSConditions{Clients: []*podnet.Pod{c.Pod("", "x")}, Names: []string{"a b"}, First: -1, Delay: -1, Outcome: "LAME", Addrs: wrong})
	for _, want := range []string{"Clients[0]: Not found", "Names[0]: Invalid value", "First: Invalid value", "Delay: Invalid value", `Outcome: Unsupported value: "LAME"`, "Addrs: Forbidden"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestDisturbedDNSOfAContainer(t *testing.T) {
	for _, tc := range []struct {
		name    string
		cfg     podnet.Config
		options []podnet.PodDNSConfigOption
	}{
		{name: "over UDP"},
		{name: "over TCP", options: []podnet.PodDNSConfigOption{{Name: "use-vc"}}},
		{name: "with an IP per container", cfg: podnet.Config{IPPerContainer: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, tc.cfg)
				pods := make([]*podnet.Pod, 2)
				for i := range pods {
					pods[i] = podnettest.StartPod(t, c, podnet.PodSpec{
						Name: fmt.Sprintf("pod-%d", i), DNSConfig: &podnet.PodDNSConfig{Options: tc.options},
						Containers: []podnet.ContainerSpec{{Name: "app", Run: untilStopped}, {Name: "sidecar", Run: untilStopped}},
					})
				}
				fails := func(pod int, container string) bool {
					_, err := pods[pod].Container(container).LookupHost(t.Context(), "kubernetes.default.svc.cluster.local.")
					return err != nil
				}
				f := podnettest.DisturbDNS(t, c, podnet.DNSConditions{Clients: pods[:1], Container: "sidecar", Outcome: podnet.DNSNXDomain})
				assert.True(t, fails(0, "sidecar"))
				assert.Equal(t, uint64(2), f.Count(), "A and AAAA")
				assert.False(t, fails(0, "app"))
				assert.False(t, fails(1, "sidecar"))
				_, err := pods[0].LookupHost(t.Context(), "kubernetes.default.svc.cluster.local.")
				assert.NoError(t, err, "the Pod itself is no container")
				require.NoError(t, f.Close())
				podnettest.DisturbDNS(t, c, podnet.DNSConditions{Container: "sidecar", Outcome: podnet.DNSServFail})
				assert.True(t, fails(1, "sidecar"))
				assert.False(t, fails(1, "app"))
				_, err = c.DisturbDNS(podnet.DNSConditions{Clients: pods, Container: "sidcar"})
				assert.ErrorContains(t, err, `Container: Not found: "sidcar": no client has a container of this name`)
			})
		})
	}
}

// What a packet carries is somebody else's, as soon as the script has returned.
func TestAPacketIsLentToAScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, server := faultyWorld(t, podnet.Config{})
		var kept []podnet.Packet
		f, err := c.Intercept(podnet.Where{From: podnet.Ends(client), To: podnet.Ends(server)}, func(p podnet.Packet) podnet.Verdict {
			if len(p.Data()) > 0 {
				kept = append(kept, p)
			}
			return podnet.Pass
		})
		require.NoError(t, err)
		_, _, err = timedTrip(client.Container("main"), c.Service("", "server").ClusterIP().String()+":80")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.NotEmpty(t, kept)
		for _, p := range kept {
			assert.Nil(t, p.Data())
			assert.NotZero(t, p.Length)
		}
	})
}
