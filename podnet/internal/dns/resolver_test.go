package dns

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// testResolver returns a resolver with one server, which is closed when its
// connections are.
func testResolver(ns *nameserver, conf string) *Resolver {
	return &Resolver{Dial: ns.dial, ResolvConf: func() string { return conf }}
}

func TestResolverAsksForTheNamesOfTheSearchList(t *testing.T) {
	const conf = "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
	inCluster := func(name string) []string {
		return []string{name + ".default.svc.cluster.local.", name + ".svc.cluster.local.", name + ".cluster.local."}
	}
	for name, tt := range map[string]struct {
		conf, name string
		asked      []string
	}{
		"a short name":            {conf, "none", append(inCluster("none"), "none.")},
		"a name of four dots":     {conf, "none.b.c.d.e", append(inCluster("none.b.c.d.e"), "none.b.c.d.e.")},
		"a name of five dots":     {conf, "none.b.c.d.e.f", append([]string{"none.b.c.d.e.f."}, inCluster("none.b.c.d.e.f")...)},
		"a dot at the end":        {conf, "none.b.", []string{"none.b."}},
		"found at the first":      {conf, "both", []string{"both.default.svc.cluster.local."}},
		"no list":                 {"nameserver 10.96.0.10", "none", []string{"none."}},
		"one domain":              {"domain example.com\nnameserver 10.96.0.10", "none", []string{"none.example.com.", "none."}},
		"one dot is enough":       {"search example.com\nnameserver 10.96.0.10", "none.b", []string{"none.b.", "none.b.example.com."}},
		"the last list counts":    {"search a\nsearch b . c.\nnameserver 10.96.0.10", "none", []string{"none.b.", "none.c.", "none."}},
		"no dots are asked of it": {"search a\nnameserver 10.96.0.10\noptions ndots:0", "none", []string{"none.", "none.a."}},
		"more dots than 15":       {"search a\nnameserver 10.96.0.10\noptions ndots:99", "none" + strings.Repeat(".b", 15), []string{"none" + strings.Repeat(".b", 15) + ".", "none" + strings.Repeat(".b", 15) + ".a."}},
		"a name that is too long": {"search " + strings.Repeat("a.", 125) + "com\nnameserver 10.96.0.10", "none", []string{"none."}},
		"of the hidden services":  {"search a\nnameserver 10.96.0.10", "none.onion", []string{"none.onion.a."}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns := new(nameserver)
				_, err := testResolver(ns, tt.conf).LookupHost(t.Context(), tt.name)
				if tt.name == "both" {
					require.NoError(t, err)
				} else {
					assert.EqualError(t, err, "lookup "+tt.name+" on 10.96.0.10:53: no such host")
				}
				var want []string
				for _, n := range tt.asked {
					want = append(want, "udp 10.96.0.10:53 A "+n, "udp 10.96.0.10:53 AAAA "+n)
				}
				slices.Sort(want)
				assert.Equal(t, strings.Join(want, "\n"), ns.queries())
			})
		})
	}
}

