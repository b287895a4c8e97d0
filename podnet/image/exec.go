package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"podnet.dev/podnet"
)

// An executable is what a command name leads to.
type executable struct {
	path   string   // in the container
	script []string // the interpreter's words, for a file that starts with "#!"
}

// errFormat is what execve answers for a file that is no program.
var errFormat = errors.New("exec format error")

// find looks a command up as execvp does: a name with a slash is a path, any
// other is searched for in PATH. The error is the errno as [fs.PathError] has
// it, or errFormat.
func (u *userland) find(fsys *podnet.FS, dir, pathList, name string) (executable, error) {
	if strings.Contains(name, "/") {
		x, err := u.findFile(fsys, abs(dir, name))
		x.path = name // as execve is told it, and a script's $0
		return x, err
	}
	if name == "" {
		return executable{}, syscall.ENOENT
	}
	denied := error(nil)
	for _, d := range strings.Split(pathList, ":") {
		x, err := u.findFile(fsys, path.Join(abs(dir, d), name))
		if err == nil {
			return x, nil
		}
		if denied == nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			denied = err
		}
	}
	if denied != nil {
		return executable{}, denied
	}
	return executable{}, syscall.ENOENT
}

func (u *userland) findFile(fsys *podnet.FS, file string) (executable, error) {
	info, err := fsys.Stat(file)
	if err != nil {
		return executable{}, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return executable{}, &fs.PathError{Op: "exec", Path: file, Err: syscall.EACCES}
	}
	f, err := fsys.Open(file)
	if err != nil {
		return executable{}, err
	}
	defer f.Close()
	head := make([]byte, 256) // the kernel's BINPRM_BUF_SIZE
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return executable{}, err
	}
	first, _, _ := strings.Cut(string(head[:n]), "\n")
	switch {
	case first+"\n" == binaryMagic:
		return executable{path: file}, nil
	case strings.HasPrefix(first, "#!"):
		interp, arg, _ := strings.Cut(strings.TrimSpace(first[2:]), " ")
		x := executable{path: file, script: []string{interp}}
		if arg = strings.TrimSpace(arg); arg != "" {
			x.script = append(x.script, arg)
		}
		return x, nil
	}
	return executable{}, errFormat
}

// exec runs an executable as process c, with argv, and returns what a
// [podnet.Program] returns.
func (u *userland) exec(ctx context.Context, c *podnet.Container, x executable, argv []string, st startup) error {
	for range 5 { // the kernel's limit for interpreters of interpreters
		if x.script == nil {
			return u.execCommand(ctx, c, x, argv, st)
		}
		argv = append(append(x.script[:len(x.script):len(x.script)], x.path), argv[1:]...)
		var err error
		if x, err = u.findFile(c.FS(), abs(st.dir, argv[0])); err != nil {
			return err
		}
	}
	return syscall.ELOOP
}

func (u *userland) execCommand(ctx context.Context, c *podnet.Container, x executable, argv []string, st startup) error {
	cmd, ok := u.commands[path.Base(x.path)]
	if !ok {
		if len(argv) > 1 {
			cmd, ok = u.commands[argv[1]]
		}
		if ok {
			argv = argv[1:]
		} else {
			cmd = command{run: multicall}
		}
	}
	if cmd.signals {
		p := newProc(ctx, u, c, argv, st)
		return p.exit(context.WithoutCancel(ctx), cmd.run(ctx, p))
	}
	if c.PID() == 1 {
		// A process that handles no signal dies of SIGTERM, but PID 1 of a
		// namespace does not get a signal that it does not handle (signal(7)).
		var cancel context.CancelFunc
		ctx, cancel = killContext(ctx, c)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := newProc(ctx, u, c, argv, st)
	p.brokenPipe = cancel
	return p.exit(ctx, cmd.run(ctx, p))
}

// killContext returns a context that ends when c is killed, not when it gets
// SIGTERM.
func killContext(ctx context.Context, c *podnet.Container) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-c.Killed():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// execFailed returns the exit code for an error of find, as in every shell:
// 127 for what is not there, 126 for what cannot be run.
func execFailed(err error) int {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return 127
	}
	return 126
}

// abs makes name absolute, against dir. It keeps a trailing slash, which asks
// for a directory.
func abs(dir, name string) string {
	full := name
	if !strings.HasPrefix(name, "/") {
		full = dir + "/" + name
	}
	return full
}
