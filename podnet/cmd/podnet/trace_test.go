package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hairpinManifest = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: app, image: nginx}
  - {name: side, image: alpine, args: ["wait"]}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec:
  clusterIP: 10.96.1.1
  selector: {app: web}
  ports: [{port: 8080, targetPort: 80}]
`

func traced(t *testing.T, args ...string) (got result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		got = podnetWith(t.Context(), hairpinManifest, append([]string{"trace", "-f", "-"}, args...)...)
	})
	port := "PORT"
	if slices.Contains(args, "--json") {
		port = "40000"
	}
	ports := regexp.MustCompile(`(10\.244\.0\.1|10\.244\.0\.2|127\.0\.0\.1|::1\]):[3-6]\d{4}`)
	got.stdout = ports.ReplaceAllString(got.stdout, "$1:"+port)
	return got
}

func TestTraceOfAHairpin(t *testing.T) {
	got := traced(t, "side", "front:8080")
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Equal(t, `default/web/side to front:8080 (10.96.1.1:8080), tcp: connected after 0s

there
  +0s   default/web/side   eth0           sent         tcp 10.244.0.2:PORT > 10.96.1.1:8080 SYN
  +0s   node-1             veth19b6aa24   received     tcp 10.244.0.2:PORT > 10.96.1.1:8080 SYN
  +0s   node-1             veth19b6aa24   translated   tcp 10.244.0.1:PORT > 10.244.0.2:80 SYN (default/front)
  +0s   node-1             veth19b6aa24   forwarded    tcp 10.244.0.1:PORT > 10.244.0.2:80 SYN
  +0s   default/web        eth0           received     tcp 10.244.0.1:PORT > 10.244.0.2:80 SYN
  +0s   default/web/app    eth0           delivered    tcp 10.244.0.1:PORT > 10.244.0.2:80 SYN

back
  +0s   default/web/app    eth0           sent         tcp 10.244.0.2:80 > 10.244.0.1:PORT SYN ACK
  +0s   node-1             veth19b6aa24   received     tcp 10.244.0.2:80 > 10.244.0.1:PORT SYN ACK
  +0s   node-1             veth19b6aa24   translated   tcp 10.96.1.1:8080 > 10.244.0.2:PORT SYN ACK (default/front)
  +0s   node-1             veth19b6aa24   forwarded    tcp 10.96.1.1:8080 > 10.244.0.2:PORT SYN ACK
  +0s   default/web        eth0           received     tcp 10.96.1.1:8080 > 10.244.0.2:PORT SYN ACK
  +0s   default/web/side   eth0           delivered    tcp 10.96.1.1:8080 > 10.244.0.2:PORT SYN ACK
`, got.stdout)
}

func TestTraceOfLocalhost(t *testing.T) {
	got := traced(t, "side", "127.0.0.1:80")
	assert.Equal(t, `default/web/side to 127.0.0.1:80, tcp: connected after 0s

there
  +0s   default/web/side   lo   sent        tcp 127.0.0.1:PORT > 127.0.0.1:80 SYN
  +0s   default/web/app    lo   delivered   tcp 127.0.0.1:PORT > 127.0.0.1:80 SYN

back
  +0s   default/web/app    lo   sent        tcp 127.0.0.1:80 > 127.0.0.1:PORT SYN ACK
  +0s   default/web/side   lo   delivered   tcp 127.0.0.1:80 > 127.0.0.1:PORT SYN ACK
`, got.stdout)
	got = traced(t, "side", "127.0.0.1:81")
	assert.Equal(t, 1, got.code)
	assert.Equal(t, "podnet: dial tcp 127.0.0.1:81: connect: connection refused\n", got.stderr)
	assert.Contains(t, got.stdout, "dropped   tcp 127.0.0.1:PORT > 127.0.0.1:81 SYN: no listener\n")
	assert.Contains(t, got.stdout, "tcp 127.0.0.1:81 > 127.0.0.1:PORT RST ACK\n")
}

func TestTraceOfADatagram(t *testing.T) {
	got := traced(t, "side", "10.96.0.10:9", "--udp")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stdout, "node-1                            dropped    udp 10.244.0.2:PORT > 10.96.0.10:9 length 0: no listener\n")
	assert.Contains(t, got.stdout, "icmp 10.96.0.10 > 10.244.0.2 destination unreachable\n")
	assert.Contains(t, got.stderr, "connection refused")
}

func TestTraceForPrograms(t *testing.T) {
	var path connectionPath
	got := traced(t, "side", "127.0.0.1:80", "--json")
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &path), got.stdout)
	assert.Len(t, path.Hops, 4)
	got = traced(t, "side", "front:8080", "--mermaid")
	assert.Equal(t, `sequenceDiagram
    participant p1 as default/web/side
    participant p2 as node-1
    participant p3 as default/web/app
    p1->>p2: eth0 tcp 10.244.0.2:PORT to 10.96.1.1:8080 SYN
    Note over p2: becomes tcp 10.244.0.1:PORT to 10.244.0.2:80 SYN (default/front)
    p2->>p3: veth19b6aa24 tcp 10.244.0.1:PORT to 10.244.0.2:80 SYN
    p3->>p2: eth0 tcp 10.244.0.2:80 to 10.244.0.1:PORT SYN ACK
    Note over p2: becomes tcp 10.96.1.1:8080 to 10.244.0.2:PORT SYN ACK (default/front)
    p2->>p1: veth19b6aa24 tcp 10.96.1.1:8080 to 10.244.0.2:PORT SYN ACK
`, got.stdout)
}

func TestTraceOfBadInput(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"side", "web"}, 2, `invalid argument "web" for TO: want HOST:PORT`},
		{[]string{"side", "web:x"}, 2, `the port must be from 1 to 65535`},
		{[]string{"nobody", "web:80"}, 2, `invalid argument "nobody" for FROM: `},
		{[]string{"side", "web:80", "--timeout", "-1s"}, 2, "--timeout: must be positive"},
		{[]string{"side", "web:80", "--json", "--mermaid"}, 2, "json mermaid"},
		{[]string{"side"}, 2, "accepts 2 arg(s), received 1"},
		{[]string{"side", "nowhere:80"}, 1, "lookup nowhere on 10.96.0.10:53: no such host"},
	} {
		got := traced(t, test.args...)
		assert.Equal(t, test.code, got.code, test.args)
		assert.Contains(t, got.stderr, test.want)
	}
}