func TestResolverAndOptions(t *testing.T) {
	for name, tt := range map[string]struct {
		conf, host string
		took       time.Duration
		asked      []string // "server network" of the A queries in order
		err        string
	}{
		"none":                          {"nameserver 1.1.1.1", "silent.", 10 * time.Second, []string{"udp 1.1.1.1:53", "udp 1.1.1.1:53"}, "i/o timeout"},
		"two servers":                   {"nameserver 1.1.1.1\nnameserver fd00::1", "silent.", 20 * time.Second, []string{"udp 1.1.1.1:53", "udp [fd00::1]:53", "udp 1.1.1.1:53", "udp [fd00::1]:53"}, ""},
		"four servers":                  {"nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\noptions attempts:1", "servfail.", 0, []string{"udp 1.1.1.1:53", "udp 2.2.2.2:53", "udp 3.3.3.3:53"}, ""},
		"no server":                     {"", "silent.", 20 * time.Second, []string{"udp 127.0.0.1:53", "udp [::1]:53", "udp 127.0.0.1:53", "udp [::1]:53"}, ""},
		"a server that is no address":   {"nameserver dns.example", "none.", 0, []string{"udp 127.0.0.1:53"}, ""},
		"timeout and attempts":          {"nameserver 1.1.1.1\noptions timeout:1 attempts:3", "silent.", 3 * time.Second, []string{"udp 1.1.1.1:53", "udp 1.1.1.1:53", "udp 1.1.1.1:53"}, ""},
		"timeout and attempts of 0":     {"nameserver 1.1.1.1\noptions timeout:0 attempts:0", "silent.", time.Second, []string{"udp 1.1.1.1:53"}, ""},
		"TCP alone":                     {"nameserver 1.1.1.1\noptions use-vc", "truncated.", 0, []string{"tcp 1.1.1.1:53"}, ""},
		"one after the other":           {"nameserver 1.1.1.1\noptions single-request", "silent.", 20 * time.Second, []string{"udp 1.1.1.1:53", "udp 1.1.1.1:53"}, ""},
		"comments and others":           {"# nameserver 3.3.3.3\n; nameserver 4.4.4.4\nsortlist 1.2.3.4\n\nnameserver 1.1.1.1 # this one\noptions debug", "none.", 0, []string{"udp 1.1.1.1:53"}, ""},
		"NXDOMAIN ends it":              {"nameserver 1.1.1.1\nnameserver 2.2.2.2", "none.", 0, []string{"udp 1.1.1.1:53"}, ""},
		"REFUSED goes on to the second": {"nameserver 1.1.1.1\nnameserver 2.2.2.2\noptions attempts:1", "refused.", 0, []string{"udp 1.1.1.1:53", "udp 2.2.2.2:53"}, "server misbehaving"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns := new(nameserver)
				start := time.Now()
				_, err := testResolver(ns, tt.conf).LookupHost(t.Context(), tt.host)
				if tt.err != "" {
					assert.ErrorContains(t, err, tt.err)
				}
				assert.Equal(t, tt.took, time.Since(start))
				ns.running.Wait()
				var asked []string
				for _, q := range ns.asked {
					if f := strings.Fields(q); f[2] == "A" {
						asked = append(asked, f[0]+" "+f[1])
					}
				}
				assert.Equal(t, tt.asked, asked)
			})
		})
	}
}

func TestResolverRotates(t *testing.T) {
	ns := new(nameserver)
	r := testResolver(ns, "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\noptions rotate")
	var servers []string
	for range 4 {
		_, err := r.LookupTXT(t.Context(), "records.")
		require.NoError(t, err)
		servers = append(servers, strings.Fields(ns.queries())[1])
	}
	ns.running.Wait()
	assert.Equal(t, []string{"1.1.1.1:53", "2.2.2.2:53", "3.3.3.3:53", "1.1.1.1:53"}, servers)
}

func TestResolverSearchesTheDomainOfItsHostname(t *testing.T) {
	for hostname, want := range map[string]string{"web.sub.default.svc.cluster.local": "sub.default.svc.cluster.local.", "web": "", "web.": ""} {
		assert.Equal(t, want, strings.Join(parseResolvConf("nameserver 1.1.1.1", hostname).search, " "), hostname)
		assert.Equal(t, "a.", strings.Join(parseResolvConf("search a", hostname).search, " "), hostname)
	}
}

func TestResolverGivesUpWithItsContext(t *testing.T) {
	look := map[string]func(r *Resolver, ctx context.Context) error{
		"LookupHost": func(r *Resolver, ctx context.Context) error {
			_, err := r.LookupHost(ctx, "silent.")
			return err
		},
		"LookupIPAddr": func(r *Resolver, ctx context.Context) error {
			_, err := r.LookupIPAddr(ctx, "silent.")
			return err
		},
		"LookupTXT": func(r *Resolver, ctx context.Context) error {
			_, err := r.LookupTXT(ctx, "silent.")
			return err
		},
	}
	for name, look := range look {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := testResolver(new(nameserver), "nameserver 1.1.1.1")
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(2*time.Second, cancel)
				start := time.Now()
				err := look(r, ctx)
				assert.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, 2*time.Second, time.Since(start))

				ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start = time.Now()
				err = look(r, ctx)
				assert.ErrorContains(t, err, "i/o timeout")
				assert.Equal(t, 3*time.Second, time.Since(start))
				var dnsErr *net.DNSError
				require.ErrorAs(t, err, &dnsErr)
				assert.True(t, dnsErr.IsTimeout)
			})
		})
	}
}

func TestResolverAsksAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(t, ServerConfig{Upstream: upstream})
		l, serverConn := newPipeListener(), newPipePackets()
		done := make(chan error, 2)
		go func() { done <- s.Serve(l) }()
		go func() { done <- s.ServePacket(serverConn) }()
		r := &Resolver{
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if network == "udp" {
					return serverConn.dial(), nil
				}
				return l.dial()
			},
			ResolvConf: func() string { return ClusterFirst("shop", "cluster.local", "10.96.0.10").String() },
		}
		for host, want := range map[string]string{
			"db": "10.244.0.3 10.244.0.4 10.244.0.5 fd00:10:244::3 fd00:10:244::", "web.default": "10.96.0.5 fd00:10:96::5",
			"outside": "2001:db8::1 192.0.2.1", "www.example.com": "2001:db8::1 192.0.2.1", "db-0.db": "10.244.0.3 fd00:10:244::3",
		} {
			got, err := r.LookupHost(t.Context(), host)
			require.NoError(t, err, host)
			assert.ElementsMatch(t, strings.Fields(want), got, host)
		}
		cname, err := r.LookupCNAME(t.Context(), "inside")
		require.NoError(t, err)
		assert.Equal(t, "web.default.svc.cluster.local.", cname)
		names, err := r.LookupAddr(t.Context(), "10.244.0.3")
		require.NoError(t, err)
		assert.Equal(t, []string{"db-0.db.shop.svc.cluster.local."}, names)
		_, srvs, err := r.LookupSRV(t.Context(), "http", "tcp", "db")
		require.NoError(t, err)
		assert.Len(t, srvs, 4)
		_, err = r.LookupHost(t.Context(), "nobody")
		assert.EqualError(t, err, "lookup nobody on 10.96.0.10:53: no such host")
		_, err = r.LookupHost(t.Context(), "trouble.example.com")
		assert.EqualError(t, err, "lookup trouble.example.com on 10.96.0.10:53: server misbehaving")

		// Several questions over one connection, until the server's patience ends.
		c, err := l.dial()
		require.NoError(t, err)
		for range 3 {
			time.Sleep(2 * time.Second)
			m := question("v4only.default.svc.cluster.local.", dnsmessage.TypeA)
			msg, err := m.Pack()
			require.NoError(t, err)
			require.NoError(t, writeStream(c, msg))
			answer, err := readStream(c)
			require.NoError(t, err)
			require.NoError(t, m.Unpack(answer))
			assert.Len(t, m.Answers, 1)
		}
		start := time.Now()
		_, err = readStream(c)
		require.Error(t, err)
		assert.Equal(t, 10*time.Second, time.Since(start))

		require.NoError(t, s.Close())
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		assert.ErrorIs(t, s.Serve(newPipeListener()), net.ErrClosed)
		assert.ErrorIs(t, s.ServePacket(newPipePackets()), net.ErrClosed)
	})
}

func TestSRVOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	first := make(map[string]int)
	for range 3000 {
		list := []*net.SRV{{Target: "last", Priority: 2}, {Target: "often", Priority: 1, Weight: 30}, {Target: "seldom", Priority: 1, Weight: 10}, {Target: "never", Priority: 1}}
		sortSRV(list, random)
		first[list[0].Target]++
		assert.Equal(t, "last", list[3].Target)
	}
	assert.InDelta(t, 2250, first["often"], 150)
	assert.InDelta(t, 750, first["seldom"], 150)
	sortSRV(nil, random)
}

