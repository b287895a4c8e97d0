package kubelet

import (
	"fmt"
	"time"
)

// Condition is one of the questions that a Pod's status answers by yes or no.
type Condition struct {
	Type   ConditionType
	Status ConditionStatus

	// Reason and Message say why. They are empty where nothing is to be said.
	Reason, Message string

	// LastTransitionTime is when Status last changed.
	LastTransitionTime time.Time
}

// ConditionType names a [Condition].
type ConditionType string

// The conditions that the kubelet sets, in the order in which it lists them.
const (
	PodReadyToStartContainers ConditionType = "PodReadyToStartContainers" // there is a sandbox
	PodInitialized            ConditionType = "Initialized"               // the init containers are done
	PodReady                  ConditionType = "Ready"                     // it may serve requests
	ContainersReady           ConditionType = "ContainersReady"           // every container is ready
	PodScheduled              ConditionType = "PodScheduled"              // it has a node
)

// ConditionStatus is the answer of a [Condition].
type ConditionStatus string

// The answers. (Kubernetes' third one, Unknown, is for nodes that are lost.)
const (
	ConditionTrue  ConditionStatus = "True"
	ConditionFalse ConditionStatus = "False"
)

// The reasons of conditions, from status/generate.go and types/constants.go.
const (
	reasonPodSandboxNotReady = "PodSandboxNotReady"
	reasonContainersNotReady = "ContainersNotReady"
	reasonPodCompleted       = "PodCompleted"
	reasonPodFailed          = "PodFailed"
)

// podConditions derives the conditions, without their times, from the sandbox
// and the containers, given in the Pod's order.
func podConditions(sandbox sandboxState, containers []ContainerStatus, phase Phase) []Condition {
	// Without init containers a Pod is initialized from the start.
	initialized := Condition{Type: PodInitialized, Status: ConditionTrue}
	if phase == PodSucceeded {
		initialized.Reason = reasonPodCompleted
	}
	containersReady := containersReadyCondition(containers, phase)
	ready := containersReady
	ready.Type = PodReady
	return []Condition{
		sandboxCondition(sandbox),
		initialized,
		ready,
		containersReady,
		{Type: PodScheduled, Status: ConditionTrue},
	}
}

func sandboxCondition(sandbox sandboxState) Condition {
	c := Condition{Type: PodReadyToStartContainers, Status: ConditionFalse, Reason: reasonPodSandboxNotReady}
	switch sandbox {
	case sandboxReady:
		c.Status, c.Reason = ConditionTrue, ""
	case sandboxDead:
		c.Message = "pod sandbox is not ready"
	default:
		c.Message = "no pod sandbox exists"
	}
	return c
}

func containersReadyCondition(containers []ContainerStatus, phase Phase) Condition {
	c := Condition{Type: ContainersReady, Status: ConditionFalse}
	switch phase {
	case PodSucceeded:
		c.Reason = reasonPodCompleted
		return c
	case PodFailed:
		c.Reason = reasonPodFailed
		return c
	}
	var unready []string
	for _, s := range containers {
		if !s.Ready {
			unready = append(unready, s.Name)
		}
	}
	if len(unready) == 0 {
		c.Status = ConditionTrue
		return c
	}
	c.Reason = reasonContainersNotReady
	c.Message = fmt.Sprintf("containers with unready status: %s", unready)
	return c
}

// setTransitionTimes gives each condition the time of its last change: the old
// one's where the status is the same, else now.
func setTransitionTimes(conditions, old []Condition, now time.Time) {
	for i := range conditions {
		c := &conditions[i]
		c.LastTransitionTime = now
		for _, o := range old {
			if o.Type == c.Type && o.Status == c.Status {
				c.LastTransitionTime = o.LastTransitionTime
			}
		}
	}
}
