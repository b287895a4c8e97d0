package image_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// What package interp takes from the host, if it is let, a shell does not see.
// The words HOSTDIR and HOSTUSER in a script stand for what the host has.
func TestShellCannotSeeTheHost(t *testing.T) {
	host := t.TempDir()
	for name, text := range map[string]string{"tool": "#!/bin/sh\n", "lib": "echo host\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(host, name), []byte(text), 0o755))
	}
	name := "daemon"
	if u, err := user.Lookup(name); err != nil || u.HomeDir == "" {
		t.Log("the host has no user daemon: home directories are not really tested")
	}
	for _, v := range []string{"HOME", "TMPDIR", "USERPROFILE"} {
		t.Setenv(v, host)
	}
	t.Setenv("PATH", host)
	c := idle(t, "alpine")
	run := strings.NewReplacer("HOSTDIR", filepath.ToSlash(host), "HOSTUSER", name)
	rows := []struct{ name, script, want string }{
		{"files", "[ -e HOSTDIR/tool ] || [ -r HOSTDIR/tool ] || [[ -e HOSTDIR/tool ]] || [[ -x HOSTDIR/tool ]] || echo none", "none\n"},
		{"the container's own files", "echo > /tmp/f; [ -r /tmp/f ] && [[ -r /tmp/f && -w /tmp/f && ! -x /tmp/f ]] && echo there", "there\n"},
		{"owners", "echo > /tmp/f; [[ -O /tmp/f && -G /tmp/f ]] && echo mine", "mine\n"},
		{"directories", "cd HOSTDIR 2>/dev/null || pwd", "/\n"},
		{"globs", "echo HOSTDIR/*", "HOSTDIR/*\n"},
		{"programs", "PATH=HOSTDIR; command -v tool; type tool; hash tool; tool 2>/dev/null; echo $?", "tool: not found\n127\n"},
		{"sourced files", "(PATH=HOSTDIR; . lib) 2>/dev/null; (. HOSTDIR/lib) 2>/dev/null; echo $?", "2\n"},
		{"redirections", "cat < HOSTDIR/lib 2>/dev/null; echo $(< HOSTDIR/lib) 2>/dev/null; echo end", "\nend\n"},
		{"interp's own files", "mkdir -p HOSTDIR; echo x > HOSTDIR/sh-interp-1; cat HOSTDIR/sh-interp-1; rm -r HOSTDIR; TMPDIR=HOSTDIR; echo $?", "x\n0\n"},
		{"home directories", `echo ~HOSTUSER ~HOSTUSER/x; x=~HOSTUSER; echo $x ${y:-~HOSTUSER} $(echo ~HOSTUSER); echo ~HOSTUSER | cat`, "~HOSTUSER ~HOSTUSER/x\n~HOSTUSER ~HOSTUSER ~HOSTUSER\n~HOSTUSER\n"},
		{"the root user's", `echo ~root ~root/x; x=~root/y; echo $x ~; HOME=/h; echo ~/z ~root`, "/root /root/x\n/root/y /root\n/h/z /root\n"},
		{"users and their directories", `echo ${UID-none} ${EUID-none} ${GID-none} ${TMPDIR-none} $HOME`, "none none none none /root\n"},
		{"a home that is not set", "unset HOME; sh -c 'echo ${HOME-none} ~'", "none ~\n"},
		{"processes", `[ $$ = $(sh -c 'echo $PPID') ] && [ $((PPID)) = $PPID ] && echo $PPID`, "1\n"},
		{"real paths", "mkdir -p /tmp/real; ln -s /tmp/real /tmp/link; cd /tmp/link; pwd; pwd -P", "/tmp/link\n/tmp/real\n"},
		{"masks", "umask", "0022\n"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got := sh(t, c, run.Replace(r.script))
			assert.Equal(t, run.Replace(r.want), got.Stdout, got.Stderr)
		})
	}
	_, err := os.Stat(filepath.Join(host, "sh-interp-1"))
	assert.ErrorIs(t, err, os.ErrNotExist, "a redirection has made a file of the host's")
}

