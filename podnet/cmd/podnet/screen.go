package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/term"
)

// terminalSize returns a function that gives the size of the terminal that w is,
// in characters, or nil if w is none or one that cannot move its cursor.
func terminalSize(w io.Writer) func() (width, height int) {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}
}

// live reports whether there is a terminal for a table to stay on.
func (p *printer) live() bool { return p.size != nil }

// setTable makes lines those that stay at the bottom of the terminal, while
// everything else scrolls above them. The cursor is kept below them, where a
// message of another program does no harm.
func (p *printer) setTable(lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size == nil || slices.Equal(lines, p.table) {
		return
	}
	p.table = lines
	p.write(p.eraseTable() + p.drawTable())
}

// eraseTable returns what takes the table off the screen. p.mu is held.
func (p *printer) eraseTable() string {
	if len(p.drawn) == 0 {
		return ""
	}
	width, _ := p.size()
	rows := 0
	for _, line := range p.drawn {
		rows += max(1, (len(line)+width-1)/width) // more than 1 if the terminal has become narrower
	}
	p.drawn = nil
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows)
}

// drawTable returns what puts the table on the screen, cut to the terminal's
// width and to half of its height; a terminal of a few lines shows none. p.mu is
// held.
func (p *printer) drawTable() string {
	if len(p.table) == 0 {
		return ""
	}
	width, height := p.size()
	if height < 6 {
		return ""
	}
	lines := slices.Clone(p.table)
	if most := height / 2; len(lines) > most {
		more := fmt.Sprintf("(and %d more)", len(lines)-most+1)
		lines = append(lines[:most-1], more)
	}
	text := ""
	for i, line := range lines {
		if len(line) >= width { // a full line would wrap on some terminals
			lines[i] = line[:width-1]
		}
		text += lines[i] + "\n"
	}
	p.drawn = lines
	return text
}
