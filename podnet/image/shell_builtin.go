package image

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

// A builtin is a command that runs in the shell itself. args has its name too.
type builtin func(ctx context.Context, s *shell, args []string) int

// builtins has the shell's own commands, and sharedBuiltins those commands of
// the image that it runs itself, as ash does.
var (
	builtins       map[string]builtin
	sharedBuiltins = map[string]bool{"echo": true, "printf": true, "test": true, "[": true, "true": true, "false": true}
)

// specialBuiltins are POSIX's: an error in one ends the shell, assignments
// before one stay, and no function takes their place.
var specialBuiltins = map[string]bool{
	".": true, ":": true, "break": true, "continue": true, "eval": true, "exec": true, "exit": true, "export": true,
	"readonly": true, "return": true, "set": true, "shift": true, "source": true, "times": true, "trap": true, "unset": true,
}

func init() {
	builtins = map[string]builtin{
		":":    func(context.Context, *shell, []string) int { return 0 },
		"hash": func(context.Context, *shell, []string) int { return 0 }, // nothing is cached
		".":    biSource, "source": biSource, "cd": biCd, "chdir": biCd, "command": biCommand,
		"break": biLeave, "continue": biLeave, "eval": biEval, "exec": biExec, "exit": biExit,
		"getopts": biGetopts, "jobs": biJobs, "kill": biKill, "pwd": biPwd, "read": biRead, "return": biReturn,
		"set": biSet, "shift": biShift, "times": biTimes, "trap": biTrap, "type": biType, "ulimit": biRefused,
		"umask": biUmask, "unset": biUnset, "wait": biWait,
	}
}

// biRefused says that a built-in has nothing to act on here.
func biRefused(_ context.Context, s *shell, args []string) int {
	s.builtinErrorf(args[0], "not supported")
	return 2
}

func biUmask(ctx context.Context, s *shell, args []string) int {
	if len(args) > 1 {
		return biRefused(ctx, s, args)
	}
	fmt.Fprintln(s.stdout(), "0022")
	return 0
}

func biTimes(_ context.Context, s *shell, _ []string) int {
	fmt.Fprint(s.stdout(), "0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n")
	return 0
}

func biExit(_ context.Context, s *shell, args []string) int {
	status, ok := s.statusArg(args)
	if ok {
		s.flow = flowExit
	}
	return status
}

func biReturn(_ context.Context, s *shell, args []string) int {
	status, ok := s.statusArg(args)
	if ok {
		if s.flow = flowReturn; s.funcsIn == 0 {
			s.flow = flowExit // as ash does outside a function
		}
	}
	return status
}

func (s *shell) statusArg(args []string) (int, bool) {
	if len(args) < 2 {
		return s.status, true
	}
	n, err := parseUint(args[1])
	if err != nil {
		s.builtinErrorf(args[0], "Illegal number: %s", args[1])
		s.exit(2)
		return 2, false
	}
	return n & 0xff, true
}

func biLeave(_ context.Context, s *shell, args []string) int {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = parseUint(args[1]); err != nil || n == 0 {
			s.builtinErrorf(args[0], "Illegal number: %s", args[1])
			s.exit(2)
			return 2
		}
	}
	if n = min(n, s.loops); n > 0 {
		s.flow, s.levels = flowContinue, n
		if args[0] == "break" {
			s.flow = flowBreak
		}
	}
	return 0
}

func biEval(ctx context.Context, s *shell, args []string) int {
	s.status = 0
	s.run(ctx, strings.NewReader(strings.Join(args[1:], " ")))
	return s.status
}

func biExec(ctx context.Context, s *shell, args []string) int {
	if len(args) == 1 {
		s.keep = true
		return 0
	}
	if _, ok := s.lookup(args[1], "exec"); !ok {
		s.exit(s.status)
		return s.status
	}
	s.exec(ctx, args[1:])
	return s.status
}

func biSource(ctx context.Context, s *shell, args []string) int {
	if len(args) < 2 {
		return 0
	}
	name := args[1]
	file := s.path(name)
	if !strings.Contains(name, "/") {
		for _, d := range strings.Split(s.get("PATH"), ":") {
			if info, err := s.c.FS().Stat(path.Join(abs(s.dir, d), name)); err == nil && info.Mode().IsRegular() {
				file = path.Join(abs(s.dir, d), name)
				break
			}
		}
	}
	f, err := s.c.FS().Open(file)
	if err != nil {
		s.builtinErrorf(args[0], "can't open '%s': %s", name, strerror(err))
		s.exit(2)
		return 2
	}
	defer f.Close()
	params := s.params
	if len(args) > 2 {
		s.params = args[2:]
	}
	s.funcsIn++
	s.status = 0
	s.run(ctx, f)
	s.funcsIn--
	if len(args) > 2 {
		s.params = params
	}
	if s.flow == flowReturn {
		s.flow = flowNone
	}
	return s.status
}