// What the shell does not have it refuses by name, with exit code 2.
func TestShellRefuses(t *testing.T) {
	c := idle(t, "alpine")
	for script, want := range map[string]string{
		"echo a; cat <(echo b)":                 "sh: syntax error: process substitution is not supported\n",
		"echo a; time { :; }":                   "sh: syntax error: time of anything but a plain command is not supported\n",
		"echo a; echo ${10:-x}":                 "sh: syntax error: ${10} with an operator is not supported\n",
		"echo a; coproc cat":                    "sh: syntax error: unexpected word\n",
		"echo a; declare -i x":                  "sh: syntax error: declare is not in this shell\n",
		"echo a; echo x {fd}> f":                "sh: syntax error: bad fd name\n",
		"echo a; ulimit -n":                     "sh: ulimit: line 0: not supported\n",
		"echo a; alias l=ls":                    "sh: alias: line 0: not supported\n",
		"echo a; umask 077":                     "sh: umask: line 0: not supported\n",
		"echo a; eval 'cat <(echo b)'; echo no": "sh: eval: line 0: syntax error: process substitution is not supported\n",
	} {
		r := sh(t, c, script)
		assert.Equal(t, want, r.Stderr, script)
		assert.Equal(t, 2, r.ExitCode, script)
	}
	// Those of bash are no commands at all, as in ash.
	for _, name := range []string{"shopt", "pushd", "mapfile", "builtin", "compgen", "enable", "help"} {
		r := sh(t, c, name+" x")
		assert.Equal(t, "sh: "+name+": not found\n", r.Stderr)
		assert.Equal(t, 127, r.ExitCode, name)
	}
}

// In a bubble, time stands still while anything waits for a pipe of the
// operating system. It passes, so nothing here has one.
func TestShellWaitsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		for script, want := range map[string]struct {
			stdout string
			after  time.Duration
		}{
			"(sleep 60; echo a) | (read x; sleep 60; echo $x)":                             {"a\n", 2 * time.Minute},
			"while read x; do sleep $x; done <<E\n60\n3600\nE":                             {"", 61 * time.Minute},
			"printf '1\\n2\\n' > f; while read x; do sleep $x; echo $x; done < f":          {"1\n2\n", 3 * time.Second},
			"sleep 60 < /dev/null; cat <<< a":                                              {"a\n", time.Minute},
			"f() { sleep $1; echo $1; }; f 60 | f 3600; x=$(f 1 | cat); echo $x":           {"3600\n1\n", time.Hour + time.Second},
			"eval 'sleep 60 | cat; echo a | { read x; sleep 1; echo $x; }'":                {"a\n", 61 * time.Second},
			"echo 'sleep 60 | cat' > lib; . ./lib":                                         {"", time.Minute},
			"trap 'sleep 60 | cat; echo bye' EXIT; sleep 1 & wait":                         {"bye\n", 61 * time.Second},
			"sleep 60 & a=$!; sleep 10 & wait $!; kill $a; wait $a 2>/dev/null; echo $?":   {"143\n", 10 * time.Second},
			"{ sleep 3600; echo no; } & sleep 1; kill $!; wait $! 2> /dev/null; echo $?":   {"143\n", time.Second},
			"(sleep 3600) & sleep 1; kill -9 $!; wait $! 2> /dev/null; echo $?; pidof cat": {"137\n", time.Second},
			"i=0; while [ $i -lt 3 ]; do i=$((i+1)); sleep 1h; done; echo $i":              {"3\n", 3 * time.Hour},
			"time sleep 90 2>/dev/null; sh -c 'sleep 1; exit 3' || echo $?":                {"3\n", 91 * time.Second},
			"yes | head -n 1; sleep 5 | true; echo end":                                    {"y\nend\n", 5 * time.Second},
		} {
			begin := time.Now()
			r := sh(t, c, "cd /tmp; "+script)
			assert.Equal(t, want.after, time.Since(begin), script)
			assert.Equal(t, want.stdout, r.Stdout, script)
		}
		synctest.Wait()
		assert.Len(t, c.Processes(), 1, "what the scripts started has ended")
	})
}

