package podnet

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
)

// StatefulSetSpec describes a StatefulSet: Pods of one template with names that
// stay, NAME-0, NAME-1 and so on. Each has its name as hostname and label, and,
// with a headless Service of ServiceName, a DNS name of its own.
//
// Pods of such a name that have the labels and no owner become the set's; whose
// labels are changed to others is no longer, but keeps its name until it is
// deleted, and only then is another made.
//
// There are no volumeClaimTemplates: podnet has no volumes that outlive a Pod.
// As with a [DeploymentSpec], Apply refuses another template.
type StatefulSetSpec struct {
	Name        string // required; a DNS label
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Replicas *int32 // how many Pods; default 1

	// Selector is required, must not be empty, and must select the labels of
	// Template. It cannot be changed.
	Selector *LabelSelector

	// Template describes the Pods. The set gives them Hostname and Subdomain.
	Template PodTemplateSpec

	// ServiceName is the headless Service in which the Pods have their names:
	// their Subdomain. It may be empty, and cannot be changed.
	ServiceName string

	// PodManagementPolicy says whether a Pod waits for the one before it. The
	// default is [PodManagementOrderedReady]. It cannot be changed.
	PodManagementPolicy PodManagementPolicy

	// MinReadySeconds is how long a Pod must have been Ready to count as
	// available, which the next one waits for. The default is 0.
	MinReadySeconds int32

	Ordinals *StatefulSetOrdinals // default: they start at 0
}

// StatefulSetOrdinals says how the Pods of a StatefulSet are numbered.
type StatefulSetOrdinals struct {
	Start int32 // the number of the first Pod
}

// PodManagementPolicy says in which order the Pods of a StatefulSet come and go.
type PodManagementPolicy string

// The policies of Kubernetes. The zero value means PodManagementOrderedReady.
const (
	// PodManagementOrderedReady makes a Pod when all before it are available,
	// and takes them away in reverse, each when the one after it is gone.
	PodManagementOrderedReady PodManagementPolicy = "OrderedReady"
	// PodManagementParallel makes and takes away all at once.
	PodManagementParallel PodManagementPolicy = "Parallel"
)

const kindStatefulSet = "StatefulSet"

// Validate reports everything in s that Kubernetes' API server would refuse, as
// [PodSpec.Validate] does. The error is an *[InvalidError].
func (s StatefulSetSpec) Validate() error {
	var errs fieldErrors
	validateName(&errs, s.Name, dns1123LabelErrors)
	if s.Namespace != "" {
		errs.invalid("metadata.namespace", s.Namespace, dns1123LabelErrors(s.Namespace)...)
	}
	validateLabels(&errs, "metadata.labels", s.Labels)
	validateAnnotations(&errs, "metadata.annotations", s.Annotations)
	switch p := cmp.Or(s.PodManagementPolicy, PodManagementOrderedReady); p {
	case PodManagementOrderedReady, PodManagementParallel:
	default:
		errs.add(FieldInvalid, "spec.podManagementPolicy", string(p), "must be 'OrderedReady' or 'Parallel'")
	}
	if s.Replicas != nil {
		errs.notNegative("spec.replicas", int64(*s.Replicas))
	}
	errs.notNegative("spec.minReadySeconds", int64(s.MinReadySeconds))
	if s.Ordinals != nil {
		errs.notNegative("spec.ordinals.start", int64(s.Ordinals.Start))
	}
	if s.ServiceName != "" {
		errs.invalid("spec.serviceName", s.ServiceName, dns1123LabelErrors(s.ServiceName)...)
	}
	if validateWorkloadSelector(&errs, s.Selector, "statefulset", "") {
		template := s.Template
		template.Spec.Hostname, template.Spec.Subdomain = "", "" // which the Pods do not keep
		template.validate(&errs, s.Selector)
		// The API server looks at them twice.
		validateLabels(&errs, "spec.template.labels", template.Labels)
		validateAnnotations(&errs, "spec.template.annotations", template.Annotations)
	}
	s.Template.validateLife(&errs, kindStatefulSet)
	return errs.err(kindStatefulSet, s.Name)
}

// Warnings returns what the API server accepts in s but warns of, as
// [PodSpec.Warnings] does.
func (s StatefulSetSpec) Warnings() []string { return s.Template.warnings() }

func (s StatefulSetSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	completeWorkload(&s.Namespace, &s.Replicas, &s.Template)
	s.PodManagementPolicy = cmp.Or(s.PodManagementPolicy, PodManagementOrderedReady)
	return s, nil
}

func (s StatefulSetSpec) id() objectID { return objectID{kindStatefulSet, s.Namespace, s.Name} }

func (s StatefulSetSpec) check(c *Cluster) error {
	w, err := c.workloadToUpdate(s.id())
	if err != nil {
		return err
	}
	if w == nil {
		if err := s.newController(rand.New(rand.NewPCG(0, 0))).checkPod(); err != nil {
			return err
		}
		for i := range s.replicas() {
			name := s.podName(s.start() + i)
			if p := c.Pod(s.Namespace, name); p != nil && !s.Selector.Matches(p.labels()) { // else it is adopted
				return s.id().error("apply", fmt.Errorf("its Pod %s cannot be made: %w", name, errPodExists))
			}
		}
		return nil
	}
	old := w.config().(StatefulSetSpec)
	var errs fieldErrors
	if !deepEqual(s.Selector, old.Selector) {
		errs.add(FieldInvalid, "spec.selector", s.Selector.forMessage(), immutableFieldText)
	}
	if s.ServiceName != old.ServiceName {
		errs.add(FieldInvalid, "spec.serviceName", s.ServiceName, immutableFieldText)
	}
	if s.PodManagementPolicy != old.PodManagementPolicy {
		errs.add(FieldInvalid, "spec.podManagementPolicy", string(s.PodManagementPolicy), immutableFieldText)
	}
	if !deepEqual(s.Template, old.Template) {
		errs.add(FieldForbidden, "spec.template", nil, sameTemplateText(kindStatefulSet))
	}
	return errs.err(kindStatefulSet, s.Name)
}

func (s StatefulSetSpec) apply(c *Cluster) error {
	return c.applyWorkload(s, func(r *rand.Rand) controller { return s.newController(r) })
}

func (s StatefulSetSpec) replicas() int { return int(*s.Replicas) }

func (s StatefulSetSpec) minReady() int32 { return s.MinReadySeconds }

// start is the ordinal of the first Pod.
func (s StatefulSetSpec) start() int {
	if s.Ordinals == nil {
		return 0
	}
	return int(s.Ordinals.Start)
}

func (s StatefulSetSpec) podName(ordinal int) string { return s.Name + "-" + strconv.Itoa(ordinal) }

func (s StatefulSetSpec) newController(r *rand.Rand) *statefulSetController {
	h := fnv.New32a()
	fmt.Fprintf(h, "%d %s/%s", r.Uint64(), s.Namespace, s.Name)
	return &statefulSetController{spec: s, revision: s.Name + "-" + safeEncode(fmt.Sprint(h.Sum32()))}
}
