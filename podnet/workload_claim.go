package podnet

import (
	"maps"
	"slices"
)

// claim brings the list of Pods up to date: those that are gone leave it. When
// labels have changed, those that no longer match are released, and go on without
// an owner, and those that match and have none are adopted
// (PodControllerRefManager in controller_ref_manager.go).
func (w *workload) claim() {
	relabelled := w.relabelled.Swap(false)
	gone := func(p *Pod) bool { return w.cluster.Pod(p.spec.Namespace, p.spec.Name) != p }
	maps.DeleteFunc(w.followed, func(p *Pod, _ struct{}) bool { return gone(p) })
	w.mu.Lock()
	w.pods = slices.DeleteFunc(w.pods, func(p *Pod) bool {
		return gone(p) || relabelled && !w.deleting && p.releasedBy(w)
	})
	deleting := w.deleting
	w.mu.Unlock()
	if !relabelled || deleting {
		return
	}
	for _, p := range w.cluster.Pods() {
		if p.spec.Namespace == w.id.namespace && p.adoptedBy(w) {
			w.follow(p)
		}
	}
}

// releasedBy takes the Pod's owner from it if it no longer matches.
func (p *Pod) releasedBy(w *workload) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.controller.claims(p.spec.Name, p.meta.labels) {
		return false
	}
	p.workload = nil
	return true
}

// adoptedBy gives the Pod an owner if it has none and matches.
func (p *Pod) adoptedBy(w *workload) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workload != nil || p.deleting || !w.controller.claims(p.spec.Name, p.meta.labels) {
		return false
	}
	p.workload = w
	return true
}

func (p *Pod) ofWorkload() *workload {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.workload
}

// wakeWorkloads has the workloads of a namespace look for Pods whose labels are
// others now. c.mu is held.
func (c *Cluster) wakeWorkloads(namespace string) {
	for id, w := range c.workloads {
		if id.namespace == namespace {
			w.relabelled.Store(true)
			w.notify()
		}
	}
}