// A script's story of a graceful end, as Pods have it: what the trap does takes
// its time within the grace period, and its exit code is the container's.
func TestTrapEndsAContainer(t *testing.T) {
	tests := []struct {
		name, script string
		code         int
		after        time.Duration
		log          string
	}{
		{"drain and leave", "trap 'echo draining; sleep 5; echo done; exit 3' TERM; while :; do sleep 1; done", 3, 5*time.Second + time.Second/2, "draining\ndone\n"},
		{"the trap goes on with the script", "trap 'stop=1' TERM; while [ -z \"$stop\" ]; do sleep 1; done; echo left; exit 4", 4, time.Second / 2, "left\n"},
		{"the trap kills the server", "sleep 3600 & p=$!; trap 'kill $p' TERM INT; wait $p; echo first $?; wait $p; echo $?", 0, 0, "first 143\nTerminated\n143\n"},
		{"the trap in a function with a pipeline", "stop() { echo bye | tr a-z A-Z; exit 5; }; trap stop TERM; sleep 3600 & wait", 5, 0, "BYE\n"},
		{"both traps", "trap 'echo exit' EXIT; trap 'echo term; exit 6' TERM; read x < /dev/null; sleep 60 & wait", 6, 0, "term\nexit\n"},
		{"a busy shell", "trap 'exit 7' TERM; sleep 10.5; while :; do :; done", 7, 0, ""},
		{"a trap removed", "trap 'exit 8' TERM; trap - TERM; sleep 3600 & wait", 137, 30 * time.Second, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, podnet.ContainerSpec{Image: "busybox", Command: []string{"sh", "-c", tt.script}})
				time.Sleep(10*time.Second + time.Second/2)
				begin := time.Now()
				require.NoError(t, c.Pod().Delete(t.Context()))
				end := c.Status().State.Terminated
				require.NotNil(t, end)
				assert.Equal(t, tt.code, end.ExitCode)
				assert.Equal(t, tt.after, end.FinishedAt.Sub(begin))
				assert.Equal(t, tt.log, c.Logs())
			})
		})
	}
}

// A shell reads its script as it goes; without one it ends well.
func TestShellReadsItsScript(t *testing.T) {
	c := idle(t, "alpine")
	for script, want := range map[string]podnet.ExecResult{
		"sh < /dev/null":                                      {},
		"printf 'echo a; false\\n' | sh":                      {Stdout: "a\n", ExitCode: 1},
		"printf 'echo a\\nexit 3\\necho b\\n' | sh -s x":      {Stdout: "a\n", ExitCode: 3},
		"printf 'echo $1\\necho \"\n' | sh -s x":              {Stdout: "x\n", Stderr: "sh: syntax error: unterminated quoted string\n", ExitCode: 2},
		"echo 'cat; echo b' > /tmp/s; echo in | sh /tmp/s":    {Stdout: "in\nb\n"},
		"printf 'echo $0 $1\\nnope\\n' > /tmp/s; sh /tmp/s a": {Stdout: "/tmp/s a\n", Stderr: "/tmp/s: line 2: nope: not found\n", ExitCode: 127},
		"printf '\\ncat < /no\\n' > /tmp/s; sh /tmp/s":        {Stderr: "/tmp/s: line 2: can't open /no: no such file\n", ExitCode: 1},
		"sh -c": {Stderr: "sh: -c requires an argument\n", ExitCode: 2},
		"sh -y": {Stderr: "sh: illegal option -y\n", ExitCode: 2},
		"sh -euo pipefail -c 'false | true; echo no'":          {ExitCode: 1},
		"sh -ec 'echo $0 $@; false; echo no' name a b":         {Stdout: "name a b\n", ExitCode: 1},
		"sh -xc 'echo a' 2>&1; sh +e -o nounset -c 'echo $no'": {Stdout: "+ echo a\na\n", Stderr: "sh: no: parameter not set\n", ExitCode: 2},
	} {
		assert.Equal(t, want, sh(t, c, script), script)
	}
}
