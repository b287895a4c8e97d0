package podnet_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/podnettest"
)

// names is a cluster of one headless Service, db in shop, and of web in
// default.
type names struct{ db []dns.Endpoint }

func (n *names) HasNamespace(name string) bool { return name == "shop" || name == "default" }

func (n *names) Service(namespace, name string) (dns.Service, bool) {
	switch namespace + "/" + name {
	case "shop/db":
		return dns.Service{Ports: []dns.Port{{Name: "sql", Protocol: "TCP", Number: 5432}}, Endpoints: func() []dns.Endpoint { return n.db }}, true
	case "default/web":
		return dns.Service{Ports: []dns.Port{{Protocol: "TCP", Number: 80}}, ClusterIPs: []netip.Addr{netip.MustParseAddr("10.96.0.5"), netip.MustParseAddr("fd00:10:96::5")}}, true
	}
	return dns.Service{}, false
}

func (n *names) ServiceByIP(ip netip.Addr) (namespace, name string, ok bool) {
	return "default", "web", ip == netip.MustParseAddr("10.96.0.5")
}

func (n *names) EndpointsByIP(ip netip.Addr) (list []dns.EndpointName) {
	for _, e := range n.db {
		if slices.Contains(e.IPs, ip) {
			list = append(list, dns.EndpointName{Namespace: "shop", Service: "db", Hostname: e.Hostname})
		}
	}
	return list
}

// ownDNS makes 127.0.0.1 a Pod's name server.
func ownDNS(spec podnet.PodSpec) podnet.PodSpec {
	five := "5"
	spec.DNSPolicy = podnet.DNSNone
	spec.DNSConfig = &podnet.PodDNSConfig{
		Nameservers: []string{"127.0.0.1"}, Searches: []string{"shop.svc.cluster.local", "svc.cluster.local", "cluster.local"},
		Options: []podnet.PodDNSConfigOption{{Name: "ndots", Value: &five}},
	}
	return spec
}

// startWithDNS starts a Pod with a name server in it, which knows the Pod as
// db-0.db.
func startWithDNS(t *testing.T, cfg podnet.Config, spec podnet.PodSpec) (*podnet.Pod, *names) {
	t.Helper()
	c := podnettest.NewCluster(t, cfg)
	n := new(names)
	c.SetNames(n)
	p := podnettest.StartPod(t, c, ownDNS(spec))
	n.db = []dns.Endpoint{{Hostname: "db-0", IPs: p.IPs(), Ports: []dns.Port{{Name: "sql", Protocol: "TCP", Number: 5432}}}}
	stop, err := p.ServeDNS(netip.MustParseAddr("127.0.0.1"))
	require.NoError(t, err)
	t.Cleanup(stop)
	return p, n
}

func TestContainersAskTheirNameServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := startWithDNS(t, podnet.Config{Upstream: func(_ context.Context, network, host string) ([]netip.Addr, error) {
			if host == "example.com" && network != "ip6" {
				return []netip.Addr{netip.MustParseAddr("192.0.2.80")}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}}, podnet.PodSpec{Name: "db-0", Namespace: "shop", Containers: []podnet.ContainerSpec{{Name: "server", Run: serve(":5432")}, {Name: "main", Run: untilStopped}}})
		synctest.Wait()
		main := p.Container("main")
		r := main.Resolver()
		ctx := t.Context()
		for host, want := range map[string]string{
			"db": "10.244.0.2 fd00:10:244::2", "db-0.db": "10.244.0.2 fd00:10:244::2", "db.shop.svc.cluster.local": "10.244.0.2 fd00:10:244::2",
			"web.default": "10.96.0.5 fd00:10:96::5", "web.default.svc.cluster.local.": "10.96.0.5 fd00:10:96::5",
			"example.com": "192.0.2.80", "10-0-0-1.shop.pod.cluster.local": "10.0.0.1", "localhost": "127.0.0.1 ::1",
		} {
			got, err := main.LookupHost(ctx, host)
			require.NoError(t, err, host)
			assert.Equal(t, want, strings.Join(got, " "), host)
			got, err = p.LookupHost(ctx, host)
			require.NoError(t, err, host)
			assert.Equal(t, want, strings.Join(got, " "), host)
		}
		_, err := r.LookupHost(ctx, "web")
		assert.EqualError(t, err, "lookup web on 127.0.0.1:53: no such host")
		addrs, err := r.LookupNetIP(ctx, "ip6", "db")
		require.NoError(t, err)
		assert.Equal(t, []netip.Addr{netip.MustParseAddr("fd00:10:244::2")}, addrs)
		ips, err := r.LookupIP(ctx, "ip4", "db")
		require.NoError(t, err)
		assert.Equal(t, "10.244.0.2", ips[0].String())
		ipAddrs, err := r.LookupIPAddr(ctx, "localhost")
		require.NoError(t, err)
		assert.Equal(t, "::1", ipAddrs[0].String(), "in the order to be tried")
		cname, srvs, err := r.LookupSRV(ctx, "sql", "tcp", "db")
		require.NoError(t, err)
		assert.Equal(t, "_sql._tcp.db.shop.svc.cluster.local.", cname)
		assert.Equal(t, net.SRV{Target: "db-0.db.shop.svc.cluster.local.", Port: 5432, Weight: 50}, *srvs[0])
		ptrs, err := r.LookupAddr(ctx, "10.244.0.2")
		require.NoError(t, err)
		assert.Equal(t, []string{"db-0"}, ptrs, "of /etc/hosts")
		ptrs, err = r.LookupAddr(ctx, "10.96.0.5")
		require.NoError(t, err)
		assert.Equal(t, []string{"web.default.svc.cluster.local."}, ptrs)
		cname, err = r.LookupCNAME(ctx, "db")
		require.NoError(t, err)
		assert.Equal(t, "db.shop.svc.cluster.local.", cname)
		texts, err := r.LookupTXT(ctx, "dns-version.cluster.local.")
		require.NoError(t, err)
		assert.Equal(t, []string{"1.1.0"}, texts)
		ns, err := r.LookupNS(ctx, "cluster.local.")
		require.NoError(t, err)
		assert.Equal(t, "ns.dns.cluster.local.", ns[0].Host)
		_, err = r.LookupMX(ctx, "db")
		assert.EqualError(t, err, "lookup db on 127.0.0.1:53: server misbehaving", "the last name of the list is the world's, of which it knows addresses only")
		port, err := r.LookupPort(ctx, "tcp", "https")
		require.NoError(t, err)
		assert.Equal(t, 443, port)

		conn, err := main.Dial("tcp", "db-0.db:5432")
		require.NoError(t, err)
		assert.Equal(t, "10.244.0.2:5432", conn.RemoteAddr().String())
		require.NoError(t, conn.Close())
		_, err = main.Dial("tcp", "web:80")
		assert.EqualError(t, err, "dial tcp: lookup web on 127.0.0.1:53: no such host")

		// More than fits into a packet.
		var many []netip.Addr
		for i := range 200 {
			many = append(many, netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}))
		}
		n.db = []dns.Endpoint{{IPs: many}}
		got, err := main.LookupHost(ctx, "db")
		require.NoError(t, err)
		assert.Len(t, got, 200)
	})
}

func TestLookUpsWithoutANameServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := ownDNS(podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		main := podnettest.StartPod(t, c, spec).Container("main")
		start := time.Now()
		_, err := main.LookupHost(t.Context(), "db.")
		assert.ErrorContains(t, err, "lookup db. on 127.0.0.1:53: read udp 127.0.0.1:")
		assert.ErrorContains(t, err, "->127.0.0.1:53: read: connection refused")
		var dnsErr *net.DNSError
		require.ErrorAs(t, err, &dnsErr)
		assert.True(t, dnsErr.IsTemporary)
		assert.False(t, dnsErr.IsTimeout)
		assert.Zero(t, time.Since(start), "the refusal comes at once")

		l, err := main.ListenPacket("udp", "127.0.0.1:53") // one that says nothing
		require.NoError(t, err)
		defer l.Close()
		start = time.Now()
		_, err = main.LookupHost(t.Context(), "db.")
		assert.ErrorContains(t, err, "->127.0.0.1:53: i/o timeout")
		require.ErrorAs(t, err, &dnsErr)
		assert.True(t, dnsErr.IsTimeout)
		assert.Equal(t, 10*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = main.DialWith(ctx, podnet.Dialer{}, "tcp", "db.:80")
		assert.EqualError(t, err, "dial tcp: lookup db.: i/o timeout")
	})
}

func TestAProcessThatDiesLooksUpNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		result := make(chan error, 1)
		spec := ownDNS(podnet.PodSpec{Name: "web", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{
			{Name: "main", Run: func(_ context.Context, c *podnet.Container) error {
				_, err := c.LookupHost(context.Background(), "db.")
				result <- err
				return err
			}},
			{Name: "silent", Run: func(ctx context.Context, c *podnet.Container) error {
				_, err := c.ListenPacket("udp", "127.0.0.1:53")
				<-ctx.Done()
				return err
			}},
		}})
		spec.Containers[0], spec.Containers[1] = spec.Containers[1], spec.Containers[0]
		p := podnettest.StartPod(t, c, spec)
		synctest.Wait()
		main := p.Container("main")
		require.NoError(t, main.Kill())
		require.Error(t, <-result)
		synctest.Wait()
		_, err := main.LookupHost(t.Context(), "db")
		assert.ErrorIs(t, err, podnet.ErrNotRunning)
		_, _, err = main.Resolver().LookupSRV(t.Context(), "", "", "db")
		assert.ErrorIs(t, err, podnet.ErrNotRunning)
	})
}

func TestAContainersOwnResolvConfCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := startWithDNS(t, podnet.Config{}, podnet.PodSpec{Name: "web", Namespace: "shop", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}, {Name: "other", Run: untilStopped}}})
		main := p.Container("main")
		require.NoError(t, main.FS().WriteFile("/etc/resolv.conf", []byte("search default.svc.cluster.local\nnameserver 127.0.0.1\n"), 0o644))
		got, err := main.LookupHost(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, []string{"10.244.0.2", "fd00:10:244::2"}, got, "of /etc/hosts")
		got, err = main.LookupHost(t.Context(), "web.default.svc.cluster.local")
		require.NoError(t, err)
		assert.Equal(t, []string{"10.96.0.5", "fd00:10:96::5"}, got)
		_, err = main.LookupHost(t.Context(), "db")
		assert.EqualError(t, err, "lookup db on 127.0.0.1:53: no such host", "not in the list, and so the world's")
		_, err = main.LookupHost(t.Context(), "db.com")
		assert.EqualError(t, err, "lookup db.com on 127.0.0.1:53: server misbehaving")
		require.NoError(t, main.FS().WriteFile("/etc/hosts", nil, 0o644))
		got, err = main.LookupHost(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, []string{"10.96.0.5", "fd00:10:96::5"}, got, "of the server")
	})
}

func TestAddressesThatCannotBeReachedAreTriedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := startWithDNS(t, podnet.Config{PodCIDRs: prefixes("fd00:10:244::/56")}, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		n.db = []dns.Endpoint{{IPs: []netip.Addr{netip.MustParseAddr("10.244.0.9"), netip.MustParseAddr("fd00:10:244::9")}}}
		got, err := p.Container("main").LookupHost(t.Context(), "db")
		require.NoError(t, err)
		assert.Equal(t, []string{"fd00:10:244::9", "10.244.0.9"}, got)
	})
}
