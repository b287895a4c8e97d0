package image

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// A builtin is a command that runs in the shell itself, in the place of interp's
// own or of a program. args has its name too. The error is a handler's.
type builtin func(ctx context.Context, s *shell, args []string) error

// builtins has the shell's own commands.
var builtins map[string]builtin

// nativeBuiltins are those that interp runs.
var nativeBuiltins = []string{":", ".", "break", "continue", "eval", "exec", "exit", "export", "false", "getopts", "hash", "let", "local", "readonly", "return", "shift", "source", "true", "unset", "command"}

// specialBuiltins are POSIX's.
var specialBuiltins = []string{".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "source", "times", "trap", "unset"}

func init() {
	builtins = map[string]builtin{
		".": biSource, "source": biSource, "eval": biEval, "cd": biCd, "chdir": biCd, "command": biCommand, "pwd": biPwd,
		"jobs": biNothing, "kill": biKill, "read": biRead, "times": biTimes, "trap": biTrap, "type": biType, "umask": biUmask,
		"wait": biWait, "time": biTime, "declared": biDeclared,
		"set": biSet, "status": biStatus, "failed": biFailed, "tested": biTested,
		"echo": biApplet, "printf": biApplet, "test": biApplet, "[": biApplet,
		"alias": biRefused, "bg": biRefused, "fc": biRefused, "fg": biRefused, "ulimit": biRefused, "unalias": biRefused,
	}
}

// internalBuiltins are those that no script calls by name: the rewriter and the
// handlers do.
var internalBuiltins = []string{"time", "declared", "status", "failed", "tested"}

func (s *shell) stdout(ctx context.Context) io.Writer { return s.out(filesOf(ctx), 1) }
func (s *shell) stderr(ctx context.Context) io.Writer { return s.out(filesOf(ctx), 2) }

func (s *shell) builtinErrorf(ctx context.Context, name, format string, args ...any) {
	fmt.Fprintf(s.stderr(ctx), "%s: %s: line %d: %s\n", s.arg0, name, s.builtinLine(), fmt.Sprintf(format, args...))
}

// builtinLine is the line that messages of built-ins name: of a file's, counted
// from 1; of a text's, from 0.
func (s *shell) builtinLine() int {
	if s.file {
		return s.line
	}
	return s.line - 1
}

// biRefused says that a built-in has nothing to act on here.
func biRefused(ctx context.Context, s *shell, args []string) error {
	s.builtinErrorf(ctx, args[0], "not supported")
	return status(2)
}

// biNothing is jobs: without job control there are none to list.
func biNothing(context.Context, *shell, []string) error { return nil }

func biUmask(ctx context.Context, s *shell, args []string) error {
	if len(args) > 1 {
		return biRefused(ctx, s, args)
	}
	fmt.Fprintln(s.stdout(ctx), "0022")
	return nil
}

func biTimes(ctx context.Context, s *shell, _ []string) error {
	fmt.Fprint(s.stdout(ctx), "0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n")
	return nil
}

// biApplet runs a command of the image that ash has in itself.
func biApplet(ctx context.Context, s *shell, args []string) error {
	p := s.proc(ctx, args)
	code := s.img.commands[args[0]].run(ctx, p)
	if err := p.out.failed(); err != nil && s.ending < 0 {
		s.errorf(filesOf(ctx), "write error: %s", strerror(err))
		code = 1
	}
	return status(code)
}

// proc is this shell as a process that runs one of its commands itself.
func (s *shell) proc(ctx context.Context, args []string) *proc {
	p := newProc(ctx, s.img, s.c, args, s.startup(ctx))
	p.name = s.applet
	p.brokenPipe = func() { s.end(128 + 13) }
	return p
}

func biEval(ctx context.Context, s *shell, args []string) error {
	return s.evalIn(ctx, strings.Join(args[1:], " "))
}

func biSource(ctx context.Context, s *shell, args []string) error {
	if len(args) < 2 {
		return nil
	}
	name, fsys := args[1], s.c.FS()
	file := abs(s.runner.Dir, name)
	if !strings.Contains(name, "/") {
		for _, d := range strings.Split(interp.HandlerCtx(ctx).Env.Get("PATH").String(), ":") {
			in := path.Join(abs(s.runner.Dir, d), name)
			if info, err := fsys.Stat(in); err == nil && info.Mode().IsRegular() {
				file = in
				break
			}
		}
	}
	text, err := fsys.ReadFile(file)
	if err != nil {
		s.builtinErrorf(ctx, args[0], "can't open '%s': %s", name, strerror(err))
		return s.exit(ctx, 2)
	}
	source, done, err := s.bodies.text(string(text))
	if err != nil {
		s.syntaxError(filesOf(ctx), err)
		return s.exit(ctx, 2)
	}
	defer done()
	s.source = source
	return interp.HandlerCtx(ctx).Builtin(ctx, append([]string{".", sourceFile}, args[2:]...))
}

// biTime is time command: a program of its own in busybox.
func biTime(ctx context.Context, s *shell, args []string) error {
	start := time.Now()
	err := s.evalArgs(ctx, args[1:])
	d := time.Since(start)
	fmt.Fprintf(s.stderr(ctx), "real\t%dm %.2fs\nuser\t0m 0.00s\nsys\t0m 0.00s\n", int(d.Minutes()), (d % time.Minute).Seconds())
	return err
}

func biCd(ctx context.Context, s *shell, args []string) error {
	for len(args) > 1 && (args[1] == "-L" || args[1] == "-P" || args[1] == "--") {
		args = args[1:]
	}
	env := interp.HandlerCtx(ctx).Env
	to := env.Get("HOME").String()
	if len(args) > 1 {
		to = args[1]
	}
	show := to == "-"
	if show {
		if to = env.Get("OLDPWD").String(); to == "" {
			to = s.runner.Dir
		}
	}
	old, dir := s.runner.Dir, path.Clean(abs(s.runner.Dir, to))
	info, err := s.c.FS().Stat(dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		s.builtinErrorf(ctx, "cd", "can't cd to %s: %s", to, strerror(err))
		return status(2)
	}
	s.runner.Dir = dir
	if show {
		fmt.Fprintln(s.stdout(ctx), dir)
	}
	if err := s.assign(ctx, "OLDPWD", old); err != nil {
		return err
	}
	return s.assign(ctx, "PWD", dir)
}

func biPwd(ctx context.Context, s *shell, args []string) error {
	dir := s.runner.Dir
	if len(args) > 1 && args[1] == "-P" {
		dir = realpath(s.c.FS(), dir)
	}
	fmt.Fprintln(s.stdout(ctx), dir)
	return nil
}

// biSet is set: without arguments it shows the variables.
func biSet(ctx context.Context, s *shell, args []string) error {
	if len(args) == 1 {
		s.list(ctx, func(name string, v expand.Variable) string { return name + "=" + quoteAlways(v.String()) })
		return nil
	}
	rest, wrong := s.options(args)
	if wrong != "" {
		s.builtinErrorf(ctx, "set", "illegal option %s", wrong)
		return s.exit(ctx, 2)
	}
	if err := s.onFailure(ctx); err != nil || len(rest) == 1 {
		return err
	}
	return interp.HandlerCtx(ctx).Builtin(ctx, rest)
}

// onFailure has interp call biFailed where a failed command is to end the shell.
// By interp's own errexit a loop or an if would end it too, if an && in it was
// the last to fail.
func (s *shell) onFailure(ctx context.Context) error {
	if !s.errexit {
		return nil
	}
	return interp.HandlerCtx(ctx).Builtin(ctx, []string{"trap", mark + "failed", "ERR"})
}

func biFailed(ctx context.Context, s *shell, _ []string) error {
	if s.errexit && !s.exempt {
		s.end(interp.HandlerCtx(ctx).LastExitStatus)
	}
	return nil
}

// biTested stands behind an && that errexit lets fail: see spare.
func biTested(ctx context.Context, s *shell, _ []string) error {
	s.exempt = true
	return status(interp.HandlerCtx(ctx).LastExitStatus)
}

// biStatus is what a copy of the shell and a trap start with: $? is args[1].
func biStatus(ctx context.Context, s *shell, args []string) error {
	if err := s.onFailure(ctx); err != nil {
		return err
	}
	s.exempt = true
	return status(atoi(args[1]))
}

// biDeclared is export and readonly without arguments.
func biDeclared(ctx context.Context, s *shell, args []string) error {
	s.list(ctx, func(name string, v expand.Variable) string {
		if args[1] == "export" && v.Exported || args[1] == "readonly" && v.ReadOnly {
			return args[1] + " " + name + "=" + quoteAlways(v.String())
		}
		return ""
	})
	return nil
}

func (s *shell) list(ctx context.Context, line func(string, expand.Variable) string) {
	lines := map[string]string{}
	for name, v := range interp.HandlerCtx(ctx).Env.Each {
		if delete(lines, name); v.IsSet() && !strings.HasPrefix(name, ownVars) {
			lines[name] = line(name, v)
		}
	}
	names := make([]string, 0, len(lines))
	for name, line := range lines {
		if line != "" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintln(s.stdout(ctx), lines[name])
	}
}

// biCommand is command -v or -V name. Without an option it does not come here.
func biCommand(ctx context.Context, s *shell, args []string) error {
	args = args[1:]
	verbose := ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-v" || args[0] == "-V" {
			verbose = args[0]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return nil
	}
	if verbose == "-V" {
		return biType(ctx, s, append([]string{"type"}, args...))
	}
	what, kind := s.describe(ctx, args[0])
	if kind == "" {
		return status(127)
	}
	fmt.Fprintln(s.stdout(ctx), what)
	return nil
}

