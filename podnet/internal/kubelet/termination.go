package kubelet

import (
	"context"
	"errors"
	"time"
)

const (
	// minimumPodGracePeriod is the shortest grace period of a deleted Pod
	// (pod_workers.go, calculateEffectiveGracePeriod).
	minimumPodGracePeriod = time.Second

	// minimumGracePeriod is the shortest time between SIGTERM and SIGKILL
	// (kuberuntime_container.go, minimumGracePeriodInSeconds).
	minimumGracePeriod = 2 * time.Second
)

// terminate ends the Pod's life: the containers, then the sandbox, and then the
// last status with the final phase, which says that nothing runs any more.
func (w *Worker) terminate() {
	w.mu.Lock()
	w.ending = true
	w.mu.Unlock()
	if !w.killPod(true) {
		w.powerOff()
		return
	}
	w.hooks.Wait() // one that had no time left has ended with its container
	w.stopProbes()
	w.probers.Wait()
	if w.sandbox != sandboxNone {
		w.runtime.StopPodSandbox()
		w.sandbox = sandboxDead
	}
	w.terminated = true
	w.publish()
}

// killPod stops all running containers. ending says that the Pod's life ends with
// it: then a Delete, before or meanwhile, decides on the grace period. See
// stopContainers for what it reports.
func (w *Worker) killPod(ending bool) bool {
	var running []*container
	for _, c := range w.containers {
		if c.running() {
			running = append(running, c)
		}
	}
	return w.stopContainers(running, stopOptions{ending: ending, ordered: true})
}

// killContainer stops a container of a Pod that goes on.
func (w *Worker) killContainer(k kill) bool {
	opt := stopOptions{message: k.message}
	if k.probe != nil {
		opt.grace = k.probe.GracePeriod
	}
	return w.stopContainers([]*container{k.container}, opt)
}

// stopOptions is how containers are stopped.
type stopOptions struct {
	message string         // of the event; default "Stopping container NAME"
	grace   *time.Duration // default: the Pod's, or Delete's if it is ending
	ending  bool           // the Pod's life ends
	ordered bool           // sidecars wait for the others
}

// stop is how far a run is on its way from the decision to stop it to its end.
// (kuberuntime_container.go, killContainer.)
type stop struct {
	deadline time.Time // when the grace period ends
	began    time.Time // of the hook or of the wait for its turn

	hook    chan struct{}      // closed when the preStop hook has ended
	cutHook context.CancelFunc // nobody waits for it any more
	hooked  bool               // the hook is over, or there is none

	turned bool      // its turn has come, and SIGTERM was sent
	killAt time.Time // when SIGKILL is due
	killed bool      // SIGKILL was sent
}

// hooking reports whether the preStop hook runs and has time left. The kubelet
// waits for it even when the container ends meanwhile.
func (s *stop) hooking(now time.Time) bool {
	if s == nil || s.hooked {
		return false
	}
	select {
	case <-s.hook:
		return false
	default:
		return now.Before(s.deadline)
	}
}

// end gives up a hook that nobody waits for any more.
func (s *stop) end() {
	if s != nil && s.cutHook != nil {
		s.cutHook()
	}
}

// stopContainers stops containers, all at the same time, and waits for their
// end. It gives up and reports false when something more urgent comes up: Stop,
// or Delete while the Pod is not ending, which goes on where this left off.
func (w *Worker) stopContainers(containers []*container, opt stopOptions) bool {
	for {
		req := w.observe()
		if req.stop || req.deleted && !opt.ending {
			return false
		}
		grace := w.pod.GracePeriod
		if opt.grace != nil {
			grace = *opt.grace
		}
		if opt.ending && req.deleted {
			grace = req.grace
		}
		running := false
		pause := forever
		for _, c := range containers {
			if !w.stopping(c) {
				c.run.stop.end()
				continue
			}
			running = true
			if d := w.advance(c, grace, opt); d != forever && (pause == forever || d < pause) {
				pause = d
			}
		}
		w.publish()
		if !running {
			return true
		}
		w.sleep(pause)
	}
}

// stopping reports whether a container that is to be stopped has not come to its
// end.
func (w *Worker) stopping(c *container) bool {
	return c.running() || c.run != nil && c.run.stop.hooking(time.Now())
}

// advance takes the next step that is due on the way to a container's end. It
// returns when to come back.
func (w *Worker) advance(c *container, grace time.Duration, opt stopOptions) time.Duration {
	now := time.Now()
	s := c.run.stop
	if s == nil {
		message := opt.message
		if message == "" {
			message = "Stopping container " + c.spec.Name
		}
		w.event(c, EventNormal, eventKilling, "%s", message)
		s = &stop{deadline: now.Add(grace), began: now}
		c.run.stop = s
		if c.spec.PreStop && grace > 0 {
			w.preStop(c, s)
		} else {
			s.hooked = true
		}
	}
	if due := now.Add(grace); due.Before(s.deadline) {
		s.deadline = due // the period was shortened
	}
	if s.hooking(now) {
		return s.deadline.Sub(now)
	}
	if !s.hooked {
		s.hooked = true
		s.end()
		s.charge(now)
	}
	if !s.turned {
		if opt.ordered && now.Before(s.deadline) && w.waitsForOthers(c) {
			return s.deadline.Sub(now)
		}
		s.charge(now)
		s.turned = true
		s.killAt = now.Add(max(s.deadline.Sub(now), minimumGracePeriod))
		c.run.process.Terminate()
	}
	if due := now.Add(max(s.deadline.Sub(now), minimumGracePeriod)); due.Before(s.killAt) {
		s.killAt = due
	}
	switch {
	case s.killed:
		return forever // its end is about to be seen
	case !now.Before(s.killAt):
		s.killed = true
		c.run.process.Kill()
		return forever
	}
	return s.killAt.Sub(now)
}

// charge takes the time of a phase off the grace period. The kubelet counts in
// whole seconds and rounds down.
func (s *stop) charge(now time.Time) {
	spent := now.Sub(s.began)
	s.deadline = s.deadline.Add(spent % time.Second)
	s.began = now
}

// waitsForOthers reports whether a sidecar's turn to end has not come: every
// container, and every sidecar after it, ends first.
// (kuberuntime_termination_order.go.)
func (w *Worker) waitsForOthers(c *container) bool {
	if !c.sidecar() {
		return false
	}
	later := false
	for _, o := range w.containers {
		if o == c {
			later = true
			continue
		}
		if w.stopping(o) && (!o.init || later && o.sidecar()) {
			return true
		}
	}
	return false
}

// preStop runs the container's hook beside the worker.
func (w *Worker) preStop(c *container, s *stop) {
	s.hook = make(chan struct{})
	var ctx context.Context
	ctx, s.cutHook = context.WithCancel(w.hookCtx)
	w.hooks.Go(func() {
		err := w.runtime.RunHook(ctx, c.spec.Name, PreStop)
		if err != nil && !errors.Is(err, context.Canceled) && w.hookCtx.Err() == nil {
			w.event(c, EventWarning, eventFailedPreStopHook, "PreStopHook failed")
		}
		close(s.hook)
		w.notify()
	})
}

// powerOff kills what runs and says nothing.
func (w *Worker) powerOff() {
	w.stopHooks()
	for _, c := range w.containers {
		if c.running() {
			c.run.process.Kill()
			<-c.run.exited
		}
	}
	if w.sandbox != sandboxNone {
		w.runtime.StopPodSandbox()
	}
}
