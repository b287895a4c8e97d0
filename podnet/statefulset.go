package podnet

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StatefulSet is a StatefulSet of a cluster. It is made by [Cluster.Apply] and
// ends with [StatefulSet.Delete] or with the cluster.
type StatefulSet struct{ w *workload }

// StatefulSet returns the StatefulSet of a name, or nil if there is none. An
// empty namespace is "default".
func (c *Cluster) StatefulSet(namespace, name string) *StatefulSet {
	if w := c.workload(objectID{kindStatefulSet, cmp.Or(namespace, "default"), name}); w != nil {
		return &StatefulSet{w}
	}
	return nil
}

// Name returns the StatefulSet's name.
func (s *StatefulSet) Name() string { return s.w.id.name }

// Namespace returns the namespace that the StatefulSet and its Pods are in.
func (s *StatefulSet) Namespace() string { return s.w.id.namespace }

// Spec returns the spec that was applied last, with its defaults. It must not be
// changed.
func (s *StatefulSet) Spec() StatefulSetSpec { return s.w.config().(StatefulSetSpec) }

// Pods returns the StatefulSet's Pods by their ordinals, those that are being
// deleted included.
func (s *StatefulSet) Pods() []*Pod {
	pods := s.w.list()
	slices.SortFunc(pods, func(a, b *Pod) int { return cmp.Compare(ordinalOf(a), ordinalOf(b)) })
	return pods
}

// Status returns how many Pods there are.
func (s *StatefulSet) Status() WorkloadStatus { return s.w.status() }

// Wait waits until cond is true of the status; see [Deployment.Wait].
func (s *StatefulSet) Wait(ctx context.Context, cond func(WorkloadStatus) bool) error {
	return s.w.wait(ctx, cond)
}

// WaitReady waits until as many Pods as the spec wants are Ready, and no others
// are left. It fails as Wait does.
func (s *StatefulSet) WaitReady(ctx context.Context) error {
	return s.w.wait(ctx, WorkloadStatus.Ready)
}

// Delete deletes the StatefulSet and its Pods, and waits until they are gone; if
// ctx ends before that, the deletion goes on without it. As in Kubernetes, it
// deletes the Pods all at once, whatever the PodManagementPolicy: to have them go
// one after the other, apply the set with no replicas first.
func (s *StatefulSet) Delete(ctx context.Context) error { return s.w.delete(ctx) }

// The labels that tell which Pod of a StatefulSet one is.
const (
	podIndexLabel           = "apps.kubernetes.io/pod-index"
	statefulSetPodNameLabel = "statefulset.kubernetes.io/pod-name"
)

// ordinalOf returns the number of a Pod of a StatefulSet, which ends its name.
func ordinalOf(p *Pod) int {
	n, _ := strconv.Atoi(p.Name()[strings.LastIndexByte(p.Name(), '-')+1:]) // its controller wrote it
	return n
}

// statefulSetController does what the controller of StatefulSets does, for a
// template that does not change (stateful_set_control.go).
type statefulSetController struct {
	spec     StatefulSetSpec // as it was first applied
	revision string
}

// pod makes the Pod of a number.
func (c *statefulSetController) pod(ordinal int) PodSpec {
	name := c.spec.podName(ordinal)
	s := labelled(c.spec.Template.pod(c.spec.Namespace, name), map[string]string{
		podIndexLabel: strconv.Itoa(ordinal), statefulSetPodNameLabel: name, "controller-revision-hash": c.revision,
	})
	s.Hostname, s.Subdomain = name, c.spec.ServiceName
	return s
}

// claims asks for a name of the set's, too.
func (c *statefulSetController) claims(name string, labels map[string]string) bool {
	digits, ok := strings.CutPrefix(name, c.spec.Name+"-")
	n, err := strconv.ParseUint(digits, 10, 31)
	return ok && err == nil && digits == strconv.FormatUint(n, 10) && c.spec.Selector.Matches(labels)
}

func (c *statefulSetController) checkPod() error {
	return c.pod(c.spec.start() + max(c.spec.replicas()-1, 0)).Validate()
}

// plan keeps the Pods from the first ordinal on, and takes the others away. A
// Pod that has ended is deleted, and made again when it is gone. With
// OrderedReady it does one thing at a time, and nothing while a Pod on which the
// next step would build is not available.
func (c *statefulSetController) plan(w workloadSpec, pods []replica, now time.Time) (make []PodSpec, remove []*Pod) {
	spec := w.(StatefulSetSpec)
	ordered := spec.PodManagementPolicy == PodManagementOrderedReady
	byOrdinal := map[int]replica{}
	for _, r := range pods {
		byOrdinal[ordinalOf(r.pod)] = r
	}
	available := func(r replica) bool {
		return r.status.Phase == PodRunning && r.available(spec.MinReadySeconds, now) && !r.deleting()
	}
	first, end := spec.start(), spec.start()+spec.replicas()
	for i := first; i < end; i++ {
		r, ok := byOrdinal[i]
		switch {
		case !ok:
			make = append(make, c.pod(i))
		case r.ended() && !r.deleting():
			remove = append(remove, r.pod)
		case available(r):
			continue
		}
		if ordered {
			return make, remove
		}
	}
	var condemned []replica // the highest first
	for _, r := range pods {
		if i := ordinalOf(r.pod); i < first || i >= end {
			condemned = append(condemned, r)
		}
	}
	slices.SortFunc(condemned, func(a, b replica) int { return cmp.Compare(ordinalOf(b.pod), ordinalOf(a.pod)) })
	for i, r := range condemned {
		if r.deleting() {
			if ordered {
				return make, remove
			}
			continue
		}
		// One that is not available holds the others up, unless it is the first.
		if ordered && !available(r) && slices.ContainsFunc(condemned[i+1:], func(r replica) bool { return !available(r) }) {
			return make, remove
		}
		remove = append(remove, r.pod)
		if ordered {
			return make, remove
		}
	}
	return make, remove
}
