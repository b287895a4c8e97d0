package podnet

import "maps"

// NamespaceSpec describes a namespace. A cluster has every namespace that is
// named; applying one gives it labels, which NetworkPolicies select by, and
// applying it again changes them. Namespaces are not deleted.
type NamespaceSpec struct {
	Name string // required; a DNS label

	// Labels always have kubernetes.io/metadata.name, the name, whatever is
	// given.
	Labels      map[string]string
	Annotations map[string]string
}

const (
	kindNamespace = "Namespace"

	labelMetadataName = "kubernetes.io/metadata.name"
)

// Validate reports everything in s that Kubernetes' API server would refuse, in
// its words. The error is an *[InvalidError]; it is nil if there is nothing to
// report.
func (s NamespaceSpec) Validate() error {
	var errs fieldErrors
	validateName(&errs, s.Name, dns1123LabelErrors)
	s = s.withDefaults()
	validateLabels(&errs, "metadata.labels", s.Labels)
	validateAnnotations(&errs, "metadata.annotations", s.Annotations)
	return errs.err(kindNamespace, s.Name)
}

func (s NamespaceSpec) withDefaults() NamespaceSpec {
	s = deepCopy(s)
	if s.Name == "" {
		return s
	}
	if s.Labels == nil {
		s.Labels = make(map[string]string, 1)
	}
	s.Labels[labelMetadataName] = s.Name
	return s
}

func (s NamespaceSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s.withDefaults(), nil
}

func (s NamespaceSpec) id() objectID           { return objectID{kindNamespace, "", s.Name} }
func (s NamespaceSpec) check(*Cluster) error   { return nil }
func (s NamespaceSpec) apply(c *Cluster) error { return c.put(s) }

// stored runs under the cluster's lock.
func (s NamespaceSpec) stored(c *Cluster) { c.policies.SetNamespace(s.Name, maps.Clone(s.Labels)) }

// Namespace returns the namespace of a name, as it was applied or, if it was not,
// with the one label that every namespace has. What it holds must not be changed;
// Apply changes it.
func (c *Cluster) Namespace(name string) NamespaceSpec {
	if o, ok := c.find(objectID{kindNamespace, "", name}); ok {
		return o.(NamespaceSpec)
	}
	return NamespaceSpec{Name: name}.withDefaults()
}
