package image

import (
	"fmt"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// mark starts the names of the shell's own commands, and of what the rewriter
// puts into redirections. No script has it in a name.
const mark = "\x01"

// The variables that stand for $$, $PPID and $!, which interp takes from the
// host or numbers by itself.
const (
	ownVars = "__podnet_"
	pidVar  = ownVars + "pid"
	ppidVar = ownVars + "ppid"
	jobVar  = ownVars + "job"
	onceVar = ownVars + "once"
)

// The redirections as [files.redirect] knows them.
const (
	opRead    = 'r' // <
	opBoth    = 'b' // <>
	opWrite   = 'w' // >
	opClobber = 'c' // >|
	opAppend  = 'a' // >>
	opDup     = 'd' // <& and >&
	opText    = 'h' // a here-document
	opLine    = 's' // <<<
)

var redirOps = map[syntax.RedirOperator]byte{
	syntax.RdrIn: opRead, syntax.RdrInOut: opBoth, syntax.RdrOut: opWrite, syntax.RdrClob: opClobber, syntax.AppOut: opAppend,
	syntax.DplIn: opDup, syntax.DplOut: opDup, syntax.Hdoc: opText, syntax.DashHdoc: opText, syntax.WordHdoc: opLine,
	syntax.RdrAll: opWrite, syntax.AppAll: opAppend,
}

// A body is a part of a script that a copy of the shell runs: the elements of a
// pipeline, one by one, or the statements of a subshell or background job.
type body struct {
	stmts []*syntax.Stmt
	both  []bool     // of a pipeline: |& after this element
	argv  [][]string // of each, as ps shows it

	lenient bool // its failure is asked for: errexit does not apply
}

// bodies are the bodies of all that was rewritten, by name.
type bodies struct {
	mu   sync.Mutex
	last int              // guarded by mu
	list map[string]*body // guarded by mu
}

func (b *bodies) add(y *body) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.list == nil {
		b.list = map[string]*body{}
	}
	b.last++
	name := fmt.Sprint(b.last)
	b.list[name] = y
	return name
}

func (b *bodies) get(name string) *body {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list[name]
}

// text rewrites a text for one of interp's commands that parse what they run.
// The caller calls done when it has run.
func (b *bodies) text(src string) (text string, done func(), err error) {
	list, err := parse(src)
	if err != nil {
		return "", nil, err
	}
	rw := &rewriter{bodies: b}
	rw.list(list)
	var out strings.Builder
	if err := syntax.NewPrinter().Print(&out, &syntax.File{Stmts: list}); err != nil {
		return "", nil, err
	}
	return out.String(), func() {
		if rw.lasting {
			return // a function or a background job may need its bodies later
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, name := range rw.names {
			delete(b.list, name)
		}
	}, nil
}

// rewrite rewrites statements in place. last says that a plain command among
// them is all that is left to do in this process.
func (b *bodies) rewrite(list []*syntax.Stmt, last bool) {
	if last {
		takeOver(list)
	}
	(&rewriter{bodies: b}).list(list)
}

// A rewriter turns a script into one that interp runs as ash would, in the
// container. It replaces
//
//   - pipelines, subshells, command substitutions and background jobs by
//     commands of the shell's own, which run their bodies;
//   - every redirection by one that [files] does;
//   - the parameters and home directories that interp asks the host for;
//   - lists that "break" would not leave, and those that "set -e" would: see
//     leaveLists and spare.
type rewriter struct {
	bodies  *bodies
	names   []string // of the bodies
	lasting bool     // some may be needed when the text has run
	lenient map[syntax.Command]bool
}

func (rw *rewriter) list(list []*syntax.Stmt) {
	leaveLists(list)
	for _, st := range list {
		rw.spare(st, false, false)
		rw.node(st)
	}
}

func (rw *rewriter) node(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			rw.stmt(n)
		case *syntax.FuncDecl:
			rw.lasting = true
		case *syntax.CallExpr:
			literalBraces(n.Args)
		case *syntax.ForClause:
			if it, ok := n.Loop.(*syntax.WordIter); ok {
				literalBraces(it.Items)
			}
		case *syntax.CmdSubst:
			if len(n.Stmts) > 0 {
				n.Stmts = []*syntax.Stmt{{Position: n.Stmts[0].Position, Cmd: rw.call("sub", n.Pos(), &body{stmts: n.Stmts})}}
			}
		case *syntax.Word:
			home(n)
			lonelyDollars(n.Parts)
		case *syntax.DblQuoted:
			lonelyDollars(n.Parts)
			for _, part := range n.Parts {
				if p, ok := part.(*syntax.ParamExp); ok && p.Exp != nil && p.Exp.Word != nil {
					literalQuotes(p.Exp)
				}
			}
		case *syntax.ParamExp:
			if n.Param.Value[0] >= '1' && n.Param.Value[0] <= '9' && len(n.Param.Value) > 1 { // interp has nine
				n.Slice = &syntax.Slice{Offset: word(n.Param.Value), Length: word("1")}
				n.Param.Value = "@"
			}
			if to := map[string]string{"$": pidVar, "PPID": ppidVar, "!": jobVar}[n.Param.Value]; to != "" {
				n.Param.Value, n.Short = to, false
			}
		case *syntax.ArithmExp:
			arithmetic(n.X)
		case *syntax.UnaryTest:
			if n.Op == syntax.TsUsrOwn || n.Op == syntax.TsGrpOwn {
				n.Op = syntax.TsExists // the container's user is root; interp asks who the host's is
			}
		}
		return true
	})
}

