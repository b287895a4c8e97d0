package manifest

import (
	"reflect"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podnet.dev/podnet"
)

// convertDeployment does for Deployments what convertPod does for Pods.
func convertDeployment(from *appsv1.Deployment, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	clearDeploymentDefaults(&from.Spec)
	spec := podnet.DeploymentSpec{
		Replicas: take(&from.Spec.Replicas), Selector: convertPointer(&c, "spec.selector", take(&from.Spec.Selector), c.labelSelector),
		Template: c.podTemplate(&from.Spec.Template), MinReadySeconds: take(&from.Spec.MinReadySeconds),
	}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	from.Kind, from.APIVersion = "", ""
	c.refuseStatus(reflect.ValueOf(&from.Status))
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish("Deployment", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// convertStatefulSet does for StatefulSets what convertPod does for Pods.
func convertStatefulSet(from *appsv1.StatefulSet, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	clearStatefulSetDefaults(&from.Spec)
	spec := podnet.StatefulSetSpec{
		Replicas: take(&from.Spec.Replicas), Selector: convertPointer(&c, "spec.selector", take(&from.Spec.Selector), c.labelSelector),
		Template: c.podTemplate(&from.Spec.Template), ServiceName: take(&from.Spec.ServiceName),
		PodManagementPolicy: podnet.PodManagementPolicy(take(&from.Spec.PodManagementPolicy)), MinReadySeconds: take(&from.Spec.MinReadySeconds),
		Ordinals: convertPointer(&c, "spec.ordinals", take(&from.Spec.Ordinals),
			func(_ string, o *appsv1.StatefulSetOrdinals) podnet.StatefulSetOrdinals {
				return podnet.StatefulSetOrdinals{Start: take(&o.Start)}
			}),
	}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	from.Kind, from.APIVersion = "", ""
	c.refuseStatus(reflect.ValueOf(&from.Status))
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish("StatefulSet", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// podTemplate empties from, at path spec.template.
func (c *converter) podTemplate(from *corev1.PodTemplateSpec) podnet.PodTemplateSpec {
	var inner converter // whose paths are those of a Pod
	template := podnet.PodTemplateSpec{Spec: inner.podSpec(&from.Spec)}
	// Kubernetes drops a template's name and namespace too.
	_, _, template.Labels, template.Annotations = meta(&from.ObjectMeta)
	const at = "spec.template."
	for _, e := range inner.wrong {
		e.Field = at + e.Field
		c.wrong = append(c.wrong, e)
	}
	for field, others := range inner.instead {
		for _, e := range others {
			if e != nil {
				e.Field = at + e.Field
			}
			c.require(at+field, e)
		}
	}
	return template
}

func (c *converter) labelSelector(at string, from *metav1.LabelSelector) podnet.LabelSelector {
	return podnet.LabelSelector{
		MatchLabels:      take(&from.MatchLabels),
		MatchExpressions: convertList(c, at+".matchExpressions", take(&from.MatchExpressions), labelRequirement),
	}
}

func labelRequirement(_ string, r *metav1.LabelSelectorRequirement) podnet.LabelSelectorRequirement {
	return podnet.LabelSelectorRequirement{Key: take(&r.Key), Operator: podnet.LabelSelectorOperator(take(&r.Operator)), Values: take(&r.Values)}
}

// refuseStatus reports a status as a whole: nobody wrote it by hand.
func (c *converter) refuseStatus(status reflect.Value) {
	var inner converter
	if inner.refuseRest("status", status.Elem()); len(inner.wrong) > 0 {
		c.refuse("status")
	}
	status.Elem().SetZero()
}

// clearDeploymentDefaults clears the fields that say how Pods are exchanged for
// others when the template changes, unless the API server would refuse them:
// podnet refuses the change, so no value makes a difference.
func clearDeploymentDefaults(s *appsv1.DeploymentSpec) {
	if deadline := s.ProgressDeadlineSeconds; deadline != nil && *deadline > s.MinReadySeconds {
		s.ProgressDeadlineSeconds = nil
	}
	clearHistoryLimit(&s.RevisionHistoryLimit)
	update := s.Strategy.RollingUpdate
	switch s.Strategy.Type {
	case "", appsv1.RollingUpdateDeploymentStrategyType:
		if update == nil || canRoll(update.MaxUnavailable, update.MaxSurge) {
			s.Strategy = appsv1.DeploymentStrategy{}
		}
	case appsv1.RecreateDeploymentStrategyType:
		if update == nil {
			s.Strategy = appsv1.DeploymentStrategy{}
		}
	}
}

// clearStatefulSetDefaults does the same for a StatefulSet. What is to become of
// volume claims makes no difference where there are none.
func clearStatefulSetDefaults(s *appsv1.StatefulSetSpec) {
	clearHistoryLimit(&s.RevisionHistoryLimit)
	update := s.UpdateStrategy.RollingUpdate
	switch s.UpdateStrategy.Type {
	case "", appsv1.RollingUpdateStatefulSetStrategyType:
		if update == nil || (update.Partition == nil || *update.Partition >= 0) && (update.MaxUnavailable == nil || canRoll(update.MaxUnavailable, nil)) {
			s.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{}
		}
	case appsv1.OnDeleteStatefulSetStrategyType:
		if update == nil {
			s.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{}
		}
	}
	if p := s.PersistentVolumeClaimRetentionPolicy; p != nil && validRetention(p.WhenDeleted) && validRetention(p.WhenScaled) {
		s.PersistentVolumeClaimRetentionPolicy = nil
	}
}

func clearHistoryLimit(limit **int32) {
	if *limit != nil && **limit >= 0 {
		*limit = nil
	}
}

func validRetention(p appsv1.PersistentVolumeClaimRetentionPolicyType) bool {
	return p == "" || p == appsv1.RetainPersistentVolumeClaimRetentionPolicyType || p == appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// canRoll reports whether the API server takes these limits of a rolling update:
// both are counts or per cent, and not both are zero. nil is a default that is
// not.
func canRoll(maxUnavailable, maxSurge *intstr.IntOrString) bool {
	unavailable, ok1 := limitOf(maxUnavailable)
	surge, ok2 := limitOf(maxSurge)
	tooMuch := maxUnavailable != nil && maxUnavailable.Type == intstr.String && unavailable > 100
	return ok1 && ok2 && !tooMuch && (unavailable > 0 || surge > 0)
}

func limitOf(v *intstr.IntOrString) (int, bool) {
	switch {
	case v == nil:
		return 1, true
	case v.Type == intstr.Int:
		return int(v.IntVal), v.IntVal >= 0
	}
	digits, percent := strings.CutSuffix(v.StrVal, "%")
	n, err := strconv.ParseUint(digits, 10, 31)
	return int(n), percent && err == nil
}
