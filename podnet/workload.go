package podnet

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// WorkloadStatus says how many Pods a Deployment or StatefulSet has.
type WorkloadStatus struct {
	Desired           int // what the spec wants
	Replicas          int // Pods that there are; for a Deployment without those that are being deleted or have ended
	ReadyReplicas     int // of them, those that are Ready and not being deleted
	AvailableReplicas int // of those, those that have been Ready for MinReadySeconds
}

// Ready reports whether there are as many Pods as there should be, and all are
// Ready.
func (s WorkloadStatus) Ready() bool { return s.ReadyReplicas == s.Desired && s.Replicas == s.Desired }

// workloadSpec is the spec of a workload.
type workloadSpec interface {
	object
	replicas() int
	minReady() int32 // seconds
	Warnings() []string
}

// controller decides about the Pods of a workload.
type controller interface {
	// plan returns which Pods are to be made and which to be deleted now, given
	// those that are not gone, in the order in which they were made.
	plan(spec workloadSpec, pods []replica, now time.Time) (make []PodSpec, remove []*Pod)
	// checkPod reports why its Pods could not be made.
	checkPod() error
	// claims reports whether a Pod of this name with these labels is one of its.
	claims(name string, labels map[string]string) bool
}

// replica is a Pod of a workload with its status at one time.
type replica struct {
	pod    *Pod
	status PodStatus
}

func (r replica) deleting() bool { return !r.status.DeletionTimestamp.IsZero() || r.pod.isDeleting() }

func (r replica) ended() bool {
	return r.status.Phase == PodSucceeded || r.status.Phase == PodFailed
}

// readySince is when the Pod became Ready, the zero time if it is not.
func (r replica) readySince() time.Time {
	if c, ok := r.status.Condition("Ready"); ok && c.Status {
		return c.LastTransitionTime
	}
	return time.Time{}
}

// availableAt is when the Pod counts as available, and false if it is not Ready.
func (r replica) availableAt(minReady int32) (time.Time, bool) {
	since := r.readySince()
	return since.Add(time.Duration(minReady) * time.Second), !since.IsZero()
}

func (r replica) available(minReady int32, now time.Time) bool {
	at, ready := r.availableAt(minReady)
	return ready && !at.After(now)
}

// restarts is the greatest number of restarts of a container.
func (r replica) restarts() int {
	most := 0
	for _, c := range r.status.Containers {
		most = max(most, c.RestartCount)
	}
	return most
}

// workload is a Deployment or StatefulSet of a cluster. One goroutine looks at
// its Pods whenever one of them has changed, and does what its controller says.
type workload struct {
	cluster    *Cluster
	id         objectID
	controller controller

	wake       chan struct{} // one slot: something happened
	ctx        context.Context
	cancel     context.CancelFunc // ends it without deleting anything
	done       chan struct{}      // closed when its goroutines have ended
	followers  sync.WaitGroup     // one for each Pod that is not gone
	nextLook   time.Time          // of the goroutine: when it wants to be woken at the latest
	followed   map[*Pod]struct{}  // of the goroutine: Pods that have a follower
	relabelled atomic.Bool        // there may be Pods to adopt or to release

	mu       sync.Mutex // guards what follows; nothing waits under it
	spec     workloadSpec
	pods     []*Pod // that are not gone, as they were made
	failure  error  // why the last Pod could not be made
	deleting bool
	gone     bool          // deleted, and its Pods are gone
	changed  chan struct{} // closed when something has changed
}

// workload returns the workload of a name, nil if there is none.
func (c *Cluster) workload(id objectID) *workload {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workloads[id]
}

