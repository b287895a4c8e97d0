package image

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"podnet.dev/podnet"
)

// An fd is an open file of a shell, shared by its forks as an open file
// description is. It closes with its last holder.
type fd struct {
	r      io.Reader // nil if not open for reading
	w      io.Writer // nil if not open for writing
	closer io.Closer // nil for the streams that the process started with
	more   atomic.Int32
}

func (f *fd) dup() *fd {
	f.more.Add(1)
	return f
}

func (f *fd) close() {
	if f.more.Add(-1) < 0 && f.closer != nil {
		f.closer.Close()
	}
}

// files are a shell's open files by number, as one redirection left them; they
// do not change. A Runner has them as both its stdout and its stderr, and so
// keeps and restores them all with these two: its own streams would be three,
// and a stdin other than an os.File costs a pipe of the operating system.
//
// What the shell's commands write goes to the streams themselves. What is
// written to files is a message of interp's own.
type files struct {
	shell *shell
	fds   map[int]*fd
	own   *fd // what the redirection opened, to close when it ends
}

func (f *files) Read([]byte) (int, error) { return 0, syscall.EBADF }

func (f *files) Write(b []byte) (int, error) {
	f.shell.report(f, string(b))
	return len(b), nil
}

func (f *files) Close() error {
	if f.own != nil {
		f.own.close()
	}
	return nil
}

// with returns the files with another one as number n.
func (f *files) with(n int, to *fd) *files {
	next := &files{shell: f.shell, fds: maps.Clone(f.fds)}
	if next.fds[n] = to; to == nil {
		delete(next.fds, n)
	}
	return next
}

// fork returns the files as a copy of the shell holds them.
func (f *files) fork(s *shell) *files {
	for _, d := range f.fds {
		d.dup()
	}
	return &files{shell: s, fds: maps.Clone(f.fds)}
}

// take gives number n of a fork's files to another one.
func (f *files) take(n int, to *fd) {
	if old := f.fds[n]; old != nil {
		old.close()
	}
	f.fds[n] = to
}

// closeAll ends a fork's hold.
func (f *files) closeAll() {
	for n, d := range f.fds {
		d.close()
		delete(f.fds, n)
	}
}

// reader and writer are what a process has as its streams. A closed one fails
// with EBADF.
func (f *files) reader(n int) io.Reader {
	if d := f.fds[n]; d != nil && d.r != nil {
		return d.r
	}
	return badFD{}
}

func (f *files) writer(n int) io.Writer {
	if d := f.fds[n]; d != nil && d.w != nil {
		return d.w
	}
	return badFD{}
}

type badFD struct{}

func (badFD) Read([]byte) (int, error)  { return 0, syscall.EBADF }
func (badFD) Write([]byte) (int, error) { return 0, syscall.EBADF }

// redirect applies a redirection of number n. op is the rewriter's letter.
func (f *files) redirect(op byte, n int, arg, dir string) (*files, error) {
	switch op {
	case opText:
		return f.with(n, &fd{r: strings.NewReader(arg)}), nil
	case opLine:
		return f.with(n, &fd{r: strings.NewReader(arg + "\n")}), nil
	case opDup:
		if arg == "-" {
			return f.with(n, nil), nil
		}
		from, err := strconv.Atoi(arg)
		if err != nil {
			return nil, &fs.PathError{Path: "syntax error", Err: errSyntax("bad fd number")}
		}
		if f.fds[from] == nil {
			return nil, &fs.PathError{Path: arg, Err: errors.New(strerror(errBadDescriptor))}
		}
		return f.with(n, f.fds[from]), nil
	}
	flag := map[byte]int{
		opRead: os.O_RDONLY, opBoth: os.O_RDWR | os.O_CREATE, opAppend: os.O_WRONLY | os.O_CREATE | os.O_APPEND,
		opWrite: os.O_WRONLY | os.O_CREATE | os.O_TRUNC, opClobber: os.O_WRONLY | os.O_CREATE | os.O_TRUNC,
	}[op]
	fsys, name := f.shell.c.FS(), abs(dir, arg)
	if arg == "" {
		return nil, redirError(arg, flag, syscall.ENOENT)
	}
	if op == opWrite && f.shell.noclobber {
		if info, err := fsys.Stat(name); err == nil && info.Mode().IsRegular() {
			return nil, redirError(arg, flag, syscall.EEXIST)
		}
	}
	file, err := fsys.OpenFile(name, flag, 0o644)
	if err != nil {
		return nil, redirError(arg, flag, err)
	}
	to := newFD(file, flag)
	next := f.with(n, to)
	next.own = to
	return next, nil
}

func newFD(file podnet.File, flag int) *fd {
	f := &fd{closer: file}
	if flag&os.O_WRONLY == 0 {
		f.r = file
	}
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		f.w = file
	}
	return f
}

var errBadDescriptor = errors.New("bad file descriptor")

// redirError words a failed open as ash does.
func redirError(name string, flag int, err error) error {
	verb, text := "can't open", strerror(err)
	switch {
	case flag&os.O_CREATE != 0:
		verb = "can't create"
		if errors.Is(err, fs.ErrNotExist) {
			text = "nonexistent directory"
		} else if errors.Is(err, fs.ErrExist) {
			text = "File exists"
		}
	case errors.Is(err, fs.ErrNotExist):
		text = "no such file"
	}
	return &fs.PathError{Path: verb + " " + name, Err: errors.New(text)}
}

// lockedWriter is the output of a command substitution. A background process
// may write to it after the substitution is over: that is lost.
type lockedWriter struct {
	mu     sync.Mutex
	w      io.Writer // guarded by mu
	closed bool      // guarded by mu
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return len(b), nil
	}
	return l.w.Write(b)
}

func (l *lockedWriter) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}
