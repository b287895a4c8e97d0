package podnet_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func onHost(name string, containers ...podnet.ContainerSpec) podnet.PodSpec {
	return podnet.PodSpec{Name: name, HostNetwork: true, Containers: containers}
}

func TestAPodOnTheHostNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		node := c.Node("node-1")
		field := func(path string) *podnet.EnvVarSource {
			return &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: path}}
		}
		spec := onHost("agent", podnet.ContainerSpec{Name: "app", Run: untilStopped, Env: []podnet.EnvVar{
			{Name: "POD", ValueFrom: field("status.podIPs")}, {Name: "HOST", ValueFrom: field("status.hostIPs")}, {Name: "NODE", ValueFrom: field("spec.nodeName")},
		}})
		spec.HostAliases = []podnet.HostAlias{{IP: "10.1.2.3", Hostnames: []string{"db"}}}
		spec.Hostname, spec.Subdomain, spec.SetHostnameAsFQDN = "ignored", "shop", true
		p := podnettest.StartPod(t, c, spec)
		app := p.Container("app")
		assert.Equal(t, node.IPs(), p.IPs())
		assert.Equal(t, node.IPs(), p.Status().HostIPs)
		ips := node.IPs()[0].String() + "," + node.IPs()[1].String()
		assert.Equal(t, ips+" "+ips+" node-1", app.Getenv("POD")+" "+app.Getenv("HOST")+" "+app.Getenv("NODE"))
		assert.Equal(t, "node-1 node-1", app.Hostname()+" "+app.Getenv("HOSTNAME"))
		read := func(name string) string {
			b, err := app.FS().ReadFile(name)
			require.NoError(t, err)
			return string(b)
		}
		assert.Equal(t, "node-1\n", read("/etc/hostname"))
		assert.Equal(t, "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"+
			fmt.Sprintf("%s\tnode-1\n%s\tnode-1\n", node.IPs()[0], node.IPs()[1])+
			"\n# Entries added by HostAliases.\n10.1.2.3\tdb\n", read("/etc/hosts"))
		assert.Equal(t, "", read("/etc/resolv.conf"), "ClusterFirst is Default")
		assert.NotEqual(t, "eth0", p.Interfaces()[len(p.Interfaces())-1].HardwareAddr)

		pod := podnettest.StartPod(t, c, podnet.PodSpec{Name: "pod", NodeName: "node-1", Containers: []podnet.ContainerSpec{{Name: "app", Run: untilStopped}}})
		assert.Equal(t, "10.244.0.2", pod.IP().String(), "it took none of the Pods' addresses")
	})
}

func TestDNSOnTheHostNetwork(t *testing.T) {
	for policy, want := range map[podnet.DNSPolicy]string{
		"":                                "",
		podnet.DNSClusterFirst:            "",
		podnet.DNSDefault:                 "",
		podnet.DNSClusterFirstWithHostNet: "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			spec := onHost("agent", podnet.ContainerSpec{Name: "app", Run: untilStopped})
			spec.DNSPolicy = policy
			p := podnettest.StartPod(t, podnettest.NewCluster(t, podnet.Config{}), spec)
			b, err := p.Container("app").FS().ReadFile("/etc/resolv.conf")
			require.NoError(t, err)
			assert.Equal(t, want, string(b), policy)
		})
	}
}

// Pods on the host network share their node's ports with each other and with
// the node, and with nobody else.
func TestTheHostNetworkIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		on := func(node, name string, run podnet.Program) *podnet.Pod {
			spec := onHost(name, podnet.ContainerSpec{Name: "app", Run: run})
			spec.NodeName = node
			return podnettest.StartPod(t, c, spec)
		}
		a, b, other := on("node-1", "a", serve(":80")), on("node-1", "b", untilStopped), on("node-2", "other", serve(":80"))
		require.NoError(t, a.WaitListening(t.Context(), 80))
		require.NoError(t, other.WaitListening(t.Context(), 80))
		_, err := b.Container("app").Listen("tcp", ":80")
		assert.ErrorIs(t, err, syscall.EADDRINUSE, "in one namespace")
		conn, err := b.Container("app").Dial("tcp", "127.0.0.1:80")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		conn, err = podnet.DialFromNode(t.Context(), a, "tcp", "127.0.0.1:80")
		require.NoError(t, err)
		require.NoError(t, conn.Close())

		pod := podnettest.StartPod(t, c, podnet.PodSpec{Name: "pod", NodeName: "node-1", Containers: []podnet.ContainerSpec{{Name: "app", Run: untilStopped}}})
		l, err := pod.Listen("tcp", ":80")
		require.NoError(t, err, "a Pod of its own network has ports of its own")
		l.Close()

		paused, err := a.Listen("tcp", ":81")
		require.NoError(t, err)
		held, err := b.Container("app").Listen("tcp", ":82")
		require.NoError(t, err)
		require.NoError(t, a.Delete(t.Context()))
		_, err = paused.Accept()
		assert.ErrorIs(t, err, net.ErrClosed, "what a Pod opened goes with it")
		for _, port := range []string{":80", ":81"} {
			l, err := b.Listen("tcp", port)
			require.NoError(t, err, port)
			l.Close()
		}
		go func() {
			time.Sleep(time.Second)
			b.Dial("tcp", "127.0.0.1:82")
		}()
		_, err = held.Accept()
		assert.NoError(t, err, "and its node's namespace stays")
	})
}

func TestTheSchedulerKnowsTheHostNetworksPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		app := podnet.ContainerSpec{Name: "app", Run: untilStopped, Ports: []podnet.ContainerPort{{ContainerPort: 9100}}}
		p := podnettest.StartPod(t, c, onHost("a", app))
		assert.Equal(t, uint16(9100), p.Spec().Containers[0].Ports[0].HostPort)
		_, err := c.StartPod(t.Context(), onHost("b", app))
		assert.ErrorContains(t, err, noFreePorts)
		_, err = c.StartPod(t.Context(), hostPort("c", 9100))
		assert.ErrorContains(t, err, noFreePorts)
		podnettest.StartPod(t, c, hostPort("d", 9101))
	})
}

func TestASandboxOnTheHostNetworkDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		starts := make(chan string, 10)
		run := func(ctx context.Context, c *podnet.Container) error {
			l, err := c.Listen("tcp", ":80")
			if err != nil {
				return err
			}
			defer l.Close()
			starts <- c.Pod().Name()
			<-ctx.Done()
			return nil
		}
		p := podnettest.StartPod(t, c, onHost("a", podnet.ContainerSpec{Name: "app", Run: run}))
		ips := p.IPs()
		<-starts
		p.KillSandbox()
		<-starts
		assert.Equal(t, ips, p.IPs())
		require.NoError(t, p.WaitReady(t.Context()))
	})
}

// Its probes go to the node's own addresses; 127.0.0.1 is one of them.
func TestProbesOnTheHostNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := onHost("a", podnet.ContainerSpec{Name: "app", Run: serve(":80"), ReadinessProbe: &podnet.Probe{
			TCPSocket: &podnet.TCPSocketAction{Host: "127.0.0.1", Port: podnet.Port(80)},
		}})
		p := podnettest.StartPod(t, c, spec)
		require.NoError(t, p.WaitReady(t.Context()))
	})
}
