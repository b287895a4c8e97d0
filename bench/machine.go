package bench

import (
	"cmp"
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// machinePaths are those of the machine itself: the kernel's loopback, its Unix
// sockets, and net.Pipe.
var machinePaths = []Path{
	{"kernel", func(tb testing.TB) Ends {
		e := OverKernel("127.0.0.1:0", "", func(f func()) { f() })
		e.Lookup = nameServer(tb)
		return e
	}},
	{"kernel-unix", func(tb testing.TB) Ends {
		name := filepath.Join(tb.TempDir(), "socket")
		return Ends{
			Listen: func() (net.Listener, error) { return net.Listen("unix", name) },
			Dial:   func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", name) },
		}
	}},
	{"pipe", func(testing.TB) Ends {
		var l *pipeListener
		return Ends{
			Listen: func() (net.Listener, error) {
				l = &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
				return l, nil
			},
			Dial: func(context.Context) (net.Conn, error) { return l.dial() },
		}
	}},
}

// OverKernel returns ends on the kernel's network. The server listens at one
// address, and the client finds it at another, by default where it listens. Within
// calls its argument where the server's sockets belong.
func OverKernel(listen, dial string, within func(func())) Ends {
	address := func(server net.Addr) string { return cmp.Or(dial, server.String()) }
	var stream, packet net.Addr
	return Ends{
		Listen: func() (l net.Listener, err error) {
			within(func() { l, err = net.Listen("tcp", listen) })
			if err == nil {
				stream = l.Addr()
			}
			return l, err
		},
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address(stream))
		},
		ListenPacket: func() (c net.PacketConn, err error) {
			within(func() { c, err = net.ListenPacket("udp", listen) })
			if err == nil {
				packet = c.LocalAddr()
			}
			return c, err
		},
		DialPacket: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", address(packet))
		},
	}
}

// nameServer starts a name server on the kernel's loopback that gives every name
// the same address, and returns a look-up there.
func nameServer(tb testing.TB) func(context.Context) error {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for buf := make([]byte, 512); ; {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, err := answer(buf[:n]); err == nil {
				c.WriteTo(answer, from)
			}
		}
	})
	tb.Cleanup(func() { c.Close(); served.Wait() })
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
	return func(ctx context.Context) error {
		_, err := resolver.LookupHost(ctx, "near.default.svc.cluster.local.")
		return err
	}
}

func answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Header.Response, m.Header.Authoritative, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 5},
				Body:   &dnsmessage.AResource{A: [4]byte{10, 96, 0, 50}},
			})
		}
	}
	return m.Pack()
}

// pipeListener hands out ends of net.Pipe.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
