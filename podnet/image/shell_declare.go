package image

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// declare runs local, export and readonly.
func (s *shell) declare(ctx context.Context, c *syntax.DeclClause) {
	kind := c.Variant.Value
	if kind == "local" && len(s.locals) == 0 {
		s.errorf("local: not in a function")
		s.exit(2)
		return
	}
	s.status = 0
	shown := len(c.Args) == 0
	for _, as := range c.Args {
		var pairs []string
		switch {
		case as.Name != nil && as.Naked:
			pairs = []string{as.Name.Value}
		case as.Name != nil:
			_, value := s.assignment(ctx, as)
			pairs = []string{as.Name.Value + "=" + value}
		default:
			pairs = s.fields(ctx, []*syntax.Word{as.Value})
		}
		for _, pair := range pairs {
			if s.flow != flowNone {
				return
			}
			if pair == "-p" {
				shown = true
				continue
			}
			s.declareOne(kind, pair)
		}
	}
	if shown && kind != "local" {
		s.listDeclared(kind)
	}
}

func (s *shell) declareOne(kind, pair string) {
	name, value, has := strings.Cut(pair, "=")
	if !syntax.ValidName(name) {
		s.errorf("%s: %s: bad variable name", kind, name)
		s.exit(2)
		return
	}
	if kind == "local" {
		saved := s.locals[len(s.locals)-1]
		if _, done := saved[name]; !done {
			saved[name] = s.vars[name]
		}
	}
	if has {
		if s.assign(name, value); s.flow != flowNone {
			return
		}
	}
	switch kind {
	case "export":
		s.export(name)
	case "readonly":
		v := s.vars[name]
		v.ReadOnly = true
		s.vars[name] = v
	}
}

func (s *shell) listDeclared(kind string) {
	for _, name := range s.sortedVars() {
		v := s.vars[name]
		if kind == "export" && !v.Exported || kind == "readonly" && !v.ReadOnly {
			continue
		}
		if v.Set {
			fmt.Fprintf(s.stdout(), "%s %s=%s\n", kind, name, quoteAlways(v.Str))
		} else {
			fmt.Fprintf(s.stdout(), "%s %s\n", kind, name)
		}
	}
}

func (s *shell) sortedVars() []string {
	names := make([]string, 0, len(s.vars))
	for name := range s.vars {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
