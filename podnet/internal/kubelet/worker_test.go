package kubelet

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPodStartsItsContainersInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := newPod("", "b", "a")
		pod.Containers[0].Image = "nginx:1.27"
		l := begin(t, pod, &fakeRuntime{present: map[string]bool{"nginx:1.27": true}})

		assert.Equal(t, []string{"0s sandbox 1", "0s start b 0", "0s start a 0"}, l.takeLog())
		assert.Equal(t, []string{
			`0s Normal Pulled spec.containers{b}: Container image "nginx:1.27" already present on machine and can be accessed by the pod`,
			`0s Normal Created spec.containers{b}: Container created`,
			`0s Normal Started spec.containers{b}: Container started`,
			`0s Normal Created spec.containers{a}: Container created`,
			`0s Normal Started spec.containers{a}: Container started`,
		}, l.takeEvents())

		s := l.Status()
		assert.Equal(t, PodRunning, s.Phase)
		assert.Equal(t, "[10.244.0.1]", fmt.Sprint(s.IPs))
		assert.Equal(t, l.begun, s.StartTime)
		assert.Equal(t, []string{"a", "b"}, []string{s.Containers[0].Name, s.Containers[1].Name}, "sorted by name")
		assert.Equal(t, ContainerStatus{
			Name:    "b",
			Image:   "nginx:1.27",
			State:   ContainerState{Running: &Running{StartedAt: l.begun}},
			Started: true,
			Ready:   true,
		}, l.container("b"))
		for _, c := range s.Conditions {
			assert.Equal(t, Condition{Type: c.Type, Status: ConditionTrue, LastTransitionTime: l.begun}, c)
		}

		l.at(24 * time.Hour)
		assert.Empty(t, l.takeLog(), "a healthy Pod is left alone")
		assert.Empty(t, l.takeEvents())
	})
}

// crashStarts are the starts of a container that ends at once, up to limit.
func crashStarts(limit time.Duration) []string {
	lines := []string{"0s start app 0", "0s start app 1"}
	at, wait := time.Duration(0), 10*time.Second
	for {
		at += wait
		if at > limit {
			return lines
		}
		lines = append(lines, fmt.Sprintf("%v start app %d", at, len(lines)))
		wait = min(2*wait, 300*time.Second)
	}
}

func TestCrashLoopKeepsKubernetesTimes(t *testing.T) {
	for name, code := range map[string]int{"failing": 1, "exit 0 under Always loops, too": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
					start: always(func() *fakeProcess { return exits(code, 0) }),
				})
				l.at(2 * time.Hour)
				log := l.takeLog()
				assert.Equal(t, "0s sandbox 1", log[0])
				assert.Equal(t, crashStarts(2*time.Hour), log[1:])
				assert.Equal(t, []string{"10s", "30s", "1m10s", "2m30s", "5m10s", "10m10s", "15m10s"}, firstWords(log[3:10]),
					"the waits are 10, 20, 40, 80, 160, 300 and 300 seconds")

				c := l.container("app")
				assert.Equal(t, &Waiting{
					Reason:  "CrashLoopBackOff",
					Message: "back-off 5m0s restarting failed container=app pod=web_default(u-1)",
				}, c.State.Waiting)
				assert.Equal(t, code, c.LastTermination.ExitCode)
				assert.Equal(t, len(log)-2, c.RestartCount)
				assert.Equal(t, PodRunning, l.Status().Phase)
			})
		})
	}
}

func firstWords(lines []string) []string {
	words := make([]string, len(lines))
	for i, line := range lines {
		words[i], _, _ = strings.Cut(line, " ")
	}
	return words
}

func TestCrashLoopTellsWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { p := exits(3, time.Second); p.message = "no config"; return p }),
		})
		l.at(1500 * time.Millisecond)
		c := l.container("app")
		require.NotNil(t, c.State.Running, "the first restart is immediate")
		assert.Equal(t, &Terminated{
			ExitCode: 3, Reason: "Error", Message: "no config",
			StartedAt: l.begun, FinishedAt: l.begun.Add(time.Second),
		}, c.LastTermination)
		assert.Equal(t, 1, c.RestartCount)
		l.takeEvents()

		l.at(2 * time.Second)
		c = l.container("app")
		assert.Equal(t, &Waiting{
			Reason:  "CrashLoopBackOff",
			Message: "back-off 10s restarting failed container=app pod=web_default(u-1)",
		}, c.State.Waiting)
		assert.Equal(t, l.begun.Add(2*time.Second), c.LastTermination.FinishedAt, "the run that just ended")
		assert.False(t, c.Ready)
		assert.False(t, c.Started)
		assert.Equal(t, "False ContainersNotReady containers with unready status: [app] since 2s", l.condition(PodReady))

		l.at(12 * time.Second)
		assert.Equal(t, []string{
			`2s Warning BackOff spec.containers{app}: Back-off restarting failed container app in pod web_default(u-1)`,
			`12s Normal Created spec.containers{app}: Container created`,
			`12s Normal Started spec.containers{app}: Container started`,
		}, l.takeEvents())
		assert.Equal(t, "True   since 12s", l.condition(PodReady))
	})
}

func TestCrashLoopTellsEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { return exits(1, 0) }),
		})
		l.at(309 * time.Second)
		l.takeEvents()
		l.at(611 * time.Second)
		var at []string
		for _, line := range l.takeEvents() {
			if strings.Contains(line, " BackOff ") {
				at = append(at, line)
			}
		}
		assert.Equal(t, []string{"5m10s", "6m10s", "7m10s", "8m10s", "9m10s", "10m10s"}, firstWords(at))
	})
}

func TestCrashLoopIsForgottenAfterALongRun(t *testing.T) {
	tests := map[string]struct {
		long time.Duration // the run that starts at 1m10s, with a next delay of 80 s
		want []string      // the starts that follow
	}{
		"ten minutes are not enough": {600 * time.Second, []string{"12m30s start app 5"}},
		"a second more is": {601 * time.Second, []string{
			"11m11s start app 5", "11m21s start app 6", "11m41s start app 7", "12m21s start app 8",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
					start: func(_ string, restart int) (*fakeProcess, error) {
						if restart == 4 {
							return exits(1, tt.long), nil
						}
						return exits(1, 0), nil
					},
				})
				l.at(71 * time.Second)
				l.takeLog()
				l.at(13 * time.Minute)
				assert.Equal(t, tt.want, l.takeLog())
			})
		})
	}
}

func TestRestartPolicyDecidesHowAPodEnds(t *testing.T) {
	tests := map[string]struct {
		policy RestartPolicy
		codes  []int // of the runs, the last one again and again
		phase  Phase
		ended  bool
		runs   int
		reason string // of the terminated state
		ready  string
	}{
		"Never, exit 0":                {RestartPolicyNever, []int{0}, PodSucceeded, true, 1, "Completed", "False PodCompleted"},
		"Never, exit 1":                {RestartPolicyNever, []int{1}, PodFailed, true, 1, "Error", "False PodFailed"},
		"OnFailure, exit 0":            {RestartPolicyOnFailure, []int{0}, PodSucceeded, true, 1, "Completed", "False PodCompleted"},
		"OnFailure, exit 1, 1, 0":      {RestartPolicyOnFailure, []int{1, 1, 0}, PodSucceeded, true, 3, "Completed", "False PodCompleted"},
		"OnFailure, exit 1 for ever":   {RestartPolicyOnFailure, []int{1}, PodRunning, false, 3, "", "False ContainersNotReady containers with unready status: [app]"},
		"Always, exit 0 for ever":      {RestartPolicyAlways, []int{0}, PodRunning, false, 3, "", "False ContainersNotReady containers with unready status: [app]"},
		"the zero policy means Always": {"", []int{0}, PodRunning, false, 3, "", "False ContainersNotReady containers with unready status: [app]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newPod(tt.policy, "app"), &fakeRuntime{
					start: func(_ string, restart int) (*fakeProcess, error) {
						return exits(tt.codes[min(restart, len(tt.codes)-1)], 0), nil
					},
				})
				l.at(15 * time.Second)
				s, c := l.Status(), l.container("app")
				assert.Equal(t, tt.phase, s.Phase)
				assert.Equal(t, tt.ended, l.ended())
				assert.Equal(t, tt.runs, c.RestartCount+1)
				assert.Contains(t, l.condition(PodReady), tt.ready)
				assert.Equal(t, "[10.244.0.1]", fmt.Sprint(s.IPs), "the address stays in the status")
				assert.Equal(t, !tt.ended, l.runtime.isUp(), "the sandbox is stopped with the last container")
				if tt.ended {
					require.NotNil(t, c.State.Terminated)
					assert.Equal(t, tt.reason, c.State.Terminated.Reason)
					assert.Contains(t, l.condition(PodReadyToStartContainers), "False PodSandboxNotReady pod sandbox is not ready")
				} else {
					require.NotNil(t, c.State.Waiting)
				}
			})
		})
	}
}

func TestPodEndsWithItsLastContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyNever, "main", "side"), &fakeRuntime{
			start: func(name string, _ int) (*fakeProcess, error) {
				if name == "main" {
					return exits(1, time.Second), nil
				}
				return exits(0, time.Minute), nil
			},
		})
		l.at(2 * time.Second)
		assert.Equal(t, PodRunning, l.Status().Phase)
		assert.Equal(t, "Error", l.container("main").State.Terminated.Reason)
		assert.Equal(t, "Error", StatusColumn(l.Status()))
		l.at(time.Minute)
		assert.Equal(t, PodFailed, l.Status().Phase)
		assert.True(t, l.ended())
		assert.NotContains(t, fmt.Sprint(l.takeEvents()), "Killing")
	})
}

func TestStartErrorsAreRetriedAtTheKubeletsPace(t *testing.T) {
	const message = "mount /x: no such volume"
	tests := map[string]struct {
		err    error
		reason string
		log    []string
		events []string // of the first try
		last   *Terminated
	}{
		"a plain error is a create error": {
			err:    errors.New(message),
			reason: "CreateContainerError",
			log:    []string{"0s start app 0 failed", "1s start app 0 failed", "11s start app 0 failed", "21s start app 0 failed"},
			events: []string{`0s Warning Failed spec.containers{app}: Error: ` + message},
		},
		"config error, wrapped": {
			err:    fmt.Errorf("%w", &StartError{Reason: ReasonCreateContainerConfigError, Err: errors.New(message)}),
			reason: "CreateContainerConfigError",
			log:    []string{"0s start app 0 failed", "1s start app 0 failed", "11s start app 0 failed", "21s start app 0 failed"},
			events: []string{`0s Warning Failed spec.containers{app}: Error: ` + message},
		},
		"a run error leaves a container behind": {
			err:    &StartError{Reason: ReasonRunContainerError, Err: errors.New(message)},
			reason: "RunContainerError",
			log:    []string{"0s start app 0 failed", "1s start app 1 failed", "11s start app 2 failed"},
			events: []string{
				`0s Normal Created spec.containers{app}: Container created`,
				`0s Warning Failed spec.containers{app}: Error: ` + message,
			},
			last: &Terminated{ExitCode: 128, Reason: "StartError", Message: message},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
					start: func(string, int) (*fakeProcess, error) { return nil, tt.err },
				})
				c := l.container("app")
				assert.Equal(t, &Waiting{Reason: tt.reason, Message: message}, c.State.Waiting)
				if tt.last != nil {
					tt.last.FinishedAt = l.begun
				}
				assert.Equal(t, tt.last, c.LastTermination)
				assert.Equal(t, tt.events, l.takeEvents())
				l.at(25 * time.Second)
				assert.Equal(t, tt.log, l.takeLog()[1:])
			})
		})
	}
}

func TestRunErrorOfARestartIsSeenByTheNextRelist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			start: func(_ string, restart int) (*fakeProcess, error) {
				if restart == 0 {
					return exits(1, 20*time.Second), nil
				}
				return nil, &StartError{Reason: ReasonRunContainerError, Err: errors.New("exec: not found")}
			},
		})
		l.at(20 * time.Second)
		assert.Equal(t, "RunContainerError", l.container("app").State.Waiting.Reason)
		assert.Equal(t, 1, l.container("app").RestartCount)
		l.at(21 * time.Second)
		assert.Equal(t, "CrashLoopBackOff", l.container("app").State.Waiting.Reason)
		assert.Equal(t, "StartError", l.container("app").LastTermination.Reason)
	})
}

func TestFinalPhaseComesWhenTheSandboxIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *Worker
		var phase Phase
		started := make(chan struct{})
		w = startOn(newPod(RestartPolicyNever, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { return exits(0, 0) }),
			down:  func() { <-started; phase = w.Status().Phase },
		}, nil, nil)
		close(started)
		<-w.Done()
		assert.Equal(t, PodRunning, phase)
		assert.Equal(t, PodSucceeded, w.Status().Phase)
	})
}

func TestStartErrorIsTheErrorInIt(t *testing.T) {
	cause := errors.New("no such file")
	err := &StartError{Reason: ReasonRunContainerError, Err: cause}
	assert.ErrorIs(t, err, cause)
	assert.EqualError(t, err, "no such file")
}

func TestRunErrorEndsAPodThatNeverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyNever, "app"), &fakeRuntime{
			start: func(string, int) (*fakeProcess, error) {
				return nil, &StartError{Reason: ReasonRunContainerError, Err: errors.New("exec: not found")}
			},
		})
		l.at(time.Second)
		assert.True(t, l.ended())
		assert.Equal(t, PodFailed, l.Status().Phase)
		assert.Equal(t, "StartError", StatusColumn(l.Status()))
	})
}

func TestOneContainersFailureDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "bad", "good"), &fakeRuntime{
			start: func(name string, _ int) (*fakeProcess, error) {
				if name == "bad" {
					return nil, errors.New("no")
				}
				return runs(0), nil
			},
		})
		assert.NotNil(t, l.container("good").State.Running)
		assert.Equal(t, PodPending, l.Status().Phase, "one container has not run yet")
		assert.Equal(t, "False ContainersNotReady containers with unready status: [bad] since 0s", l.condition(ContainersReady))
	})
}

func TestStopLeavesNothingBehind(t *testing.T) {
	tests := map[string]struct {
		runtime *fakeRuntime
		image   string
		act     func(*life)
	}{
		"at once":            {runtime: &fakeRuntime{}},
		"running":            {runtime: &fakeRuntime{}, act: func(l *life) { l.at(time.Minute) }},
		"ignoring SIGTERM":   {runtime: &fakeRuntime{start: always(func() *fakeProcess { return runs(-1) })}},
		"in a crash loop":    {runtime: &fakeRuntime{start: always(func() *fakeProcess { return exits(1, 0) })}, act: func(l *life) { l.at(5 * time.Second) }},
		"in a pull back-off": {runtime: &fakeRuntime{}, image: "x", act: func(l *life) { l.at(5 * time.Second) }},
		"without sandbox":    {runtime: &fakeRuntime{sandbox: func(int) error { return errors.New("no address") }}, act: func(l *life) { l.at(5 * time.Second) }},
		"being deleted": {
			runtime: &fakeRuntime{start: always(func() *fakeProcess { return runs(-1) })},
			act:     func(l *life) { l.Delete(30 * time.Second); l.at(5 * time.Second) },
		},
		"in a change of sandbox": {
			runtime: &fakeRuntime{start: always(func() *fakeProcess { return runs(-1) })},
			act:     func(l *life) { l.SandboxDied(); l.at(5 * time.Second) },
		},
		"deleted": {runtime: &fakeRuntime{}, act: func(l *life) { l.Delete(0); l.at(time.Minute) }},
		"twice":   {runtime: &fakeRuntime{}, act: func(l *life) { l.Stop() }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pod := newPod(RestartPolicyAlways, "app", "side")
				pod.Containers[0].Image = tt.image
				l := begin(t, pod, tt.runtime)
				if tt.act != nil {
					tt.act(l)
				}
				l.takeEvents()
				before, changed := l.Status(), l.Changed()
				l.Stop()
				assert.True(t, l.ended())
				for _, p := range tt.runtime.processes {
					assert.True(t, isClosed(p.done), "a process goes on")
				}
				assert.False(t, tt.runtime.isUp())
				assert.Empty(t, l.takeEvents(), "nobody is told")
				assert.Equal(t, before, l.Status())
				assert.False(t, isClosed(changed))
			})
		})
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestChangedMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startOn(newPod(RestartPolicyNever, "app"), &fakeRuntime{
			start: always(func() *fakeProcess { return exits(0, time.Minute) }),
		}, nil, nil)
		defer w.Stop()
		var phases []Phase
		for {
			changed, s := w.Changed(), w.Status()
			if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
				phases = append(phases, s.Phase)
			}
			if s.Phase.terminal() {
				break
			}
			<-changed
		}
		assert.Equal(t, PodSucceeded, phases[len(phases)-1])
		assert.Contains(t, phases, PodRunning)
	})
}

func TestStatusIsTheCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "app"), &fakeRuntime{
			start: func(_ string, restart int) (*fakeProcess, error) {
				if restart == 0 {
					return exits(1, 0), nil
				}
				return runs(0), nil
			},
		})
		want, mine := l.Status(), l.Status()
		mine.Conditions[0].Reason = "changed"
		mine.IPs[0] = mine.IPs[0].Next()
		mine.Containers[0].Name = "changed"
		mine.Containers[0].State.Running.StartedAt = time.Time{}
		mine.Containers[0].LastTermination.ExitCode = 99
		assert.Equal(t, want, l.Status())
	})
}

func TestEventsComeBeforeTheStatusTheyExplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *Worker
		ready := make(chan struct{})
		var seen []string
		w = startOn(newPod(RestartPolicyAlways, "app"), &fakeRuntime{}, func(e Event) {
			<-ready
			seen = append(seen, e.Reason+" "+string(w.Status().Phase)) // no lock is held
		}, nil)
		defer w.Stop()
		close(ready)
		synctest.Wait()
		assert.Equal(t, []string{"Created Pending", "Started Pending"}, seen)
	})
}
