package kubelet

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Worker lives one Pod's life in one goroutine, which looks at the state
// whenever something happened, and does what the state asks for.
//
// The life ends when every container has ended for good, when the Pod was
// deleted and its containers are gone, or with [Worker.Stop]. One of them must
// come, or the goroutine stays. Status goes on answering after the end.
type Worker struct {
	pod      Pod
	runtime  Runtime
	onEvent  func(Event)
	onStatus func(Status)
	before   func(Status)    // may be nil
	telling  chan struct{}   // one slot: the turn to call onEvent or onStatus
	ctx      context.Context // of calls to the runtime; ends by Delete and Stop
	cancel   context.CancelFunc
	wake     chan struct{} // one slot: something happened
	done     chan struct{} // closed when the worker and all its goroutines have ended

	probeCtx   context.Context // of probers; ends when the containers have ended
	stopProbes context.CancelFunc
	hookCtx    context.Context // of hooks; ends with the worker
	stopHooks  context.CancelFunc
	watchers   sync.WaitGroup
	probers    sync.WaitGroup
	hooks      sync.WaitGroup

	// Of the worker's goroutine.
	placement         Placement
	startTime         time.Time        // when the Pod got its node; zero before
	containers        []*container     // init containers first, in the order of the Pod
	pulls             map[string]*pull // by image, as the kubelet's is by Pod and image
	sandbox           sandboxState
	sandboxes         int          // made so far
	addrs             []netip.Addr // of the last sandbox
	mounts            mountBackOff
	probing           bool      // the probers are started
	readiness         []*prober // those of readiness probes
	deleting          bool      // Delete was seen
	deletionTimestamp time.Time
	evicted           bool // the Pod was active for too long
	restartingAll     bool // a container's end restarts all
	restartAllAt      time.Time
	conditions        []Condition // that are not the kubelet's
	terminated        bool        // containers and sandbox are stopped for good
	swapped           bool        // other images are to run than the containers' own

	mu      sync.Mutex // guards what follows; nothing waits under it
	status  Status     // the last one published; written by the worker only, never modified
	changed chan struct{}
	request request
	ending  bool                // the containers are stopped for good
	probed  map[*container]*run // the runs that the published status shows
}

// request is what was asked of a worker from outside.
type request struct {
	stop        bool
	sandboxDied bool
	swapped     bool
	deleted     bool
	deletedAt   time.Time     // of the first Delete
	grace       time.Duration // the shortest that was asked for
	conditions  []Condition
	placements  []Placement // that the worker has not seen
}

// deletionTimestamp returns when the grace period ends. The API server counts a
// shortened period from the first request, too.
func (r request) deletionTimestamp() time.Time { return r.deletedAt.Add(r.grace) }

type sandboxState int

const (
	sandboxNone  sandboxState = iota // never made
	sandboxReady                     //
	sandboxDead                      // made once, and gone
)

// New returns the worker of a pod whose life has not begun; Start begins it. A
// pod without a node waits for [Worker.Place].
//
// Each event is given to onEvent, before the status that it explains, and each
// status that is published to onStatus; either may be nil. They are called one at
// a time. They must return soon, and must not call Stop: the worker waits for
// them.
func New(pod Pod, placement Placement, runtime Runtime, onEvent func(Event), onStatus func(Status)) *Worker {
	w := &Worker{
		pod:     pod,
		runtime: runtime,
		onEvent: onEvent,
		telling: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
		pulls:   make(map[string]*pull),
		probed:  make(map[*container]*run),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.probeCtx, w.stopProbes = context.WithCancel(context.Background())
	w.hookCtx, w.stopHooks = context.WithCancel(context.Background())
	for _, c := range pod.InitContainers {
		w.containers = append(w.containers, &container{spec: c, init: true})
	}
	for _, c := range pod.Containers {
		w.containers = append(w.containers, &container{spec: c})
	}
	w.status = Status{Phase: PodPending}
	w.request.placements = []Placement{placement}
	if placement.Node != "" && placement.Rejection == nil {
		w.settle(placement) // else the status waits for the event that explains it
	}
	w.publish()
	w.onStatus = onStatus
	return w
}

// BeforeStatus has f called with each status before anybody else can see it: who
// waits for a status finds done what f does. It is for the time before Start. f
// must return at once, call nothing of the worker, and not modify the status.
func (w *Worker) BeforeStatus(f func(Status)) { w.before = f }

// Start begins the Pod's life. It is called once, and does not wait for anything
// to happen.
func (w *Worker) Start() { go w.loop() }

// Delete asks for the Pod's end. Its containers are stopped: their preStop hooks
// run, they get SIGTERM and, when grace is over, SIGKILL. The grace period is
// raised to one second, as the API's is, and to two by the kubelet where it
// sends SIGTERM. A second Delete may only shorten it: it is counted from that
// Delete.
//
// Delete does not wait: see Done. It does nothing once the life has ended.
func (w *Worker) Delete(grace time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
		return
	default:
	}
	grace = max(grace, minimumPodGracePeriod)
	switch {
	case !w.request.deleted:
		w.request.deleted = true
		w.request.deletedAt = time.Now()
		w.request.grace = grace
		w.broadcast()
	case grace < w.request.grace:
		w.request.grace = grace
		w.broadcast()
	}
	w.cancel()
	w.notify()
}

