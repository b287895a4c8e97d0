package witness

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	cluster "podnet.dev/podnet/internal/dns"
)

// shop is a cluster with one ClusterIP Service, web, and one headless one, db,
// of 100 endpoints.
type shop struct{}

func (shop) HasNamespace(name string) bool { return name == "shop" }

func (shop) Service(namespace, name string) (cluster.Service, bool) {
	ports := []cluster.Port{{Name: "http", Protocol: "TCP", Number: 80}}
	switch namespace + "/" + name {
	case "shop/web":
		return cluster.Service{ClusterIPs: []netip.Addr{netip.MustParseAddr("10.96.0.5")}, Ports: ports}, true
	case "shop/db":
		return cluster.Service{Ports: ports, Endpoints: func() (list []cluster.Endpoint) {
			for i := range 100 {
				list = append(list, cluster.Endpoint{IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 244, 0, byte(i)})}, Hostname: fmt.Sprintf("db-%d", i), Ports: ports})
			}
			return list
		}}, true
	case "shop/alias":
		return cluster.Service{ExternalName: "web.shop.svc.cluster.local"}, true
	}
	return cluster.Service{}, false
}

func (shop) ServiceByIP(ip netip.Addr) (namespace, name string, ok bool) {
	return "shop", "web", ip == netip.MustParseAddr("10.96.0.5")
}

func (shop) EndpointsByIP(netip.Addr) []cluster.EndpointName { return nil }

// serveCluster is the Program of podnet's own name server.
func serveCluster(ctx context.Context, c *podnet.Container) error {
	packets, err := c.ListenPacket("udp", ":53")
	if err != nil {
		return err
	}
	streams, err := c.Listen("tcp", ":53")
	if err != nil {
		return err
	}
	s := cluster.NewServer(cluster.ServerConfig{Domain: "cluster.local", Backend: shop{}, Addrs: []netip.Addr{netip.MustParseAddr("10.96.0.10")}})
	ended := make(chan error, 2)
	go func() { ended <- s.ServePacket(packets) }()
	go func() { ended <- s.Serve(streams) }()
	sayReady(c)
	<-ctx.Done()
	s.Close()
	<-ended
	return <-ended
}

// exchange sends a message as another library makes it.
func exchange(t *testing.T, c *podnet.Container, network string, m *dns.Msg, size uint16) *dns.Msg {
	t.Helper()
	conn, err := c.Dial(network, "localhost:53")
	require.NoError(t, err)
	defer conn.Close()
	client := &dns.Client{Net: network, UDPSize: size}
	a, _, err := client.ExchangeWithConn(m, &dns.Conn{Conn: conn, UDPSize: size})
	require.NoError(t, err)
	return a
}

