package main

import (
	"fmt"
	"os"
)

// progress tells on stderr what is being done: in one line that changes, if that is
// a terminal, and otherwise only when something ends.
type progress struct{}

func (progress) say(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\x1b[K"+format, args...)
	}
}

func (p progress) end(format string, args ...any) {
	p.say("")
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
