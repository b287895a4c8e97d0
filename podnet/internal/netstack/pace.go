package netstack

import (
	"sync"
	"time"
)

// pace lets time pass for programs in a synctest bubble that talk without end.
//
// In a bubble computing takes no time, and the clock moves only when every
// goroutine waits. Two programs that keep each other busy over a connection
// would stop it for ever. So socket calls have a price, that of a plain machine,
// and are free only up to an allowance: what a test does between two waits stays
// instant to the nanosecond, and what never waits pays as it goes.
//
// A nil pace is that of a namespace outside a bubble and takes nothing.
type pace struct {
	*tolls

	mu   sync.Mutex // guards what follows
	at   time.Time  // when debt was last brought up to date
	debt time.Duration
}

const (
	callPrice     = 10 * time.Microsecond // some 5,000 calls are free at one instant
	bytePrice     = time.Nanosecond       // 1 GB/s
	paceAllowance = 50 * time.Millisecond
)

// charge books one call that moved n bytes and returns how long the caller has
// to wait for it.
func (p *pace) charge(n int) time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.debt = max(0, p.debt-now.Sub(p.at)) + callPrice + time.Duration(n)*bytePrice
	p.at = now
	return max(0, p.debt-paceAllowance)
}

// paying returns a channel that is closed when somebody begins to let time pass
// for a debt, or already does.
func (p *pace) paying() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.tolls.paying()
}

// tolls knows whether somebody is paying just now. It is common to namespaces
// that have traffic with each other, because one may wait for what another does
// when it has paid.
type tolls struct {
	mu     sync.Mutex // guards what follows
	payers int
	paid   chan struct{} // closed while there are payers; nil until somebody asks
}

func (t *tolls) paying() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paid == nil {
		t.paid = make(chan struct{})
		if t.payers > 0 {
			close(t.paid)
		}
	}
	return t.paid
}

func (t *tolls) beginPaying() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.payers++
	if t.payers == 1 && t.paid != nil {
		close(t.paid)
	}
}

func (t *tolls) endPaying() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.payers--
	if t.payers == 0 {
		t.paid = nil
	}
}
