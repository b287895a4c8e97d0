package kubelet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPodConditions(t *testing.T) {
	named := func(s ContainerStatus, name string) ContainerStatus {
		s.Name = name
		return s
	}
	tests := map[string]struct {
		sandbox    sandboxState
		containers []ContainerStatus
		phase      Phase
		want       []Condition // the first four; the last never varies
	}{
		"new": {sandboxNone, []ContainerStatus{named(creating, "b"), named(creating, "a")}, PodPending, []Condition{
			{Type: "PodReadyToStartContainers", Status: "False", Reason: "PodSandboxNotReady", Message: "no pod sandbox exists"},
			{Type: "Initialized", Status: "True"},
			{Type: "Ready", Status: "False", Reason: "ContainersNotReady", Message: "containers with unready status: [b a]"},
			{Type: "ContainersReady", Status: "False", Reason: "ContainersNotReady", Message: "containers with unready status: [b a]"},
		}},
		"ready": {sandboxReady, []ContainerStatus{named(running, "a")}, PodRunning, []Condition{
			{Type: "PodReadyToStartContainers", Status: "True"},
			{Type: "Initialized", Status: "True"},
			{Type: "Ready", Status: "True"},
			{Type: "ContainersReady", Status: "True"},
		}},
		"sandbox lost, one unready": {sandboxDead, []ContainerStatus{named(running, "a"), named(looping, "b")}, PodRunning, []Condition{
			{Type: "PodReadyToStartContainers", Status: "False", Reason: "PodSandboxNotReady", Message: "pod sandbox is not ready"},
			{Type: "Initialized", Status: "True"},
			{Type: "Ready", Status: "False", Reason: "ContainersNotReady", Message: "containers with unready status: [b]"},
			{Type: "ContainersReady", Status: "False", Reason: "ContainersNotReady", Message: "containers with unready status: [b]"},
		}},
		"succeeded": {sandboxDead, []ContainerStatus{named(completed, "a")}, PodSucceeded, []Condition{
			{Type: "PodReadyToStartContainers", Status: "False", Reason: "PodSandboxNotReady", Message: "pod sandbox is not ready"},
			{Type: "Initialized", Status: "True", Reason: "PodCompleted"},
			{Type: "Ready", Status: "False", Reason: "PodCompleted"},
			{Type: "ContainersReady", Status: "False", Reason: "PodCompleted"},
		}},
		"failed": {sandboxDead, []ContainerStatus{named(failed, "a")}, PodFailed, []Condition{
			{Type: "PodReadyToStartContainers", Status: "False", Reason: "PodSandboxNotReady", Message: "pod sandbox is not ready"},
			{Type: "Initialized", Status: "True"},
			{Type: "Ready", Status: "False", Reason: "PodFailed"},
			{Type: "ContainersReady", Status: "False", Reason: "PodFailed"},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := append(tt.want, Condition{Type: "PodScheduled", Status: "True"})
			pod := Pod{Containers: make([]Container, len(tt.containers))}
			assert.Equal(t, want, conditionInput{pod: &pod, sandbox: tt.sandbox, containers: tt.containers, phase: tt.phase}.conditions())
		})
	}
}

func TestTransitionTimeIsOfTheStatus(t *testing.T) {
	then, now := time.Unix(1, 0), time.Unix(2, 0)
	old := []Condition{
		{Type: PodReady, Status: ConditionFalse, Reason: "A", LastTransitionTime: then},
		{Type: ContainersReady, Status: ConditionFalse, LastTransitionTime: then},
	}
	conditions := []Condition{
		{Type: PodReady, Status: ConditionFalse, Reason: "B"},
		{Type: ContainersReady, Status: ConditionTrue},
		{Type: PodScheduled, Status: ConditionTrue},
	}
	setTransitionTimes(conditions, old, now)
	assert.Equal(t, then, conditions[0].LastTransitionTime, "another reason is no transition")
	assert.Equal(t, now, conditions[1].LastTransitionTime)
	assert.Equal(t, now, conditions[2].LastTransitionTime)
}
