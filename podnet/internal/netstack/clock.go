package netstack

import (
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// clock gives the stack package time's clock, which in a synctest bubble is
// the bubble's. fired, if not nil, is called after every timer function.
type clock struct {
	start  time.Time
	fired  func()
	strict atomic.Bool  // each reading is a nanosecond further ahead
	ahead  atomic.Int64 // of package time's clock, in nanoseconds
}

// epoch keeps the monotonic clock away from zero, which gVisor takes for unset.
const epoch = time.Hour

func (c *clock) Now() time.Time { return time.Now() }

// NowMonotonic is never less far ahead than it was, so that a timer that fires on time
// does not look early.
func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	ahead := c.ahead.Load()
	if c.strict.Load() {
		ahead = c.ahead.Add(1)
	}
	return tcpip.MonotonicTime{}.Add(epoch + time.Since(c.start) + time.Duration(ahead))
}

func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	run := f
	if c.fired != nil {
		run = func() { f(); c.fired() }
	}
	return timer{time.AfterFunc(d, run)}
}

type timer struct{ *time.Timer }

func (t timer) Reset(d time.Duration) { t.Timer.Reset(d) }