// SetCondition sets a condition that is not the kubelet's own, such as a
// readiness gate waits for. It does not wait until the status shows it, and
// does nothing once the life has ended.
func (w *Worker) SetCondition(c Condition) {
	w.mu.Lock()
	list := slices.Clone(w.request.conditions)
	i := slices.IndexFunc(list, func(o Condition) bool { return o.Type == c.Type })
	if i < 0 {
		list = append(list, c)
	} else {
		if list[i].Status == c.Status {
			c.LastTransitionTime = list[i].LastTransitionTime
		}
		list[i] = c
	}
	w.request.conditions = list
	w.mu.Unlock()
	w.notify()
}

// SandboxDied tells the worker that the sandbox (the pause container) is gone.
// The containers are stopped and, unless the Pod never restarts, started again
// in a new sandbox. It is called once for each sandbox that died, and does
// nothing where none runs.
func (w *Worker) SandboxDied() {
	w.mu.Lock()
	w.request.sandboxDied = true
	w.mu.Unlock()
	w.notify()
}

// Swap says whether other images are to run than the containers' own, as when the
// images in a Pod's spec are changed. What runs is stopped, with its grace period, and
// started again whatever the restart policy.
func (w *Worker) Swap(swapped bool) {
	w.mu.Lock()
	w.request.swapped = swapped
	w.mu.Unlock()
	w.notify()
}

// Swapped reports whether a container that is started now is to run another image
// than its own. Only [Runtime.StartContainer] may ask.
func (w *Worker) Swapped() bool { return w.swapped }

// Stop ends the worker as a loss of power ends a machine: processes are killed,
// the sandbox is stopped, and nobody is told: no events, and the status stays as
// it was. It returns when the worker's goroutines are gone, and may be called
// more than once, at any time.
func (w *Worker) Stop() {
	w.mu.Lock()
	w.request.stop = true
	w.mu.Unlock()
	w.cancel()
	w.stopHooks()
	w.notify()
	<-w.done
}

// Done is closed when the life has ended and nothing more will happen.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Status returns the status as it is now. It is the caller's own.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.status.clone()
	if w.request.deleted {
		s.DeletionTimestamp = w.request.deletionTimestamp()
	}
	return s
}

// Changed returns a channel that is closed at the next change of the status.
// Who takes the channel, looks at the status, and then waits, misses nothing.
// After Done it may stay open for ever.
func (w *Worker) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// notify wakes the worker, or leaves it a note if it is busy.
func (w *Worker) notify() { offer(w.wake) }

// broadcast tells who waits that the status has changed. mu is held.
func (w *Worker) broadcast() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// forever is the pause of a worker that has nothing to wait for but events.
const forever time.Duration = -1

func (w *Worker) loop() {
	defer close(w.done)
	defer w.wait()
	for {
		pause, more := w.sync()
		if !more {
			return
		}
		if d := w.pod.ActiveDeadline; d > 0 && w.placed() {
			left := max(0, d-time.Since(w.startTime))
			if pause == forever || left < pause {
				pause = left
			}
		}
		w.sleep(pause)
	}
}

// wait waits for all that the worker started.
func (w *Worker) wait() {
	w.cancel()
	w.stopProbes()
	w.stopHooks()
	w.probers.Wait()
	w.hooks.Wait()
	w.watchers.Wait()
}

// sleep waits until something happened, but no longer than d.
func (w *Worker) sleep(d time.Duration) {
	switch {
	case d == 0:
		select {
		case <-w.wake:
		default:
		}
		return
	case d != forever:
		defer time.AfterFunc(d, w.notify).Stop()
	}
	<-w.wake
}
