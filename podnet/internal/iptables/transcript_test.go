package iptables

import (
	"flag"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/transcript"
)

var update = flag.Bool("update", false, "record testdata/*.txt anew with the real iptables (needs root and Linux)")

// readTranscript returns the exchanges of a file.
func readTranscript(t testing.TB, file string) []transcript.Exchange {
	all, err := transcript.Read(file)
	require.NoError(t, err)
	return all
}

// TestSaysWhatTheRealToolSays replays transcripts of the real tools.
func TestSaysWhatTheRealToolSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if *update {
			require.NoError(t, recorder.Record(file))
		}
		ns := [2]*Ruleset{New(IPv4), New(IPv6)}
		for _, x := range readTranscript(t, file) {
			if x.Title != "" {
				ns = [2]*Ruleset{New(IPv4), New(IPv6)}
			}
			t.Run(filepath.Base(file)+"/"+x.Command, func(t *testing.T) {
				out, fault, code := runCommand(&ns, shellWords(x.Command), x.In)
				assert.Equal(t, x.Out, out, "output")
				assert.Equal(t, x.Err, fault, "errors")
				assert.Equal(t, x.Code, code, "exit code")
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

// recorder runs iptables-legacy where a transcript says iptables.
var recorder = transcript.Recorder{
	Setup: "ip link set lo up\n",
	Real: func(command string) string {
		name, args, _ := strings.Cut(command, " ")
		family, tool, _ := strings.Cut(name, "-")
		return strings.TrimSuffix(family+"-legacy-"+tool, "-") + " " + args
	},
	Clean: func(text string) string {
		return strings.ReplaceAll(dateOfSave.ReplaceAllString(text, "$1 Thu Jan  1 00:00:00 1970"), "tables-legacy-", "tables-")
	},
}
