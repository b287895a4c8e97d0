package image

import (
	"fmt"

	"mvdan.cc/sh/v3/syntax"
)

// A leave is a break or continue that leaves a node.
type leave struct {
	call  *syntax.CallExpr
	loops int // how many, of those around the node
}

// add changes the count of the command.
func (l leave) add(n int) {
	count := 1
	if len(l.call.Args) > 1 {
		count = atoi(l.call.Args[1].Lit())
	}
	l.call.Args = []*syntax.Word{l.call.Args[0], word(fmt.Sprint(count + n))}
}

// leaveLists makes break and continue leave the lists that they stand in. interp
// looks for them only between the statements of a loop's own list, so that in
//
//	while :; do if a; then b && break; c; fi; done
//
// it would run c. Such a list becomes the body of a loop of one turn, which
// every break in it has to leave as well. A count beyond the loops that there are
// becomes theirs: interp would leave later loops by the rest. A count that is
// not a plain number is not handled.
func leaveLists(list []*syntax.Stmt) {
	for _, l := range leaving(list) {
		if len(l.call.Args) > 1 && atoi(l.call.Args[1].Lit()) > l.loops {
			l.add(-l.loops)
		}
	}
}

func leaving(list []*syntax.Stmt) (out []leave) {
	for _, st := range list {
		out = append(out, leavesOf(st)...)
	}
	return out
}

// inner is leaving for a list that is not a loop's own.
func inner(list []*syntax.Stmt) ([]*syntax.Stmt, []leave) {
	var out []leave
	early := false // something may leave before the last statement
	for i, st := range list {
		more := leavesOf(st)
		early = early || len(more) > 0 && i < len(list)-1
		out = append(out, more...)
	}
	if !early {
		return list, out
	}
	pos := list[0].Position
	once := &syntax.ForClause{ForPos: pos, Loop: &syntax.WordIter{Name: &syntax.Lit{Value: onceVar}, InPos: pos, Items: []*syntax.Word{word("1")}}, Do: list}
	for _, l := range out {
		l.add(1)
	}
	return []*syntax.Stmt{{Position: pos, Cmd: once}}, out
}

// leavesOf treats the lists in a statement and returns what leaves it. The
// parts of the script that copies of the shell run are treated on their own.
func leavesOf(st *syntax.Stmt) (out []leave) {
	if st.Background {
		return nil
	}
	add := func(list []*syntax.Stmt) []*syntax.Stmt {
		list, more := inner(list)
		out = append(out, more...)
		return list
	}
	loop := func(list []*syntax.Stmt) {
		for _, l := range leaving(list) {
			if l.loops--; l.loops > 0 {
				out = append(out, l)
			}
		}
	}
	switch cmd := st.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) == 0 || len(cmd.Args) > 2 {
			return nil
		}
		if name := cmd.Args[0].Lit(); name != "break" && name != "continue" {
			return nil
		}
		n := 1
		if len(cmd.Args) == 2 {
			var err error
			if n, err = parseUint(cmd.Args[1].Lit()); err != nil || n == 0 {
				return nil
			}
		}
		return []leave{{cmd, n}}
	case *syntax.Block:
		cmd.Stmts = add(cmd.Stmts)
	case *syntax.IfClause:
		for ; cmd != nil; cmd = cmd.Else {
			cmd.Cond, cmd.Then = add(cmd.Cond), add(cmd.Then)
		}
	case *syntax.CaseClause:
		for _, item := range cmd.Items {
			item.Stmts = add(item.Stmts)
		}
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.AndStmt || cmd.Op == syntax.OrStmt {
			out = append(leavesOf(cmd.X), leavesOf(cmd.Y)...)
		}
	case *syntax.WhileClause:
		loop(cmd.Cond)
		loop(cmd.Do)
	case *syntax.ForClause:
		loop(cmd.Do)
	case *syntax.FuncDecl:
		leaveLists([]*syntax.Stmt{cmd.Body})
	}
	return out
}
