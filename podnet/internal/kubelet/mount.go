package kubelet

import "time"

// The waits after a failed mount (pkg/util/goroutinemap/exponentialbackoff).
const (
	mountRetryInitial = 500 * time.Millisecond
	mountRetryMax     = 2*time.Minute + 2*time.Second
)

// mountBackOff is when a Pod's volumes are tried again.
type mountBackOff struct {
	delay time.Duration
	until time.Time
}

// mountVolumes makes the volumes ready. If it reports false the sync is over, and
// the next one is due after pause.
func (w *Worker) mountVolumes() (pause time.Duration, ok bool) {
	now := time.Now()
	if wait := w.mounts.until.Sub(now); wait > 0 {
		return wait, false
	}
	err := w.runtime.MountVolumes(w.ctx)
	if err == nil {
		w.mounts = mountBackOff{}
		return 0, true
	}
	if w.ctx.Err() != nil {
		return 0, false
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap() // one for each volume
	}
	for _, err := range errs {
		w.podEvent(EventWarning, eventFailedMount, "%v", err)
	}
	w.mounts.delay = min(max(2*w.mounts.delay, mountRetryInitial), mountRetryMax)
	w.mounts.until = now.Add(w.mounts.delay)
	return w.mounts.delay, false
}
