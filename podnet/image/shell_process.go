package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"

	"podnet.dev/podnet"
)

// process runs body as process c, with its signals, and returns the exit code.
// Used for a shell that was started by name, and for its forked parts.
func (s *shell) process(ctx context.Context, c *podnet.Container, body func(context.Context)) int {
	runCtx, cancel := killContext(ctx, c)
	defer cancel()
	s.c, s.raw, s.alive = c, ctx, runCtx
	s.sig = &signals{term: make(chan struct{}, 1), delivered: make(chan struct{})}
	s.sig.update(s.traps)
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		select {
		case <-ctx.Done():
			s.sig.deliver(c.PID() == 1, cancel)
		case <-runCtx.Done():
		}
	}()
	body(runCtx)
	s.exitTrap(runCtx)
	cancel()
	<-watch
	s.open.closeAll()
	return s.status
}

// signals is what a shell's process does about SIGTERM. A Container does not
// say which signal came: all that end a process by default count as SIGTERM.
type signals struct {
	term      chan struct{} // a SIGTERM that the script has a trap for, until it is noticed
	delivered chan struct{} // closed when a SIGTERM has been acted on

	mu      sync.Mutex
	trapped bool // guarded by mu; there is an action
	ignored bool // guarded by mu; the action is ""
}

// update learns the script's traps.
func (g *signals) update(traps map[string]string) {
	action, ok := traps["TERM"]
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trapped, g.ignored = ok && action != "", ok && action == ""
}

// deliver acts on a SIGTERM. Without a trap it ends the process, except PID 1,
// which does not get a signal that it does not handle.
func (g *signals) deliver(isInit bool, kill func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer close(g.delivered)
	switch {
	case g.trapped:
		g.term <- struct{}{}
	case !g.ignored && !isInit:
		kill()
	}
}

// signalled reports whether a trapped signal waits for its action.
func (s *shell) signalled() bool {
	if s.sig != nil && !s.pending {
		select {
		case <-s.sig.term:
			s.pending = true
		default:
		}
	}
	return s.pending
}

// runTraps runs the action for a signal that came meanwhile, in the middle of a
// command. The error is what the command is to return to end the shell.
func (s *shell) runTraps(ctx context.Context) error {
	if !s.signalled() {
		return nil
	}
	s.pending = false
	return s.evalIn(ctx, s.traps["TERM"]+"\n:")
}

// exitTrap runs the EXIT trap, once. Its own exit decides the status.
func (s *shell) exitTrap(ctx context.Context) {
	action := s.traps["EXIT"]
	if action == "" || ctx.Err() != nil {
		return
	}
	delete(s.traps, "EXIT")
	status := s.status
	s.ending = -1
	s.stmts(ctx, call(mark+"status", fmt.Sprint(status)))
	if s.eval(ctx, action); !s.runner.Exited() {
		s.status = status
	}
}

// A job is a process that the shell does not wait for at once.
type job struct {
	pid    int
	done   chan struct{}
	status int // valid when done is closed
	end    *ending
}

// spawn runs a forked shell as a process of its own. argv is what ps shows. It
// returns when the process has its PID.
func (s *shell) spawn(ctx context.Context, sub *shell, argv []string, y *body, i int) *job {
	j := &job{done: make(chan struct{}), end: newEnding()}
	pid := make(chan int, 1)
	if argv == nil {
		argv = []string{s.arg0}
	}
	cmd := podnet.Cmd{
		Args: argv, Env: s.exported(interp.HandlerCtx(ctx).Env), Dir: s.runner.Dir,
		Stdin: sub.open.reader(0), Stdout: sub.open.writer(1), Stderr: sub.open.writer(2),
	}
	cmd.Program = func(ctx context.Context, c *podnet.Container) error {
		pid <- c.PID()
		j.end.of(c)
		code := sub.process(ctx, c, func(ctx context.Context) { sub.runBody(ctx, y.stmts[i:i+1]) })
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
			sub.open.closeAll() // else the process does: even a killed one is still at it
		}
		j.status = exitStatus(err)
	}()
	select {
	case j.pid = <-pid:
	case <-j.done:
	}
	return j
}

// pipeline runs a | b | c: every element is a process.
func (s *shell) pipeline(ctx context.Context, y *body) int {
	jobs := make([]*job, len(y.stmts))
	var prev *fd
	for i := range y.stmts {
		sub := s.fork(ctx)
		sub.errexit = sub.errexit && !y.lenient
		if prev != nil {
			sub.open.take(0, prev)
		}
		if i < len(y.stmts)-1 {
			r, w := newPipe()
			sub.open.take(1, &fd{w: w, closer: w})
			if y.both[i] {
				sub.open.take(2, sub.open.fds[1].dup())
			}
			prev = &fd{r: r, closer: r}
		}
		jobs[i] = s.spawn(ctx, sub, y.argv[i], y, i)
	}
	status := 0
	for i, j := range jobs {
		<-j.done // ends with ctx: the process is killed then
		if i == len(jobs)-1 && (j.status != 0 || !s.pipefail) || s.pipefail && j.status != 0 {
			status = j.status
		}
	}
	return status
}

