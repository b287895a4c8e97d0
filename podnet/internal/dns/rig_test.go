package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// cluster is a Backend of maps.
type cluster struct {
	namespaces map[string]bool
	services   map[string]Service // by namespace/name
	byIP       map[netip.Addr]string
	endpoints  map[netip.Addr][]EndpointName
}

func (c *cluster) HasNamespace(name string) bool { return c.namespaces[name] }

func (c *cluster) Service(namespace, name string) (Service, bool) {
	s, ok := c.services[namespace+"/"+name]
	return s, ok
}

func (c *cluster) ServiceByIP(ip netip.Addr) (namespace, name string, ok bool) {
	namespace, name, ok = strings.Cut(c.byIP[ip], "/")
	return namespace, name, ok
}

func (c *cluster) EndpointsByIP(ip netip.Addr) []EndpointName { return c.endpoints[ip] }

// add puts a Service into the cluster.
func (c *cluster) add(namespace, name string, s Service) {
	c.namespaces[namespace] = true
	c.services[namespace+"/"+name] = s
	for _, ip := range s.ClusterIPs {
		c.byIP[ip] = namespace + "/" + name
	}
	if s.Endpoints == nil {
		return
	}
	for _, e := range s.Endpoints() {
		for _, ip := range e.IPs {
			c.endpoints[ip] = append(c.endpoints[ip], EndpointName{Namespace: namespace, Service: name, Hostname: e.Hostname})
		}
	}
}

func newCluster() *cluster {
	return &cluster{
		namespaces: map[string]bool{"default": true, "empty": true}, services: make(map[string]Service),
		byIP: make(map[netip.Addr]string), endpoints: make(map[netip.Addr][]EndpointName),
	}
}

func addrs(list ...string) (addrs []netip.Addr) {
	for _, s := range list {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs
}

// testCluster has a Service of each kind.
func testCluster() *cluster {
	c := newCluster()
	web := []Port{{"http", "TCP", 80}, {"https", "TCP", 443}, {"", "UDP", 53}}
	at := func(hostname string, ports []Port, ips ...string) Endpoint {
		return Endpoint{IPs: addrs(ips...), Hostname: hostname, Ports: ports}
	}
	of := func(list ...Endpoint) func() []Endpoint { return func() []Endpoint { return list } }
	c.add("default", "web", Service{ClusterIPs: addrs("10.96.0.5", "fd00:10:96::5"), Ports: web, Endpoints: of(at("", web, "10.244.0.2"))})
	c.add("default", "v4only", Service{ClusterIPs: addrs("10.96.0.6"), Ports: web[:1]})
	c.add("shop", "db", Service{
		Ports: web[:1],
		Endpoints: of(at("db-0", web[:1], "10.244.0.3", "fd00:10:244::3"), at("db-1", web[:1], "10.244.0.4"),
			at("", web[:1], "10.244.0.5", "fd00:10:244::")),
	})
	c.add("shop", "portless", Service{Endpoints: of(at("", nil, "10.244.0.6"))})
	c.add("shop", "nobody", Service{Ports: web[:1], Endpoints: of()})
	c.add("shop", "outside", Service{ExternalName: "www.Example.com"})
	c.add("shop", "inside", Service{ExternalName: "web.default.svc.cluster.local"})
	c.add("shop", "dangling", Service{ExternalName: "no.default.svc.cluster.local"})
	c.add("shop", "loop", Service{ExternalName: "pool.shop.svc.cluster.local"})
	c.add("shop", "pool", Service{ExternalName: "loop.shop.svc.cluster.local"})
	c.add("shop", "self", Service{ExternalName: "self.shop.svc.cluster.local"})
	c.add("shop", "number", Service{ExternalName: "192.0.2.1"})
	c.add("kube-system", "kube-dns", Service{ClusterIPs: addrs("10.96.0.10"), Ports: []Port{{"dns", "UDP", 53}}})
	return c
}

func testServer(t testing.TB, cfg ServerConfig) *Server {
	cfg.Domain = "cluster.local"
	if cfg.Backend == nil {
		cfg.Backend = testCluster()
	}
	if cfg.Addrs == nil {
		cfg.Addrs = addrs("10.96.0.10")
	}
	s := NewServer(cfg)
	s.serial = 1
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// upstream knows one name of both families, one of IPv4, and trouble.
func upstream(ctx context.Context, network, host string) ([]netip.Addr, error) {
	var known []netip.Addr
	switch strings.ToLower(host) {
	case "www.example.com":
		known = addrs("::ffff:192.0.2.1", "2001:db8::1") // net's way to write an IPv4 address
	case "v4.example.com":
		known = addrs("192.0.2.4")
	case "trouble.example.com":
		return nil, errors.New("no route to host")
	case "hang.example.com":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	known = slices.DeleteFunc(known, func(a netip.Addr) bool {
		return network == "ip4" && !a.Unmap().Is4() || network == "ip6" && a.Unmap().Is4()
	})
	if len(known) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return known, nil
}

// question makes a query as a client sends it.
func question(name string, t dnsmessage.Type) dnsmessage.Message {
	return dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: t, Class: dnsmessage.ClassINET}},
	}
}

// asked returns what s sends back for a message, or nil.
func asked(t testing.TB, s *Server, packet bool, m dnsmessage.Message) *dnsmessage.Message {
	msg, err := m.Pack()
	require.NoError(t, err)
	answers := make(chan []byte, 1)
	s.handle(msg, packet, func(answer []byte) { answers <- answer })
	var a dnsmessage.Message
	answer := <-answers
	require.NoError(t, a.Unpack(answer))
	return &a
}

// text shows a message in the order of its records, the additional ones after
// "+" and those of authority after "!".
func text(m *dnsmessage.Message) string {
	parts := []string{strings.TrimPrefix(m.RCode.String(), "RCode")}
	for _, f := range []struct {
		name string
		set  bool
	}{{"aa", m.Authoritative}, {"ra", m.RecursionAvailable}, {"tc", m.Truncated}} {
		if f.set {
			parts = append(parts, f.name)
		}
	}
	lines := []string{strings.Join(parts, " ")}
	for _, section := range []struct {
		mark    string
		records []dnsmessage.Resource
	}{{"", m.Answers}, {"! ", m.Authorities}, {"+ ", m.Additionals}} {
		for _, r := range section.records {
			lines = append(lines, section.mark+recordText(r))
		}
	}
	return strings.Join(lines, "\n")
}

func recordText(r dnsmessage.Resource) string {
	head := fmt.Sprintf("%s %d %s ", r.Header.Name, r.Header.TTL, strings.TrimPrefix(r.Header.Type.String(), "Type"))
	switch b := r.Body.(type) {
	case *dnsmessage.AResource:
		return head + netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return head + netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return head + b.CNAME.String()
	case *dnsmessage.PTRResource:
		return head + b.PTR.String()
	case *dnsmessage.NSResource:
		return head + b.NS.String()
	case *dnsmessage.TXTResource:
		return head + strings.Join(b.TXT, "|")
	case *dnsmessage.SRVResource:
		return head + fmt.Sprint(b.Priority, b.Weight, b.Port, " ", b.Target)
	case *dnsmessage.SOAResource:
		return head + fmt.Sprint(b.NS, " ", b.MBox, " ", b.Serial, b.Refresh, b.Retry, b.Expire, b.MinTTL)
	case *dnsmessage.OPTResource:
		return fmt.Sprintf("OPT %d", r.Header.Class)
	}
	return head + "?"
}
