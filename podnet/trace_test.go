package podnet_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// watching keeps what a trace tells.
type watching struct {
	mu     sync.Mutex // guards events
	events []podnet.TraceEvent
	stop   func()
}

func watch(c *podnet.Cluster) *watching {
	w := new(watching)
	w.stop = c.Trace(func(e podnet.TraceEvent) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	})
	return w
}

// lines returns what keep wants of it, each event as kind, place and packet.
func (w *watching) lines(keep func(podnet.TraceEvent) bool) (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if !keep(e) {
			continue
		}
		line := fmt.Sprintf("%d %s %s: %s", e.Connection, e.Kind, e.Place(), e.Summary())
		if e.Reason != "" {
			line += ": " + e.Reason
		}
		if e.By != "" {
			line += " by " + e.By
		}
		list = append(list, line)
	}
	return list
}

// opens tells the first packets of TCP connections.
func opens(e podnet.TraceEvent) bool {
	return e.Protocol == "tcp" && strings.Contains(e.Summary(), " SYN")
}

func accepting(port string) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", port)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil
			}
			conn.Close()
		}
	}
}

func TestATraceShowsLocalhostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: accepting(":8080")}, {Name: "side", Run: untilStopped}}})
		w := watch(c)
		conn, err := p.Container("side").Dial("tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		conn.Close()
		w.stop()
		port := conn.LocalAddr().(*net.TCPAddr).Port
		assert.Equal(t, []string{
			fmt.Sprintf("1 sent default/web/side lo: tcp 127.0.0.1:%d > 127.0.0.1:8080 SYN", port),
			fmt.Sprintf("1 delivered default/web/app lo: tcp 127.0.0.1:%d > 127.0.0.1:8080 SYN", port),
			fmt.Sprintf("1 sent default/web/app lo: tcp 127.0.0.1:8080 > 127.0.0.1:%d SYN ACK", port),
			fmt.Sprintf("1 delivered default/web/side lo: tcp 127.0.0.1:8080 > 127.0.0.1:%d SYN ACK", port),
		}, w.lines(opens))
	})
}

func TestATraceFollowsAHairpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.244.0.0/16"), ServiceCIDRs: prefixes("10.96.0.0/16")})
		p := podnettest.StartPod(t, c, podnet.PodSpec{
			Name: "web", Labels: map[string]string{"app": "web"},
			Containers: []podnet.ContainerSpec{{Name: "app", Run: accepting(":8080")}, {Name: "side", Run: untilStopped}},
		})
		require.NoError(t, p.WaitListening(t.Context(), 8080))
		require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{
			Name: "web", ClusterIP: "10.96.1.1", Selector: map[string]string{"app": "web"},
			Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}},
		}))
		w := watch(c)
		conn, err := p.Container("side").Dial("tcp", "10.96.1.1:80")
		require.NoError(t, err)
		conn.Close()
		w.stop()
		got := strings.Join(w.lines(opens), "\n")
		got = strings.ReplaceAll(got, fmt.Sprint(conn.LocalAddr().(*net.TCPAddr).Port), "PORT")
		masqueraded := ""
		for _, e := range w.events {
			if e.Kind == podnet.TraceTranslated {
				masqueraded = fmt.Sprint(e.Src.Port())
				break
			}
		}
		got = strings.ReplaceAll(got, masqueraded, "MASQ")
		assert.Equal(t, `1 sent default/web/side eth0: tcp 10.244.0.2:PORT > 10.96.1.1:80 SYN
1 received node-1 veth19b6aa24: tcp 10.244.0.2:PORT > 10.96.1.1:80 SYN
1 translated node-1 veth19b6aa24: tcp 10.244.0.1:MASQ > 10.244.0.2:8080 SYN by default/web
1 forwarded node-1 veth19b6aa24: tcp 10.244.0.1:MASQ > 10.244.0.2:8080 SYN
1 received default/web eth0: tcp 10.244.0.1:MASQ > 10.244.0.2:8080 SYN
1 delivered default/web/app eth0: tcp 10.244.0.1:MASQ > 10.244.0.2:8080 SYN
1 sent default/web/app eth0: tcp 10.244.0.2:8080 > 10.244.0.1:MASQ SYN ACK
1 received node-1 veth19b6aa24: tcp 10.244.0.2:8080 > 10.244.0.1:MASQ SYN ACK
1 translated node-1 veth19b6aa24: tcp 10.96.1.1:80 > 10.244.0.2:PORT SYN ACK by default/web
1 forwarded node-1 veth19b6aa24: tcp 10.96.1.1:80 > 10.244.0.2:PORT SYN ACK
1 received default/web eth0: tcp 10.96.1.1:80 > 10.244.0.2:PORT SYN ACK
1 delivered default/web/side eth0: tcp 10.96.1.1:80 > 10.244.0.2:PORT SYN ACK`, got)
	})
}

func TestEveryDropHasAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2, NodeLatency: time.Millisecond, PodCIDRs: prefixes("10.244.0.0/16"), ServiceCIDRs: prefixes("10.96.0.0/16")})
		pods := make(map[string]*podnet.Pod)
		for i, name := range []string{"client", "web", "guarded"} {
			pods[name] = podnettest.StartPod(t, c, podnet.PodSpec{
				Name: name, Labels: map[string]string{"app": name}, NodeName: fmt.Sprintf("node-%d", 1+i%2),
				Containers: []podnet.ContainerSpec{{Name: "app", Run: accepting(":8080"), SecurityContext: netAdmin}},
			})
		}
		require.NoError(t, c.Apply(t.Context(),
			podnet.NetworkPolicySpec{Name: "deny-all", PodSelector: podnet.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}},
			podnet.ServiceSpec{Name: "nobody", ClusterIP: "10.96.1.9", Selector: map[string]string{"app": "nobody"}, Ports: []podnet.ServicePort{{Port: 80}}},
		))
		_, err := pods["web"].Container("app").IPTables(false, "-A", "INPUT", "-p", "tcp", "--dport", "81", "-j", "DROP")
		require.NoError(t, err)
		_, err = pods["web"].Container("app").IPTables(false, "-A", "INPUT", "-p", "tcp", "--dport", "82", "-j", "REJECT")
		require.NoError(t, err)
		w := watch(c)
		for _, to := range []string{
			pods["web"].IP().String() + ":80", pods["web"].IP().String() + ":81", pods["web"].IP().String() + ":82",
			pods["guarded"].IP().String() + ":8080", "10.96.1.9:80", "203.0.113.7:80",
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			_, err := pods["client"].DialContext(ctx, "tcp", to)
			assert.Error(t, err, to)
			cancel()
		}
		u, err := pods["client"].Dial("udp", pods["web"].IP().String()+":53")
		require.NoError(t, err)
		u.Write([]byte("?"))
		time.Sleep(time.Second)
		w.stop()
		var got []string
		for _, e := range w.events {
			if e.Kind == podnet.TraceDropped {
				got = append(got, fmt.Sprintf("%s: %s > %s: %s (%s)", e.Place(), e.Protocol, e.Dst, e.Reason, e.By))
			}
		}
		assert.Equal(t, []string{
			"default/web eth0: tcp > 10.244.1.2:80: no listener ()",
			"default/web eth0: tcp > 10.244.1.2:81: iptables rule (-t filter -A INPUT -p tcp -m tcp --dport 81 -j DROP)",
			"default/web eth0: tcp > 10.244.1.2:82: iptables rule (-t filter -A INPUT -p tcp -m tcp --dport 82 -j REJECT --reject-with icmp-port-unreachable)",
			"node-1 vethdddc74e3: tcp > 10.244.0.3:8080: denied by policy (selected by default/deny-all, and no ingress rule of it allows TCP 8080 from default/client (10.244.0.2))",
			"node-1 vethdddc74e3: tcp > 10.96.1.9:80: refused by a rule (default/nobody has no endpoints)",
			"node-1 vethdddc74e3: tcp > 203.0.113.7:80: no route ()",
			"default/web eth0: udp > 10.244.1.2:53: no listener ()",
		}, got)
	})
}

