package netstack

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// paths are the ways over which two sockets of one machine can talk.
func paths(b *testing.B) map[string]verbs {
	return map[string]verbs{"kernel": host{}, "packets": benchOwner(b, true), "shortcut": benchOwner(b, false)}
}

func benchOwner(b *testing.B, packets bool) *Owner {
	ns, err := New(Config{Seed: 1, packets: packets})
	require.NoError(b, err)
	b.Cleanup(ns.Close)
	return ns.NewOwner("app", 1, nil)
}

// pathOrder is that of the sub-benchmarks, so that a ratio can be read from a run.
var pathOrder = []string{"kernel", "packets", "shortcut"}

func benchPair(b *testing.B, v verbs) (client, server net.Conn) {
	l, err := v.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	client, err = v.Dial(context.Background(), "tcp", l.Addr().String())
	require.NoError(b, err)
	server, err = l.Accept()
	require.NoError(b, err)
	return client, server
}

// BenchmarkLocalhostRoundTrip is 64 bytes there and back.
func BenchmarkLocalhostRoundTrip(b *testing.B) {
	for _, name := range pathOrder {
		b.Run(name, func(b *testing.B) {
			client, server := benchPair(b, paths(b)[name])
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, 64)
				for {
					if _, err := io.ReadFull(server, buf); err != nil {
						return
					}
					server.Write(buf)
				}
			}()
			buf := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(buf)
				if _, err := io.ReadFull(client, buf); err != nil {
					b.Fatal(err)
				}
			}
			client.Close()
			<-done
			server.Close()
		})
	}
}

// BenchmarkLocalhostStream is one direction at full speed, in writes of 64 KiB.
func BenchmarkLocalhostStream(b *testing.B) {
	for _, name := range pathOrder {
		b.Run(name, func(b *testing.B) {
			client, server := benchPair(b, paths(b)[name])
			done := make(chan int64)
			go func() {
				n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{server}, make([]byte, 64<<10))
				done <- n
			}()
			buf := make([]byte, 64<<10)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			client.Close()
			<-done
			server.Close()
		})
	}
}

// BenchmarkLocalhostConnect opens a connection and closes it at both ends.
func BenchmarkLocalhostConnect(b *testing.B) {
	for _, name := range pathOrder {
		b.Run(name, func(b *testing.B) {
			v := paths(b)[name]
			l, err := v.Listen(context.Background(), "tcp", "127.0.0.1:0")
			require.NoError(b, err)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					c.Read(make([]byte, 1))
					c.Close()
				}
			}()
			address := l.Addr().String()
			b.ReportAllocs()
			for b.Loop() {
				c, err := v.Dial(context.Background(), "tcp", address)
				if err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
			l.Close()
			<-done
		})
	}
}

// BenchmarkReadyCalls is a Write and a Read of 64 bytes that need not wait.
func BenchmarkReadyCalls(b *testing.B) {
	for _, name := range pathOrder {
		b.Run(name, func(b *testing.B) {
			client, server := benchPair(b, paths(b)[name])
			buf := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(buf)
				if _, err := io.ReadFull(server, buf); err != nil {
					b.Fatal(err)
				}
			}
			client.Close()
			server.Close()
		})
	}
}
