package image

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
)

// head is head [-qv] [-n N] [-c N] [file...].
func head(_ context.Context, p *proc) int {
	if len(p.args) > 0 && len(p.args[0]) > 1 && p.args[0][0] == '-' {
		if _, err := strconv.Atoi(p.args[0][1:]); err == nil { // head -5
			p.args = append([]string{"-n", p.args[0][1:]}, p.args[1:]...)
		}
	}
	opts, names, ok := p.options("qvn:c:", nil)
	if !ok {
		return 1
	}
	count, inBytes, headers := int64(10), false, len(names) > 1
	for _, o := range opts {
		switch o.name {
		case "q":
			headers = false
		case "v":
			headers = true
		case "n", "c":
			inBytes = o.name == "c"
			if count, ok = p.number(o.value); !ok {
				return 1
			}
		}
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for i, name := range names {
		f, err := p.open(name)
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			code = 1
			continue
		}
		if headers {
			if i > 0 {
				io.WriteString(p.out, "\n")
			}
			fmt.Fprintf(p.out, "==> %s <==\n", name)
		}
		if inBytes {
			io.CopyN(p.out, f, count)
		} else {
			b := bufio.NewReader(f)
			for n := count; n > 0; n-- {
				line, err := b.ReadString('\n')
				io.WriteString(p.out, line)
				if err != nil {
					break
				}
			}
		}
		f.Close()
	}
	return code
}

// wc is wc [-lwcm] [file...].
func wc(_ context.Context, p *proc) int {
	set, names, ok := p.flags("lwcmL")
	if !ok {
		return 1
	}
	if len(set) == 0 {
		set = map[byte]bool{'l': true, 'w': true, 'c': true}
	}
	show := func(counts [3]int64, name string) {
		format, line := "%9d", ""
		if len(set) == 1 && len(names) < 2 {
			format = "%d"
		}
		for i, flag := range []byte{'l', 'w', 'c'} {
			if set[flag] || flag == 'c' && set['m'] {
				if line != "" {
					line += " "
				}
				line += fmt.Sprintf(format, counts[i])
			}
		}
		if name != "" {
			line += " " + name
		}
		fmt.Fprintln(p.out, line)
	}
	var total [3]int64
	code := 0
	given := names
	if len(names) == 0 {
		given = []string{"-"}
	}
	for _, name := range given {
		f, err := p.open(name)
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			code = 1
			continue
		}
		counts := countWords(f)
		f.Close()
		for i := range total {
			total[i] += counts[i]
		}
		if len(names) == 0 {
			name = ""
		}
		show(counts, name)
	}
	if len(given) > 1 {
		show(total, "total")
	}
	return code
}

// countWords counts lines, words and bytes.
func countWords(r io.Reader) (counts [3]int64) {
	inWord := false
	b := bufio.NewReader(r)
	for {
		c, err := b.ReadByte()
		if err != nil {
			return counts
		}
		counts[2]++
		if c == '\n' {
			counts[0]++
		}
		space := c == ' ' || c >= '\t' && c <= '\r'
		if !space && !inWord {
			counts[1]++
		}
		inWord = !space
	}
}
