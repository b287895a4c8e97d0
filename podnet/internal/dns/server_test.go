package dns

import (
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

const (
	typeANY   = dnsmessage.Type(255)
	typeHTTPS = dnsmessage.Type(65)
)

var types = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "SRV": dnsmessage.TypeSRV, "CNAME": dnsmessage.TypeCNAME, "PTR": dnsmessage.TypePTR,
	"TXT": dnsmessage.TypeTXT, "NS": dnsmessage.TypeNS, "SOA": dnsmessage.TypeSOA, "MX": dnsmessage.TypeMX, "ANY": typeANY, "HTTPS": typeHTTPS, "AXFR": dnsmessage.TypeAXFR,
}

const soa = "! cluster.local. 30 SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30"

func TestServerAnswers(t *testing.T) {
	const (
		noData = "Success aa\n" + soa
		noName = "NameError aa\n" + soa
		v6arpa = ".0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa."
	)
	for name, tt := range map[string]struct{ ask, want string }{
		"a Service":                      {"A web.default.svc.cluster.local.", "Success aa\nweb.default.svc.cluster.local. 30 A 10.96.0.5"},
		"a Service by IPv6":              {"AAAA web.default.svc.cluster.local.", "Success aa\nweb.default.svc.cluster.local. 30 AAAA fd00:10:96::5"},
		"in the case of the query":       {"A WEB.default.Svc.Cluster.Local.", "Success aa\nWEB.default.Svc.Cluster.Local. 30 A 10.96.0.5"},
		"not the type":                   {"AAAA v4only.default.svc.cluster.local.", noData},
		"no such Service":                {"A no.default.svc.cluster.local.", noName},
		"no such namespace":              {"A web.no.svc.cluster.local.", noName},
		"neither svc nor pod":            {"A web.default.cluster.local.", noName},
		"too long":                       {"A a.b.c.web.default.svc.cluster.local.", noName},
		"the zone":                       {"A cluster.local.", noData},
		"svc":                            {"A svc.cluster.local.", noData},
		"pod":                            {"AAAA pod.cluster.local.", noData},
		"a namespace":                    {"A empty.svc.cluster.local.", noData},
		"a namespace of Pods":            {"A empty.pod.cluster.local.", noData},
		"a headless Service without":     {"A nobody.shop.svc.cluster.local.", noName},
		"a headless Service, no ports":   {"A portless.shop.svc.cluster.local.", "Success aa\nportless.shop.svc.cluster.local. 30 A 10.244.0.6"},
		"a hostname":                     {"A db-0.db.shop.svc.cluster.local.", "Success aa\ndb-0.db.shop.svc.cluster.local. 30 A 10.244.0.3"},
		"a hostname by IPv6":             {"AAAA db-0.db.shop.svc.cluster.local.", "Success aa\ndb-0.db.shop.svc.cluster.local. 30 AAAA fd00:10:244::3"},
		"a hostname, not the type":       {"AAAA db-1.db.shop.svc.cluster.local.", noData},
		"no such hostname":               {"A db-9.db.shop.svc.cluster.local.", noName},
		"no hostname":                    {"A 10-244-0-5.db.shop.svc.cluster.local.", "Success aa\n10-244-0-5.db.shop.svc.cluster.local. 30 A 10.244.0.5"},
		"no hostname by IPv6":            {"AAAA fd00-10-244--0.db.shop.svc.cluster.local.", "Success aa\nfd00-10-244--0.db.shop.svc.cluster.local. 30 AAAA fd00:10:244::"},
		"an IP that has a hostname":      {"A 10-244-0-3.db.shop.svc.cluster.local.", noName},
		"an endpoint of a ClusterIP":     {"A 10-244-0-2.web.default.svc.cluster.local.", "Success aa\n10-244-0-2.web.default.svc.cluster.local. 30 A 10.244.0.2"},
		"a Pod":                          {"A 1-2-3-4.default.pod.cluster.local.", "Success aa\n1-2-3-4.default.pod.cluster.local. 30 A 1.2.3.4"},
		"a Pod by IPv6":                  {"AAAA fd00-10-244--2.default.pod.cluster.local.", "Success aa\nfd00-10-244--2.default.pod.cluster.local. 30 AAAA fd00:10:244::2"},
		"a Pod, not the type":            {"AAAA 1-2-3-4.default.pod.cluster.local.", noData},
		"a Pod in no namespace":          {"A 1-2-3-4.no.pod.cluster.local.", noName},
		"a Pod by name":                  {"A web.default.pod.cluster.local.", noName},
		"a Pod's IP that is none":        {"A 1-2-3-400.default.pod.cluster.local.", noName},
		"an alias alone":                 {"CNAME outside.shop.svc.cluster.local.", "Success aa\noutside.shop.svc.cluster.local. 30 CNAME www.Example.com."},
		"an alias to outside":            {"A outside.shop.svc.cluster.local.", "Success aa\noutside.shop.svc.cluster.local. 30 CNAME www.Example.com."},
		"an alias to a Service":          {"A inside.shop.svc.cluster.local.", "Success aa\ninside.shop.svc.cluster.local. 30 CNAME web.default.svc.cluster.local.\nweb.default.svc.cluster.local. 30 A 10.96.0.5"},
		"an alias to nothing":            {"A dangling.shop.svc.cluster.local.", noData},
		"aliases in a circle":            {"A loop.shop.svc.cluster.local.", noData},
		"an alias of itself":             {"A self.shop.svc.cluster.local.", noData},
		"an alias to an address":         {"A number.shop.svc.cluster.local.", noName},
		"beneath an alias":               {"CNAME a.outside.shop.svc.cluster.local.", noName},
		"no alias":                       {"CNAME web.default.svc.cluster.local.", noData},
		"a port":                         {"SRV _http._tcp.web.default.svc.cluster.local.", "Success aa\n_http._tcp.web.default.svc.cluster.local. 30 SRV 0 50 80 web.default.svc.cluster.local.\n+ web.default.svc.cluster.local. 30 A 10.96.0.5\n+ web.default.svc.cluster.local. 30 AAAA fd00:10:96::5"},
		"a port of another protocol":     {"SRV _http._udp.web.default.svc.cluster.local.", noName},
		"no such port":                   {"SRV _no._tcp.web.default.svc.cluster.local.", noName},
		"all ports":                      {"SRV v4only.default.svc.cluster.local.", "Success aa\nv4only.default.svc.cluster.local. 30 SRV 0 100 80 v4only.default.svc.cluster.local.\n+ v4only.default.svc.cluster.local. 30 A 10.96.0.6"},
		"a port of one endpoint":         {"SRV db-1.db.shop.svc.cluster.local.", "Success aa\ndb-1.db.shop.svc.cluster.local. 30 SRV 0 100 80 db-1.db.shop.svc.cluster.local.\n+ db-1.db.shop.svc.cluster.local. 30 A 10.244.0.4"},
		"no ports at all":                {"SRV portless.shop.svc.cluster.local.", noData},
		"a port of an alias":             {"SRV outside.shop.svc.cluster.local.", noData},
		"a port's address":               {"A _http._tcp.v4only.default.svc.cluster.local.", "Success aa\n_http._tcp.v4only.default.svc.cluster.local. 30 A 10.96.0.6"},
		"a cluster IP":                   {"PTR 5.0.96.10.in-addr.arpa.", "Success aa\n5.0.96.10.in-addr.arpa. 30 PTR web.default.svc.cluster.local."},
		"a cluster IP by IPv6":           {"PTR " + reverseName(netip.MustParseAddr("fd00:10:96::5")), "Success aa\n" + reverseName(netip.MustParseAddr("fd00:10:96::5")) + " 30 PTR web.default.svc.cluster.local."},
		"an endpoint's IP":               {"PTR 3.0.244.10.in-addr.arpa.", "Success aa\n3.0.244.10.in-addr.arpa. 30 PTR db-0.db.shop.svc.cluster.local."},
		"an endpoint's IP, no hostname":  {"PTR 5.0.244.10.IN-ADDR.arpa.", "Success aa\n5.0.244.10.IN-ADDR.arpa. 30 PTR 10-244-0-5.db.shop.svc.cluster.local."},
		"an endpoint's IPv6":             {"PTR 3.0.0" + v6arpa, "Success aa\n3.0.0" + v6arpa + " 30 PTR db-0.db.shop.svc.cluster.local."},
		"another IP":                     {"PTR 1.2.0.192.in-addr.arpa.", "Refused"},
		"no IP":                          {"PTR 1.2.in-addr.arpa.", "Refused"},
		"an IP's address":                {"A 5.0.96.10.in-addr.arpa.", "Refused"},
		"a pointer of a Service":         {"PTR web.default.svc.cluster.local.", noData},
		"the version of the schema":      {"TXT dns-version.cluster.local.", "Success aa\ndns-version.cluster.local. 28800 TXT 1.1.0"},
		"the version's address":          {"A dns-version.cluster.local.", noName},
		"a text of a Service":            {"TXT web.default.svc.cluster.local.", noData},
		"a text of no Service":           {"TXT no.default.svc.cluster.local.", noName},
		"the zone's authority":           {"SOA cluster.local.", "Success aa\n" + strings.TrimPrefix(soa, "! ")},
		"a Service's authority":          {"SOA web.default.svc.cluster.local.", noData},
		"the zone's name server":         {"NS cluster.local.", "Success aa\ncluster.local. 30 NS kube-dns.kube-system.svc.cluster.local.\n+ kube-dns.kube-system.svc.cluster.local. 30 A 10.96.0.10"},
		"a Service's name server":        {"NS web.default.svc.cluster.local.", noData},
		"no Service's name server":       {"NS no.default.svc.cluster.local.", noName},
		"the name server":                {"A ns.dns.cluster.local.", "Success aa\nns.dns.cluster.local. 30 A 10.96.0.10"},
		"the name server by IPv6":        {"AAAA ns.dns.cluster.local.", noData},
		"a reverse zone's authority":     {"SOA in-addr.arpa.", "Success aa\nin-addr.arpa. 30 SOA ns.dns.in-addr.arpa. hostmaster.in-addr.arpa. 1 7200 1800 86400 30"},
		"a reverse zone's name server":   {"NS ip6.arpa.", "Success aa\nip6.arpa. 30 NS kube-dns.kube-system.svc.cluster.local.\n+ kube-dns.kube-system.svc.cluster.local. 30 A 10.96.0.10"},
		"a reverse zone":                 {"A in-addr.arpa.", "Success aa\n! in-addr.arpa. 30 SOA ns.dns.in-addr.arpa. hostmaster.in-addr.arpa. 1 7200 1800 86400 30"},
		"mail":                           {"MX web.default.svc.cluster.local.", noData},
		"anything":                       {"ANY web.default.svc.cluster.local.", noData},
		"anything of nothing":            {"ANY no.default.svc.cluster.local.", noName},
		"a type of late":                 {"HTTPS web.default.svc.cluster.local.", noData},
		"the whole zone":                 {"AXFR cluster.local.", "Refused"},
		"outside":                        {"A www.example.com.", "Refused"},
		"outside, without a dot":         {"AAAA web.", "NameError ra"},
		"the root":                       {"NS .", "Refused"},
		"a zone that ends like ours":     {"A mycluster.local.", "Refused"},
		"outside with our search domain": {"A www.example.com.default.svc.cluster.local.", noName},
	} {
		t.Run(name, func(t *testing.T) {
			s := testServer(t, ServerConfig{})
			kind, host, _ := strings.Cut(tt.ask, " ")
			a := asked(t, s, true, question(host, types[kind]))
			assert.Equal(t, sortedLines(tt.want), sortedLines(text(a)))
			assert.Equal(t, uint16(7), a.ID)
			assert.True(t, a.RecursionDesired)
			assert.Equal(t, host, a.Questions[0].Name.String())
		})
	}
}

