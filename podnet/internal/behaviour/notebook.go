package behaviour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Notebook takes down what a case shows.
type Notebook struct {
	ctx   context.Context
	verbs Verbs

	mu    sync.Mutex // guards what follows
	lines []string
	open  []io.Closer
	over  bool // what is opened now is closed at once
}

// patience is how long a case may take before its sockets are closed, so that a
// call that should have returned does so and shows in the result.
const patience = 30 * time.Second

// Run runs a case and returns what it noted.
func Run(ctx context.Context, c Case, v Verbs) []string {
	limit := patience
	if c.Needs&Long != 0 {
		limit *= 4
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n := &Notebook{ctx: ctx, verbs: v}
	defer n.close()
	defer context.AfterFunc(ctx, func() {
		n.Note("the case", errors.New("took too long"))
		n.close()
	})()
	n.run(c)
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines
}

// stopped is what Must panics with.
type stopped struct{}

func (n *Notebook) run(c Case) {
	defer func() {
		if v := recover(); v != nil && v != (stopped{}) {
			panic(v)
		}
	}()
	c.Run(n, tracked{n})
}

func (n *Notebook) close() {
	n.mu.Lock()
	n.over = true
	open := n.open
	n.open = nil
	n.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// Context ends when the case must.
func (n *Notebook) Context() context.Context { return n.ctx }

// Closes makes c be closed at the end of the case, if the case does not do it.
func (n *Notebook) Closes(c io.Closer) {
	n.mu.Lock()
	over := n.over
	if !over {
		n.open = append(n.open, c)
	}
	n.mu.Unlock()
	if over {
		c.Close()
	}
}

var ephemeral = regexp.MustCompile(`:(3[2-9]|[45]\d|60)\d{3}\b`)

// Note writes down a value, or an error's text and what errors.Is and errors.As
// find in it.
func (n *Notebook) Note(what string, v any) {
	line := fmt.Sprintf("%s: %v", what, v)
	if err, ok := v.(error); ok {
		line += " " + identities(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, ephemeral.ReplaceAllString(line, ":PORT"))
}

// Must ends the case if err is not nil.
func (n *Notebook) Must(err error) {
	if err != nil {
		n.Note("stopped", err)
		panic(stopped{})
	}
}

var sentinels = []struct {
	name string
	err  error
}{
	{"EACCES", syscall.EACCES}, {"EADDRINUSE", syscall.EADDRINUSE}, {"EADDRNOTAVAIL", syscall.EADDRNOTAVAIL},
	{"EAFNOSUPPORT", syscall.EAFNOSUPPORT}, {"ECONNABORTED", syscall.ECONNABORTED}, {"ECONNREFUSED", syscall.ECONNREFUSED},
	{"ECONNRESET", syscall.ECONNRESET}, {"EDESTADDRREQ", syscall.EDESTADDRREQ}, {"EHOSTUNREACH", syscall.EHOSTUNREACH},
	{"EINVAL", syscall.EINVAL}, {"EISCONN", syscall.EISCONN}, {"EMSGSIZE", syscall.EMSGSIZE},
	{"ENETUNREACH", syscall.ENETUNREACH}, {"ENOENT", syscall.ENOENT}, {"ENOTCONN", syscall.ENOTCONN}, {"EPERM", syscall.EPERM},
	{"EPIPE", syscall.EPIPE}, {"ETIMEDOUT", syscall.ETIMEDOUT},
	{"net.ErrClosed", net.ErrClosed}, {"net.ErrWriteToConnected", net.ErrWriteToConnected},
	{"os.ErrDeadlineExceeded", os.ErrDeadlineExceeded}, {"os.ErrPermission", os.ErrPermission}, {"os.ErrNotExist", os.ErrNotExist},
	{"io.EOF", io.EOF}, {"io.ErrUnexpectedEOF", io.ErrUnexpectedEOF},
	{"context.DeadlineExceeded", context.DeadlineExceeded}, {"context.Canceled", context.Canceled},
}

// identities tells of an error what a program can find in it beside its text.
func identities(err error) string {
	var is []string
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			is = append(is, s.name)
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && op.Timeout() {
		// In net, the context's timer and the socket's race for it.
		is = []string{"a deadline's"}
	}
	var as []string
	find := func(name string, found bool, detail ...string) {
		if found {
			as = append(as, name+strings.Join(detail, ""))
		}
	}
	if op != nil {
		find("*net.OpError", true, fmt.Sprintf("{%s %s source=%t addr=%t}", op.Op, op.Net, op.Source != nil, op.Addr != nil))
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		find("*os.SyscallError", true, "{"+sys.Syscall+"}")
	}
	var errno syscall.Errno
	find("syscall.Errno", errors.As(err, &errno))
	var addr *net.AddrError
	find("*net.AddrError", errors.As(err, &addr))
	var parse *net.ParseError
	find("*net.ParseError", errors.As(err, &parse))
	var unknown net.UnknownNetworkError
	find("net.UnknownNetworkError", errors.As(err, &unknown))
	var invalid net.InvalidAddrError
	find("net.InvalidAddrError", errors.As(err, &invalid))
	var dns *net.DNSError
	if errors.As(err, &dns) {
		find("*net.DNSError", true, fmt.Sprintf("{%s not-found=%t}", dns.Name, dns.IsNotFound))
	}
	var ne net.Error
	if errors.As(err, &ne) {
		temporary, ok := ne.(interface{ Temporary() bool }) // the deprecated method, which programs still ask
		find("net.Error", true, fmt.Sprintf("{timeout=%t temporary=%t}", ne.Timeout(), ok && temporary.Temporary()))
	}
	return fmt.Sprintf("| is %s | as %s", strings.Join(is, " "), strings.Join(as, " "))
}

// tracked are a notebook's verbs; what they open is closed with the case.
type tracked struct{ n *Notebook }

func closes[C io.Closer](n *Notebook, c C, err error) (C, error) {
	if err == nil {
		n.Closes(c)
	}
	return c, err
}

func (t tracked) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	l, err := t.n.verbs.Listen(ctx, network, address)
	return closes(t.n, l, err)
}

func (t tracked) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	p, err := t.n.verbs.ListenPacket(ctx, network, address)
	return closes(t.n, p, err)
}

func (t tracked) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := t.n.verbs.Dial(ctx, network, address)
	return closes(t.n, c, err)
}

func (t tracked) LookupHost(ctx context.Context, host string) ([]string, error) {
	return t.n.verbs.LookupHost(ctx, host)
}

func (t tracked) EphemeralPorts() int { return t.n.verbs.EphemeralPorts() }

func (t tracked) ListenWith(ctx context.Context, cfg ListenConfig, network, address string) (net.Listener, error) {
	l, err := t.n.verbs.ListenWith(ctx, cfg, network, address)
	return closes(t.n, l, err)
}

func (t tracked) ListenPacketWith(ctx context.Context, cfg ListenConfig, network, address string) (net.PacketConn, error) {
	p, err := t.n.verbs.ListenPacketWith(ctx, cfg, network, address)
	return closes(t.n, p, err)
}

func (t tracked) DialWith(ctx context.Context, d Dialer, network, address string) (net.Conn, error) {
	c, err := t.n.verbs.DialWith(ctx, d, network, address)
	return closes(t.n, c, err)
}
