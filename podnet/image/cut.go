package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// cut is cut {-b|-c LIST | -f LIST [-d SEP] [-s]} [file...].
func cut(_ context.Context, p *proc) int {
	opts, names, ok := p.options("b:c:f:d:sn", nil)
	if !ok {
		return 1
	}
	list, sep, fields, only := "", "\t", false, false
	for _, o := range opts {
		switch o.name {
		case "b", "c", "f":
			list, fields = o.value, o.name == "f"
		case "d":
			sep = o.value
		case "s":
			only = true
		}
	}
	if list == "" {
		p.errorf("expected a list of bytes, characters, or fields")
		return 1
	}
	if len(sep) != 1 {
		p.errorf("the delimiter must be a single character")
		return 1
	}
	in, err := cutList(list)
	if err != nil {
		p.errorf("%s", err)
		return 1
	}
	code := 0
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		f, err := p.open(name)
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			code = 1
			continue
		}
		eachLine(f, func(line string) error {
			line = strings.TrimSuffix(line, "\n")
			switch {
			case !fields:
				line = cutParts(strings.Split(line, ""), "", in)
			case strings.Contains(line, sep):
				line = cutParts(strings.Split(line, sep), sep, in)
			case only:
				return nil
			}
			_, err := fmt.Fprintln(p.out, line)
			return err
		})
		f.Close()
	}
	return code
}

func cutParts(parts []string, sep string, in func(int) bool) string {
	kept := parts[:0]
	for i, part := range parts {
		if in(i + 1) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, sep)
}

// cutList reads a list as 1,3-5,7- and tells whether a position is in it.
func cutList(list string) (func(int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for _, item := range strings.Split(list, ",") {
		a, b, ranged := strings.Cut(item, "-")
		s := span{1, 1 << 30}
		var err error
		if a != "" {
			if s.from, err = parseUint(a); err != nil || s.from == 0 {
				return nil, errors.New("invalid range " + item)
			}
		}
		switch {
		case !ranged:
			s.to = s.from
		case b != "":
			if s.to, err = parseUint(b); err != nil || s.to < s.from {
				return nil, errors.New("invalid range " + item)
			}
		case a == "":
			return nil, errors.New("invalid range " + item)
		}
		spans = append(spans, s)
	}
	return func(n int) bool {
		for _, s := range spans {
			if s.from <= n && n <= s.to {
				return true
			}
		}
		return false
	}, nil
}

// tr is tr [-cds] SET1 [SET2].
func tr(_ context.Context, p *proc) int {
	opts, sets, ok := p.options("+Ccds", nil)
	if !ok {
		return 1
	}
	var complement, del, squeeze bool
	for _, o := range opts {
		switch o.name {
		case "c", "C":
			complement = true
		case "d":
			del = true
		case "s":
			squeeze = true
		}
	}
	if len(sets) < 1 || len(sets) > 2 || len(sets) == 1 && !del && !squeeze {
		return p.usageError()
	}
	from := trSet(sets[0])
	if complement {
		var rest []byte
		for c := 0; c < 256; c++ {
			if !strings.Contains(string(from), string([]byte{byte(c)})) {
				rest = append(rest, byte(c))
			}
		}
		from = rest
	}
	var mapTo [256]int
	for i := range mapTo {
		mapTo[i] = i
	}
	var squeezed [256]bool
	to := []byte(nil)
	if len(sets) == 2 {
		to = trSet(sets[1])
	}
	for i, c := range from {
		switch {
		case del:
			mapTo[c] = -1
		case len(to) > 0:
			mapTo[c] = int(to[min(i, len(to)-1)])
		}
	}
	if squeeze {
		which := to
		if len(sets) == 1 {
			which = from
		}
		for _, c := range which {
			squeezed[c] = true
		}
	}
	in, out := bufio.NewReader(p.in), bufio.NewWriter(p.out)
	defer out.Flush()
	last := -1
	for {
		if in.Buffered() == 0 {
			out.Flush() // before a read that may wait
		}
		c, err := in.ReadByte()
		if err == io.EOF {
			return 0
		}
		if err != nil {
			return 1
		}
		n := mapTo[c]
		if n < 0 || squeezed[n] && n == last {
			continue
		}
		last = n
		if out.WriteByte(byte(n)) != nil {
			return 1
		}
	}
}

var trClasses = map[string]string{
	"digit": "0-9", "lower": "a-z", "upper": "A-Z", "alpha": "a-zA-Z", "alnum": "0-9a-zA-Z",
	"space": "\\t\\n\\v\\f\\r ", "blank": "\\t ", "xdigit": "0-9A-Fa-f", "punct": "!-/:-@\\[-`{-~",
}

// trSet expands a set: ranges, classes and escapes.
func trSet(s string) (set []byte) {
	next := func() byte {
		c := s[0]
		s = s[1:]
		if c != '\\' || s == "" {
			return c
		}
		c = s[0]
		s = s[1:]
		if i := strings.IndexByte("abfnrtv", c); i >= 0 {
			return "\a\b\f\n\r\t\v"[i]
		}
		if c < '0' || c > '7' {
			return c
		}
		n := int(c - '0')
		for i := 0; i < 2 && s != "" && s[0] >= '0' && s[0] <= '7'; i++ {
			n, s = n*8+int(s[0]-'0'), s[1:]
		}
		return byte(n)
	}
	for s != "" {
		if strings.HasPrefix(s, "[:") {
			if name, rest, ok := strings.Cut(s[2:], ":]"); ok && trClasses[name] != "" {
				set = append(set, trSet(trClasses[name])...)
				s = rest
				continue
			}
		}
		first := next()
		if len(s) > 1 && s[0] == '-' {
			s = s[1:]
			last := next()
			for c := int(first); c <= int(last); c++ {
				set = append(set, byte(c))
			}
			continue
		}
		set = append(set, first)
	}
	return set
}
