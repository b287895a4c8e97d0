package image

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// sortCmd is sort [-nruf] [-k N] [-t SEP] [file...]. A key is one field, or
// N,M for those from N to M.
func sortCmd(_ context.Context, p *proc) int {
	opts, names, ok := p.options("nrufbk:t:o:", nil)
	if !ok {
		return 2
	}
	var numeric, reverse, unique, fold bool
	from, to, sep := 0, 0, ""
	for _, o := range opts {
		switch o.name {
		case "n":
			numeric = true
		case "r":
			reverse = true
		case "u":
			unique = true
		case "f":
			fold = true
		case "t":
			sep = o.value
		case "k":
			first, last, ranged := strings.Cut(o.value, ",")
			if strings.HasSuffix(o.value, "n") {
				numeric = true
			}
			if strings.HasSuffix(o.value, "r") {
				reverse = true
			}
			from = atoi(strings.TrimRight(first, "nrf"))
			if ranged {
				to = atoi(strings.TrimRight(last, "nrf"))
			}
			if from < 1 {
				p.errorf("bad field specification")
				return 2
			}
		case "o":
			p.errorf("unrecognized option: o")
			p.usageError()
			return 2
		}
	}
	var lines []string
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		f, err := p.open(name)
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			return 2
		}
		err = eachLine(f, func(line string) error {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
			return nil
		})
		f.Close()
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			return 2
		}
	}
	key := func(line string) string { return sortKey(line, sep, from, to) }
	compare := func(a, b string) int {
		x, y := key(a), key(b)
		if fold {
			x, y = strings.ToUpper(x), strings.ToUpper(y)
		}
		c := strings.Compare(x, y)
		if numeric {
			c = compareNumbers(x, y)
		}
		if reverse {
			c = -c
		}
		return c
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		c := compare(a, b)
		if c == 0 && !unique {
			if c = strings.Compare(a, b); reverse { // the last resort
				c = -c
			}
		}
		return c
	})
	if unique {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return compare(a, b) == 0 })
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return 1
		}
	}
	return 0
}

func sortKey(line, sep string, from, to int) string {
	if from == 0 {
		return line
	}
	if sep != "" {
		fields := strings.Split(line, sep)
		if from > len(fields) {
			return ""
		}
		if to == 0 || to > len(fields) {
			to = len(fields)
		}
		return strings.Join(fields[from-1:max(to, from)], sep)
	}
	fields := strings.Fields(line)
	if from > len(fields) {
		return ""
	}
	if to == 0 || to > len(fields) {
		to = len(fields)
	}
	return strings.Join(fields[from-1:max(to, from)], " ")
}

// compareNumbers compares the numbers that a and b start with.
func compareNumbers(a, b string) int {
	x, y := leadingNumber(a), leadingNumber(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func leadingNumber(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' || end == 0 && (s[end] == '-' || s[end] == '+')) {
		end++
	}
	n, _ := strconv.ParseFloat(s[:end], 64)
	return n
}

// uniq is uniq [-cdui] [input [output]].
func uniq(_ context.Context, p *proc) int {
	set, names, ok := p.flags("cdui")
	if !ok {
		return 1
	}
	var in io.ReadCloser = io.NopCloser(p.in)
	var out io.Writer = p.out
	if len(names) > 0 {
		var err error
		if in, err = p.open(names[0]); err != nil {
			p.errorf("can't open '%s': %s", names[0], strerror(err))
			return 1
		}
	}
	defer in.Close()
	if len(names) > 1 {
		f, err := p.FS().Create(p.path(names[1]))
		if err != nil {
			p.errorf("can't open '%s': %s", names[1], strerror(err))
			return 1
		}
		defer f.Close()
		out = f
	}
	last, count := "", 0
	flush := func() {
		switch {
		case count == 0, set['d'] && count < 2, set['u'] && count > 1:
		case set['c']:
			fmt.Fprintf(out, "%7d %s\n", count, last)
		default:
			fmt.Fprintln(out, last)
		}
	}
	err := eachLine(in, func(line string) error {
		line = strings.TrimSuffix(line, "\n")
		if count > 0 && (line == last || set['i'] && strings.EqualFold(line, last)) {
			count++
			return nil
		}
		flush()
		last, count = line, 1
		return p.out.failed()
	})
	flush()
	return bit(err != nil)
}
