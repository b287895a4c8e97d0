package image

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

func (s *shell) stmts(ctx context.Context, list []*syntax.Stmt) {
	for _, st := range list {
		s.stmt(ctx, st)
		if s.flow != flowNone {
			return
		}
	}
}

func (s *shell) stmt(ctx context.Context, st *syntax.Stmt) {
	if s.runTraps(ctx); s.stop(ctx) {
		return
	}
	s.line = int(st.Pos().Line())
	if st.Background {
		s.background(ctx, st)
		return
	}
	if st.Negated {
		s.lenient++
	}
	s.redirected(ctx, st)
	if st.Negated {
		s.lenient--
		s.status = not(s.status)
		return
	}
	if s.opts.errexit && s.status != 0 && s.lenient == 0 && s.flow == flowNone && !andOr(st.Cmd) {
		s.flow = flowExit
	}
	s.runTraps(ctx)
}

func not(status int) int {
	if status == 0 {
		return 1
	}
	return 0
}

// andOr reports whether cmd is a list of && and ||, whose failure -e lets pass:
// its last command has been judged on its own.
func andOr(cmd syntax.Command) bool {
	b, ok := cmd.(*syntax.BinaryCmd)
	return ok && (b.Op == syntax.AndStmt || b.Op == syntax.OrStmt)
}

// redirected runs a statement with its redirections.
func (s *shell) redirected(ctx context.Context, st *syntax.Stmt) {
	if len(st.Redirs) == 0 {
		s.cmd(ctx, st.Cmd)
		return
	}
	old := s.fds
	opened, err := s.redirect(ctx, st.Redirs)
	keep := false
	if err != nil {
		s.fds = old
		s.errorf("%s", err)
		s.status = 1
		if call, ok := st.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 && specialBuiltins[call.Args[0].Lit()] {
			s.exit(1)
		}
	} else if s.flow == flowNone {
		if st.Cmd == nil {
			s.status = 0
		} else {
			s.cmd(ctx, st.Cmd)
		}
		keep, s.keep = s.keep, false
	}
	if keep { // exec: they last
		for _, f := range old {
			if !holds(s.fds, f) {
				f.close()
			}
		}
		return
	}
	s.fds = old
	for _, f := range opened {
		f.close()
	}
}

func holds(fds map[int]*fd, f *fd) bool {
	for _, g := range fds {
		if f == g {
			return true
		}
	}
	return false
}

