package podnet_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// BenchmarkRoundTrip is a round trip of 64 bytes: what a watch, an impaired link or
// a rule that nobody has asked for must not make longer.
func BenchmarkRoundTrip(b *testing.B) {
	for _, bench := range []struct {
		name    string
		nodes   []string
		address func(*podnet.Pod) string
	}{
		{"localhost", []string{"node-1", "node-1"}, nil},
		{"Pod to Pod", []string{"node-1", "node-1"}, func(p *podnet.Pod) string { return p.IP().String() }},
		{"node to node", []string{"node-1", "node-2"}, func(p *podnet.Pod) string { return p.IP().String() }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := podnettest.NewCluster(b, podnet.Config{Nodes: 2})
			var pods []*podnet.Pod
			for i, name := range []string{"client", "server"} {
				pods = append(pods, podnettest.StartPod(b, c, podnet.PodSpec{
					Name: name, NodeName: bench.nodes[i], Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}},
				}))
			}
			server, host := pods[1], "localhost"
			if bench.address == nil {
				server = pods[0]
			} else {
				host = bench.address(server)
			}
			l, err := server.Listen("tcp", ":7")
			require.NoError(b, err)
			go func() {
				conn, err := l.Accept()
				if err == nil {
					io.Copy(conn, struct{ io.Reader }{conn})
					conn.Close()
				}
			}()
			conn, err := pods[0].Dial("tcp", net.JoinHostPort(host, "7"))
			require.NoError(b, err)
			defer conn.Close()
			buf := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				conn.Write(buf)
				_, err := io.ReadFull(conn, buf)
				require.NoError(b, err)
			}
		})
	}
}
