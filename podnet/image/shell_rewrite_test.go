package image

import (
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// Whatever is rewritten for interp to parse, it can parse, and finds nothing in
// it that would take it to the host or to a pipe of the operating system.
func FuzzShellRewrite(f *testing.F) {
	for _, s := range []string{
		"a | b && c || ! d", "cat <<E <<-'F' > x 2>&1\n\"$x\" `y` \\z\nE\n\t'q'\nF", "while :; do if a; then b && break; c; fi; done &", "f() { (x; y) | z; }",
		`echo "${a:-'$b'}" ~root ~daemon/x $$ ${10} $((PPID))`, "case x in a|b) ! c;; esac", "x=$(y <<< z) time a >f", "export -p; readonly", "[[ -O f && a == b* ]]",
		"echo \\{a,b} {a,b}", "a &>f &>>g >|h <>i 3<&4-", "! (a) | (b) &", "\"${x:-'a\"b'}\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		if strings.ContainsFunc(script, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r > '~' && (r < 0xa1 || r == 0xfffd) }) {
			return // what the printer prints of these is not always what it was
		}
		all := &bodies{}
		text, done, err := all.text(script)
		if err != nil {
			return
		}
		parts, err := parse(text)
		if err != nil {
			t.Fatalf("%q became %q: %v", script, text, err)
		}
		for _, y := range all.list {
			parts = append(parts, y.stmts...)
		}
		for _, st := range parts {
			syntax.Walk(st, func(n syntax.Node) bool {
				switch n := n.(type) {
				case *syntax.Stmt:
					if n.Background {
						t.Errorf("%q: a job is left", script)
					}
				case *syntax.BinaryCmd:
					if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
						t.Errorf("%q: a pipeline is left", script)
					}
				case *syntax.Redirect:
					if n.Op != syntax.RdrAll || n.Hdoc != nil {
						t.Errorf("%q: a redirection is left", script)
					}
				case *syntax.ParamExp:
					if n.Param.Value == "$" || n.Param.Value == "PPID" || n.Param.Value == "!" {
						t.Errorf("%q: $%s is left", script, n.Param.Value)
					}
				case *syntax.Word:
					if lit, ok := n.Parts[0].(*syntax.Lit); ok && strings.HasPrefix(lit.Value, "~") && strings.Trim(lit.Value, "~") != "" && !strings.HasPrefix(lit.Value, "~/") {
						if !strings.HasPrefix(lit.Value, "~"+mark) {
							t.Errorf("%q: %s is left", script, lit.Value)
						}
					}
				}
				return true
			})
		}
		done()
	})
}
