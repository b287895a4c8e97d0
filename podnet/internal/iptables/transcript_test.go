package iptables

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "record testdata/*.txt anew with the real iptables (needs root and Linux)")

// exchange is a command of a transcript with what it said. In testdata, "$ "
// begins a command, "< " a line of its input, "> " of its output, "! " of its
// errors, and "= " its exit code, if it is not 0. "== " begins a new namespace.
type exchange struct {
	title          string // of the namespace that it is the first of
	command        string
	in, out, fault string
	code           int
}

func readTranscript(t testing.TB, file string) []exchange {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []exchange
	title := ""
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		last := len(all) - 1
		switch kind {
		case "==":
			title = rest
		case "$":
			all = append(all, exchange{title: title, command: rest})
			title = ""
		case "<":
			all[last].in += rest + "\n"
		case ">":
			all[last].out += rest + "\n"
		case "!":
			all[last].fault += rest + "\n"
		case "=":
			_, err := fmt.Sscan(rest, &all[last].code)
			require.NoError(t, err)
		default:
			t.Fatalf("%s:%d: what is %q?", file, i+1, line)
		}
	}
	return all
}

// TestSaysWhatTheRealToolSays replays transcripts of the real tools.
func TestSaysWhatTheRealToolSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if *update {
			record(t, file)
		}
		ns := [2]*Ruleset{New(IPv4), New(IPv6)}
		for _, x := range readTranscript(t, file) {
			if x.title != "" {
				ns = [2]*Ruleset{New(IPv4), New(IPv6)}
			}
			t.Run(filepath.Base(file)+"/"+x.command, func(t *testing.T) {
				out, fault, code := runCommand(&ns, shellWords(x.command), x.in)
				assert.Equal(t, x.out, out, "output")
				assert.Equal(t, x.fault, fault, "errors")
				assert.Equal(t, x.code, code, "exit code")
			})
		}
	}
}

// runCommand is what a shell does with a command line.
func runCommand(ns *[2]*Ruleset, words []string, in string) (out, fault string, code int) {
	r := &ns[0]
	if strings.HasPrefix(words[0], "ip6") {
		r = &ns[1]
	}
	var err error
	_, tool, _ := strings.Cut(words[0], "-")
	switch tool {
	case "save":
		var o SaveOptions
		if o, err = ParseSave((*r).family, words[1:]); err == nil {
			o.Now = time.Unix(0, 0).UTC()
			out, err = (*r).Save(o)
		}
	case "restore":
		var o RestoreOptions
		if o, _, err = ParseRestore((*r).family, words[1:]); err == nil {
			*r, err = (*r).Restore(in, o)
		}
	default:
		*r, out, err = (*r).Command(words[1:])
	}
	if e, ok := err.(*Error); ok {
		return out, e.Text, e.Code
	}
	return out, "", 0
}

// shellWords splits a command line as a shell does, with quotes but nothing else.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	started := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, started = c, true
		case c == ' ':
			if started {
				words = append(words, word.String())
				word.Reset()
			}
			started = false
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}

var dateOfSave = regexp.MustCompile(`(?m)^(# .* on) \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$`)

// record runs the commands of a transcript for real, in network namespaces of
// their own, and writes the file anew.
func record(t *testing.T, file string) {
	all := readTranscript(t, file)
	dir := t.TempDir()
	var scripts []string
	for i, x := range all {
		if x.title != "" {
			scripts = append(scripts, "ip link set lo up\n")
		}
		require.NoError(t, os.WriteFile(fmt.Sprintf("%s/in%d", dir, i), []byte(x.in), 0o600))
		family, tool, _ := strings.Cut(strings.Fields(x.command)[0], "-")
		real := strings.TrimSuffix(family+"-legacy-"+tool, "-") + strings.TrimPrefix(x.command, strings.Fields(x.command)[0])
		scripts[len(scripts)-1] += fmt.Sprintf("%s <%[2]s/in%[3]d >%[2]s/out%[3]d 2>%[2]s/err%[3]d; echo $? >%[2]s/code%[3]d\n", real, dir, i)
	}
	for _, s := range scripts {
		out, err := exec.Command("unshare", "-n", "sh", "-c", s).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	read := func(name string, i int) string {
		text, err := os.ReadFile(fmt.Sprintf("%s/%s%d", dir, name, i))
		require.NoError(t, err)
		return strings.ReplaceAll(dateOfSave.ReplaceAllString(string(text), "$1 Thu Jan  1 00:00:00 1970"), "tables-legacy-", "tables-")
	}
	var b strings.Builder
	lines := func(mark, text string) {
		for line := range strings.Lines(text) {
			b.WriteString(mark + " " + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	for i, x := range all {
		if x.title != "" {
			b.WriteString("== " + x.title + "\n")
		}
		b.WriteString("$ " + x.command + "\n")
		lines("<", x.in)
		lines(">", read("out", i))
		lines("!", read("err", i))
		if code := strings.TrimSpace(read("code", i)); code != "0" {
			b.WriteString("= " + code + "\n")
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
}