// workloadToUpdate returns the workload that an Apply would update, nil if it
// would make it.
func (c *Cluster) workloadToUpdate(id objectID) (*workload, error) {
	w := c.workload(id)
	if w == nil {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deleting {
		return nil, id.error("apply", ErrDeleting)
	}
	return w, nil
}

// applyWorkload makes a workload or gives the one that there is another spec.
// The first Pods are made before it returns, so that Pods get their addresses in
// the order of Apply. newController's generator is the workload's own.
func (c *Cluster) applyWorkload(spec workloadSpec, newController func(*rand.Rand) controller) error {
	id := spec.id()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return id.error("apply", ErrClosed)
	}
	w, found := c.workloads[id]
	if !found {
		c.workloadsMade++
		w = &workload{
			cluster: c, id: id, spec: spec, controller: newController(newObjectRand(c.config.Seed, c.workloadsMade, id)),
			wake: make(chan struct{}, 1), done: make(chan struct{}), changed: make(chan struct{}),
			followed: make(map[*Pod]struct{}),
		}
		w.relabelled.Store(true)
		w.ctx, w.cancel = context.WithCancel(context.Background())
		if c.workloads == nil {
			c.workloads = make(map[objectID]*workload)
		}
		c.workloads[id] = w
	}
	c.mu.Unlock()
	if found {
		w.mu.Lock()
		w.spec = spec
		w.mu.Unlock()
		w.notify()
		return nil
	}
	w.sync()
	go w.run()
	c.warn(id, spec.Warnings())
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// newObjectRand returns the generator of the n'th workload, or the n'th chaos. Each
// has one of its own, so that what it draws does not depend on what others do at the
// same time.
func newObjectRand(seed, n uint64, id objectID) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s/%s", n, id.kind, id.namespace, id.name)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// run is the workload's goroutine.
func (w *workload) run() {
	defer close(w.done)
	defer w.followers.Wait()
	for {
		select {
		case <-w.wake:
			if w.sync() {
				w.cancel()
				return
			}
		case <-w.ctx.Done():
			return
		}
	}
}

// notify tells the goroutine that something happened.
func (w *workload) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop ends the workload without deleting anything, and waits for that.
func (w *workload) stop() {
	w.cancel()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broadcast()
}

// sync looks at the Pods and does what is to be done. It reports whether the
// workload is gone.
func (w *workload) sync() (gone bool) {
	w.claim()
	w.mu.Lock()
	spec, deleting, pods := w.spec, w.deleting, slices.Clone(w.pods)
	w.mu.Unlock()
	if deleting && len(pods) == 0 {
		w.cluster.forgetWorkload(w)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.gone = true
		w.broadcast()
		return true
	}
	now := time.Now()
	replicas := w.look(pods)
	var created []PodSpec
	var removed []*Pod
	if deleting {
		removed = pods
	} else {
		created, removed = w.controller.plan(spec, replicas, now)
	}
	for _, p := range removed {
		if !p.isDeleting() {
			p.startDelete(p.gracePeriod())
		}
	}
	var failure error
	for _, s := range created {
		if failure = w.create(s); failure != nil {
			break
		}
	}
	w.lookAgain(replicas, spec.minReady(), now)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failure = failure
	w.broadcast()
	return false
}

// create makes a Pod and follows it.
func (w *workload) create(s PodSpec) error {
	o, err := s.complete()
	if err != nil {
		return err
	}
	p, made, err := w.cluster.makePod(o.(PodSpec), w)
	switch {
	case err != nil:
		return err
	case !made:
		return o.id().error("apply", errPodExists)
	}
	w.follow(p)
	return nil
}

// follow puts a Pod on the list, and wakes the goroutine when it changes.
func (w *workload) follow(p *Pod) {
	w.mu.Lock()
	w.pods = append(w.pods, p)
	w.mu.Unlock()
	if _, ok := w.followed[p]; ok {
		return
	}
	w.followed[p] = struct{}{}
	updates := p.Watch(w.ctx)
	w.followers.Go(func() {
		for range updates {
			w.notify()
		}
		select {
		case <-p.gone:
			w.notify()
		case <-w.ctx.Done():
		}
	})
}

// lookAgain has the goroutine woken when the next Pod becomes available: nothing
// else happens then.
func (w *workload) lookAgain(replicas []replica, minReady int32, now time.Time) {
	var next time.Time
	for _, r := range replicas {
		if at, ready := r.availableAt(minReady); ready && at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if !next.IsZero() && next != w.nextLook {
		w.nextLook = next
		time.AfterFunc(next.Sub(now), w.notify)
	}
}

// look returns Pods with their statuses.
func (w *workload) look(pods []*Pod) []replica {
	list := make([]replica, len(pods))
	for i, p := range pods {
		list[i] = replica{p, p.Status()}
	}
	return list
}

// broadcast wakes who waits. w.mu is held.
func (w *workload) broadcast() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// delete deletes the workload and its Pods, and waits for that.
func (w *workload) delete(ctx context.Context) error {
	w.mu.Lock()
	w.deleting = true
	w.mu.Unlock()
	w.notify()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return w.id.error("delete", context.Cause(ctx))
	}
}

// wait waits for the status to be as it should.
func (w *workload) wait(ctx context.Context, cond func(WorkloadStatus) bool) error {
	for {
		w.mu.Lock()
		changed, gone := w.changed, w.gone
		w.mu.Unlock()
		status := w.status()
		switch {
		case gone:
			return w.id.error("wait for", ErrDeleted)
		case cond(status):
			return nil
		case w.ctx.Err() != nil:
			return w.id.error("wait for", ErrClosed)
		}
		select {
		case <-changed:
		case <-w.ctx.Done():
			<-w.done // and see why
		case <-ctx.Done():
			return w.id.error("wait for", fmt.Errorf("%w (READY %d/%d%s)", context.Cause(ctx), status.ReadyReplicas, status.Desired, w.why()))
		}
	}
}

// why tells what the first Pod that is not Ready waits for, or why there is
// none.
func (w *workload) why() string {
	w.mu.Lock()
	pods, failure := slices.Clone(w.pods), w.failure
	w.mu.Unlock()
	for _, p := range pods {
		if s := p.Status(); !s.Ready() {
			return fmt.Sprintf("; Pod %s: %s%s", p.Name(), s.Columns.Status, why(s))
		}
	}
	if failure != nil {
		return "; " + failure.Error()
	}
	return ""
}

func (w *workload) status() WorkloadStatus {
	w.mu.Lock()
	spec, pods := w.spec, slices.Clone(w.pods)
	w.mu.Unlock()
	s := WorkloadStatus{Desired: spec.replicas()}
	now := time.Now()
	for _, r := range w.look(pods) {
		if w.id.kind == kindDeployment && (r.deleting() || r.ended()) {
			continue
		}
		s.Replicas++
		if r.deleting() {
			continue
		}
		if r.status.Ready() {
			s.ReadyReplicas++
		}
		if r.available(spec.minReady(), now) {
			s.AvailableReplicas++
		}
	}
	return s
}

func (w *workload) config() workloadSpec {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.spec
}

func (w *workload) list() []*Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pods)
}

// forgetWorkload takes a deleted workload off the list.
func (c *Cluster) forgetWorkload(w *workload) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.workloads, w.id)
}

// stopWorkloads ends all workloads, so that nobody replaces a Pod any more.
// The cluster is closed: there come no new ones.
func (c *Cluster) stopWorkloads() {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.workloads))
	c.mu.Unlock()
	for _, w := range all {
		w.stop()
	}
}