func (rw *rewriter) stmt(st *syntax.Stmt) {
	if st.Background {
		rw.lasting = true
		job := *st
		job.Background, job.Comments = false, nil
		st.Background, st.Negated, st.Redirs = false, false, nil
		st.Cmd = rw.call("bg", st.Position, &body{stmts: []*syntax.Stmt{&job}})
		return
	}
	st.Redirs = redirects(st.Redirs)
	switch cmd := st.Cmd.(type) {
	case *syntax.Subshell:
		st.Cmd = rw.call("sub", st.Position, &body{stmts: cmd.Stmts, lenient: rw.lenient[cmd]})
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll {
			y := &body{lenient: rw.lenient[cmd]}
			y.flatten(st, false)
			st.Cmd = rw.call("pipe", st.Position, y)
		}
	case *syntax.TimeClause: // a command of the system in ash, not of the grammar
		call := cmd.Stmt.Cmd.(*syntax.CallExpr)
		call.Args = append([]*syntax.Word{wordAt(call.Pos(), mark+"time")}, call.Args...)
		st.Redirs = append(st.Redirs, redirects(cmd.Stmt.Redirs)...)
		st.Cmd = call
	case *syntax.DeclClause:
		if len(cmd.Args) == 0 || cmd.Args[0].Name == nil && cmd.Args[0].Value.Lit() == "-p" {
			st.Cmd = &syntax.CallExpr{Args: []*syntax.Word{word(mark + "declared"), word(cmd.Variant.Value)}}
		}
	}
}

// call makes a call of a command of the shell's own that runs a body.
func (rw *rewriter) call(name string, pos syntax.Pos, y *body) *syntax.CallExpr {
	y.argv = make([][]string, len(y.stmts))
	for i, st := range y.stmts {
		if name != "sub" { // it is a process anyway
			st = unwrap(st)
			y.stmts[i] = st
		}
		y.argv[i] = argv(st)
	}
	if name == "pipe" {
		for i := range y.stmts {
			takeOver(y.stmts[i : i+1])
		}
	} else if name == "bg" {
		takeOver(y.stmts)
	}
	leaveLists(y.stmts)
	for i, st := range y.stmts {
		rw.spare(st, i == len(y.stmts)-1 || name == "pipe", false)
		rw.node(st)
	}
	id := rw.bodies.add(y)
	rw.names = append(rw.names, id)
	return &syntax.CallExpr{Args: []*syntax.Word{wordAt(pos, mark+name), word(id)}}
}

