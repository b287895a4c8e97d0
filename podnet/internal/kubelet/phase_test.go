package kubelet

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The states of a container as the kubelet shows them.
var (
	creating  = ContainerStatus{State: ContainerState{Waiting: &Waiting{Reason: ReasonContainerCreating}}}
	running   = ContainerStatus{State: ContainerState{Running: &Running{}}, Started: true, Ready: true}
	unready   = ContainerStatus{State: ContainerState{Running: &Running{}}, Started: true}
	completed = ContainerStatus{State: ContainerState{Terminated: &Terminated{Reason: ReasonCompleted}}}
	failed    = ContainerStatus{State: ContainerState{Terminated: &Terminated{ExitCode: 1, Reason: ReasonError}}}
	looping   = ContainerStatus{
		State:           ContainerState{Waiting: &Waiting{Reason: ReasonCrashLoopBackOff}},
		LastTermination: &Terminated{ExitCode: 1, Reason: ReasonError},
	}
)

func TestPodPhase(t *testing.T) {
	tests := map[string]struct {
		policy     RestartPolicy
		containers []ContainerStatus
		ended      bool
		want       Phase
	}{
		"no containers":                          {RestartPolicyAlways, nil, false, PodPending},
		"one is being created":                   {RestartPolicyAlways, []ContainerStatus{running, creating}, false, PodPending},
		"one is being created, others ended":     {RestartPolicyNever, []ContainerStatus{failed, creating}, false, PodPending},
		"all run":                                {RestartPolicyAlways, []ContainerStatus{running, unready}, false, PodRunning},
		"one of them ended":                      {RestartPolicyNever, []ContainerStatus{running, failed}, false, PodRunning},
		"all wait for a restart":                 {RestartPolicyAlways, []ContainerStatus{looping}, false, PodRunning},
		"all ended and will be restarted":        {RestartPolicyAlways, []ContainerStatus{completed}, false, PodRunning},
		"one failed and will be restarted":       {RestartPolicyOnFailure, []ContainerStatus{completed, failed}, false, PodRunning},
		"all ended well":                         {RestartPolicyOnFailure, []ContainerStatus{completed, completed}, false, PodSucceeded},
		"all ended, one badly, never restarted":  {RestartPolicyNever, []ContainerStatus{completed, failed}, false, PodFailed},
		"all ended well, never restarted":        {RestartPolicyNever, []ContainerStatus{completed}, false, PodSucceeded},
		"ended well, though it would restart":    {RestartPolicyAlways, []ContainerStatus{completed}, true, PodSucceeded},
		"ended badly, though it would restart":   {RestartPolicyAlways, []ContainerStatus{failed, completed}, true, PodFailed},
		"ended before one of them was created":   {RestartPolicyAlways, []ContainerStatus{completed, creating}, true, PodPending},
		"ended while one waited for its restart": {RestartPolicyAlways, []ContainerStatus{looping, completed}, true, PodFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pod := Pod{RestartPolicy: tt.policy, Containers: make([]Container, len(tt.containers))}
			assert.Equal(t, tt.want, phaseInput{pod: &pod, containers: tt.containers, ended: tt.ended}.phase())
		})
	}
}
