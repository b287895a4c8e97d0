package netstack

import (
	"sync"
	"time"
)

// deadline is a time that may be moved while others wait for it. The zero
// value has not been set.
type deadline struct {
	mu    sync.Mutex // guards what follows
	at    time.Time  // zero if none is set
	timer *time.Timer
	past  chan struct{} // closed once the deadline is over; nil until somebody asks
}

// passed returns a channel that is closed when the deadline is over. A deadline
// moved before it was over keeps its channel.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.past == nil {
		d.past = make(chan struct{})
	}
	return d.past
}

// isOver reports whether the deadline is over. It asks the clock, so that two
// deadlines set to one time are over at one time.
func (d *deadline) isOver() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.at.IsZero() && !time.Now().Before(d.at)
}

// fired reports whether past is closed. mu must be held.
func (d *deadline) fired() bool {
	select {
	case <-d.past: // a nil channel is never ready
		return true
	default:
		return false
	}
}

// set moves the deadline to t; the zero time is none.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.past == nil || d.fired() {
		d.past = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	past := d.past
	wait := time.Until(t)
	if wait <= 0 {
		close(past)
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer { // else it was moved while this function started
			close(past)
			d.timer = nil
		}
	})
	d.timer = timer
}

// stop frees the timer.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