// sortedLines puts the records into an order: theirs is by lot.
func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}

func TestServerAnswersWithAllEndpoints(t *testing.T) {
	s := testServer(t, ServerConfig{})
	const name = "db.shop.svc.cluster.local."
	assert.Equal(t, "Success aa\n"+name+" 30 A 10.244.0.3\n"+name+" 30 A 10.244.0.4\n"+name+" 30 A 10.244.0.5", sortedLines(text(asked(t, s, true, question(name, dnsmessage.TypeA)))))
	assert.Equal(t, "Success aa\n"+name+" 30 AAAA fd00:10:244::\n"+name+" 30 AAAA fd00:10:244::3", sortedLines(text(asked(t, s, true, question(name, dnsmessage.TypeAAAA)))))
	m := question("_http._tcp."+name, dnsmessage.TypeSRV)
	assert.Equal(t, strings.Join([]string{
		"Success aa",
		"+ 10-244-0-5." + name + " 30 A 10.244.0.5", "+ db-0." + name + " 30 A 10.244.0.3", "+ db-0." + name + " 30 AAAA fd00:10:244::3",
		"+ db-1." + name + " 30 A 10.244.0.4", "+ fd00-10-244--0." + name + " 30 AAAA fd00:10:244::",
		"_http._tcp." + name + " 30 SRV 0 20 80 10-244-0-5." + name, "_http._tcp." + name + " 30 SRV 0 20 80 db-0." + name,
		"_http._tcp." + name + " 30 SRV 0 20 80 db-1." + name, "_http._tcp." + name + " 30 SRV 0 20 80 fd00-10-244--0." + name,
	}, "\n"), sortedLines(text(asked(t, s, false, m))))
}

