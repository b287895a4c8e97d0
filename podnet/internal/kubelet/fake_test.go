package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeProcess is a process that follows a script.
type fakeProcess struct {
	code     int
	message  string
	lives    time.Duration // until it exits by itself; negative: for ever
	termLag  time.Duration // from SIGTERM to its exit with 143; negative: it ignores SIGTERM
	once     sync.Once
	done     chan struct{}
	exitCode int
	signals  []string // with times since birth
	born     time.Time
}

// exits is a process that exits with code after some time.
func exits(code int, after time.Duration) *fakeProcess {
	return &fakeProcess{code: code, lives: after}
}

// runs is a process that exits by SIGTERM after lag, or ignores it if lag is
// negative.
func runs(lag time.Duration) *fakeProcess {
	return &fakeProcess{lives: -1, termLag: lag}
}

func (p *fakeProcess) begin() {
	p.done = make(chan struct{})
	p.born = time.Now()
	switch {
	case p.lives == 0:
		p.finish(p.code)
	case p.lives > 0:
		time.AfterFunc(p.lives, func() { p.finish(p.code) })
	}
}

func (p *fakeProcess) finish(code int) {
	p.once.Do(func() {
		p.exitCode = code
		close(p.done)
	})
}

func (p *fakeProcess) Done() <-chan struct{} { return p.done }
func (p *fakeProcess) Exit() (int, string)   { return p.exitCode, p.message }

func (p *fakeProcess) Terminate() {
	p.signals = append(p.signals, fmt.Sprint("TERM ", time.Since(p.born)))
	switch {
	case p.termLag == 0:
		p.finish(143)
	case p.termLag > 0:
		time.AfterFunc(p.termLag, func() { p.finish(143) })
	}
}

func (p *fakeProcess) Kill() {
	p.signals = append(p.signals, fmt.Sprint("KILL ", time.Since(p.born)))
	p.finish(137)
}

// fakeRuntime is a runtime that follows a script and keeps a log.
type fakeRuntime struct {
	begun time.Time

	sandbox func(n int) error                                      // for the nth sandbox, from 1; nil: works
	pull    func(ctx context.Context, image string) (int64, error) // nil: not found
	start   func(name string, restart int) (*fakeProcess, error)   // nil: runs(0)

	down func() // called when the sandbox is stopped; may be nil

	mount func(n int) error                                                       // for the nth call, from 1; nil: works
	probe func(name string, kind ProbeKind) (ProbeResult, string, error)          // nil: success
	hook  func(ctx context.Context, name string, hook Hook, p *fakeProcess) error // nil: works at once

	mountCalls int

	sandboxes int // made or tried

	mu        sync.Mutex      // guards what follows
	log       []string        // what was done, with times since the start
	present   map[string]bool // images
	up        bool
	processes map[string]*fakeProcess // the last of each container
}

func (r *fakeRuntime) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf("%v ", time.Since(r.begun))+fmt.Sprintf(format, args...))
}

func (r *fakeRuntime) setUp(up bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up = up
}

// isUp reports whether a sandbox runs.
func (r *fakeRuntime) isUp() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.up
}

// process returns the last process of a container.
func (r *fakeRuntime) process(name string) *fakeProcess {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes[name]
}

func (r *fakeRuntime) MountVolumes(context.Context) error {
	r.mountCalls++
	if r.mount == nil {
		return nil
	}
	return r.mount(r.mountCalls)
}

func (r *fakeRuntime) Probe(_ context.Context, name string, kind ProbeKind) (ProbeResult, string, error) {
	if r.probe == nil {
		return ProbeSuccess, "", nil
	}
	return r.probe(name, kind)
}

func (r *fakeRuntime) RunHook(ctx context.Context, name string, hook Hook) error {
	kind := [...]string{PostStart: "postStart", PreStop: "preStop"}[hook]
	r.note("%s %s", kind, name)
	if r.hook == nil {
		return nil
	}
	err := r.hook(ctx, name, hook, r.process(name))
	if err != nil {
		r.note("%s %s failed", kind, name)
	} else {
		r.note("%s %s done", kind, name)
	}
	return err
}

func (r *fakeRuntime) RunPodSandbox(context.Context) ([]netip.Addr, error) {
	r.sandboxes++
	if r.sandbox != nil {
		if err := r.sandbox(r.sandboxes); err != nil {
			r.note("sandbox %d failed", r.sandboxes)
			return nil, err
		}
	}
	r.note("sandbox %d", r.sandboxes)
	r.setUp(true)
	return []netip.Addr{netip.AddrFrom4([4]byte{10, 244, 0, byte(r.sandboxes)})}, nil
}

