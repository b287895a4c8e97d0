package podnet_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// netAdmin lets a container change the Pod's network.
var netAdmin = &podnet.SecurityContext{Capabilities: &podnet.Capabilities{Add: []podnet.Capability{podnet.CapNetAdmin}}}

// idlePod starts a Pod whose one container waits.
func idlePod(t *testing.T, security *podnet.SecurityContext) *podnet.Container {
	c := podnettest.NewCluster(t, podnet.Config{})
	pod := podnettest.StartPod(t, c, podnet.PodSpec{Name: "pod", Containers: []podnet.ContainerSpec{{Name: "c", Run: untilStopped, SecurityContext: security}}})
	return pod.Container("c")
}

func TestRoutesOfAPod(t *testing.T) {
	c := idlePod(t, netAdmin)
	routes := c.Routes()
	require.Len(t, routes, 6)
	assert.Equal(t, podnet.Route{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("10.244.0.1"), Dev: "eth0"}, routes[0])
	out, err := c.IPRoute()
	require.NoError(t, err)
	assert.Equal(t, "default via 10.244.0.1 dev eth0 \n10.244.0.0/24 via 10.244.0.1 dev eth0 src 10.244.0.2 \n10.244.0.1 dev eth0 scope link src 10.244.0.2 \n", out)
	out, err = c.IPRoute("get", "8.8.8.8")
	require.NoError(t, err)
	assert.Equal(t, "8.8.8.8 via 10.244.0.1 dev eth0 src 10.244.0.2 uid 0 \n    cache \n", out)

	_, err = c.IPRoute("add", "10.0.0.0/8", "dev", "eth9")
	var e *podnet.CommandError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, podnet.CommandError{Stderr: "Cannot find device \"eth9\"\n", Code: 1}, *e)
}

func TestIPTablesOfAPod(t *testing.T) {
	c := idlePod(t, netAdmin)
	require.NoError(t, c.IPTablesRestore(false, "*nat\n-A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 15001\nCOMMIT\n", true))
	text, err := c.IPTablesSave(false)
	require.NoError(t, err)
	assert.Contains(t, text, "-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 15001\n")
	out, err := c.IPTables(false, "-t", "nat", "-S", "OUTPUT")
	require.NoError(t, err)
	assert.Equal(t, "-P OUTPUT ACCEPT\n-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 15001\n", out)
	text, err = c.IPTablesSave(true)
	require.NoError(t, err)
	assert.Empty(t, text, "IPv6 has rules of its own")

	_, err = c.IPTables(false, "-j", "NOSUCH", "-A", "INPUT")
	var e *podnet.CommandError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 2, e.Code)
	assert.Contains(t, e.Stderr, "Couldn't load target `NOSUCH'")
}

func TestWhoMayChangeThePodsNetwork(t *testing.T) {
	add := func(user int64, names ...podnet.Capability) *podnet.SecurityContext {
		return &podnet.SecurityContext{RunAsUser: &user, Capabilities: &podnet.Capabilities{Add: names}}
	}
	dropped := func(added, dropped podnet.Capability) *podnet.SecurityContext {
		return &podnet.SecurityContext{Capabilities: &podnet.Capabilities{Add: []podnet.Capability{added}, Drop: []podnet.Capability{dropped}}}
	}
	for name, tt := range map[string]struct {
		security *podnet.SecurityContext
		may      bool
	}{
		"a container as any":       {nil, false},
		"added":                    {netAdmin, true},
		"in lower case":            {add(0, "net_admin"), true},
		"with Linux's prefix":      {add(0, "CAP_NET_ADMIN"), false},
		"all":                      {add(0, "ALL"), true},
		"another one":              {add(0, "SYS_ADMIN"), false},
		"not as root":              {add(1000, "NET_ADMIN"), false},
		"privileged":               {&podnet.SecurityContext{Privileged: new(true)}, true},
		"not privileged":           {&podnet.SecurityContext{Privileged: new(false)}, false},
		"dropped all, added":       {dropped("NET_ADMIN", "ALL"), true},
		"added all, dropped":       {dropped("ALL", "NET_ADMIN"), false},
		"added all, dropped all":   {dropped("ALL", "ALL"), false},
		"added, dropped":           {dropped("NET_ADMIN", "NET_ADMIN"), false},
		"all of them, no other":    {dropped("ALL", "NET_RAW"), true},
		"privileged, all the same": {&podnet.SecurityContext{Privileged: new(true), Capabilities: &podnet.Capabilities{Drop: []podnet.Capability{"ALL"}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := idlePod(t, tt.security)
			out, err := c.IPRoute("add", "blackhole", "192.0.2.1")
			assert.Empty(t, out)
			_, errIPTables := c.IPTables(false, "-A", "INPUT", "-j", "DROP")
			_, errSave := c.IPTablesSave(true)
			errRestore := c.IPTablesRestore(true, "*nat\nCOMMIT\n", false)
			assert.Len(t, c.Routes(), map[bool]int{false: 6, true: 7}[tt.may])
			if tt.may {
				assert.NoError(t, err)
				assert.NoError(t, errIPTables)
				assert.NoError(t, errSave)
				assert.NoError(t, errRestore)
				return
			}
			assert.EqualError(t, err, "RTNETLINK answers: Operation not permitted\n")
			assert.EqualError(t, errIPTables, "iptables v1.8.9 (legacy): can't initialize iptables table `filter': Permission denied (you must be root)\nPerhaps iptables or your kernel needs to be upgraded.\n")
			assert.NoError(t, errSave, "there is no table")
			assert.EqualError(t, errRestore, "ip6tables-restore v1.8.9 (legacy): ip6tables-restore: unable to initialize table 'nat'\nError occurred at line: 1\nTry `ip6tables-restore -h' or 'ip6tables-restore --help' for more information.\n")
			out, err = c.IPRoute("get", "8.8.8.8")
			assert.NoError(t, err, "anybody may look")
			assert.NotEmpty(t, out)
		})
	}
}
