package main

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		got := out.String()
		for pattern, name := range map[string]string{
			`(bound +[\d.]+):\d+`: "$1:<port>", // drawn by lot, as the Services' addresses
			`10\.96\.\d+\.\d+`:    "<service>",
			` +#.*`:               "",
			` \(\d+s ago\)`:       "",
			// Whether the request or the end of the connection is sooner.
			`curl: \((52\) Empty reply from server|56\) Recv failure: Connection reset by peer)`: "curl: <no answer>",
		} {
			got = regexp.MustCompile(pattern).ReplaceAllString(got, name)
		}
		assert.Equal(t, `shop 10.244.0.2, bank 10.244.0.3, visitor 10.244.0.4; the Services shop <service> and bank <service>

1. The proxy captures
   shop        $ curl http://bank
     bank is called by 10.244.0.2
     istio-proxy | outbound  10.244.0.2:<port> -> <service>:80
   visitor     $ curl http://shop
     shop is called by 127.0.0.6
     istio-proxy | inbound   10.244.0.4:<port> -> 10.244.0.2:80
   shop        $ curl http://shop.default
     shop is called by 127.0.0.6
     istio-proxy | outbound  10.244.0.2:<port> -> <service>:80
     istio-proxy | inbound   10.244.0.1:<port> -> 10.244.0.2:80
   shop        $ curl http://10.244.0.3:81
     curl: <no answer>
     istio-proxy | outbound  10.244.0.2:<port> -> 10.244.0.3:81
     istio-proxy | outbound  dial tcp 10.244.0.3:81: connect: connection refused

2. It does not capture
   shop        $ curl http://localhost
     shop is called by 127.0.0.1
   shop        $ curl http://10.244.0.2
     shop is called by 10.244.0.2
   visitor     $ curl http://10.244.0.2:15021/healthz/ready
     the proxy is ready
   visitor     $ curl http://[fd00:10:244::2]
     shop is called by fd00:10:244::4
   istio-proxy $ curl http://bank
     bank is called by 10.244.0.2

3. But of the proxy's own it captures
   istio-proxy $ curl http://10.244.0.2
     shop is called by 127.0.0.6
     istio-proxy | inbound   10.244.0.2:<port> -> 10.244.0.2:80

4. The rules without the proxy: the Pod is cut off, but for its localhost
   no-proxy    $ curl http://bank
     curl: (7) Failed to connect to bank port 80 after 0 ms: Could not connect to server
   visitor     $ curl http://10.244.0.5
     curl: (7) Failed to connect to 10.244.0.5 port 80 after 0 ms: Could not connect to server
   no-proxy    $ curl http://localhost
     no-proxy is called by 127.0.0.1

5. istio-init without the capability NET_ADMIN: the Pod does not start
   NAME           READY   STATUS                 RESTARTS
   no-capability  0/2     Init:CrashLoopBackOff  1
     istio-init | iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'
     istio-init | Error occurred at line: 1
     istio-init | Try `+"`iptables-restore -h' or 'iptables-restore --help' for more information.\n", got)
	})
}
