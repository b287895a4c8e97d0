package kubelet

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Status is what is known of a Pod: its status as in Kubernetes, and when it
// is to be gone.
type Status struct {
	Phase      Phase
	Conditions []Condition

	// IPs are the Pod's addresses, the primary one first. They stay when the
	// sandbox is gone.
	IPs []netip.Addr

	// StartTime is when the worker was started.
	StartTime time.Time

	// Containers are sorted by name, as the kubelet's are. The STATUS column
	// depends on it.
	Containers []ContainerStatus

	// DeletionTimestamp is when the grace period of a deleted Pod ends, as in
	// metadata.deletionTimestamp. It is zero for a Pod that is not deleted.
	DeletionTimestamp time.Time
}

// ContainerStatus is what is known of one container.
type ContainerStatus struct {
	Name  string
	Image string
	State ContainerState

	// LastTermination is how the run before the one in State ended, nil if
	// there was none.
	LastTermination *Terminated

	// Started and Ready are true while the container runs: there are no probes.
	Started bool
	Ready   bool

	// RestartCount is the number of containers that were created after the first.
	RestartCount int
}

// ContainerState is the state of a container. Exactly one field is set.
type ContainerState struct {
	Waiting    *Waiting
	Running    *Running
	Terminated *Terminated
}

// Waiting is the state of a container that does not run yet, or not at present.
type Waiting struct {
	Reason  string
	Message string // often empty
}

// Running is the state of a container whose process runs.
type Running struct {
	StartedAt time.Time
}

// Terminated is the state of a container whose process has ended.
type Terminated struct {
	ExitCode int
	Reason   string
	Message  string // often empty

	// StartedAt and FinishedAt are zero for a container that never ran.
	StartedAt, FinishedAt time.Time
}

// The reasons of container states.
const (
	ReasonContainerCreating          = "ContainerCreating"
	ReasonCrashLoopBackOff           = "CrashLoopBackOff"
	ReasonErrImagePull               = "ErrImagePull"
	ReasonImagePullBackOff           = "ImagePullBackOff"
	ReasonErrImageNeverPull          = "ErrImageNeverPull"
	ReasonInvalidImageName           = "InvalidImageName"
	ReasonCreateContainerConfigError = "CreateContainerConfigError"
	ReasonCreateContainerError       = "CreateContainerError"
	ReasonRunContainerError          = "RunContainerError"

	ReasonCompleted              = "Completed"              // exit code 0
	ReasonError                  = "Error"                  // any other
	ReasonStartError             = "StartError"             // 128: created, but not started
	ReasonContainerStatusUnknown = "ContainerStatusUnknown" // 137: the Pod ended before there was one
)

// clone returns a copy that shares nothing with s.
func (s Status) clone() Status {
	s.Conditions = slices.Clone(s.Conditions)
	s.IPs = slices.Clone(s.IPs)
	s.Containers = slices.Clone(s.Containers)
	for i := range s.Containers {
		c := &s.Containers[i]
		c.State.Waiting = clonePointer(c.State.Waiting)
		c.State.Running = clonePointer(c.State.Running)
		c.State.Terminated = clonePointer(c.State.Terminated)
		c.LastTermination = clonePointer(c.LastTermination)
	}
	return s
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// publish makes the state known if it has changed.
func (w *Worker) publish() {
	s := w.newStatus()
	if reflect.DeepEqual(s, w.status) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = s
	w.broadcast()
}

// newStatus derives the status from the worker's state and the last status.
func (w *Worker) newStatus() Status {
	s := Status{
		IPs:        w.addrs,
		StartTime:  w.status.StartTime,
		Containers: w.containerStatuses(),
	}
	s.Phase = podPhase(w.pod.RestartPolicy, s.Containers, w.terminated)
	if s.Phase.terminal() && !w.terminated {
		// A final phase is a promise that nothing runs (mergePodStatus in
		// status_manager.go).
		s.Phase = w.status.Phase
	}
	s.Conditions = podConditions(w.sandbox, s.Containers, s.Phase)
	setTransitionTimes(s.Conditions, w.status.Conditions, time.Now())
	if w.terminated {
		s.failIncomplete()
	}
	slices.SortFunc(s.Containers, func(a, b ContainerStatus) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// failIncomplete gives an end to a Pod that ended before all its containers ran
// (TerminatePod in status_manager.go).
func (s *Status) failIncomplete() {
	if s.Phase.terminal() {
		return
	}
	s.Phase = PodFailed
	for i := range s.Containers {
		if s.Containers[i].State.Terminated == nil {
			s.Containers[i].State = ContainerState{Terminated: &Terminated{
				ExitCode: 137,
				Reason:   ReasonContainerStatusUnknown,
				Message:  "The container could not be located when the pod was terminated",
			}}
		}
	}
}

// containerStatuses returns the statuses of the containers in the Pod's order.
func (w *Worker) containerStatuses() []ContainerStatus {
	statuses := make([]ContainerStatus, len(w.containers))
	for i, c := range w.containers {
		statuses[i] = c.status()
		// A deleted Pod starts nothing, so nothing waits for its start.
		if !w.deleting {
			statuses[i].wait(c.waiting, w.pod.RestartPolicy)
		}
	}
	return statuses
}

// status tells what happened to the container, but not why it waits.
func (c *container) status() ContainerStatus {
	s := ContainerStatus{Name: c.spec.Name, Image: c.spec.Image, LastTermination: c.last}
	if c.run == nil {
		s.State.Waiting = &Waiting{Reason: ReasonContainerCreating}
		return s
	}
	s.RestartCount = c.run.restartCount
	if c.run.end != nil {
		s.State.Terminated = c.run.end
		return s
	}
	s.State.Running = &Running{StartedAt: c.run.startedAt}
	s.Started = true
	s.Ready = true
	return s
}

// wait shows why the container could not be started, if it should be.
func (s *ContainerStatus) wait(why *Waiting, policy RestartPolicy) {
	end := s.State.Terminated
	if why == nil || s.State.Running != nil || end != nil && !policy.restarts(end.ExitCode) {
		return
	}
	if end != nil {
		s.LastTermination = end
	}
	s.State = ContainerState{Waiting: why}
}
