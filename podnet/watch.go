package podnet

import (
	"context"
	"iter"
	"sync"
	"time"

	"podnet.dev/podnet/internal/kubelet"
)

// PodUpdate is something that became known of a Pod. Exactly one field is set.
type PodUpdate struct {
	Status *PodStatus // the status, which has changed
	Event  *Event     // an event, with its count so far
}

// Watch returns what becomes known of the Pod, as it happens and in order:
// every status and every event from now on, an event before the status that it
// explains. It begins with the status of now.
//
// The sequence ends when the Pod's life does, after the last status, and when
// ctx ends, which must come or the updates are kept for nothing. It can be
// ranged over once. The Pod does not wait for the reader.
func (p *Pod) Watch(ctx context.Context) iter.Seq[PodUpdate] {
	w := &watcher{added: make(chan struct{}, 1)}
	p.watchMu.Lock()
	status := p.Status()
	w.queue = []PodUpdate{{Status: &status}}
	if p.watchers == nil {
		p.watchers = make(map[*watcher]struct{})
	}
	p.watchers[w] = struct{}{}
	p.watchMu.Unlock()
	stop := context.AfterFunc(ctx, func() { p.unwatch(w) })
	return func(yield func(PodUpdate) bool) {
		defer stop()
		defer p.unwatch(w)
		for done := false; ; {
			for _, u := range w.take() {
				if ctx.Err() != nil || !yield(u) {
					return
				}
			}
			if done {
				return
			}
			select {
			case <-w.added:
			case <-p.worker.Done():
				done = true // and take what came last
			case <-ctx.Done():
				return
			}
		}
	}
}

// watcher is one call of Watch.
type watcher struct {
	added chan struct{} // one slot: there is something in queue

	mu    sync.Mutex // guards queue
	queue []PodUpdate
}

func (w *watcher) add(u PodUpdate) {
	w.mu.Lock()
	w.queue = append(w.queue, u)
	w.mu.Unlock()
	select {
	case w.added <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []PodUpdate {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.queue
	w.queue = nil
	return queue
}

func (p *Pod) unwatch(w *watcher) {
	p.watchMu.Lock()
	defer p.watchMu.Unlock()
	delete(p.watchers, w)
}

// publish tells the watchers.
func (p *Pod) publish(u PodUpdate) {
	p.watchMu.Lock()
	defer p.watchMu.Unlock()
	for w := range p.watchers {
		w.add(u)
	}
}

// updated is called with every status that the worker publishes.
func (p *Pod) updated(s kubelet.Status) {
	if s.Phase == kubelet.PodSucceeded || s.Phase == kubelet.PodFailed {
		p.cluster.ended(p)
	}
	status := p.podStatus(s, time.Now())
	p.publish(PodUpdate{Status: &status})
}
