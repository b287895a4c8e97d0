package netstack

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/volume"
)

var updateUnix = flag.Bool("update-unix", false, "write what the machine's own Unix sockets do to testdata/unix.txt")

// unixEnd is what *net.UnixConn and unixConn have in common.
type unixEnd interface {
	net.Conn
	net.PacketConn
	ReadFromUnix(b []byte) (int, *net.UnixAddr, error)
	ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error)
	WriteToUnix(b []byte, addr *net.UnixAddr) (int, error)
	WriteMsgUnix(b, oob []byte, addr *net.UnixAddr) (n, oobn int, err error)
	CloseRead() error
	CloseWrite() error
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
}

var (
	_ unixEnd = (*net.UnixConn)(nil)
	_ unixEnd = (*unixConn)(nil)
)

// unixRig runs a story on Unix sockets and notes what happened. Names that begin
// with a slash are beneath a base directory.
type unixRig struct {
	t      testing.TB
	base   string
	notes  []string
	want   []string // what the notes are to be, if that is known
	settle func()   // waits until the call of during waits or has returned

	returned atomic.Bool // the call of during has
	undo     []func()

	listenConfig interface {
		Listen(ctx context.Context, network, address string) (net.Listener, error)
		ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	}
	dialContext func(ctx context.Context, network, address string) (net.Conn, error)
	dialFrom    func(network string, laddr, raddr *net.UnixAddr) (net.Conn, error)

	fs interface {
		Mkdir(name string, perm fs.FileMode) error
		Remove(name string) error
		Rename(oldname, newname string) error
		Symlink(oldname, newname string) error
		Lstat(name string) (fs.FileInfo, error)
		WriteFile(name string, data []byte, perm fs.FileMode) error
		ReadFile(name string) ([]byte, error)
	}
}

// newHostUnixRig returns a rig on the machine's own sockets.
func newHostUnixRig(t testing.TB) *unixRig {
	dir, err := os.MkdirTemp("", "unix") // t.TempDir is too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &unixRig{
		t: t, base: dir, listenConfig: &net.ListenConfig{}, dialContext: (&net.Dialer{}).DialContext, fs: hostFS{},
		dialFrom: func(network string, laddr, raddr *net.UnixAddr) (net.Conn, error) {
			return conn(net.DialUnix(network, laddr, raddr))
		},
	}
	r.settle = func() {
		for !waitsForIO() && !r.returned.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	return r
}

// newUnixRig returns a rig on a namespace, in a bubble.
func newUnixRig(t testing.TB) *unixRig {
	ns, err := New(Config{Seed: 1})
	require.NoError(t, err)
	view := volume.New(0).View()
	require.NoError(t, view.Mkdir("/base", 0o700))
	o := ns.NewOwner("app", 1, nil)
	o.SetFiles(view)
	return &unixRig{
		t: t, base: "/base", listenConfig: o, dialContext: o.Dial, dialFrom: o.dialUnixAddr, fs: view,
		settle: synctest.Wait, undo: []func(){ns.Close},
	}
}

// waitsForIO reports whether the call of a rig's during waits for the kernel.
func waitsForIO() bool {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n") {
		header, stack, _ := strings.Cut(g, "\n")
		if strings.Contains(header, "[IO wait") && strings.Contains(stack, "unixRig).during.func") {
			return true
		}
	}
	return false
}

type hostFS struct{}

func (hostFS) Mkdir(name string, perm fs.FileMode) error         { return os.Mkdir(name, perm) }
func (hostFS) Remove(name string) error                          { return os.Remove(name) }
func (hostFS) Rename(oldname, newname string) error              { return os.Rename(oldname, newname) }
func (hostFS) Symlink(oldname, newname string) error             { return os.Symlink(oldname, newname) }
func (hostFS) Lstat(name string) (fs.FileInfo, error)            { return os.Lstat(name) }
func (hostFS) WriteFile(n string, d []byte, p fs.FileMode) error { return os.WriteFile(n, d, p) }
func (hostFS) ReadFile(name string) ([]byte, error)              { return os.ReadFile(name) }

// finish closes what the story opened.
func (r *unixRig) finish() []string {
	for i := len(r.undo) - 1; i >= 0; i-- {
		r.undo[i]()
	}
	return r.notes
}

