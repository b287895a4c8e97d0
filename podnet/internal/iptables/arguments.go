package iptables

import "strings"

// general is an option of the command itself.
type general struct {
	long  string
	short byte // 0 if there is none
	arg   argument
}

// argument says whether an option takes a word.
type argument uint8

const (
	noArgument argument = iota
	needsArgument
	mayHaveArgument // in the same word only, as in -w5
)

// generalOptions are the options of iptables and ip6tables.
var generalOptions = []general{
	{"append", 'A', needsArgument}, {"delete", 'D', needsArgument}, {"check", 'C', needsArgument},
	{"insert", 'I', needsArgument}, {"replace", 'R', needsArgument}, {"list", 'L', mayHaveArgument},
	{"list-rules", 'S', mayHaveArgument}, {"flush", 'F', mayHaveArgument}, {"zero", 'Z', mayHaveArgument},
	{"new-chain", 'N', needsArgument}, {"delete-chain", 'X', mayHaveArgument}, {"rename-chain", 'E', needsArgument},
	{"policy", 'P', needsArgument},
	{"source", 's', needsArgument}, {"src", 's', needsArgument}, {"destination", 'd', needsArgument}, {"dst", 'd', needsArgument},
	{"protocol", 'p', needsArgument}, {"proto", 'p', needsArgument}, {"in-interface", 'i', needsArgument},
	{"out-interface", 'o', needsArgument}, {"jump", 'j', needsArgument}, {"goto", 'g', needsArgument},
	{"match", 'm', needsArgument}, {"table", 't', needsArgument}, {"fragments", 'f', noArgument}, {"fragment", 'f', noArgument},
	{"numeric", 'n', noArgument}, {"verbose", 'v', noArgument}, {"exact", 'x', noArgument}, {"line-numbers", '0', noArgument},
	{"wait", 'w', mayHaveArgument}, {"wait-interval", 'W', mayHaveArgument}, {"version", 'V', noArgument},
	{"help", 'h', mayHaveArgument}, {"modprobe", 'M', needsArgument}, {"set-counters", 'c', needsArgument},
	{"ipv4", '4', noArgument}, {"ipv6", '6', noArgument},
}

// word is what arguments.next found.
type word struct {
	plain  string      // no option at all
	letter byte        // of a general option
	ext    extension   // whose option it is
	given  *uint32     // of ext
	option *option     // of ext
	value  string      // the option's own word
	own    bool        // there is a value
	raw    string      // as it was written
	fault  faultOption // why it is no option
}

// faultOption says what is wrong with an option.
type faultOption uint8

const (
	noFault faultOption = iota
	unknownOption
	missingArgument
)

// arguments reads a command's words as getopt_long does: letters may stand
// together, and long names may be cut short.
type arguments struct {
	words   []string
	cluster string // the rest of a word of letters
}

// next returns the next word. loaded are the extensions so far, in the order
// they came; done reports the end.
func (a *arguments) next(loaded []*loaded) (w word, done bool) {
	if a.cluster == "" {
		if len(a.words) == 0 {
			return w, true
		}
		first := a.words[0]
		if first == "--" {
			a.words = a.words[1:]
			return w, true
		}
		a.words = a.words[1:]
		switch {
		case strings.HasPrefix(first, "--"):
			return a.long(first, loaded), false
		case len(first) < 2 || first[0] != '-':
			return word{plain: first, raw: first}, false
		}
		a.cluster = first[1:]
	}
	letter := a.cluster[0]
	a.cluster = a.cluster[1:]
	w = word{letter: letter, raw: "-" + string(letter)}
	for _, g := range generalOptions {
		if g.short != letter || letter == '0' {
			continue
		}
		if g.arg != noArgument && a.cluster != "" {
			w.value, w.own, a.cluster = a.cluster, true, ""
		} else if g.arg == needsArgument {
			a.take(&w)
		}
		return w, false
	}
	w.fault = unknownOption
	return w, false
}

// take gives the option the next word.
func (a *arguments) take(w *word) {
	if len(a.words) == 0 {
		w.fault = missingArgument
		return
	}
	w.value, w.own, a.words = a.words[0], true, a.words[1:]
}

// long looks a long option up: a full name first, then the one that begins so.
func (a *arguments) long(text string, all []*loaded) word {
	name, value, hasValue := strings.Cut(text[2:], "=")
	w := word{raw: text, value: value, own: hasValue}
	arg := noArgument
	candidates := 0
	look := func(full string, exact bool) bool {
		return exact && full == name || !exact && full != name && strings.HasPrefix(full, name)
	}
	for _, exact := range []bool{true, false} {
		if candidates > 0 {
			break
		}
		for _, g := range generalOptions {
			if look(g.long, exact) && w.letter != g.short {
				w.letter, arg = g.short, g.arg
				candidates++
			}
		}
		for i := len(all) - 1; i >= 0; i-- {
			options := all[i].ext.options()
			for j := range options {
				o := &options[j]
				if !look(o.name, exact) || exact && candidates > 0 || w.option != nil && w.ext == all[i].ext && w.option.id == o.id {
					continue
				}
				w.ext, w.given, w.option = all[i].ext, &all[i].given, o
				candidates++
				arg = noArgument
				if o.args > 0 {
					arg = needsArgument
				}
			}
		}
	}
	switch {
	case candidates != 1 || hasValue && arg == noArgument:
		return word{raw: text, fault: unknownOption}
	case arg == needsArgument && !hasValue:
		a.take(&w)
	}
	return w
}

// optional returns the next word if it is no option, as the number behind -I
// CHAIN.
func (a *arguments) optional() (string, bool) {
	if a.cluster != "" || len(a.words) == 0 || strings.HasPrefix(a.words[0], "-") || strings.HasPrefix(a.words[0], "!") {
		return "", false
	}
	first := a.words[0]
	a.words = a.words[1:]
	return first, true
}

// loaded is an extension and what it was given.
type loaded struct {
	ext   extension
	given uint32
}
