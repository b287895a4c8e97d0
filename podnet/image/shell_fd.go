package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"mvdan.cc/sh/v3/syntax"

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

func (s *shell) closeAll() {
	for n, f := range s.fds {
		f.close()
		delete(s.fds, n)
	}
}

// fdReader and fdWriter are what a process has as its streams. A closed one
// fails with EBADF.
func (s *shell) fdReader(n int) io.Reader {
	if f := s.fds[n]; f != nil && f.r != nil {
		return f.r
	}
	return badFD{}
}

func (s *shell) fdWriter(n int) io.Writer {
	if f := s.fds[n]; f != nil && f.w != nil {
		return f.w
	}
	return badFD{}
}

type badFD struct{}

func (badFD) Read([]byte) (int, error)  { return 0, syscall.EBADF }
func (badFD) Write([]byte) (int, error) { return 0, syscall.EBADF }

// redirect applies redirections to a copy of the shell's files. The shell goes
// on with it; what opened is in opened, to close when they end.
func (s *shell) redirect(ctx context.Context, redirs []*syntax.Redirect) (opened []*fd, err error) {
	fds := make(map[int]*fd, len(s.fds)+1)
	for n, f := range s.fds {
		fds[n] = f
	}
	s.fds = fds
	for _, r := range redirs {
		f, err := s.redirectOne(ctx, r)
		if f != nil {
			opened = append(opened, f)
		}
		if err != nil {
			return opened, err
		}
	}
	return opened, nil
}

func (s *shell) redirectOne(ctx context.Context, r *syntax.Redirect) (*fd, error) {
	n := 1
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		n = 0
	}
	if r.N != nil {
		var err error
		if n, err = strconv.Atoi(r.N.Value); err != nil {
			return nil, errSyntax("bad fd name")
		}
	}
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		f := &fd{r: strings.NewReader(s.hereDoc(ctx, r))}
		s.fds[n] = f
		return f, nil
	case syntax.WordHdoc:
		f := &fd{r: strings.NewReader(s.literal(ctx, r.Word) + "\n")}
		s.fds[n] = f
		return f, nil
	}
	word := s.literal(ctx, r.Word)
	if s.flow != flowNone {
		return nil, nil
	}
	if r.Op == syntax.DplIn || r.Op == syntax.DplOut {
		if word == "-" {
			delete(s.fds, n)
			return nil, nil
		}
		from, err := strconv.Atoi(word)
		if err != nil {
			return nil, errSyntax("bad fd number")
		}
		if s.fds[from] == nil {
			return nil, errors.New(word + ": Bad file descriptor")
		}
		s.fds[n] = s.fds[from]
		return nil, nil
	}
	flag := 0
	switch r.Op {
	case syntax.RdrIn:
		flag = os.O_RDONLY
	case syntax.RdrInOut:
		flag = os.O_RDWR | os.O_CREATE
	case syntax.AppOut, syntax.AppAll:
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	case syntax.RdrOut, syntax.RdrAll:
		flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if s.opts.noclobber {
			if info, err := s.c.FS().Stat(s.path(word)); err == nil && info.Mode().IsRegular() {
				return nil, redirError(word, flag, syscall.EEXIST)
			}
		}
	case syntax.RdrClob:
		flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	default:
		return nil, errSyntax("unexpected redirection")
	}
	f, err := s.openFD(word, flag)
	if err != nil {
		return nil, redirError(word, flag, err)
	}
	s.fds[n] = f
	if r.Op == syntax.RdrAll || r.Op == syntax.AppAll {
		s.fds[2] = f
	}
	return f, nil
}

func (s *shell) openFD(name string, flag int) (*fd, error) {
	if name == "" {
		return nil, syscall.ENOENT
	}
	file, err := s.c.FS().OpenFile(s.path(name), flag, 0o644)
	if err != nil {
		return nil, err
	}
	return newFD(file, flag), nil
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

// redirError words a failed open as ash does.
func redirError(name string, flag int, err error) error {
	verb := "open"
	text := strerror(err)
	switch {
	case flag&os.O_CREATE != 0:
		verb = "create"
		if errors.Is(err, fs.ErrNotExist) {
			text = "nonexistent directory"
		} else if errors.Is(err, fs.ErrExist) {
			text = "File exists"
		}
	case errors.Is(err, fs.ErrNotExist):
		text = "no such file"
	}
	return errors.New("can't " + verb + " " + name + ": " + text)
}

// hereDoc returns the text of a here-document.
func (s *shell) hereDoc(ctx context.Context, r *syntax.Redirect) string {
	if r.Hdoc == nil {
		return ""
	}
	if r.Op == syntax.DashHdoc {
		for _, part := range r.Hdoc.Parts {
			lit, ok := part.(*syntax.Lit)
			if !ok {
				continue
			}
			lines := strings.SplitAfter(lit.Value, "\n")
			for i, line := range lines {
				if i > 0 || part == r.Hdoc.Parts[0] {
					lines[i] = strings.TrimLeft(line, "\t")
				}
			}
			lit.Value = strings.Join(lines, "")
		}
	}
	if quoted(r.Word) {
		return r.Hdoc.Lit()
	}
	return s.document(ctx, r.Hdoc)
}

// quoted reports whether any part of a here-document's delimiter is quoted: its
// text is then not expanded.
func quoted(w *syntax.Word) bool {
	for _, part := range w.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok || strings.Contains(lit.Value, `\`) {
			return true
		}
	}
	return false
}
