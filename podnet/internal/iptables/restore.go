package iptables

import (
	"fmt"
	"strings"
)

// RestoreOptions are the options of iptables-restore.
type RestoreOptions struct {
	NoFlush  bool   // -n: keep what is there; only chains that the text names are emptied
	Counters bool   // -c: take the text's counters; without it they start at 0
	Test     bool   // -t: look for errors, change nothing
	Table    string // -T: read this table only; "" is all
}

// Restore does what iptables-restore or ip6tables-restore does with the text, and
// returns the ruleset that is left. An error is an *Error, and nothing has
// changed then, in no table.
func (r *Ruleset) Restore(text string, o RestoreOptions) (*Ruleset, error) {
	s := &restore{prog: r.family.Command() + "-restore", options: o, rules: r}
	for line := range strings.Lines(text) {
		s.number++
		if err := s.line(line); err != nil {
			return r, s.failed(err)
		}
	}
	switch {
	case s.draft != nil || s.skipped:
		return r, &Error{fmt.Sprintf("%s: COMMIT expected at line %d\n", s.prog, s.number+1), codeOther}
	case o.Test:
		return r, nil
	}
	return s.rules, nil
}

// restore is an iptables-restore at work.
type restore struct {
	prog    string
	options RestoreOptions
	rules   *Ruleset // with the tables that are committed
	number  int      // of the line
	name    Table
	draft   *draft // of the table that is read, nil outside
	skipped bool   // inside a table that is not wanted
}

// lineFailed is a line that cannot be done.
type lineFailed struct{}

func (*lineFailed) Error() string { return "line failed" }

func (s *restore) line(line string) error {
	inside := s.draft != nil || s.skipped
	switch {
	case line[0] == '\n' || line[0] == '#':
		return nil
	case strings.TrimSuffix(line, "\n") == "COMMIT" && inside:
		return s.commit()
	case line[0] == '*' && !inside:
		return s.begin(line[1:])
	case s.skipped:
		return nil
	case line[0] == ':' && inside:
		return s.chain(line[1:])
	case inside:
		return s.rule(line)
	}
	return &lineFailed{}
}

