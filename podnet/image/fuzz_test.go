package image

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// What a command reads is never a reason to panic, whatever it is.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{
		"", "a-z", `\\`, `a\`, "[:digit:]x", "[[:alpha:]]*(", `\(a\|b\)`, "x{2,}", "{", "1,3-", "-", "0-0", "%d %5.2f %*s %", `\x4\0777\c`,
		"'a b' \"c", `\ x`, "@5", "2026-11-23 12:00", "%Y%%%N%Q%", "1.5h", "inf", "a,go-w", "u+x,=r", "http://[::1]:80/x", "b 10k",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		trSet(s)
		unescape(s, true)
		unescape(s, false)
		readWords(strings.NewReader(s), false, false)
		parseDate(s, time.Unix(0, 0))
		strftime(time.Unix(0, 0).UTC(), s)
		seconds(s)
		chmodMode(s, 0o644)
		signalNumber(s)
		nginxEscape(s)
		nginxType(s)
		cleanPath(s)
		familiar(s)
		sortKey(s, ":", 2, 3)
		compareNumbers(s, "1")
		wgetURL(s)
		if in, err := cutList(s); err == nil {
			in(1)
		}
		for _, extended := range []bool{false, true} {
			if expr, err := grepExpr(s, extended, false); err == nil {
				regexp.Compile(expr) // may refuse it
			}
		}
		if expr, _ := grepExpr(s, false, true); utf8.ValidString(s) && !regexp.MustCompile("^(?:"+expr+")$").MatchString(s) {
			t.Errorf("grep -F %q does not find itself", s)
		}
		(&testParser{args: strings.Fields(strings.NewReplacer("-", "", "/", "").Replace(s))}).parse()
	})
}

// A script is run or refused; its syntax is never a reason to panic.
func FuzzShellSyntax(f *testing.F) {
	for _, s := range []string{"a=(1)", "cat <(b)", "((i++))", "for ((;;)); do :; done", "declare -A x", "echo {a,b}", `echo \\{a`, "select x in a; do :; done", "${a[1]}", "coproc x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		err := eachStmt(strings.NewReader(script), func(st *syntax.Stmt) bool {
			syntax.Walk(st, func(n syntax.Node) bool {
				switch n.(type) {
				case *syntax.ProcSubst, *syntax.ArrayExpr, *syntax.CoprocClause:
					t.Errorf("%q: %T was let through", script, n)
				}
				return true
			})
			return len(script)%2 == 0 // also leave early
		})
		if err != nil && syntaxText(err) == "" {
			t.Errorf("no text for %#v", err)
		}
	})
}
