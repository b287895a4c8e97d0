package podnet

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// ChaosSelector says which Pods a chaos may act on. All that it says must hold; an
// empty one selects the Pods of the chaos's own namespace. It is looked at once,
// when the chaos begins: Pods that are made later are not selected. But what is
// wrong with the network or the name service of a Pod is so for one of the same
// name that takes its place, too.
type ChaosSelector struct {
	Namespaces          []string // default: that of the chaos
	LabelSelectors      map[string]string
	ExpressionSelectors []LabelSelectorRequirement

	// Pods are names of Pods, by namespace. If there are any, nothing else counts.
	// Those that do not exist are left out.
	Pods map[string][]string
}

// ChaosMode says how many of the Pods that were selected a chaos acts on. Which
// these are depends on [Config].Seed.
type ChaosMode string

// The modes of Chaos Mesh.
const (
	ChaosModeOne              ChaosMode = "one"                // one
	ChaosModeAll              ChaosMode = "all"                // all
	ChaosModeFixed            ChaosMode = "fixed"              // as many as the value says, or all if there are fewer
	ChaosModeFixedPercent     ChaosMode = "fixed-percent"      // as many per cent as the value says, rounded down
	ChaosModeRandomMaxPercent ChaosMode = "random-max-percent" // a percentage between 0 and the value, drawn by lot
)

// ChaosTarget is Pods at the other end of connections.
type ChaosTarget struct {
	Selector ChaosSelector
	Mode     ChaosMode // required
	Value    string    // of the modes that need one: a number greater than 0
}

// validate reports what is wrong, with the path of what holds the fields, in Chaos
// Mesh's words (api/v1alpha1, common_webhook.go).
func (t ChaosTarget) validate(errs *fieldErrors, at string) {
	s := t.Selector
	for i, n := range s.Namespaces {
		errs.invalid(at+".selector.namespaces["+strconv.Itoa(i)+"]", n, dns1123LabelErrors(n)...)
	}
	validateLabels(errs, at+".selector.labelSelectors", s.LabelSelectors)
	validateLabelRequirements(errs, at+".selector.expressionSelectors", s.ExpressionSelectors)
	oneOf(errs, at+".mode", t.Mode, ChaosModeOne, ChaosModeAll, ChaosModeFixed, ChaosModeFixedPercent, ChaosModeRandomMaxPercent)
	switch t.Mode {
	case ChaosModeFixed, ChaosModeFixedPercent, ChaosModeRandomMaxPercent:
	default:
		return
	}
	n, err := strconv.Atoi(t.Value)
	switch {
	case err != nil:
		errs.add(FieldInvalid, at+".value", t.Value, "parse value field error:"+err.Error())
	case t.Mode == ChaosModeFixed && n <= 0:
		errs.add(FieldInvalid, at+".value", t.Value, "value must be greater than 0 with mode:"+string(t.Mode))
	case t.Mode != ChaosModeFixed && (n <= 0 || n > 100):
		errs.add(FieldInvalid, at+".value", t.Value, "value of "+strconv.Itoa(n)+" is invalid, Must be (0,100] with mode:"+string(t.Mode))
	}
}

// errNoPod is in Chaos Mesh's words, where it is an event only.
var errNoPod = errors.New("no pod is selected")

// choose returns Pods by namespace and name. t is valid. It fails if there are none
// to choose from; of those that there are the mode may leave none.
func (t ChaosTarget) choose(c *Cluster, namespace string, r *rand.Rand) ([]*Pod, error) {
	pods := t.Selector.list(c, namespace)
	if len(pods) == 0 {
		return nil, errNoPod
	}
	n := t.count(len(pods), r)
	if n == len(pods) {
		return pods, nil
	}
	chosen := r.Perm(len(pods))[:n]
	slices.Sort(chosen)
	list := make([]*Pod, n)
	for i, j := range chosen {
		list[i] = pods[j]
	}
	return list, nil
}

// count returns how many of a number of Pods are meant.
func (t ChaosTarget) count(of int, r *rand.Rand) int {
	value, _ := strconv.Atoi(t.Value) // is valid where it counts
	switch t.Mode {
	case ChaosModeOne:
		return 1
	case ChaosModeFixed:
		return min(of, value)
	case ChaosModeFixedPercent:
		return of * value / 100
	case ChaosModeRandomMaxPercent:
		return of * r.IntN(value+1) / 100
	}
	return of
}

// Matches reports whether the selector of a chaos in a namespace selects a Pod. An
// empty namespace, of the chaos or the Pod, is "default".
func (s ChaosSelector) Matches(namespace string, pod PodSpec) bool {
	in := cmp.Or(pod.Namespace, "default")
	if len(s.Pods) > 0 {
		return slices.Contains(s.Pods[in], pod.Name)
	}
	namespaces := s.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{cmp.Or(namespace, "default")}
	}
	return slices.Contains(namespaces, in) && LabelSelector{s.LabelSelectors, s.ExpressionSelectors}.Matches(pod.Labels)
}

// checkNetworks reports a Pod without a network of its own, about which a chaos could
// do nothing.
func checkNetworks(pods ...*Pod) error {
	for _, p := range pods {
		if p.spec.HostNetwork {
			return fmt.Errorf("Pod %s/%s has the network of its node: select Pods that have one of their own", p.Namespace(), p.Name())
		}
	}
	return nil
}

// list returns the Pods that are selected by a chaos of a namespace.
func (s ChaosSelector) list(c *Cluster, namespace string) []*Pod {
	return slices.DeleteFunc(c.Pods(), func(p *Pod) bool { return !s.Matches(namespace, p.Spec()) })
}
