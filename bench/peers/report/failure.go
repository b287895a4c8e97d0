package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// failures are what went wrong, with how often it did.
type failures map[string]int

func (f failures) add(j job, out []byte, err error) {
	why := err.Error()
	if lines := complaints(string(out)); len(lines) > 0 {
		why = strings.Join(lines, "; ")
	}
	f[fmt.Sprintf("%s: %s", readable(j.bench), why)]++
}

// complaints are the lines that say what failed: at most five.
func complaints(out string) []string {
	var list []string
	failed := false
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "--- FAIL"), strings.HasPrefix(trimmed, "panic:"), strings.HasPrefix(trimmed, "fatal error:"):
			failed = true
			list = append(list, trimmed)
		case failed && strings.HasPrefix(line, " "):
			list = append(list, trimmed)
		default:
			failed = false
		}
	}
	return list[:min(len(list), 5)]
}

func (f failures) list() []string {
	var list []string
	for _, what := range slices.Sorted(maps.Keys(f)) {
		list = append(list, fmt.Sprintf("%s (%d times)", what, f[what]))
	}
	return list
}
