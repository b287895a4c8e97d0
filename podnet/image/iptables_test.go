package image_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestIPTablesCommands(t *testing.T) {
	synctest.Test(t, iptablesCommands) // where sleep 0.1 is enough for nc to listen
}

func iptablesCommands(t *testing.T) {
	assert.Equal(t, 3, sh(t, idle(t, "alpine"), "iptables -S").ExitCode, "without NET_ADMIN")
	c := start(t, podnet.ContainerSpec{
		Image: "alpine", Command: []string{"sleep", "infinity"},
		SecurityContext: &podnet.SecurityContext{Capabilities: &podnet.Capabilities{Add: []podnet.Capability{podnet.CapNetAdmin}}},
	})
	for _, r := range []row{
		{script: "iptables -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8080"},
		{script: "iptables -t nat -S OUTPUT", stdout: "-P OUTPUT ACCEPT\n-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\n"},
		{script: "iptables -t nat -N OUTPUT", stderr: "iptables: Chain already exists.\n", code: 1},
		{script: "iptables-save -t nat | grep -v '^#'", stdout: "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"},
		{script: "sleep 1 | nc -l -p 8080 > out & sleep 0.1; echo hi | nc 10.99.99.99 80; wait; cat out", stdout: "hi\n"},
		{script: "printf '*filter\\n-A INPUT -s 9.9.9.9 -j DROP\\nCOMMIT\\n' | iptables-restore -w 5 --noflush && iptables -S INPUT", stdout: "-P INPUT ACCEPT\n-A INPUT -s 9.9.9.9/32 -j DROP\n"},
		{script: "printf '*filter\\nfoo\\nCOMMIT\\n' > rules; iptables-restore rules", stderr: "Bad argument `foo'\nError occurred at line: 2\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n", code: 2},
		{script: "ip6tables -P INPUT DROP && ip6tables -S INPUT", stdout: "-P INPUT DROP\n"},
	} {
		got, err := c.Exec(t.Context(), "sh", "-c", "cd /tmp\n"+r.script)
		require.NoError(t, err, r.script)
		assert.Equal(t, r.stdout, string(got.Stdout), r.script)
		assert.Equal(t, r.stderr, string(got.Stderr), r.script)
		assert.Equal(t, r.code, got.ExitCode, r.script)
	}
}

func TestIPRouteCommands(t *testing.T) {
	c := idle(t, "alpine")
	for _, r := range []row{
		{script: "ip route get 8.8.8.8", stdout: "8.8.8.8 via 10.244.0.1 dev eth0 src 10.244.0.2 uid 0 \n    cache \n"},
		{script: "ip route add 10.9.0.0/16 dev eth9", stderr: "Cannot find device \"eth9\"\n", code: 1},
		{script: "ip route foo", stderr: "Command \"foo\" is unknown, try \"ip route help\".\n", code: 255},
		{script: "ip -6 route", stdout: "fd00:10:244::1 dev eth0 src fd00:10:244::2  metric 1024 \nfd00:10:244::/64 via fd00:10:244::1 dev eth0 src fd00:10:244::2  metric 1024 \ndefault via fd00:10:244::1 dev eth0  metric 1024 \n"},
	} {
		got, err := c.Exec(t.Context(), "sh", "-c", r.script)
		require.NoError(t, err, r.script)
		assert.Equal(t, r.stdout, string(got.Stdout), r.script)
		assert.Equal(t, r.stderr, string(got.Stderr), r.script)
		assert.Equal(t, r.code, got.ExitCode, r.script)
	}
}
