package faults

import (
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Impairs reports whether there is a fault that may lose or hold up single packets of
// TCP connections. A cut is none: it loses all of them.
func (s *Set) Impairs() bool { return s != nil && s.harms.Load() }

// Follow tells f what Impairs reports: at once, and when that changes, until stop is
// called. f must not wait, nor call the set.
func (s *Set) Follow(f func(impairs bool)) (stop func()) {
	if s == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[&f] = struct{}{}
	f(s.harms.Load())
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.told, &f)
	}
}

// tell tells those that follow of a change. mu must be held.
func (s *Set) tell() {
	harms := slices.ContainsFunc(s.faults, (*Fault).harms)
	if s.harms.Swap(harms) == harms {
		return
	}
	for f := range s.told {
		(*f)(harms)
	}
}

func (f *Fault) harms() bool {
	return !f.Cut && (f.Where.Protocol == 0 || f.Where.Protocol == uint8(header.TCPProtocolNumber))
}
