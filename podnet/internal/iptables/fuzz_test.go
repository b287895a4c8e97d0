package iptables

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRestore: no text panics, and what is taken comes back the same.
func FuzzRestore(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		for _, x := range readTranscript(f, file) {
			if x.In != "" {
				f.Add(x.In, false)
			}
			if x.Out != "" && x.Out[0] == '#' {
				f.Add(x.Out, true)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string, six bool) {
		family := IPv4
		if six {
			family = IPv6
		}
		first, err := New(family).Restore(text, RestoreOptions{Counters: true})
		if err != nil {
			return
		}
		if !first.canBeSaved() {
			return
		}
		for _, table := range first.Tables() {
			o := SaveOptions{Table: table.String(), Counters: true}
			saved, err := first.Save(o)
			require.NoError(t, err)
			again, err := New(family).Restore(saved, RestoreOptions{Counters: true})
			require.NoError(t, err, saved)
			twice, err := again.Save(o)
			require.NoError(t, err)
			require.Equal(t, saved, twice)
		}
		for _, table := range first.Tables() {
			for _, h := range hooksOf[table] {
				p := packet("10.0.0.1", "10.0.0.2", 80)
				first.Run(table, h, &p)
			}
		}
	})
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_.+-]*$`)

// canBeSaved reports whether iptables-restore can read what iptables-save writes.
// The real tools have the same limits: names are not quoted, and a line ends.
func (r *Ruleset) canBeSaved() bool {
	for _, t := range r.used {
		for _, c := range r.tables[t].chains {
			if !plainName.MatchString(c.name) {
				return false
			}
			for _, e := range c.entries {
				if strings.Contains(e.rule.spec, "\n") || !plainName.MatchString(e.rule.in.name+e.rule.out.name) {
					return false
				}
			}
		}
	}
	return true
}

// FuzzCommand: no arguments panic.
func FuzzCommand(f *testing.F) {
	for _, file := range []string{"testdata/rules.txt", "testdata/commands.txt", "testdata/more.txt"} {
		for _, x := range readTranscript(f, file) {
			f.Add(x.Command, false)
		}
	}
	f.Fuzz(func(t *testing.T, line string, six bool) {
		family := IPv4
		if six {
			family = IPv6
		}
		words := shellWords(line)
		if len(words) == 0 {
			return
		}
		r, _, err := New(family).Command(words[1:])
		require.NotNil(t, r)
		if err != nil {
			require.IsType(t, &Error{}, err)
		}
	})
}
