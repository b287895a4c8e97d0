package podnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// reach connects from a Pod's node to an address of it.
func reach(p *podnet.Pod, ip netip.Addr, port uint16) error {
	c, err := podnet.DialFromNode(context.Background(), p, "tcp", netip.AddrPortFrom(ip, port).String())
	if err == nil {
		err = c.Close()
	}
	return err
}

func TestTheNodeReachesItsPods(t *testing.T) {
	for name, tt := range map[string]struct {
		listen string // of the Pod
		dial   string
		peer   string // whom the Pod sees; "" if the dial fails
		err    string
	}{
		"IPv4":                   {listen: ":8080", dial: "10.244.0.2:8080", peer: "10.244.0.1"},
		"IPv6":                   {listen: ":8080", dial: "[fd00:10:244::2]:8080", peer: "fd00:10:244::1"},
		"a listener on its IPv4": {listen: "10.244.0.2:8080", dial: "10.244.0.2:8080", peer: "10.244.0.1"},
		"a listener on its IPv6": {listen: "[fd00:10:244::2]:8080", dial: "[fd00:10:244::2]:8080", peer: "fd00:10:244::1"},
		"another port":           {listen: ":80", dial: "10.244.0.2:8080", err: "dial tcp 10.244.0.2:8080: connect: connection refused"},
		"another port over IPv6": {listen: ":80", dial: "[fd00:10:244::2]:8080", err: "dial tcp [fd00:10:244::2]:8080: connect: connection refused"},
		"a listener on 127.0.0.1": {listen: "127.0.0.1:8080", dial: "10.244.0.2:8080",
			err: "dial tcp 10.244.0.2:8080: connect: connection refused"},
		"a listener on ::1": {listen: "[::1]:8080", dial: "[fd00:10:244::2]:8080",
			err: "dial tcp [fd00:10:244::2]:8080: connect: connection refused"},
		"the node's own localhost": {listen: ":8080", dial: "localhost:8080", err: "dial tcp [::1]:8080: connect: connection refused"},
		"an address of nobody":     {listen: ":8080", dial: "10.244.0.3:8080", err: "dial tcp 10.244.0.3:8080: connect: connection timed out"},
		"a name":                   {listen: ":8080", dial: "web:8080", err: "dial tcp: lookup web: no such host"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := podnettest.StartPod(t, podnettest.NewCluster(t, podnet.Config{}), podnet.PodSpec{
					Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}},
				})
				l, err := p.Listen("tcp", tt.listen)
				require.NoError(t, err)
				start := time.Now()
				c, err := podnet.DialFromNode(t.Context(), p, "tcp", tt.dial)
				assert.Equal(t, strings.HasSuffix(tt.err, "timed out"), start != time.Now())
				if tt.err != "" {
					assert.EqualError(t, err, tt.err)
					return
				}
				require.NoError(t, err)
				defer c.Close()
				s, err := l.Accept()
				require.NoError(t, err)
				defer s.Close()
				assert.Equal(t, tt.dial, c.RemoteAddr().String())
				host, _, err := net.SplitHostPort(s.RemoteAddr().String())
				require.NoError(t, err)
				assert.Equal(t, tt.peer, host)
				host, _, err = net.SplitHostPort(c.LocalAddr().String())
				require.NoError(t, err)
				assert.Equal(t, tt.peer, host)
			})
		})
	}
}

func TestTheNodeOverUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := podnettest.StartPod(t, podnettest.NewCluster(t, podnet.Config{}), podnet.PodSpec{
			Name: "dns", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}},
		})
		server, err := p.ListenPacket("udp", ":53")
		require.NoError(t, err)
		for _, ip := range p.IPs() {
			c, err := podnet.DialFromNode(t.Context(), p, "udp", netip.AddrPortFrom(ip, 53).String())
			require.NoError(t, err)
			_, err = c.Write(make([]byte, 4000)) // longer than the MTU
			require.NoError(t, err)
			buf := make([]byte, 5000)
			n, from, err := server.ReadFrom(buf)
			require.NoError(t, err)
			assert.Equal(t, 4000, n)
			_, err = server.WriteTo([]byte("answer"), from)
			require.NoError(t, err)
			n, err = c.Read(buf)
			require.NoError(t, err)
			assert.Equal(t, "answer", string(buf[:n]))

			c, err = podnet.DialFromNode(t.Context(), p, "udp", netip.AddrPortFrom(ip, 54).String())
			require.NoError(t, err)
			_, err = c.Write([]byte("x"))
			require.NoError(t, err)
			_, err = c.Read(buf)
			assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
	})
}

