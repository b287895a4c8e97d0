package kubelet

// Phase says in one word where a Pod is in its life.
type Phase string

// The phases of Kubernetes.
const (
	PodPending   Phase = "Pending"   // some container has not run yet
	PodRunning   Phase = "Running"   // some container runs, or is to be restarted
	PodSucceeded Phase = "Succeeded" // every container ended with code 0; final
	PodFailed    Phase = "Failed"    // every container ended, one not with code 0; final
)

func (p Phase) terminal() bool { return p == PodSucceeded || p == PodFailed }

// phaseInput is what a Pod's phase is derived from.
type phaseInput struct {
	pod              *Pod
	init, containers []ContainerStatus // in the Pod's order

	// initialized says that a container has started in the sandbox of now.
	initialized bool

	// ended says that no container will be started again, whatever the policy.
	ended bool
}

// phase derives the phase from the containers (getPhase in kubelet_pods.go).
func (in phaseInput) phase() Phase {
	pending := false // of the initialization
	running, waiting, restarting, failed := false, false, false, false
	for i, s := range in.init {
		spec := &in.pod.InitContainers[i]
		if spec.RestartPolicy == RestartPolicyAlways {
			// How a sidecar ends is of no account.
			switch {
			case s.State.Running != nil:
				running = true
				pending = pending || !s.Started && !in.initialized
			case s.State.Waiting != nil && s.LastTermination == nil:
				waiting = true
			}
			continue
		}
		switch end := s.lastEnd(); {
		case end == nil:
			pending = true
		case end.ExitCode != 0 && !in.restarts(spec, end):
			return PodFailed
		}
	}
	stopped := 0
	for i, s := range in.containers {
		switch end := s.lastEnd(); {
		case s.State.Running != nil:
			running = true
		case end == nil:
			waiting = true
		default:
			stopped++
			restarting = restarting || !in.ended && in.restarts(&in.pod.Containers[i], end)
			failed = failed || end.ExitCode != 0
		}
	}
	switch {
	case pending, waiting:
		return PodPending
	case running, restarting:
		return PodRunning
	case stopped == 0:
		return PodPending
	case failed:
		return PodFailed
	default:
		return PodSucceeded
	}
}

func (in phaseInput) restarts(c *Container, end *Terminated) bool {
	return c.restarts(in.pod.RestartPolicy, end.ExitCode) || end.Reason == ReasonRestartingAllContainers
}

// lastEnd returns how a container that does not run ended, nil if it runs or
// never did.
func (s *ContainerStatus) lastEnd() *Terminated {
	switch {
	case s.State.Terminated != nil:
		return s.State.Terminated
	case s.State.Waiting != nil:
		return s.LastTermination
	}
	return nil
}
