package kubelet

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeleteStopsContainersTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "a", "b"), &fakeRuntime{
			start: func(name string, _ int) (*fakeProcess, error) {
				return runs(map[string]time.Duration{"a": 0, "b": 5 * time.Second}[name]), nil
			},
		})
		l.at(time.Minute)
		l.takeEvents()
		l.takeLog()
		changed := l.Changed()
		l.Delete(30 * time.Second)
		assert.True(t, isClosed(changed), "who waits learns of it at once")
		assert.Equal(t, "Terminating", StatusColumn(l.Status()))
		assert.Equal(t, l.begun.Add(90*time.Second), l.Status().DeletionTimestamp)

		l.at(64 * time.Second)
		assert.Equal(t, []string{
			"1m0s Normal Killing spec.containers{a}: Stopping container a",
			"1m0s Normal Killing spec.containers{b}: Stopping container b",
		}, l.takeEvents())
		assert.Equal(t, 143, l.container("a").State.Terminated.ExitCode, "shown when it ended")
		assert.NotNil(t, l.container("b").State.Running)
		assert.False(t, l.ended())
		assert.True(t, l.runtime.isUp())

		l.at(65 * time.Second)
		assert.True(t, l.ended())
		s := l.Status()
		assert.Equal(t, PodFailed, s.Phase)
		assert.Equal(t, l.begun.Add(65*time.Second), l.container("b").State.Terminated.FinishedAt)
		assert.Equal(t, []string{"1m5s sandbox stopped"}, l.takeLog(), "the sandbox goes last")
		assert.Equal(t, "False PodFailed  since 1m0s", l.condition(PodReady))
		assert.Equal(t, "False PodSandboxNotReady pod sandbox is not ready since 1m5s", l.condition(PodReadyToStartContainers))
		assert.Empty(t, l.takeEvents())
	})
}

func TestGracePeriodEndsWithSIGKILL(t *testing.T) {
	// The process has run for ten seconds when the Pod is deleted.
	type deletion struct {
		at    time.Duration
		grace time.Duration
	}
	tests := map[string]struct {
		deletions []deletion
		signals   []string
		deletedAt time.Duration // the deletion timestamp
	}{
		"in time": {
			[]deletion{{10 * time.Second, 30 * time.Second}},
			[]string{"TERM 10s", "KILL 40s"}, 40 * time.Second,
		},
		"a second is raised to two": {
			[]deletion{{10 * time.Second, time.Second}},
			[]string{"TERM 10s", "KILL 12s"}, 11 * time.Second,
		},
		"zero is one, and raised to two": {
			[]deletion{{10 * time.Second, 0}},
			[]string{"TERM 10s", "KILL 12s"}, 11 * time.Second,
		},
		"negative is like zero": {
			[]deletion{{10 * time.Second, -time.Minute}},
			[]string{"TERM 10s", "KILL 12s"}, 11 * time.Second,
		},
		"shortened, from the second Delete on": {
			[]deletion{{10 * time.Second, 30 * time.Second}, {20 * time.Second, 5 * time.Second}},
			[]string{"TERM 10s", "KILL 25s"}, 15 * time.Second,
		},
		"shortened too late to matter": {
			[]deletion{{10 * time.Second, 30 * time.Second}, {35 * time.Second, 20 * time.Second}},
			[]string{"TERM 10s", "KILL 40s"}, 30 * time.Second,
		},
		"never prolonged": {
			[]deletion{{10 * time.Second, 5 * time.Second}, {11 * time.Second, time.Hour}},
			[]string{"TERM 10s", "KILL 15s"}, 15 * time.Second,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
					start: always(func() *fakeProcess { return runs(-1) }),
				})
				l.takeEvents()
				for _, d := range tt.deletions {
					l.at(d.at)
					l.Delete(d.grace)
				}
				<-l.Done()
				s := l.Status()
				assert.Equal(t, tt.signals, l.runtime.process("app").signals)
				assert.Equal(t, l.begun.Add(tt.deletedAt), s.DeletionTimestamp)
				assert.Equal(t, PodFailed, s.Phase)
				end := l.container("app").State.Terminated
				require.NotNil(t, end)
				assert.Equal(t, 137, end.ExitCode)
				assert.Equal(t, "Error", end.Reason)
				assert.Equal(t, []string{"10s Normal Killing spec.containers{app}: Stopping container app"}, l.takeEvents())
			})
		})
	}
}

