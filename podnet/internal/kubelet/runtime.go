package kubelet

import (
	"context"
	"net/netip"
)

// Runtime is the kubelet's view of the container runtime, in the words of the
// Container Runtime Interface, and of what else it needs of the node. All of it
// but Probe and RunHook a [Worker] calls from one goroutine, never twice at a
// time.
//
// A context belongs to its call alone, not to what the call starts. Unless said
// otherwise it ends when the Pod is deleted or stopped; the call's error is then
// not reported.
type Runtime interface {
	// MountVolumes makes the Pod's volumes ready, and brings them up to date if
	// they are. It is called at the beginning of every sync. The error is shown
	// in an event, or in one for each error that is joined in it, and the call
	// is made again later.
	MountVolumes(ctx context.Context) error

	// RunPodSandbox makes the Pod's network namespace and returns its
	// addresses, the primary one first. The error is shown in an event, and
	// the call is made again ten seconds later.
	RunPodSandbox(ctx context.Context) ([]netip.Addr, error)

	// StopPodSandbox takes the network namespace down. It is called after the
	// Pod's processes have ended, also for a sandbox that died by itself, and
	// perhaps again for one that is already down.
	StopPodSandbox()

	// ImagePresent reports whether the image, named as in the container, is
	// there without a pull.
	ImagePresent(image string) bool

	// PullImage fetches the image and returns its size in bytes.
	PullImage(ctx context.Context, image string) (size int64, err error)

	// StartContainer creates and starts the container of that name.
	// restartCount is 0 the first time and goes up by one with each container
	// that was created. An error may be or wrap a [*StartError]; any other one
	// is taken for one with [ReasonCreateContainerError].
	StartContainer(ctx context.Context, name string, restartCount int) (Process, error)

	// Probe makes one attempt of a container's probe. ctx ends when the Pod
	// does. An error says that nothing could be asked: the attempt is made
	// again, and in the end does not count.
	Probe(ctx context.Context, container string, kind ProbeKind) (ProbeResult, string, error)

	// RunHook runs a container's hook to its end. ctx ends when nobody waits
	// for the hook any more. The error's text is the container's message.
	RunHook(ctx context.Context, container string, hook Hook) error
}

// Hook is one of the hooks of a container.
type Hook int

// The hooks of Kubernetes.
const (
	PostStart Hook = iota
	PreStop
)

// Process is the main process of a container that was started. Its methods do
// not block.
type Process interface {
	// Done is closed when the process has ended.
	Done() <-chan struct{}

	// Exit returns the exit code and the termination message, often empty.
	// It is called after Done is closed.
	Exit() (code int, message string)

	// Terminate sends SIGTERM. It is called once at most.
	Terminate()

	// Kill sends SIGKILL: Done is closed at once, whatever the process does.
	Kill()
}

// StartError says which step of [Runtime.StartContainer] failed.
type StartError struct {
	// Reason is one of [ReasonCreateContainerConfigError],
	// [ReasonCreateContainerError] and [ReasonRunContainerError]. Only with
	// the last one there was a container: it counts as one that ended with
	// code 128.
	Reason string

	Err error
}

// Error returns the text of Err: the reason is shown beside it, not in it.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *StartError) Unwrap() error { return e.Err }
