package podnet

import "cmp"

// ConfigMapSpec describes a ConfigMap: data that Pods of its namespace show to
// their containers as variables or files.
type ConfigMapSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Data       map[string]string // by key: letters, digits, "-", "_" and "."
	BinaryData map[string][]byte // what is no text; no key may be in both

	Immutable bool // Apply refuses to change it afterwards
}

const kindConfigMap = "ConfigMap"

func (s ConfigMapSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	return s, nil
}

func (s ConfigMapSpec) id() objectID { return objectID{kindConfigMap, s.Namespace, s.Name} }

// immutableText is what the API server says of a change of what is immutable.
const immutableText = "field is immutable when `immutable` is set"

func (s ConfigMapSpec) check(c *Cluster) error {
	old, ok := c.ConfigMap(s.Namespace, s.Name)
	if !ok || !old.Immutable {
		return nil
	}
	var errs fieldErrors
	if !s.Immutable {
		errs.add(FieldForbidden, "immutable", nil, immutableText)
	}
	if !deepEqual(s.Data, old.Data) {
		errs.add(FieldForbidden, "data", nil, immutableText)
	}
	if !deepEqual(s.BinaryData, old.BinaryData) {
		errs.add(FieldForbidden, "binaryData", nil, immutableText)
	}
	return errs.err(kindConfigMap, s.Name)
}

func (s ConfigMapSpec) apply(c *Cluster) error { return c.put(s) }

// ConfigMap returns the ConfigMap of a name, and false if there is none. An
// empty namespace is "default". What it holds must not be changed; Apply
// changes it.
func (c *Cluster) ConfigMap(namespace, name string) (ConfigMapSpec, bool) {
	o, ok := c.find(objectID{kindConfigMap, cmp.Or(namespace, "default"), name})
	s, _ := o.(ConfigMapSpec)
	return s, ok
}

// DeleteConfigMap deletes the ConfigMap of a name, and reports whether there was
// one. Pods that have it go on with what they have; to new ones it is missing.
func (c *Cluster) DeleteConfigMap(namespace, name string) bool {
	return c.remove(objectID{kindConfigMap, cmp.Or(namespace, "default"), name})
}
