package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"podnet.dev/podnet"
)

// A command is a program of an image.
type command struct {
	// run is the command. It returns its exit code, and returns soon after
	// ctx ended: that is a signal that kills it.
	run func(ctx context.Context, p *proc) int

	dir     string // where images have it
	usage   string // what follows "Usage: " in the answer to a wrong option
	signals bool   // ctx ends at SIGTERM even in PID 1: run handles it
}

// startup is what a process starts with.
type startup struct {
	in       io.Reader
	out, err io.Writer
	env      []string
	dir      string
}

// A proc is a running command: its container, as bound to this process, its
// arguments and its streams.
type proc struct {
	*podnet.Container
	img  *userland
	args []string // without the name
	name string   // as in messages
	env  []string // instead of the Container's: an exec may have changed both
	dir  string
	in   io.Reader
	out  *stream
	err  *stream

	bracket    bool   // test was called as [
	brokenPipe func() // called at the first write to a pipe nobody reads
}

func newProc(ctx context.Context, u *userland, c *podnet.Container, argv []string, st startup) *proc {
	p := &proc{Container: c, img: u, args: argv[1:], name: base(argv[0]), bracket: base(argv[0]) == "[", env: st.env, dir: st.dir}
	p.in = boundReader(ctx, st.in)
	p.out = &stream{ctx: ctx, killed: c.Killed(), w: st.out, broken: p.sigpipe}
	p.err = &stream{ctx: ctx, killed: c.Killed(), w: st.err, broken: p.sigpipe}
	return p
}

func (p *proc) sigpipe() {
	if p.brokenPipe != nil {
		p.brokenPipe()
	}
}

// exit turns a command's exit code into a Program's error.
func (p *proc) exit(ctx context.Context, code int) error {
	if err := p.out.failed(); err != nil {
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
			return podnet.ExitError{Code: 128 + 13}
		}
		if ctx.Err() == nil && code == 0 {
			p.errorf("write error: %s", strerror(err))
			code = 1
		}
	}
	if ctx.Err() != nil {
		return context.Canceled
	}
	if code != 0 {
		return podnet.ExitError{Code: code}
	}
	return nil
}

// errorf writes a message to stderr, after the command's name.
func (p *proc) errorf(format string, args ...any) {
	fmt.Fprintf(p.err, p.name+": "+format+"\n", args...)
}

// usageError says how the command is used, as busybox does, and returns 1.
func (p *proc) usageError() int {
	usage := p.img.commands[p.name].usage
	if usage == "" {
		usage = p.name
	}
	fmt.Fprintf(p.err, "BusyBox v1.37.0 (podnet) multi-call binary.\n\nUsage: %s\n", usage)
	return 1
}

// path makes a file name absolute.
func (p *proc) path(name string) string { return abs(p.dir, name) }

// Dir, Env and Getenv are the process's own, whatever the Container had.
func (p *proc) Dir() string { return p.dir }

func (p *proc) Env() []string { return p.env }

func (p *proc) Getenv(name string) string {
	for _, e := range p.env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// open opens a file for reading; "-" is stdin.
func (p *proc) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.in), nil
	}
	if name == "" {
		return nil, syscall.ENOENT
	}
	f, err := p.FS().Open(p.path(name))
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		// open(2) would succeed and read(2) fail: the message is the same.
		f.Close()
		return nil, syscall.EISDIR
	}
	return f, nil
}

// eachInput calls do for every named file, or for stdin if there are none. A
// file that cannot be opened is reported, and the result is then 1.
func (p *proc) eachInput(names []string, do func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, name := range names {
		f, err := p.open(name)
		if err == nil {
			err = do(name, f)
			f.Close()
			if err != nil {
				if p.out.failed() != nil {
					return 1 // a write failed, and is reported at exit
				}
				p.errorf("read error: %s", strerror(err))
				code = 1
			}
			continue
		}
		if errors.Is(err, syscall.EISDIR) {
			p.errorf("read error: %s", strerror(err))
		} else {
			p.errorf("can't open '%s': %s", name, strerror(err))
		}
		code = 1
	}
	return code
}

// A stream is a process's stdout or stderr. It remembers its first error, and
// is no longer written to after it or when the process is to end.
type stream struct {
	ctx    context.Context
	killed <-chan struct{} // closed before ctx ends, and before files fail
	broken func()
	w      io.Writer

	mu  sync.Mutex
	err error // guarded by mu
}

func (s *stream) Write(b []byte) (int, error) {
	if err := s.failed(); err != nil {
		return 0, err
	}
	select {
	case <-s.killed: // what a killed process still writes is lost
		return 0, os.ErrClosed
	default:
	}
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := boundWrite(s.ctx, s.w, b)
	if err != nil && s.ctx.Err() == nil {
		s.mu.Lock()
		if s.err == nil {
			s.err = err
		}
		s.mu.Unlock()
		if errors.Is(err, syscall.EPIPE) {
			s.broken()
		}
	}
	return n, err
}

func (s *stream) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// strerror is C's: the text of the innermost error, which starts with a
// capital letter there.
func strerror(err error) string {
	for {
		var inner error
		switch e := err.(type) {
		case *fs.PathError:
			inner = e.Err
		case *os.LinkError:
			inner = e.Err
		case *os.SyscallError:
			inner = e.Err
		case *net.OpError:
			inner = e.Err
		}
		if inner == nil {
			break
		}
		err = inner
	}
	text := err.Error()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		text = "connection timed out"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// base is the last element of a path, for messages.
func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
