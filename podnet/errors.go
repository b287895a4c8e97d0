package podnet

import (
	"errors"
	"fmt"
)

// ErrNotRunning is the error of what needs a container's process while there is
// none: it has not started, has ended, or waits to be restarted.
var ErrNotRunning = errors.New("container is not running")

// ErrClosed is the error of what is asked of a closed cluster.
var ErrClosed = errors.New("cluster is closed")

// ErrDeleted is the error of waiting for something of an object that was
// deleted.
var ErrDeleted = errors.New("object was deleted")

// ErrDeleting is the error of applying an object whose namesake is being
// deleted.
var ErrDeleting = errors.New("object is being deleted: one of this name still exists")

// errPodExists is the error of making a Pod whose name is taken.
var errPodExists = errors.New("a Pod of this name already exists: delete it first")

// errTwice is the error of one call that applies two objects of one kind and
// name.
func errTwice(kind string) error {
	return fmt.Errorf("it is given twice, and not the same: give each %s its own name", kind)
}

// ObjectError is the error of an operation on an object of the cluster.
type ObjectError struct {
	Op        string // apply, start, wait, delete
	Kind      string // Pod, ConfigMap, Deployment…
	Namespace string // empty of a Namespace
	Name      string
	Err       error
}

func (e *ObjectError) Error() string {
	if e.Namespace == "" {
		return fmt.Sprintf("podnet: %s %s %s: %v", e.Op, e.Kind, e.Name, e.Err)
	}
	return fmt.Sprintf("podnet: %s %s %s/%s: %v", e.Op, e.Kind, e.Namespace, e.Name, e.Err)
}

// Unwrap returns Err.
func (e *ObjectError) Unwrap() error { return e.Err }
