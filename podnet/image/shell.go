package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"podnet.dev/podnet"
)

// A shell runs a script as busybox's ash does. The grammar and the expansions
// are package syntax's and package expand's; the interpreter is here, because
// package interp needs operating-system pipes for stdin and pipelines (a wait
// on one stops the clock of a synctest bubble), traps no signals, and runs no
// part of a script as a process of its own.
//
// Every external command, element of a pipeline and background job is a process
// of the container. A subshell in parentheses and a command substitution are
// not: they are copies of the shell in the same process, so ps does not show
// them and $$ does not tell them apart, as in every shell.
type shell struct {
	img    *userland
	c      *podnet.Container // the process that runs this shell
	pid    int               // $$: of the shell that was started by name
	applet string            // the shell's own name
	arg0   string            // $0, and the first word of messages
	file   bool              // the script is a file: messages name its lines

	dir    string
	vars   map[string]expand.Variable
	names  []string // of vars, in the order in which they came
	params []string
	funcs  map[string]*syntax.Stmt
	opts   shellOpts
	fds    map[int]*fd

	status  int  // $?
	substed bool // a command substitution has set status
	flow    flow // why statements are being left
	levels  int  // how many loops flow has yet to leave
	loops   int  // around the current statement, in this function
	funcsIn int  // functions and sourced files around it
	locals  []map[string]expand.Variable
	lenient int  // >0 where a failure is a condition: -e does not apply
	keep    bool // exec without a command: redirections stay
	line    int  // of the current statement
	optWord int  // the OPTIND that getopts left
	optAt   int  // and its place in that word

	// raw ends at the process's SIGTERM whatever traps there are; exec hands
	// it to the program that takes the process over.
	raw context.Context

	alive context.Context // ends when the process is to end

	jobs   []*job
	lastBg int // $!
	sig    *signals
	traps  map[string]string // by "EXIT", "TERM", …
}

type shellOpts struct {
	errexit, nounset, xtrace, noglob, noexec, allexport, noclobber, pipefail bool
}

type flow int

const (
	flowNone flow = iota
	flowBreak
	flowContinue
	flowReturn
	flowExit
)

// sh is the command: sh [-eufxna] [-o option] [-c script [name [args]] | file [args]]
func sh(ctx context.Context, p *proc) int {
	s := &shell{
		img: p.img, c: p.Container, alive: ctx, pid: p.PID(), applet: p.name, arg0: p.name,
		dir: p.Dir(), vars: map[string]expand.Variable{}, funcs: map[string]*syntax.Stmt{},
		fds: map[int]*fd{0: {r: p.in}, 1: {w: p.out.w}, 2: {w: p.err.w}}, traps: map[string]string{},
	}
	for _, e := range p.Env() {
		if name, value, ok := strings.Cut(e, "="); ok && syntax.ValidName(name) {
			s.setVar(name, expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: value})
		}
	}
	s.assign("PWD", s.dir)
	s.export("PWD")
	s.assign("SHLVL", fmt.Sprint(atoi(s.get("SHLVL"))+1))
	s.export("SHLVL")
	s.assign("IFS", " \t\n")
	s.assign("OPTIND", "1")
	s.assign("PPID", fmt.Sprint(p.parentPID()))

	script, ok := s.readArgs(p)
	if !ok {
		return s.status
	}
	if c, isFile := script.(io.Closer); isFile {
		defer c.Close()
	}
	return s.process(ctx, p.Container, func(ctx context.Context) { s.run(ctx, script) })
}

