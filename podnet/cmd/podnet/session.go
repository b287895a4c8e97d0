package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet"
)

// listenTimeout is how long --exec and --port-forward wait for containers that
// run to listen on their ports.
const listenTimeout = 2 * time.Second

// Why a run ended, as is said of a command that it cuts short.
var (
	errInterrupted = errors.New("the run was interrupted")
	errTime        = errors.New("the time of --for is over")
	errAllEnded    = errors.New("every Pod has ended")
	errExecsDone   = errors.New("the last command of --exec has ended")
)

// session is one `podnet run`.
type session struct {
	pods     []source
	others   []other       // applied with the Pods
	config   podnet.Config // without OnLog and OnEvent
	images   imageSet
	execs    []execSpec
	forwards []*forward // closed by who made them
	duration time.Duration
	power    <-chan struct{} // closed at a loss of power; nil for never
	out      *printer
	table    *podTable
	cluster  *podnet.Cluster
	capture  *captureFile // nil for none; closed by who made it
}

// run runs the Pods until the session's end, deletes them, prints the status
// that they had and returns what failed.
func (s *session) run(ctx context.Context) (errs []error) {
	showing, hide := context.WithCancel(context.WithoutCancel(ctx))
	defer hide()
	s.table = newPodTable(s.out)
	var err error
	cfg := s.config
	cfg.OnLog = s.out.onLog
	cfg.OnEvent = func(e podnet.Event) {
		s.out.onEvent(e)
		// A Pod's first event comes before all of its statuses.
		s.table.watch(showing, s.cluster.Pod(e.Namespace, e.Pod))
	}
	s.cluster, err = newCluster(cfg)
	if err != nil {
		return []error{err}
	}
	s.capture.begin(s.cluster)
	var ticking sync.WaitGroup
	if s.out.live() {
		ticking.Go(func() { s.table.tick(showing) })
	}
	running, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { end(errInterrupted) })()
	if s.duration > 0 {
		defer time.AfterFunc(s.duration, func() { end(errTime) }).Stop()
	}

	var wg sync.WaitGroup
	var failedExecs int
	if err := s.apply(running); err != nil {
		errs = append(errs, err)
		end(err)
	} else {
		wg.Go(func() {
			s.waitEnded(running)
			end(errAllEnded)
		})
		wg.Go(func() {
			failedExecs = s.work(running)
			if len(s.execs) > 0 && s.duration == 0 {
				end(errExecsDone)
			}
		})
	}
	<-running.Done()
	var states []podState
	for _, p := range s.cluster.Pods() {
		states = append(states, stateOf(p))
	}
	services := serviceRows(s.cluster)
	wg.Wait()
	s.deletePods(ctx)
	for _, f := range s.forwards {
		f.Close()
	}
	if err := s.cluster.Close(); err != nil {
		errs = append(errs, err)
	}
	if err := s.capture.end(); err != nil {
		errs = append(errs, err)
	}
	s.table.wait()
	hide()
	ticking.Wait()
	s.table.hide()
	if text := servicesText(s.out.names, services); text != "" {
		s.out.print("\n" + text)
	}
	return append(errs, s.conclude(states, failedExecs)...)
}

// deletePods deletes all Pods with their grace periods, and waits until they
// are gone or the power is. The end of ctx is an interrupt.
func (s *session) deletePods(ctx context.Context) {
	deleting, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var wg sync.WaitGroup
	// A workload would replace its Pods, so it goes first; it deletes them, too.
	ofWorkload := make(map[*podnet.Pod]bool)
	for _, p := range s.pods {
		if w := s.workloadOf(p); w != nil {
			for _, pod := range w.Pods() {
				ofWorkload[pod] = true
			}
			wg.Go(func() { _ = w.Delete(deleting) }) // fails only when cut
		}
	}
	for _, p := range s.cluster.Pods() {
		if !ofWorkload[p] {
			wg.Go(func() { _ = p.Delete(deleting) })
		}
	}
	gone := make(chan struct{})
	go func() {
		wg.Wait()
		close(gone)
	}()
	var interrupted <-chan struct{}
	if s.power != nil {
		interrupted = ctx.Done()
	}
	for {
		select {
		case <-gone:
			return
		case <-interrupted:
			s.out.errorf("podnet: deleting the Pods; interrupt again to kill them")
			interrupted = nil
		case <-s.power:
			cut()
			<-gone
			return
		}
	}
}

// warn prints what the API server warns of, as kubectl does.
func (s *session) warn(o podnet.Object) {
	for _, w := range warningsOf(o) {
		s.out.errorf("Warning: %s", w)
	}
}

// apply gives the Pods to the cluster.
func (s *session) apply(ctx context.Context) error {
	var objects []podnet.Object
	for _, o := range s.others {
		objects = append(objects, o.object)
	}
	for _, p := range s.pods {
		objects = append(objects, p.given())
	}
	if err := s.cluster.Apply(ctx, objects...); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return nil
}