func biType(ctx context.Context, s *shell, args []string) error {
	code, out := 0, s.stdout(ctx)
	for _, name := range args[1:] {
		what, kind := s.describe(ctx, name)
		switch kind {
		case "":
			fmt.Fprintf(out, "%s: not found\n", name)
			code = 127
		case "file":
			fmt.Fprintf(out, "%s is %s\n", name, what)
		default:
			fmt.Fprintf(out, "%s is a %s\n", name, kind)
		}
	}
	return status(code)
}

// describe says what a command name stands for, in the order of lookup.
func (s *shell) describe(ctx context.Context, name string) (what, kind string) {
	switch {
	case syntax.IsKeyword(name):
		return name, "shell keyword"
	case s.runner.Funcs[name] != nil:
		return name, "function"
	case slices.Contains(specialBuiltins, name):
		return name, "special shell builtin"
	case slices.Contains(nativeBuiltins, name), builtins[name] != nil && !slices.Contains(internalBuiltins, name):
		return name, "shell builtin"
	}
	x, err := s.find(ctx, name)
	if err != nil {
		return "", ""
	}
	return x.path, "file"
}

// biWait is wait [pid...].
func biWait(ctx context.Context, s *shell, args []string) error {
	if len(args) == 1 {
		for len(s.jobs) > 0 {
			code, ended := s.wait(ctx, s.jobs[0])
			if !ended {
				return status(code)
			}
			s.jobs = s.jobs[1:]
		}
		return nil
	}
	code := 0
	for _, arg := range args[1:] {
		pid, err := parseUint(strings.TrimPrefix(arg, "%"))
		if err != nil {
			s.builtinErrorf(ctx, "wait", "Illegal number: %s", arg)
			return status(2)
		}
		code = 127
		for i, j := range s.jobs {
			if j.pid != pid && !(strings.HasPrefix(arg, "%") && i+1 == pid) {
				continue
			}
			var ended bool
			if code, ended = s.wait(ctx, j); ended {
				j.end.report(s.stderr(ctx))
			}
			break
		}
	}
	return status(code)
}

