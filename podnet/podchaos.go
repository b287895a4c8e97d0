package podnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// PodChaosSpec describes a PodChaos: Pods or containers are killed, or do not run
// for a while.
type PodChaosSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Selector ChaosSelector
	Mode     ChaosMode // required
	Value    string    // of the modes that need one: a number greater than 0

	Action PodChaosAction // required

	// Duration is how long a pod-failure lasts, such as "30s"; the default is until
	// it is deleted. Who is killed stays so: there it does not count.
	Duration string

	// ContainerNames are the containers to kill: needed by container-kill. A Pod
	// need not have all of them, and init containers count only if they are
	// sidecars.
	ContainerNames []string

	// GracePeriod, in seconds, is that of pod-kill. The default is 0: the Pod's name
	// is free at once, as with [Pod.DeleteWith].
	GracePeriod int64
}

// PodChaosAction is what happens to Pods.
type PodChaosAction string

// The actions of a PodChaos.
const (
	PodChaosPodKill PodChaosAction = "pod-kill" // they are deleted

	// PodChaosPodFailure gives their containers, init containers too, another image,
	// pause, which does nothing. The kubelet stops those that run, because their
	// definition changed, and starts them anew; and again when it is over, as it
	// does with init containers that ran pause. Events and specs go on to name the
	// image of before.
	PodChaosPodFailure PodChaosAction = "pod-failure"

	// PodChaosContainerKill kills containers once, each as soon as it runs, as
	// [Container.Kill] does.
	PodChaosContainerKill PodChaosAction = "container-kill"
)

const kindPodChaos = "PodChaos"

// Validate reports everything in s that Chaos Mesh would refuse, in its words
// (api/v1alpha1, podchaos_webhook.go). The error is an *[InvalidError]; it is nil if
// there is nothing to report.
func (s PodChaosSpec) Validate() error {
	var errs fieldErrors
	validateChaosMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	oneOf(&errs, "spec.action", s.Action, PodChaosPodKill, PodChaosPodFailure, PodChaosContainerKill)
	s.selected().validate(&errs, "spec")
	validateChaosDuration(&errs, s.Duration)
	for i, name := range s.ContainerNames {
		errs.invalid(fmt.Sprintf("spec.containerNames[%d]", i), name, dns1123LabelErrors(name)...)
	}
	switch kills := s.Action == PodChaosContainerKill; {
	case kills && len(s.ContainerNames) == 0:
		errs.add(FieldInvalid, "spec.containerNames", nil, fmt.Sprintf("the name of container should not be empty on %s action", s.Action))
	case !kills && len(s.ContainerNames) > 0:
		errs.add(FieldForbidden, "spec.containerNames", nil, fmt.Sprintf("the action %s is about whole Pods: remove it", s.Action))
	}
	errs.notNegative("spec.gracePeriod", s.GracePeriod)
	if s.GracePeriod != 0 && s.Action != PodChaosPodKill {
		errs.add(FieldForbidden, "spec.gracePeriod", nil, fmt.Sprintf("the action %s does not look at it: remove it", s.Action))
	}
	return errs.err(kindPodChaos, s.Name)
}

func (s PodChaosSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	return s, nil
}

func (s PodChaosSpec) id() objectID           { return objectID{kindPodChaos, s.Namespace, s.Name} }
func (s PodChaosSpec) check(c *Cluster) error { return c.checkChaos(s) }
func (s PodChaosSpec) apply(c *Cluster) error { return c.applyChaos(s) }
func (s PodChaosSpec) lasts() time.Duration   { return chaosDuration(s.Duration) }
func (s PodChaosSpec) selected() ChaosTarget  { return ChaosTarget{s.Selector, s.Mode, s.Value} }
func (s PodChaosSpec) bare() chaosSpec        { s.Labels, s.Annotations = nil, nil; return s }

func (s PodChaosSpec) begin(c *Cluster, r *rand.Rand) (chaosEffect, error) {
	pods, err := s.selected().choose(c, s.Namespace, r)
	if err != nil || len(pods) == 0 {
		return chaosEffect{}, err
	}
	e := chaosEffect{pods: pods, targets: chaosTargets(pods)}
	switch s.Action {
	case PodChaosPodKill:
		for _, p := range pods {
			p.startDelete(time.Duration(s.GracePeriod) * time.Second)
			if s.GracePeriod == 0 {
				c.forget(p)
			}
		}
	case PodChaosPodFailure:
		fail := func(by int) {
			for _, p := range pods {
				p.fail(by)
			}
		}
		fail(+1)
		e.lift = func() { fail(-1) }
	case PodChaosContainerKill:
		containers := s.containers(pods)
		if len(containers) == 0 {
			return chaosEffect{}, noContainerError(s.ContainerNames)
		}
		e.targets = nil
		for _, k := range containers {
			e.targets = append(e.targets, k.name)
		}
		e.each = func(ctx context.Context, i int) error { return containers[i].killOnce(ctx) }
	}
	return e, nil
}

// containers returns the containers of Pods that are to be killed.
func (s PodChaosSpec) containers(pods []*Pod) (list []*container) {
	for _, p := range pods {
		for _, k := range p.containers {
			if slices.Contains(s.ContainerNames, k.spec.Name) && !k.runsToEnd() {
				list = append(list, k)
			}
		}
	}
	return list
}

// noContainerError reports that no Pod that a chaos acts on has a container that it
// names.
func noContainerError(names []string) error {
	return fmt.Errorf("no container is selected: no Pod that is selected has %s", strings.Join(names, " or "))
}

// killOnce kills the container when it runs.
func (c *container) killOnce(ctx context.Context) error {
	for tried := -1; ; {
		err := c.pod.Wait(ctx, func(status PodStatus) bool {
			s, _ := status.Container(c.spec.Name)
			if s.State.Running == nil || s.RestartCount <= tried {
				return false
			}
			tried = s.RestartCount
			return true
		})
		if err != nil {
			return err
		}
		// It may have ended meanwhile: then the next of its runs is meant.
		if err := (&Container{container: c}).Kill(); !errors.Is(err, ErrNotRunning) {
			return err
		}
	}
}

// fail adds to how many chaos make the Pod fail.
func (p *Pod) fail(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures += by
	p.worker.Swap(p.failures > 0)
}

// pause is what the containers of a Pod run that a chaos makes fail: the image of
// sandboxes, which waits to be stopped.
func pause(ctx context.Context, _ *Container) error {
	<-ctx.Done()
	return nil
}
