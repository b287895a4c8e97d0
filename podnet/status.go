package podnet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"podnet.dev/podnet/internal/kubelet"
)

// PodStatus is the status of a Pod as the API shows it.
type PodStatus struct {
	Phase      PodPhase
	Reason     string // why the Pod failed as a whole: DeadlineExceeded, NodePorts…; often empty
	Message    string // often empty; podnet's own for a Pod whose NodeName is of no node
	Conditions []PodCondition
	PodIPs     []netip.Addr // the primary one first; they stay when the Pod has ended
	HostIPs    []netip.Addr // of the Pod's node, the primary one first
	StartTime  time.Time    // when the Pod got its node; zero before

	// InitContainers are the init containers' statuses, in the order of the spec.
	InitContainers []ContainerStatus

	// Containers are the containers' statuses, by name.
	Containers []ContainerStatus

	// DeletionTimestamp is when the grace period of a deleted Pod ends; zero
	// for a Pod that is not being deleted.
	DeletionTimestamp time.Time

	// Columns are what `kubectl get pods` prints.
	Columns PodColumns
}

// PodColumns are the columns of `kubectl get pods`.
type PodColumns struct {
	Ready    string // 1/2
	Status   string // Running, CrashLoopBackOff, Terminating…
	Restarts string // 5 (42s ago)
	Age      string // 2m10s
}

// PodPhase says in one word where a Pod is in its life.
type PodPhase string

// The phases of Kubernetes.
const (
	PodPending   PodPhase = "Pending"   // some container has not run yet
	PodRunning   PodPhase = "Running"   // some container runs, or is to be restarted
	PodSucceeded PodPhase = "Succeeded" // every container ended with 0 and none is restarted
	PodFailed    PodPhase = "Failed"    // every container ended, one not with 0, and none is restarted
)

// PodCondition is one of the questions that a Pod's status answers.
type PodCondition struct {
	Type               string // PodScheduled, PodReadyToStartContainers, Initialized, ContainersReady, Ready
	Status             bool
	Reason             string // empty where nothing is to be said
	Message            string
	LastTransitionTime time.Time
}

// ContainerStatus is the status of a container as the API shows it.
type ContainerStatus struct {
	Name            string
	Image           string
	State           ContainerState
	LastTermination *ContainerStateTerminated // how the run before this one ended; nil if there was none
	Ready           bool
	Started         bool
	RestartCount    int
}

// ContainerState is the state of a container. Exactly one field is set.
type ContainerState struct {
	Waiting    *ContainerStateWaiting
	Running    *ContainerStateRunning
	Terminated *ContainerStateTerminated
}

// ContainerStateWaiting is the state of a container that does not run yet, or
// not at present.
type ContainerStateWaiting struct {
	Reason  string // ContainerCreating, PodInitializing, CrashLoopBackOff, ErrImagePull…
	Message string // often empty
}

// ContainerStateRunning is the state of a container whose process runs.
type ContainerStateRunning struct {
	StartedAt time.Time
}

// ContainerStateTerminated is the state of a container whose process ended.
type ContainerStateTerminated struct {
	ExitCode              int
	Reason                string // Completed, Error…
	Message               string // often empty
	StartedAt, FinishedAt time.Time
}

// podStatus converts the kubelet's status to the public one.
func (p *Pod) podStatus(s kubelet.Status, now time.Time) PodStatus {
	status := PodStatus{
		Phase: PodPhase(s.Phase), Reason: s.Reason, Message: s.Message, PodIPs: p.addrsOf(0, s.IPs), HostIPs: s.HostIPs, StartTime: s.StartTime, DeletionTimestamp: s.DeletionTimestamp,
		Columns: PodColumns{
			Ready: kubelet.ReadyColumn(s), Status: kubelet.StatusColumn(s), Restarts: kubelet.RestartsColumn(s, now),
			Age: kubelet.HumanDuration(now.Sub(p.created)),
		},
	}
	if p.lost != nil {
		status.Message = p.lost.Error()
	}
	for _, c := range s.Conditions {
		status.Conditions = append(status.Conditions, PodCondition{
			Type: string(c.Type), Status: c.Status == kubelet.ConditionTrue, Reason: c.Reason, Message: c.Message, LastTransitionTime: c.LastTransitionTime,
		})
	}
	status.InitContainers = containerStatuses(s.InitContainers)
	status.Containers = containerStatuses(s.Containers)
	return status
}

func containerStatuses(from []kubelet.ContainerStatus) []ContainerStatus {
	var list []ContainerStatus
	for _, c := range from {
		list = append(list, ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: c.Ready, Started: c.Started, RestartCount: c.RestartCount,
			LastTermination: (*ContainerStateTerminated)(c.LastTermination),
			State: ContainerState{
				Waiting:    (*ContainerStateWaiting)(c.State.Waiting),
				Running:    (*ContainerStateRunning)(c.State.Running),
				Terminated: (*ContainerStateTerminated)(c.State.Terminated),
			},
		})
	}
	return list
}

// Condition returns the condition of a type, and false if there is none.
func (s PodStatus) Condition(typ string) (PodCondition, bool) {
	for _, c := range s.Conditions {
		if c.Type == typ {
			return c, true
		}
	}
	return PodCondition{}, false
}

// Container returns the status of the container or init container of a name, and
// false if there is none.
func (s PodStatus) Container(name string) (ContainerStatus, bool) {
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		if c.Name == name {
			return c, true
		}
	}
	return ContainerStatus{}, false
}

// ended is the error of waiting for something of a Pod that has ended.
func (s PodStatus) ended() error {
	text := fmt.Sprintf("the Pod has ended: its phase is %s", s.Phase)
	if s.Reason != "" {
		text += fmt.Sprintf(" (%s: %s)", s.Reason, s.Message)
	}
	return errors.New(text)
}

// Ready reports whether the condition Ready is true.
func (s PodStatus) Ready() bool {
	c, _ := s.Condition("Ready")
	return c.Status
}
