package podnet

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Deployment is a Deployment of a cluster. It is made by [Cluster.Apply] and
// ends with [Deployment.Delete] or with the cluster.
type Deployment struct{ w *workload }

// Deployment returns the Deployment of a name, or nil if there is none. An empty
// namespace is "default".
func (c *Cluster) Deployment(namespace, name string) *Deployment {
	if w := c.workload(objectID{kindDeployment, cmp.Or(namespace, "default"), name}); w != nil {
		return &Deployment{w}
	}
	return nil
}

// Name returns the Deployment's name.
func (d *Deployment) Name() string { return d.w.id.name }

// Namespace returns the namespace that the Deployment and its Pods are in.
func (d *Deployment) Namespace() string { return d.w.id.namespace }

// Spec returns the spec that was applied last, with its defaults. It must not be
// changed.
func (d *Deployment) Spec() DeploymentSpec { return d.w.config().(DeploymentSpec) }

// Pods returns the Deployment's Pods in the order in which they were made, those
// that are being deleted and those that have ended included.
func (d *Deployment) Pods() []*Pod { return d.w.list() }

// Status returns how many Pods there are.
func (d *Deployment) Status() WorkloadStatus { return d.w.status() }

// Wait waits until cond is true of the status. It looks at every change of it
// and does not poll. It fails when ctx ends, and with an error that wraps
// [ErrDeleted] when the Deployment is gone, or [ErrClosed] with the cluster.
func (d *Deployment) Wait(ctx context.Context, cond func(WorkloadStatus) bool) error {
	return d.w.wait(ctx, cond)
}

// WaitReady waits until as many Pods as the spec wants are Ready, and there are
// no others but those that are being deleted. It fails as Wait does.
func (d *Deployment) WaitReady(ctx context.Context) error { return d.w.wait(ctx, WorkloadStatus.Ready) }

// Delete deletes the Deployment and its Pods, all at once and with their grace
// periods, and waits until they are gone; if ctx ends before that, the deletion
// goes on without it. Until then a Deployment of this name cannot be applied.
func (d *Deployment) Delete(ctx context.Context) error { return d.w.delete(ctx) }

// deploymentController does what the controllers of Deployments and ReplicaSets
// do, for a template that does not change.
type deploymentController struct {
	namespace, name string
	selector        *LabelSelector
	template        PodTemplateSpec
	hash            string // of the template
	rand            *rand.Rand
}

// next makes up a Pod.
func (d *deploymentController) next() PodSpec {
	name := generateName(d.rand, d.name+"-"+d.hash+"-")
	return labelled(d.template.pod(d.namespace, name), map[string]string{"pod-template-hash": d.hash})
}

// claims is what the selector of the ReplicaSet says: it has the hash too.
func (d *deploymentController) claims(_ string, labels map[string]string) bool {
	return labels["pod-template-hash"] == d.hash && d.selector.Matches(labels)
}

func (d *deploymentController) checkPod() error { return d.next().Validate() }

// plan replaces a Pod as soon as it is being deleted or has ended, as a
// ReplicaSet does. Pods that have ended stay.
func (d *deploymentController) plan(spec workloadSpec, pods []replica, now time.Time) (make []PodSpec, remove []*Pod) {
	active := slices.DeleteFunc(slices.Clone(pods), func(r replica) bool { return r.deleting() || r.ended() })
	missing := spec.replicas() - len(active)
	for range missing {
		make = append(make, d.next())
	}
	if missing < 0 {
		slices.Reverse(active) // among equals the last goes first
		slices.SortStableFunc(active, byWorth(active, now))
		for _, r := range active[:-missing] {
			remove = append(remove, r.pod)
		}
	}
	return make, remove
}

// byWorth compares Pods by which is deleted first (ActivePodsWithRanks in
// controller_utils.go): one without a node, one that has not started, one that
// is not Ready, the one of lower cost by its annotation, the one on the node
// with more of them, the one that became Ready last, the one that was restarted
// more often, the one that was made last. Times count by their order of magnitude
// only.
func byWorth(pods []replica, now time.Time) func(a, b replica) int {
	onNode := make(map[string]int)
	for _, r := range pods {
		onNode[r.pod.Node()]++
	}
	return func(a, b replica) int {
		if byState := cmp.Or(
			compareBool(a.pod.Node() != "", b.pod.Node() != ""),
			compareBool(a.status.Phase != PodPending, b.status.Phase != PodPending),
			compareBool(a.status.Ready(), b.status.Ready()),
			cmp.Compare(a.deletionCost(), b.deletionCost()),
			cmp.Compare(onNode[b.pod.Node()], onNode[a.pod.Node()]),
		); byState != 0 {
			return byState
		}
		if ra, rb := a.readySince(), b.readySince(); !ra.Equal(rb) { // both are Ready, or none is
			return cmp.Or(cmp.Compare(magnitude(now.Sub(ra)), magnitude(now.Sub(rb))), cmp.Compare(a.pod.UID(), b.pod.UID()))
		}
		if byRestarts := cmp.Compare(b.restarts(), a.restarts()); byRestarts != 0 {
			return byRestarts
		}
		if !a.status.StartTime.Equal(b.status.StartTime) {
			return cmp.Or(cmp.Compare(magnitude(now.Sub(a.status.StartTime)), magnitude(now.Sub(b.status.StartTime))), cmp.Compare(a.pod.UID(), b.pod.UID()))
		}
		return 0
	}
}

// magnitude is the order of magnitude of a time, to the base 2.
func magnitude(d time.Duration) int {
	if d <= 0 {
		return -1
	}
	return int(math.Log2(float64(d)))
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// deletionCost is what the annotation says that it costs to delete the Pod.
func (r replica) deletionCost() int32 {
	n, err := strconv.ParseInt(r.pod.Spec().Annotations["controller.kubernetes.io/pod-deletion-cost"], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}
