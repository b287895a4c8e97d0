package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"podnet.dev/podnet"
)

// A job is a process that the shell does not wait for at once.
type job struct {
	pid    int
	done   chan struct{}
	status int // valid when done is closed
	end    *ending
}

// start runs a forked shell as a process of its own. argv is what ps shows. It
// returns when the process has its PID.
func (s *shell) start(ctx context.Context, sub *shell, argv []string, body func(ctx context.Context, sub *shell)) *job {
	j := &job{done: make(chan struct{}), end: newEnding()}
	pid := make(chan int, 1)
	cmd := podnet.Cmd{
		Args: argv, Env: sub.exported(), Dir: sub.dir,
		Stdin: sub.fdReader(0), Stdout: sub.fdWriter(1), Stderr: sub.fdWriter(2),
	}
	cmd.Program = func(ctx context.Context, c *podnet.Container) error {
		pid <- c.PID()
		j.end.of(c)
		code := sub.process(ctx, c, func(ctx context.Context) { body(ctx, sub) })
		j.end.note(ctx, code)
		if code != 0 {
			return podnet.ExitError{Code: code}
		}
		return nil
	}
	c := s.c
	go func() {
		defer close(j.done)
		err := c.Run(ctx, cmd)
		if errors.Is(err, podnet.ErrNotRunning) {
			sub.closeAll() // else the process does: even a killed one is still at it
		}
		j.status = exitStatus(err)
	}()
	select {
	case j.pid = <-pid:
	case <-j.done:
	}
	return j
}

// argv is what ps shows for a part of the shell that runs st: the command, if
// it is a plain one, or the shell's own command line.
func (s *shell) argv(st *syntax.Stmt) []string {
	if call, ok := st.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 {
		words := make([]string, len(call.Args))
		for i, w := range call.Args {
			if words[i] = w.Lit(); words[i] == "" {
				return []string{s.arg0}
			}
		}
		return words
	}
	return []string{s.arg0}
}

// background runs st &. Its stdin is /dev/null, as without job control.
func (s *shell) background(ctx context.Context, st *syntax.Stmt) {
	sub := s.fork()
	sub.fds[0].close()
	sub.fds[0] = &fd{r: strings.NewReader("")}
	fg := *st
	fg.Background = false
	// A background job outlives the shell, as an orphan of the container.
	j := s.start(context.WithoutCancel(ctx), sub, s.argv(st), func(ctx context.Context, sub *shell) { sub.last(ctx, &fg) })
	s.jobs = append(s.jobs, j)
	s.lastBg, s.status = j.pid, 0
}

// last runs a statement that is all that is left to do in this process: a
// program takes the process over, as after exec.
func (s *shell) last(ctx context.Context, st *syntax.Stmt) {
	if call, ok := st.Cmd.(*syntax.CallExpr); ok && !st.Negated && len(call.Assigns) == 0 && len(s.traps) == 0 {
		fds := s.fds
		opened, err := s.redirect(ctx, st.Redirs)
		if err != nil {
			s.fds = fds
			s.errorf("%s", err)
			s.exit(1)
			return
		}
		s.line = int(st.Pos().Line())
		args := s.fields(ctx, call.Args)
		if s.flow == flowNone && len(args) > 0 {
			s.traceArgs(args)
			if s.isProgram(args[0]) {
				s.exec(ctx, args)
			} else {
				s.command(ctx, args, true)
			}
		}
		s.fds = fds
		for _, f := range opened {
			f.close()
		}
		return
	}
	s.stmt(ctx, st)
}

func (s *shell) traceArgs(args []string) {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = quoteWord(a)
	}
	s.trace(words)
}

// isProgram reports whether the shell runs name by a process.
func (s *shell) isProgram(name string) bool {
	return s.funcs[name] == nil && builtins[name] == nil && !sharedBuiltins[name]
}

