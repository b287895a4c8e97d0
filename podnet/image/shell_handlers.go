package image

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// filesOf returns the open files of the command that a handler is called for.
// In a command substitution interp has put another stdout in their place.
func filesOf(ctx context.Context) *files {
	hc := interp.HandlerCtx(ctx)
	if f, ok := hc.Stdout.(*files); ok {
		return f
	}
	return hc.Stderr.(*files)
}

func isFiles(w io.Writer) bool {
	_, ok := w.(*files)
	return ok
}

// onCall is interp's CallHandler: it says what runs a simple command. A name
// that starts with mark is onExec's, any other one's function or built-in is
// interp's.
func onCall(ctx context.Context, args []string) ([]string, error) {
	runtime.Gosched() // a busy loop has to let others run, on one thread too
	s := shellOf(ctx)
	if args[0] == mark+"failed" {
		return args, nil
	}
	s.exempt = false
	s.line = int(interp.HandlerCtx(ctx).Pos.Line())
	if s.traced {
		s.traced = false
		s.trace(ctx, args)
	}
	if s.signalled() {
		return append([]string{mark + "trapped"}, args...), nil
	}
	last := args[0] == mark+"last"
	if last {
		if args = args[1:]; len(args) == 0 {
			return []string{":"}, nil // its words came to nothing
		}
	}
	if s.runner.Funcs[args[0]] != nil {
		return args, nil
	}
	return s.resolve(ctx, args, last), nil
}

// resolve is onCall for a command that is no function.
func (s *shell) resolve(ctx context.Context, args []string, last bool) []string {
	name := args[0]
	if strings.HasPrefix(name, mark) {
		return args
	}
	if name == "command" && len(args) > 1 {
		rest := args[1:]
		for len(rest) > 0 && (rest[0] == "-p" || rest[0] == "--") {
			rest = rest[1:]
		}
		if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			if rest = s.resolve(ctx, rest, last); interp.IsBuiltin(rest[0]) && s.runner.Funcs[rest[0]] != nil {
				rest = append([]string{"command"}, rest...)
			}
			return rest
		}
	}
	if args, ok := s.native(ctx, args); ok {
		return args
	}
	switch {
	case builtins[name] != nil && !slices.Contains(internalBuiltins, name):
		return append([]string{mark + name}, args[1:]...)
	case last && len(s.traps) == 0:
		return append([]string{"exec", mark + "exec", ""}, args...)
	}
	return append([]string{mark + "run"}, args...)
}

// trace shows a command for set -x.
func (s *shell) trace(ctx context.Context, args []string) {
	if args[0] == mark+"last" || args[0] == mark+"time" {
		args = args[1:]
	} else if strings.HasPrefix(args[0], mark) {
		return
	}
	words := make([]string, len(args))
	for i, w := range args {
		if words[i] = w; strings.TrimFunc(w, plain) != "" {
			words[i] = quoteAlways(w)
		}
	}
	fmt.Fprintf(s.stderr(ctx), "+ %s\n", strings.Join(words, " "))
}

