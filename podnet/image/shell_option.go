package image

import (
	"context"
	"fmt"
	"strings"
)

// setFlag sets an option by its letter, and setOption by its name. They report
// false for one that ash does not have, or that has no meaning here.
func (s *shell) setFlag(letter byte, on bool) bool {
	o := s.option(letter, "")
	if o != nil {
		*o = on
	}
	return o != nil
}

func (s *shell) setOption(name string, on bool) bool {
	o := s.option(0, name)
	if o != nil {
		*o = on
	}
	return o != nil
}

// shellOptNames are the options by letter; pipefail has none.
var shellOptNames = []struct {
	letter byte
	name   string
}{{'e', "errexit"}, {'f', "noglob"}, {'n', "noexec"}, {'x', "xtrace"}, {'C', "noclobber"}, {'a', "allexport"}, {'u', "nounset"}, {' ', "pipefail"}}

func (s *shell) option(letter byte, name string) *bool {
	for i, p := range s.optPointers() {
		if n := shellOptNames[i]; letter != 0 && n.letter == letter || name != "" && n.name == name {
			return p
		}
	}
	return nil
}

// optPointers are the options in the order of shellOptNames.
func (s *shell) optPointers() []*bool {
	o := &s.opts
	return []*bool{&o.errexit, &o.noglob, &o.noexec, &o.xtrace, &o.noclobber, &o.allexport, &o.nounset, &o.pipefail}
}

func (s *shell) flagLetters() string {
	letters := ""
	for i, p := range s.optPointers() {
		if *p && shellOptNames[i].letter != ' ' {
			letters += string(shellOptNames[i].letter)
		}
	}
	return letters
}

func biSet(_ context.Context, s *shell, args []string) int {
	args = args[1:]
	if len(args) == 0 {
		for _, name := range s.sortedVars() {
			if v := s.vars[name]; v.Set {
				fmt.Fprintf(s.stdout(), "%s=%s\n", name, quoteAlways(v.Str))
			}
		}
		return 0
	}
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			s.params = args[1:]
			return 0
		}
		if len(arg) < 2 || arg[0] != '-' && arg[0] != '+' {
			s.params = args
			return 0
		}
		args = args[1:]
		on := arg[0] == '-'
		for i := 1; i < len(arg); i++ {
			ok := true
			switch {
			case arg[i] != 'o':
				ok = s.setFlag(arg[i], on)
			case len(args) == 0:
				s.listOptions()
			default:
				ok = s.setOption(args[0], on)
				if !ok {
					s.builtinErrorf("set", "illegal option %s %s", arg[:1]+"o", args[0])
					s.exit(2)
					return 2
				}
				args = args[1:]
			}
			if !ok {
				s.builtinErrorf("set", "illegal option %c%c", arg[0], arg[i])
				s.exit(2)
				return 2
			}
		}
	}
	return 0
}

func (s *shell) listOptions() {
	for i, p := range s.optPointers() {
		state := "off"
		if *p {
			state = "on"
		}
		fmt.Fprintf(s.stdout(), "%-16s%s\n", shellOptNames[i].name, state)
	}
}

// biGetopts is getopts optstring name [args].
func biGetopts(_ context.Context, s *shell, args []string) int {
	if len(args) < 3 {
		s.builtinErrorf("getopts", "usage: getopts optstring var [arg]")
		return 2
	}
	spec, name := args[1], args[2]
	words := s.params
	if len(args) > 3 {
		words = args[3:]
	}
	silent := strings.HasPrefix(spec, ":")
	spec = strings.TrimPrefix(spec, ":")
	ind := max(atoi(s.get("OPTIND")), 1)
	if ind != s.optWord { // a new command line, or OPTIND was set
		s.optWord, s.optAt = ind, 1
	}
	delete(s.vars, "OPTARG")
	if ind > len(words) || len(words[ind-1]) < 2 || words[ind-1][0] != '-' || words[ind-1] == "--" {
		if ind <= len(words) && words[ind-1] == "--" {
			ind++
		}
		s.optDone(ind, name, "?")
		return 1
	}
	word := words[ind-1]
	letter := word[s.optAt]
	s.optAt++
	j := strings.IndexByte(spec, letter)
	takes := j >= 0 && letter != ':' && j+1 < len(spec) && spec[j+1] == ':'
	value := string(letter)
	switch {
	case j < 0 || letter == ':':
		if silent {
			s.assign("OPTARG", string(letter))
		} else {
			fmt.Fprintf(s.stderr(), "Illegal option -%c\n", letter)
		}
		value = "?"
	case takes && s.optAt < len(word):
		s.assign("OPTARG", word[s.optAt:])
		s.optAt = len(word)
	case takes && ind < len(words):
		s.assign("OPTARG", words[ind])
		ind++
	case takes:
		value = "?"
		if silent {
			s.assign("OPTARG", string(letter))
			value = ":"
		} else {
			fmt.Fprintf(s.stderr(), "No arg for -%c option\n", letter)
		}
	}
	if s.optAt >= len(word) {
		ind++
		s.optAt = 1
	}
	s.optDone(ind, name, value)
	return 0
}

func (s *shell) optDone(ind int, name, value string) {
	s.optWord = ind
	s.assign("OPTIND", fmt.Sprint(ind))
	s.assign(name, value)
}