// pipeline runs a | b | c: every element is a process.
func (s *shell) pipeline(ctx context.Context, cmd *syntax.BinaryCmd) {
	var elements []*syntax.Stmt
	var both []bool // |& after this element
	var flatten func(st *syntax.Stmt, withErr bool)
	flatten = func(st *syntax.Stmt, withErr bool) {
		if b, ok := st.Cmd.(*syntax.BinaryCmd); ok && !st.Negated && len(st.Redirs) == 0 && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) {
			flatten(b.X, b.Op == syntax.PipeAll)
			flatten(b.Y, withErr)
			return
		}
		elements, both = append(elements, st), append(both, withErr)
	}
	flatten(cmd.X, cmd.Op == syntax.PipeAll)
	flatten(cmd.Y, false)

	jobs := make([]*job, len(elements))
	var prev *fd
	for i, st := range elements {
		sub := s.fork()
		if prev != nil {
			sub.fds[0].close()
			sub.fds[0] = prev
		}
		if i < len(elements)-1 {
			r, w := newPipe()
			sub.replace(1, &fd{w: w, closer: w})
			if both[i] {
				sub.replace(2, sub.fds[1].dup())
			}
			prev = &fd{r: r, closer: r}
		}
		jobs[i] = s.start(ctx, sub, s.argv(st), func(ctx context.Context, sub *shell) { sub.last(ctx, st) })
	}
	s.status = 0
	for i, j := range jobs {
		<-j.done // ends with ctx: the process is killed then
		if i == len(jobs)-1 || s.opts.pipefail && j.status != 0 {
			s.status = j.status
		}
	}
	if s.opts.pipefail {
		s.status = 0
		for _, j := range jobs {
			if j.status != 0 {
				s.status = j.status
			}
		}
	}
}

func (s *shell) replace(n int, f *fd) {
	if old := s.fds[n]; old != nil {
		old.close()
	}
	s.fds[n] = f
}

// external runs a program as a child process and waits for it.
func (s *shell) external(ctx context.Context, args []string) {
	x, ok := s.lookup(args[0], "")
	if !ok {
		return
	}
	st := s.startup()
	end := newEnding()
	err := s.c.Run(ctx, podnet.Cmd{
		Args: args, Env: st.env, Dir: st.dir, Stdin: st.in, Stdout: st.out, Stderr: st.err,
		Program: func(ctx context.Context, c *podnet.Container) error {
			end.of(c)
			err := s.img.exec(ctx, c, x, args, st)
			end.note(ctx, programStatus(err))
			return err
		},
	})
	if ctx.Err() != nil {
		s.stop(ctx)
		return
	}
	s.status = exitStatus(err)
	s.reportEnd(end)
}

// exec runs a program in the shell's own process.
func (s *shell) exec(ctx context.Context, args []string) {
	x, ok := s.lookup(args[0], "")
	if !ok {
		s.exit(s.status)
		return
	}
	// Its files close when it ends: the shell's own process does not go on.
	s.exit(programStatus(s.img.exec(s.raw, s.c, x, args, s.startup())))
}

// startup is what a program that the shell starts has.
func (s *shell) startup() startup {
	return startup{s.fdReader(0), s.fdWriter(1), s.fdWriter(2), s.exported(), s.dir}
}

// lookup finds a program, or says that there is none, for the built-in of that
// name if not empty, and sets the status.
func (s *shell) lookup(name, builtin string) (executable, bool) {
	x, err := s.img.find(s.c.FS(), s.dir, s.get("PATH"), name)
	if err == nil {
		return x, true
	}
	s.status = execFailed(err)
	text := strerror(err)
	if s.status == 127 && (errors.Is(err, fs.ErrNotExist) || !strings.Contains(name, "/")) {
		text = "not found"
	}
	if builtin != "" {
		s.builtinErrorf(builtin, "%s: %s", name, text)
	} else {
		s.errorf("%s: %s", name, text)
	}
	return executable{}, false
}

// wait waits for a job, until a trapped signal comes.
func (s *shell) wait(ctx context.Context, j *job) (status int) {
	var term chan struct{}
	if s.sig != nil {
		term = s.sig.term
	}
	select {
	case <-j.done:
		return j.status
	case <-term:
		if s.runTrap(ctx, "TERM"); s.flow != flowNone {
			return s.status
		}
		return 128 + 15
	case <-ctx.Done():
		return 128 + 15
	}
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

func (l *lockedWriter) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}
