package podnet

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
)

// DeploymentSpec describes a Deployment: Pods of one template, of which a
// number is kept. What else a Deployment does is to change its Pods step by step
// when its template changes, and that podnet does not do: Apply refuses another
// template. Delete the Deployment first.
//
// There is no ReplicaSet between a Deployment and its Pods, but the Pods have
// the names and labels that they have from one. A Pod whose labels are changed so
// that the selector does not match is no longer the Deployment's: it goes on, and
// another is made.
type DeploymentSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Replicas *int32 // how many Pods; default 1

	// Selector is required, must not be empty, and must select the labels of
	// Template. It cannot be changed.
	Selector *LabelSelector

	Template PodTemplateSpec

	// MinReadySeconds is how long a Pod must have been Ready to count as
	// available. The default is 0.
	MinReadySeconds int32
}

const kindDeployment = "Deployment"

// Validate reports everything in s that Kubernetes' API server would refuse, as
// [PodSpec.Validate] does. The error is an *[InvalidError].
func (s DeploymentSpec) Validate() error {
	var errs fieldErrors
	validateMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	if s.Replicas != nil {
		errs.notNegative("spec.replicas", int64(*s.Replicas))
	}
	if validateWorkloadSelector(&errs, s.Selector, "deployment", "invalid label selector") {
		s.Template.validate(&errs, s.Selector)
		s.Template.validateLife(&errs, "ReplicaSet")
	}
	errs.notNegative("spec.minReadySeconds", int64(s.MinReadySeconds))
	return errs.err(kindDeployment, s.Name)
}

// Warnings returns what the API server accepts in s but warns of, as
// [PodSpec.Warnings] does.
func (s DeploymentSpec) Warnings() []string {
	var w []string
	if msgs := dns1123LabelErrors(s.Name); len(msgs) > 0 {
		w = append(w, fmt.Sprintf("metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: %v", msgs))
	}
	return append(w, s.Template.warnings()...)
}

// validateWorkloadSelector reports what is wrong with the selector of a
// workload, and whether the template can be held against it. invalid is what is
// said of one that cannot be used.
func validateWorkloadSelector(errs *fieldErrors, s *LabelSelector, kind, invalid string) bool {
	if s == nil {
		errs.add(FieldRequired, "spec.selector", nil, "")
		return true // it selects nothing
	}
	before := len(*errs)
	validateLabelSelector(errs, "spec.selector", *s)
	usable := len(*errs) == before
	if s.isEmpty() {
		errs.add(FieldInvalid, "spec.selector", s.forMessage(), "empty selector is invalid for "+kind)
	}
	if !usable {
		errs.add(FieldInvalid, "spec.selector", s.forMessage(), invalid)
	}
	return usable
}

func (s DeploymentSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	completeWorkload(&s.Namespace, &s.Replicas, &s.Template)
	return s, nil
}

func (s DeploymentSpec) id() objectID { return objectID{kindDeployment, s.Namespace, s.Name} }

func (s DeploymentSpec) check(c *Cluster) error {
	w, err := c.workloadToUpdate(s.id())
	if err != nil {
		return err
	}
	if w == nil {
		return s.namer(rand.New(rand.NewPCG(0, 0))).checkPod()
	}
	old := w.config().(DeploymentSpec)
	var errs fieldErrors
	if !deepEqual(s.Selector, old.Selector) {
		errs.add(FieldInvalid, "spec.selector", s.Selector.forMessage(), immutableFieldText)
	}
	if !deepEqual(s.Template, old.Template) {
		errs.add(FieldForbidden, "spec.template", nil, sameTemplateText(kindDeployment))
	}
	return errs.err(kindDeployment, s.Name)
}

// immutableFieldText is what the API server says of a change of a field that
// nothing can change.
const immutableFieldText = "field is immutable"

func sameTemplateText(kind string) string {
	return "podnet does not exchange Pods for others step by step: delete the " + kind + " first, then apply the new one"
}

func (s DeploymentSpec) apply(c *Cluster) error {
	return c.applyWorkload(s, func(r *rand.Rand) controller { return s.namer(r) })
}

func (s DeploymentSpec) replicas() int { return int(*s.Replicas) }

func (s DeploymentSpec) minReady() int32 { return s.MinReadySeconds }

// namer returns what makes the Deployment's Pods, with names drawn from r.
func (s DeploymentSpec) namer(r *rand.Rand) *deploymentController {
	h := fnv.New32a()
	fmt.Fprintf(h, "%d %s/%s", r.Uint64(), s.Namespace, s.Name)
	return &deploymentController{
		namespace: s.Namespace, name: s.Name, selector: s.Selector, template: s.Template,
		hash: safeEncode(fmt.Sprint(h.Sum32())), rand: r,
	}
}

// alphanums are the characters of generated names: no vowels, and nothing that
// looks like one (apimachinery, util/rand).
const alphanums = "bcdfghjklmnpqrstvwxz2456789"

// safeEncode writes a number with alphanums.
func safeEncode(digits string) string {
	b := []byte(digits)
	for i := range b {
		b[i] = alphanums[int(b[i])%len(alphanums)]
	}
	return string(b)
}

// generateName does what the API server makes of metadata.generateName
// (apiserver, storage/names): it cuts base to 58 characters and adds five.
func generateName(r *rand.Rand, base string) string {
	b := []byte(base[:min(len(base), 58)])
	for range 5 {
		b = append(b, alphanums[r.IntN(len(alphanums))])
	}
	return string(b)
}

// labelled adds labels to a Pod.
func labelled(s PodSpec, labels map[string]string) PodSpec {
	maps.Copy(s.Labels, labels)
	return s
}
