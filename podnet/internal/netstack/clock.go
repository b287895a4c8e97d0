package netstack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// clock gives the stack package time's clock, which in a synctest bubble is
// the bubble's. fired, if not nil, is called after every timer function.
type clock struct {
	start time.Time
	fired func()
}

// epoch keeps the monotonic clock away from zero, which gVisor takes for unset.
const epoch = time.Hour

func (c *clock) Now() time.Time { return time.Now() }

func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(epoch + time.Since(c.start))
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