func (r *fakeRuntime) StopPodSandbox() {
	if r.down != nil {
		r.down()
	}
	r.note("sandbox stopped")
	r.setUp(false)
}

func (r *fakeRuntime) ImagePresent(image string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present[image]
}

// provide makes an image present.
func (r *fakeRuntime) provide(image string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.present = map[string]bool{image: true}
}

func (r *fakeRuntime) PullImage(ctx context.Context, image string) (int64, error) {
	r.note("pull %s", image)
	if r.pull == nil {
		return 0, errors.New("not found")
	}
	return r.pull(ctx, image)
}

func (r *fakeRuntime) StartContainer(_ context.Context, name string, restart int) (Process, error) {
	p, err := runs(0), error(nil)
	if r.start != nil {
		p, err = r.start(name, restart)
	}
	if err != nil {
		r.note("start %s %d failed", name, restart)
		return nil, err
	}
	r.note("start %s %d", name, restart)
	p.begin()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.processes == nil {
		r.processes = make(map[string]*fakeProcess)
	}
	r.processes[name] = p
	return p, nil
}

// life is a worker under test. It must be begun inside a bubble.
type life struct {
	*Worker
	t       *testing.T
	runtime *fakeRuntime
	begun   time.Time

	mu       sync.Mutex // guards what follows
	events   []Event
	statuses []Status
}

func begin(t *testing.T, pod Pod, runtime *fakeRuntime) *life {
	t.Helper()
	return beginAt(t, pod, Placement{Node: "node-1"}, runtime)
}

// startOn begins the life of a Pod that has a node.
func startOn(pod Pod, runtime Runtime, onEvent func(Event), onStatus func(Status)) *Worker {
	w := New(pod, Placement{Node: "node-1"}, runtime, onEvent, onStatus)
	w.Start()
	return w
}

// beginAt begins the life of a Pod with its first placement.
func beginAt(t *testing.T, pod Pod, placement Placement, runtime *fakeRuntime) *life {
	t.Helper()
	l := &life{t: t, runtime: runtime, begun: time.Now()}
	runtime.begun = l.begun
	l.Worker = New(pod, placement, runtime, func(e Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, e)
	}, func(s Status) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.statuses = append(l.statuses, s)
	})
	l.Start()
	t.Cleanup(l.Stop)
	synctest.Wait()
	return l
}

// at lets the time go on to d after the beginning.
func (l *life) at(d time.Duration) {
	l.t.Helper()
	time.Sleep(d - time.Since(l.begun))
	synctest.Wait()
}

// takeEvents returns the events since the last time it was called.
func (l *life) takeEvents() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, e := range l.events {
		lines = append(lines, fmt.Sprintf("%v %s %s %s: %s", e.Time.Sub(l.begun), e.Type, e.Reason, e.FieldPath, e.Message))
	}
	l.events = nil
	return lines
}

// takeLog returns what the runtime did since the last time it was called.
func (l *life) takeLog() []string {
	l.runtime.mu.Lock()
	defer l.runtime.mu.Unlock()
	log := l.runtime.log
	l.runtime.log = nil
	return log
}

// container returns the status of the container of that name.
func (l *life) container(name string) ContainerStatus {
	l.t.Helper()
	s := l.Status()
	for _, c := range append(s.InitContainers, s.Containers...) {
		if c.Name == name {
			return c
		}
	}
	l.t.Fatalf("no container %q", name)
	return ContainerStatus{}
}

// ended reports whether the worker's life is over.
func (l *life) ended() bool {
	select {
	case <-l.Done():
		return true
	default:
		return false
	}
}

// condition returns a condition as one line.
func (l *life) condition(typ ConditionType) string {
	l.t.Helper()
	for _, c := range l.Status().Conditions {
		if c.Type == typ {
			return fmt.Sprintf("%s %s %s since %v", c.Status, c.Reason, c.Message, c.LastTransitionTime.Sub(l.begun))
		}
	}
	l.t.Fatalf("no condition %q", typ)
	return ""
}

// newPod returns a Pod whose containers need no image.
func newPod(policy RestartPolicy, names ...string) Pod {
	pod := Pod{Name: "web", Namespace: "default", UID: "u-1", RestartPolicy: policy, GracePeriod: 30 * time.Second}
	for _, name := range names {
		pod.Containers = append(pod.Containers, Container{Name: name})
	}
	return pod
}

// always starts the same kind of process.
func always(p func() *fakeProcess) func(string, int) (*fakeProcess, error) {
	return func(string, int) (*fakeProcess, error) { return p(), nil }
}