// plain reports whether ash shows a character without quotes.
func plain(r rune) bool {
	return strings.ContainsRune("_-/.:,+@]^", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// native prepares the built-ins that interp runs. It reports false for a name
// that is none of them.
func (s *shell) native(ctx context.Context, args []string) ([]string, bool) {
	number := func(least int) (int, bool) {
		if len(args) < 2 {
			return 1, true
		}
		n, err := parseUint(args[1])
		if err != nil || n < least {
			s.builtinErrorf(ctx, args[0], "Illegal number: %s", args[1])
			return 0, false
		}
		args = args[:2]
		return n, true
	}
	fatal := []string{"exit", "2"}
	switch args[0] {
	case ":", "true", "false", "hash", "unset", "getopts":
	case "exec":
		if len(args) > 1 && args[1] == "--" {
			args = append(args[:1:1], args[2:]...)
		}
		if len(args) > 1 {
			args = append([]string{"exec", mark + "exec", "exec"}, args[1:]...)
		}
	case "exit", "return":
		n, ok := number(0)
		if !ok {
			return fatal, true
		}
		s.returned = interp.HandlerCtx(ctx).LastExitStatus
		if len(args) > 1 {
			s.returned = n & 0xff
		}
		args = []string{args[0], strconv.Itoa(s.returned)}
	case "break", "continue":
		if _, ok := number(1); !ok {
			return fatal, true
		}
	case "shift":
		n, ok := number(0)
		if !ok {
			return fatal, true
		}
		if n > len(s.runner.Params) {
			return []string{"false"}, true
		}
	default:
		return nil, false
	}
	return args, true
}

// options takes the options that interp does not have, or does not show, out
// of the words of a set command. wrong is the first that is none.
func (s *shell) options(args []string) (rest []string, wrong string) {
	rest = args[:1:1]
	args = args[1:]
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') && args[0] != "--" {
		arg := args[0]
		sign, on := arg[:1], arg[0] == '-'
		args = args[1:]
		for _, letter := range arg[1:] {
			name := ""
			if letter == 'o' && len(args) > 0 {
				name, args = args[0], args[1:]
			}
			switch {
			case letter == 'C', name == "noclobber":
				s.noclobber = on
			case letter == 'e', name == "errexit":
				s.errexit = on
			case name == "pipefail":
				s.pipefail = on
			case name != "":
				i := strings.Index(" allexport noexec noglob nounset xtrace ", " "+name+" ")
				if i < 0 {
					return nil, sign + "o " + name
				}
				rest = append(rest, sign+"o", name)
			case strings.ContainsRune("anfux", letter):
				rest = append(rest, sign+string(letter))
			default:
				return nil, sign + string(letter)
			}
		}
	}
	return append(rest, args...), ""
}

// onExec is interp's exec handler: it runs what onCall left to it.
func onExec(ctx context.Context, args []string) error {
	s := shellOf(ctx)
	name, args := strings.TrimPrefix(args[0], mark), args[1:]
	var err error
	switch name {
	case "run":
		err = status(s.external(ctx, args))
	case "exec":
		return status(s.exec(ctx, args[1:], args[0]))
	case "trapped":
		if err := s.runTraps(ctx); err != nil {
			return err
		}
		return s.evalArgs(ctx, args)
	case "pipe", "bg", "sub":
		y := s.bodies.get(args[0])
		switch {
		case y == nil:
			err = status(s.external(ctx, []string{mark + name}))
		case name == "pipe":
			err = status(s.pipeline(ctx, y))
		case name == "bg":
			err = s.background(ctx, y)
		default:
			err = status(s.copied(ctx, y))
		}
	default:
		if b := builtins[name]; b != nil {
			err = b(ctx, s, append([]string{name}, args...))
		} else {
			err = status(s.external(ctx, append([]string{name}, args...)))
		}
	}
	if ctx.Err() != nil { // killed, or ended: see end
		return ctx.Err()
	}
	if err := s.runTraps(ctx); err != nil {
		return err
	}
	return err
}

// status is what a handler returns for a command's status.
func status(code int) error {
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(code)
}

// exit is what a handler returns to end the shell.
func (s *shell) exit(ctx context.Context, code int) error {
	return interp.HandlerCtx(ctx).Builtin(ctx, []string{"exit", strconv.Itoa(code)})
}

// evalIn runs a text in the middle of a command. The error is what the command
// is to return.
func (s *shell) evalIn(ctx context.Context, text string) error {
	text, done, err := s.bodies.text(text)
	if err != nil {
		s.builtinErrorf(ctx, "eval", "syntax error: %s", syntaxText(err))
		return s.exit(ctx, 2)
	}
	defer done()
	return interp.HandlerCtx(ctx).Builtin(ctx, []string{"eval", text})
}

// evalArgs runs a command by its words.
func (s *shell) evalArgs(ctx context.Context, args []string) error {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = quoteAlways(arg)
	}
	defer func(quiet bool) { s.quiet = quiet }(s.quiet)
	s.quiet = true
	return interp.HandlerCtx(ctx).Builtin(ctx, []string{"eval", strings.Join(words, " ")})
}

// assign sets a variable.
func (s *shell) assign(ctx context.Context, name string, value any) error {
	defer func(quiet bool) { s.quiet = quiet }(s.quiet)
	s.quiet = true
	return interp.HandlerCtx(ctx).Builtin(ctx, []string{"eval", name + "=" + quoteAlways(fmt.Sprint(value))})
}

