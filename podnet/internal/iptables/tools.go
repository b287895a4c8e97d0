package iptables

import (
	"fmt"
	"strings"
)

// ParseSave reads the arguments of iptables-save.
func ParseSave(f Family, args []string) (SaveOptions, error) {
	prog := f.Command() + "-save"
	var o SaveOptions
	t := toolArguments{prog: prog, args: args, manual: fmt.Sprintf("Look at manual page `%s.8' for more information.\n", prog)}
	for {
		name, more, err := t.next(map[string]bool{"counters": false, "table": true, "dump": false, "modprobe": true, "file": true, "version": false})
		switch {
		case err != nil:
			return o, err
		case !more && len(t.operands) > 0:
			return o, &Error{"Unknown arguments found on commandline\n", codeOther}
		case !more:
			return o, nil
		}
		switch name {
		case "counters":
			o.Counters = true
		case "table":
			o.Table = t.value
		case "file", "version", "dump":
			return o, &Error{fmt.Sprintf("%s: podnet does not support --%s\n", prog, name), codeOther}
		}
	}
}

// ParseRestore reads the arguments of iptables-restore. file is the file to read
// instead of standard input, "" if there is none.
func ParseRestore(f Family, args []string) (o RestoreOptions, file string, err error) {
	prog := f.Command() + "-restore"
	t := toolArguments{prog: prog, args: args, manual: fmt.Sprintf("Try `%s -h' for more information.\n", prog), isRestore: true}
	for {
		name, more, err := t.next(map[string]bool{"counters": false, "verbose": false, "version": false, "test": false, "help": false,
			"noflush": false, "modprobe": true, "table": true, "wait": false, "wait-interval": false})
		switch {
		case err != nil:
			return o, "", err
		case !more && len(t.operands) > 1:
			return o, "", &Error{"Unknown arguments found on commandline\n", codeOther}
		case !more:
			return o, strings.Join(t.operands, ""), nil
		}
		switch name {
		case "counters":
			o.Counters = true
		case "noflush":
			o.NoFlush = true
		case "test":
			o.Test = true
		case "table":
			o.Table = t.value
		case "verbose", "version", "help":
			return o, "", &Error{fmt.Sprintf("%s: podnet does not support --%s\n", prog, name), codeOther}
		}
	}
}

// toolArguments are the words of iptables-save or iptables-restore.
type toolArguments struct {
	prog, manual string
	args         []string
	cluster      string
	operands     []string
	value        string // of the last option
	isRestore    bool
}

// short returns the long name of a letter.
func (t *toolArguments) short(letter byte) string {
	if t.isRestore {
		return map[byte]string{'c': "counters", 'v': "verbose", 'V': "version", 't': "test", 'h': "help", 'n': "noflush", 'M': "modprobe",
			'T': "table", 'w': "wait", 'W': "wait-interval"}[letter]
	}
	return map[byte]string{'c': "counters", 't': "table", 'd': "dump", 'M': "modprobe", 'f': "file", 'V': "version"}[letter]
}

// next returns the next option's long name. known says which take a word.
func (t *toolArguments) next(known map[string]bool) (name string, more bool, err error) {
	var own bool
	t.value = ""
	for t.cluster == "" {
		if len(t.args) == 0 {
			return "", false, nil
		}
		word := t.args[0]
		t.args = t.args[1:]
		switch {
		case word == "--":
			t.operands = append(t.operands, t.args...)
			t.args = nil
		case strings.HasPrefix(word, "--"):
			name, t.value, own = strings.Cut(word[2:], "=")
			full := name
			if _, exact := known[name]; !exact {
				full = only(known, name)
			}
			takes, ok := known[full]
			if !ok {
				return "", false, &Error{fmt.Sprintf("%s: unrecognized option '%s'\n%s", t.prog, word, t.manual), codeOther}
			}
			return full, true, t.take(full, takes && !own, word)
		case len(word) > 1 && word[0] == '-':
			t.cluster = word[1:]
		default:
			t.operands = append(t.operands, word)
		}
	}
	letter := t.cluster[0]
	t.cluster = t.cluster[1:]
	name = t.short(letter)
	if name == "" {
		return "", false, &Error{fmt.Sprintf("%s: invalid option -- '%c'\n%s", t.prog, letter, t.manual), codeOther}
	}
	if (known[name] || strings.HasPrefix(name, "wait")) && t.cluster != "" {
		t.value, t.cluster = t.cluster, ""
		return name, true, nil
	}
	return name, true, t.take(name, known[name], string(letter))
}

// only returns the one name that begins so, "" if there is none or there are more.
func only(known map[string]bool, start string) string {
	found := ""
	for name := range known {
		if strings.HasPrefix(name, start) {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

// take gives an option the next word. The seconds behind -w may be missing.
func (t *toolArguments) take(name string, must bool, word string) error {
	switch {
	case must && len(t.args) == 0 && strings.HasPrefix(word, "--"):
		return &Error{fmt.Sprintf("%s: option '%s' requires an argument\n%s", t.prog, word, t.manual), codeOther}
	case must && len(t.args) == 0:
		return &Error{fmt.Sprintf("%s: option requires an argument -- '%s'\n%s", t.prog, word, t.manual), codeOther}
	case must:
		t.value, t.args = t.args[0], t.args[1:]
	case strings.HasPrefix(name, "wait") && t.value == "" && len(t.args) > 0 && !strings.HasPrefix(t.args[0], "-"):
		t.args = t.args[1:]
	}
	return nil
}