// flatten adds the elements of a pipeline.
func (y *body) flatten(st *syntax.Stmt, both bool) {
	b, ok := st.Cmd.(*syntax.BinaryCmd)
	if ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) && (len(y.stmts) == 0 || !st.Negated) {
		y.flatten(b.X, b.Op == syntax.PipeAll)
		y.flatten(b.Y, both)
		return
	}
	y.stmts, y.both = append(y.stmts, st), append(y.both, both)
}

// takeOver has a plain command that stands alone take the process over, as
// after exec, if it turns out to be a program.
func takeOver(list []*syntax.Stmt) {
	if len(list) != 1 || list[0].Negated || list[0].Background {
		return
	}
	if call, ok := list[0].Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 {
		call.Args = append([]*syntax.Word{wordAt(call.Pos(), mark+"last")}, call.Args...)
	}
}

// unwrap takes the parentheses off a part that is a process anyway.
func unwrap(st *syntax.Stmt) *syntax.Stmt {
	in, ok := st.Cmd.(*syntax.Subshell)
	switch {
	case !ok:
		return st
	case len(in.Stmts) == 1 && len(st.Redirs) == 0 && !st.Negated:
		if !in.Stmts[0].Background {
			return unwrap(in.Stmts[0])
		}
	}
	out := *st
	out.Cmd = &syntax.Block{Lbrace: in.Lparen, Rbrace: in.Rparen, Stmts: in.Stmts}
	return &out
}

// argv is what ps shows for a part of the shell that runs st: the command, if
// it is a plain one, or nothing, for the shell's own command line.
func argv(st *syntax.Stmt) []string {
	call, ok := st.Cmd.(*syntax.CallExpr)
	if !ok {
		return nil
	}
	words := make([]string, len(call.Args))
	for i, w := range call.Args {
		if words[i] = w.Lit(); words[i] == "" {
			return nil
		}
	}
	return words
}

// call is a command of the shell's own.
func call(words ...string) *syntax.Stmt {
	c := &syntax.CallExpr{}
	for _, w := range words {
		c.Args = append(c.Args, word(w))
	}
	return &syntax.Stmt{Cmd: c}
}

func word(s string) *syntax.Word { return wordAt(syntax.Pos{}, s) }

func wordAt(pos syntax.Pos, s string) *syntax.Word {
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{ValuePos: pos, Value: s}}}
}

// redirects rewrites the redirections of a statement.
func redirects(list []*syntax.Redirect) []*syntax.Redirect {
	var out []*syntax.Redirect
	for _, r := range list {
		out = append(out, redirect(r))
		if r.Op == syntax.RdrAll || r.Op == syntax.AppAll {
			out = append(out, redirect(&syntax.Redirect{OpPos: r.OpPos, Op: syntax.DplOut, N: &syntax.Lit{Value: "2"}, Word: word("1")}))
		}
	}
	return out
}

// redirect turns a redirection into one of both of interp's streams, to a word
// that ends in what it is about: interp then opens it by onOpen.
func redirect(r *syntax.Redirect) *syntax.Redirect {
	op := redirOps[r.Op]
	n := "1"
	if strings.IndexByte("rbhs", op) >= 0 || r.Op == syntax.DplIn {
		n = "0"
	}
	if r.N != nil {
		n = r.N.Value
	}
	w := r.Word
	if op == opText {
		w = hereDoc(r)
	}
	parts := append(w.Parts[:len(w.Parts):len(w.Parts)], &syntax.Lit{Value: fmt.Sprintf("%s%c%s:%d", mark, op, n, r.OpPos.Line())})
	return &syntax.Redirect{OpPos: r.OpPos, Op: syntax.RdrAll, Word: &syntax.Word{Parts: parts}}
}

