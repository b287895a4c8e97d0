package kubelet

import (
	"context"
	"time"
)

// Probe is when and how often a container is probed, and what counts as an
// answer. What is asked is the [Runtime]'s business. All fields but InitialDelay
// and GracePeriod must be set.
type Probe struct {
	InitialDelay     time.Duration // after the container's start, in whole seconds
	Period           time.Duration
	SuccessThreshold int // results in a row that make a success
	FailureThreshold int // results in a row that make a failure

	// GracePeriod counts instead of the Pod's where the container is stopped
	// because of this probe. nil for none.
	GracePeriod *time.Duration
}

// ProbeKind says what a probe is for.
type ProbeKind int

// The kinds of probes of Kubernetes.
const (
	Liveness  ProbeKind = iota // a failure restarts the container
	Readiness                  // the container is ready while it succeeds
	Startup                    // the others wait for it; a failure restarts the container

	probeKinds = 3
)

// String names the kind as the kubelet's events do.
func (k ProbeKind) String() string { return [probeKinds]string{"Liveness", "Readiness", "Startup"}[k] }

// ProbeResult is what came of an attempt.
type ProbeResult int

// The results of an attempt.
const (
	ProbeSuccess ProbeResult = iota
	ProbeWarning             // success, with something to say
	ProbeFailure
)

// probeResult is what is known of a container by a kind of probe.
type probeResult int

const (
	probeNone    probeResult = iota // the prober has not seen the container yet
	probeUnknown                    // of startup only
	probeSuccess
	probeFailure
)

// initialResult is the result before the first one (prober/worker.go).
var initialResult = [probeKinds]probeResult{Liveness: probeSuccess, Readiness: probeFailure, Startup: probeUnknown}

// maxProbeRetries is how often an attempt is made that could not ask
// (prober/prober.go).
const maxProbeRetries = 3

// probeSays reports whether a probe has succeeded, or does not exist.
func (w *Worker) probeSays(c *container, kind ProbeKind, p *Probe) bool {
	if p == nil {
		return true
	}
	return w.probeResult(c.run, kind) == probeSuccess
}

func (w *Worker) probeResult(r *run, kind ProbeKind) probeResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	return r.probes[kind]
}

// startProbers starts a prober for each probe of the Pod, once. The probers end
// with the Pod.
func (w *Worker) startProbers() {
	if w.probing {
		return
	}
	w.probing = true
	for _, c := range w.containers {
		if c.init && !c.sidecar() {
			continue
		}
		for kind, p := range [probeKinds]*Probe{c.spec.Liveness, c.spec.Readiness, c.spec.Startup} {
			if p == nil {
				continue
			}
			b := &prober{worker: w, container: c, kind: ProbeKind(kind), spec: p, trigger: make(chan struct{}, 1), ticker: time.NewTicker(p.Period)}
			if b.kind == Readiness {
				w.readiness = append(w.readiness, b)
			}
			w.probers.Go(b.loop)
		}
	}
}

// triggerReadiness has containers that are started and not ready probed at once
// (prober_manager.go, UpdatePodStatus).
func (w *Worker) triggerReadiness() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.readiness {
		r := w.probed[b.container]
		if r != nil && !b.busy && w.isStarted(b.container, r) && r.probes[Readiness] != probeSuccess {
			select {
			case b.trigger <- struct{}{}:
			default:
			}
		}
	}
}

// isStarted reports whether a run is started. mu is held.
func (w *Worker) isStarted(c *container, r *run) bool {
	select {
	case <-r.exited:
		return false
	default:
	}
	return c.spec.Startup == nil || r.probes[Startup] == probeSuccess
}

// prober probes one container by one of its probes, from the Pod's admission to
// its end (the worker of prober/worker.go).
type prober struct {
	worker    *Worker
	container *container
	kind      ProbeKind
	spec      *Probe
	trigger   chan struct{} // one slot: probe now
	ticker    *time.Ticker  // from the Pod's admission on, or the last trigger

	busy bool // an attempt goes on; guarded by Worker.mu

	// Of the prober's goroutine.
	run    *run // the one that is probed
	onHold bool // until there is a new run
	last   probeResult
	count  int // of last, in a row
}

func (b *prober) loop() {
	defer b.ticker.Stop()
	for {
		select {
		case <-b.ticker.C:
		case <-b.trigger:
			b.ticker.Reset(b.spec.Period)
		case <-b.worker.probeCtx.Done():
			return
		}
		if !b.probe() {
			return
		}
	}
}

// probe probes the container once if it is to be probed. It reports whether to
// go on.
func (b *prober) probe() bool {
	w := b.worker
	run, started, ending := b.target()
	if run == nil {
		return true
	}
	if run != b.run {
		b.run, b.onHold = run, false
		b.set(initialResult[b.kind])
	}
	select {
	case <-run.exited:
		b.set(probeFailure)
		return true
	default:
	}
	switch {
	case b.onHold:
		return true
	case ending && b.kind != Readiness:
		return false
	case time.Since(run.startedAt).Truncate(time.Second) < b.spec.InitialDelay:
		return true
	case started == (b.kind == Startup):
		return true // startup is over, or has to be first
	}
	result, ok := b.attempt(w.probeCtx)
	if !ok {
		return true
	}
	if b.last != result {
		b.last, b.count = result, 0
	}
	b.count++
	if result == probeFailure && b.count < b.spec.FailureThreshold || result == probeSuccess && b.count < b.spec.SuccessThreshold {
		return true
	}
	b.set(result)
	if b.kind == Liveness && result == probeFailure || b.kind == Startup {
		b.onHold, b.count = true, 0
	}
	return true
}

// target returns the run that is known to the outside.
func (b *prober) target() (r *run, started, ending bool) {
	w := b.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	r = w.probed[b.container]
	return r, r != nil && w.isStarted(b.container, r), w.ending
}

// set notes a result of the run, and wakes the worker if it changes anything.
func (b *prober) set(result probeResult) {
	w := b.worker
	w.mu.Lock()
	old := b.run.probes[b.kind]
	b.run.probes[b.kind] = result
	w.mu.Unlock()
	if result != old && old != probeNone {
		w.notify()
	}
}

// attempt asks, and tells of it unless all is well. ok is false if there is no
// answer that counts.
func (b *prober) attempt(ctx context.Context) (result probeResult, ok bool) {
	w := b.worker
	b.setBusy(true)
	defer b.setBusy(false)
	var answer ProbeResult
	var text string
	var err error
	for range maxProbeRetries {
		if answer, text, err = w.runtime.Probe(ctx, b.container.spec.Name, b.kind); err == nil {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
		return 0, false
	case err != nil:
		w.event(b.container, EventWarning, eventUnhealthy, "%s probe errored and resulted in %s state: %s", b.kind, "unknown", err)
		return 0, false
	case answer == ProbeSuccess:
		return probeSuccess, true
	case answer == ProbeWarning:
		w.event(b.container, EventWarning, eventProbeWarning, "%s probe warning: %s", b.kind, text)
		return probeSuccess, true
	default:
		w.event(b.container, EventWarning, eventUnhealthy, "%s probe failed: %s", b.kind, text)
		return probeFailure, true
	}
}

func (b *prober) setBusy(busy bool) {
	b.worker.mu.Lock()
	defer b.worker.mu.Unlock()
	b.busy = busy
}
