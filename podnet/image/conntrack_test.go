package image_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
)

func TestConntrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, podnet.ContainerSpec{
			Image: "alpine", Command: []string{"sleep", "infinity"},
			SecurityContext: &podnet.SecurityContext{Capabilities: &podnet.Capabilities{Add: []podnet.Capability{podnet.CapNetAdmin}}},
		})
		got := sh(t, c, "conntrack -L")
		assert.Empty(t, got.Stdout, "there are no rules")
		assert.Equal(t, "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n", got.Stderr)
		got = sh(t, c, `iptables -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8080
nc -l -p 8080 >/dev/null & sleep 1; echo | nc -w 1 127.0.0.1 80; conntrack -L -p tcp`)
		assert.Regexp(t, `^tcp      6 \d+ [A-Z_]+ src=127.0.0.1 dst=127.0.0.1 sport=\d+ dport=80 src=127.0.0.1 dst=127.0.0.1 sport=8080 dport=\d+ \[ASSURED\] mark=0 use=1\n$`, got.Stdout)
		assert.Equal(t, "1\n", sh(t, c, "conntrack -C").Stdout)
		assert.Empty(t, sh(t, c, "conntrack -L -s 10.0.0.1").Stdout)
		assert.Empty(t, sh(t, c, "conntrack -L -f ipv6").Stdout)
		for script, want := range map[string]string{
			"conntrack":        "You need to supply at least one command\n",
			"conntrack -D":     "podnet does not support -D here: conntrack -L|-C [-f ipv4|ipv6] [-p proto] [-s addr] [-d addr]\n",
			"conntrack -L -p":  "option `-p' requires an argument\n",
			"conntrack -L -sx": "podnet does not support -sx here: conntrack -L|-C [-f ipv4|ipv6] [-p proto] [-s addr] [-d addr]\n",
		} {
			got := sh(t, c, script)
			assert.Equal(t, 2, got.ExitCode)
			assert.Equal(t, "conntrack v1.4.7 (conntrack-tools): "+want+"Try `conntrack -h' or 'conntrack --help' for more information.\n", got.Stderr)
		}
	})
}

func TestConntrackNeedsNetAdmin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		assert.Equal(t, podnet.ExecResult{
			Stderr: "conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this\n", ExitCode: 1,
		}, sh(t, c, "conntrack -L"))
		assert.Equal(t, podnet.ExecResult{Stdout: "0\n"}, sh(t, c, "conntrack -C"))
		assert.False(t, c.HasCapability(podnet.CapNetAdmin))
	})
}

func TestInterfaceCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		sh(t, c, "ping -c 2 127.0.0.1")
		got := sh(t, c, "ip -s link show lo")
		assert.Equal(t, `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue 
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    RX:  bytes packets errors dropped  missed   mcast           
           336       4      0       0       0       0 
    TX:  bytes packets errors dropped carrier collsns           
           336       4      0       0       0       0 
`, got.Stdout)
	})
}
