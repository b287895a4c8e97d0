package kubelet

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSandboxIsTriedEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			sandbox: func(n int) error {
				if n < 4 {
					return errors.New("no addresses left")
				}
				return nil
			},
		})
		assert.Equal(t, PodPending, l.Status().Phase)
		assert.Equal(t, "ContainerCreating", StatusColumn(l.Status()))
		assert.Equal(t, "False PodSandboxNotReady no pod sandbox exists since 0s", l.condition(PodReadyToStartContainers))
		assert.Equal(t, "True   since 0s", l.condition(PodInitialized))
		assert.Empty(t, l.Status().IPs)

		l.at(time.Minute)
		assert.Equal(t, []string{"0s sandbox 1 failed", "10s sandbox 2 failed", "20s sandbox 3 failed", "30s sandbox 4", "30s start app 0"}, l.takeLog())
		events := l.takeEvents()
		assert.Equal(t, "0s Warning FailedCreatePodSandBox : Failed to create pod sandbox: no addresses left", events[0])
		assert.Equal(t, []string{"0s", "10s", "20s", "30s", "30s"}, firstWords(events))
		assert.Equal(t, PodRunning, l.Status().Phase)
		assert.Equal(t, "True   since 30s", l.condition(PodReadyToStartContainers))
		assert.Equal(t, "True   since 0s", l.condition(PodScheduled))
	})
}

func TestDeadSandboxTakesEveryContainerWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "a", "b"), &fakeRuntime{
			start: func(name string, _ int) (*fakeProcess, error) {
				return runs(map[string]time.Duration{"a": 3 * time.Second, "b": -1}[name]), nil
			},
		})
		l.at(time.Minute)
		l.takeLog()
		l.takeEvents()
		dying := l.runtime.process("b")
		l.SandboxDied()
		l.at(64 * time.Second)
		s := l.Status()
		assert.Equal(t, "False PodSandboxNotReady pod sandbox is not ready since 1m0s", l.condition(PodReadyToStartContainers))
		assert.Equal(t, 143, l.container("a").State.Terminated.ExitCode)
		assert.Equal(t, PodRunning, s.Phase)
		assert.Equal(t, "[10.244.0.1]", fmt.Sprint(s.IPs), "until there is a new one")

		l.at(2 * time.Minute)
		assert.Equal(t, []string{"1m30s sandbox stopped", "1m30s sandbox 2", "1m30s start a 1", "1m30s start b 1"}, l.takeLog())
		assert.Equal(t, []string{
			"1m0s Normal SandboxChanged : Pod sandbox changed, it will be killed and re-created.",
			"1m0s Normal Killing spec.containers{a}: Stopping container a",
			"1m0s Normal Killing spec.containers{b}: Stopping container b",
			"1m30s Normal Created spec.containers{a}: Container created",
			"1m30s Normal Started spec.containers{a}: Container started",
			"1m30s Normal Created spec.containers{b}: Container created",
			"1m30s Normal Started spec.containers{b}: Container started",
		}, l.takeEvents())
		assert.Equal(t, []string{"TERM 1m0s", "KILL 1m30s"}, dying.signals)
		assert.Equal(t, "[10.244.0.2]", fmt.Sprint(l.Status().IPs))
		assert.Equal(t, 137, l.container("b").LastTermination.ExitCode)
		assert.Equal(t, "Error", l.container("b").LastTermination.Reason)
	})
}

