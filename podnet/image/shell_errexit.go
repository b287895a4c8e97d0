package image

import "mvdan.cc/sh/v3/syntax"

// spare keeps "set -e" from ending the shell by the status that a loop, an if, a
// case or a block has from an && or ! at its end. That one may fail. interp
// reports the failure of what is around it as well; biTested then tells which
// failure it was. spare also notes which parts of the script stand where
// failures are asked for: interp does not tell their copies of the shell.
//
// last says that the statement ends a list. marked says whether that is one of
// those; it is not that of a function, whose call fails like any command.
func (rw *rewriter) spare(st *syntax.Stmt, last, marked bool) {
	lists := func(list []*syntax.Stmt) {
		for i, in := range list {
			rw.spare(in, i == len(list)-1, marked || !last)
		}
	}
	if st.Background {
		return
	}
	if st.Negated {
		rw.asked(st)
	}
	switch cmd := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op != syntax.AndStmt && cmd.Op != syntax.OrStmt {
			break
		}
		rw.asked(cmd.X)
		rw.spare(cmd.X, false, false)
		rw.spare(cmd.Y, last, marked)
		if cmd.Op == syntax.AndStmt && last && marked {
			cmd.X = orTested(*cmd.X)
		}
	case *syntax.Block:
		lists(cmd.Stmts)
	case *syntax.IfClause:
		for ; cmd != nil; cmd = cmd.Else {
			rw.asked(cmd.Cond...)
			lists(cmd.Then)
		}
	case *syntax.CaseClause:
		for _, item := range cmd.Items {
			lists(item.Stmts)
		}
	case *syntax.WhileClause:
		rw.asked(cmd.Cond...)
		lists(cmd.Do)
	case *syntax.ForClause:
		lists(cmd.Do)
	case *syntax.FuncDecl:
		rw.spare(cmd.Body, true, false)
	}
	if st.Negated && last && marked {
		*st = *orTested(*st)
	}
}

func orTested(st syntax.Stmt) *syntax.Stmt {
	return &syntax.Stmt{
		Position: st.Position, Semicolon: st.Semicolon,
		Cmd: &syntax.BinaryCmd{OpPos: st.Position, Op: syntax.OrStmt, X: &st, Y: call(mark + "tested")},
	}
}

// asked notes the parts of statements whose failure is asked for.
func (rw *rewriter) asked(list ...*syntax.Stmt) {
	for _, st := range list {
		syntax.Walk(st, func(n syntax.Node) bool {
			if in, ok := n.(*syntax.Stmt); ok {
				if rw.lenient == nil {
					rw.lenient = map[syntax.Command]bool{}
				}
				rw.lenient[in.Cmd] = true
			}
			_, function := n.(*syntax.FuncDecl)
			return !function
		})
	}
}
