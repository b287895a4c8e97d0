package image

import (
	"strconv"
	"strings"
)

// An option is one option of a command line, with its value if it takes one.
type option struct {
	name  string // "n" or, for a long one, "--spider"
	value string
}

// options reads a command's options as getopt_long does, options and operands
// in any order until "--". spec has the letters, each followed by a colon if it
// takes a value; a leading plus stops at the first operand. long maps long
// names, each with a "=" at its end if it takes a value, to nothing or to the
// letter that they stand for.
//
// For a wrong option it says so on stderr, with the usage, and reports false;
// the command then returns 1.
func (p *proc) options(spec string, long map[string]string) (opts []option, operands []string, ok bool) {
	spec, inOrder := strings.CutPrefix(spec, "+")
	args := p.args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return opts, append(operands, args...), true
		case strings.HasPrefix(arg, "--"):
			name, value, hasValue := strings.Cut(arg[2:], "=")
			letter, found := long[name]
			if !found {
				if letter, found = long[name+"="]; !found {
					p.errorf("unrecognized option: %s", name)
					p.usageError()
					return nil, nil, false
				}
				if !hasValue {
					if len(args) == 0 {
						p.errorf("option requires an argument: %s", name)
						p.usageError()
						return nil, nil, false
					}
					value, args = args[0], args[1:]
				}
			}
			if letter == "" {
				letter = "--" + name
			}
			opts = append(opts, option{letter, value})
		case len(arg) > 1 && arg[0] == '-':
			for i := 1; i < len(arg); i++ {
				letter := arg[i]
				j := strings.IndexByte(spec, letter)
				if j < 0 || letter == ':' {
					p.errorf("unrecognized option: %c", letter)
					p.usageError()
					return nil, nil, false
				}
				if j+1 >= len(spec) || spec[j+1] != ':' {
					opts = append(opts, option{string(letter), ""})
					continue
				}
				value := arg[i+1:]
				if value == "" {
					if len(args) == 0 {
						p.errorf("option requires an argument: %c", letter)
						p.usageError()
						return nil, nil, false
					}
					value, args = args[0], args[1:]
				}
				opts = append(opts, option{string(letter), value})
				break
			}
		case inOrder:
			return opts, append(append(operands, arg), args...), true
		default:
			operands = append(operands, arg)
		}
	}
	return opts, operands, true
}

// flags is options for a command whose options are letters without values.
func (p *proc) flags(letters string) (set map[byte]bool, operands []string, ok bool) {
	opts, operands, ok := p.options(letters, nil)
	set = make(map[byte]bool, len(opts))
	for _, o := range opts {
		set[o.name[0]] = true
	}
	return set, operands, ok
}

// number reads a count as busybox does, with its size suffixes.
func (p *proc) number(s string) (int64, bool) {
	digits, factor := s, int64(1)
	switch {
	case strings.HasSuffix(s, "b"):
		digits, factor = s[:len(s)-1], 512
	case strings.HasSuffix(s, "k"):
		digits, factor = s[:len(s)-1], 1024
	case strings.HasSuffix(s, "m"):
		digits, factor = s[:len(s)-1], 1024*1024
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		p.errorf("invalid number '%s'", s)
		return 0, false
	}
	return n * factor, true
}
