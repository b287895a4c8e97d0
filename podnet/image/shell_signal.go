package image

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// signals is what a shell's process does about SIGTERM, the only signal of
// podnet that can be handled.
type signals struct {
	term      chan struct{} // a SIGTERM that the script has a trap for, until it runs
	delivered chan struct{} // closed when a SIGTERM has been acted on

	mu      sync.Mutex
	trapped bool // guarded by mu; there is an action
	ignored bool // guarded by mu; the action is ""
}

// update learns the script's traps.
func (g *signals) update(traps map[string]string) {
	action, ok := traps["TERM"]
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trapped, g.ignored = ok && action != "", ok && action == ""
}

// deliver acts on a SIGTERM. Without a trap it ends the process, except PID 1,
// which does not get a signal that it does not handle.
func (g *signals) deliver(isInit bool, kill func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer close(g.delivered)
	switch {
	case g.trapped:
		g.term <- struct{}{}
	case !g.ignored && !isInit:
		kill()
	}
}

// runTraps runs the action for a signal that came meanwhile: between commands,
// and in wait, as POSIX has it.
func (s *shell) runTraps(ctx context.Context) bool {
	if s.sig == nil {
		return false
	}
	select {
	case <-s.sig.term:
		s.runTrap(ctx, "TERM")
		return true
	default:
		return false
	}
}

func (s *shell) runTrap(ctx context.Context, name string) {
	action := s.traps[name]
	if action == "" {
		return
	}
	status := s.status
	s.run(ctx, strings.NewReader(action))
	if s.flow == flowNone {
		s.status = status
	}
}

// exitTrap runs the EXIT trap, once. Its own exit decides the status.
func (s *shell) exitTrap(ctx context.Context) {
	action, ok := s.traps["EXIT"]
	if !ok || action == "" || ctx.Err() != nil {
		return
	}
	delete(s.traps, "EXIT")
	status := s.status
	s.flow = flowNone
	s.run(ctx, strings.NewReader(action))
	if s.flow != flowExit {
		s.status = status
	}
}

// signalNames are Linux's, by number.
var signalNames = []string{
	"EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
}

// signalNumber reads a signal's name, with or without SIG, or number.
func signalNumber(s string) (int, bool) {
	if n, err := parseUint(s); err == nil && n < len(signalNames) {
		return n, true
	}
	n := slices.Index(signalNames, strings.TrimPrefix(strings.ToUpper(s), "SIG"))
	return n, n >= 0
}
