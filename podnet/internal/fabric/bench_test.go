package fabric_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkVeth compares a veth pair with lo, which is what a Pod pays for
// leaving its namespace.
func BenchmarkVeth(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) (client, server net.Conn){
		"veth": func(b *testing.B) (client, server net.Conn) {
			from, to := connect(b)
			return dial(b, from, to, to.ipv4)
		},
		"lo": func(b *testing.B) (client, server net.Conn) {
			_, host := connect(b)
			return dial(b, host, host, host.ipv4)
		},
	} {
		b.Run("round trip of 64 bytes/"+name, func(b *testing.B) {
			client, server := open(b)
			go io.Copy(server, struct{ io.Reader }{server})
			buf := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(buf)
				_, err := io.ReadFull(client, buf)
				require.NoError(b, err)
			}
		})
		b.Run("stream of 64 KiB/"+name, func(b *testing.B) {
			client, server := open(b)
			done := make(chan struct{})
			go func() {
				defer close(done)
				discard(server)
			}()
			buf := make([]byte, 64<<10)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := client.Write(buf)
				require.NoError(b, err)
			}
			client.Close()
			<-done
		})
	}
}
