// Package transcript reads and records what command line tools have said, for
// tests that hold podnet's against the real ones.
//
// In a file, "$ " begins a command, "< " a line of its input, "> " of its output,
// "! " of its errors, and "= " its exit code, if it is not 0. "== " begins a new
// network namespace.
package transcript

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Exchange is a command with what it said.
type Exchange struct {
	Title        string // of the namespace that it is the first of; else ""
	Command      string
	In, Out, Err string
	Code         int
}

// Read reads a file.
func Read(file string) ([]Exchange, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Exchange
	title := ""
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		switch {
		case kind == "==":
			title = rest
			continue
		case kind == "$":
			all = append(all, Exchange{Title: title, Command: rest})
			title = ""
			continue
		case len(all) == 0:
			return nil, fmt.Errorf("%s:%d: %q before the first command", file, i+1, line)
		}
		last := &all[len(all)-1]
		switch kind {
		case "<":
			last.In += rest + "\n"
		case ">":
			last.Out += rest + "\n"
		case "!":
			last.Err += rest + "\n"
		case "=":
			if _, err := fmt.Sscan(rest, &last.Code); err != nil {
				return nil, fmt.Errorf("%s:%d: %q: %w", file, i+1, line, err)
			}
		default:
			return nil, fmt.Errorf("%s:%d: what is %q?", file, i+1, line)
		}
	}
	return all, nil
}

// A Recorder runs the commands of a file for real. It needs root and Linux.
type Recorder struct {
	Setup string                      // a script that each namespace begins with
	Real  func(command string) string // what stands for a command; nil for itself
	Clean func(text string) string    // makes what was said the same each time; nil for nothing
}

// Record runs the commands of a file, in network namespaces of their own, and
// writes the file anew with what they say.
func (r Recorder) Record(file string) error {
	all, err := Read(file)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "transcript")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var scripts []string
	for i, x := range all {
		if x.Title != "" || i == 0 {
			scripts = append(scripts, r.Setup)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("in", i)), []byte(x.In), 0o600); err != nil {
			return err
		}
		command := x.Command
		if r.Real != nil {
			command = r.Real(command)
		}
		scripts[len(scripts)-1] += fmt.Sprintf("%s <%[2]s/in%[3]d >%[2]s/out%[3]d 2>%[2]s/err%[3]d; echo $? >%[2]s/code%[3]d\n", command, dir, i)
	}
	for _, s := range scripts {
		if out, err := exec.Command("unshare", "-n", "sh", "-c", s).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	var b strings.Builder
	for i, x := range all {
		if x.Title != "" {
			b.WriteString("== " + x.Title + "\n")
		}
		b.WriteString("$ " + x.Command + "\n")
		write(&b, "<", x.In)
		for _, said := range []struct{ mark, name string }{{">", "out"}, {"!", "err"}, {"=", "code"}} {
			text, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(said.name, i)))
			if err != nil {
				return err
			}
			switch {
			case said.mark == "=" && strings.TrimSpace(string(text)) == "0":
			case r.Clean != nil:
				write(&b, said.mark, r.Clean(string(text)))
			default:
				write(&b, said.mark, string(text))
			}
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

func write(b *strings.Builder, mark, text string) {
	for line := range strings.Lines(text) {
		b.WriteString(mark + " " + strings.TrimSuffix(line, "\n") + "\n")
	}
}