// biKill is kill, with %1 for the shell's first job.
func biKill(ctx context.Context, s *shell, args []string) error {
	for i, a := range args {
		if n, err := parseUint(strings.TrimPrefix(a, "%")); strings.HasPrefix(a, "%") && err == nil && n > 0 && n <= len(s.jobs) {
			args[i] = fmt.Sprint(s.jobs[n-1].pid)
		}
	}
	code := kill(ctx, s.proc(ctx, args))
	// A signal to oneself has come when kill returns.
	if s.sig != nil && slices.Contains(args[1:], fmt.Sprint(s.c.PID())) {
		select {
		case <-s.raw.Done():
			select {
			case <-s.sig.delivered:
			case <-ctx.Done(): // it was SIGKILL
			}
		default:
		}
	}
	return status(code)
}

// biTrap is trap [action signal...].
func biTrap(ctx context.Context, s *shell, args []string) error {
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		for _, name := range signalNames {
			if action, ok := s.traps[name]; ok {
				fmt.Fprintf(s.stdout(ctx), "trap -- %s %s\n", quoteAlways(action), name)
			}
		}
		return nil
	}
	action := "-"
	if _, isSignal := signalNumber(args[0]); len(args) > 1 || !isSignal {
		action, args = args[0], args[1:]
	}
	for _, arg := range args {
		n, ok := signalNumber(arg)
		if !ok {
			s.errorf(filesOf(ctx), "trap: %s: invalid signal specification", arg)
			return status(1)
		}
		if action == "-" {
			delete(s.traps, signalNames[n])
		} else {
			s.traps[signalNames[n]] = action
		}
	}
	if s.sig != nil {
		s.sig.update(s.traps)
	}
	return nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// atoi is a number, or 0.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// parseUint reads a number without a sign.
func parseUint(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
