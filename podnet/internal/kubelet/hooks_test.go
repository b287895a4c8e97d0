package kubelet

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// withPreStop is a Pod whose one container has a preStop hook.
func withPreStop() Pod {
	pod := newPod(RestartPolicyAlways, "app")
	pod.Containers[0].PreStop = true
	return pod
}

// lasts is a hook that takes d unless nobody waits for it.
func lasts(d time.Duration) func(context.Context, string, Hook, *fakeProcess) error {
	return func(ctx context.Context, _ string, _ Hook, _ *fakeProcess) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestPreStopTakesItsTimeOffTheGracePeriod(t *testing.T) {
	tests := map[string]struct {
		hook    time.Duration
		grace   time.Duration
		signals []string
	}{
		"in whole seconds":            {3 * time.Second, 10 * time.Second, []string{"TERM 3s", "KILL 10s"}},
		"rounded down":                {3700 * time.Millisecond, 10 * time.Second, []string{"TERM 3.7s", "KILL 10.7s"}},
		"but two seconds":             {9 * time.Second, 10 * time.Second, []string{"TERM 9s", "KILL 11s"}},
		"overrun, and cut off":        {time.Hour, 10 * time.Second, []string{"TERM 10s", "KILL 12s"}},
		"it runs in the shortest one": {500 * time.Millisecond, 0, []string{"TERM 500ms", "KILL 2.5s"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, withPreStop(), &fakeRuntime{start: always(func() *fakeProcess { return runs(-1) }), hook: lasts(tt.hook)})
				l.Delete(tt.grace)
				<-l.Done()
				assert.Equal(t, tt.signals, l.runtime.process("app").signals)
			})
		})
	}
}

// The kubelet goes on waiting for the hook of a container that ends meanwhile, but
// no longer than the grace period.
func TestHookOfAnEndedContainer(t *testing.T) {
	for name, tt := range map[string]struct{ hook, end time.Duration }{
		"it is waited for":        {4 * time.Second, 4 * time.Second},
		"and given up in the end": {time.Hour, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, withPreStop(), &fakeRuntime{start: always(func() *fakeProcess { return exits(0, 2*time.Second) }), hook: lasts(tt.hook)})
				l.Delete(10 * time.Second)
				<-l.Done()
				assert.Equal(t, tt.end, time.Since(l.begun))
				assert.Empty(t, l.runtime.process("app").signals)
			})
		})
	}
}

func TestStopEndsWhateverHookRuns(t *testing.T) {
	for name, pod := range map[string]Pod{
		"preStop":   withPreStop(),
		"postStart": func() Pod { p := newPod(RestartPolicyAlways, "app"); p.Containers[0].PostStart = true; return p }(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, pod, &fakeRuntime{hook: lasts(time.Hour)})
				l.Delete(time.Hour)
				synctest.Wait()
				l.takeEvents()
				l.Stop()
				assert.Empty(t, l.takeEvents())
				assert.Zero(t, time.Since(l.begun))
			})
		})
	}
}

func TestDeletionWaitsForAPostStartHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := newPod(RestartPolicyAlways, "app", "next")
		pod.Containers[0].PostStart = true
		l := begin(t, pod, &fakeRuntime{hook: lasts(5 * time.Second)})
		assert.Equal(t, "ContainerCreating", StatusColumn(l.Status()), "what has a hook has not started before its end")
		l.Delete(30 * time.Second)
		<-l.Done()
		assert.Equal(t, []string{"0s sandbox 1", "0s start app 0", "0s postStart app", "5s postStart app done", "5s sandbox stopped"}, l.takeLog())
	})
}

func TestVolumesAreTriedWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{mount: func(n int) error {
			if n <= 4 {
				return errors.Join(errors.New("a is missing"), errors.New("b is missing"))
			}
			return nil
		}})
		assert.Equal(t, "False PodSandboxNotReady no pod sandbox exists since 0s", l.condition(PodReadyToStartContainers))
		l.at(time.Minute)
		assert.Equal(t, []string{"7.5s sandbox 1", "7.5s start app 0"}, l.takeLog())
		events := l.takeEvents()
		assert.Equal(t, []string{"0s", "0s", "500ms", "500ms", "1.5s", "1.5s", "3.5s", "3.5s", "7.5s", "7.5s"}, firstWords(events))
		assert.Equal(t, "0s Warning FailedMount : a is missing", events[0])
		assert.Equal(t, "0s Warning FailedMount : b is missing", events[1])
	})
}
