package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"math/rand/v2"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// environ shows a shell's variables and parameters to package expand.
type environ struct{ *shell }

var errReadOnly = errors.New("is read only")

func (e environ) Get(name string) expand.Variable {
	if user, ok := strings.CutPrefix(name, "HOME "); ok {
		// The only user with a home is root; another ~name stays as it is.
		// Without an answer package expand would ask the host.
		if user == "root" {
			return str("/root")
		}
		return str("~" + user)
	}
	switch name {
	case "@", "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: append([]string{}, e.params...)}
	case "#":
		return str(strconv.Itoa(len(e.params)))
	case "?":
		return str(strconv.Itoa(e.status))
	case "$":
		return str(strconv.Itoa(e.pid))
	case "!":
		if e.lastBg == 0 {
			return expand.Variable{}
		}
		return str(strconv.Itoa(e.lastBg))
	case "-":
		return str(e.flagLetters())
	case "0":
		return str(e.arg0)
	case "RANDOM":
		return str(strconv.Itoa(rand.IntN(32768)))
	}
	if n, err := parseUint(name); err == nil {
		if n > len(e.params) {
			return expand.Variable{}
		}
		return str(e.params[n-1])
	}
	return e.vars[name]
}

func (e environ) Each(f func(string, expand.Variable) bool) {
	for _, name := range e.names {
		if v, ok := e.vars[name]; ok && !f(name, v) {
			return
		}
	}
}

func (e environ) Set(name string, v expand.Variable) error {
	if !e.setVar(name, v) {
		return errReadOnly
	}
	return nil
}

func str(s string) expand.Variable {
	return expand.Variable{Set: true, Kind: expand.String, Str: s}
}

// setVar sets a variable, and keeps its attributes. It reports false for a
// read-only one.
func (s *shell) setVar(name string, v expand.Variable) bool {
	old, had := s.vars[name]
	if old.ReadOnly {
		return false
	}
	if !had && !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
	v.Exported = v.Exported || old.Exported || s.opts.allexport
	s.vars[name] = v
	return true
}

func (s *shell) get(name string) string { return environ{s}.Get(name).String() }

// assign is name=value. Assigning to a read-only variable ends the shell.
func (s *shell) assign(name, value string) {
	if !s.setVar(name, str(value)) {
		s.errorf("%s: is read only", name)
		s.exit(2)
	}
}

func (s *shell) export(name string) {
	v, had := s.vars[name]
	if !had && !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
	v.Exported = true
	s.vars[name] = v
}

// exported is the environment of a command.
func (s *shell) exported() []string {
	env := []string{}
	for _, name := range s.names {
		if v := s.vars[name]; v.Set && v.Exported {
			env = append(env, name+"="+v.Str)
		}
	}
	return env
}

// config returns what package expand needs of the shell.
func (s *shell) config(ctx context.Context) *expand.Config {
	cfg := &expand.Config{
		Env:     environ{s},
		NoUnset: s.opts.nounset,
		CmdSubst: func(w io.Writer, cs *syntax.CmdSubst) error {
			return s.substitute(ctx, w, cs.Stmts)
		},
	}
	if !s.opts.noglob {
		cfg.ReadDir2 = func(dir string) ([]fs.DirEntry, error) {
			return s.c.FS().ReadDir(filepath.ToSlash(dir))
		}
	}
	return cfg
}

// substitute runs a command substitution.
func (s *shell) substitute(ctx context.Context, w io.Writer, stmts []*syntax.Stmt) error {
	sub := s.fork()
	sub.fds[1] = &fd{w: &lockedWriter{w: w}}
	out := sub.fds[1].w.(*lockedWriter)
	sub.stmts(ctx, stmts)
	sub.exitTrap(ctx)
	sub.closeAll()
	out.close()
	s.status, s.substed = sub.status, true
	return nil
}

// expandFailed reports an expansion's error. It ends the shell, as POSIX asks
// of one that is not interactive.
func (s *shell) expandFailed(err error) {
	text := err.Error()
	if e, ok := errors.AsType[expand.UnsetParameterError](err); ok {
		name, message := e.Node.Param.Value, e.Message
		if message == "unbound variable" || message == "" {
			message = "parameter not set"
		}
		text = name + ": " + message
	}
	if text == "division by zero" {
		text = "divide by zero"
	}
	s.errorf("%s", text)
	s.exit(2)
}

func (s *shell) fields(ctx context.Context, words []*syntax.Word) []string {
	out, err := expand.Fields(s.config(ctx), words...)
	if err != nil {
		s.expandFailed(err)
		return nil
	}
	return out
}

func (s *shell) literal(ctx context.Context, w *syntax.Word) string {
	out, err := expand.Literal(s.config(ctx), w)
	if err != nil {
		s.expandFailed(err)
	}
	return out
}

func (s *shell) document(ctx context.Context, w *syntax.Word) string {
	out, err := expand.Document(s.config(ctx), w)
	if err != nil {
		s.expandFailed(err)
	}
	return out
}

func (s *shell) pattern(ctx context.Context, w *syntax.Word) string {
	out, err := expand.Pattern(s.config(ctx), w)
	if err != nil {
		s.expandFailed(err)
	}
	return out
}

func (s *shell) arithm(ctx context.Context, x syntax.ArithmExpr) int {
	n, err := expand.Arithm(s.config(ctx), x)
	if err != nil {
		s.expandFailed(err)
	}
	return n
}

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

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