// name returns the full path of a name of a story.
func (r *unixRig) name(name string) string {
	if strings.HasPrefix(name, "/") {
		return r.base + name
	}
	return name
}

// note notes values in one line: errors with their identity, and names without
// the base.
func (r *unixRig) note(values ...any) {
	for i, v := range values {
		switch v := v.(type) {
		case error:
			values[i] = v.Error() + identity(v)
		case net.Addr:
			values[i] = fmt.Sprintf("%s %q", v.Network(), v)
		case nil:
			values[i] = "ok"
		case []byte:
			values[i] = strconv.Quote(string(v[:min(20, len(v))]))
		}
	}
	line := strings.TrimSuffix(fmt.Sprintln(values...), "\n")
	line = strings.ReplaceAll(line, r.base, "")
	line = strings.ReplaceAll(line, "\x00", "NUL")
	r.notes = append(r.notes, ephemeralName.ReplaceAllString(line, "@HEX"))
}

// identity is what a program can ask of an error.
func identity(err error) string {
	var b strings.Builder
	for _, known := range []struct {
		name string
		err  error
	}{
		{"EOF", io.EOF}, {"ErrClosed", net.ErrClosed}, {"ErrDeadlineExceeded", os.ErrDeadlineExceeded}, {"Canceled", context.Canceled},
		{"ErrWriteToConnected", net.ErrWriteToConnected}, {"ErrNotExist", fs.ErrNotExist},
		{"EADDRINUSE", syscall.EADDRINUSE}, {"EAFNOSUPPORT", syscall.EAFNOSUPPORT}, {"EAGAIN", syscall.EAGAIN},
		{"ECONNREFUSED", syscall.ECONNREFUSED}, {"ECONNRESET", syscall.ECONNRESET}, {"EINVAL", syscall.EINVAL},
		{"EISCONN", syscall.EISCONN}, {"EMSGSIZE", syscall.EMSGSIZE}, {"ENOENT", syscall.ENOENT}, {"ENOTCONN", syscall.ENOTCONN},
		{"ENOTDIR", syscall.ENOTDIR}, {"EOPNOTSUPP", syscall.EOPNOTSUPP}, {"EPERM", syscall.EPERM}, {"EPIPE", syscall.EPIPE},
		{"EPROTOTYPE", syscall.EPROTOTYPE}, {"ENXIO", syscall.ENXIO},
	} {
		if errors.Is(err, known.err) {
			fmt.Fprintf(&b, " %s", known.name)
		}
	}
	var oe *net.OpError
	if errors.As(err, &oe) {
		fmt.Fprintf(&b, " OpError(timeout=%t, temporary=%t)", oe.Timeout(), oe.Temporary())
	}
	return " [" + strings.TrimSpace(b.String()) + "]"
}

func (r *unixRig) keep(c io.Closer) { r.undo = append(r.undo, func() { c.Close() }) }

// listen listens, which must work.
func (r *unixRig) listen(network, address string) net.Listener {
	l, err := r.listenConfig.Listen(context.Background(), network, r.name(address))
	require.NoError(r.t, err)
	r.keep(l)
	return l
}

// tryListen notes what comes of listening.
func (r *unixRig) tryListen(network, address string) {
	l, err := r.listenConfig.Listen(context.Background(), network, r.name(address))
	if err != nil {
		r.note(err)
		return
	}
	r.keep(l)
	r.note(l.Addr())
}

// packet opens a datagram socket, which must work.
func (r *unixRig) packet(address string) unixEnd {
	p, err := r.listenConfig.ListenPacket(context.Background(), "unixgram", r.name(address))
	require.NoError(r.t, err)
	r.keep(p)
	return p.(unixEnd)
}

func (r *unixRig) dial(network, address string) unixEnd {
	c, err := r.dialContext(context.Background(), network, r.name(address))
	require.NoError(r.t, err)
	r.keep(c)
	return c.(unixEnd)
}

func (r *unixRig) tryDial(network, address string) {
	c, err := r.dialContext(context.Background(), network, r.name(address))
	if err != nil {
		r.note(err)
		return
	}
	r.keep(c)
	r.note(c.LocalAddr(), c.RemoteAddr())
}

func (r *unixRig) addr(network, name string) *net.UnixAddr {
	return &net.UnixAddr{Name: r.name(name), Net: network}
}