func (s *restore) begin(line string) error {
	words := strings.FieldsFunc(line, isBlank)
	if len(words) == 0 {
		return bad("%s: line %d table name invalid", s.prog, s.number)
	}
	if s.options.Table != "" && s.options.Table != words[0] {
		s.skipped = true
		return nil
	}
	var ok bool
	if s.name, ok = tableNamed(words[0]); !ok {
		return bad("%s: unable to initialize table '%s'", s.prog, words[0])
	}
	s.draft = s.rules.draft(s.name, !s.options.NoFlush)
	return nil
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

func (s *restore) commit() error {
	if s.skipped {
		s.skipped = false
		return nil
	}
	t, err := s.draft.finish()
	if err != nil {
		return &lineFailed{}
	}
	s.rules, s.draft = s.rules.with(s.name, t), nil
	return nil
}

// chain takes :NAME POLICY [PACKETS:BYTES].
func (s *restore) chain(line string) error {
	words := strings.FieldsFunc(line, isBlank)
	if len(words) == 0 {
		return bad("%s: line %d chain name invalid", s.prog, s.number)
	}
	name := words[0]
	if len(name) > maxChain {
		return bad("Invalid chain name `%s' (%d chars max)", name, maxChain)
	}
	c := s.draft.chains[name]
	switch {
	case c != nil && c.builtin:
	case c != nil && s.options.NoFlush:
		c.rules = nil
	case c != nil || isVerdict(name):
		return bad("error creating chain '%s':File exists", name)
	default:
		s.draft.chains[name] = &draftChain{name: name}
		c = s.draft.chains[name]
	}
	if len(words) < 2 {
		return bad("%s: line %d policy invalid", s.prog, s.number)
	}
	policy := words[1]
	if policy == "-" {
		return nil
	}
	counters := new(Counters)
	if s.options.Counters {
		var ok bool
		if len(words) < 3 {
			return bad("invalid policy counters for chain '%s'", name)
		}
		if counters, ok = parseCounters(words[2]); !ok {
			return bad("invalid policy counters for chain '%s'", name)
		}
	}
	var why error
	switch {
	case !c.builtin:
		why = errBuiltin
	case policy != "ACCEPT" && policy != "DROP":
		why = &refused{"Bad policy name"}
	}
	if why != nil {
		return &Error{fmt.Sprintf("%s v%s (legacy): Can't set policy `%s' on `%s' line %d: %s\n",
			s.prog, Version, policy, name, s.number, why), codeOther}
	}
	c.drop, c.counters = policy == "DROP", counters
	return nil
}

// parseCounters reads [PACKETS:BYTES].
func parseCounters(text string) (*Counters, bool) {
	packets, bytes, ok := strings.Cut(strings.Trim(text, "[]"), ":")
	p, okP := parseNumber(packets, 1<<64-1)
	b, okB := parseNumber(bytes, 1<<64-1)
	return newCounters(p, b), ok && okP && okB
}

// rule takes a line with a command, such as -A CHAIN …
func (s *restore) rule(line string) error {
	var counters []string
	if rest, ok := strings.CutPrefix(line, "["); ok {
		inner, after, ok := strings.Cut(rest, "]")
		packets, bytes, two := strings.Cut(inner, ":")
		if !ok || !two {
			return bad("Bad line %d: need ]", s.number)
		}
		line = after
		if s.options.Counters {
			counters = []string{"--set-counters", packets, bytes}
		}
	}
	words, err := splitWords(line)
	if err != nil {
		return err
	}
	q, err := read(s.rules.family, s.name.String(), append(counters, words...))
	if err != nil {
		if _, ok := err.(*wrongFamily); ok {
			return nil // a line for the other family
		}
		return err
	}
	switch q.command {
	case 'V', 'h', 'L', 'S':
		return nil
	}
	var out strings.Builder
	return s.draft.apply(s.rules.family, q, &out)
}

// splitWords splits a line of iptables-restore at blanks. A word may have
// a part in double quotes, in which a backslash stands before what is taken as it
// is; the closing quote ends the word.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, open, escaped := false, false, false
	flush := func() error {
		if word.Len() == 0 && !quoted {
			return nil
		}
		w := word.String()
		if !quoted && (strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "t") ||
			strings.HasPrefix(w, "--t") && strings.HasPrefix("--table", w)) && (len(words) == 0 || !takesText(words[len(words)-1])) {
			return bad("The -t option cannot be used in iptables-restore.\n")
		}
		words = append(words, w)
		word.Reset()
		quoted = false
		return nil
	}
	for i := range len(line) {
		c := line[i]
		switch {
		case open && escaped:
			word.WriteByte(c)
			escaped = false
		case open && c == '\\':
			escaped = true
		case c == '"' && open:
			open = false
			if err := flush(); err != nil {
				return nil, err
			}
		case c == '"':
			open, quoted = true, true
		case !open && (c == ' ' || c == '\t' || c == '\n'):
			if err := flush(); err != nil {
				return nil, err
			}
		default:
			word.WriteByte(c)
		}
	}
	return words, flush()
}

// takesText reports whether the word behind an option is free text.
func takesText(option string) bool { return option == "--comment" }

// failed is err as iptables-restore prints it.
func (s *restore) failed(err error) error {
	try := fmt.Sprintf("Error occurred at line: %d\nTry `%s -h' or '%s --help' for more information.\n", s.number, s.prog, s.prog)
	switch e := err.(type) {
	case *Error:
		return e
	case *badParameter:
		return &Error{fmt.Sprintf("%s v%s (legacy): %s\n%s", s.prog, Version, e.text, try), codeParam}
	case *badArgument:
		return &Error{e.Error() + "\n" + try, codeParam}
	}
	return &Error{fmt.Sprintf("%s: line %d failed\n", s.prog, s.number), codeOther}
}
