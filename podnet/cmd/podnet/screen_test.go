package main

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// fakeTerminal is a terminal that keeps what has scrolled off. It knows what the
// command writes: text, newlines, and three of ANSI's sequences.
type fakeTerminal struct {
	t *testing.T

	mu            sync.Mutex // guards what follows
	width, height int
	lines         [][]byte
	row, column   int
	writes        int
}

func newTerminal(t *testing.T, width, height int) *fakeTerminal {
	return &fakeTerminal{t: t, width: width, height: height, lines: [][]byte{nil}}
}

func (f *fakeTerminal) size() (int, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.width, f.height
}

func (f *fakeTerminal) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	for text := string(b); text != ""; {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			end := strings.IndexAny(text, "AJm")
			n, _ := strconv.Atoi(text[2:end])
			switch text[end] {
			case 'A':
				f.row -= n
				assert.GreaterOrEqual(f.t, f.row, max(0, len(f.lines)-f.height), "the cursor stops at the top of the screen")
			case 'J':
				f.lines = f.lines[:f.row+1]
				f.lines[f.row] = f.lines[f.row][:min(f.column, len(f.lines[f.row]))]
			}
			text = text[end+1:]
			continue
		case text[0] == '\r':
			f.column = 0
		case text[0] == '\n':
			f.newline()
		default:
			if f.column == f.width {
				f.newline()
			}
			f.lines[f.row] = append(f.lines[f.row][:f.column], text[0])
			f.column++
		}
		text = text[1:]
	}
	return len(b), nil
}

func (f *fakeTerminal) newline() {
	f.row, f.column = f.row+1, 0
	if f.row == len(f.lines) {
		f.lines = append(f.lines, nil)
	}
}

// written returns how often it was written to.
func (f *fakeTerminal) written() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// String returns all lines, those that have scrolled off too.
func (f *fakeTerminal) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for i, line := range f.lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.Write(line)
	}
	return b.String()
}

// tail returns the last n lines before the one of the cursor.
func (f *fakeTerminal) tail(n int) string {
	lines := strings.Split(f.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-1-n):], "\n")
}

func terminalPrinter(f *fakeTerminal) *printer {
	p := newPrinter([]source{testPod("", "web", "app")}, f, f, false)
	p.size = f.size
	return p
}

func TestTheTableStaysBelowEverythingElse(t *testing.T) {
	f := newTerminal(t, 20, 24)
	p := terminalPrinter(f)
	p.print("one\n")
	p.setTable([]string{"NAME", "web"})
	p.print("two\n")
	p.errorf("oh: %d", 3)
	p.print("a line of more than twenty characters\n")
	p.setTable([]string{"NAME", "web", "db"})
	f.Write([]byte("^C")) // as a terminal shows it
	p.print("three\n")
	assert.Equal(t, "one\ntwo\noh: 3\na line of more than \ntwenty characters\nthree\nNAME\nweb\ndb\n", f.String())
	writes := f.written()
	p.setTable([]string{"NAME", "web", "db"})
	assert.Equal(t, writes, f.written(), "nothing has changed")
	p.setTable(nil)
	p.print("four\n")
	assert.True(t, strings.HasSuffix(f.String(), "\nthree\nfour\n"), f.String())
}

func TestTheTableFitsTheTerminal(t *testing.T) {
	table := []string{"NAME   READY", "web    1/1", "db     1/1", "cache  1/1", "queue  1/1"}
	for _, tt := range []struct {
		name          string
		width, height int
		want          string
	}{
		{"wide enough", 13, 24, strings.Join(table, "\n") + "\n"},
		{"as wide as a line, which would wrap", 12, 24, "NAME   READ\nweb    1/1\ndb     1/1\ncache  1/1\nqueue  1/1\n"},
		{"of one column", 1, 24, "\n\n\n\n\n"},
		{"too low", 80, 9, "NAME   READY\nweb    1/1\ndb     1/1\n(and 2 more)\n"},
		{"of no height", 80, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newTerminal(t, tt.width, tt.height)
			p := terminalPrinter(f)
			p.setTable(table)
			assert.Equal(t, tt.want, f.String())
			p.print("x\n")
			p.setTable(nil)
			assert.Equal(t, "x\n", f.String())
		})
	}
	t.Run("it has become narrower, and wraps what is there", func(t *testing.T) {
		f := newTerminal(t, 13, 24)
		p := terminalPrinter(f)
		p.print("x\n")
		p.setTable(table[:2])
		f.width, f.lines, f.row = 6, [][]byte{[]byte("x"), []byte("NAME  "), []byte(" READY"), []byte("web   "), []byte(" 1/1"), nil}, 5
		p.print("y\n")
		assert.Equal(t, "x\ny\nNAME \nweb  \n", f.String())
	})
}
