package iptables

import (
	"fmt"
	"strings"
)

// CommandDenied is Command for a process without CAP_NET_ADMIN: it hears what is
// wrong with its arguments, and else that it may not.
func (r *Ruleset) CommandDenied(args []string) (string, error) {
	q, err := read(r.family, Filter.String(), args)
	switch {
	case err != nil:
	case q.command == 'V' || q.command == 'h':
		_, out, err := r.Command(args)
		return out, err
	default:
		err = &noTable{q.table, whyDenied}
	}
	return "", commandError(r.family.Command(), err)
}

// SaveDenied is Save for a process without CAP_NET_ADMIN. Without a table in use
// there is nothing to deny.
func (r *Ruleset) SaveDenied(o SaveOptions) (string, error) {
	if o.Table == "" && len(r.used) == 0 {
		return "", nil
	}
	return "", &Error{fmt.Sprintf("%s-save v%s (legacy): Cannot initialize: %s\n", r.family.Command(), Version, whyDenied), codeOther}
}

// RestoreDenied is Restore for a process without CAP_NET_ADMIN: the first table
// cannot be had.
func (r *Ruleset) RestoreDenied(text string) error {
	s := &restore{prog: r.family.Command() + "-restore", rules: r}
	for line := range strings.Lines(text) {
		s.number++
		if name := strings.FieldsFunc(strings.TrimPrefix(line, "*"), isBlank); line[0] == '*' && len(name) > 0 {
			return s.failed(bad("%s: unable to initialize table '%s'", s.prog, name[0]))
		}
		if err := s.line(line); err != nil {
			return s.failed(err)
		}
	}
	return nil
}
