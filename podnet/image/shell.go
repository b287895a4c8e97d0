package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"podnet.dev/podnet"
)

// A shell runs a script as busybox's ash does. The evaluator is package interp;
// a shell is what interp leaves to the system around it: processes, open files,
// signals, and the commands that are about those.
//
// interp has no way to take these over one by one, so a script is rewritten
// before it runs: see rewriter. Every external command, element of a pipeline
// and background job is a process of the container. A subshell in parentheses
// and a command substitution are not: they are copies of the shell in the same
// process, so ps does not show them and $$ does not tell them apart, as in
// every shell.
type shell struct {
	img    *userland
	c      *podnet.Container // the process that runs this shell
	applet string            // the shell's own name
	arg0   string            // $0, and the first word of messages
	file   bool              // the script is a file: messages name its lines

	runner *interp.Runner
	alive  context.Context // ends when the process is to end
	open   *files          // what it started with
	env    []string        // names of the environment that it started with, in order
	bodies *bodies         // of all that was rewritten; forks share it

	status    int                // of what ran last
	ending    int                // the exit status that it is to end with, or -1: see end
	halt      context.CancelFunc // of what runs
	errexit   bool
	exempt    bool   // the last failure is one that errexit lets pass
	line      int    // of the current command
	returned  int    // what the last return or exit was told
	source    string // the rewritten file that "." is about to read
	traced    bool   // set -x is to show the command that comes
	quiet     bool   // set -x does not show the command: it is the shell's own
	noclobber bool
	pipefail  bool

	// raw ends at the process's SIGTERM whatever traps there are; exec hands
	// it to the program that takes the process over.
	raw context.Context

	jobs    []*job
	sig     *signals          // nil in a copy that is no process
	pending bool              // a trapped signal has come and its action has not run
	traps   map[string]string // by "EXIT", "TERM", …
}

// shellKey is where a context has its shell.
type shellKey struct{}

func shellOf(ctx context.Context) *shell { return ctx.Value(shellKey{}).(*shell) }

// sh is the command: sh [-eufxnaC] [-o option] [-c script [name [args]] | file [args]]
func sh(ctx context.Context, p *proc) int {
	s := &shell{img: p.img, applet: p.name, arg0: p.name, ending: -1, bodies: &bodies{}, traps: map[string]string{}}
	script, params, ok := s.readArgs(p)
	if !ok {
		return 2
	}
	if c, isFile := script.r.(io.Closer); isFile {
		defer c.Close()
	}
	if err := s.start(p, params); err != nil {
		p.errorf("%s", err)
		return 2
	}
	return s.process(ctx, p.Container, func(ctx context.Context) {
		s.eval(ctx, "export PWD")
		s.stmts(ctx, call(mark+"status", "0"))
		s.run(ctx, script)
	})
}

// A script is the text that a shell was started with.
type script struct {
	r    io.Reader
	last bool // all of it is there: its last command may take the process over
}

// readArgs reads sh's command line. params is what its "set" would be given.
func (s *shell) readArgs(p *proc) (sc script, params []string, ok bool) {
	args := p.args
	command, stdin := false, false
	set := []string{"set"}
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		for _, letter := range arg[1:] {
			switch {
			case letter == 'c':
				command = true
			case letter == 's':
				stdin = true
			case letter == 'l' || letter == 'i':
				// as a login or interactive shell: no difference here
			case letter == 'o' && len(args) > 0:
				set = append(set, arg[:1]+"o", args[0])
				args = args[1:]
			default:
				set = append(set, arg[:1]+string(letter))
			}
		}
	}
	set, wrong := s.options(set)
	switch {
	case wrong != "":
		p.errorf("illegal option %s", wrong)
		return sc, nil, false
	case command && len(args) == 0:
		p.errorf("-c requires an argument")
		return sc, nil, false
	case command:
		sc = script{strings.NewReader(args[0]), true}
		if args = args[1:]; len(args) > 0 {
			s.arg0, args = args[0], args[1:]
		}
	case len(args) > 0 && !stdin:
		f, err := p.open(args[0])
		if err != nil {
			p.errorf("can't open '%s': %s", args[0], strerror(err))
			return sc, nil, false
		}
		sc = script{f, false}
		s.arg0, args, s.file = args[0], args[1:], true
	default:
		// A script on stdin is read byte by byte: what follows a command in it
		// is that command's input.
		sc = script{byteReader{p.in}, false}
	}
	return sc, append(append(set[1:], "--"), args...), true
}

