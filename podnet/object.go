package podnet

import (
	"reflect"
	"strings"
)

// An Object is something that [Cluster.Apply] accepts: a [PodSpec], a
// [DeploymentSpec], a [StatefulSetSpec], a [ServiceSpec], an
// [EndpointSliceSpec], a [ConfigMapSpec], a [SecretSpec], a [NetworkPolicySpec],
// a [NamespaceSpec], a [NetworkChaosSpec], a [PodChaosSpec], a [DNSChaosSpec] or a
// [ScheduleSpec], or a pointer to one.
type Object interface {
	// complete returns the object as a cluster keeps it: with its defaults, and
	// sharing nothing with the receiver. The error says what is wrong with it.
	complete() (object, error)
}

// object is an [Object] as a cluster keeps it.
type object interface {
	id() objectID
	// check reports why c would refuse the object.
	check(c *Cluster) error
	// apply creates the object, or updates the one of its name.
	apply(c *Cluster) error
}

// objectID names an object of a cluster.
type objectID struct{ kind, namespace, name string }

// error is the error of an operation on the object.
func (id objectID) error(op string, err error) error {
	return &ObjectError{Op: op, Kind: id.kind, Namespace: id.namespace, Name: id.name, Err: err}
}

// isNil reports whether there is no object in o, but perhaps a nil pointer to
// one.
func isNil(o Object) bool {
	v := reflect.ValueOf(o)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// find returns an object that is no Pod, and false if there is none.
func (c *Cluster) find(id objectID) (object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.objects[id]
	return o, ok
}

// put keeps an object in the place of the one of its kind and name. One with a
// method stored is told so, under the lock, and so in the order of changes.
func (c *Cluster) put(o object) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return o.id().error("apply", ErrClosed)
	}
	c.objects[o.id()] = o
	c.revision++
	if o, ok := o.(interface{ stored(*Cluster) }); ok {
		o.stored(c)
	}
	return nil
}

// remove deletes an object that is no Pod, and reports whether there was one.
// One with a method removed is told so as by put.
func (c *Cluster) remove(id objectID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.objects[id]
	delete(c.objects, id)
	c.revision++
	if o, ok := o.(interface{ removed(*Cluster) }); ok {
		o.removed(c)
	}
	return ok
}

// touch makes Pods look at what their volumes are made of.
func (c *Cluster) touch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
}

// objectsRevision returns a number that grows with every change of an object
// that is no Pod, and of a Pod's labels and annotations.
func (c *Cluster) objectsRevision() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision
}

// warn tells the Logger what the API server would warn of.
func (c *Cluster) warn(id objectID, warnings []string) {
	if l := c.config.Logger; l != nil {
		for _, w := range warnings {
			l.Warn(w, strings.ToLower(id.kind), id.namespace+"/"+id.name)
		}
	}
}
