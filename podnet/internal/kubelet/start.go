package kubelet

import (
	"errors"
	"fmt"
	"time"
)

// startErrorExitCode is the exit code of a container that was created and could
// not be started, with the reason StartError (containerd, container_start.go).
const startErrorExitCode = 128

// failure is why a container could not be started.
type failure struct {
	reason, message string

	crashUntil time.Time // when its restart back-off ends, zero for none
	imageUntil time.Time // when its image's pull back-off ends, zero for none
	relist     bool      // it left an ended container behind
}

// startContainer starts a container that should run: back-off, image, process.
// It returns nil also if the worker's context ended, where the caller drops
// what it did.
func (w *Worker) startContainer(s start) *failure {
	c := s.container
	if f := w.restartBackOff(s); f != nil {
		return f
	}
	if f := w.ensureImage(c); f != nil {
		w.event(c, EventWarning, eventFailed, "Error: %s", f.reason)
		return f
	}
	if w.ctx.Err() != nil {
		return nil
	}

	r := &run{sandbox: w.sandboxes, restartCount: c.created, swapped: w.swapped}
	process, err := w.runtime.StartContainer(w.ctx, c.spec.Name, r.restartCount)
	if err != nil {
		if w.ctx.Err() != nil {
			return nil
		}
		return w.startFailed(c, r, err)
	}
	r.process = process
	r.startedAt = time.Now()
	r.watch(&w.watchers, w.notify)
	c.begin(r)
	w.event(c, EventNormal, eventCreated, "Container created")
	w.event(c, EventNormal, eventStarted, "Container started")
	return w.postStart(c)
}

// postStart runs the container's hook, for which the next container waits. It is
// not cut short when the Pod is deleted. A container whose hook fails is killed.
func (w *Worker) postStart(c *container) *failure {
	if !c.spec.PostStart {
		return nil
	}
	err := w.runtime.RunHook(w.hookCtx, c.spec.Name, PostStart)
	if err == nil || w.hookCtx.Err() != nil {
		return nil
	}
	w.event(c, EventWarning, eventFailedPostStartHook, "PostStartHook failed")
	w.stopContainers([]*container{c}, stopOptions{message: "FailedPostStartHook"})
	return &failure{reason: ReasonPostStartHookError, message: err.Error(), relist: true}
}

// restartBackOff keeps a container that ended from being started too soon. The
// time counts from its end, and from the second restart on.
func (w *Worker) restartBackOff(s start) *failure {
	if s.exited == nil {
		return nil
	}
	c, now := s.container, time.Now()
	until := c.crashes.until(s.exited.FinishedAt)
	if !now.Before(until) {
		c.crashes.step(s.exited.FinishedAt, now)
		return nil
	}
	// The kubelet syncs at most once a relist. Here two things that happen at one
	// instant, as a start and an end, may make it two.
	if c.toldBackOff.IsZero() || now.Sub(c.toldBackOff) >= relistPeriod {
		c.toldBackOff = now
		w.event(c, EventWarning, eventBackOff, "Back-off restarting failed container %s in pod %s", c.spec.Name, w.pod)
	}
	return &failure{
		reason:     ReasonCrashLoopBackOff,
		message:    fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", c.crashes.delay, c.spec.Name, w.pod),
		crashUntil: until,
	}
}

// startFailed reports that the runtime could not start the container as run r.
func (w *Worker) startFailed(c *container, r *run, err error) *failure {
	f := &failure{reason: ReasonCreateContainerError, message: err.Error()}
	if start, ok := errors.AsType[*StartError](err); ok {
		f.reason = start.Reason
	}
	if f.reason == ReasonRunContainerError {
		// The container exists, and has ended: the next try is a restart.
		w.event(c, EventNormal, eventCreated, "Container created")
		r.end = &Terminated{
			ExitCode:   startErrorExitCode,
			Reason:     ReasonStartError,
			Message:    f.message,
			FinishedAt: time.Now(),
		}
		c.begin(r)
		f.relist = true
	}
	w.event(c, EventWarning, eventFailed, "Error: %s", f.message)
	return f
}
