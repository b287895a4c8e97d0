package faults

import "podnet.dev/podnet/internal/netfilter"

// Lossy reports whether single packets of TCP connections may get lost or be late. A
// cut is no such fault, for it loses all of them. Where links are narrower than others,
// the answer is no: gVisor's RACK, which is what connections have where it is yes, stalls
// for seconds if the path turns out to be narrower than its first link.
func (s *Set) Lossy() bool { return s != nil && s.lossy.Load() }

// Follow tells f what Lossy reports: at once, and when that changes, until stop is
// called. f must not wait, nor call the set.
func (s *Set) Follow(f func(lossy bool)) (stop func()) {
	if s == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers[&f] = struct{}{}
	f(s.lossy.Load())
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.followers, &f)
	}
}

// judge finds out what Lossy reports, and tells of changes. mu must be held.
func (s *Set) judge() {
	lossy, narrow := false, s.Narrow
	for _, f := range s.faults {
		if f.Cut || f.Where.Protocol != 0 && f.Where.Protocol != netfilter.TCP {
			continue
		}
		c := f.cond.Load()
		lossy, narrow = true, narrow || c != nil && c.MTU > 0
	}
	lossy = lossy && !narrow
	if s.lossy.Swap(lossy) == lossy {
		return
	}
	for f := range s.followers {
		(*f)(lossy)
	}
}