func TestServerNamesItselfWithoutAService(t *testing.T) {
	s := testServer(t, ServerConfig{Addrs: addrs("10.96.0.11", "fd00:10:96::b")})
	assert.Equal(t, "Success aa\n+ ns.dns.cluster.local. 30 A 10.96.0.11\n+ ns.dns.cluster.local. 30 AAAA fd00:10:96::b\ncluster.local. 30 NS ns.dns.cluster.local.",
		sortedLines(text(asked(t, s, true, question("cluster.local.", dnsmessage.TypeNS)))))
}

func TestServerForwards(t *testing.T) {
	for ask, want := range map[string]string{
		"A www.example.com.":                 "Success ra\nwww.example.com. 30 A 192.0.2.1",
		"AAAA WWW.example.com.":              "Success ra\nWWW.example.com. 30 AAAA 2001:db8::1",
		"AAAA v4.example.com.":               "Success ra",
		"A no.example.com.":                  "NameError ra",
		"A trouble.example.com.":             "ServerFailure ra",
		"TXT www.example.com.":               "Refused",
		"PTR 1.2.0.192.in-addr.arpa.":        "Refused",
		"A outside.shop.svc.cluster.local.":  "Success aa\noutside.shop.svc.cluster.local. 30 CNAME www.Example.com.\nwww.Example.com. 30 A 192.0.2.1",
		"A dangling.shop.svc.cluster.local.": "Success aa\n" + soa,
	} {
		t.Run(ask, func(t *testing.T) {
			s := testServer(t, ServerConfig{Upstream: upstream})
			kind, host, _ := strings.Cut(ask, " ")
			for _, packet := range []bool{true, false} {
				assert.Equal(t, want, text(asked(t, s, packet, question(host, types[kind]))))
			}
		})
	}
}

func TestServerHasPatienceWithUpstreamForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(t, ServerConfig{Upstream: upstream})
		start := time.Now()
		assert.Equal(t, "ServerFailure ra", text(asked(t, s, true, question("hang.example.com.", dnsmessage.TypeA))))
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestServerAsksUpstreamAThousandTimesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(t, ServerConfig{Upstream: upstream})
		m := question("hang.example.com.", dnsmessage.TypeA)
		msg, err := m.Pack()
		require.NoError(t, err)
		codes := make(chan dnsmessage.RCode, 1001)
		for range 1001 {
			s.handle(msg, true, func(answer []byte) {
				var p dnsmessage.Parser
				h, _ := p.Start(answer)
				codes <- h.RCode
			})
		}
		synctest.Wait()
		assert.Len(t, codes, 1)
		assert.Equal(t, dnsmessage.RCodeRefused, <-codes)
		require.NoError(t, s.Close(), "it gives up what it waits for")
		assert.Len(t, codes, 1000)
	})
}

func TestServerShufflesBySeed(t *testing.T) {
	order := func(s *Server) (first string) {
		return recordText(asked(t, s, true, question("db.shop.svc.cluster.local.", dnsmessage.TypeA)).Answers[0])
	}
	one, same := testServer(t, ServerConfig{Seed: 1}), testServer(t, ServerConfig{Seed: 1})
	seen := make(map[string]int)
	for range 300 {
		first := order(one)
		assert.Equal(t, first, order(same))
		seen[first]++
	}
	assert.Len(t, seen, 3)
	for first, n := range seen {
		assert.Greater(t, n, 60, first)
	}
}

