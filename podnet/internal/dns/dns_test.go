package dns

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClusterFirst(t *testing.T) {
	r := ClusterFirst("shop", "cluster.local", "10.96.0.10")
	assert.Equal(t, "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", r.String())
	assert.Empty(t, ResolvConf{}.String())
}

func TestHosts(t *testing.T) {
	const hosts = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"10.244.0.2\tWeb.sub.default.svc.cluster.local\tweb\nfd00::2\tweb\n\n" +
		"not-an-address\tweb\n10.0.0.1\n10.0.0.9 other # web\n2001:db8::9 other\n10.0.0.9 other"
	for name, want := range map[string]string{
		"localhost": "127.0.0.1 ::1 localhost", "LocalHost": "127.0.0.1 ::1 localhost", "ip6-localhost": "::1 localhost", "localhost.": "",
		"web": "10.244.0.2 fd00::2 web.sub.default.svc.cluster.local.", "web.sub.default.svc.cluster.local": "10.244.0.2 web.sub.default.svc.cluster.local.",
		"web.SUB.default.svc.cluster.local.": "10.244.0.2 web.sub.default.svc.cluster.local.",
		"other":                              "10.0.0.9 2001:db8::9 10.0.0.9 other", "nobody": "", "": "",
	} {
		var got []string
		addrs, canonical := lookupHosts(hosts, name)
		for _, a := range addrs {
			got = append(got, a.String())
		}
		assert.Equal(t, want, strings.TrimSpace(strings.Join(append(got, canonical), " ")), name)
	}
	for addr, want := range map[string]string{
		"::1": "localhost ip6-localhost ip6-loopback", "0:0::1": "localhost ip6-localhost ip6-loopback",
		"10.244.0.2": "Web.sub.default.svc.cluster.local. web", "10.0.0.1": "", "web": "", "": "",
	} {
		assert.Equal(t, want, strings.Join(lookupHostAddr(hosts, addr), " "), addr)
	}
}

func TestSortWithoutSources(t *testing.T) {
	var addrs []net.IPAddr
	for _, s := range []string{"10.0.0.1", "fec0::1", "fd00::1", "127.0.0.1", "::1", "2001:db8::1"} {
		addrs = append(addrs, toIPAddr(netip.MustParseAddr(s)))
	}
	sortAddrs(addrs, nil)
	var got []string
	for _, a := range addrs {
		got = append(got, a.String())
	}
	assert.Equal(t, []string{"::1", "2001:db8::1", "127.0.0.1", "10.0.0.1", "fd00::1", "fec0::1"}, got)
}

func TestIsName(t *testing.T) {
	for _, name := range []string{"localhost", "a.b", "a.b.", ".", "x_y", "1a", "xn--bcher-kva.example", strings.Repeat("a", 63)} {
		assert.True(t, IsName(name), name)
	}
	for _, name := range []string{"", "a..b", ".a", "-a", "a-.b", "a-", "12.34", "white space", "b\u00fccher", strings.Repeat("a", 64), strings.Repeat("a.", 130)} {
		assert.False(t, IsName(name), name)
	}
}

func FuzzHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost\n", "localhost")
	f.Fuzz(func(t *testing.T, hosts, name string) {
		addrs, canonical := lookupHosts(hosts, name)
		for _, a := range addrs {
			assert.True(t, a.IsValid())
			assert.NotEmpty(t, lookupHostAddr(hosts, a.String()))
		}
		assert.Equal(t, len(addrs) > 0, canonical != "")
	})
}
