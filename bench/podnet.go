package bench

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"podnet.dev/podnet"
)

// podnetPaths start at container a of Pod client; see Shop.
var podnetPaths = []Path{
	{"localhost", func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{})
		return ends(container(c, "a"), container(c, "b"), "127.0.0.1:7000")
	}},
	{"localhost-packets", func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{})
		// Where a fault may mean what crosses lo, nothing passes it by.
		where := podnet.Where{From: podnet.Ends(c.Pod("", "near")), Loopback: true, Protocol: podnet.ProtocolUDP}
		if _, err := c.Impair(where, podnet.Conditions{Loss: 1}); err != nil {
			tb.Fatal(err)
		}
		return ends(container(c, "a"), container(c, "b"), "127.0.0.1:7000")
	}},
	{"own-ip", func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{})
		return ends(container(c, "a"), container(c, "b"), port(c.Pod("", "client").IP()))
	}},
	{"own-service", toService("client")},
	{"pod", toPod("near")},
	{"pod-service", toService("near")},
	{"node", toPod("far")},
	{"node-service", toService("far")},
	{"unix", func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{})
		return Ends{
			Listen: func() (net.Listener, error) { return container(c, "b").Listen("unix", "/run/shop/socket") },
			Dial: func(ctx context.Context) (net.Conn, error) {
				return container(c, "a").DialContext(ctx, "unix", "/run/shop/socket")
			},
		}
	}},
	{"container-ip", func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{IPPerContainer: true})
		return ends(container(c, "a"), container(c, "b"), port(container(c, "b").IP()))
	}},
}

func toPod(name string) func(testing.TB) Ends {
	return func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{})
		p := c.Pod("", name)
		return ends(container(c, "a"), p, port(p.IP()))
	}
}

func toService(name string) func(testing.TB) Ends {
	return func(tb testing.TB) Ends {
		c := shop(tb, podnet.Config{})
		e := ends(container(c, "a"), c.Pod("", name), port(c.Service("", name).ClusterIP()))
		e.Lookup = func(ctx context.Context) error {
			_, err := container(c, "a").LookupHost(ctx, name+".default.svc.cluster.local.")
			return err
		}
		return e
	}
}

// shop is Shop until the cleanup.
func shop(tb testing.TB, cfg podnet.Config) *podnet.Cluster {
	tb.Helper()
	c, err := Shop(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// Shop returns a cluster of two nodes, with Pods client and near on the first and
// far on the other one, and for each a Service of its name. All ports are 7000, for
// TCP and for UDP. Who calls it closes the cluster.
func Shop(ctx context.Context, cfg podnet.Config) (*podnet.Cluster, error) {
	cfg.Nodes = 2
	c, err := podnet.NewCluster(cfg)
	if err != nil {
		return nil, err
	}
	for name, node := range map[string]string{"client": "node-1", "near": "node-1", "far": "node-2"} {
		if err := open(ctx, c, name, node); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// open starts a Pod with its Service.
func open(ctx context.Context, c *podnet.Cluster, name, node string) error {
	labels := map[string]string{"app": name}
	volume := []podnet.VolumeMount{{Name: "run", MountPath: "/run/shop"}}
	if _, err := c.StartPod(ctx, podnet.PodSpec{
		Name: name, NodeName: node, Labels: labels,
		Volumes: []podnet.VolumeSpec{{Name: "run", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
		Containers: []podnet.ContainerSpec{
			{Name: "a", Run: untilStopped, VolumeMounts: volume},
			{Name: "b", Run: untilStopped, VolumeMounts: volume},
		},
	}); err != nil {
		return err
	}
	return c.Apply(ctx, podnet.ServiceSpec{Name: name, Selector: labels, Ports: []podnet.ServicePort{
		{Name: "tcp", Port: 7000}, {Name: "udp", Port: 7000, Protocol: podnet.ProtocolUDP},
	}})
}

func untilStopped(ctx context.Context, _ *podnet.Container) error {
	<-ctx.Done()
	return nil
}

func container(c *podnet.Cluster, name string) *podnet.Container {
	return c.Pod("", "client").Container(name)
}

func port(a netip.Addr) string { return netip.AddrPortFrom(a, 7000).String() }

// host is a Pod or a container.
type host interface {
	Listen(network, address string) (net.Listener, error)
	ListenPacket(network, address string) (net.PacketConn, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// ends are those of a client that finds the server at an address, where it has
// port 7000.
func ends(client, server host, address string) Ends {
	return Ends{
		Listen:       func() (net.Listener, error) { return server.Listen("tcp", ":7000") },
		Dial:         func(ctx context.Context) (net.Conn, error) { return client.DialContext(ctx, "tcp", address) },
		ListenPacket: func() (net.PacketConn, error) { return server.ListenPacket("udp", ":7000") },
		DialPacket:   func(ctx context.Context) (net.Conn, error) { return client.DialContext(ctx, "udp", address) },
	}
}
