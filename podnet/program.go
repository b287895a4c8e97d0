package podnet

import (
	"context"
	"fmt"
)

// A Program is a process of a container: what an image name stands for, or
// what [ContainerSpec].Run gives.
//
// It should bind and dial through c and return when ctx ends: that is where
// Kubernetes sends SIGTERM. What it returns is its exit code: nil is 0, an
// [ExitError] its Code, and any other error 1, after the error's text was
// written to stderr. The context's own error, returned after ctx ended, is 143,
// as of a process that SIGTERM ends. A panic is 2, with the stack on stderr,
// and stays in its container.
//
// When the grace period is over the process is killed: its sockets close as
// the kernel closes those of a dead process, what it still writes is lost, and
// its exit code is 137, whatever it does. Its goroutine cannot be killed; one
// that never returns is named by [Cluster.Close].
type Program func(ctx context.Context, c *Container) error

// ExitError is the error of a process that ended with a code other than 0.
type ExitError struct {
	Code int
}

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }
