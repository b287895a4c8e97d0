package kubelet

import (
	"context"
	"net/netip"
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
	pod     Pod
	runtime Runtime
	onEvent func(Event)
	ctx     context.Context // of calls to the runtime; ends by Delete and Stop
	cancel  context.CancelFunc
	wake    chan struct{} // one slot: something happened
	done    chan struct{} // closed when the worker and its watchers have ended

	// Of the worker's goroutine.
	containers []*container     // in the order of the Pod
	pulls      map[string]*pull // by image, as the kubelet's is by Pod and image
	sandbox    sandboxState
	addrs      []netip.Addr // of the last sandbox
	deleting   bool         // Delete was seen
	terminated bool         // containers and sandbox are stopped for good
	watchers   sync.WaitGroup

	mu      sync.Mutex // guards what follows; nothing waits under it
	status  Status     // the last one published; written by the worker only, never modified
	changed chan struct{}
	request request
}

// request is what was asked of a worker from outside.
type request struct {
	stop        bool
	sandboxDied bool
	deleted     bool
	forced      bool
	deletedAt   time.Time     // of the first Delete
	grace       time.Duration // the shortest that was asked for
}

type sandboxState int

const (
	sandboxNone  sandboxState = iota // never made
	sandboxReady                     //
	sandboxDead                      // made once, and gone
)

// Start is New and then the worker's Start.
func Start(pod Pod, runtime Runtime, onEvent func(Event)) *Worker {
	w := New(pod, runtime, onEvent)
	w.Start()
	return w
}

// New returns the worker of a pod whose life has not begun; Start begins it.
//
// Each event is given to onEvent, which may be nil, in order and without a lock
// held, before the status that it explains is published. onEvent must return
// soon, and must not call Stop: the worker waits for it.
func New(pod Pod, runtime Runtime, onEvent func(Event)) *Worker {
	w := &Worker{
		pod:     pod,
		runtime: runtime,
		onEvent: onEvent,
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
		pulls:   make(map[string]*pull),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	for _, c := range pod.Containers {
		w.containers = append(w.containers, &container{spec: c})
	}
	w.status = Status{Phase: PodPending, StartTime: time.Now()}
	w.publish()
	return w
}

// Start begins the Pod's life. It is called once, and does not wait for anything
// to happen.
func (w *Worker) Start() { go w.loop() }

// Delete asks for the Pod's end. Its containers get SIGTERM and, when grace is
// over, SIGKILL. The grace period is raised to one second, as the API's is, and
// to two by the kubelet where it stops a container. A second Delete may only
// shorten it: it is counted from that Delete. Force leaves no grace at all.
//
// Delete does not wait: see Done. It does nothing once the life has ended.
//
// (In Kubernetes a forced deletion removes the API object at once, while the
// kubelet still gives the containers two seconds.)
func (w *Worker) Delete(grace time.Duration, force bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
		return
	default:
	}
	if force {
		grace = 0
		w.request.forced = true
	} else {
		grace = max(grace, minimumPodGracePeriod)
	}
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

// Stop ends the worker as a loss of power ends a machine: processes are killed,
// the sandbox is stopped, and nobody is told: no events, and the status stays as
// it was. It returns when the worker's goroutines are gone, and may be called
// more than once, at any time.
func (w *Worker) Stop() {
	w.mu.Lock()
	w.request.stop = true
	w.mu.Unlock()
	w.cancel()
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
		// The API server counts a shortened period from the first request, too.
		s.DeletionTimestamp = w.request.deletedAt.Add(w.request.grace)
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
func (w *Worker) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// broadcast tells who waits that the status has changed. mu is held.
func (w *Worker) broadcast() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// forever is the pause of a worker that has nothing to wait for but events.
const forever time.Duration = -1

func (w *Worker) loop() {
	defer close(w.done)
	defer w.watchers.Wait()
	defer w.cancel()
	for {
		pause, more := w.sync()
		if !more {
			return
		}
		w.sleep(pause)
	}
}

// sleep waits until something happened, but no longer than d.
func (w *Worker) sleep(d time.Duration) {
	var expired <-chan time.Time
	if d != forever {
		timer := time.NewTimer(d)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.wake:
	case <-expired:
	}
}