func TestDeleteGivesEveryPodAFinalPhase(t *testing.T) {
	unknown := Terminated{
		ExitCode: 137,
		Reason:   "ContainerStatusUnknown",
		Message:  "The container could not be located when the pod was terminated",
	}
	tests := map[string]struct {
		runtime *fakeRuntime
		image   string
		phase   Phase
		end     Terminated
		ready   string
	}{
		"ended well": {
			runtime: &fakeRuntime{start: always(func() *fakeProcess { p := runs(-1); p.lives = 11 * time.Second; return p })},
			phase:   PodSucceeded,
			end:     Terminated{Reason: "Completed"},
			ready:   "False PodCompleted  since 10s",
		},
		"in a crash loop": {
			runtime: &fakeRuntime{start: always(func() *fakeProcess { return exits(1, time.Second) })},
			phase:   PodFailed,
			end:     Terminated{ExitCode: 1, Reason: "Error"},
			ready:   "False PodFailed  since 2s",
		},
		"without an image": {
			runtime: &fakeRuntime{},
			image:   "x",
			phase:   PodFailed,
			end:     unknown,
			ready:   "False ContainersNotReady containers with unready status: [app] since 0s",
		},
		"without a sandbox": {
			runtime: &fakeRuntime{sandbox: func(int) error { return errors.New("no") }},
			phase:   PodFailed,
			end:     unknown,
			ready:   "False ContainersNotReady containers with unready status: [app] since 0s",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod := newPod(RestartPolicyAlways, "app")
				pod.Containers[0].Image = tt.image
				l := begin(t, pod, tt.runtime)
				l.at(10 * time.Second)
				l.Delete(30 * time.Second)
				<-l.Done()
				assert.Equal(t, tt.phase, l.Status().Phase)
				end := *l.container("app").State.Terminated
				end.StartedAt, end.FinishedAt = time.Time{}, time.Time{}
				assert.Equal(t, tt.end, end)
				if tt.phase == PodSucceeded {
					assert.Equal(t, "False PodCompleted  since 11s", l.condition(PodReady))
				} else {
					assert.Equal(t, tt.ready, l.condition(PodReady))
				}
			})
		})
	}
}

func TestDeleteEndsAChangeOfSandbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { return runs(-1) }),
		})
		l.at(10 * time.Second)
		l.SandboxDied()
		l.at(15 * time.Second)
		l.takeEvents()
		l.Delete(5 * time.Second)
		<-l.Done()
		assert.Equal(t, []string{"TERM 10s", "KILL 20s"}, l.runtime.process("app").signals)
		assert.Equal(t, 1, l.runtime.sandboxes)
		assert.Empty(t, l.takeEvents(), "its stopping was told before")
	})
}

func TestDeleteOfAnEndedPodDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyNever, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { return exits(0, 0) }),
		})
		require.True(t, l.ended())
		before := l.Status()
		l.Delete(0)
		assert.Equal(t, before, l.Status())
	})
}

func TestCallsCutOffByDeleteAreNotTold(t *testing.T) {
	cut := errors.New("context canceled")
	for name, err := range map[string]error{"failing": cut, "done all the same": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w *Worker
				started := make(chan struct{})
				var events []Event
				del := func() { <-started; w.Delete(30 * time.Second) }
				runtime := &fakeRuntime{begun: time.Now(), sandbox: func(int) error { del(); return err }}
				w = startOn(newPod(RestartPolicyAlways, "app"), runtime, func(e Event) { events = append(events, e) }, nil)
				close(started)
				<-w.Done()
				assert.Empty(t, events)
				assert.False(t, runtime.isUp())
				assert.Equal(t, PodFailed, w.Status().Phase)
			})
			synctest.Test(t, func(t *testing.T) {
				var w *Worker
				started := make(chan struct{})
				var events []string
				runtime := &fakeRuntime{begun: time.Now(), start: func(string, int) (*fakeProcess, error) {
					<-started
					w.Delete(30 * time.Second)
					return runs(0), err
				}}
				w = startOn(newPod(RestartPolicyAlways, "app", "next"), runtime, func(e Event) { events = append(events, e.Reason) }, nil)
				close(started)
				<-w.Done()
				if err != nil {
					assert.Empty(t, events)
				} else {
					assert.Equal(t, []string{"Created", "Started", "Killing"}, events)
				}
				assert.NotContains(t, runtime.processes, "next")
				assert.Equal(t, PodFailed, w.Status().Phase)
			})
		})
	}
}
