package kubelet

import (
	"fmt"
	"time"
)

// Event is something that the kubelet did or saw, with Kubernetes' reason and
// text. Equal events are not counted together: that is the recorder's part.
type Event struct {
	Time    time.Time
	Source  string // who reports it: [SourceScheduler], or "" for the kubelet
	Type    string // [EventNormal] or [EventWarning]
	Reason  string // "Started", "BackOff", ...
	Message string

	// FieldPath names the container, as in "spec.containers{app}" or
	// "spec.initContainers{proxy}". It is empty for an event of the Pod.
	FieldPath string
}

// SourceScheduler is the source of what the scheduler reports.
const SourceScheduler = "default-scheduler"

// The types of an [Event].
const (
	EventNormal  = "Normal"
	EventWarning = "Warning"
)

// The reasons of events, from pkg/kubelet/events/event.go.
const (
	eventCreated                = "Created"
	eventStarted                = "Started"
	eventFailed                 = "Failed"
	eventKilling                = "Killing"
	eventBackOff                = "BackOff"
	eventPulling                = "Pulling"
	eventPulled                 = "Pulled"
	eventInspectFailed          = "InspectFailed"
	eventErrImageNeverPull      = "ErrImageNeverPull"
	eventSandboxChanged         = "SandboxChanged"
	eventFailedCreatePodSandBox = "FailedCreatePodSandBox"
	eventFailedMount            = "FailedMount"
	eventUnhealthy              = "Unhealthy"
	eventProbeWarning           = "ProbeWarning"
	eventFailedPostStartHook    = "FailedPostStartHook"
	eventFailedPreStopHook      = "FailedPreStopHook"
	eventDeadlineExceeded       = "DeadlineExceeded"
)

// The reasons of the scheduler's events (pkg/scheduler/schedule_one.go).
const (
	eventScheduled        = "Scheduled"
	eventFailedScheduling = "FailedScheduling"
)

// podEvent reports an event of the Pod.
func (w *Worker) podEvent(typ, reason, format string, args ...any) {
	w.emit(Event{Type: typ, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// event reports an event of the container.
func (w *Worker) event(c *container, typ, reason, format string, args ...any) {
	list := "containers"
	if c.init {
		list = "initContainers"
	}
	w.emit(Event{
		Type:      typ,
		Reason:    reason,
		Message:   fmt.Sprintf(format, args...),
		FieldPath: fmt.Sprintf("spec.%s{%s}", list, c.spec.Name),
	})
}

// Emit reports an event that the caller saw, at the time of now. It may be called
// in a call of the [Runtime].
func (w *Worker) Emit(e Event) { w.emit(e) }

func (w *Worker) emit(e Event) {
	w.tell(func() {
		if w.onEvent != nil {
			e.Time = time.Now()
			w.onEvent(e)
		}
	})
}

// tell calls f, which tells somebody outside something. Worker, probers and
// hooks take turns. (The lock is a channel so that who waits for it does not
// stop the clock of a bubble.)
func (w *Worker) tell(f func()) {
	w.telling <- struct{}{}
	defer func() { <-w.telling }()
	f()
}