// readArgs reads sh's command line and returns the script.
func (s *shell) readArgs(p *proc) (io.Reader, bool) {
	args := p.args
	command := false
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		for i := 1; i < len(arg); i++ {
			switch {
			case arg[i] == 'c':
				command = true
			case arg[i] == 's' || arg[i] == 'l' || arg[i] == 'i':
				// from stdin, and as a login or interactive shell: no difference here
			case arg[i] == 'o' && len(args) > 0:
				if !s.setOption(args[0], arg[0] == '-') {
					p.errorf("illegal option %s %s", arg[:1]+"o", args[0])
					s.status = 2
					return nil, false
				}
				args = args[1:]
			default:
				if !s.setFlag(arg[i], arg[0] == '-') {
					p.errorf("illegal option %c%c", arg[0], arg[i])
					s.status = 2
					return nil, false
				}
			}
		}
	}
	switch {
	case command && len(args) == 0:
		p.errorf("-c requires an argument")
		s.status = 2
		return nil, false
	case command:
		if len(args) > 1 {
			s.arg0 = args[1]
			s.params = args[2:]
		}
		return strings.NewReader(args[0]), true
	case len(args) > 0:
		f, err := p.open(args[0])
		if err != nil {
			p.errorf("can't open '%s': %s", args[0], strerror(err))
			s.status = 2
			return nil, false
		}
		s.arg0, s.params, s.file = args[0], args[1:], true
		return f, true
	}
	// A script on stdin is read byte by byte: what follows a command in it is
	// that command's input.
	return byteReader{p.in}, true
}

type byteReader struct{ r io.Reader }

func (b byteReader) Read(p []byte) (int, error) { return b.r.Read(p[:min(1, len(p))]) }

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
	s.closeAll()
	return s.status
}

// run interprets a script, statement by statement as it is read: what stands
// before a syntax error has run by then, as in ash.
func (s *shell) run(ctx context.Context, script io.Reader) {
	err := eachStmt(script, func(st *syntax.Stmt) bool {
		if !s.opts.noexec {
			s.stmt(ctx, st)
		}
		return s.flow == flowNone
	})
	if err != nil {
		s.syntaxError(err)
	}
}

// fork copies the shell, as fork(2) does. The copy's open files are its own to
// close.
func (s *shell) fork() *shell {
	sub := *s
	sub.vars = maps.Clone(s.vars)
	sub.names = s.names[:len(s.names):len(s.names)]
	sub.funcs = maps.Clone(s.funcs)
	sub.params = s.params[:len(s.params):len(s.params)]
	sub.jobs = nil
	sub.flow, sub.levels, sub.loops, sub.keep = flowNone, 0, 0, false
	sub.locals = make([]map[string]expand.Variable, len(s.locals))
	for i := range s.locals {
		sub.locals[i] = map[string]expand.Variable{}
	}
	sub.traps = map[string]string{}
	for name, action := range s.traps {
		if action == "" { // ignored signals stay ignored, others are reset
			sub.traps[name] = ""
		}
	}
	sub.sig = nil
	sub.fds = make(map[int]*fd, len(s.fds))
	for n, f := range s.fds {
		sub.fds[n] = f.dup()
	}
	return &sub
}

// stop reports whether the shell is to do no more, and makes it leave.
func (s *shell) stop(ctx context.Context) bool {
	if s.flow != flowNone {
		return true
	}
	if ctx.Err() != nil {
		s.exit(128 + 15)
		return true
	}
	return false
}

func (s *shell) exit(status int) {
	s.status, s.flow = status&0xff, flowExit
}

// errorf writes a message to the shell's stderr, after its name.
func (s *shell) errorf(format string, args ...any) {
	at := ""
	if s.file {
		at = fmt.Sprintf("line %d: ", s.line)
	}
	fmt.Fprintf(s.stderr(), "%s: %s"+format+"\n", append([]any{s.arg0, at}, args...)...)
}

// builtinErrorf is errorf for a built-in command.
func (s *shell) builtinErrorf(name, format string, args ...any) {
	line := s.line
	if !s.file {
		line--
	}
	fmt.Fprintf(s.stderr(), "%s: %s: line %d: "+format+"\n", append([]any{s.arg0, name, line}, args...)...)
}

func (s *shell) syntaxError(err error) {
	s.errorf("syntax error: %s", syntaxText(err))
	s.exit(2)
}

// stdout and stderr are for what the shell writes itself. What a killed process
// still writes is lost, and a write to a pipe that nobody reads ends the shell,
// as SIGPIPE does.
func (s *shell) stdout() io.Writer { return s.stream(1) }
func (s *shell) stderr() io.Writer { return s.stream(2) }

func (s *shell) stream(n int) *stream {
	return &stream{ctx: s.alive, killed: s.c.Killed(), w: s.fdWriter(n), broken: func() { s.exit(128 + 13) }}
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
