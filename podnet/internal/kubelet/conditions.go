package kubelet

import (
	"fmt"
	"slices"
	"strings"
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

	// AllContainersRestarting is there only where a restart rule may make it true.
	AllContainersRestarting ConditionType = "AllContainersRestarting"
)

// ConditionStatus is the answer of a [Condition].
type ConditionStatus string

// The answers.
const (
	ConditionTrue    ConditionStatus = "True"
	ConditionFalse   ConditionStatus = "False"
	ConditionUnknown ConditionStatus = "Unknown" // not of the kubelet's own
)

// OfKubelet reports whether the kubelet alone sets conditions of the type.
func (t ConditionType) OfKubelet() bool {
	switch t {
	case PodReadyToStartContainers, PodInitialized, PodReady, ContainersReady, PodScheduled, AllContainersRestarting:
		return true
	}
	return false
}

// The reasons of conditions, from status/generate.go and types/constants.go.
const (
	reasonPodSandboxNotReady          = "PodSandboxNotReady"
	reasonContainersNotReady          = "ContainersNotReady"
	reasonContainersNotInitialized    = "ContainersNotInitialized"
	reasonReadinessGatesNotReady      = "ReadinessGatesNotReady"
	reasonPodCompleted                = "PodCompleted"
	reasonPodFailed                   = "PodFailed"
	reasonRestartAllContainersStarted = "RestartAllContainersStarted"
)

// conditionInput is what a Pod's conditions are derived from.
type conditionInput struct {
	pod              *Pod
	init, containers []ContainerStatus // in the Pod's order
	phase            Phase
	sandbox          sandboxState
	restartingAll    bool
	old              []Condition // the conditions before
	others           []Condition // those that are not the kubelet's
}

// conditions derives the conditions, without the times of the kubelet's own.
func (in conditionInput) conditions() []Condition {
	containersReady := in.containersReady()
	list := append(slices.Clone(in.others),
		in.readyToStart(),
		in.initialized(),
		in.ready(containersReady),
		containersReady,
		Condition{Type: PodScheduled, Status: ConditionTrue},
	)
	if in.pod.canRestartAll() {
		list = append(list, in.restarting())
	}
	return list
}

func (in conditionInput) readyToStart() Condition {
	c := Condition{Type: PodReadyToStartContainers, Status: ConditionFalse, Reason: reasonPodSandboxNotReady}
	switch in.sandbox {
	case sandboxReady:
		c.Status, c.Reason = ConditionTrue, ""
	case sandboxDead:
		c.Message = "pod sandbox is not ready"
	default:
		c.Message = "no pod sandbox exists"
	}
	return c
}

// initialized says whether the init containers are done. Once it is true it
// stays so, whatever becomes of them in a new sandbox.
func (in conditionInput) initialized() Condition {
	c := Condition{Type: PodInitialized, Status: ConditionTrue}
	if in.phase == PodSucceeded {
		c.Reason = reasonPodCompleted
		return c
	}
	for _, s := range in.containers {
		if s.State.Running != nil || s.State.Terminated != nil {
			return c
		}
	}
	var incomplete []string
	for i, s := range in.init {
		done := s.Ready
		if in.pod.InitContainers[i].RestartPolicy == RestartPolicyAlways {
			done = s.Started
		}
		if !done {
			incomplete = append(incomplete, s.Name)
		}
	}
	if len(incomplete) == 0 || conditionIs(in.old, PodInitialized, ConditionTrue) {
		return c
	}
	c.Status, c.Reason = ConditionFalse, reasonContainersNotInitialized
	c.Message = fmt.Sprintf("containers with incomplete status: %s", incomplete)
	return c
}

func (in conditionInput) containersReady() Condition {
	c := Condition{Type: ContainersReady, Status: ConditionFalse}
	switch in.phase {
	case PodSucceeded:
		c.Reason = reasonPodCompleted
		return c
	case PodFailed:
		c.Reason = reasonPodFailed
		return c
	}
	var unready []string
	for i, s := range in.init {
		if in.pod.InitContainers[i].RestartPolicy == RestartPolicyAlways && !s.Ready {
			unready = append(unready, s.Name)
		}
	}
	for _, s := range in.containers {
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

// ready adds the readiness gates to the condition of the containers.
func (in conditionInput) ready(containersReady Condition) Condition {
	c := containersReady
	c.Type = PodReady
	if c.Status != ConditionTrue {
		return c
	}
	var unready []string
	for _, gate := range in.pod.ReadinessGates {
		i := slices.IndexFunc(in.others, func(o Condition) bool { return o.Type == gate })
		switch {
		case i < 0:
			unready = append(unready, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", string(gate)))
		case in.others[i].Status != ConditionTrue:
			unready = append(unready, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", string(gate), in.others[i].Status))
		}
	}
	if len(unready) > 0 {
		c.Status, c.Reason, c.Message = ConditionFalse, reasonReadinessGatesNotReady, strings.Join(unready, ", ")
	}
	return c
}

func (in conditionInput) restarting() Condition {
	c := Condition{Type: AllContainersRestarting, Status: ConditionFalse}
	switch {
	case in.phase == PodSucceeded:
		c.Reason = reasonPodCompleted
	case in.phase == PodFailed:
		c.Reason = reasonPodFailed
	case in.restartingAll:
		c.Status, c.Reason = ConditionTrue, reasonRestartAllContainersStarted
		c.Message = "container exited with restart policy rule"
	}
	return c
}

func conditionIs(list []Condition, typ ConditionType, status ConditionStatus) bool {
	return slices.ContainsFunc(list, func(c Condition) bool { return c.Type == typ && c.Status == status })
}

// setTransitionTimes gives each of the kubelet's conditions the time of its last
// change: the old one's where the status is the same, else now.
func setTransitionTimes(conditions, old []Condition, now time.Time) {
	for i := range conditions {
		c := &conditions[i]
		if !c.Type.OfKubelet() {
			continue
		}
		c.LastTransitionTime = now
		for _, o := range old {
			if o.Type == c.Type && o.Status == c.Status {
				c.LastTransitionTime = o.LastTransitionTime
			}
		}
	}
}
