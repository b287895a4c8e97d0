package podnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Chaos is a NetworkChaos, a PodChaos or a DNSChaos of a cluster: something that
// is wrong from [Cluster.Apply] on, for its duration or until it is deleted. One
// that is over stays, as in a cluster: to have it again, delete it and apply it.
// A Schedule, which makes chaos again and again, is a Chaos too.
//
// The kinds and their fields are those of Chaos Mesh; docs/faults.md tells what
// of them there is.
type Chaos struct {
	cluster *Cluster
	id      objectID
	spec    chaosSpec
	events  eventLog
	ctx     context.Context
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when it acts no more and its goroutine has ended

	mu   sync.Mutex // guards pods
	pods []*Pod
}

// chaosSpec is the spec of a chaos.
type chaosSpec interface {
	object
	// bare returns the spec without labels and annotations: what cannot be changed.
	bare() chaosSpec
	// lasts returns how long it acts, 0 if it does until it is deleted.
	lasts() time.Duration
	// begin selects Pods and acts on them. r is the chaos's own.
	begin(c *Cluster, r *rand.Rand) (chaosEffect, error)
}

// chaosEffect is what a chaos does to a cluster.
type chaosEffect struct {
	pods    []*Pod   // that were selected
	targets []string // what it acts on, as events name it
	lift    func()   // ends it; nil if what was done cannot be undone

	// each, if it is not nil, acts on one of targets, and may wait for that. It
	// is called for all of them at once, in goroutines of the chaos.
	each func(ctx context.Context, target int) error

	// loop, if it is not nil, is all that the chaos does. It returns when x ends.
	loop func(x *Chaos)
}

// Chaos returns all chaos, by kind, namespace and name.
func (c *Cluster) Chaos() []*Chaos {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.chaos), func(a, b *Chaos) int {
		return cmp.Or(cmp.Compare(a.id.kind, b.id.kind), cmp.Compare(a.id.namespace, b.id.namespace), cmp.Compare(a.id.name, b.id.name))
	})
}

// NetworkChaos returns the NetworkChaos of a name, or nil if there is none. An
// empty namespace is "default".
func (c *Cluster) NetworkChaos(namespace, name string) *Chaos {
	return c.findChaos(kindNetworkChaos, namespace, name)
}

// PodChaos returns the PodChaos of a name, or nil if there is none. An empty
// namespace is "default".
func (c *Cluster) PodChaos(namespace, name string) *Chaos {
	return c.findChaos(kindPodChaos, namespace, name)
}

// DNSChaos returns the DNSChaos of a name, or nil if there is none. An empty
// namespace is "default".
func (c *Cluster) DNSChaos(namespace, name string) *Chaos {
	return c.findChaos(kindDNSChaos, namespace, name)
}

// Schedule returns the Schedule of a name, or nil if there is none. An empty
// namespace is "default".
func (c *Cluster) Schedule(namespace, name string) *Chaos {
	return c.findChaos(kindSchedule, namespace, name)
}

func (c *Cluster) findChaos(kind, namespace, name string) *Chaos {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chaos[objectID{kind, cmp.Or(namespace, "default"), name}]
}

// Kind returns the chaos's kind: NetworkChaos, PodChaos, DNSChaos or Schedule.
func (x *Chaos) Kind() string { return x.id.kind }

// Name returns the chaos's name.
func (x *Chaos) Name() string { return x.id.name }

// Namespace returns the namespace that the chaos is in.
func (x *Chaos) Namespace() string { return x.id.namespace }

// Pods returns the Pods that were selected when the chaos began, those of a
// target not among them. Some may be gone. A Schedule has none itself.
func (x *Chaos) Pods() []*Pod {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.pods)
}

// Events returns what happened, in the order in which it first did.
func (x *Chaos) Events() []Event { return x.events.all() }

// Done returns a channel that is closed when the chaos acts no more: its duration
// is over, all is killed that was to be, or it is deleted.
func (x *Chaos) Done() <-chan struct{} { return x.done }

// Delete ends the chaos, unless it is over, and deletes it. When it returns the
// network and the name service are as they would be without it; the containers of
// a pod-failure are about to be started. A second Delete does nothing.
func (x *Chaos) Delete() {
	x.stop(ErrDeleted)
	x.cluster.forgetChaos(x)
}