func (s *shell) cmd(ctx context.Context, cmd syntax.Command) {
	switch cmd := cmd.(type) {
	case *syntax.CallExpr:
		s.call(ctx, cmd)
	case *syntax.Block:
		s.stmts(ctx, cmd.Stmts)
	case *syntax.Subshell:
		s.subshell(ctx, cmd.Stmts)
	case *syntax.BinaryCmd:
		switch cmd.Op {
		case syntax.AndStmt, syntax.OrStmt:
			s.lenient++
			s.stmt(ctx, cmd.X)
			s.lenient--
			if s.flow == flowNone && (s.status == 0) == (cmd.Op == syntax.AndStmt) {
				s.stmt(ctx, cmd.Y)
			}
		default:
			s.pipeline(ctx, cmd)
		}
	case *syntax.IfClause:
		s.ifClause(ctx, cmd)
	case *syntax.WhileClause:
		s.while(ctx, cmd)
	case *syntax.ForClause:
		s.forLoop(ctx, cmd)
	case *syntax.CaseClause:
		s.caseClause(ctx, cmd)
	case *syntax.FuncDecl:
		s.funcs[cmd.Name.Value] = cmd.Body
		s.status = 0
	case *syntax.DeclClause:
		s.declare(ctx, cmd)
	case *syntax.TestClause:
		s.testClause(ctx, cmd)
	case *syntax.LetClause:
		n := 0
		for _, x := range cmd.Exprs {
			n = s.arithm(ctx, x)
		}
		if s.flow == flowNone {
			s.status = bit(n == 0)
		}
	case *syntax.TimeClause:
		start := time.Now()
		if cmd.Stmt != nil {
			s.stmt(ctx, cmd.Stmt)
		}
		d := time.Since(start)
		fmt.Fprintf(s.stderr(), "real\t%dm %.2fs\nuser\t0m 0.00s\nsys\t0m 0.00s\n", int(d.Minutes()), (d % time.Minute).Seconds())
	default:
		s.syntaxError(errSyntax(fmt.Sprintf("unexpected %T", cmd)))
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// subshell runs ( … ): in a copy of the shell, in the same process.
func (s *shell) subshell(ctx context.Context, list []*syntax.Stmt) {
	sub := s.fork()
	sub.stmts(ctx, list)
	sub.exitTrap(ctx)
	sub.closeAll()
	s.status = sub.status
}

func (s *shell) ifClause(ctx context.Context, c *syntax.IfClause) {
	for ; c != nil; c = c.Else {
		if len(c.Cond) == 0 { // else
			s.stmts(ctx, c.Then)
			return
		}
		s.lenient++
		s.stmts(ctx, c.Cond)
		s.lenient--
		if s.flow != flowNone {
			return
		}
		if s.status == 0 {
			s.stmts(ctx, c.Then)
			return
		}
	}
	s.status = 0
}

func (s *shell) while(ctx context.Context, c *syntax.WhileClause) {
	last := 0
	for !s.stop(ctx) {
		runtime.Gosched() // a busy loop has to let others run, on one thread too
		s.loops++
		s.lenient++
		s.stmts(ctx, c.Cond)
		s.lenient--
		s.loops--
		if s.flow == flowNone && (s.status == 0) == c.Until {
			break
		}
		if s.flow == flowNone {
			s.loops++
			s.stmts(ctx, c.Do)
			s.loops--
			last = s.status
		}
		if s.loopLeft() {
			break
		}
	}
	if s.flow == flowNone {
		s.status = last
	}
}

// loopLeft handles break and continue at the end of a loop's turn, and reports
// whether the loop is over.
func (s *shell) loopLeft() bool {
	switch s.flow {
	case flowNone:
		return false
	case flowBreak:
		if s.levels--; s.levels == 0 {
			s.flow = flowNone
		}
		return true
	case flowContinue:
		if s.levels--; s.levels == 0 {
			s.flow = flowNone
			return false
		}
		return true
	}
	return true
}

func (s *shell) forLoop(ctx context.Context, c *syntax.ForClause) {
	it := c.Loop.(*syntax.WordIter)
	items := s.params
	if it.InPos.IsValid() {
		items = s.fields(ctx, it.Items)
	}
	if s.flow != flowNone {
		return
	}
	s.status = 0
	for _, item := range items {
		if s.assign(it.Name.Value, item); s.stop(ctx) {
			return
		}
		s.loops++
		s.stmts(ctx, c.Do)
		s.loops--
		if s.loopLeft() {
			return
		}
	}
}

func (s *shell) caseClause(ctx context.Context, c *syntax.CaseClause) {
	word := s.literal(ctx, c.Word)
	fall := false
	status := 0
	for _, item := range c.Items {
		match := fall
		for _, p := range item.Patterns {
			if match || s.flow != flowNone {
				break
			}
			match = matches(s.pattern(ctx, p), word)
		}
		if s.flow != flowNone {
			return
		}
		if !match {
			continue
		}
		s.status = 0
		s.stmts(ctx, item.Stmts)
		status = s.status
		if fall = item.Op == syntax.Fallthrough; !fall || s.flow != flowNone {
			return
		}
	}
	s.status = status
}

// matches is fnmatch(3).
func matches(pat, word string) bool {
	re, err := patternRegexp(pat)
	return err == nil && re.MatchString(word)
}

// call runs a simple command.
func (s *shell) call(ctx context.Context, c *syntax.CallExpr) {
	s.substed = false
	args := s.fields(ctx, c.Args)
	if s.flow != flowNone {
		return
	}
	if len(args) == 0 {
		if !s.substed {
			s.status = 0
		}
		trace := []string{}
		for _, as := range c.Assigns {
			name, value := s.assignment(ctx, as)
			if s.flow != flowNone {
				return
			}
			s.assign(name, value)
			trace = append(trace, name+"="+quoteWord(value))
		}
		s.trace(trace)
		return
	}
	var temp []string
	var saved []expand.Variable
	trace := []string{}
	for _, as := range c.Assigns {
		name, value := s.assignment(ctx, as)
		if s.flow != flowNone {
			return
		}
		temp, saved = append(temp, name), append(saved, s.vars[name])
		trace = append(trace, name+"="+quoteWord(value))
		if s.assign(name, value); s.flow != flowNone {
			return
		}
		s.export(name)
	}
	for _, a := range args {
		trace = append(trace, quoteWord(a))
	}
	s.trace(trace)
	s.command(ctx, args, true)
	if specialBuiltins[args[0]] {
		return // assignments before a special built-in stay, as POSIX has it
	}
	for i := len(temp) - 1; i >= 0; i-- {
		if saved[i].Declared() {
			s.vars[temp[i]] = saved[i]
		} else {
			delete(s.vars, temp[i])
		}
	}
}

func (s *shell) assignment(ctx context.Context, as *syntax.Assign) (name, value string) {
	name = as.Name.Value
	if as.Value != nil {
		value = s.literal(ctx, as.Value)
	}
	if as.Append {
		value = s.get(name) + value
	}
	return name, value
}

// trace prints a command for set -x.
func (s *shell) trace(words []string) {
	if s.opts.xtrace && len(words) > 0 {
		fmt.Fprintf(s.stderr(), "+ %s\n", strings.Join(words, " "))
	}
}

// quoteWord quotes a word if it needs it, as ash does.
func quoteWord(w string) string {
	plain := func(r rune) bool {
		return r == '_' || r == '-' || r == '/' || r == '.' || r == ':' || r == ',' || r == '+' || r == '@' || r == '%' || r == '=' ||
			'0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r > 127
	}
	if w != "" && strings.TrimFunc(w, plain) == "" {
		return w
	}
	return quoteAlways(w)
}

func quoteAlways(w string) string { return "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'" }

// command runs a command by its words: a special built-in, a function, a
// built-in, or a program. functions is false for those that "command" runs.
func (s *shell) command(ctx context.Context, args []string, functions bool) {
	name := args[0]
	if body := s.funcs[name]; body != nil && functions && !specialBuiltins[name] {
		s.function(ctx, body, args[1:])
		return
	}
	if b := builtins[name]; b != nil {
		s.status = b(ctx, s, args)
		return
	}
	if b, ok := s.img.commands[name]; ok && sharedBuiltins[name] {
		p := s.proc(ctx, args)
		s.status = b.run(ctx, p)
		if err := p.out.failed(); err != nil && s.flow == flowNone {
			s.errorf("write error: %s", strerror(err))
			s.status = 1
		}
		return
	}
	s.external(ctx, args)
}

// proc is this shell as a process that runs one of its commands itself.
func (s *shell) proc(ctx context.Context, args []string) *proc {
	p := newProc(ctx, s.img, s.c, args, s.startup())
	p.name = s.applet
	p.brokenPipe = func() { s.exit(128 + 13) }
	return p
}

func (s *shell) function(ctx context.Context, body *syntax.Stmt, args []string) {
	params, loops := s.params, s.loops
	s.params, s.loops = args, 0
	s.funcsIn++
	s.locals = append(s.locals, map[string]expand.Variable{})
	s.status = 0
	s.stmt(ctx, body)
	for name, old := range s.locals[len(s.locals)-1] {
		if old.Declared() {
			s.vars[name] = old
		} else {
			delete(s.vars, name)
		}
	}
	s.locals = s.locals[:len(s.locals)-1]
	s.funcsIn--
	s.params, s.loops = params, loops
	if s.flow == flowReturn {
		s.flow = flowNone
	}
}
