package podnet_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// idlePod starts a Pod whose one container waits.
func idlePod(t *testing.T) *podnet.Container {
	c := podnettest.NewCluster(t, podnet.Config{})
	pod := podnettest.StartPod(t, c, podnet.PodSpec{Name: "pod", Containers: []podnet.ContainerSpec{{Name: "c", Run: untilStopped}}})
	return pod.Container("c")
}

func TestRoutesOfAPod(t *testing.T) {
	c := idlePod(t)
	routes := c.Routes()
	require.Len(t, routes, 4)
	assert.Equal(t, podnet.Route{Dst: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("10.244.0.1"), Dev: "eth0"}, routes[0])
	out, err := c.IPRoute()
	require.NoError(t, err)
	assert.Equal(t, "default via 10.244.0.1 dev eth0 \n10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2 \n", out)
	out, err = c.IPRoute("get", "8.8.8.8")
	require.NoError(t, err)
	assert.Equal(t, "8.8.8.8 via 10.244.0.1 dev eth0 src 10.244.0.2 uid 0 \n    cache \n", out)

	_, err = c.IPRoute("add", "10.0.0.0/8", "dev", "eth9")
	var e *podnet.CommandError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, podnet.CommandError{Stderr: "Cannot find device \"eth9\"\n", Code: 1}, *e)
}

func TestIPTablesOfAPod(t *testing.T) {
	c := idlePod(t)
	if _, err := c.IPTables(false, "-S"); err != nil {
		require.EqualError(t, err, "podnet: iptables is not supported yet")
		t.Skip(err)
	}
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
