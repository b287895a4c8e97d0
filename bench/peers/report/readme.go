package main

import (
	"fmt"
	"os"
	"strings"
)

// The README has what was measured between these.
const (
	readmeBegin = "<!-- measured by go run ./bench/report -->\n"
	readmeEnd   = "<!-- end of what was measured -->"
)

// writeReadme puts the answer and its chart into the README.
func (p *page) writeReadme(name string) error {
	line, ok := p.answer()
	if !ok {
		return nil // and what stands there still holds
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), readmeBegin)
	_, after, ends := strings.Cut(rest, readmeEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for what was measured: put the lines %q and %q into it", name, strings.TrimSpace(readmeBegin), readmeEnd)
	}
	block := line + " All of it: [docs/benchmarks.md](docs/benchmarks.md).\n\n![What a hop costs](docs/benchmarks/hops.svg)\n"
	return os.WriteFile(name, []byte(before+readmeBegin+block+readmeEnd+after), 0o644)
}
