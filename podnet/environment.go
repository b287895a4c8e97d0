package podnet

import (
	"strings"
	"sync"
)

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
	for _, v := range []variables{e.own, e.shared.list(), e.first} {
		if value, ok := v.lookup(name); ok {
			return value, true
		}
	}
	return "", false
}

// list returns all variables. One that replaces another stands in its place.
func (e environment) list() []string {
	if e.shared == nil && e.first == nil {
		return e.own
	}
	shared := e.shared.list()
	list := make(variables, 0, len(e.first)+len(shared)+len(e.own))
	list = append(append(list, e.first...), shared...)
	for _, v := range e.own {
		name, value, _ := strings.Cut(v, "=")
		list = list.set(name, value)
	}
	return list
}

// serviceVariables are those of the Services of a namespace, as they were at some
// time. Processes that started between the same two changes have the same.
type serviceVariables struct {
	services []*variables // of each Service; never modified

	once sync.Once // guards all, which is made when somebody asks
	all  variables
}

// list returns them, each name once: of two the later counts, in the place of the
// other. It must not be modified. The receiver may be nil.
func (s *serviceVariables) list() variables {
	if s == nil {
		return nil
	}
	s.once.Do(func() {
		index := make(map[string]int)
		for _, list := range s.services {
			for _, v := range *list {
				name, _, _ := strings.Cut(v, "=")
				if i, twice := index[name]; twice {
					s.all[i] = v
					continue
				}
				index[name] = len(s.all)
				s.all = append(s.all, v)
			}
		}
	})
	return s.all
}