func TestDeadSandboxIsReplacedByPolicy(t *testing.T) {
	tests := map[string]struct {
		policy RestartPolicy
		code   int // of the container "job", which ends at once
		log    []string
		phase  Phase
	}{
		"Always starts everything again": {
			RestartPolicyAlways, 0,
			[]string{"5s sandbox stopped", "5s sandbox 2", "5s start web 1"}, // job is in its back-off
			PodRunning,
		},
		"OnFailure leaves what is done": {
			RestartPolicyOnFailure, 0,
			[]string{"5s sandbox stopped", "5s sandbox 2", "5s start web 1"},
			PodRunning,
		},
		"Never ends the Pod": {
			RestartPolicyNever, 0,
			[]string{"5s sandbox stopped"},
			PodFailed, // web got SIGTERM
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newPod(tt.policy, "job", "web"), &fakeRuntime{
					start: func(name string, _ int) (*fakeProcess, error) {
						if name == "job" {
							return exits(tt.code, 0), nil
						}
						return runs(0), nil
					},
				})
				l.at(5 * time.Second)
				l.takeLog()
				l.SandboxDied()
				synctest.Wait()
				assert.Equal(t, tt.log, l.takeLog())
				assert.Equal(t, tt.phase, l.Status().Phase)
				assert.Equal(t, tt.phase.terminal(), l.ended())
				l.at(time.Minute)
				assert.LessOrEqual(t, l.runtime.sandboxes, 2, "one death is one change")
			})
		})
	}
}

// A process that ends well by SIGTERM has not done its work.
func TestContainerStoppedForANewSandboxStartsAgainUnderOnFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyOnFailure, "app"), &fakeRuntime{
			start: func(_ string, restart int) (*fakeProcess, error) {
				if restart == 0 {
					return exits(0, 8*time.Second), nil // and ignores SIGTERM for the rest
				}
				return runs(0), nil
			},
		})
		l.runtime.process("app").termLag = -1
		l.at(5 * time.Second)
		l.SandboxDied()
		l.at(time.Minute)
		assert.Equal(t, []string{"0s sandbox 1", "0s start app 0", "8s sandbox stopped", "8s sandbox 2", "8s start app 1"}, l.takeLog())
		assert.Equal(t, PodRunning, l.Status().Phase)
	})
}

// What the kubelet knew before it killed anything is what it counts from: first
// the end before, at 0s, and in the next sync the end by the kill, at 5s.
func TestDeadSandboxIsNoWayOutOfACrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			start: func(_ string, restart int) (*fakeProcess, error) {
				if restart == 0 {
					return exits(1, 0), nil
				}
				return runs(0), nil
			},
		})
		l.at(5 * time.Second)
		l.takeLog()
		l.SandboxDied()
		l.at(time.Minute)
		assert.Equal(t, []string{"5s sandbox stopped", "5s sandbox 2", "15s start app 2"}, l.takeLog())
	})
}

func TestDeadSandboxWithoutSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			sandbox: func(n int) error {
				if n == 2 {
					return errors.New("no addresses left")
				}
				return nil
			},
		})
		l.SandboxDied()
		l.at(5 * time.Second)
		assert.Equal(t, 143, l.container("app").State.Terminated.ExitCode)
		l.at(10 * time.Second)
		assert.Equal(t, []string{
			"0s sandbox 1", "0s start app 0",
			"0s sandbox stopped", "0s sandbox 2 failed",
			"10s sandbox stopped", "10s sandbox 3", "10s start app 1",
		}, l.takeLog())
	})
}

func TestSandboxDiedIsIgnoredWhereNoneRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyNever, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { return exits(0, 0) }),
		})
		l.takeEvents()
		before := l.Status()
		l.SandboxDied()
		synctest.Wait()
		assert.Equal(t, before, l.Status())
		assert.Empty(t, l.takeEvents())
	})
}

func TestDeadSandboxLeavesAPodPendingThatNeverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyNever, "app", "bad"), &fakeRuntime{
			start: func(name string, _ int) (*fakeProcess, error) {
				if name == "bad" {
					return nil, errors.New("no")
				}
				return runs(0), nil
			},
		})
		l.SandboxDied()
		l.at(time.Hour)
		assert.Equal(t, 1, l.runtime.sandboxes)
		assert.Equal(t, 143, l.container("app").State.Terminated.ExitCode)
		assert.Equal(t, PodPending, l.Status().Phase, "one container never ran, and never will")
		assert.False(t, l.ended())
	})
}