type byteReader struct{ r io.Reader }

func (b byteReader) Read(p []byte) (int, error) { return b.r.Read(p[:min(1, len(p))]) }

// start makes the shell's Runner, with everything that a Runner would take from
// the host set to something of the container's.
func (s *shell) start(p *proc, params []string) error {
	s.open = &files{shell: s, fds: map[int]*fd{0: {r: p.in}, 1: {w: p.out.w}, 2: {w: p.err.w}}}
	env := &environ{starting: true, own: map[string]string{pidVar: fmt.Sprint(p.PID()), ppidVar: fmt.Sprint(p.parentPID())}}
	list := []string{"SHLVL=" + fmt.Sprint(atoi(p.Getenv("SHLVL"))+1), "PWD=" + p.Dir()}
	for _, e := range p.Env() {
		if name, _, ok := strings.Cut(e, "="); ok && syntax.ValidName(name) && name != "SHLVL" && name != "PWD" {
			list = append(list, e)
		}
	}
	for _, e := range list {
		name, _, _ := strings.Cut(e, "=")
		s.env = append(s.env, name)
	}
	env.Environ = expand.ListEnviron(list...)
	var err error
	s.runner, err = interp.New(
		func(r *interp.Runner) error { r.Dir = p.Dir(); return nil }, // interp.Dir asks the host for it
		interp.Env(env), interp.StdIO(nil, s.open, s.open), interp.Params(params...),
		interp.CallHandler(onCall), interp.OpenHandler(onOpen), interp.ReadDirHandler2(onReadDir),
		interp.StatHandler(onStat), interp.AccessHandler(onAccess),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return onExec }),
	)
	if err != nil {
		return err
	}
	s.runner.Reset()
	env.starting = false
	return nil
}

// environ is the outermost environment of a Runner. Runner.Reset asks the host
// for the variables that are not set here; it must find all of them set.
type environ struct {
	expand.Environ
	own      map[string]string // the variables that the rewriter puts in the place of $$ and $PPID
	starting bool
}

func (e *environ) Get(name string) expand.Variable {
	if value, ok := e.own[name]; ok {
		return str(value)
	}
	v := e.Environ.Get(name)
	if e.starting {
		switch name {
		case "TMPDIR":
			return str("/\x00") // no file is in it: interp opens some there on the host
		case "HOME", "UID", "EUID", "GID":
			v.Set = true
		}
	}
	return v
}

func (e *environ) Each(f func(string, expand.Variable) bool) {
	for name, value := range e.own {
		if !f(name, str(value)) {
			return
		}
	}
	e.Environ.Each(f)
}

func str(s string) expand.Variable {
	return expand.Variable{Set: true, Kind: expand.String, Str: s}
}

// run interprets a script, statement by statement as it is read: what stands
// before a syntax error has run by then, as in ash.
func (s *shell) run(ctx context.Context, sc script) {
	var held *syntax.Stmt // of a script that is all there: perhaps the last one
	one := func(st *syntax.Stmt, last bool) bool {
		if st == nil {
			return true
		}
		s.bodies.rewrite([]*syntax.Stmt{st}, last)
		return !s.stmts(ctx, st)
	}
	over := false
	err := eachStmt(sc.r, func(st *syntax.Stmt) bool {
		if sc.last {
			st, held = held, st
		}
		over = !one(st, false)
		return !over
	})
	if !over && !one(held, err == nil) {
		return
	}
	if err != nil {
		s.syntaxError(s.open, err)
		s.status = 2
	}
}

// stmts runs rewritten statements, and reports whether the shell is to end.
func (s *shell) stmts(ctx context.Context, list ...*syntax.Stmt) bool {
	within, halt := context.WithCancel(context.WithValue(ctx, shellKey{}, s))
	defer halt()
	s.halt = halt
	// A File, not a Stmt: its name is what $0 gives.
	err := s.runner.Run(within, &syntax.File{Name: s.arg0, Stmts: list})
	var exit interp.ExitStatus
	switch {
	case s.ending >= 0:
		s.status = s.ending
	case ctx.Err() != nil:
		s.status = 128 + 15
	case errors.As(err, &exit):
		s.status = int(exit)
	case err != nil:
		s.errorf(s.open, "%s", err)
		s.status = 2
	default:
		s.status = 0
	}
	return s.runner.Exited() || s.ending >= 0 || ctx.Err() != nil
}