// background runs a job. Its stdin is /dev/null, as without job control.
func (s *shell) background(ctx context.Context, y *body) error {
	sub := s.fork(ctx)
	sub.open.take(0, &fd{r: strings.NewReader("")})
	// A background job outlives the shell, as an orphan of the container.
	j := s.spawn(context.WithoutCancel(ctx), sub, y.argv[0], y, 0)
	s.jobs = append(s.jobs, j)
	return s.assign(ctx, jobVar, j.pid)
}

// copied runs a subshell or a command substitution: in a copy of the shell, in
// the same process.
func (s *shell) copied(ctx context.Context, y *body) int {
	sub := s.fork(ctx)
	sub.errexit = sub.errexit && !y.lenient
	defer sub.open.closeAll()
	if w := interp.HandlerCtx(ctx).Stdout; !isFiles(w) {
		out := &lockedWriter{w: w}
		defer out.Close()
		sub.open.take(1, &fd{w: out})
		sub.errexit = false // as in ash; the assignment's own status counts
	}
	sub.runBody(ctx, y.stmts)
	return sub.status
}

// external runs a program as a child process and waits for it.
func (s *shell) external(ctx context.Context, args []string) int {
	x, status := s.lookup(ctx, args[0], "")
	if status != 0 {
		return status
	}
	st := s.startup(ctx)
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
	if ctx.Err() == nil {
		end.report(s.out(filesOf(ctx), 2))
	}
	return exitStatus(err)
}

// exec runs a program in the shell's own process.
func (s *shell) exec(ctx context.Context, args []string, builtin string) int {
	x, status := s.lookup(ctx, args[0], builtin)
	if status == 0 {
		clear(s.traps)
		// Its files close when it ends: the shell's own process does not go on.
		status = programStatus(s.img.exec(s.raw, s.c, x, args, s.startup(ctx)))
	}
	return status
}

// startup is what a program that the shell starts has.
func (s *shell) startup(ctx context.Context) startup {
	open := filesOf(ctx)
	return startup{open.reader(0), open.writer(1), open.writer(2), s.exported(interp.HandlerCtx(ctx).Env), s.runner.Dir}
}

// exported is the environment of a command: first what the shell started with.
func (s *shell) exported(env expand.Environ) []string {
	values := map[string]string{}
	for name, v := range env.Each {
		if delete(values, name); v.IsSet() && v.Exported && !strings.HasPrefix(name, ownVars) {
			values[name] = v.String()
		}
	}
	more := []string{}
	for name := range values {
		if !slices.Contains(s.env, name) {
			more = append(more, name)
		}
	}
	slices.Sort(more)
	list := []string{}
	for _, name := range append(s.env[:len(s.env):len(s.env)], more...) {
		if value, ok := values[name]; ok {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// lookup finds a program, or says that there is none, for the built-in of that
// name if not empty, and returns the status of that.
func (s *shell) lookup(ctx context.Context, name, builtin string) (executable, int) {
	x, err := s.find(ctx, name)
	if err == nil {
		return x, 0
	}
	status := execFailed(err)
	text := strerror(err)
	if status == 127 && (errors.Is(err, fs.ErrNotExist) || !strings.Contains(name, "/")) {
		text = "not found"
	}
	if builtin != "" {
		s.builtinErrorf(ctx, builtin, "%s: %s", name, text)
	} else {
		s.errorf(filesOf(ctx), "%s: %s", name, text)
	}
	return executable{}, status
}

func (s *shell) find(ctx context.Context, name string) (executable, error) {
	return s.img.find(s.c.FS(), s.runner.Dir, interp.HandlerCtx(ctx).Env.Get("PATH").String(), name)
}

// wait waits for a job, until a trapped signal comes.
func (s *shell) wait(ctx context.Context, j *job) (status int, ended bool) {
	var term chan struct{}
	if s.sig != nil {
		term = s.sig.term
	}
	select {
	case <-j.done:
		return j.status, true
	case <-term:
		s.pending = true
	case <-ctx.Done():
	}
	return 128 + 15, false
}

// An ending is how a child process ended, for the word about it that ash
// prints when a signal was the reason.
type ending struct {
	process chan *podnet.Container // the process, when it has started
	termed  atomic.Bool
}

func newEnding() *ending { return &ending{process: make(chan *podnet.Container, 1)} }

// of tells which process it is about.
func (e *ending) of(c *podnet.Container) { e.process <- c }

// note is called at the end of a process that was not killed.
func (e *ending) note(ctx context.Context, status int) {
	e.termed.Store(ctx.Err() != nil && status == 128+15)
}

// report prints the word. It is called once, when the process has ended.
func (e *ending) report(w io.Writer) {
	select {
	case c := <-e.process:
		select {
		case <-c.Killed():
			io.WriteString(w, "Killed\n")
			return
		default:
		}
	default:
	}
	if e.termed.Load() {
		io.WriteString(w, "Terminated\n")
	}
}
