package kubelet

import (
	"fmt"
	"time"
)

// Pod is what the kubelet must know of a Pod. It does not change while its
// [Worker] lives.
type Pod struct {
	Name, Namespace, UID string

	// RestartPolicy says when an ended container is started again. The zero
	// value means [RestartPolicyAlways].
	RestartPolicy RestartPolicy

	// GracePeriod is the time between SIGTERM and SIGKILL where containers are
	// stopped without a [Worker.Delete], which brings its own. There is no
	// default: zero is Kubernetes' zero, which the kubelet raises to two seconds.
	GracePeriod time.Duration

	// ActiveDeadline is how long the Pod may be active. Zero means for ever.
	ActiveDeadline time.Duration

	// HostNetwork says that the Pod has its node's addresses, even before it has
	// a sandbox.
	HostNetwork bool

	// ReadinessGates are the types of further conditions that must be true for
	// the Pod to be ready; see [Worker.SetCondition].
	ReadinessGates []ConditionType

	// Refresh says that the Pod has volumes whose content may change: they are
	// looked after every minute.
	Refresh bool

	// InitContainers are run in this order before Containers, which are started
	// in theirs. All names are unique.
	InitContainers, Containers []Container
}

// String names the Pod as the kubelet does in its messages.
func (p Pod) String() string { return fmt.Sprintf("%s_%s(%s)", p.Name, p.Namespace, p.UID) }

// columns returns the number of the containers that kubectl counts: sidecars and
// containers.
func (p Pod) columns() int {
	n := len(p.Containers)
	for _, c := range p.InitContainers {
		if c.RestartPolicy == RestartPolicyAlways {
			n++
		}
	}
	return n
}

// Container is one container of a [Pod].
type Container struct {
	Name string

	// Image is the image's name as written. Empty means that the container
	// needs no image: nothing is looked up, pulled or said of it.
	Image string

	// PullPolicy says when the image is pulled. The zero value means what the
	// API server fills in: [PullAlways] for the tag "latest" or none, else
	// [PullIfNotPresent].
	PullPolicy PullPolicy

	// RestartPolicy counts instead of the Pod's if it is set, and RestartRules
	// before both. An init container with [RestartPolicyAlways] is a sidecar.
	RestartPolicy RestartPolicy
	RestartRules  []RestartRule

	// Liveness, Readiness and Startup are nil for none. Of init containers only
	// sidecars have them.
	Liveness, Readiness, Startup *Probe

	// PostStart and PreStop say that there is such a hook.
	PostStart, PreStop bool
}

// PullPolicy says when an image is pulled.
type PullPolicy string

// The pull policies of Kubernetes.
const (
	PullAlways       PullPolicy = "Always"
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullNever        PullPolicy = "Never"
)