func TestSortByRFC6724(t *testing.T) {
	source := func(of map[string]string) func(netip.Addr) netip.Addr {
		return func(a netip.Addr) netip.Addr {
			if s, ok := of[a.String()]; ok {
				return netip.MustParseAddr(s)
			}
			return netip.Addr{}
		}
	}
	for name, tt := range map[string]struct {
		source     map[string]string
		list, want string
	}{
		"what cannot be reached is last":   {map[string]string{"192.0.2.1": "10.244.0.2"}, "2001:db8::1 192.0.2.1", "192.0.2.1 2001:db8::1"},
		"the scope of the source":          {map[string]string{"192.0.2.1": "10.244.0.2", "2001:db8::1": "fe80::1"}, "2001:db8::1 192.0.2.1", "192.0.2.1 2001:db8::1"},
		"the label of the source":          {map[string]string{"192.0.2.1": "10.244.0.2", "2001:db8::1": "fd00::2"}, "2001:db8::1 192.0.2.1", "192.0.2.1 2001:db8::1"},
		"precedence":                       {map[string]string{"192.0.2.1": "10.244.0.2", "2001:db8::1": "2001:db8::2"}, "192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1"},
		"IPv4 before unique local":         {map[string]string{"10.96.0.5": "10.244.0.2", "fd00:10:96::5": "fd00:10:244::2"}, "fd00:10:96::5 10.96.0.5", "10.96.0.5 fd00:10:96::5"},
		"the longest prefix, of IPv6":      {map[string]string{"fd00:10:96::5": "fd00:10:244::2", "fd00:10:244::9": "fd00:10:244::2"}, "fd00:10:96::5 fd00:10:244::9", "fd00:10:244::9 fd00:10:96::5"},
		"and not of IPv4":                  {map[string]string{"192.0.2.1": "10.244.0.2", "10.244.0.3": "10.244.0.2"}, "192.0.2.1 10.244.0.3", "192.0.2.1 10.244.0.3"},
		"none can be reached: as they are": {nil, "192.0.2.1 2001:db8::1 ::1", "192.0.2.1 2001:db8::1 ::1"},
	} {
		var list []net.IPAddr
		for _, s := range strings.Fields(tt.list) {
			list = append(list, toIPAddr(netip.MustParseAddr(s)))
		}
		sortAddrs(list, source(tt.source))
		var got []string
		for _, a := range list {
			got = append(got, a.String())
		}
		assert.Equal(t, tt.want, strings.Join(got, " "), name)
	}
}

// FuzzAnswer sends whatever it likes as an answer.
func FuzzAnswer(f *testing.F) {
	ns := new(nameserver)
	for _, host := range []string{"both.", "alias.", "records.", "_port.", "none.", "servfail.", "badversion.", "half.", "truncated.", "extra."} {
		m := question(host, dnsmessage.TypeA)
		msg, err := m.Pack()
		require.NoError(f, err)
		for _, answer := range ns.answer("udp", "", msg) {
			f.Add(answer, host)
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte, host string) {
		if len(answer) > maxMessage {
			return
		}
		answerer := func(_ context.Context, network, _ string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				query, err := readStream(server)
				if err != nil {
					return
				}
				if len(answer) >= 2 && len(query) >= 2 {
					copy(answer, query[:2])
				}
				writeStream(server, answer)
			}()
			return &pipe{client, network}, nil
		}
		r := &Resolver{Dial: answerer, ResolvConf: func() string { return "nameserver 1.1.1.1\noptions attempts:1 single-request use-vc" }}
		if addrs, err := r.LookupIPAddr(t.Context(), host); err != nil {
			_, ok := err.(*net.DNSError)
			assert.True(t, ok)
		} else {
			for _, a := range addrs {
				assert.Contains(t, []int{4, 16}, len(a.IP))
			}
		}
		for _, err := range []error{
			second(r.LookupTXT(t.Context(), host)), second(r.LookupMX(t.Context(), host)), second(r.LookupNS(t.Context(), host)),
			second(r.LookupCNAME(t.Context(), host)), third(r.LookupSRV(t.Context(), "", "", host)), second(r.LookupAddr(t.Context(), "192.0.2.1")),
		} {
			if err != nil {
				_, ok := err.(*net.DNSError)
				assert.True(t, ok)
			}
		}
	})
}

func second[T any](_ T, err error) error        { return err }
func third[S, T any](_ S, _ T, err error) error { return err }

// FuzzResolvConf reads whatever it likes.
func FuzzResolvConf(f *testing.F) {
	f.Add("search a b\nnameserver 1.1.1.1\noptions ndots:5 timeout:1 attempts:3 rotate", "web.default")
	f.Add("domain a\n# x\nnameserver ::1%eth0", "web.")
	f.Fuzz(func(t *testing.T, text, name string) {
		c := parseResolvConf(text, name)
		assert.NotEmpty(t, c.servers)
		assert.Positive(t, c.attempts)
		assert.Positive(t, c.timeout)
		for _, n := range c.names(name) {
			assert.True(t, strings.HasSuffix(n, "."))
			assert.LessOrEqual(t, len(n), 254)
		}
	})
}
