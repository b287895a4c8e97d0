package podnet_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// A node has a network of its own, which Pods and other nodes reach.
func TestANodesOwnSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		node, other := c.Node("node-1"), c.Node("node-2")
		var pods []*podnet.Pod
		for i := range 2 {
			pods = append(pods, podnettest.StartPod(t, c, podnet.PodSpec{
				Name: fmt.Sprint("p", i), NodeName: fmt.Sprint("node-", i+1), Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}},
			}))
		}
		l, err := node.Listen("tcp", ":9100")
		require.NoError(t, err)
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			io.WriteString(w, host)
		}))
		for i, ip := range node.IPs() {
			url := "http://" + netip.AddrPortFrom(ip, 9100).String()
			for name, from := range map[string]interface{ HTTPClient() *http.Client }{
				pods[0].IPs()[i].String(): pods[0], pods[1].IPs()[i].String(): pods[1],
				node.IPs()[i].String(): node, other.IPs()[i].String(): other,
			} {
				resp, err := from.HTTPClient().Get(url)
				require.NoError(t, err, name)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, name, string(body))
			}
		}
		_, err = node.Dial("tcp", "localhost:81")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		_, err = node.Dial("tcp", "web:81")
		assert.EqualError(t, err, "dial tcp: lookup web: no such host")
		u, err := node.ListenPacket("udp", ":53000")
		require.NoError(t, err)
		conn, err := pods[1].Dial("udp", netip.AddrPortFrom(node.IPs()[0], 53000).String())
		require.NoError(t, err)
		_, err = conn.Write([]byte("hello"))
		require.NoError(t, err)
		n, from, err := u.ReadFrom(make([]byte, 10))
		require.NoError(t, err)
		assert.Equal(t, 5, n)
		assert.Equal(t, conn.LocalAddr().String(), from.String())
	})
}

// What conntrack shows of the way through a Service and back.
func TestTheConntrackOfANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		assert.Empty(t, c.Node("node-2").Conntrack())
		p := podnettest.StartPod(t, c, podnet.PodSpec{
			Name: "web", Labels: map[string]string{"app": "web"}, Containers: []podnet.ContainerSpec{{Name: "main", Run: tellsPeer(8080)}},
		})
		require.NoError(t, p.WaitListening(t.Context(), 8080))
		require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{
			Name: "web", Selector: map[string]string{"app": "web"}, ClusterIP: "10.96.0.50",
			Ports: []podnet.ServicePort{{Name: "http", Port: 80, TargetPort: podnet.Port(8080)}},
		}))
		conn, err := p.Dial("tcp", "10.96.0.50:80")
		require.NoError(t, err)
		synctest.Wait()
		list := c.Node("node-1").Conntrack()
		require.Len(t, list, 1)
		e := list[0]
		local := netip.MustParseAddrPort(conn.LocalAddr().String())
		assert.NotEqual(t, local.Port(), e.ReplyDst.Port(), "masqueraded with --random-fully")
		e.ReplyDst = netip.AddrPortFrom(e.ReplyDst.Addr(), 0)
		assert.Equal(t, podnet.TrackedConnection{
			Protocol: "tcp", State: "ESTABLISHED", Src: local, Dst: netip.MustParseAddrPort("10.96.0.50:80"),
			ReplySrc: netip.MustParseAddrPort("10.244.0.2:8080"), ReplyDst: netip.MustParseAddrPort("10.244.0.1:0"),
			Replied: true, Assured: true, Timeout: 24 * time.Hour, Service: "default/web:http",
		}, e)
		assert.Contains(t, c.Node("node-1").IPTablesSave(false), `--comment "default/web:http cluster IP"`)
		assert.NotContains(t, c.Node("node-1").IPTablesSave(true), "10.96.0.50")
		conn.Close()
		time.Sleep(3 * time.Minute)
		assert.Empty(t, c.Node("node-1").Conntrack())
	})
}

func TestTheLatencyBetweenNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2, NodeLatency: 3 * time.Millisecond})
		var pods []*podnet.Pod
		for i := range 3 {
			p := podnettest.StartPod(t, c, podnet.PodSpec{
				Name: fmt.Sprint("p", i), NodeName: fmt.Sprint("node-", 1+i/2), Containers: []podnet.ContainerSpec{{Name: "main", Run: serve(":80")}},
			})
			require.NoError(t, p.WaitListening(t.Context(), 80))
			pods = append(pods, p)
		}
		took := func(to *podnet.Pod) time.Duration {
			start := time.Now()
			conn, err := pods[0].Dial("tcp", netip.AddrPortFrom(to.IP(), 80).String())
			require.NoError(t, err)
			d := time.Since(start)
			conn.Close()
			return d
		}
		assert.Zero(t, took(pods[1]), "of one node")
		assert.Equal(t, 6*time.Millisecond, took(pods[2]))
		c.SetNodeLatency(time.Second)
		assert.Equal(t, 2*time.Second, took(pods[2]))
		c.SetNodeLatency(0)
		assert.LessOrEqual(t, took(pods[2]), time.Second, "nothing overtakes what is under way")
		time.Sleep(time.Minute)
		assert.Zero(t, took(pods[2]))
	})
}

func TestConfigsThatCannotBe(t *testing.T) {
	for want, cfg := range map[string]podnet.Config{
		"podnet: Config.PodCIDRs 10.244.0.0/16 and Config.ServiceCIDRs 10.244.128.0/17 overlap": {PodCIDRs: prefixes("10.244.0.0/16"), ServiceCIDRs: prefixes("10.244.128.0/17")},
		"podnet: Config.PodCIDRs 10.244.0.0/16 and Config.NodeCIDRs 10.0.0.0/8 overlap":         {PodCIDRs: prefixes("10.244.0.0/16"), NodeCIDRs: prefixes("10.0.0.0/8")},
		"podnet: Config.ServiceCIDRs 10.96.0.0/16 and Config.NodeCIDRs 10.96.3.0/24 overlap":    {PodCIDRs: prefixes("10.244.0.0/16"), NodeCIDRs: prefixes("10.96.3.0/24")},
		"podnet: Config.NodeCIDRs [10.0.0.0/24] has no range of the family of Config.PodCIDRs fd00::/56": {
			PodCIDRs: prefixes("fd00::/56"), NodeCIDRs: prefixes("10.0.0.0/24"), ServiceCIDRs: prefixes("fd96::/112")},
		"podnet: Config.NodeCIDRs: ipam: range 10.0.0.0/29 is too small for 10 nodes": {Nodes: 10, PodCIDRs: prefixes("10.244.0.0/16"), NodeCIDRs: prefixes("10.0.0.0/29")},
		"podnet: Config.NodeLatency is -1s: it must not be negative":                  {NodeLatency: -time.Second},
		"podnet: Config.PodMTU is 576: it must be between 1280 and 65535":             {PodMTU: 576},
		"podnet: Config.NodeMTU is 70000: it must be between 1280 and 65535":          {NodeMTU: 70000},
	} {
		_, err := podnet.NewCluster(cfg)
		assert.EqualError(t, err, want)
	}
}

// Packets that are longer than the network between the nodes takes.
func TestANarrowNetworkBetweenNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2, NodeMTU: 1300})
		var pods []*podnet.Pod
		for i := range 2 {
			pods = append(pods, podnettest.StartPod(t, c, podnet.PodSpec{
				Name: fmt.Sprint("p", i), NodeName: fmt.Sprint("node-", i+1), Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}},
			}))
		}
		const size = 1 << 20
		l, err := pods[1].Listen("tcp", ":80")
		require.NoError(t, err)
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", size)) }))
		for _, ip := range pods[1].IPs() {
			resp, err := pods[0].HTTPClient().Get("http://" + netip.AddrPortFrom(ip, 80).String())
			require.NoError(t, err)
			n, err := io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			assert.EqualValues(t, size, n)
			resp.Body.Close()
		}
	})
}
