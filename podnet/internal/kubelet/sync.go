package kubelet

import (
	"slices"
	"time"
)

// The pace of the kubelet's syncs.
const (
	// retryPeriod is the wait after a sync that failed without a back-off of
	// its own (kubelet.go, backOffPeriod).
	retryPeriod = 10 * time.Second

	// resyncPeriod is the longest wait for the end of a restart back-off
	// (syncFrequency's default). The kubelet also syncs this often when all is
	// well; it would find nothing to do here.
	resyncPeriod = time.Minute

	// relistPeriod is how often the kubelet asks the runtime what changed. The
	// ends of processes are seen at once here. But a sandbox that it made, and
	// a container that did not start, the kubelet notices by a relist, too, and
	// syncs again: that is why ErrImagePull soon becomes ImagePullBackOff.
	relistPeriod = time.Second
)

// sync looks at the state and does what it asks for. It returns how long it
// should take until the next sync if nothing happens, and whether there should
// be one.
func (w *Worker) sync() (pause time.Duration, more bool) {
	req := w.observe()
	switch {
	case req.stop:
		w.powerOff()
		return 0, false
	case !w.placed():
		w.publish()
		return forever, !req.deleted // nobody has to be asked, so it goes at once
	case w.placement.Rejection != nil:
		w.publish()
		return 0, false
	case req.deleted || w.evicted || w.finished():
		w.terminate()
		return 0, false
	}
	w.publish()
	if pause, ok := w.mountVolumes(); !ok {
		return pause, true
	}
	w.startProbers()
	w.triggerReadiness()

	act := w.computeActions()
	var result syncResult
	if len(act.reset) > 0 {
		return w.restartAll(act.reset), true
	}
	if act.killPod {
		if act.createSandbox {
			w.podEvent(EventNormal, eventSandboxChanged, "Pod sandbox changed, it will be killed and re-created.")
		}
		if !w.killPod(false) {
			return 0, true
		}
		if !act.createSandbox && w.finished() {
			return 0, true // the next sync ends the Pod
		}
		w.runtime.StopPodSandbox()
		w.sandbox = sandboxDead
	}
	for _, k := range act.kill {
		if !w.killContainer(k) {
			return 0, true
		}
	}
	if act.createSandbox {
		addrs, err := w.runtime.RunPodSandbox(w.ctx)
		if err == nil {
			w.sandbox = sandboxReady
			w.sandboxes++
			w.addrs = slices.Clone(addrs)
			result.relist = true
		}
		if w.ctx.Err() != nil {
			return 0, true
		}
		if err != nil {
			w.podEvent(EventWarning, eventFailedCreatePodSandBox, "Failed to create pod sandbox: %v", err)
			return retryPeriod, true
		}
		w.publish()
	}
	for _, s := range slices.Concat(act.init, act.start) {
		f := w.startContainer(s)
		if w.ctx.Err() != nil {
			return 0, true
		}
		s.container.waiting = nil
		if f != nil {
			s.container.waiting = &Waiting{Reason: f.reason, Message: f.message}
			result.add(f)
		} else {
			result.started = true
		}
		w.publish()
		if f != nil && s.container.init && !s.container.sidecar() {
			break // the others wait for it
		}
	}
	pause = result.pause(time.Now())
	if w.pod.Refresh && (pause == forever || pause > resyncPeriod) {
		pause = resyncPeriod
	}
	return pause, true
}

// observe takes in what happened since the last time.
func (w *Worker) observe() request {
	w.mu.Lock()
	req := w.request
	w.request.sandboxDied = false
	w.request.placements = nil
	w.mu.Unlock()
	for _, p := range req.placements {
		w.place(p)
	}

	w.deleting = req.deleted
	if req.deleted {
		w.deletionTimestamp = req.deletionTimestamp()
	}
	w.conditions = req.conditions
	if w.swapped != req.swapped {
		w.swapped = req.swapped
		for _, c := range w.containers {
			c.crashes = backOff{} // it counts by the hash of the definition
		}
	}
	if req.sandboxDied && w.sandbox == sandboxReady {
		w.sandbox = sandboxDead
	}
	for _, c := range w.containers {
		c.reap()
		if end := c.ended(); end != nil && c.reset == nil && !w.restartingAll && c.spec.restartsAll(end.ExitCode) && !req.deleted {
			w.restartingAll = true
			// The kubelet sees the end by its relist. It also keeps a container
			// that ends at once from being restarted for ever in no time.
			w.restartAllAt = time.Now().Add(relistPeriod)
		}
	}
	if d := w.pod.ActiveDeadline; d > 0 && w.placed() && !w.evicted && !req.deleted && time.Since(w.startTime) >= d {
		w.evicted = true
		w.podEvent(EventNormal, eventDeadlineExceeded, messageDeadlineExceeded)
	}
	return req
}

// finished reports whether every container has ended for good.
func (w *Worker) finished() bool {
	init, containers := w.containerStatuses()
	return phaseInput{pod: &w.pod, init: init, containers: containers, initialized: w.initialized()}.phase().terminal()
}

// restartAll stops and forgets all containers, so that the next sync starts the
// Pod anew in the same sandbox.
func (w *Worker) restartAll(containers []*container) (pause time.Duration) {
	if wait := time.Until(w.restartAllAt); wait > 0 {
		return wait
	}
	none := time.Duration(0)
	for _, c := range containers {
		if c.running() && !w.stopContainers([]*container{c}, stopOptions{message: "killing", grace: &none}) {
			return 0
		}
	}
	const message = "The container is removed because RestartAllContainers in place"
	for _, c := range containers {
		if c.waiting == nil {
			c.reset = &Waiting{Reason: ReasonRestartingAllContainers, Message: message}
			c.last = &Terminated{ExitCode: 137, Reason: ReasonRestartingAllContainers, Message: message}
		} else {
			c.last = c.run.end
		}
		c.run = nil
	}
	w.publish()
	w.restartingAll = false
	return 0
}

// syncResult gathers what decides on the time of the next sync.
type syncResult struct {
	failed     bool
	started    bool      // a container was: look again, what is to be done now
	relist     bool      // the runtime has something to tell at the next relist
	crashUntil time.Time // the first end of a restart back-off, zero for none
	imageUntil time.Time // the first end of a pull back-off, zero for none
}

func (r *syncResult) add(f *failure) {
	r.failed = true
	r.relist = r.relist || f.relist
	r.crashUntil = earlier(r.crashUntil, f.crashUntil)
	r.imageUntil = earlier(r.imageUntil, f.imageUntil)
}

// pause returns how long to wait for the next sync (pod_workers.go,
// completeWork). A pull is tried when its back-off ends, where the kubelet
// lets it wait for the next retry.
func (r *syncResult) pause(now time.Time) time.Duration {
	switch {
	case r.started && !r.failed:
		return 0
	case !r.failed:
		return forever
	}
	d := retryPeriod
	if !r.crashUntil.IsZero() {
		d = min(r.crashUntil.Sub(now), resyncPeriod)
	}
	if !r.imageUntil.IsZero() {
		d = min(d, r.imageUntil.Sub(now))
	}
	if r.relist || r.started {
		d = min(d, relistPeriod)
	}
	return max(d, 0)
}

// earlier returns the earlier of two times of which either may be zero for none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
