package image_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/podnettest"
)

// records are what nameserver knows. A name without records of the type that is
// asked for exists all the same.
func records() map[string][]dnsmessage.ResourceBody {
	name := dnsmessage.MustNewName
	return map[string][]dnsmessage.ResourceBody{
		"web.shop.svc.cluster.local.":            {&dnsmessage.AResource{A: [4]byte{10, 96, 0, 5}}, &dnsmessage.AAAAResource{AAAA: [16]byte{0xfd, 15: 5}}},
		"four.example.com.":                      {&dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 2}}},
		"alias.example.com.":                     {&dnsmessage.CNAMEResource{CNAME: name("four.example.com.")}, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}},
		"5.0.96.10.in-addr.arpa.":                {&dnsmessage.PTRResource{PTR: name("web.shop.svc.cluster.local.")}},
		"_http._tcp.web.shop.svc.cluster.local.": {&dnsmessage.SRVResource{Weight: 100, Port: 80, Target: name("web.shop.svc.cluster.local.")}},
		"dns-version.cluster.local.":             {&dnsmessage.TXTResource{TXT: []string{"1.1.0"}}},
		"cluster.local.": {
			&dnsmessage.SOAResource{NS: name("ns.dns.cluster.local."), MBox: name("hostmaster.cluster.local."), Serial: 1, Refresh: 2, Retry: 3, Expire: 4, MinTTL: 5},
			&dnsmessage.NSResource{NS: name("ns.dns.cluster.local.")}, &dnsmessage.MXResource{Pref: 10, MX: name("mail.example.com.")},
		},
		"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.": {&dnsmessage.PTRResource{PTR: name("six.example.com.")}},
	}
}

// nameserver answers on 127.0.0.1: with authority for the cluster's names, not
// for others. It fails for servfail., is silent about silent. and speaks nonsense
// about garbage.
func nameserver(ctx context.Context, c *podnet.Container) error {
	conn, err := c.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	known := records()
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return nil
		}
		var m dnsmessage.Message
		if err := m.Unpack(buf[:n]); err != nil {
			return err
		}
		q := m.Questions[0]
		a := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
		a.Authoritative = strings.HasSuffix(q.Name.String(), "cluster.local.")
		bodies, ok := known[q.Name.String()]
		switch {
		case q.Name.String() == "silent.":
			continue
		case q.Name.String() == "servfail.":
			a.RCode = dnsmessage.RCodeServerFailure
		case q.Name.String() == "garbage.":
			buf[2], buf[3], buf[5] = 0x84, 0, 9
			conn.WriteTo(buf[:n], from)
			continue
		case !ok:
			a.RCode = dnsmessage.RCodeNameError
		}
		owner := q.Name
		for _, b := range bodies {
			a.Answers = append(a.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: owner, Class: q.Class}, Body: b})
			if c, ok := b.(*dnsmessage.CNAMEResource); ok {
				owner = c.CNAME
			}
		}
		a.Answers = ofType(a.Answers, q.Type)
		msg, err := a.Pack()
		if err != nil {
			return err
		}
		conn.WriteTo(msg, from)
	}
}

// ofType keeps the records of a type, and aliases.
func ofType(list []dnsmessage.Resource, t dnsmessage.Type) (kept []dnsmessage.Resource) {
	for _, r := range list {
		var kind dnsmessage.Type
		switch r.Body.(type) {
		case *dnsmessage.AResource:
			kind = dnsmessage.TypeA
		case *dnsmessage.AAAAResource:
			kind = dnsmessage.TypeAAAA
		case *dnsmessage.CNAMEResource:
			kind = t
		case *dnsmessage.PTRResource:
			kind = dnsmessage.TypePTR
		case *dnsmessage.SRVResource:
			kind = dnsmessage.TypeSRV
		case *dnsmessage.TXTResource:
			kind = dnsmessage.TypeTXT
		case *dnsmessage.SOAResource:
			kind = dnsmessage.TypeSOA
		case *dnsmessage.NSResource:
			kind = dnsmessage.TypeNS
		case *dnsmessage.MXResource:
			kind = dnsmessage.TypeMX
		}
		if kind == t || t == dnsmessage.TypeALL {
			kept = append(kept, r)
		}
	}
	return kept
}

