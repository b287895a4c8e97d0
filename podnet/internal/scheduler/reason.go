package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// reason is why a node does not fit, in the words of a filter.
type reason string

const (
	notSelected reason = "node(s) didn't match Pod's node affinity/selector"          // NodeAffinity
	cordoned    reason = "node(s) were unschedulable"                                 // NodeUnschedulable
	noFreePorts reason = "node(s) didn't have free ports for the requested pod ports" // NodePorts

	// What preemption adds: of a node where it could free something, and of one
	// where it could not.
	noVictims  reason = "No preemption victims found for incoming pod"
	notHelpful reason = "Preemption is not helpful for scheduling"
)

// unschedulable is what the scheduler says of a Pod that fits on no node. There is
// one reason for each node (FitError in pkg/scheduler/framework/types.go).
func unschedulable(failures []reason) string {
	preemption := make([]reason, len(failures))
	for i, r := range failures {
		preemption[i] = notHelpful
		if r == noFreePorts {
			preemption[i] = noVictims
		}
	}
	return available(failures) + " preemption: " + available(preemption)
}

// available counts the reasons. They are sorted as texts, with their numbers.
func available(reasons []reason) string {
	counts := make(map[reason]int)
	for _, r := range reasons {
		counts[r]++
	}
	var texts []string
	for r, n := range counts {
		texts = append(texts, fmt.Sprintf("%d %s", n, r))
	}
	slices.Sort(texts)
	return fmt.Sprintf("0/%d nodes are available: %s.", len(reasons), strings.Join(texts, ", "))
}

// Rejection is why a kubelet does not take a Pod.
type Rejection struct {
	Reason  string // of the Pod's status and of the event
	Message string // of the event
}

// admit checks what the kubelet does of a Pod that was bound to its node without
// the scheduler; nil if nothing is wrong (pkg/kubelet/lifecycle/predicate.go).
func (n *node) admit(p *Pod) *Rejection {
	why := n.filter(p)
	name := map[reason]string{notSelected: "NodeAffinity", noFreePorts: "NodePorts"}[why]
	if name == "" {
		return nil
	}
	return &Rejection{Reason: name, Message: fmt.Sprintf("Predicate %s failed: %s", name, why)}
}
