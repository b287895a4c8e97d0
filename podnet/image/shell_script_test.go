package image_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scriptRows are everyday scripts of Pods, and what interp by itself would do
// differently. They were compared with ash of busybox 1.35, which is called sh.
var scriptRows = []row{
	{name: "quotes", script: `a='x  y'; echo $a "$a" '$a' "'$a'" \$a "\"" a"b"'c'`, stdout: "x y x  y $a 'x  y' $a \" abc\n"},
	{name: "an empty argument", script: `set -- "" a ''; echo $#; x=; set -- $x; echo $#; set -- "$x"; echo $#`, stdout: "3\n0\n1\n"},
	{name: "all arguments", script: `set -- 'a b' c; for i in "$@"; do echo "<$i>"; done; for i in $*; do echo "[$i]"; done; IFS=-; echo "$*"`, stdout: "<a b>\n<c>\n[a]\n[b]\n[c]\na b-c\n"},
	{name: "a loop over the arguments", script: `set -- a b; for i; do echo $i; done; for i do echo $i; done`, stdout: "a\nb\na\nb\n"},
	{name: "positional parameters", script: `set -- 1 2 3 4 5 6 7 8 9 ten; echo $1 ${10} $10; shift 8; echo $1 $#; shift 5; echo $? $#`, stdout: "1 ten 10\n9 2\n1 2\n"},
	{name: "defaults", script: `echo ${a:-x} ${a-y} ${a:=z} $a ${a:+w} ${b+v}; a=; echo ${a:-x} "${a-y}" "${a:+w}"`, stdout: "x y z z w\nx  \n"},
	{name: "nested defaults", script: `b=2; echo ${a:-${b:-3}} ${a:-"x y"} "${a:-'q$b'}" ${a:-$(echo c)}`, stdout: "2 x y 'q2' c\n"},
	{name: "lengths and parts", script: `s=abcdef; echo ${#s} ${s:1:3} ${s:4} ${s#*c} ${s%d*} ${s##*[ab]} ${s/cd/X} ${s//[ace]/-}`, stdout: "6 bcd ef def abc cdef abXef -b-d-f\n"},
	{name: "arithmetic operators", script: `echo $((1+2*3)) $((7/2)) $((-7%3)) $((1<<4)) $((5&3)) $((5|3)) $((5^3)) $((!0)) $((~0)) $((1?2:3)) $((2>1 && 0))`, stdout: "7 3 -1 16 1 7 6 1 -1 2 0\n"},
	{name: "arithmetic assignments", script: `x=5; echo $((x+=2)) $x $((x++)) $((++x)) $((y=x*2)) $y; : $((x-=9)); echo $x`, stdout: "7 7 7 9 18 18\n0\n"},
	{name: "assignments of a command", script: `x=1; x=2 true; echo $x; x=3 env | grep ^x=; unset x; x=4 sh -c 'echo $x'; echo "[$x]"`, stdout: "1\nx=3\n4\n[]\n"},
	{name: "if by a pipeline", script: `if echo abc | grep -q b; then echo yes; else echo no; fi; if ! echo abc | grep -q z; then echo none; fi`, stdout: "yes\nnone\n"},
	{name: "the status of if", script: `if false; then :; fi; echo $?; if true; then false; fi; echo $?; false || true && echo both`, stdout: "0\n1\nboth\n"},
	{name: "leaving a loop from within an if", script: `for i in 1 2 3; do if [ $i = 2 ]; then [ $i = 2 ] && break; echo no; fi; echo $i; done; echo end`, stdout: "1\nend\n"},
	{name: "going on from within a block", script: `for i in 1 2; do { [ $i = 1 ] && continue; echo "block $i"; }; echo "after $i"; done`, stdout: "block 2\nafter 2\n"},
	{name: "leaving loops from within case and if", script: `for i in 1 2; do for j in a b; do case $j in b) if :; then echo b; continue 2; echo no; fi; echo no;; *) echo "$i$j"; esac; echo in; done; echo no; done; echo end`, stdout: "1a\nin\nb\n2a\nin\nb\nend\n"},
	{name: "leaving two loops from an if", script: `while :; do while :; do if :; then break 2; echo no; fi; done; echo no; done; echo end`, stdout: "end\n"},
	{name: "the status after break", script: `while true; do false; break; done; echo $?; for i in; do false; done; echo $?`, stdout: "0\n0\n"},
	{name: "until", script: `i=0; until [ $i -ge 3 ]; do i=$((i+1)); done; echo $i`, stdout: "3\n"},
	{name: "counting with seq", script: `n=0; for i in $(seq 1 5); do n=$((n+i)); done; echo $n`, stdout: "15\n"},
	{name: "case with quotes and classes", script: `for x in 'a*' abc 5 x.go ''; do case "$x" in 'a*') echo star;; a*) echo a;; [0-9]) echo digit;; *.go|*.c) echo code;; '') echo empty;; esac; done`, stdout: "star\na\ndigit\ncode\nempty\n"},
	{name: "case with a variable pattern", script: `p='a*'; case abc in $p) echo match;; esac; case abc in "$p") echo no;; *) echo quoted;; esac`, stdout: "match\nquoted\n"},
	{name: "case without a match", script: `false; case x in y) ;; esac; echo $?; case x in x) false;; esac; echo $?`, stdout: "0\n1\n"},
	{name: "functions", script: `f() { echo "$1-$#"; x=inner; return 7; }; x=outer; f a b; echo $? $x; g() ( x=sub; echo $x ); g; echo $x`, stdout: "a-2\n7 inner\nsub\ninner\n"},
	{name: "a function with redirections", script: `f() { cat; echo err >&2; } <<E 2>log
text
E
f; cat log`, stdout: "text\nerr\n"},
	{name: "a function in a pipeline", script: `up() { tr a-z A-Z; }; echo abc | up | { read x; echo "got $x"; }`, stdout: "got ABC\n"},
	{name: "return from a loop", script: `f() { for i in 1 2 3; do if [ $i = 2 ]; then return $i; fi; echo $i; done; }; f; echo $?`, stdout: "1\n2\n"},
	{name: "return in a part of a function", script: `f() { echo x | while read l; do return 4; done; echo $?; (return 5); echo $?; x=$(return 6); echo $?; }; f`, stdout: "4\n5\n6\n"},
	{name: "return outside of a function", script: `echo a; return 3; echo no`, stdout: "a\n", code: 3},
	{name: "local in a part of a function", script: `f() { local x=1; y=$(local x=2; echo $x); echo $x $y; }; x=0; f; echo $x`, stdout: "1 2\n0\n"},
	{name: "local outside of a function", script: `echo a; local x; echo no`, stdout: "a\n", stderr: "sh: local: line 1: not in a function\n", code: 2},
	{name: "reading lines of a file", script: `while read a b; do echo "$b-$a"; done < f; echo "[$a]"`, files: map[string]string{"f": "1 one\n2 two three\n"}, stdout: "one-1\ntwo three-2\n[]\n"},
	{name: "reading the last line without a newline", script: `printf 'a\nb' | while read x || [ -n "$x" ]; do echo "<$x>"; done`, stdout: "<a>\n<b>\n"},
	{name: "reading with another separator", script: `while IFS=: read -r user _ uid rest; do echo "$user=$uid"; done < f`, files: map[string]string{"f": "root:x:0:0\nnobody:x:65534:1\n"}, stdout: "root=0\nnobody=65534\n"},
	{name: "reading keeps blanks without a separator", script: `printf '  a  \n' | while IFS= read -r l; do echo "[$l]"; done`, stdout: "[  a  ]\n"},
	{name: "a command in a read loop has its input", script: `printf '1\n2\n3\n' > f; while read x; do echo "x=$x"; cat; done < f`, stdout: "x=1\n2\n3\n"},
	{name: "reading two files at once", script: `printf '1\n2\n' > a; printf 'x\ny\n' > b; while read n <&3 && read l <&4; do echo $n$l; done 3<a 4<b`, stdout: "1x\n2y\n"},
	{name: "a variable set in a loop with a file", script: `n=0; while read x; do n=$((n+1)); done < f; echo $n`, files: abc, stdout: "3\n"},
	{name: "a variable set in a loop of a pipeline", script: `n=0; cat f | while read x; do n=$((n+1)); done; echo $n`, files: abc, stdout: "0\n"},
	{name: "here-documents quote nothing but dollars", script: "x=1; cat <<E\n\"$x\" '$x' \\$x \\\\ \\\" \\a $((x+1)) `echo b` ${x:-y}\n\ttab $(echo \"q\")\nE", stdout: "\"1\" '1' $x \\ \\\" \\a 2 b 1\n\ttab q\n"},
	{name: "quoted here-documents", script: "cat <<'E'; cat <<\\F\n\"$x\" `y` \\$z it's\nE\n$(no)\nF", stdout: "\"$x\" `y` \\$z it's\n$(no)\n"},
	{name: "two here-documents at once", script: "cat <<A - <<B\na\nA\nb\nB", stdout: "b\n"},
	{name: "a here-document in a loop of a pipeline", script: "cat <<E | while read x; do echo \"<$x>\"; done\na\nb\nE", stdout: "<a>\n<b>\n"},
	{name: "an empty here-document", script: "cat <<E | wc -c\nE", stdout: "0\n"},
	{name: "a here-document into a file", script: "cat > conf <<E\nport=$((8000+80))\nE\ncat conf", stdout: "port=8080\n"},
	{name: "pipelines of three with a status", script: `printf 'b\na\nb\n' | sort | uniq -c | tr -s ' '; false | false | true; echo $?`, stdout: " 1 a\n 2 b\n0\n"},
	{name: "negated pipelines", script: `! true | false; echo $?; ! false; echo $?`, stdout: "0\n0\n"},
	{name: "stderr in a pipeline", script: `{ echo out; echo err >&2; } 2>&1 | sort; ls /nonex 2>/dev/null || echo failed`, stdout: "err\nout\nfailed\n"},
	{name: "swapped streams", script: `{ { echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&-; } 2>/dev/null`, stdout: "err\n"},
	{name: "appending from a loop", script: `for i in 1 2; do echo $i; done > x; for i in 3; do echo $i; done >> x; tr '\n' ' ' < x`, stdout: "1 2 3 "},
	{name: "a redirection alone", script: `> x; [ -e x ] && [ ! -s x ] && echo empty; echo a > x; : > x; wc -c < x`, stdout: "empty\n0\n"},
	{name: "a redirection before the command", script: `> x echo a; < x cat; 2>/dev/null >&2 echo no`, stdout: "a\n"},
	{name: "a redirection to a variable name", script: `d=$PWD; f='a b'; echo hi > $d/"$f"; cat "$d/a b"`, stdout: "hi\n"},
	{name: "a failing redirection skips the command", script: `echo no > /nonex/x || echo failed; cat < /nonex; echo $?`, stdout: "failed\n1\n", stderr: "sh: can't create /nonex/x: nonexistent directory\nsh: can't open /nonex: no such file\n"},
	{name: "exec takes files for good", script: `exec 5>&1 > x; echo in; exec >&5 5>&-; echo out; cat x; exec < x; read l; echo "[$l]"`, stdout: "out\nin\n[in]\n"},
	{name: "command substitution strips newlines", script: `x=$(printf 'a\n\nb\n\n\n'); echo "[$x]"; echo "$(echo "in $(echo "deep")")"`, stdout: "[a\n\nb]\nin deep\n"},
	{name: "the status of a substitution", script: `x=$(exit 3); echo $?; echo $(exit 4) $?; x=$(false) true; echo $?; x=$(true); echo $?`, stdout: "3\n0\n0\n0\n"},
	{name: "a pipeline in a substitution sees its variables", script: `x=$(y=2; echo $y | cat; f() { echo f$y; }; f | cat); echo $x`, stdout: "2 f2\n"},
	{name: "a substitution has the loop's input", script: `printf '1\n2\n' | while read x; do y=$(cat); echo $x-$y; done`, stdout: "1-2\n"},
	{name: "a subshell keeps to itself", script: `x=1; (x=2; cd /; set -- a; f() { :; }; exit 3); echo $? $x $#; [ "$PWD" = / ] || echo kept`, stdout: "3 1 0\nkept\n"},
	{name: "exit in a pipeline and a substitution", script: `echo a | exit 3; echo $?; x=$(echo b; exit 4; echo c); echo $x $?; (exit 5) || echo $?`, stdout: "3\nb 4\n5\n"},
	{name: "a substitution goes on at an error", script: `set -e; x=$(false; echo y); echo $x; x=$(set -e; false; echo no); echo no`, stdout: "y\n", code: 1},
	{name: "stop at an error in a subshell", script: `set -e; (false; echo no); echo no`, code: 1},
	{name: "stop at an error in a pipeline's end", script: `set -e; false | true; echo on; true | false; echo no`, stdout: "on\n", code: 1},
	{name: "going on at an error", script: `set -e; false || :; if false; then :; fi; while false; do :; done; ! false; false && true; echo on; set +e; false; echo end`, stdout: "on\nend\n"},
	{name: "a list that may fail at the end of a loop", script: `set -e; for i in 1 2; do [ $i = 1 ] && echo one; done; if :; then false && :; fi; { ! :; }; case x in x) false && :;; esac; while :; do false && break; break; done; echo on; for i in 1; do :; false; done; echo no`, stdout: "one\non\n", code: 1},
	{name: "a list that may fail at the end of a function", script: `set -e; f() { if :; then false && :; fi; }; if f; then echo no; fi; f || echo on; (f; echo no) || echo too; { :; f; }; echo no`, stdout: "on\nno\n", code: 1},
	{name: "a list whose end fails", script: `set -e; f() { for i in 1; do true && false; done; }; f && echo no; for i in 1; do true && false; done; echo no`, code: 1},
	{name: "a failed command ends the script at once", script: `set -e; trap 'echo $?' EXIT; f() { (exit 5); echo no > x; }; y=$(echo in); f > out; > x; echo no`, stdout: "5\n", code: 5},
	{name: "statements on the line of a here-document", script: "cat <<E > out; cat out; { cat <<F; }; echo end\n1\nE\n2\nF\n", stdout: "1\n2\nend\n"},
	{name: "a count beyond the loops", script: `for i in 1 2; do if :; then break 5; fi; done; for i in 1 2; do [ $i = 1 ] && continue 7; echo $i; done; echo $i`, stdout: "2\n2\n"},
	{name: "return gives the status before it", script: `f() { false; return; }; f; echo $?; g() { return; }; (exit 6); g; echo $?`, stdout: "1\n6\n"},
	{name: "an unset argument", script: `set -u; echo ${1:-none} $#; echo "$@"; echo $1; echo no`, stdout: "none 0\n\n", stderr: "sh: 1: parameter not set\n", code: 2},
	{name: "an unset variable in a substitution", script: `set -u; x=$(echo $nope; echo no); echo "$? [$x]"`, stdout: "2 []\n", stderr: "sh: nope: parameter not set\n"},
	{name: "a message for a missing variable", script: `: ${HOST:?must be set}; echo no`, stderr: "sh: HOST: must be set\n", code: 2},
	{name: "set and its flags", script: `set -ef; case $- in *f*) echo f;; esac; set +f; set -- -x; echo $1; set -o noglob; echo *; set +o noglob`, stdout: "f\n-x\n*\n"},
	{name: "eval", script: `x='a|b'; eval "echo '$x' | cat"; eval 'y=1; f() { echo "$1 | $y" | cat; }'; f z; eval set -- 1 2; echo $#; eval; echo $?`, stdout: "a|b\nz | 1\n2\n0\n"},
	{name: "eval in a loop", script: `for i in 1 2 3; do eval "v$i=\$((i*i))"; eval '[ $i = 2 ] && break'; done; echo $v1 $v2 $v3`, stdout: "1 4\n"},
	{name: "eval with a here-document", script: "eval 'cat <<E\n\"$((1+1))\" it'\"'\"'s\nE\necho end'", stdout: "\"2\" it's\nend\n"},
	{name: "sourcing with a pipeline", script: `echo 'x=$(echo in | cat); f() { echo f | cat; }; [ "$1" ] && return 2' > lib; . ./lib; echo $? $x; f; . ./lib a; echo $?`, stdout: "1 in\nf\n2\n"},
	{name: "sourcing from PATH", script: `mkdir bin; echo 'echo from $0' > bin/lib; PATH=$PWD/bin:$PATH; . lib`, stdout: "from sh\n"},
	{name: "traps of a script", script: `trap 'echo exit $?' EXIT; trap 'echo term' TERM; kill $$; false; (exit 2); echo end`, stdout: "term\nend\nexit 0\n"},
	{name: "exit in a trap", script: `trap 'echo bye; exit 4' EXIT; exit 3`, stdout: "bye\n", code: 4},
	{name: "a trap with a pipeline", script: `trap 'echo a | cat; rm -f x' EXIT; touch x; false`, stdout: "a\n", code: 1},
	{name: "a trap after an error", script: `trap 'echo bye $?' EXIT; set -e; (exit 6); echo no`, stdout: "bye 6\n", code: 6},
	{name: "a trap in a background job", script: `(trap 'echo got; exit 9' TERM; sleep 5 & wait) & sleep 0.1; kill $!; wait $!; echo $?`, stdout: "got\n9\n"},
	{name: "jobs and their statuses", script: `(exit 3) & a=$!; true & b=$!; wait $a; echo $?; wait $b; echo $?; [ $a -lt $b ] && echo ordered`, stdout: "3\n0\nordered\n"},
	{name: "a job's pipeline", script: `echo a | cat & wait; { sleep 0.01; echo b; } & wait; (echo c &) ; wait; sleep 0.05`, stdout: "a\nb\nc\n"},
	{name: "a job reads nothing", script: `echo in | { cat & wait; echo end; }`, stdout: "end\n"},
	{name: "a job keeps its file", script: `{ { sleep 0.02; echo late; } & } > x; wait; cat x`, stdout: "late\n"},
	{name: "a job's variables are its own", script: `x=1; { x=2; } & wait; echo $x; f() { echo "f $1"; }; f a & wait`, stdout: "1\nf a\n"},
	{name: "no job yet", script: `echo "[$!]"; sleep 0 & [ -n "$!" ] && echo "${!:+set}"; wait`, stdout: "[]\nset\n"},
	{name: "exec of a script", script: "printf '#!/bin/sh\\necho \"$0 $#\" $X\\n' > s; chmod +x s; X=1; export X; exec ./s a b; echo no", stdout: "./s 2 1\n"},
	{name: "exec in a subshell", script: `(exec echo in); echo out; x=$(exec echo sub); echo $x`, stdout: "in\nout\nsub\n"},
	{name: "the last command takes the shell over", script: `sh -c 'echo $$; sh -c "echo \$\$"' | uniq | wc -l; sh -c 'echo $$; sh -c "echo \$\$"; :' | uniq | wc -l`, stdout: "1\n2\n"},
	{name: "no taking over with a trap", script: `sh -c 'trap "echo bye" EXIT; echo $$ > p; sh -c "echo \$\$ > q"'; [ "$(cat p)" = "$(cat q)" ] || echo differ`, stdout: "bye\ndiffer\n"},
	{name: "names of commands", script: `f() { :; }; command -v f echo; command -v if; type f set; command -v /bin/sh`, stdout: "f\nif\nf is a function\nset is a special shell builtin\n/bin/sh\n"},
	{name: "a function named like a command", script: `ls() { echo mine; }; ls; command ls -d /; test() { echo no; }; command test 1 = 1 && echo same`, stdout: "mine\n/\nsame\n"},
	{name: "a command from a variable", script: `c='echo a'; $c b; e=; $e echo c; $e; echo $?`, stdout: "a b\nc\n0\n"},
	{name: "comments and continued lines", script: "echo a # b\necho c\\\nd \\\n e#f\n# g", stdout: "a\ncd e#f\n"},
	{name: "echo and printf", script: `echo -n a; echo -e 'b\tc'; echo 'd\te'; printf '%s-%d\n' x 1 y 2; printf '%5.1f|%-4s|%04d\n' 1.25 a 7`, stdout: "ab\tc\nd\\te\nx-1\ny-2\n  1.2|a   |0007\n"},
	{name: "tests", script: `[ a = a -a 1 -lt 2 ] && [ ! -e /nonex ] && [ -n x -o -z x ] && test -d / && echo ok; [ 1 -eq 1.5 ] 2>/dev/null; echo $?`, stdout: "ok\n2\n"},
	{name: "listed variables", script: `export -p | grep '^export HOME='; readonly r='a b'; readonly -p | grep r=; set | grep ^r=; x=1; set | grep -c __podnet`, stdout: "export HOME='/root'\nreadonly r='a b'\nr='a b'\n0\n", code: 1},
	{name: "a syntax error in eval", script: `eval 'echo "a'; echo no`, stderr: "sh: eval: line 1: syntax error: unterminated quoted string\n", code: 2},
	{name: "a wrong option", script: `set -Z; echo no`, stderr: "sh: set: line 1: illegal option -Z\n", code: 2},
	{name: "tracing parts of a script", script: `set -x; for i in 1; do (echo "$i x" >&2); done; x=$(echo "a b"); if :; then y=$x; fi`, stderr: "+ echo '1 x'\n1 x\n+ echo 'a b'\n+ x='a b'\n+ :\n+ y='a b'\n"},
}

func TestScripts(t *testing.T) { runRows(t, idle(t, "alpine"), scriptRows) }

// What a script does, it does as the text of an eval and as a file for "." too:
// there interp parses what the shell has rewritten.
func TestScriptsInScripts(t *testing.T) {
	for name, how := range map[string]string{"eval": `eval "$(cat ../script)"`, "source": ". ../script"} {
		var rows []row
		for _, r := range append(shellRows, scriptRows...) {
			if r.stderr != "" || strings.Contains(r.script, "$0") {
				continue // the words of messages are another matter
			}
			r.files = maps.Clone(r.files)
			if r.files == nil {
				r.files = map[string]string{}
			}
			r.files["../script"] = r.script
			r.name, r.script = name+": "+r.name, how
			rows = append(rows, r)
		}
		require.Greater(t, len(rows), 60)
		runRows(t, idle(t, "alpine"), rows)
	}
}