func TestServerAndMessagesThatAreNoQuestions(t *testing.T) {
	pack := func(change func(m *dnsmessage.Message)) []byte {
		m := question("web.default.svc.cluster.local.", dnsmessage.TypeA)
		change(&m)
		msg, err := m.Pack()
		require.NoError(t, err)
		return msg
	}
	plain := pack(func(*dnsmessage.Message) {})
	opt := func(ttl uint32) dnsmessage.Resource {
		return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("."), Type: dnsmessage.TypeOPT, Class: 1232, TTL: ttl}, Body: &dnsmessage.OPTResource{}}
	}
	for name, tt := range map[string]struct {
		msg  []byte
		want string // "" for silence
	}{
		"a question":          {plain, "Success aa\nweb.default.svc.cluster.local. 30 A 10.96.0.5"},
		"nothing":             {nil, ""},
		"half a header":       {plain[:11], ""},
		"an answer":           {pack(func(m *dnsmessage.Message) { m.Response = true }), ""},
		"a notification":      {pack(func(m *dnsmessage.Message) { m.OpCode = 4 }), "NotImplemented"},
		"an update":           {pack(func(m *dnsmessage.Message) { m.OpCode = 5 }), "NotImplemented"},
		"no question":         {pack(func(m *dnsmessage.Message) { m.Questions = nil }), "FormatError"},
		"two questions":       {pack(func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions...) }), "FormatError"},
		"half a question":     {plain[:20], "FormatError"},
		"more than there is":  {append(slices.Clone(plain[:11]), append([]byte{1}, plain[12:]...)...), "FormatError"},
		"another class":       {pack(func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }), "Refused"},
		"any class":           {pack(func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassANY }), "Refused"},
		"EDNS":                {pack(func(m *dnsmessage.Message) { m.Additionals = append(m.Additionals, opt(0)) }), "Success aa\nweb.default.svc.cluster.local. 30 A 10.96.0.5\n+ OPT 1232"},
		"EDNS of the future":  {pack(func(m *dnsmessage.Message) { m.Additionals = append(m.Additionals, opt(1<<16)) }), "Success\n+ OPT 1232"},
		"too many additions":  {pack(func(m *dnsmessage.Message) { m.Additionals = append(m.Additionals, opt(0), opt(0), opt(0)) }), "FormatError"},
		"something behind it": {append(slices.Clone(plain), "rest"...), "Success aa\nweb.default.svc.cluster.local. 30 A 10.96.0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			testServer(t, ServerConfig{}).handle(tt.msg, true, func(answer []byte) {
				var m dnsmessage.Message
				require.NoError(t, m.Unpack(answer))
				got = text(&m)
				if name == "EDNS of the future" {
					assert.Equal(t, dnsmessage.RCode(16), m.Additionals[0].Header.ExtendedRCode(m.RCode), "BADVERS")
				}
			})
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestServerTruncates(t *testing.T) {
	c := newCluster()
	var many []Endpoint
	for i := range 100 {
		many = append(many, Endpoint{IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 244, 1, byte(i)})}, Ports: []Port{{"http", "TCP", 80}}})
	}
	c.add("default", "many", Service{Endpoints: func() []Endpoint { return many }})
	s := testServer(t, ServerConfig{Backend: c})
	ask := func(packet bool, kind dnsmessage.Type, edns int) (*dnsmessage.Message, int) {
		m := question("many.default.svc.cluster.local.", kind)
		if edns > 0 {
			var h dnsmessage.ResourceHeader
			h.SetEDNS0(edns, 0, false)
			m.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
		}
		a := asked(t, s, packet, m)
		msg, err := a.Pack()
		require.NoError(t, err)
		return a, len(msg)
	}
	const head, each, opt = 12 + 36, 16, 11 // bytes: header with question, address, OPT
	for name, tt := range map[string]struct {
		packet  bool
		edns    int
		answers int
	}{
		"UDP":                       {true, 0, (512 - head) / each},
		"UDP, and too little asked": {true, 100, (512 - head - opt) / each},
		"UDP, and 1232 bytes":       {true, 1232, (1232 - head - opt) / each},
		"UDP, and 4096 bytes":       {true, 4096, 100},
		"TCP":                       {false, 0, 100},
	} {
		t.Run(name, func(t *testing.T) {
			a, size := ask(tt.packet, dnsmessage.TypeA, tt.edns)
			assert.Len(t, a.Answers, tt.answers)
			assert.Equal(t, tt.answers < 100, a.Truncated)
			if tt.packet {
				assert.LessOrEqual(t, size, max(512, tt.edns))
			}
		})
	}
	// The addresses of targets go first.
	a, _ := ask(true, dnsmessage.TypeSRV, 8192)
	assert.Len(t, a.Answers, 100)
	assert.True(t, a.Truncated)
	assert.Less(t, len(a.Additionals), 100)
	assert.Greater(t, len(a.Additionals), 10)
}

func FuzzServer(f *testing.F) {
	for _, host := range []string{"web.default.svc.cluster.local.", "_http._tcp.db.shop.svc.cluster.local.", "5.0.96.10.in-addr.arpa.", "1-2-3-4.default.pod.cluster.local.", "www.example.com.", "."} {
		for _, t := range types {
			m := question(host, t)
			msg, err := m.Pack()
			require.NoError(f, err)
			f.Add(msg)
		}
	}
	s := testServer(f, ServerConfig{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, packet := range []bool{true, false} {
			s.handle(msg, packet, func(answer []byte) {
				var m dnsmessage.Message
				require.NoError(t, m.Unpack(answer))
				assert.True(t, m.Response)
				assert.Equal(t, msg[:2], answer[:2])
				if packet {
					q, _, _ := parseQuery(msg)
					assert.LessOrEqual(t, len(answer), q.size)
				}
			})
		}
	})
}
