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

	// Reason and Message say why a Pod failed as a whole: DeadlineExceeded.
	Reason, Message string

	// IPs are the Pod's addresses, the primary one first. They stay when the
	// sandbox is gone.
	IPs []netip.Addr

	// HostIPs are the addresses of the Pod's node, the primary one first.
	HostIPs []netip.Addr

	// StartTime is when the Pod got its node. It is zero before.
	StartTime time.Time

	// InitContainers are in the Pod's order, and Containers sorted by name, as
	// the kubelet's are. The STATUS column depends on both.
	InitContainers, Containers []ContainerStatus

	// DeletionTimestamp is when the grace period of a deleted Pod ends, as in
	// metadata.deletionTimestamp. It is zero for a Pod that is not deleted.
	DeletionTimestamp time.Time

	columns int // containers that kubectl counts, by the Pod's spec
}

// ContainerStatus is what is known of one container.
type ContainerStatus struct {
	Name  string
	Image string
	State ContainerState

	// LastTermination is how the run before the one in State ended, nil if
	// there was none.
	LastTermination *Terminated

	// Started says that the container runs and its startup probe, if any, has
	// succeeded. Ready says that it runs and its readiness probe, if any,
	// succeeds; an init container that is no sidecar is ready when it is done.
	Started bool
	Ready   bool

	// RestartCount is the number of containers that were created after the first.
	RestartCount int

	sidecar bool
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
	ReasonContainerCreating          = "ContainerCreating" // of a Pod without init containers
	ReasonPodInitializing            = "PodInitializing"   // of a Pod with them
	ReasonCrashLoopBackOff           = "CrashLoopBackOff"
	ReasonErrImagePull               = "ErrImagePull"
	ReasonImagePullBackOff           = "ImagePullBackOff"
	ReasonErrImageNeverPull          = "ErrImageNeverPull"
	ReasonInvalidImageName           = "InvalidImageName"
	ReasonCreateContainerConfigError = "CreateContainerConfigError"
	ReasonCreateContainerError       = "CreateContainerError"
	ReasonRunContainerError          = "RunContainerError"
	ReasonPostStartHookError         = "PostStartHookError"
	ReasonRestartingAllContainers    = "RestartingAllContainers" // waiting or, with 137, terminated

	ReasonCompleted              = "Completed"              // exit code 0
	ReasonError                  = "Error"                  // any other
	ReasonStartError             = "StartError"             // 128: created, but not started
	ReasonContainerStatusUnknown = "ContainerStatusUnknown" // 137: the Pod ended before there was one
)

// What is said of a Pod that was active for too long (active_deadline.go).
const (
	ReasonDeadlineExceeded  = "DeadlineExceeded"
	messageDeadlineExceeded = "Pod was active on the node longer than the specified deadline"
)

// Ready reports whether the Pod's condition Ready is true.
func (s Status) Ready() bool { return conditionIs(s.Conditions, PodReady, ConditionTrue) }

// clone returns a copy that shares nothing with s.
func (s Status) clone() Status {
	s.Conditions = slices.Clone(s.Conditions)
	s.IPs = slices.Clone(s.IPs)
	s.HostIPs = slices.Clone(s.HostIPs)
	s.InitContainers = cloneStatuses(s.InitContainers)
	s.Containers = cloneStatuses(s.Containers)
	return s
}

func cloneStatuses(list []ContainerStatus) []ContainerStatus {
	list = slices.Clone(list)
	for i := range list {
		c := &list[i]
		c.State.Waiting = clonePointer(c.State.Waiting)
		c.State.Running = clonePointer(c.State.Running)
		c.State.Terminated = clonePointer(c.State.Terminated)
		c.LastTermination = clonePointer(c.LastTermination)
	}
	return list
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
	same := reflect.DeepEqual(s, w.status) // only this goroutine writes it
	if !same && w.before != nil {
		w.before(s)
	}
	w.mu.Lock()
	if !same {
		w.status = s
		w.broadcast()
	}
	for _, c := range w.containers {
		if c.run == nil || c.run.process == nil {
			delete(w.probed, c)
		} else {
			w.probed[c] = c.run
		}
	}
	w.mu.Unlock()
	if !same {
		w.tell(func() {
			if w.onStatus != nil {
				w.onStatus(s.clone())
			}
		})
	}
}

