package image

import (
	"errors"
	"io"
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
// it has read ahead after the loop has ended, for which a range loop panics.
func eachStmt(script io.Reader, do func(*syntax.Stmt) bool) (failed error) {
	over := false
	newParser().StmtsSeq(script)(func(st *syntax.Stmt, err error) bool {
		if over {
			return false
		}
		if err == nil {
			err = check(st)
		}
		failed = err
		over = err != nil || !do(st)
		return !over
	})
	return failed
}

// errSyntax is a construct that ash does not have; its text is ash's.
type errSyntax string

func (e errSyntax) Error() string { return string(e) }

// check refuses what ash refuses, and takes the braces of {a,b} literally, as
// ash does.
func check(st *syntax.Stmt) error {
	var err error
	syntax.Walk(st, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ProcSubst, *syntax.ArrayExpr:
			err = errSyntax(`unexpected "("`)
		case *syntax.ArithmCmd:
			err = errSyntax(`unexpected "(("`)
		case *syntax.CoprocClause:
			err = errSyntax(`unexpected word`)
		case *syntax.ExtGlob:
			err = errSyntax(`unexpected "("`)
		case *syntax.CStyleLoop:
			err = errSyntax(`bad for loop variable`)
		case *syntax.ForClause:
			if n.Select {
				err = errSyntax(`unexpected "do"`)
			}
			if it, ok := n.Loop.(*syntax.WordIter); ok {
				literalBraces(it.Items)
			}
		case *syntax.CallExpr:
			literalBraces(n.Args)
		case *syntax.ParamExp:
			if n.Index != nil || n.Excl || n.Names != 0 {
				err = errSyntax("bad substitution")
			}
		case *syntax.Assign:
			if n.Index != nil {
				err = errSyntax(`unexpected word`)
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
