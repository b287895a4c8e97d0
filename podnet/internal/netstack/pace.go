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
	mu   sync.Mutex // guards what follows
	at   time.Time  // when debt was last brought up to date
	debt time.Duration

	payers int
	paid   chan struct{} // closed while there are payers; nil until somebody asks
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
// for the debt, or already does.
func (p *pace) paying() <-chan struct{} {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paid == nil {
		p.paid = make(chan struct{})
		if p.payers > 0 {
			close(p.paid)
		}
	}
	return p.paid
}

func (p *pace) beginPaying() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.payers++
	if p.payers == 1 && p.paid != nil {
		close(p.paid)
	}
}

func (p *pace) endPaying() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.payers--
	if p.payers == 0 {
		p.paid = nil
	}
}
