package kubelet

import "time"

// The times of the kubelet's back-off, for restarts and for image pulls alike
// (kubelet.go: initialCrashLoopBackOff, MaxCrashLoopBackOff, imageBackOffPeriod,
// MaxImageBackOff).
const (
	backOffInitial = 10 * time.Second
	backOffMax     = 300 * time.Second

	// backOffExpiry is how long after its last step a back-off is forgotten.
	// For restarts kubelet.go sets it; for images it is twice the maximum,
	// which is the same.
	backOffExpiry = 600 * time.Second
)

// backOff is one entry of client-go's flowcontrol.Backoff. The zero value has
// never backed off.
type backOff struct {
	delay   time.Duration
	updated time.Time // of the last step; zero before the first
}

// expired reports whether an event is so late that the back-off starts afresh.
func (b *backOff) expired(event time.Time) bool {
	return b.updated.IsZero() || event.Sub(b.updated) > backOffExpiry
}

// step goes on to the next delay, after an event and at the time now.
func (b *backOff) step(event, now time.Time) {
	if b.expired(event) {
		b.delay = backOffInitial
	} else {
		b.delay = min(2*b.delay, backOffMax)
	}
	b.updated = now
}

// until returns when the back-off after an event ends, or the zero time if
// there is none. It is how the kubelet waits after a container's end.
func (b *backOff) until(event time.Time) time.Time {
	if b.expired(event) {
		return time.Time{}
	}
	return event.Add(b.delay)
}

// untilUpdate returns when the back-off after its last step ends, or the zero
// time if there is none. It is how the kubelet waits after a failed pull.
func (b *backOff) untilUpdate(now time.Time) time.Time {
	if b.expired(now) {
		return time.Time{}
	}
	return b.updated.Add(b.delay)
}
