package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertText compares texts in which what a run draws by lot has names: the
// Service's address, two ports of each way, the chains; and when it was.
func assertText(t *testing.T, want, got string) {
	t.Helper()
	for _, lot := range []struct{ pattern, name string }{
		{`10\.96\.\d+\.\d+`, "<service>"},
		{`(KUBE-(SVC|SEP))-[A-Z2-7]{16}`, "$1-<chain>"},
		{`\[[^]]* \+0000\]`, "[<time>]"},
		{`(answers|shop-2) +[2-7]\d times`, "$1 <some> times"},
	} {
		got = regexp.MustCompile(lot.pattern).ReplaceAllString(got, lot.name)
	}
	for i, at := range regexp.MustCompile(`(?m)^   (?:app|node-1) +[\d.]+:(\d+) `).FindAllStringSubmatch(got, -1) {
		got = regexp.MustCompile(`\b`+at[1]+`\b`).ReplaceAllString(got, fmt.Sprintf("<port %d>", i+1))
	}
	narrow := func(s string) string { return regexp.MustCompile(` +`).ReplaceAllString(strings.TrimSpace(s), " ") } // addresses vary in length
	assert.Equal(t, narrow(want), narrow(got))
}

func TestTheWaysAndWhatGoesWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		s, err := begin(t.Context(), &out)
		require.NoError(t, err)
		defer s.cluster.Close()
		for _, act := range []struct {
			show func(context.Context) error
			want string
		}{
			{s.showWays, `
The Pod shop, 10.244.0.2 on node-1, has two containers: app, and its sidecar on port 80.
The Service sidecar, <service>:8080, selects this Pod.

1. app calls http://localhost:80
   hop      from                to
   app      127.0.0.1:<port 1>        127.0.0.1:80        what app sees
   sidecar  127.0.0.1:<port 1>        127.0.0.1:80        what the sidecar sees
   app $ ip route get 127.0.0.1
     local 127.0.0.1 dev lo src 127.0.0.1 uid 0
         cache <local>
   routers on the way, by the least TTL that arrives: 0
   the sidecar's access log
     127.0.0.1 - - [<time>] "GET / HTTP/1.1" 200 225 "-" "app"
   node-1 knows nothing of it: the packets do not leave the Pod

2. app calls http://sidecar:8080
   hop      from                to
   app      10.244.0.2:<port 2>       <service>:8080        what app sees
   node-1   10.244.0.1:<port 3>       10.244.0.2:80       both addresses are translated
   sidecar  10.244.0.1:<port 3>       10.244.0.2:80       what the sidecar sees
   app $ ip route get <service>
     <service> via 10.244.0.1 dev eth0 src 10.244.0.2 uid 0
         cache
   routers on the way, by the least TTL that arrives: 1
   the sidecar's access log
     10.244.0.1 - - [<time>] "GET / HTTP/1.1" 200 225 "-" "app"
   node-1 $ conntrack -L
     tcp      6 86400 ESTABLISHED src=10.244.0.2 dst=<service> sport=<port 2> dport=8080 src=10.244.0.2 dst=10.244.0.1 sport=80 dport=<port 3> [ASSURED] mark=0 use=1
   node-1 $ iptables-save    (the rules by which it goes)
     -A KUBE-SERVICES -m comment --comment "default/sidecar:http cluster IP" -m tcp -p tcp -d <service> --dport 8080 -j KUBE-SVC-<chain>
     -A KUBE-SVC-<chain> -m comment --comment "default/sidecar:http cluster IP" -m tcp -p tcp -d <service> --dport 8080 ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ
     -A KUBE-SVC-<chain> -m comment --comment "default/sidecar:http -> 10.244.0.2:80" -j KUBE-SEP-<chain>
     -A KUBE-SEP-<chain> -m comment --comment default/sidecar:http -s 10.244.0.2 -j KUBE-MARK-MASQ
     -A KUBE-SEP-<chain> -m comment --comment default/sidecar:http -m tcp -p tcp -j DNAT --to-destination 10.244.0.2:80
     -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
     -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
     -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
     -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
   podnet's event, which no cluster gives
     Warning  ServiceHairpin  spec.containers{app}
     reached its own Pod through the Service default/sidecar:http (<service>:8080): out to the node, through its rules, and back to 10.244.0.2:80; use localhost:80`},
			{s.showReplicas, `
4. The same with a second replica: app of shop calls 100 times
   http://localhost:80  the sidecar of shop answers 100 times, that of shop-2   0 times
   http://sidecar:8080  the sidecar of shop answers <some> times, that of shop-2 <some> times
   the access log of shop-2's sidecar, which sees the address of shop
     10.244.0.2 - - [<time>] "GET / HTTP/1.1" 200 225 "-" "app"`},
			{s.showNotReady, `
5. The same while shop is not Ready
   app $ rm /tmp/warm    (which its readiness probe looks for)
   NAME   READY   STATUS
   shop   1/2     Running
   http://localhost:80  200 OK
   http://sidecar:8080  dial tcp4 <service>:8080: connect: connection refused
   node-1 $ iptables-save
     -A KUBE-SERVICES -m comment --comment "default/sidecar:http has no endpoints" -m tcp -p tcp -d <service> --dport 8080 -j REJECT
   An app that waits for its sidecar before it is ready would wait for ever.`},
		} {
			out.Reset()
			require.NoError(t, act.show(t.Context()))
			assertText(t, act.want, out.String())
		}
	})
}

// The figures are whatever they are, but not what conntrack counts.
func TestTheCosts(t *testing.T) {
	var out strings.Builder
	s, err := begin(t.Context(), &out)
	require.NoError(t, err)
	defer s.cluster.Close()
	require.NoError(t, s.showCosts(t.Context(), 2*batch))
	const took, times = `\d+(\.\d)?[mµ]s`, `\d+\.\d×`
	assert.Regexp(t, `^
3\. What it costs: medians of 100 calls each way, in turns
 +look-up +connect +request  entries in node-1's conntrack
   localhost   ( +`+took+`){3}  0
   the Service ( +`+took+`){3}  101
   ratio       ( +`+times+`){3}
$`, out.String())
}

func TestMedians(t *testing.T) {
	us := time.Microsecond
	assert.Equal(t, 5*us, median([]time.Duration{9 * us, us, 5 * us}))
	assert.Equal(t, 2.5, ratio([]time.Duration{2 * us}, []time.Duration{5 * us}))
}
