package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"

	"podnet.dev/podnet"
)

// The marks between a line's prefix and its text.
const (
	markStdout = "|" // a container's stdout
	markStderr = "!" // the stderr of a container or of a command of --exec
	markExec   = ">" // a command's stdout
	markPrompt = "$" // the command itself, and its end
)

// ANSI's colours.
const (
	ansiReset  = "\x1b[0m"
	ansiDim    = "\x1b[2m"
	ansiYellow = "\x1b[33m"
)

// palette has the colours of containers, in turn.
var palette = []string{"\x1b[36m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[92m", "\x1b[95m", "\x1b[94m"}

// printer prints what happens in a run, line by line and in order. Its methods
// may be called from any goroutine; who prints waits for the output, as a
// process does that writes to a slow terminal.
type printer struct {
	names names
	width int // of the prefixes

	size func() (width, height int) // of the terminal that out is; nil if it is none

	mu      sync.Mutex        // guards what follows
	colours map[string]string // by container; nil for none, which does not change
	out     io.Writer
	log     io.Writer // stderr
	err     error     // the first of out
	table   []string  // the lines that stay below everything else
	drawn   []string  // what of them is on the screen
}

func newPrinter(pods []source, out, stderr io.Writer, colour bool) *printer {
	p := &printer{names: newNames(pods), out: out, log: stderr}
	n := 0
	if colour {
		p.colours = make(map[string]string)
	}
	for _, pod := range pods {
		for _, c := range members(pod.spec) {
			name := p.names.container(pod.namespace(), pod.podName(), c.Name)
			p.width = max(p.width, len(name))
			if colour && pod.workload == nil {
				p.colours[name] = palette[n%len(palette)]
				n++
			}
		}
	}
	return p
}

// print writes lines to stdout.
func (p *printer) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(p.eraseTable() + text + p.drawTable())
}

// write writes to stdout. p.mu is held.
func (p *printer) write(text string) {
	if text == "" {
		return
	}
	if _, err := io.WriteString(p.out, text); err != nil && p.err == nil {
		p.err = err
	}
}

// failure returns the first error of stdout.
func (p *printer) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// errorf writes a line to stderr.
func (p *printer) errorf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(p.eraseTable()) // stderr may be the same terminal
	fmt.Fprintf(p.log, format+"\n", args...)
	p.write(p.drawTable())
}

// colour returns the colour of a container, empty if there are none. One that
// was not known beforehand, of a replica, gets the next.
func (p *printer) colour(container string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.colours == nil {
		return ""
	}
	if p.colours[container] == "" {
		p.colours[container] = palette[len(p.colours)%len(palette)]
	}
	return p.colours[container]
}

// line prints a line of a container: its name, a mark and the text.
func (p *printer) line(container, mark, text string) {
	prefix := fmt.Sprintf("%-*s %s", p.width, container, mark)
	if colour := p.colour(container); colour != "" {
		prefix = colour + prefix + ansiReset
		if mark == markStderr && text != "" {
			text = ansiDim + text + ansiReset
		}
	}
	if text != "" {
		text = " " + text
	}
	p.print(prefix + text + "\n")
}

// onLog prints a line of a container's log.
func (p *printer) onLog(l podnet.LogLine) {
	mark := markStdout
	if l.Stream == "stderr" {
		mark = markStderr
	}
	p.line(p.names.container(l.Namespace, l.Pod, l.Container), mark, l.Text)
}

// onEvent prints an event:
//
//	12:00:01 Normal  Started    web-app: Container started
func (p *printer) onEvent(e podnet.Event) {
	object := p.names.pod(e.Namespace, cmp.Or(e.Pod, e.Object))
	if _, name, ok := strings.Cut(e.FieldPath, "{"); ok { // spec.containers{app} or spec.initContainers{app}
		object = p.names.container(e.Namespace, e.Pod, strings.TrimSuffix(name, "}"))
	}
	text := fmt.Sprintf("%s %-7s %-10s %s: %s", e.LastTime.Format("15:04:05"), e.Type, e.Reason, object, e.Message)
	if e.Count > 1 {
		text += fmt.Sprintf(" (x%d)", e.Count)
	}
	if p.colours != nil {
		colour := ansiDim
		if e.Type == "Warning" {
			colour = ansiYellow
		}
		text = colour + text + ansiReset
	}
	p.print(text + "\n")
}

// lines returns a writer whose lines are printed for a container. Close it to
// print a last line without an end.
func (p *printer) lines(container, mark string) io.WriteCloser {
	return &lineWriter{printer: p, container: container, mark: mark}
}

type lineWriter struct {
	printer         *printer
	container, mark string

	mu     sync.Mutex // guards what follows
	rest   []byte     // the start of a line
	closed bool
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed { // by a process that was killed
		return 0, io.ErrClosedPipe
	}
	w.rest = append(w.rest, b...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		w.printer.line(w.container, w.mark, string(line))
		w.rest = rest
	}
}

func (w *lineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 && !w.closed {
		w.printer.line(w.container, w.mark, string(w.rest))
	}
	w.closed = true
	return nil
}
