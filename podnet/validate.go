package podnet

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Validate reports everything in s that Kubernetes' API server would refuse,
// in its words and in its order. The error is an *[InvalidError]; it is nil if
// there is nothing to report.
//
// It differs from the API server in what podnet does differently:
//   - a container needs an Image or Run, an [ExecAction] a Command or Run;
//   - a volume needs a source (the API server makes an emptyDir of one without,
//     and so does package manifest);
//   - a negative TerminationGracePeriodSeconds is refused (the API server
//     turns it into 1);
//   - a MountPath must not be "/", contain ":" or have an element "..", and two
//     that mean the same directory are equal ("/data" and "/data/");
//   - the field path "spec.host", an old name of "spec.nodeName", is unknown.
//
// Values that podnet gives no meaning to, such as the alpha annotations of
// seccomp and AppArmor, are not looked into.
func (s PodSpec) Validate() error {
	var errs fieldErrors
	validateMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	s.asInPod().validateSpec(&errs)
	validateImages(&errs, "spec.containers", s.Containers)
	validateImages(&errs, "spec.initContainers", s.InitContainers)
	return errs.err("Pod", s.Name)
}

// validateSpec is what concerns Pods and the templates of workloads alike.
func (s PodSpec) validateSpec(errs *fieldErrors) {
	volumes := s.validateVolumes(errs)
	s.validateContainers(errs, volumes)
	s.validateInitContainers(errs, volumes)
	s.validateHostNetwork(errs)
	oneOf(errs, "spec.restartPolicy", cmp.Or(s.RestartPolicy, RestartPolicyAlways), RestartPolicyAlways, RestartPolicyOnFailure, RestartPolicyNever)
	s.validateDNSPolicy(errs)
	validateLabels(errs, "spec.nodeSelector", s.NodeSelector)
	s.SecurityContext.validate(errs)
	s.validateDNSConfig(errs)
	for i, gate := range s.ReadinessGates {
		errs.invalid(fmt.Sprintf("spec.readinessGates[%d].conditionType", i), gate.ConditionType, qualifiedNameErrors(gate.ConditionType)...)
	}
	s.validateHostnameOverride(errs)
	if s.NodeName != "" {
		errs.invalid("spec.nodeName", s.NodeName, dns1123SubdomainErrors(s.NodeName)...)
	}
	if d := s.ActiveDeadlineSeconds; d != nil {
		errs.between("spec.activeDeadlineSeconds", *d, 1, math.MaxInt32)
	}
	if s.Hostname != "" {
		errs.invalid("spec.hostname", s.Hostname, dns1123LabelErrors(s.Hostname)...)
	}
	if s.Subdomain != "" {
		errs.invalid("spec.subdomain", s.Subdomain, dns1123LabelErrors(s.Subdomain)...)
	}
	s.validateHostAliases(errs)
	if grace := s.TerminationGracePeriodSeconds; grace != nil {
		errs.notNegative("spec.terminationGracePeriodSeconds", *grace)
	}
}

// validateImages is apart from the other checks of containers because the API
// server's is: it does not concern the templates of workloads.
func validateImages(errs *fieldErrors, at string, containers []ContainerSpec) {
	for i := range containers {
		if image := containers[i].Image; image != strings.TrimSpace(image) {
			errs.invalid(fmt.Sprintf("%s[%d].image", at, i), image, "must not have leading or trailing whitespace")
		}
	}
}

// maxAnnotationBytes limits all keys and values of an object's annotations
// together (apimachinery, api/validation/objectmeta.go).
const maxAnnotationBytes = 256 << 10

// validateMeta is for the metadata of every kind of object that is named by a
// DNS subdomain.
func validateMeta(errs *fieldErrors, name, namespace string, labels, annotations map[string]string) {
	validateMetaNamed(errs, dns1123SubdomainErrors, name, namespace, labels, annotations)
}

// validateMetaNamed is validateMeta for a kind whose names have another format.
func validateMetaNamed(errs *fieldErrors, nameErrors func(string) []string, name, namespace string, labels, annotations map[string]string) {
	validateName(errs, name, nameErrors)
	if namespace != "" {
		errs.invalid("metadata.namespace", namespace, dns1123LabelErrors(namespace)...)
	}
	validateLabels(errs, "metadata.labels", labels)
	validateAnnotations(errs, "metadata.annotations", annotations)
}

// validateName is for a name of a format, which says what is wrong with it.
func validateName(errs *fieldErrors, name string, format func(string) []string) {
	if name == "" {
		errs.add(FieldRequired, "metadata.name", nil, "name or generateName is required")
		return
	}
	errs.invalid("metadata.name", name, format(name)...)
}

// validateAnnotations reports what is wrong with annotations at path at.
func validateAnnotations(errs *fieldErrors, at string, annotations map[string]string) {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		errs.invalid(at, key, qualifiedNameErrors(strings.ToLower(key))...)
		size += len(key) + len(annotations[key])
	}
	errs.maxBytes(at, size, maxAnnotationBytes)
}
