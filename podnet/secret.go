package podnet

import "cmp"

// SecretSpec describes a Secret: like a ConfigMap, for what not everybody should
// see. podnet hides nothing.
type SecretSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Type       string            // default "Opaque"
	Data       map[string][]byte // by key: letters, digits, "-", "_" and "."
	StringData map[string]string // added to Data, over which it wins

	Immutable bool // Apply refuses to change it afterwards
}

const kindSecret = "Secret"

func (s SecretSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	s.Type = cmp.Or(s.Type, "Opaque")
	if len(s.StringData) > 0 && s.Data == nil {
		s.Data = make(map[string][]byte, len(s.StringData))
	}
	for key, value := range s.StringData {
		s.Data[key] = []byte(value)
	}
	s.StringData = nil
	return s, nil
}

func (s SecretSpec) id() objectID { return objectID{kindSecret, s.Namespace, s.Name} }

func (s SecretSpec) check(c *Cluster) error {
	old, ok := c.Secret(s.Namespace, s.Name)
	if !ok {
		return nil
	}
	var errs fieldErrors
	if s.Type != old.Type {
		errs.invalid("type", s.Type, "field is immutable")
	}
	if old.Immutable {
		if !s.Immutable {
			errs.add(FieldForbidden, "immutable", nil, immutableText)
		}
		if !deepEqual(s.Data, old.Data) {
			errs.add(FieldForbidden, "data", nil, immutableText)
		}
	}
	return errs.err(kindSecret, s.Name)
}

func (s SecretSpec) apply(c *Cluster) error { return c.put(s) }

// Secret returns the Secret of a name, with all of its data in Data, and false
// if there is none. An empty namespace is "default". What it holds must not be
// changed; Apply changes it.
func (c *Cluster) Secret(namespace, name string) (SecretSpec, bool) {
	o, ok := c.find(objectID{kindSecret, cmp.Or(namespace, "default"), name})
	s, _ := o.(SecretSpec)
	return s, ok
}

// DeleteSecret deletes the Secret of a name, and reports whether there was one.
// Pods that have it go on with what they have; to new ones it is missing.
func (c *Cluster) DeleteSecret(namespace, name string) bool {
	return c.remove(objectID{kindSecret, cmp.Or(namespace, "default"), name})
}
