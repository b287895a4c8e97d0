package podnet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestHostnames(t *testing.T) {
	const domain = "sub.shop.svc.cluster.local"
	override := "example.com"
	long := strings.Repeat("a", 62) + ".b"
	for name, tt := range map[string]struct {
		spec              podnet.PodSpec
		hostname, inHosts string
	}{
		"the Pod's name":          {podnet.PodSpec{}, "web", "web"},
		"a long name":             {podnet.PodSpec{Name: long}, long[:62], long[:62]},
		"hostname":                {podnet.PodSpec{Hostname: "front"}, "front", "front"},
		"subdomain":               {podnet.PodSpec{Subdomain: "sub"}, "web", "web." + domain + "\tweb"},
		"both":                    {podnet.PodSpec{Hostname: "front", Subdomain: "sub"}, "front", "front." + domain + "\tfront"},
		"the full name":           {podnet.PodSpec{Subdomain: "sub", SetHostnameAsFQDN: true}, "web." + domain, "web." + domain + "\tweb"},
		"the full name, if any":   {podnet.PodSpec{SetHostnameAsFQDN: true}, "web", "web"},
		"an override":             {podnet.PodSpec{Hostname: "front", Subdomain: "sub", HostnameOverride: &override}, override, override},
		"an override that is cut": {podnet.PodSpec{HostnameOverride: &long}, long[:62], long[:62]},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.0.0.0/16")})
			spec := tt.spec
			if spec.Name == "" {
				spec.Name = "web"
			}
			spec.Namespace, spec.Containers = "shop", []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}
			main := podnettest.StartPod(t, c, spec).Container("main")
			assert.Equal(t, tt.hostname, main.Hostname())
			assert.Equal(t, tt.hostname, main.Getenv("HOSTNAME"))
			b, err := main.FS().ReadFile("/etc/hostname")
			require.NoError(t, err)
			assert.Equal(t, tt.hostname+"\n", string(b))
			b, err = main.FS().ReadFile("/etc/hosts")
			require.NoError(t, err)
			assert.Equal(t, "10.0.0.2\t"+tt.inHosts+"\n", string(b)[strings.Index(string(b), "10.0.0.2"):])
			addrs, err := main.LookupHost(t.Context(), tt.hostname)
			require.NoError(t, err)
			assert.Equal(t, []string{"10.0.0.2"}, addrs)
		})
	}
}

func TestAFullNameThatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		name := strings.Repeat("a", 40)
		p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: name, Subdomain: "sub", SetHostnameAsFQDN: true, Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		text := "failed to construct FQDN from pod hostname and cluster domain, FQDN " + name + ".sub.default.svc.cluster.local is too long (64 characters is the max, 70 characters requested)"
		assert.ErrorContains(t, err, text)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		e := p.Events()[1]
		assert.Equal(t, "Warning FailedCreatePodSandBox Failed to create pod sandbox: "+text, e.Type+" "+e.Reason+" "+e.Message)
		assert.Equal(t, 3, e.Count)
		require.NoError(t, p.Delete(t.Context()))
		p = podnettest.StartPod(t, c, podnet.PodSpec{Name: "b", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
		assert.Equal(t, "10.244.0.3", p.IP().String())
	})
}

func TestResolvConf(t *testing.T) {
	two := "2"
	config := &podnet.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"example.com", "svc.cluster.local"}, Options: []podnet.PodDNSConfigOption{{Name: "ndots", Value: &two}, {Name: "edns0"}}}
	many := &podnet.PodDNSConfig{Nameservers: []string{"1.1.1.1", "2.2.2.2", "3.3.3.3"}}
	for name, tt := range map[string]struct {
		policy podnet.DNSPolicy
		config *podnet.PodDNSConfig
		want   string
		events []string
	}{
		"the cluster's":          {"", nil, "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", nil},
		"by its name":            {podnet.DNSClusterFirstWithHostNet, nil, "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", nil},
		"the cluster's and more": {podnet.DNSClusterFirst, config, "search shop.svc.cluster.local svc.cluster.local cluster.local example.com\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2 edns0\n", nil},
		"the node's":             {podnet.DNSDefault, nil, "", nil},
		"the node's and more":    {podnet.DNSDefault, config, "search example.com svc.cluster.local\nnameserver 1.1.1.1\noptions ndots:2 edns0\n", nil},
		"the Pod's alone":        {podnet.DNSNone, config, "search example.com svc.cluster.local\nnameserver 1.1.1.1\noptions ndots:2 edns0\n", nil},
		"more than there can be": {podnet.DNSClusterFirst, many, "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions ndots:5\n",
			[]string{"Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 2.2.2.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{})
			p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Namespace: "shop", DNSPolicy: tt.policy, DNSConfig: tt.config, Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
			b, err := p.Container("main").FS().ReadFile("/etc/resolv.conf")
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(b))
			var events []string
			for _, e := range p.Events() {
				if e.Reason == "DNSConfigForming" {
					events = append(events, e.Message)
				}
			}
			assert.Equal(t, tt.events, events)
		})
	}
}
