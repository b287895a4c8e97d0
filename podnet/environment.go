package podnet

import "strings"

// variables is a list of "NAME=value".
type variables []string

// lookup returns the value of a variable, of the last one of the name.
func (v variables) lookup(name string) (string, bool) {
	for i := len(v) - 1; i >= 0; i-- {
		if have, value, _ := strings.Cut(v[i], "="); have == name {
			return value, true
		}
	}
	return "", false
}

// set appends a variable, or replaces the value of one that is there.
func (v variables) set(name, value string) variables {
	for i := range v {
		if have, _, _ := strings.Cut(v[i], "="); have == name {
			v[i] = name + "=" + value
			return v
		}
	}
	return append(v, name+"="+value)
}

// environment is the variables of a process. Those of Services, of which there may
// be thousands, it shares with others.
type environment struct {
	first  variables         // the runtime's
	shared *serviceVariables // nil for none
	own    variables         // count more than shared
}

// lookup returns the value of a variable.
func (e environment) lookup(name string) (string, bool) {
	if value, ok := e.own.lookup(name); ok {
		return value, true
	}
	if i, ok := e.shared.find(name); ok {
		return e.shared.list[i][len(name)+1:], true
	}
	return e.first.lookup(name)
}

// list returns all variables. A variable that replaces one of a Service stands in
// its place.
func (e environment) list() []string {
	if e.shared == nil && e.first == nil {
		return e.own
	}
	var shared variables
	if e.shared != nil {
		shared = e.shared.list
	}
	list := make([]string, 0, len(e.first)+len(shared)+len(e.own))
	list = append(append(list, e.first...), shared...)
	for _, v := range e.own {
		name, _, _ := strings.Cut(v, "=")
		if i, ok := e.shared.find(name); ok {
			list[len(e.first)+i] = v
		} else {
			list = append(list, v)
		}
	}
	return list
}

// serviceVariables are those of the Services of a namespace, each name once. They
// are never modified.
type serviceVariables struct {
	list  variables
	index map[string]int // in list, by name
}

// find returns the index in list of a variable. The receiver may be nil.
func (s *serviceVariables) find(name string) (int, bool) {
	if s == nil {
		return 0, false
	}
	i, ok := s.index[name]
	return i, ok
}