// waitEnded waits until every Pod has ended, or for the end of ctx.
func (s *session) waitEnded(ctx context.Context) {
	for _, p := range s.pods {
		if p.workload != nil { // which never ends
			<-ctx.Done()
			return
		}
	}
	for _, p := range s.cluster.Pods() {
		err := p.Wait(ctx, func(status podnet.PodStatus) bool {
			return status.Phase == podnet.PodSucceeded || status.Phase == podnet.PodFailed
		})
		if err != nil && !errors.Is(err, podnet.ErrDeleted) { // which a chaos may have done
			<-ctx.Done()
			return
		}
	}
}

// work does what the flags ask for when the Pods are up, and returns how many
// commands failed.
func (s *session) work(ctx context.Context) (failedExecs int) {
	if len(s.execs) == 0 && len(s.forwards) == 0 {
		return 0
	}
	s.waitUp(ctx)
	for _, f := range s.forwards {
		f.serve(s.podOf(f.spec.pod), s.out)
	}
	for _, e := range s.execs {
		if !s.exec(ctx, e) {
			failedExecs++
		}
	}
	return failedExecs
}

// waitUp waits until all containers have been started, or cannot be, and until
// their ports are listened on, but for that no longer than listenTimeout.
func (s *session) waitUp(ctx context.Context) {
	for _, p := range s.pods {
		if w := s.workloadOf(p); w != nil {
			_ = w.Wait(ctx, func(status podnet.WorkloadStatus) bool { return status.Replicas >= status.Desired || s.stuck(w) })
		}
	}
	for _, p := range s.cluster.Pods() {
		_ = p.Wait(ctx, allStarted) // fails only when the run ends
	}
	ctx, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()
	for _, p := range s.pods {
		pod := s.podOf(p)
		if pod == nil {
			continue
		}
		for _, u := range portPlan(p.spec, s.images) {
			running := pod.Container(u.Container).Status().State.Running != nil
			if running && !u.unused && u.Protocol == podnet.ProtocolTCP {
				_ = pod.WaitListening(ctx, u.Port) // if nobody listens, the command shows it
			}
		}
	}
}

// workload is a Deployment or StatefulSet of the cluster.
type workload interface {
	Pods() []*podnet.Pod
	Wait(ctx context.Context, cond func(podnet.WorkloadStatus) bool) error
	Delete(ctx context.Context) error
}

// workloadOf returns the workload that makes the Pods of a source, nil for a Pod
// and for a workload that is gone.
func (s *session) workloadOf(p source) workload {
	switch p.workload.(type) {
	case podnet.DeploymentSpec:
		if d := s.cluster.Deployment(p.namespace(), p.spec.Name); d != nil {
			return d
		}
	case podnet.StatefulSetSpec:
		if d := s.cluster.StatefulSet(p.namespace(), p.spec.Name); d != nil {
			return d
		}
	}
	return nil
}

// podOf returns the Pod of a source, and of a workload's the first that is Ready
// or, if none is, the first; nil if there is none.
func (s *session) podOf(p source) *podnet.Pod {
	if p.workload == nil {
		return s.cluster.Pod(p.namespace(), p.spec.Name)
	}
	w := s.workloadOf(p)
	if w == nil {
		return nil
	}
	pods := w.Pods()
	for _, pod := range pods {
		if status := pod.Status(); status.Ready() && status.DeletionTimestamp.IsZero() {
			return pod
		}
	}
	if len(pods) == 0 {
		return nil
	}
	return pods[0]
}

// stuck reports whether a workload waits for a Pod that does not become Ready by
// itself: it cannot be started.
func (s *session) stuck(w workload) bool {
	for _, p := range w.Pods() {
		for _, c := range p.Status().Containers {
			if c.State.Waiting != nil && !awaitsTurn(c.State.Waiting) {
				return true
			}
		}
	}
	return false
}

// allStarted reports whether every container has been started, or cannot be.
func allStarted(status podnet.PodStatus) bool {
	if status.Phase == podnet.PodFailed {
		return true // of an init container
	}
	for _, c := range status.InitContainers {
		// What comes after it does not start, or not soon.
		if w := c.State.Waiting; w != nil && (c.LastTermination != nil || !awaitsTurn(w)) && !c.Started {
			return true
		}
	}
	for _, c := range slices.Concat(status.InitContainers, status.Containers) {
		if w := c.State.Waiting; w != nil && c.LastTermination == nil && awaitsTurn(w) {
			return false
		}
	}
	return true
}

// awaitsTurn reports whether w is the state of a container whose turn to be
// started has not come (kubelet_pods.go).
func awaitsTurn(w *podnet.ContainerStateWaiting) bool {
	return w.Reason == "ContainerCreating" || w.Reason == "PodInitializing"
}

// conclude prints the status of the Pods and returns what failed.
func (s *session) conclude(states []podState, failedExecs int) (errs []error) {
	s.out.print("\n" + statusText(s.out.names, states))
	if err := s.out.failure(); err != nil {
		errs = append(errs, err)
	}
	for _, p := range states {
		if why := p.failure(); why != "" {
			errs = append(errs, fmt.Errorf("%s failed: %s", "Pod "+s.out.names.pod(p.namespace, p.name), why))
		}
	}
	if failedExecs > 0 {
		errs = append(errs, fmt.Errorf("%d of %d commands of --exec failed", failedExecs, len(s.execs)))
	}
	return errs
}
