package kubelet

import "time"

const (
	// minimumPodGracePeriod is the shortest grace period of a Pod that is not
	// deleted by force (pod_workers.go, calculateEffectiveGracePeriod).
	minimumPodGracePeriod = time.Second

	// minimumGracePeriod is the shortest time between SIGTERM and SIGKILL
	// (kuberuntime_container.go, minimumGracePeriodInSeconds).
	minimumGracePeriod = 2 * time.Second
)

// terminate ends the Pod's life: the containers, then the sandbox, and then the
// last status with the final phase, which says that nothing runs any more.
func (w *Worker) terminate() {
	if !w.killContainers(true) {
		w.powerOff()
		return
	}
	if w.sandbox != sandboxNone {
		w.runtime.StopPodSandbox()
		w.sandbox = sandboxDead
	}
	w.terminated = true
	w.publish()
}

// killContainers stops the running containers, all at the same time, and waits
// for their end. The grace period is that of Delete if the Pod is ending, else
// the Pod's own. It gives up and reports false when something more urgent comes
// up: Stop, or Delete while the Pod is not ending.
func (w *Worker) killContainers(ending bool) bool {
	for {
		req := w.observe()
		if req.stop || req.deleted && !ending {
			return false
		}
		grace := w.pod.GracePeriod
		if ending {
			grace = req.grace
		}
		pause, running := w.signalContainers(grace, req.forced)
		w.publish()
		if !running {
			return true
		}
		w.sleep(pause)
	}
}

// signalContainers sends the running containers the signals that are due. It
// returns when to come back, and whether there were any.
func (w *Worker) signalContainers(grace time.Duration, force bool) (pause time.Duration, running bool) {
	now := time.Now()
	due := now.Add(max(grace, minimumGracePeriod))
	pause = forever
	for _, c := range w.containers {
		if !c.running() {
			continue
		}
		running = true
		r := c.run
		if r.killAt.IsZero() {
			w.event(c, EventNormal, eventKilling, "Stopping container %s", c.spec.Name)
			r.killAt = due
			if !force {
				r.process.Terminate()
			}
		} else if due.Before(r.killAt) {
			r.killAt = due // the period was shortened
		}
		switch {
		case r.killed:
			// Its end is about to be seen.
		case force || !now.Before(r.killAt):
			r.killed = true
			r.process.Kill()
		case pause == forever || r.killAt.Sub(now) < pause:
			pause = r.killAt.Sub(now)
		}
	}
	return pause, running
}

// powerOff kills what runs and says nothing.
func (w *Worker) powerOff() {
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