// What is not in the cluster goes to the nodes' default gateway, which forwards nothing.
func TestWhatAPodReaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		for address, want := range map[string]error{
			"10.244.0.1:80": syscall.ECONNREFUSED, "[fd00:10:244::1]:80": syscall.ECONNREFUSED,
			"10.244.0.77:80": syscall.ETIMEDOUT, "192.0.2.1:80": syscall.ETIMEDOUT, "[2001:db8::1]:80": syscall.ETIMEDOUT,
		} {
			_, err := p.Dial("tcp", address)
			assert.ErrorIs(t, err, want, address)
		}
	})
}

func TestADeletedPodsAddressAnswersNobodyAndIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// There is one address: the network's, the gateway's and the
		// broadcast address are taken.
		c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.244.0.0/30")})
		spec := podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: serve(":80")}}}
		for range 3 {
			p := podnettest.StartPod(t, c, spec)
			require.NoError(t, p.WaitListening(t.Context(), 80))
			assert.Equal(t, "10.244.0.2", p.IP().String())
			assert.NoError(t, reach(p, p.IP(), 80))
			conn, err := podnet.DialFromNode(t.Context(), p, "tcp", "10.244.0.2:80")
			require.NoError(t, err)
			synctest.Wait() // it is accepted
			require.NoError(t, p.Delete(t.Context()))
			_, err = conn.Read(make([]byte, 1))
			assert.Equal(t, io.EOF, err, "the last words of a process arrive")
			assert.ErrorIs(t, reach(p, netip.MustParseAddr("10.244.0.2"), 80), syscall.ETIMEDOUT)
			conn.Close()
		}
	})
}

func TestTheNodeFollowsAPodToItsNewSandbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: serve(":80")}}})
		require.NoError(t, p.WaitListening(t.Context(), 80))
		old := p.IPs()
		p.KillSandbox()
		synctest.Wait()
		for i, ip := range p.IPs() {
			assert.NotEqual(t, old[i], ip)
			assert.NoError(t, reach(p, ip, 80))
			assert.ErrorIs(t, reach(p, old[i], 80), syscall.ETIMEDOUT)
		}
	})
}

// The kubelets of three nodes ask a Pod each every ten seconds, for an hour.
func TestAnHourOfRequestsFromTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 3})
		var wg sync.WaitGroup
		start := time.Now()
		for i := range 3 {
			p := podnettest.StartPod(t, c, podnet.PodSpec{Name: fmt.Sprintf("web-%d", i), Containers: []podnet.ContainerSpec{{
				Name: "main", Run: func(_ context.Context, c *podnet.Container) error {
					l, err := c.Listen("tcp", ":80")
					if err != nil {
						return err
					}
					return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }))
				},
			}}})
			require.NoError(t, p.WaitListening(t.Context(), 80))
			wg.Go(func() {
				client := &http.Client{Transport: &http.Transport{
					DisableKeepAlives: true,
					DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
						return podnet.DialFromNode(ctx, p, network, address)
					},
				}}
				gateway := netip.PrefixFrom(p.IP(), 24).Masked().Addr().Next().String()
				for time.Since(start) < time.Hour {
					resp, err := client.Get("http://" + p.IP().String())
					if !assert.NoError(t, err) {
						return
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					assert.NoError(t, err)
					assert.True(t, strings.HasPrefix(string(body), gateway+":"), string(body))
					time.Sleep(10 * time.Second)
				}
			})
		}
		wg.Wait()
	})
}

func TestPodsThatComeAndGoLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		web := map[string]string{"app": "web"}
		sticky := podnet.ServiceSpec{Name: "sticky", Selector: web, SessionAffinity: podnet.ServiceAffinityClientIP, Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}}}
		udp := podnet.ServiceSpec{Name: "udp", Selector: web, Type: podnet.ServiceTypeNodePort, Ports: []podnet.ServicePort{{Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(8080)}}}
		require.NoError(t, c.Apply(t.Context(), sticky, udp, podnet.NetworkPolicySpec{
			Name: "web", PodSelector: podnet.LabelSelector{MatchLabels: web}, Ingress: []podnet.NetworkPolicyIngressRule{{Ports: []podnet.NetworkPolicyPort{{Port: new(podnet.Port(8080))}, {Port: new(podnet.Port(8080)), Protocol: podnet.ProtocolUDP}}}},
		}))
		spec := podnet.PodSpec{Name: "web", Labels: web, Containers: []podnet.ContainerSpec{{Name: "main", Run: tellsWhoSeesWhom, Ports: []podnet.ContainerPort{{ContainerPort: 8080, HostPort: 8080}}}}}
		var stay []*podnet.Pod
		for _, n := range []string{"node-1", "node-2"} {
			stay = append(stay, podnettest.StartPod(t, c, podnet.PodSpec{Name: "on-" + n, NodeName: n, Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}))
		}
		come := func(times int) {
			for i := range times {
				spec.NodeName = fmt.Sprintf("node-%d", 1+i%2)
				p := podnettest.StartPod(t, c, spec)
				require.NoError(t, p.WaitListening(t.Context(), 8080))
				require.NoError(t, reach(p, p.IPs()[0], 8080))
				require.ErrorIs(t, reach(p, p.IPs()[1], 81), syscall.ECONNREFUSED)
				for _, client := range append(stay, p) {
					for _, at := range []string{"tcp sticky:80", "udp udp:80", "tcp " + c.Node(spec.NodeName).IPs()[0].String() + ":8080"} {
						network, address, _ := strings.Cut(at, " ")
						got, err := ask(client, network, address)
						require.NoError(t, err, at)
						require.Contains(t, got, "web ")
					}
				}
				require.NoError(t, p.Delete(t.Context()))
			}
			time.Sleep(2 * time.Minute) // TIME-WAIT passes
			for _, p := range stay {
				require.ErrorIs(t, reach(p, p.IP(), 81), syscall.ECONNREFUSED) // and the nodes forget
			}
			synctest.Wait()
		}
		come(20)
		before, sizes := measure(), c.Sizes()
		times := 300
		if testing.Short() {
			times = 60
		}
		come(times)
		before.mustBeBack(t)
		assert.Equal(t, sizes, c.Sizes())
	})
}

func TestAThousandPodsOnTenNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	c := podnettest.NewCluster(t, podnet.Config{Nodes: 10})
	var pods []*podnet.Pod
	for i := range 1000 {
		p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: fmt.Sprintf("p%d", i), Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		require.NoError(t, err)
		pods = append(pods, p)
	}
	for _, p := range pods {
		l, err := p.Listen("tcp", ":80")
		require.NoError(t, err)
		for _, ip := range p.IPs() {
			assert.NoError(t, reach(p, ip, 80))
		}
		l.Close()
	}
}

func TestTheNodeEndsWithItsCluster(t *testing.T) {
	c, err := podnet.NewCluster(podnet.Config{})
	require.NoError(t, err)
	p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
	require.NoError(t, err)
	l, err := p.Listen("tcp", ":80")
	require.NoError(t, err)
	defer l.Close()
	ip := p.IP()
	open, err := podnet.DialFromNode(t.Context(), p, "tcp", netip.AddrPortFrom(ip, 80).String())
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if err := reach(p, ip, 80); errors.Is(err, net.ErrClosed) {
					return
				}
			}
		})
	}
	require.NoError(t, c.Close())
	wg.Wait()
	_, err = open.Read(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = podnet.DialFromNode(t.Context(), p, "tcp", "10.244.0.2:80")
	assert.EqualError(t, err, "dial tcp: use of closed network connection")
}
