package bench

import (
	"context"
	"net"
	"slices"
	"testing"
)

// A Path is a way from a client to a server.
type Path struct {
	Name string

	// Open makes the two ends, and what lies between them, until the cleanup of
	// tb. It skips tb where that cannot be.
	Open func(tb testing.TB) Ends
}

// Ends are a client's and a server's sockets. What is nil the path does not have.
type Ends struct {
	// Listen opens the server's listener, one at a time, and Dial connects to it.
	Listen func() (net.Listener, error)
	Dial   func(context.Context) (net.Conn, error)

	// ListenPacket and DialPacket are the same for datagrams.
	ListenPacket func() (net.PacketConn, error)
	DialPacket   func(context.Context) (net.Conn, error)

	// Lookup asks a name server for the server's address.
	Lookup func(context.Context) error
}

// Paths are those of a Pod's containers, and those of the machine that they are
// compared with.
func Paths() []Path { return slices.Concat(podnetPaths, machinePaths) }

// Run benchmarks all works on all paths, by names as path=localhost/work=rtt64.
func Run(b *testing.B, paths []Path) {
	each(b, paths, func(b *testing.B, o *operation) {
		b.ReportAllocs()
		b.SetBytes(o.bytes)
		for b.Loop() {
			if err := o.do(); err != nil {
				b.Fatal(err)
			}
		}
		if o.finish != nil {
			b.StartTimer()
			if err := o.finish(); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
		}
	})
}

// RunEach calls measure with one operation of each work on each path, but for
// streams, of which a single write says little.
func RunEach(b *testing.B, paths []Path, measure func(b *testing.B, do func() error)) {
	each(b, paths, func(b *testing.B, o *operation) {
		if o.finish != nil {
			b.Skip("a stream has no latency")
		}
		measure(b, o.do)
	})
}

func each(b *testing.B, paths []Path, measure func(*testing.B, *operation)) {
	for _, p := range paths {
		b.Run("path="+p.Name, func(b *testing.B) {
			ends := p.Open(b)
			for _, w := range works {
				if w.needs(ends) {
					b.Run("work="+w.name, func(b *testing.B) { measure(b, w.open(b, ends)) })
				}
			}
		})
	}
}
