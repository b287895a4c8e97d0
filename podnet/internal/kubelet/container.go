package kubelet

import (
	"sync"
	"time"
)

// container is what a worker knows of one container of its Pod. It belongs to
// the worker's goroutine.
type container struct {
	spec    Container
	init    bool // one of the Pod's init containers
	crashes backOff
	created int // runs so far

	run  *run        // the last one that was created, nil before the first
	last *Terminated // how the run before that ended

	// waiting is why the container could not be started by the last sync that
	// tried, nil if it could (the kubelet's reason cache). reset is the same for
	// one that was removed because all containers are restarted.
	waiting, reset *Waiting

	toldBackOff time.Time // when the last event BackOff was; zero before the first
}

// run is one run of a container: what the runtime calls a container, and a
// restart makes anew.
type run struct {
	process      Process
	sandbox      int // the number of its sandbox
	restartCount int
	swapped      bool // it is not the container's own image that runs
	startedAt    time.Time

	exited     chan struct{} // closed by the watcher when the process has ended
	finishedAt time.Time     // set before exited is closed

	end  *Terminated // set when the worker has seen the end
	stop *stop       // set when the worker has begun to stop it

	probes [probeKinds]probeResult // guarded by Worker.mu
}

// sidecar reports whether the container is an init container that runs as long
// as the Pod.
func (c *container) sidecar() bool { return c.init && c.spec.RestartPolicy == RestartPolicyAlways }

// running reports whether the container has a process that is not known to
// have ended.
func (c *container) running() bool { return c.run != nil && c.run.end == nil }

// ended returns how the last run ended, nil if there was none or it goes on.
func (c *container) ended() *Terminated {
	if c.run == nil {
		return nil
	}
	return c.run.end
}

// begin makes r the container's run.
func (c *container) begin(r *run) {
	if c.run != nil {
		c.last = c.run.end
	}
	c.run = r
	c.created++
	c.reset = nil
}

// restarts reports whether the container, which ended with code, is started
// again.
func (c *container) restarts(policy RestartPolicy, code int) bool {
	return c.spec.restarts(policy, code)
}

// watch waits for the end of the process, so that its time is known even when
// the worker is busy, and then tells the worker.
func (r *run) watch(wg *sync.WaitGroup, notify func()) {
	r.exited = make(chan struct{})
	wg.Go(func() {
		<-r.process.Done()
		r.finishedAt = time.Now()
		close(r.exited)
		notify()
	})
}

// reap notes the end of the container's process if there was one.
func (c *container) reap() {
	if !c.running() {
		return
	}
	select {
	case <-c.run.exited:
	default:
		return
	}
	code, message := c.run.process.Exit()
	reason := ReasonError
	if code == 0 {
		reason = ReasonCompleted
	}
	c.run.end = &Terminated{
		ExitCode:   code,
		Reason:     reason,
		Message:    message,
		StartedAt:  c.run.startedAt,
		FinishedAt: c.run.finishedAt,
	}
}