// end ends the shell: nothing more of the script runs.
func (s *shell) end(status int) {
	if s.ending < 0 {
		s.ending = status
		s.halt()
	}
}

// eval runs a text as part of the script, outside of any command.
func (s *shell) eval(ctx context.Context, text string) {
	list, err := parse(text)
	if err != nil {
		s.syntaxError(s.open, err)
		s.status = 2
		return
	}
	s.bodies.rewrite(list, false)
	s.stmts(ctx, list...)
}

// fork copies the shell, as fork(2) does, in the middle of a command. The
// copy's open files are its own to close.
func (s *shell) fork(ctx context.Context) *shell {
	sub := *s
	sub.status = interp.HandlerCtx(ctx).LastExitStatus
	sub.runner = s.runner.Subshell()
	sub.open = filesOf(ctx).fork(&sub)
	interp.StdIO(nil, sub.open, sub.open)(sub.runner) // its only error is that of a stdin
	sub.jobs, sub.sig, sub.pending, sub.ending = nil, nil, false, -1
	sub.traps = map[string]string{}
	for name, action := range s.traps {
		if action == "" { // ignored signals stay ignored, others are reset
			sub.traps[name] = ""
		}
	}
	return &sub
}

// bodyFunc is the function that a copy of the shell runs its part in, so that
// return and local mean there what they mean in the function around it.
const bodyFunc = mark + "body"

// runBody runs a copy's part of the script, and its EXIT trap.
func (s *shell) runBody(ctx context.Context, list []*syntax.Stmt) {
	if s.runner.Funcs == nil {
		s.runner.Funcs = map[string]*syntax.Stmt{}
	}
	s.runner.Funcs[bodyFunc] = &syntax.Stmt{Cmd: &syntax.Block{Stmts: list}}
	if s.errexit {
		s.stmts(ctx, call(mark+"status", fmt.Sprint(s.status)))
	}
	body := call(bodyFunc)
	params := &syntax.DblQuoted{Parts: []syntax.WordPart{&syntax.ParamExp{Short: true, Param: &syntax.Lit{Value: "@"}}}}
	words := &body.Cmd.(*syntax.CallExpr).Args
	*words = append(*words, &syntax.Word{Parts: []syntax.WordPart{params}})
	s.stmts(ctx, body)
	s.exitTrap(ctx)
}

// errorf writes a message to the shell's stderr, after its name.
func (s *shell) errorf(open *files, format string, args ...any) {
	fmt.Fprint(s.out(open, 2), s.prefix(s.line)+" "+fmt.Sprintf(format, args...)+"\n")
}

// out is a stream for what the shell writes itself. What a killed process still
// writes is lost, and a write to a pipe that nobody reads ends the shell, as
// SIGPIPE does.
func (s *shell) out(open *files, n int) *stream {
	return &stream{ctx: s.alive, killed: s.c.Killed(), w: open.writer(n), broken: func() { s.end(128 + 13) }}
}

func (s *shell) prefix(line int) string {
	if s.file {
		return fmt.Sprintf("%s: line %d:", s.arg0, line)
	}
	return s.arg0 + ":"
}

func (s *shell) syntaxError(open *files, err error) {
	var pe syntax.ParseError
	if errors.As(err, &pe) {
		s.line = int(pe.Pos.Line())
	}
	s.errorf(open, "syntax error: %s", syntaxText(err))
}

// exitStatus returns the $? for what Run returned.
func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[podnet.ExitError](err); ok {
		return e.Code & 0xff
	}
	if errors.Is(err, context.Canceled) {
		return 128 + 9
	}
	return 126
}

// programStatus returns the exit code for what a Program returned.
func programStatus(err error) int {
	if errors.Is(err, context.Canceled) {
		return 128 + 15
	}
	return exitStatus(err)
}
