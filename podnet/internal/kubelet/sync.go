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
	case req.deleted || w.finished():
		w.terminate()
		return 0, false
	}
	w.publish()

	act := w.computeActions()
	var result syncResult
	if act.killPod {
		if act.createSandbox {
			w.podEvent(EventNormal, eventSandboxChanged, "Pod sandbox changed, it will be killed and re-created.")
		}
		if !w.killContainers(false) {
			return 0, true
		}
		if !act.createSandbox && w.finished() {
			return 0, true // the next sync ends the Pod
		}
		w.runtime.StopPodSandbox()
	}
	if act.createSandbox {
		addrs, err := w.runtime.RunPodSandbox(w.ctx)
		if err == nil {
			w.sandbox = sandboxReady
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
	for _, s := range act.start {
		f := w.startContainer(s)
		if w.ctx.Err() != nil {
			return 0, true
		}
		s.container.waiting = nil
		if f != nil {
			s.container.waiting = &Waiting{Reason: f.reason, Message: f.message}
			result.add(f)
		}
		w.publish()
	}
	return result.pause(time.Now()), true
}

// observe takes in what happened since the last time.
func (w *Worker) observe() request {
	w.mu.Lock()
	req := w.request
	w.request.sandboxDied = false
	w.mu.Unlock()

	w.deleting = req.deleted
	if req.sandboxDied && w.sandbox == sandboxReady {
		w.sandbox = sandboxDead
	}
	for _, c := range w.containers {
		c.reap()
	}
	return req
}

// finished reports whether every container has ended for good.
func (w *Worker) finished() bool {
	return podPhase(w.pod.RestartPolicy, w.containerStatuses(), false).terminal()
}

// actions is what a sync has to do.
type actions struct {
	killPod       bool // stop the containers and what is left of the sandbox
	createSandbox bool
	start         []start
}

// start is a container to start.
type start struct {
	container *container

	// exited is how the container last ended, as known before this sync killed
	// anything: what the kubelet counts the back-off from. nil for none.
	exited *Terminated
}

// computeActions derives from the state what a sync has to do. It changes
// nothing. (kuberuntime_manager.go has a function of this name.)
func (w *Worker) computeActions() actions {
	var act actions
	if w.sandbox == sandboxReady {
		for _, c := range w.containers {
			if end := c.ended(); c.run == nil || end != nil && w.pod.RestartPolicy.restarts(end.ExitCode) {
				act.start = append(act.start, start{c, end})
			}
		}
		return act
	}

	// Without a sandbox everything has to go, and nearly everything to start
	// again: only what ended well under OnFailure has done its work.
	act.killPod = w.sandbox == sandboxDead
	created := false
	for _, c := range w.containers {
		created = created || c.run != nil
		end := c.ended()
		if end != nil && end.ExitCode == 0 && w.pod.RestartPolicy == RestartPolicyOnFailure {
			continue
		}
		if c.running() {
			end = c.last
		}
		act.start = append(act.start, start{c, end})
	}
	runsOnce := w.pod.RestartPolicy == RestartPolicyNever
	act.createSandbox = !(created && (runsOnce || len(act.start) == 0))
	if !act.createSandbox {
		act.start = nil
	}
	return act
}

// syncResult gathers what decides on the time of the next sync.
type syncResult struct {
	failed     bool
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
	if !r.failed {
		return forever
	}
	d := retryPeriod
	if !r.crashUntil.IsZero() {
		d = min(r.crashUntil.Sub(now), resyncPeriod)
	}
	if !r.imageUntil.IsZero() {
		d = min(d, r.imageUntil.Sub(now))
	}
	if r.relist {
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
