package kubelet

import (
	"fmt"
	"slices"
)

// actions is what a sync has to do.
type actions struct {
	killPod       bool // stop the containers and what is left of the sandbox
	createSandbox bool
	reset         []*container // stop and forget, because all are restarted
	kill          []kill
	init          []start // init containers to start
	start         []start // containers to start
}

// start is a container to start.
type start struct {
	container *container

	// exited is how the container last ended, as known before this sync killed
	// anything: what the kubelet counts the back-off from. nil for none.
	exited *Terminated
}

// kill is a running container to stop.
type kill struct {
	container *container
	message   string // of the event
	probe     *Probe // that failed; nil for another reason
}

// starting returns the start of a container.
func starting(c *container) start {
	end := c.ended()
	if c.running() {
		end = c.last
	}
	return start{c, end}
}

// computeActions derives from the state what a sync has to do. It changes
// nothing. (kuberuntime_manager.go has a function of this name.)
func (w *Worker) computeActions() actions {
	var act actions
	switch {
	case w.restartingAll:
		act.reset = w.toReset()
		return act
	case w.sandbox != sandboxReady:
		return w.anew()
	}
	if !w.initActions(&act) {
		return act
	}
	kept := 0
	for _, c := range w.containers {
		if c.init {
			continue
		}
		if !c.running() {
			if end := c.ended(); c.run == nil || c.restarts(w.pod.RestartPolicy, end.ExitCode) {
				act.start = append(act.start, starting(c))
			}
			continue
		}
		k, failed := w.mustKill(c, "Container")
		if !failed {
			kept++
			continue
		}
		if w.killedRestarts(c) || c.run.swapped != w.swapped {
			k.message += ", will be restarted"
			act.start = append(act.start, starting(c))
		}
		act.kill = append(act.kill, k)
	}
	if kept == 0 && len(act.start) == 0 {
		// Nothing is left for the sidecars to do.
		act.killPod = true
		act.init, act.kill = nil, nil
	}
	return act
}

// killedRestarts reports whether a container is started again that is killed for
// a probe: no rule is asked, for there is no exit code yet.
func (w *Worker) killedRestarts(c *container) bool {
	if c.spec.RestartPolicy != "" {
		return c.spec.RestartPolicy != RestartPolicyNever
	}
	return w.pod.RestartPolicy != RestartPolicyNever
}

// mustKill reports whether a running container has to be killed, because it is to be
// another or because of a probe.
func (w *Worker) mustKill(c *container, noun string) (kill, bool) {
	if c.run.swapped != w.swapped {
		return definitionChanged(c, noun), true
	}
	for _, p := range []struct {
		kind ProbeKind
		spec *Probe
		name string
	}{{Liveness, c.spec.Liveness, "liveness"}, {Startup, c.spec.Startup, "startup"}} {
		if p.spec != nil && w.probeResult(c.run, p.kind) == probeFailure {
			return kill{c, fmt.Sprintf("%s %s failed %s probe", noun, c.spec.Name, p.name), p.spec}, true
		}
	}
	return kill{}, false
}

func definitionChanged(c *container, noun string) kill {
	return kill{c, fmt.Sprintf("%s %s definition changed", noun, c.spec.Name), nil}
}

// anew is what is to be done without a sandbox: everything has to go, and nearly
// everything to start again. Only what ended well under OnFailure has done its
// work.
func (w *Worker) anew() actions {
	act := actions{killPod: w.sandbox == sandboxDead}
	created, ran := false, false
	for _, c := range w.containers {
		created = created || c.run != nil
		if c.init {
			continue
		}
		ran = ran || c.run != nil
		policy := w.pod.RestartPolicy
		if c.spec.RestartPolicy != "" {
			policy = c.spec.RestartPolicy
		}
		if end := c.ended(); end != nil && end.ExitCode == 0 && policy == RestartPolicyOnFailure {
			continue
		}
		act.start = append(act.start, starting(c))
	}
	runsOnce := w.pod.RestartPolicy == RestartPolicyNever
	act.createSandbox = !(created && runsOnce || ran && len(act.start) == 0)
	if !act.createSandbox {
		act.start = nil
	} else if first := w.containers[0]; first.init {
		act.init, act.start = []start{starting(first)}, nil
	}
	return act
}

// initActions adds what is to be done about the init containers. It reports
// whether they are done with, so that containers may be started. It looks at
// them from the last to the first: the last one that has run tells how far the
// Pod has come. (kuberuntime_container.go, computeInitContainerActions.)
func (w *Worker) initActions(act *actions) (initialized bool) {
	inits := w.containers[:len(w.pod.InitContainers)]
	if len(inits) == 0 {
		return true
	}
	initialized = w.initialized()
	reached := initialized // a later one has run, or a container
	for i, c := range slices.Backward(inits) {
		r := w.active(c)
		switch {
		case r == nil && reached && c.sidecar():
			act.init = append(act.init, starting(c))
		case r == nil, reached && !c.sidecar():
			continue
		case !c.sidecar():
			switch {
			case r.end == nil && r.swapped && !w.swapped:
				// What runs instead of it never ends. The kubelet leaves it.
				act.kill = append(act.kill, definitionChanged(c, "Init container"))
				act.init = append(act.init, starting(c))
			case r.end == nil:
			case r.end.ExitCode != 0:
				if !c.restarts(w.pod.RestartPolicy, r.end.ExitCode) {
					act.killPod, act.init = true, nil
					return false
				}
				act.init = append(act.init, starting(c))
			case i == len(inits)-1:
				initialized = true
			default:
				act.init = append(act.init, starting(inits[i+1]))
			}
		case r.end != nil:
			act.init = append(act.init, starting(c))
		default:
			if c.spec.Startup == nil || w.probeResult(r, Startup) == probeSuccess {
				if i == len(inits)-1 {
					initialized = true
				} else if !reached {
					act.init = append(act.init, starting(inits[i+1]))
				}
			}
			if k, failed := w.mustKill(c, "Init container"); failed {
				act.kill = append(act.kill, k)
				act.init = append(act.init, starting(c))
			}
		}
		reached = true
	}
	if !reached {
		act.init = append(act.init, starting(inits[0]))
	}
	slices.Reverse(act.init)
	return initialized
}

// toReset returns the containers to forget because all are restarted: those whose
// end is the reason come last.
func (w *Worker) toReset() []*container {
	var victims, sources []*container
	add := func(init bool) {
		for _, c := range w.containers {
			switch {
			case c.init != init || c.run == nil:
			case c.run.end != nil && c.spec.restartsAll(c.run.end.ExitCode):
				sources = append(sources, c)
			default:
				victims = append(victims, c)
			}
		}
	}
	add(false)
	add(true)
	return append(victims, sources...)
}