// pipe returns the two ends of a connection.
func (r *unixRig) pipe(network string) (client, server unixEnd) {
	l := r.listen(network, "/pipe")
	client = r.dial(network, "/pipe")
	server = r.accept(l)
	return client, server
}

func (r *unixRig) accept(l net.Listener) unixEnd {
	c, err := l.Accept()
	require.NoError(r.t, err)
	r.keep(c)
	return c.(unixEnd)
}

// patience is how long a call may take that ought to wait for ever.
const patience = 50 * time.Millisecond

// limit returns the deadline of a call that is noted next: a late one if it is to
// go well, so that a slow machine does not miss it, and an early one if not.
func (r *unixRig) limit() time.Time {
	wait := patience
	if next := len(r.notes); next < len(r.want) {
		wait = time.Minute
		if strings.Contains(r.want[next], "i/o timeout") {
			wait = patience / 10
		}
	}
	return time.Now().Add(wait)
}

// fill writes messages until no more fit, and returns how many went, and bytes.
func (r *unixRig) fill(c unixEnd, write func() (int, error)) (writes, total int) {
	for {
		c.SetWriteDeadline(time.Now().Add(2 * patience))
		n, err := write()
		total += n
		if err != nil {
			c.SetWriteDeadline(time.Time{})
			return writes, total
		}
		writes++
	}
}

func (r *unixRig) read(c unixEnd, size int) {
	b := make([]byte, size)
	c.SetReadDeadline(r.limit())
	n, err := c.Read(b)
	c.SetReadDeadline(time.Time{})
	r.note("read", n, b[:n], err)
}

func (r *unixRig) readFrom(c unixEnd, size int) {
	b := make([]byte, size)
	c.SetReadDeadline(r.limit())
	n, from, err := c.ReadFrom(b)
	c.SetReadDeadline(time.Time{})
	r.note("read", n, b[:n], "from", from, err)
}

func (r *unixRig) readMsg(c unixEnd, size int) {
	b := make([]byte, size)
	n, oobn, flags, from, err := c.ReadMsgUnix(b, nil)
	r.note("read", n, b[:n], oobn, flags, from == nil, err)
}

func (r *unixRig) write(c unixEnd, data string) {
	c.SetWriteDeadline(r.limit())
	n, err := c.Write([]byte(data))
	c.SetWriteDeadline(time.Time{})
	r.note("write", n, err)
}

func (r *unixRig) writeTo(c unixEnd, data string, to net.Addr) {
	c.SetWriteDeadline(r.limit())
	n, err := c.WriteTo([]byte(data), to)
	c.SetWriteDeadline(time.Time{})
	r.note("write", n, err)
}

// during notes what comes of a call that waits while something happens.
func (r *unixRig) during(call func() (int, error), happens func()) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result)
	r.returned.Store(false)
	go func() {
		n, err := call()
		r.returned.Store(true)
		done <- result{n, err}
	}()
	r.settle()
	happens()
	res := <-done
	r.note("it waited and got", res.n, res.err)
}

// unixStory is what happens on Unix sockets.
type unixStory struct {
	name string
	run  func(r *unixRig)
}

// TestUnixBehavesAsLinux tells the stories to a namespace and, on Linux, to the
// machine's own sockets. What is to happen is in testdata/unix.txt.
func TestUnixBehavesAsLinux(t *testing.T) {
	const file = "testdata/unix.txt"
	if *updateUnix {
		var b strings.Builder
		for _, s := range unixStories {
			r := newHostUnixRig(t)
			s.run(r)
			fmt.Fprintf(&b, "== %s\n%s\n", s.name, strings.Join(r.finish(), "\n"))
		}
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want := make(map[string][]string)
	for _, part := range strings.Split(string(text), "== ")[1:] {
		name, lines, _ := strings.Cut(part, "\n")
		want[name] = strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	}
	require.Len(t, want, len(unixStories), "the stories have names of their own")
	for _, s := range unixStories {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newUnixRig(t)
				s.run(r)
				assert.Equal(t, want[s.name], r.finish(), "in a namespace")
			})
			if runtime.GOOS == "linux" {
				r := newHostUnixRig(t)
				r.want = want[s.name]
				s.run(r)
				assert.Equal(t, want[s.name], r.finish(), "on the host: the file is wrong")
			}
		})
	}
}
