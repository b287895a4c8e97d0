package image

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// echo is echo [-neE] [word...], with the options as busybox reads them: a word
// with another letter is no option.
func echo(_ context.Context, p *proc) int {
	args := p.args
	newline, escapes := true, false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		for _, c := range args[0][1:] {
			switch c {
			case 'n':
				newline = false
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		var stop bool
		if text, stop = unescape(text, true); stop {
			newline = false
		}
	}
	if newline {
		text += "\n"
	}
	_, err := io.WriteString(p.out, text)
	return bit(err != nil)
}

// unescape expands backslash escapes. \c ends the output: stop is then true.
// zero says that an octal escape starts with \0, as for echo and %b.
func unescape(s string, zero bool) (out string, stop bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case c == 'c':
			return b.String(), true
		case c == 'e':
			b.WriteByte(0x1b)
		case strings.IndexByte(`abfnrtv\`, c) >= 0:
			b.WriteByte("\a\b\f\n\r\t\v\\"[strings.IndexByte(`abfnrtv\`, c)])
		case c == 'x':
			n, digits := number(s[i+1:], 16, 2)
			if digits == 0 {
				b.WriteString(`\x`)
				continue
			}
			b.WriteByte(byte(n))
			i += digits
		case c == '0' && zero:
			n, digits := number(s[i+1:], 8, 3)
			b.WriteByte(byte(n))
			i += digits
		case c >= '0' && c <= '7':
			n, digits := number(s[i:], 8, 3)
			b.WriteByte(byte(n))
			i += digits - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), false
}

// number reads up to most digits.
func number(s string, base, most int) (n, digits int) {
	for digits < most && digits < len(s) {
		d, err := strconv.ParseInt(s[digits:digits+1], base, 8)
		if err != nil {
			break
		}
		n = n*base + int(d)
		digits++
	}
	return n, digits
}

// printf is printf format [argument...].
func printf(_ context.Context, p *proc) int {
	args := p.args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		p.err.Write([]byte("BusyBox v1.37.0 (podnet) multi-call binary.\n\nUsage: printf FORMAT [ARG]...\n"))
		return 1
	}
	f := formatter{proc: p, args: args[1:]}
	for {
		used := len(f.args)
		stop := f.format(args[0])
		if stop || len(f.args) == 0 || len(f.args) == used {
			break
		}
	}
	io.WriteString(p.out, f.text.String())
	return f.code
}

type formatter struct {
	*proc
	args []string
	text strings.Builder
	code int
}

func (f *formatter) next() string {
	if len(f.args) == 0 {
		return ""
	}
	arg := f.args[0]
	f.args = f.args[1:]
	return arg
}

// format writes one pass over the format, and reports whether to stop.
func (f *formatter) format(format string) bool {
	for format != "" {
		i := strings.IndexAny(format, `%\`)
		if i < 0 {
			f.text.WriteString(format)
			return false
		}
		f.text.WriteString(format[:i])
		format = format[i:]
		if format[0] == '\\' {
			end := 2
			for end < len(format) && end < 4 && strings.IndexByte("01234567x", format[1]) >= 0 && isHex(format[end]) {
				end++
			}
			out, stop := unescape(format[:min(end, len(format))], false)
			f.text.WriteString(out)
			if stop {
				return true
			}
			format = format[min(end, len(format)):]
			continue
		}
		if strings.HasPrefix(format, "%%") {
			f.text.WriteByte('%')
			format = format[2:]
			continue
		}
		end := 1
		for end < len(format) && strings.IndexByte("-+ #0123456789.*", format[end]) >= 0 {
			end++
		}
		if end == len(format) {
			f.errorf("%s: invalid format", format)
			f.code = 1
			return true
		}
		spec, verb := format[:end], format[end]
		format = format[end+1:]
		for strings.Contains(spec, "*") {
			spec = strings.Replace(spec, "*", fmt.Sprint(atoi(f.next())), 1)
		}
		if f.verb(spec, verb) {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (f *formatter) verb(spec string, verb byte) (stop bool) {
	switch verb {
	case 's':
		fmt.Fprintf(&f.text, spec+"s", f.next())
	case 'b':
		var out string
		out, stop = unescape(f.next(), true)
		fmt.Fprintf(&f.text, spec+"s", out)
	case 'c':
		fmt.Fprintf(&f.text, spec+"s", firstByte(f.next()))
	case 'd', 'i':
		fmt.Fprintf(&f.text, spec+"d", f.integer(f.next()))
	case 'u':
		fmt.Fprintf(&f.text, spec+"d", uint64(f.integer(f.next())))
	case 'o', 'x', 'X':
		fmt.Fprintf(&f.text, spec+string(verb), uint64(f.integer(f.next())))
	case 'e', 'f', 'g', 'E', 'G':
		arg := f.next()
		n, err := strconv.ParseFloat(arg, 64)
		if err != nil && arg != "" {
			f.errorf("invalid number '%s'", arg)
			f.code = 1
		}
		fmt.Fprintf(&f.text, spec+string(verb), n)
	default:
		f.errorf("%s%c: invalid format", spec, verb)
		f.code = 1
		return true
	}
	return stop
}

func firstByte(s string) string {
	if s == "" {
		return ""
	}
	return s[:1]
}

// integer reads a number as C does, or the code of a character after a quote.
func (f *formatter) integer(s string) int64 {
	if s == "" {
		return 0
	}
	if (s[0] == '\'' || s[0] == '"') && len(s) > 1 {
		return int64(s[1])
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 0, 64)
	if err != nil {
		f.errorf("invalid number '%s'", s)
		f.code = 1
		return 0
	}
	return n
}
