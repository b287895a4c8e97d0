package podnet

import (
	"cmp"
	"maps"
	"strings"
)

// PodTemplateSpec describes the Pods that a workload makes.
type PodTemplateSpec struct {
	Labels      map[string]string
	Annotations map[string]string

	// Spec is the Pods' spec. Its Name, Namespace, Labels and Annotations must
	// be empty: the workload gives each Pod its name, and those of the template.
	Spec PodSpec
}

// validate reports what the API server would refuse, and what podnet does: a
// Spec with a name.
func (t PodTemplateSpec) validate(errs *fieldErrors, selector *LabelSelector) {
	if selector == nil || !selector.Matches(t.Labels) {
		errs.add(FieldInvalid, "spec.template.metadata.labels", t.Labels, "`selector` does not match template `labels`")
	}
	validateLabels(errs, "spec.template.labels", t.Labels)
	validateAnnotations(errs, "spec.template.annotations", t.Annotations)
	var spec fieldErrors
	t.Spec.validateSpec(&spec)
	for _, e := range spec {
		e.Field = "spec.template." + e.Field
		*errs = append(*errs, e)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"name", t.Spec.Name != ""}, {"namespace", t.Spec.Namespace != ""},
		{"labels", len(t.Spec.Labels) > 0}, {"annotations", len(t.Spec.Annotations) > 0},
	} {
		if f.set {
			errs.add(FieldForbidden, "spec.template.spec."+f.name, nil, "leave it empty: the workload names its Pods, and the template has their labels and annotations")
		}
	}
}

// validateLife reports what only Pods that end can have. kind is the kind that
// makes the Pods.
func (t PodTemplateSpec) validateLife(errs *fieldErrors, kind string) {
	oneOf(errs, "spec.template.spec.restartPolicy", cmp.Or(t.Spec.RestartPolicy, RestartPolicyAlways), RestartPolicyAlways)
	if t.Spec.ActiveDeadlineSeconds != nil {
		errs.add(FieldForbidden, "spec.template.spec.activeDeadlineSeconds", nil, "activeDeadlineSeconds in "+kind+" is not Supported")
	}
}

// warnings are those of the template, as the API server words them.
func (t PodTemplateSpec) warnings() []string {
	spec := t.Spec
	spec.Annotations = t.Annotations
	list := spec.warnSpec()
	others := strings.NewReplacer(" with spec.", " with spec.template.spec.", " will use spec.", " will use spec.template.spec.")
	for i, w := range list {
		if strings.HasPrefix(w, "spec.") || strings.HasPrefix(w, "metadata.") { // not one of a volume
			list[i] = "spec.template." + others.Replace(w)
		}
	}
	return list
}

// completeWorkload sets what a workload of any kind gets if its spec does not say
// it.
func completeWorkload(namespace *string, replicas **int32, t *PodTemplateSpec) {
	*namespace = cmp.Or(*namespace, "default")
	if *replicas == nil {
		*replicas = new(int32(1))
	}
	t.Spec = t.Spec.withDefaults()
	t.Spec.Namespace = "" // the workload's
}

// pod returns the spec of a Pod with a name.
func (t PodTemplateSpec) pod(namespace, name string) PodSpec {
	s := deepCopy(t.Spec)
	s.Namespace, s.Name = namespace, name
	s.Labels, s.Annotations = maps.Clone(t.Labels), maps.Clone(t.Annotations)
	if s.Labels == nil {
		s.Labels = make(map[string]string)
	}
	return s
}
