package netstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// verbs are net's, on the host or on a namespace.
type verbs interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// host is the machine's own network: the oracle.
type host struct{}

func (host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, network, address)
}

func (host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, address)
}

func (host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// notebook collects what a behaviour shows, with ports that differ from run to
// run replaced.
type notebook struct {
	t     *testing.T
	lines []string
}

var ephemeral = regexp.MustCompile(`:([3-6]\d{4})\b`)

// note writes down a value, or an error's text and what errors.Is finds in it.
func (n *notebook) note(what string, v any) {
	line := fmt.Sprintf("%s: %v", what, v)
	if err, ok := v.(error); ok {
		line += " " + strings.Join(identities(err), " ")
	}
	n.lines = append(n.lines, ephemeral.ReplaceAllString(line, ":PORT"))
}

func identities(err error) []string {
	known := []struct {
		name string
		err  error
	}{
		{"EADDRINUSE", syscall.EADDRINUSE}, {"EADDRNOTAVAIL", syscall.EADDRNOTAVAIL}, {"ECONNREFUSED", syscall.ECONNREFUSED},
		{"ECONNRESET", syscall.ECONNRESET}, {"EPIPE", syscall.EPIPE}, {"EMSGSIZE", syscall.EMSGSIZE}, {"EINVAL", syscall.EINVAL},
		{"ENOTCONN", syscall.ENOTCONN},
		{"net.ErrClosed", net.ErrClosed}, {"os.ErrDeadlineExceeded", os.ErrDeadlineExceeded}, {"io.EOF", io.EOF},
		{"context.DeadlineExceeded", context.DeadlineExceeded}, {"context.Canceled", context.Canceled},
	}
	var names []string
	for _, k := range known {
		if errors.Is(err, k.err) {
			names = append(names, k.name)
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		names = append(names, fmt.Sprintf("%T source=%v addr=%v timeout=%v", err, op.Source != nil, op.Addr != nil, op.Timeout()))
		switch op.Err.(type) {
		case *os.SyscallError, *net.AddrError, *net.DNSError, net.UnknownNetworkError, syscall.Errno:
			names = append(names, fmt.Sprintf("inner=%T", op.Err))
		}
		var sys *os.SyscallError
		if errors.As(err, &sys) {
			names = append(names, "call="+sys.Syscall)
		}
	}
	return names
}

func (n *notebook) conn(v verbs, network, address string) (client, server net.Conn, l net.Listener) {
	l, err := v.Listen(n.t.Context(), network, address)
	require.NoError(n.t, err)
	n.t.Cleanup(func() { l.Close() })
	client, err = v.Dial(n.t.Context(), network, l.Addr().String())
	require.NoError(n.t, err)
	n.t.Cleanup(func() { client.Close() })
	server, err = l.Accept()
	require.NoError(n.t, err)
	n.t.Cleanup(func() { server.Close() })
	return client, server, l
}

// behaviours are run on the host and on a namespace, and must show the same.
var behaviours = []struct {
	name string
	run  func(n *notebook, v verbs)
}{
	{"a second listener on the port fails", func(n *notebook, v verbs) {
		l, err := v.Listen(n.t.Context(), "tcp", ":0")
		require.NoError(n.t, err)
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		for _, network := range []string{"tcp", "tcp4", "tcp6"} {
			for _, host := range []string{"", "0.0.0.0", "127.0.0.1", "[::]", "[::1]"} {
				other, err := v.Listen(n.t.Context(), network, host+":"+port)
				n.note(network+" "+host, err)
				if err == nil {
					other.Close()
				}
			}
		}
	}},
	{"a listener on an address that is not here fails", func(n *notebook, v verbs) {
		_, err := v.Listen(n.t.Context(), "tcp", "192.0.2.1:18080")
		n.note("listen", err)
		_, err = v.ListenPacket(n.t.Context(), "udp", "192.0.2.1:18080")
		n.note("listen", err)
	}},
	{"dialing a port without a listener is refused", func(n *notebook, v verbs) {
		for _, address := range []string{"127.0.0.1:9", "127.0.0.5:9", "[::1]:9", ":9", "0.0.0.0:9", "[::]:9"} {
			_, err := v.Dial(n.t.Context(), "tcp", address)
			n.note(address, err)
		}
	}},
	{"localhost is tried over both families and the first error told", func(n *notebook, v verbs) {
		l, err := v.Listen(n.t.Context(), "tcp", "localhost:0")
		require.NoError(n.t, err)
		defer l.Close()
		n.note("listen", l.Addr())
		_, port, _ := net.SplitHostPort(l.Addr().String())
		c, err := v.Dial(n.t.Context(), "tcp", "localhost:"+port)
		require.NoError(n.t, err)
		n.note("dial", c.RemoteAddr())
		c.Close()
		_, err = v.Dial(n.t.Context(), "tcp", "localhost:9")
		n.note("refused", err)
	}},
	{"bad networks and addresses", func(n *notebook, v verbs) {
		for _, address := range []string{"x", "127.0.0.1:nosuchport", "127.0.0.1:70000", "127.0.0.1:-1", "[::1:80", "127.0.0.1:1:2"} {
			_, err := v.Dial(n.t.Context(), "tcp", address)
			n.note("dial "+address, err)
			_, err = v.Listen(n.t.Context(), "tcp", address)
			n.note("listen "+address, err)
			_, err = v.ListenPacket(n.t.Context(), "udp", address)
			n.note("listen udp "+address, err)
		}
		for _, network := range []string{"", "tcp5", "carrier-pigeon"} {
			_, err := v.Dial(n.t.Context(), network, "127.0.0.1:80")
			n.note("dial", err)
			_, err = v.Listen(n.t.Context(), network, "127.0.0.1:80")
			n.note("listen", err)
			_, err = v.ListenPacket(n.t.Context(), network, "127.0.0.1:80")
			n.note("listen packet", err)
		}
		_, err := v.Dial(n.t.Context(), "tcp4", "[::1]:80")
		n.note("tcp4 to IPv6", err)
		_, err = v.Dial(n.t.Context(), "tcp6", "127.0.0.1:80")
		n.note("tcp6 to IPv4", err)
	}},
	{"a cancelled or late dial", func(n *notebook, v verbs) {
		ctx, cancel := context.WithCancel(n.t.Context())
		cancel()
		_, err := v.Dial(ctx, "tcp", "127.0.0.1:9")
		n.note("cancelled", err)
		ctx, cancel = context.WithDeadline(n.t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err = v.Dial(ctx, "tcp", "127.0.0.1:9")
		n.note("late", err)
	}},
	{"addresses of listeners and connections", func(n *notebook, v verbs) {
		for _, a := range []struct{ network, address string }{
			{"tcp", ":0"}, {"tcp", "0.0.0.0:0"}, {"tcp", "[::]:0"}, {"tcp4", ":0"}, {"tcp6", ":0"}, {"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"tcp", "127.0.0.7:0"},
		} {
			l, err := v.Listen(n.t.Context(), a.network, a.address)
			require.NoError(n.t, err)
			n.note(a.network+" "+a.address, fmt.Sprintf("%s %d", l.Addr(), len(l.Addr().(*net.TCPAddr).IP)))
			l.Close()
		}
		l, err := v.Listen(n.t.Context(), "tcp", ":0")
		require.NoError(n.t, err)
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		for _, host := range []string{"127.0.0.1", "127.0.0.5", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", ""} {
			c, err := v.Dial(n.t.Context(), "tcp", host+":"+port)
			require.NoError(n.t, err)
			s, err := l.Accept()
			require.NoError(n.t, err)
			for _, a := range []net.Addr{c.LocalAddr(), c.RemoteAddr(), s.LocalAddr(), s.RemoteAddr()} {
				n.note(host, fmt.Sprintf("%T %s %d", a, a, len(a.(*net.TCPAddr).IP)))
			}
			c.Close()
			s.Close()
		}
	}},
	{"use after Close", func(n *notebook, v verbs) {
		c, s, l := n.conn(v, "tcp", "127.0.0.1:0")
		n.note("close", c.Close())
		_, err := c.Read(make([]byte, 1))
		n.note("read", err)
		_, err = c.Write([]byte("x"))
		n.note("write", err)
		n.note("close again", c.Close())
		n.note("deadline", c.SetDeadline(time.Now()))
		n.note("no delay", c.(interface{ SetNoDelay(bool) error }).SetNoDelay(true))
		n.note("close write", c.(interface{ CloseWrite() error }).CloseWrite())
		_, err = s.Read(make([]byte, 1))
		n.note("peer reads", err)
		n.note("close listener", l.Close())
		n.note("close listener again", l.Close())
		_, err = l.Accept()
		n.note("accept", err)
	}},
	{"Close wakes those who wait", func(n *notebook, v verbs) {
		c, _, l := n.conn(v, "tcp", "127.0.0.1:0")
		errs := make(chan error)
		go func() { _, err := c.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := l.Accept(); errs <- err }()
		time.Sleep(time.Millisecond) // likelier inside the call; right either way
		c.Close()
		l.Close()
		var texts []string
		for range 2 {
			err := <-errs
			texts = append(texts, fmt.Sprintf("%s %v", strings.Fields(err.Error())[0], errors.Is(err, net.ErrClosed)))
		}
		assert.ElementsMatch(n.t, []string{"read true", "accept true"}, texts)
	}},
	{"deadlines", func(n *notebook, v verbs) {
		c, s, l := n.conn(v, "tcp", "127.0.0.1:0")
		s.Write([]byte("data"))
		c.SetReadDeadline(time.Now().Add(-time.Second))
		_, err := c.Read(make([]byte, 9))
		n.note("past, with data there", err)
		c.SetReadDeadline(time.Time{})
		got := make([]byte, 4)
		_, err = io.ReadFull(c, got)
		n.note(string(got), err)
		c.SetDeadline(time.Now().Add(time.Millisecond))
		_, err = c.Read(got)
		n.note("read", err)
		_, err = c.Write(got)
		n.note("write", err)
		l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now())
		_, err = l.Accept()
		n.note("accept", err)
	}},
	{"half-close", func(n *notebook, v verbs) {
		c, s, _ := n.conn(v, "tcp", "127.0.0.1:0")
		n.note("close write", c.(interface{ CloseWrite() error }).CloseWrite())
		_, err := s.Read(make([]byte, 1))
		n.note("peer reads", err)
		_, err = c.Write([]byte("x"))
		n.note("write", err)
		s.Write([]byte("still open"))
		s.Close()
		b, err := io.ReadAll(c)
		n.note(string(b), err)
	}},
	{"close with unread data resets", func(n *notebook, v verbs) {
		c, s, _ := n.conn(v, "tcp", "127.0.0.1:0")
		s.Write([]byte("queued before"))
		c.Write([]byte("never read"))
		waitReadable(n.t, s)
		s.Close()
		b := make([]byte, 64)
		m, err := c.Read(b)
		n.note("first "+string(b[:m]), err)
		_, err = c.Read(b)
		n.note("then", err)
		_, err = c.Read(b)
		n.note("later", err)
		_, err = c.Write(b)
		n.note("write", err)
	}},
	{"writing to a peer that closed", func(n *notebook, v verbs) {
		c, s, _ := n.conn(v, "tcp", "127.0.0.1:0")
		s.Close()
		_, err := c.Read(make([]byte, 1))
		n.note("read", err)
		_, err = c.Write([]byte("first"))
		n.note("first write", err)
		for range 100 { // the reset takes a moment to arrive
			if _, err = c.Write([]byte("second")); err != nil {
				break
			}
			runtime.Gosched()
		}
		n.note("second write", err)
		_, err = c.Read(make([]byte, 1))
		n.note("read again", err)
	}},
	{"linger 0 resets", func(n *notebook, v verbs) {
		c, s, _ := n.conn(v, "tcp", "127.0.0.1:0")
		n.note("set", s.(interface{ SetLinger(int) error }).SetLinger(0))
		s.Close()
		_, err := c.Read(make([]byte, 1))
		n.note("read", err)
	}},
	{"a listener that closes resets those it did not accept", func(n *notebook, v verbs) {
		l, err := v.Listen(n.t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(n.t, err)
		c, err := v.Dial(n.t.Context(), "tcp", l.Addr().String())
		require.NoError(n.t, err)
		defer c.Close()
		l.Close()
		_, err = c.Read(make([]byte, 1))
		n.note("read", err)
		_, err = v.Dial(n.t.Context(), "tcp", "127.0.0.1:9")
		n.note("dial", err)
	}},
	{"reads and writes of nothing", func(n *notebook, v verbs) {
		c, s, _ := n.conn(v, "tcp", "127.0.0.1:0")
		m, err := c.Read(nil)
		n.note(fmt.Sprint(m), err)
		m, err = c.Write(nil)
		n.note(fmt.Sprint(m), err)
		s.Close()
		m, err = c.Read(nil)
		n.note(fmt.Sprint(m), err)
	}},
	{"UDP connected and not", func(n *notebook, v verbs) {
		p, err := v.ListenPacket(n.t.Context(), "udp", ":0")
		require.NoError(n.t, err)
		defer p.Close()
		n.note("listen", p.LocalAddr())
		_, port, _ := net.SplitHostPort(p.LocalAddr().String())
		for _, host := range []string{"127.0.0.1", "[::1]"} {
			c, err := v.Dial(n.t.Context(), "udp", host+":"+port)
			require.NoError(n.t, err)
			n.note("dial", fmt.Sprintf("%s %s", c.LocalAddr(), c.RemoteAddr()))
			c.Write([]byte("a longer datagram"))
			b := make([]byte, 8)
			m, from, err := p.ReadFrom(b)
			n.note("cut to "+string(b[:m]), err)
			n.note("from", fmt.Sprintf("%T %s %d", from, from, len(from.(*net.UDPAddr).IP)))
			_, err = p.WriteTo([]byte("answer"), from)
			n.note("write", err)
			m, err = c.Read(b)
			n.note(string(b[:m]), err)
			_, err = c.(net.PacketConn).WriteTo([]byte("x"), from)
			n.note("write to another", err)
			_, err = p.WriteTo([]byte("x"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
			n.note("write to a foreign type", err)
			_, err = p.WriteTo(make([]byte, 70000), from)
			n.note("too long", err)
			_, err = p.(net.Conn).Write([]byte("x"))
			n.note("write without a peer", err)
			c.Close()
			_, err = c.Write([]byte("x"))
			n.note("write after close", err)
		}
		p.SetReadDeadline(time.Now())
		_, _, err = p.ReadFrom(make([]byte, 1))
		n.note("deadline", err)
		_, err = v.ListenPacket(n.t.Context(), "udp", ":"+port)
		n.note("second", err)
	}},
	{"UDP to a port without a listener", func(n *notebook, v verbs) {
		c, err := v.Dial(n.t.Context(), "udp", "127.0.0.1:9")
		require.NoError(n.t, err)
		defer c.Close()
		_, err = c.Write([]byte("x"))
		n.note("write", err)
		_, err = c.Read(make([]byte, 1))
		n.note("read", err)
	}},
	{"the wrong listen verb", func(n *notebook, v verbs) {
		_, err := v.Listen(n.t.Context(), "udp", "127.0.0.1:0")
		n.note("listen udp", err)
		_, err = v.ListenPacket(n.t.Context(), "tcp", "127.0.0.1:0")
		n.note("listen packet tcp", err)
	}},
}

// waitReadable returns once data has arrived at c, and leaves it there.
func waitReadable(t *testing.T, c net.Conn) {
	t.Helper()
	if tc, ok := c.(*tcpConn); ok {
		for s := tc.describe(); s.RecvQ == 0; s = tc.describe() {
			runtime.Gosched()
		}
		return
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Read(func(uintptr) bool { return true }))
	time.Sleep(5 * time.Millisecond) // the host offers nothing better without cgo
}

// resolveAsTheHost makes both sides see the machine's own order of localhost.
func resolveAsTheHost(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func TestBehavesAsTheHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the oracle is Linux")
	}
	for _, tt := range behaviours {
		t.Run(tt.name, func(t *testing.T) {
			want := &notebook{t: t}
			tt.run(want, host{})
			got := &notebook{t: t}
			ns, _ := newTestNamespace(t)
			tt.run(got, ns.NewOwner("app", 1, resolveAsTheHost))
			assert.Equal(t, want.lines, got.lines)
			for _, line := range got.lines {
				t.Log(line)
			}
		})
	}
}
