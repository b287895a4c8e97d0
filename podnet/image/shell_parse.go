package image

import (
	"errors"
	"io"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// newParser returns a parser for what ash accepts. That is more than POSIX
// ([[, ${x/a/b}, $'\n', local), so it is bash's grammar, and check refuses what
// only bash has.
func newParser() *syntax.Parser { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }

// eachStmt calls do for every statement of a script as it is read, until do
// returns false. It returns the error of what ash does not accept.
//
// The parser's iterator is called as a function: it may report an error of what
// it has read ahead after the loop has ended, for which a range loop panics. It
// also yields a statement before the rest of its line, and so before its
// here-documents: that is held back.
func eachStmt(script io.Reader, do func(*syntax.Stmt) bool) (failed error) {
	var held []*syntax.Stmt
	over := false
	newParser().StmtsSeq(script)(func(st *syntax.Stmt, err error) bool {
		if over {
			return false
		}
		if err == nil {
			held = append(held, st)
			if st.Semicolon.IsValid() && slices.ContainsFunc(held, awaitsText) {
				return true
			}
		}
		for _, st := range held {
			if failed = check(st); failed != nil || !do(st) {
				over = true
				return false
			}
		}
		held = nil
		failed, over = err, err != nil
		return !over
	})
	if over {
		return failed
	}
	for _, st := range held {
		if failed = check(st); failed != nil || !do(st) {
			break
		}
	}
	return failed
}

// awaitsText reports whether a here-document in st has not been read, or is empty.
func awaitsText(st *syntax.Stmt) (yes bool) {
	syntax.Walk(st, func(n syntax.Node) bool {
		r, ok := n.(*syntax.Redirect)
		yes = yes || ok && (r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc) && r.Hdoc == nil
		return !yes
	})
	return yes
}

// parse returns the statements of a text.
func parse(text string) (list []*syntax.Stmt, err error) {
	err = eachStmt(strings.NewReader(text), func(st *syntax.Stmt) bool {
		list = append(list, st)
		return true
	})
	return list, err
}

// errSyntax is a construct that is not in this shell.
type errSyntax string

func (e errSyntax) Error() string { return string(e) }

// check refuses what ash refuses, in its words, and what it has and this shell
// has not.
func check(st *syntax.Stmt) error {
	var err error
	syntax.Walk(st, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ProcSubst:
			err = errSyntax("process substitution is not supported")
		case *syntax.ArrayExpr, *syntax.ExtGlob:
			err = errSyntax(`unexpected "("`)
		case *syntax.ArithmCmd:
			err = errSyntax(`unexpected "(("`)
		case *syntax.CoprocClause:
			err = errSyntax(`unexpected word`)
		case *syntax.CStyleLoop:
			err = errSyntax(`bad for loop variable`)
		case *syntax.ForClause:
			if n.Select {
				err = errSyntax(`unexpected "do"`)
			}
		case *syntax.Stmt:
			if n.Disown || n.Coprocess {
				err = errSyntax(`unexpected "&"`)
			}
		case *syntax.Redirect:
			if _, ok := redirOps[n.Op]; !ok {
				err = errSyntax("unexpected redirection")
			} else if n.N != nil && strings.Trim(n.N.Value, "0123456789") != "" {
				err = errSyntax("bad fd name")
			}
		case *syntax.CmdSubst:
			if n.TempFile || n.ReplyVar {
				err = errSyntax("bad substitution")
			}
		case *syntax.ParamExp:
			if n.Index != nil || n.Excl || n.Names != 0 || n.Param == nil {
				err = errSyntax("bad substitution")
			} else if len(n.Param.Value) > 1 && strings.Trim(n.Param.Value, "0123456789") == "" && (n.Length || n.Exp != nil || n.Slice != nil || n.Repl != nil) {
				err = errSyntax("${" + n.Param.Value + "} with an operator is not supported")
			}
		case *syntax.Assign:
			if n.Index != nil {
				err = errSyntax(`unexpected word`)
			}
		case *syntax.TimeClause:
			call := (*syntax.CallExpr)(nil)
			if n.Stmt != nil && !n.Stmt.Negated {
				call, _ = n.Stmt.Cmd.(*syntax.CallExpr)
			}
			if call == nil || len(call.Assigns) > 0 {
				err = errSyntax("time of anything but a plain command is not supported")
			}
		case *syntax.DeclClause:
			switch n.Variant.Value {
			case "declare", "typeset", "nameref":
				err = errSyntax(n.Variant.Value + " is not in this shell")
			}
		}
		return err == nil
	})
	return err
}

// literalBraces takes the braces of {a,b} literally, as ash does.
func literalBraces(words []*syntax.Word) {
	for _, w := range words {
		for _, part := range w.Parts {
			lit, ok := part.(*syntax.Lit)
			if !ok || !strings.Contains(lit.Value, "{") {
				continue
			}
			var b strings.Builder
			for i := 0; i < len(lit.Value); i++ {
				switch lit.Value[i] {
				case '\\':
					b.WriteByte('\\')
					if i++; i < len(lit.Value) {
						b.WriteByte(lit.Value[i])
					}
				case '{':
					b.WriteString(`\{`)
				default:
					b.WriteByte(lit.Value[i])
				}
			}
			lit.Value = b.String()
		}
	}
}

// syntaxText words a parser's error as ash does where the two agree on what is
// wrong, and otherwise as the parser does.
func syntaxText(err error) string {
	var pe syntax.ParseError
	if !errors.As(err, &pe) {
		return err.Error()
	}
	switch {
	case strings.Contains(pe.Text, "without closing quote"):
		return "unterminated quoted string"
	case pe.Incomplete:
		return "unexpected end of file"
	}
	return pe.Text
}