func TestAnotherLibraryAsksTheClustersNameServer(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveCluster)
		for _, network := range []string{"udp", "tcp"} {
			for name, tt := range map[string]struct {
				change func(m *dns.Msg)
				rcode  int
				want   []string // answers, as in a zone file
			}{
				"web.shop.svc.cluster.local.":   {nil, dns.RcodeSuccess, []string{"web.shop.svc.cluster.local.\t30\tIN\tA\t10.96.0.5"}},
				"WEB.Shop.svc.CLUSTER.local.":   {nil, dns.RcodeSuccess, []string{"WEB.Shop.svc.CLUSTER.local.\t30\tIN\tA\t10.96.0.5"}},
				"alias.shop.svc.cluster.local.": {nil, dns.RcodeSuccess, []string{"alias.shop.svc.cluster.local.\t30\tIN\tCNAME\tweb.shop.svc.cluster.local.", "web.shop.svc.cluster.local.\t30\tIN\tA\t10.96.0.5"}},
				"_http._tcp.web.shop.svc.cluster.local.": {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeSRV }, dns.RcodeSuccess,
					[]string{"_http._tcp.web.shop.svc.cluster.local.\t30\tIN\tSRV\t0 100 80 web.shop.svc.cluster.local."}},
				"5.0.96.10.in-addr.arpa.":    {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypePTR }, dns.RcodeSuccess, []string{"5.0.96.10.in-addr.arpa.\t30\tIN\tPTR\tweb.shop.svc.cluster.local."}},
				"dns-version.cluster.local.": {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }, dns.RcodeSuccess, []string{"dns-version.cluster.local.\t28800\tIN\tTXT\t\"1.1.0\""}},
				"cluster.local.":             {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeNS }, dns.RcodeSuccess, []string{"cluster.local.\t30\tIN\tNS\tns.dns.cluster.local."}},
				"no.shop.svc.cluster.local.": {nil, dns.RcodeNameError, nil},
				"www.example.com.":           {nil, dns.RcodeRefused, nil},
				"version.bind.": {func(m *dns.Msg) {
					m.Question[0] = dns.Question{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}
				}, dns.RcodeRefused, nil},
				"shop.svc.cluster.local.": {func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, dns.RcodeNotImplemented, nil},
				"svc.cluster.local.":      {func(m *dns.Msg) { m.SetEdns0(4096, true); m.IsEdns0().SetVersion(1) }, dns.RcodeBadVers, nil},
				"pod.cluster.local.": {func(m *dns.Msg) {
					m.SetEdns0(1232, true)
					m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1234567890"}, &dns.EDNS0_PADDING{Padding: make([]byte, 64)})
				}, dns.RcodeSuccess, nil},
			} {
				m := new(dns.Msg).SetQuestion(name, dns.TypeA)
				if tt.change != nil {
					tt.change(m)
				}
				a := exchange(t, c, network, m, 4096)
				assert.Equal(t, dns.RcodeToString[tt.rcode], dns.RcodeToString[a.Rcode], name)
				var got []string
				for _, rr := range a.Answer {
					got = append(got, rr.String())
				}
				assert.Equal(t, tt.want, got, name)
				if tt.rcode == dns.RcodeNameError {
					require.Len(t, a.Ns, 1)
					soa := a.Ns[0].(*dns.SOA)
					assert.Equal(t, "cluster.local. ns.dns.cluster.local. hostmaster.cluster.local. 7200 1800 86400 30",
						fmt.Sprint(soa.Hdr.Name, " ", soa.Ns, " ", soa.Mbox, " ", soa.Refresh, soa.Retry, soa.Expire, soa.Minttl))
				}
				assert.Equal(t, m.IsEdns0() != nil, a.IsEdns0() != nil, name)
			}
		}
	})
}

func TestTheClustersNameServerTruncatesAndGoesOnOverTCP(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveCluster)
		const name = "db.shop.svc.cluster.local."
		a := exchange(t, c, "udp", new(dns.Msg).SetQuestion(name, dns.TypeA), 0)
		assert.True(t, a.Truncated)
		a.Compress = true
		assert.LessOrEqual(t, a.Len(), 512)
		a = exchange(t, c, "udp", new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(8192, false), 8192)
		assert.False(t, a.Truncated)
		assert.Len(t, a.Answer, 100)

		conn, err := c.Dial("tcp", "localhost:53")
		require.NoError(t, err)
		defer conn.Close()
		stream := &dns.Conn{Conn: conn}
		for range 3 { // all at once, over one connection
			require.NoError(t, stream.WriteMsg(new(dns.Msg).SetQuestion(name, dns.TypeSRV)))
		}
		for range 3 {
			a, err := stream.ReadMsg()
			require.NoError(t, err)
			assert.Len(t, a.Answer, 100)
			assert.Len(t, a.Extra, 100)
		}
	})
}

func TestAContainerAsksAnotherLibrarysServer(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveDNS)
		require.NoError(t, c.FS().WriteFile("/etc/resolv.conf", []byte("nameserver 127.0.0.1\n"), 0o644))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		texts, err := c.Resolver().LookupTXT(ctx, "small.")
		require.NoError(t, err)
		assert.Regexp(t, `^udp \d+$`, texts[0])
		texts, err = c.Resolver().LookupTXT(ctx, "big.")
		require.NoError(t, err, "it goes on over TCP")
		assert.Len(t, texts[0], 16*255)
		_, err = c.LookupHost(ctx, "small.")
		var dnsErr *net.DNSError
		require.ErrorAs(t, err, &dnsErr)
		assert.True(t, dnsErr.IsNotFound, "it has texts only")
	})
}