func TestNslookup(t *testing.T) {
	const head = "Server:\t\t127.0.0.1\nAddress:\t127.0.0.1:53\n\n"
	const lost = ";; connection timed out; no servers could be reached\n\n"
	for _, tt := range []struct {
		name           string
		argv           string
		stdout, stderr string
		code           int
		took           time.Duration
	}{
		{name: "each domain of the search list", argv: "nslookup web", code: 1,
			stdout: head + "Name:\tweb.shop.svc.cluster.local\nAddress: 10.96.0.5\n\n** server can't find web.svc.cluster.local: NXDOMAIN\n\nName:\tweb.shop.svc.cluster.local\nAddress: fd00::5\n\n** server can't find web.svc.cluster.local: NXDOMAIN\n\n"},
		{name: "a name with a dot is not searched for", argv: "nslookup web.shop", code: 1,
			stdout: head + "** server can't find web.shop: NXDOMAIN\n\n** server can't find web.shop: NXDOMAIN\n\n"},
		{name: "the whole name", argv: "nslookup web.shop.svc.cluster.local",
			stdout: head + "Name:\tweb.shop.svc.cluster.local\nAddress: 10.96.0.5\n\nName:\tweb.shop.svc.cluster.local\nAddress: fd00::5\n\n"},
		{name: "with a server", argv: "nslookup web 127.0.0.1", code: 1, stdout: head + "** server can't find web: NXDOMAIN\n\n** server can't find web: NXDOMAIN\n\n"},
		{name: "not authoritative, and one family", argv: "nslookup four.example.com",
			stdout: head + "Non-authoritative answer:\nName:\tfour.example.com\nAddress: 192.0.2.1\nName:\tfour.example.com\nAddress: 192.0.2.2\n\nNon-authoritative answer:\n\n"},
		{name: "an alias", argv: "nslookup -type=a alias.example.com.", stdout: head + "Non-authoritative answer:\nalias.example.com\tcanonical name = four.example.com\nName:\tfour.example.com\nAddress: 192.0.2.1\n\n"},
		{name: "an address", argv: "nslookup 10.96.0.5", stdout: head + "Non-authoritative answer:\n5.0.96.10.in-addr.arpa\tname = web.shop.svc.cluster.local\n\n"},
		{name: "an IPv6 address", argv: "nslookup fd00::2", stdout: head + "Non-authoritative answer:\n2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa\tname = six.example.com\n\n"},
		{name: "a port", argv: "nslookup -q=SRV _http._tcp.web.shop.svc.cluster.local", stdout: head + "_http._tcp.web.shop.svc.cluster.local\tservice = 0 100 80 web.shop.svc.cluster.local\n\n"},
		{name: "a text, in detail", argv: "nslookup -type=TXT -debug dns-version.cluster.local", stdout: head + "Query #0 completed in 0ms:\nauthoritative answer:\ndns-version.cluster.local\ttext = \"1.1.0\"\n\n"},
		{name: "several types", argv: "nslookup -type=SOA -ty=ns -type=mx cluster.local",
			stdout: head + "cluster.local\n\torigin = ns.dns.cluster.local\n\tmail addr = hostmaster.cluster.local\n\tserial = 1\n\trefresh = 2\n\tretry = 3\n\texpire = 4\n\tminimum = 5\n\ncluster.local\tnameserver = ns.dns.cluster.local\n\ncluster.local\tmail exchanger = 10 mail.example.com\n\n"},
		{name: "a server that fails", argv: "nslookup servfail.", code: 1, stdout: head + "** server can't find servfail.: SERVFAIL\n\n** server can't find servfail.: SERVFAIL\n\n"},
		{name: "nonsense", argv: "nslookup -type=a garbage.", code: 1, stdout: head + "*** Can't find garbage.: Parse error\n\n"},
		{name: "silence", argv: "nslookup silent.", code: 1, stdout: lost, took: 5 * time.Second},
		{name: "silence, with less patience", argv: "nslookup -timeout=2 -retry=4 silent.", code: 1, stdout: lost, took: 2 * time.Second},
		{name: "nobody there", argv: "nslookup -port=5353 -type=a web.", code: 1, stdout: lost, stderr: "nslookup: read: Connection refused\nnslookup: read: Connection refused\n", took: 5 * time.Second},
		{name: "nobody there, twice asked", argv: "nslookup -port=5353 web. 127.0.0.1", code: 1, stdout: lost, stderr: "nslookup: write to '127.0.0.1': Connection refused\n"},
		{name: "a server that is none", argv: "nslookup web. nohost", code: 1, stderr: "nslookup: bad address 'nohost'\n"},
		{name: "no such type", argv: "nslookup -type=x web", code: 1, stderr: "nslookup: invalid query type \"x\"\n"},
		{name: "no such number", argv: "nslookup -port=0 web", code: 1, stderr: "nslookup: number 0 is not in 1..65535 range\n"},
		{name: "no such option", argv: "nslookup -x web", code: 1, stderr: "BusyBox v1.37.0 (podnet) multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n"},
		{name: "no name", argv: "nslookup", code: 1, stderr: "BusyBox v1.37.0 (podnet) multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n"},
		{name: "getent", argv: "getent hosts web", stdout: "fd00::5         web.shop.svc.cluster.local  web.shop.svc.cluster.local web\n"},
		{name: "getent of IPv4", argv: "getent hosts alias.example.com", stdout: "192.0.2.1       four.example.com  four.example.com alias.example.com\n"},
		{name: "getent of /etc/hosts", argv: "getent hosts localhost", stdout: "::1             localhost  localhost\n"},
		{name: "getent of an address", argv: "getent hosts 10.96.0.5", stdout: "10.96.0.5       web.shop.svc.cluster.local  web.shop.svc.cluster.local\n"},
		{name: "getent of nothing", argv: "getent hosts no. 10.1.1.1", code: 2},
		{name: "getent of no address", argv: "getent hosts 10.1.1.1", code: 2},
		{name: "getent of another database", argv: "getent passwd", code: 1, stderr: "Unknown database `passwd'\n"},
		{name: "getent alone", argv: "getent", code: 1, stderr: "Usage: getent database [key ...]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
				five := "5"
				pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
					Name: "pod", DNSPolicy: podnet.DNSNone,
					DNSConfig: &podnet.PodDNSConfig{
						Nameservers: []string{"127.0.0.1"}, Searches: []string{"shop.svc.cluster.local", "svc.cluster.local"},
						Options: []podnet.PodDNSConfigOption{{Name: "ndots", Value: &five}},
					},
					Containers: []podnet.ContainerSpec{{Name: "dns", Run: nameserver}, {Name: "c", Image: "busybox", Command: []string{"sleep", "infinity"}}},
				})
				synctest.Wait()
				start := time.Now()
				r, err := pod.Container("c").Exec(t.Context(), strings.Fields(tt.argv)...)
				require.NoError(t, err)
				assert.Equal(t, tt.stdout, r.Stdout)
				assert.Equal(t, tt.stderr, r.Stderr)
				assert.Equal(t, tt.code, r.ExitCode)
				assert.Equal(t, tt.took, time.Since(start).Round(time.Second))
			})
		})
	}
}
