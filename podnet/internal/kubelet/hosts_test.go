package kubelet

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const hostsTop = "# Kubernetes-managed hosts file.\n" +
	"127.0.0.1\tlocalhost\n" +
	"::1\tlocalhost ip6-localhost ip6-loopback\n" +
	"fe00::0\tip6-localnet\n" +
	"fe00::0\tip6-mcastprefix\n" +
	"fe00::1\tip6-allnodes\n" +
	"fe00::2\tip6-allrouters\n"

func TestHostsFile(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.244.0.7"), netip.MustParseAddr("fd00:10:244::7")
	tests := map[string]struct {
		addrs   []netip.Addr
		domain  string
		aliases []HostAlias
		want    string
	}{
		"one address": {addrs: []netip.Addr{v4}, want: "10.244.0.7\tweb\n"},
		"two addresses and a domain": {
			addrs:  []netip.Addr{v4, v6},
			domain: "sub.default.svc.cluster.local",
			want: "10.244.0.7\tweb.sub.default.svc.cluster.local\tweb\n" +
				"fd00:10:244::7\tweb.sub.default.svc.cluster.local\tweb\n",
		},
		"aliases": {
			addrs: []netip.Addr{v4},
			aliases: []HostAlias{
				{IP: "127.0.0.1", Hostnames: []string{"foo.local", "bar.local"}},
				{IP: "10.1.2.3", Hostnames: []string{"foo.remote"}},
			},
			want: "10.244.0.7\tweb\n" +
				"\n# Entries added by HostAliases.\n" +
				"127.0.0.1\tfoo.local\tbar.local\n" +
				"10.1.2.3\tfoo.remote\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, hostsTop+tt.want, HostsFile(tt.addrs, "web", tt.domain, tt.aliases))
		})
	}
}

func TestHostname(t *testing.T) {
	long := strings.Repeat("a", 60)
	tests := map[string]struct{ pod, hostname, want string }{
		"the Pod's name":             {"web-0", "", "web-0"},
		"the one that was asked for": {"web-0", "db", "db"},
		"63 bytes stay":              {long + "bcd", "", long + "bcd"},
		"64 are cut":                 {long + "bcde", "", long + "bcd"},
		"and do not end in a dash":   {long + "-.-x", "", long},
		"a name with dots stays one": {"a.b", "", "a.b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, Hostname(tt.pod, tt.hostname))
			assert.Equal(t, tt.want+"\n", HostnameFile(Hostname(tt.pod, tt.hostname)))
		})
	}
}

func TestHostDomainNeedsASubdomain(t *testing.T) {
	assert.Equal(t, "sub.prod.svc.cluster.local", HostDomain("sub", "prod", "cluster.local"))
	assert.Empty(t, HostDomain("", "prod", "cluster.local"))
}

func TestNodename(t *testing.T) {
	domain := "sub.default.svc.cluster.local" // 29 bytes
	fits := strings.Repeat("a", 34)
	for _, tt := range []struct {
		hostname, domain string
		asFQDN           bool
		want, err        string
	}{
		{"web", "", false, "web", ""},
		{"web", "", true, "web", ""},
		{"web", domain, false, "web", ""},
		{"web", domain, true, "web." + domain, ""},
		{fits, domain, true, fits + "." + domain, ""},
		{fits + "a", domain, true, "", "failed to construct FQDN from pod hostname and cluster domain, FQDN " + fits + "a." + domain + " is too long (64 characters is the max, 65 characters requested)"},
	} {
		got, err := Nodename(tt.hostname, tt.domain, tt.asFQDN)
		assert.Equal(t, tt.want, got)
		if tt.err == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, tt.err)
		}
	}
}

func TestHostNetworkHostsFile(t *testing.T) {
	const node = "127.0.0.1\tlocalhost\n172.18.0.2\tnode-1\n"
	assert.Equal(t, "# Kubernetes-managed hosts file (host network).\n"+node, HostNetworkHostsFile(node, nil))
	assert.Equal(t, "# Kubernetes-managed hosts file (host network).\n"+node+"\n# Entries added by HostAliases.\n10.1.2.3\tdb\tdb.local\n",
		HostNetworkHostsFile(node, []HostAlias{{IP: "10.1.2.3", Hostnames: []string{"db", "db.local"}}}))
}

func TestContainerHosts(t *testing.T) {
	assert.Empty(t, ContainerHosts(nil))
	assert.Equal(t, "\n# Containers, each with its own IP.\n10.244.0.7\tapp\nfd00::7\tapp\n",
		ContainerHosts([]HostAlias{{IP: "10.244.0.7", Hostnames: []string{"app"}}, {IP: "fd00::7", Hostnames: []string{"app"}}}))
}
