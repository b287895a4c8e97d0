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

// podPhase derives the phase from the containers. ended says that none will be
// started again, whatever the policy (getPhase in kubelet_pods.go).
func podPhase(policy RestartPolicy, containers []ContainerStatus, ended bool) Phase {
	running, restarting, failed := false, false, false
	for _, c := range containers {
		end := c.State.Terminated
		if c.State.Waiting != nil {
			end = c.LastTermination
		}
		switch {
		case c.State.Running != nil:
			running = true
		case end == nil:
			return PodPending
		default:
			restarting = restarting || !ended && policy.restarts(end.ExitCode)
			failed = failed || end.ExitCode != 0
		}
	}
	switch {
	case len(containers) == 0:
		return PodPending
	case running || restarting:
		return PodRunning
	case failed:
		return PodFailed
	default:
		return PodSucceeded
	}
}