// stop ends the chaos for a reason, and waits for that.
func (x *Chaos) stop(reason error) {
	x.cancel(reason)
	<-x.done
}

// checkChaos reports why a chaos cannot be applied.
func (c *Cluster) checkChaos(s chaosSpec) error {
	id := s.id()
	if x := c.findChaos(id.kind, id.namespace, id.name); x != nil {
		return x.checkUpdate(s)
	}
	return nil
}

// checkUpdate refuses another spec, in Chaos Mesh's words.
func (x *Chaos) checkUpdate(s chaosSpec) error {
	var errs fieldErrors
	if !deepEqual(s.bare(), x.spec.bare()) {
		errs.add(FieldForbidden, "spec", nil, "Cannot update chaos spec: delete it first")
	}
	return errs.err(x.id.kind, x.id.name)
}

// applyChaos begins a chaos, unless there is one of its name.
func (c *Cluster) applyChaos(s chaosSpec) error {
	id := s.id()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return id.error("apply", ErrClosed)
	}
	if x := c.chaos[id]; x != nil {
		c.mu.Unlock()
		return x.checkUpdate(s)
	}
	c.chaosMade++
	r := newObjectRand(c.config.Seed, c.chaosMade, id)
	x := &Chaos{cluster: c, id: id, spec: s, done: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancelCause(context.Background())
	c.chaos[id] = x
	c.mu.Unlock()
	effect, err := s.begin(c, r)
	if err != nil {
		c.forgetChaos(x)
		x.cancel(nil)
		close(x.done)
		return id.error("apply", err)
	}
	x.mu.Lock()
	x.pods = effect.pods
	x.mu.Unlock()
	x.begun(effect)
	go x.run(s.lasts(), effect)
	return nil
}

// begun tells what was done.
func (x *Chaos) begun(e chaosEffect) {
	switch {
	case e.loop != nil:
	case len(e.targets) == 0:
		x.emit("Warning", "Failed", "Failed to select targets: no target has been selected")
	case e.each != nil: // which takes its time
	default:
		if e.lift != nil {
			x.emit("Normal", "Started", "Experiment has started")
		}
		x.tell("Applied", "apply", e.targets...)
	}
}

// run is the chaos's goroutine.
func (x *Chaos) run(d time.Duration, e chaosEffect) {
	defer close(x.done)
	defer x.cancel(nil)
	if e.loop != nil {
		e.loop(x)
	}
	if e.each != nil {
		x.actOnEach(e)
	}
	if e.lift == nil {
		return
	}
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		x.emit("Normal", "TimeUp", "Time up according to the duration")
	case <-x.ctx.Done():
		if errors.Is(context.Cause(x.ctx), ErrClosed) {
			return // all ends, and nothing is told
		}
		x.emit("Normal", "Deleted", "Experiment has been deleted")
	}
	e.lift()
	x.tell("Recovered", "recover", e.targets...)
}

func (x *Chaos) actOnEach(e chaosEffect) {
	var wg sync.WaitGroup
	for i, target := range e.targets {
		wg.Go(func() {
			switch err := e.each(x.ctx, i); {
			case err == nil:
				x.tell("Applied", "apply", target)
			case x.ctx.Err() == nil:
				x.emit("Warning", "Failed", "Failed to apply chaos: "+err.Error())
			}
		})
	}
	wg.Wait()
}

// tell records an event for each of targets.
func (x *Chaos) tell(reason, verb string, targets ...string) {
	for _, t := range targets {
		x.emit("Normal", reason, fmt.Sprintf("Successfully %s chaos for %s", verb, t))
	}
}

// emit records an event and tells the cluster's OnEvent.
func (x *Chaos) emit(typ, reason, message string) {
	e := x.events.record(Event{
		Type: typ, Reason: reason, Message: message, Namespace: x.id.namespace,
		Object: strings.ToLower(x.id.kind) + "/" + x.id.name, Source: "chaos-mesh", LastTime: time.Now(),
	})
	if f := x.cluster.config.OnEvent; f != nil {
		f(e)
	}
}

// forgetChaos takes a chaos off the list.
func (c *Cluster) forgetChaos(x *Chaos) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chaos[x.id] == x {
		delete(c.chaos, x.id)
	}
}

// stopChaos ends all chaos. The cluster is closed: there comes no new one.
func (c *Cluster) stopChaos() {
	for _, x := range c.Chaos() {
		x.stop(ErrClosed)
	}
}
