package kubelet

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Placement is what became of a Pod that needs a node. The zero value says that
// it has none and that the scheduler does not look for one: its spec names a
// node that does not exist.
type Placement struct {
	Node    string       // empty if the Pod has none
	HostIPs []netip.Addr // the node's addresses, the primary one first

	// Chosen says that the scheduler chose the node, and not the Pod's spec.
	Chosen bool

	// Unschedulable is why the scheduler found no node, in its words.
	Unschedulable string

	// Rejection is why the node's kubelet does not take the Pod, nil if it does.
	Rejection *Rejection
}

// Rejection is why a kubelet does not take a Pod that is bound to its node.
type Rejection struct {
	Reason  string // "NodePorts", ...
	Message string
}

// The reason of a Pod that the scheduler found no node for (core/v1/types.go).
const ReasonUnschedulable = "Unschedulable"

// Place tells the worker where the Pod is, or that the scheduler has tried again
// in vain. Of a Pod that has a node it is not called.
func (w *Worker) Place(p Placement) {
	w.mu.Lock()
	w.request.placements = append(slices.Clone(w.request.placements), p)
	w.mu.Unlock()
	w.notify()
}

// place takes in a placement and reports it.
func (w *Worker) place(p Placement) {
	if !w.placed() {
		w.settle(p)
	}
	switch {
	case p.Unschedulable != "":
		w.emit(Event{Source: SourceScheduler, Type: EventWarning, Reason: eventFailedScheduling, Message: p.Unschedulable})
	case p.Chosen:
		w.emit(Event{Source: SourceScheduler, Type: EventNormal, Reason: eventScheduled,
			Message: fmt.Sprintf("Successfully assigned %s/%s to %s", w.pod.Namespace, w.pod.Name, p.Node)})
	}
	if r := p.Rejection; r != nil {
		w.podEvent(EventWarning, r.Reason, "%s", r.Message)
	}
}

// settle makes p the Pod's placement. A Pod that has a node starts there.
func (w *Worker) settle(p Placement) {
	w.placement = p
	if w.placed() {
		w.startTime = time.Now()
	}
}

// placed reports whether the Pod has a node.
func (w *Worker) placed() bool { return w.placement.Node != "" }

// unplacedStatus is the status of a Pod without a node: nobody but the scheduler
// has seen it.
func (w *Worker) unplacedStatus() Status {
	s := Status{Phase: PodPending, Conditions: slices.Clone(w.conditions), DeletionTimestamp: w.deletionTimestamp, columns: w.pod.columns()}
	if message := w.placement.Unschedulable; message != "" {
		s.Conditions = append(s.Conditions, Condition{Type: PodScheduled, Status: ConditionFalse, Reason: ReasonUnschedulable, Message: message})
		setTransitionTimes(s.Conditions, w.status.Conditions, time.Now())
	}
	return s
}

// rejectedStatus is the status of a Pod that the kubelet did not take (rejectPod
// in kubelet.go). It has no conditions of the kubelet's, and nothing is known of
// its containers.
func (w *Worker) rejectedStatus() Status {
	r := w.placement.Rejection
	return Status{
		Phase: PodFailed, Reason: r.Reason, Message: "Pod was rejected: " + r.Message, Conditions: slices.Clone(w.conditions),
		StartTime: w.startTime, DeletionTimestamp: w.deletionTimestamp, columns: w.pod.columns(),
	}
}