// newStatus derives the status from the worker's state and the last status.
func (w *Worker) newStatus() Status {
	switch {
	case !w.placed():
		return w.unplacedStatus()
	case w.placement.Rejection != nil:
		return w.rejectedStatus()
	}
	init, containers := w.containerStatuses()
	in := phaseInput{pod: &w.pod, init: init, containers: containers, initialized: w.initialized(), ended: w.terminated}
	s := Status{
		Phase:             in.phase(),
		IPs:               w.addrs,
		HostIPs:           w.placement.HostIPs,
		StartTime:         w.startTime,
		InitContainers:    init,
		Containers:        containers,
		DeletionTimestamp: w.deletionTimestamp,
	}
	if w.pod.HostNetwork && len(s.IPs) == 0 {
		s.IPs = s.HostIPs
	}
	if w.evicted {
		s.Phase, s.Reason, s.Message = PodFailed, ReasonDeadlineExceeded, messageDeadlineExceeded
	}
	if s.Phase.terminal() && !w.terminated {
		// A final phase is a promise that nothing runs (mergePodStatus in
		// status_manager.go).
		s.Phase, s.Reason, s.Message = w.status.Phase, w.status.Reason, w.status.Message
	}
	s.Conditions = conditionInput{
		pod: &w.pod, init: init, containers: containers, phase: s.Phase, sandbox: w.sandbox,
		restartingAll: w.restartingAll, old: w.status.Conditions, others: w.conditions,
	}.conditions()
	setTransitionTimes(s.Conditions, w.status.Conditions, time.Now())
	if w.terminated {
		s.failIncomplete()
	}
	s.Containers = slices.Clone(containers)
	slices.SortFunc(s.Containers, func(a, b ContainerStatus) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// initialized reports whether a container has started in the sandbox of now:
// the init containers are done.
func (w *Worker) initialized() bool {
	for _, c := range w.containers {
		if !c.init && w.active(c) != nil {
			return true
		}
	}
	return false
}

// active returns the container's last run if it was in the sandbox of now, else
// nil. With a new sandbox everything begins anew.
func (w *Worker) active(c *container) *run {
	if c.run == nil || c.run.sandbox != w.sandboxes {
		return nil
	}
	return c.run
}

// failIncomplete gives an end to a Pod that ended before all its containers ran
// (TerminatePod in status_manager.go).
func (s *Status) failIncomplete() {
	if s.Phase.terminal() {
		return
	}
	s.Phase = PodFailed
	unknown := ContainerState{Terminated: &Terminated{
		ExitCode: 137,
		Reason:   ReasonContainerStatusUnknown,
		Message:  "The container could not be located when the pod was terminated",
	}}
	// Containers of a Pod that was never initialized could not run. Of the init
	// containers only those whose turn had come count as failed, or the first.
	initialized := len(s.InitContainers) == 0
	begun := min(1, len(s.InitContainers))
	for _, c := range s.Containers {
		initialized = initialized || c.LastTermination != nil || c.State.Waiting == nil
	}
	for i, c := range s.InitContainers {
		if c.LastTermination != nil || c.State.Waiting == nil {
			begun = i + 1
		}
	}
	if n := len(s.InitContainers); n > 0 {
		end := s.InitContainers[n-1].lastEnd()
		initialized = initialized || !s.InitContainers[n-1].sidecar && end != nil && end.ExitCode == 0
	}
	lists := [][]ContainerStatus{s.InitContainers[:begun]}
	if initialized {
		lists = append(lists, s.Containers)
	}
	for _, list := range lists {
		for i := range list {
			if list[i].State.Terminated == nil {
				list[i].State = unknown
			}
		}
	}
}

// containerStatuses returns the statuses of the containers in the Pod's order.
func (w *Worker) containerStatuses() (init, containers []ContainerStatus) {
	for _, c := range w.containers {
		s := w.containerStatus(c)
		if c.init {
			init = append(init, s)
		} else {
			containers = append(containers, s)
		}
	}
	return init, containers
}

// containerStatus tells what happened to the container, and why it waits if it
// does.
func (w *Worker) containerStatus(c *container) ContainerStatus {
	s := ContainerStatus{Name: c.spec.Name, Image: c.spec.Image, LastTermination: c.last, sidecar: c.sidecar()}
	switch {
	case c.reset != nil:
		s.State.Waiting = c.reset
		s.RestartCount = c.created
	case c.run == nil:
		s.State.Waiting = &Waiting{Reason: ReasonContainerCreating}
		if len(w.pod.InitContainers) > 0 {
			s.State.Waiting.Reason = ReasonPodInitializing
		}
		s.RestartCount = max(0, c.created-1)
	case c.run.end != nil:
		s.State.Terminated = c.run.end
		s.RestartCount = c.run.restartCount
		s.Ready = c.init && !c.sidecar() && c.run.end.ExitCode == 0
	default:
		s.State.Running = &Running{StartedAt: c.run.startedAt}
		s.RestartCount = c.run.restartCount
		s.Started = w.probeSays(c, Startup, c.spec.Startup)
		s.Ready = s.Started && w.probeSays(c, Readiness, c.spec.Readiness) && (!c.init || c.sidecar())
	}
	// A deleted Pod starts nothing, so nothing waits for its start.
	if !w.deleting {
		s.wait(c, w.pod.RestartPolicy)
	}
	return s
}

// wait shows why the container could not be started, if it should be.
func (s *ContainerStatus) wait(c *container, policy RestartPolicy) {
	end := s.State.Terminated
	if c.waiting == nil || s.State.Running != nil || end != nil && !s.restarts(c, policy, end) {
		return
	}
	if end != nil {
		s.LastTermination = end
	}
	s.State, s.Ready = ContainerState{Waiting: c.waiting}, false
}

func (s *ContainerStatus) restarts(c *container, policy RestartPolicy, end *Terminated) bool {
	if c.init && !c.sidecar() && end.ExitCode == 0 {
		return false // it has done its work
	}
	return c.restarts(policy, end.ExitCode)
}