func quoteAlways(w string) string { return "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'" }

// sourceFile is where "." finds the file that it was given, rewritten. No host
// has such a file, and it asks.
const sourceFile = "/\x00source"

// onOpen is interp's OpenHandler: it does every redirection.
func onOpen(ctx context.Context, name string, _ int, _ os.FileMode) (io.ReadWriteCloser, error) {
	s := shellOf(ctx)
	if name == sourceFile {
		return sourced{strings.NewReader(s.source)}, nil
	}
	arg, what := name, ""
	if i := strings.LastIndex(name, mark); i >= 0 {
		arg, what = name[:i], name[i+1:]
	}
	number, at, ok := strings.Cut(what, ":")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EINVAL}
	}
	line, n := atoi(at), atoi(number[1:])
	f, err := filesOf(ctx).redirect(number[0], n, arg, s.runner.Dir)
	if e, ok := err.(*fs.PathError); ok {
		e.Op = mark + s.prefix(line) // report passes it on
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

type sourced struct{ io.Reader }

func (sourced) Write([]byte) (int, error) { return 0, syscall.EBADF }
func (sourced) Close() error              { return nil }

// report passes on what interp itself writes: the lines of set -x, and its
// messages. Those end the shell, as the same errors do in ash.
func (s *shell) report(f *files, text string) {
	if line, ok := strings.CutPrefix(text, "+ "); ok {
		name, _, assignment := strings.Cut(line, "=")
		switch word, _, _ := strings.Cut(line, " "); {
		case s.quiet, word == "for", word == "case", word == "let", word == "[[": // ash does not show these
		case assignment && syntax.ValidName(strings.TrimSuffix(name, "+")):
			io.WriteString(s.out(f, 2), text)
		default: // a command: onCall comes next, and knows its words
			s.traced = true
		}
		return
	}
	if message, ok := strings.CutPrefix(text, mark); ok {
		io.WriteString(s.out(f, 2), message)
		return
	}
	text = strings.TrimSuffix(text, "\n")
	switch {
	case strings.HasSuffix(text, "is only useful in a loop"):
		return
	case strings.HasPrefix(text, "getopts: "):
		message, letter, _ := strings.Cut(text, " -- ")
		letter = strings.Trim(letter, `"`)
		if strings.Contains(message, "requires") {
			fmt.Fprintf(s.out(f, 2), "No arg for -%s option\n", letter)
		} else {
			fmt.Fprintf(s.out(f, 2), "Illegal option -%s\n", letter)
		}
		return
	case strings.HasPrefix(text, "local: can only"):
		fmt.Fprintf(s.out(f, 2), "%s: local: line %d: not in a function\n", s.arg0, s.builtinLine())
		s.end(2)
		return
	case strings.HasPrefix(text, "return: can only be done"):
		s.end(s.returned) // ash leaves the script
		return
	}
	s.errorf(f, "%s", messages.Replace(text))
	s.end(2)
}

// messages has interp's words on the left and ash's on the right.
var messages = strings.NewReplacer(
	": unbound variable", ": parameter not set",
	": readonly variable", ": is read only",
	"division by zero", "divide by zero",
	jobVar, "!",
)

// onReadDir, onStat and onAccess are interp's view of the file system.
func onReadDir(ctx context.Context, dir string) ([]fs.DirEntry, error) {
	return shellOf(ctx).c.FS().ReadDir(filepath.ToSlash(dir))
}

func onStat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	if fsys := shellOf(ctx).c.FS(); !follow {
		return fsys.Lstat(filepath.ToSlash(name))
	}
	return shellOf(ctx).c.FS().Stat(filepath.ToSlash(name))
}

// onAccess answers for root, who may read and write every file, and run what
// anyone may.
func onAccess(ctx context.Context, name string, mode interp.AccessMode) error {
	info, err := onStat(ctx, name, true)
	if err == nil && mode == interp.AccessExec && !info.IsDir() && info.Mode().Perm()&0o111 == 0 {
		err = syscall.EACCES
	}
	return err
}