func TestATraceBeginsAndEndsAtAnyTime(t *testing.T) {
	c, err := podnet.NewCluster(podnet.Config{})
	require.NoError(t, err)
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: accepting(":8080")}}})
	require.NoError(t, p.WaitListening(t.Context(), 8080))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				w := watch(c)
				conn, err := p.Dial("tcp", "localhost:8080")
				if assert.NoError(t, err) {
					conn.Close()
				}
				w.stop()
				w.stop()
				assert.NotEmpty(t, w.events)
			}
		})
	}
	wg.Wait()
	w := watch(c)
	require.NoError(t, c.Close())
	assert.NotPanics(t, w.stop)
	late := watch(c)
	late.stop()
	assert.Empty(t, late.events)
	assert.Panics(t, func() { c.Trace(nil) })
}

func TestAFunctionThatUsesTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: accepting(":8080")}}})
		require.NoError(t, p.WaitListening(t.Context(), 8080))
		slow := 0
		stop := c.Trace(func(e podnet.TraceEvent) {
			time.Sleep(time.Second)
			slow += len(p.Sockets())
		})
		conn, err := p.Dial("tcp", "localhost:8080")
		require.NoError(t, err)
		conn.Close()
		stop()
		assert.NotZero(t, slow)
	})
}

func TestATraceShowsAFullAcceptQueue(t *testing.T) {
	// overflow dials until a drop is seen, each time after settled.
	overflow := func(t *testing.T, settled func()) (p *podnet.Pod, drops []string) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p = podnettest.StartPod(t, c, podnet.PodSpec{Name: "server", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		client := podnettest.StartPod(t, c, podnet.PodSpec{Name: "client", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		l, err := p.Container("main").ListenWith(t.Context(), podnet.ListenConfig{Backlog: 2}, "tcp4", ":80")
		require.NoError(t, err)
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := watch(c)
		defer c.Trace(func(e podnet.TraceEvent) {
			if e.Kind == podnet.TraceDropped && e.Protocol == "tcp" {
				cancel()
			}
		})()
		for port := uint16(40000); ctx.Err() == nil; port++ {
			settled()
			conn, err := client.DialWith(ctx, podnet.Dialer{LocalAddr: netip.AddrPortFrom(client.IP(), port)}, "tcp", p.IP().String()+":80")
			if err == nil {
				defer conn.Close()
			}
		}
		w.stop()
		return p, w.lines(func(e podnet.TraceEvent) bool { return e.Kind == podnet.TraceDropped && e.Protocol == "tcp" })
	}
	t.Run("in a bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, drops := overflow(t, synctest.Wait)
			assert.Equal(t, []string{"4 dropped default/server/main eth0: tcp 10.244.0.3:40003 > 10.244.0.2:80 SYN: the accept queue is full"}, drops)
			assert.Equal(t, uint64(1), p.NetworkStats().TCP.ListenOverflows)
		})
	})
	t.Run("outside", func(t *testing.T) {
		_, drops := overflow(t, func() {})
		for _, line := range drops {
			assert.Contains(t, line, ": the accept queue is full")
		}
		assert.NotEmpty(t, drops)
	})
}

// What completes a connection may be dropped too: here four clients have all begun
// before the first is done.
func TestATraceShowsAFullAcceptQueueAtTheLastSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Conditions: podnet.Conditions{Latency: time.Millisecond}})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "server", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		client := podnettest.StartPod(t, c, podnet.PodSpec{Name: "client", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		l, err := p.Container("main").ListenWith(t.Context(), podnet.ListenConfig{Backlog: 2}, "tcp4", ":80")
		require.NoError(t, err)
		defer l.Close()
		w := watch(c)
		defer w.stop()
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				conn, err := client.Dial("tcp", p.IP().String()+":80")
				if assert.NoError(t, err) {
					time.Sleep(500 * time.Millisecond) // virtual; less than until they try again
					conn.Close()
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		got := w.lines(func(e podnet.TraceEvent) bool { return e.Kind == podnet.TraceDropped })
		for _, line := range got {
			assert.Contains(t, line, "ACK: the accept queue is full")
		}
		assert.Len(t, got, 3)
		all.Wait()
	})
}
