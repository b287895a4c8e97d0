package podnet

import "reflect"

// An Object is something that [Cluster.Apply] accepts: a [PodSpec], a
// [ConfigMapSpec], a [SecretSpec], a [DeploymentSpec] or a [StatefulSetSpec], or
// a pointer to one.
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

// find returns a ConfigMap or Secret, and false if there is none.
func (c *Cluster) find(id objectID) (object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.objects[id]
	return o, ok
}

// put keeps a ConfigMap or Secret in the place of the one of its name.
func (c *Cluster) put(o object) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return o.id().error("apply", ErrClosed)
	}
	c.objects[o.id()] = o
	c.revision++
	return nil
}

// remove deletes a ConfigMap or Secret, and reports whether there was one.
func (c *Cluster) remove(id objectID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.objects[id]
	delete(c.objects, id)
	c.revision++
	return ok
}

// objectsRevision returns a number that grows with every change of a ConfigMap
// or Secret.
func (c *Cluster) objectsRevision() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision
}