func biCd(_ context.Context, s *shell, args []string) int {
	for len(args) > 1 && (args[1] == "-L" || args[1] == "-P" || args[1] == "--") {
		args = args[1:]
	}
	to := s.get("HOME")
	if len(args) > 1 {
		to = args[1]
	}
	show := to == "-"
	if show {
		if to = s.get("OLDPWD"); to == "" {
			to = s.dir
		}
	}
	dir := path.Clean(s.path(to))
	info, err := s.c.FS().Stat(dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		s.builtinErrorf("cd", "can't cd to %s: %s", to, strerror(err))
		return 2
	}
	old := s.dir
	s.dir = dir
	s.assign("OLDPWD", old)
	s.assign("PWD", dir)
	if show {
		fmt.Fprintln(s.stdout(), dir)
	}
	return 0
}

func biPwd(_ context.Context, s *shell, args []string) int {
	dir := s.dir
	if len(args) > 1 && args[1] == "-P" {
		dir = realpath(s.c.FS(), dir)
	}
	fmt.Fprintln(s.stdout(), dir)
	return 0
}

// path makes a name absolute, against the shell's directory.
func (s *shell) path(name string) string { return abs(s.dir, name) }

func biShift(_ context.Context, s *shell, args []string) int {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = parseUint(args[1]); err != nil {
			s.builtinErrorf("shift", "Illegal number: %s", args[1])
			s.exit(2)
			return 2
		}
	}
	if n > len(s.params) {
		return 0
	}
	s.params = s.params[n:]
	return 0
}

func biUnset(_ context.Context, s *shell, args []string) int {
	funcs := false
	for _, name := range args[1:] {
		switch {
		case name == "-f":
			funcs = true
		case name == "-v":
			funcs = false
		case funcs:
			delete(s.funcs, name)
		case s.vars[name].ReadOnly:
			s.builtinErrorf("unset", "%s: is read only", name)
			s.exit(2)
			return 2
		default:
			delete(s.vars, name)
		}
	}
	return 0
}

// biCommand is command [-vV] name [args].
func biCommand(ctx context.Context, s *shell, args []string) int {
	args = args[1:]
	verbose := ""
	for len(args) > 0 && (args[0] == "-v" || args[0] == "-V" || args[0] == "-p" || args[0] == "--") {
		if args[0] == "-v" || args[0] == "-V" {
			verbose = args[0]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return 0
	}
	switch verbose {
	case "-v":
		what, kind := s.describe(args[0])
		if kind == "" {
			return 127
		}
		fmt.Fprintln(s.stdout(), what)
		return 0
	case "-V":
		return biType(ctx, s, append([]string{"type"}, args...))
	}
	s.command(ctx, args, false)
	return s.status
}

func biType(_ context.Context, s *shell, args []string) int {
	status := 0
	for _, name := range args[1:] {
		what, kind := s.describe(name)
		switch kind {
		case "":
			fmt.Fprintf(s.stdout(), "%s: not found\n", name)
			status = 127
		case "file":
			fmt.Fprintf(s.stdout(), "%s is %s\n", name, what)
		default:
			fmt.Fprintf(s.stdout(), "%s is a %s\n", name, kind)
		}
	}
	return status
}

// describe says what a command name stands for, in the order of lookup.
func (s *shell) describe(name string) (what, kind string) {
	switch {
	case syntax.IsKeyword(name):
		return name, "shell keyword"
	case specialBuiltins[name]:
		return name, "special shell builtin"
	case s.funcs[name] != nil:
		return name, "shell function"
	case builtins[name] != nil, sharedBuiltins[name], name == "local", name == "export", name == "readonly", name == "let":
		return name, "shell builtin"
	}
	x, err := s.img.find(s.c.FS(), s.dir, s.get("PATH"), name)
	if err != nil {
		return "", ""
	}
	return x.path, "file"
}

// realpath resolves every link of a path, which exists.
func realpath(fsys interface {
	Readlink(string) (string, error)
	Lstat(string) (fs.FileInfo, error)
}, name string) string {
	rest := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	at := "/"
	for links := 0; len(rest) > 0; {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		info, err := fsys.Lstat(next)
		if err == nil && info.Mode()&os.ModeSymlink != 0 && links < 40 {
			to, err := fsys.Readlink(next)
			if err == nil {
				links++
				if strings.HasPrefix(to, "/") {
					at = "/"
				}
				rest = append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
				continue
			}
		}
		at = next
	}
	return at
}
