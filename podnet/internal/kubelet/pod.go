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

	// Containers are started in this order. Their names are unique.
	Containers []Container
}

// String names the Pod as the kubelet does in its messages.
func (p Pod) String() string { return fmt.Sprintf("%s_%s(%s)", p.Name, p.Namespace, p.UID) }

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
}

// RestartPolicy says when containers that ended are started again.
type RestartPolicy string

// The restart policies of Kubernetes.
const (
	RestartPolicyAlways    RestartPolicy = "Always"
	RestartPolicyOnFailure RestartPolicy = "OnFailure"
	RestartPolicyNever     RestartPolicy = "Never"
)

// restarts reports whether a container that ended with code is started again.
func (r RestartPolicy) restarts(code int) bool {
	switch r {
	case RestartPolicyNever:
		return false
	case RestartPolicyOnFailure:
		return code != 0
	default:
		return true
	}
}

// PullPolicy says when an image is pulled.
type PullPolicy string

// The pull policies of Kubernetes.
const (
	PullAlways       PullPolicy = "Always"
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullNever        PullPolicy = "Never"
)