// hereDoc returns the text of a here-document as a quoted word.
func hereDoc(r *syntax.Redirect) *syntax.Word {
	text := &syntax.DblQuoted{}
	var parts []syntax.WordPart
	if r.Hdoc != nil {
		parts = r.Hdoc.Parts
	}
	literal := quoted(r.Word)
	for i, part := range parts {
		if lit, ok := part.(*syntax.Lit); ok {
			value := lit.Value
			if r.Op == syntax.DashHdoc {
				lines := strings.SplitAfter(value, "\n")
				for j := range lines {
					if i == 0 || j > 0 {
						lines[j] = strings.TrimLeft(lines[j], "\t")
					}
				}
				value = strings.Join(lines, "")
			}
			part = &syntax.Lit{ValuePos: lit.ValuePos, Value: escape(value, literal)}
		}
		text.Parts = append(text.Parts, part)
	}
	return &syntax.Word{Parts: []syntax.WordPart{text}}
}

// escape makes the text of a here-document mean the same between double quotes.
// A backslash there quotes a dollar, a backquote and a backslash; if literal,
// nothing.
func escape(text string, literal bool) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"', literal && strings.IndexByte("\\$`", c) >= 0:
			b.WriteByte('\\')
		case c == '\\' && i+1 < len(text) && strings.IndexByte("\\$`", text[i+1]) >= 0:
			b.WriteByte(c)
			i++
			c = text[i]
		case c == '\\':
			b.WriteByte(c)
		}
		b.WriteByte(c)
	}
	return b.String()
}

// quoted reports whether any part of a here-document's delimiter is quoted: its
// text is then not expanded.
func quoted(w *syntax.Word) bool {
	for _, part := range w.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok || strings.Contains(lit.Value, `\`) {
			return true
		}
	}
	return false
}

// home replaces ~user. The only user with a home is root; another ~name stays
// as it is. interp would ask the host.
func home(w *syntax.Word) {
	if len(w.Parts) == 0 {
		return
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok || !strings.HasPrefix(lit.Value, "~") {
		return
	}
	user, rest, slash := strings.Cut(lit.Value[1:], "/")
	switch {
	case user == "":
		return
	case user == "root" && (slash || len(w.Parts) == 1):
		lit.Value = "/root"
		if slash {
			lit.Value += "/" + rest
		}
	default:
		w.Parts = append([]syntax.WordPart{&syntax.SglQuoted{Value: "~"}, &syntax.Lit{ValuePos: lit.ValuePos, Value: lit.Value[1:]}}, w.Parts[1:]...)
	}
}

// lonelyDollars quotes the dollars that mean nothing: what is printed behind one
// may give it a meaning.
func lonelyDollars(parts []syntax.WordPart) {
	for i, part := range parts {
		lit, ok := part.(*syntax.Lit)
		if !ok || i == len(parts)-1 {
			continue
		}
		if v, ok := strings.CutSuffix(lit.Value, "$"); ok && (len(v)-len(strings.TrimRight(v, `\`)))%2 == 0 {
			lit.Value = v + `\$`
		}
	}
}

// literalQuotes keeps the single quotes in "${x:-'a'}", as ash does: between
// double quotes they quote nothing.
func literalQuotes(x *syntax.Expansion) {
	switch x.Op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull,
		syntax.ErrorUnset, syntax.ErrorUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
	default:
		return // a pattern
	}
	for i, part := range x.Word.Parts {
		if q, ok := part.(*syntax.SglQuoted); ok && !q.Dollar {
			if text, err := newParser().Document(strings.NewReader("'" + q.Value + "'")); err == nil {
				x.Word.Parts[i] = hereDoc(&syntax.Redirect{Op: syntax.Hdoc, Word: word("E"), Hdoc: text}).Parts[0]
			}
		}
	}
}

// arithmetic replaces the PPID of an arithmetic expression, where it is a word.
func arithmetic(x syntax.ArithmExpr) {
	syntax.Walk(x, func(n syntax.Node) bool {
		if w, ok := n.(*syntax.Word); ok && w.Lit() == "PPID" {
			w.Parts[0].(*syntax.Lit).Value = ppidVar
		}
		_, command := n.(*syntax.CmdSubst)
		return !command
	})
}
