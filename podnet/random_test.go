package podnet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// A hundred Pods are created, killed and deleted at random for an hour of virtual
// time, or for ten minutes with -short. Each status that any of them ever has is held
// against what Kubernetes' rules allow, by itself and after the one before it.
func TestARandomHourOfAHundredPods(t *testing.T) {
	seeds := uint64(1)
	if *fullSize {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { randomHour(t, seed) })
		})
	}
}

func randomHour(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	cluster, err := podnet.NewCluster(podnet.Config{Seed: seed})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var watching, deleting sync.WaitGroup
	statuses, made := 0, 0
	var mu sync.Mutex // guards statuses
	create := func() {
		made++
		spec := randomPod(r, fmt.Sprintf("pod-%d", made))
		require.NoError(t, cluster.Apply(ctx, spec))
		p := cluster.Pod("", spec.Name)
		updates := p.Watch(ctx)
		watching.Go(func() {
			var last *podnet.PodStatus
			for u := range updates {
				if u.Status == nil {
					continue
				}
				if broken := forbidden(spec, last, *u.Status); broken != "" {
					t.Errorf("%s: %s\nbefore: %+v\nafter:  %+v", spec.Name, broken, last, *u.Status)
				}
				last = u.Status
				mu.Lock()
				statuses++
				mu.Unlock()
			}
		})
	}
	for range 100 {
		create()
	}
	end := time.Now().Add(time.Hour)
	if testing.Short() {
		end = time.Now().Add(10 * time.Minute)
	}
	for time.Now().Before(end) {
		time.Sleep(time.Duration(r.Int64N(int64(4 * time.Second))))
		pods := cluster.Pods()
		p := pods[r.IntN(len(pods))]
		switch r.IntN(10) {
		case 0, 1, 2:
			list := append(p.InitContainers(), p.Containers()...)
			_ = list[r.IntN(len(list))].Kill() // fails if it does not run
		case 3:
			p.KillSandbox()
		case 4:
			require.NoError(t, p.SetCondition(podnet.PodCondition{Type: "example.com/gate", Status: r.IntN(2) == 0}))
		default:
			var opt podnet.DeleteOptions
			if n := r.Int64N(40); n < 30 {
				opt.GracePeriodSeconds = &n
			}
			deleting.Go(func() { _ = p.DeleteWith(ctx, opt) })
			create()
		}
	}
	require.NoError(t, cluster.Close())
	cancel()
	deleting.Wait()
	watching.Wait()
	t.Logf("%d Pods, %d statuses", made, statuses)
}

// randomPod returns a Pod of random containers.
func randomPod(r *rand.Rand, name string) podnet.PodSpec {
	policies := []podnet.RestartPolicy{podnet.RestartPolicyAlways, podnet.RestartPolicyOnFailure, podnet.RestartPolicyNever}
	spec := podnet.PodSpec{Name: name, RestartPolicy: policies[r.IntN(3)]}
	if r.IntN(4) == 0 {
		spec.ActiveDeadlineSeconds = seconds(1 + r.Int64N(600))
	}
	if r.IntN(4) == 0 {
		spec.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: "example.com/gate"}}
	}
	for i := range r.IntN(4) {
		c := randomContainer(r, fmt.Sprintf("init-%d", i))
		if r.IntN(2) == 0 {
			c.RestartPolicy = always
		} else {
			c.Run = exits(r.IntN(4)/3, time.Duration(r.IntN(5000))*time.Millisecond)
			c.StartupProbe, c.LivenessProbe, c.ReadinessProbe, c.Lifecycle = nil, nil, nil, nil
		}
		spec.InitContainers = append(spec.InitContainers, c)
	}
	for i := range 1 + r.IntN(3) {
		c := randomContainer(r, fmt.Sprintf("app-%d", i))
		if r.IntN(4) == 0 {
			c.RestartPolicy = policies[r.IntN(3)]
			c.RestartPolicyRules = rule([]podnet.ContainerRestartRuleAction{podnet.RestartRuleActionRestart, podnet.RestartRuleActionRestartAllContainers}[r.IntN(2)], 2)
		}
		spec.Containers = append(spec.Containers, c)
	}
	return spec
}

func randomContainer(r *rand.Rand, name string) podnet.ContainerSpec {
	c := podnet.ContainerSpec{Name: name}
	switch r.IntN(4) {
	case 0:
		c.Run = pause
	case 1:
		c.Run = deaf
	default:
		c.Run = exits(r.IntN(3), time.Duration(r.IntN(120))*time.Second)
	}
	probe := func() *podnet.Probe {
		switch r.IntN(4) {
		case 0:
			return &podnet.Probe{Exec: action(exits(0, time.Duration(r.IntN(1500))*time.Millisecond)), PeriodSeconds: 1 + r.Int32N(20)}
		case 1:
			return &podnet.Probe{Exec: action(exits(r.IntN(2), 0)), InitialDelaySeconds: r.Int32N(10), FailureThreshold: 1 + r.Int32N(3)}
		}
		return nil
	}
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = probe(), probe(), probe()
	if r.IntN(3) == 0 {
		c.Lifecycle = &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: r.Int64N(20)}}}
		if r.IntN(3) == 0 {
			c.Lifecycle.PostStart = &podnet.LifecycleHandler{Exec: action(exits(r.IntN(5)/4, time.Duration(r.IntN(3000))*time.Millisecond))}
		}
	}
	return c
}

// forbidden says what Kubernetes' rules have against a status, and against its
// coming after the last one, which is nil for the first.
func forbidden(spec podnet.PodSpec, last *podnet.PodStatus, s podnet.PodStatus) string {
	terminal := s.Phase == podnet.PodSucceeded || s.Phase == podnet.PodFailed
	appRan := false
	for i, list := range [][]podnet.ContainerStatus{s.InitContainers, s.Containers} {
		for _, c := range list {
			set := 0
			for _, is := range []bool{c.State.Waiting != nil, c.State.Running != nil, c.State.Terminated != nil} {
				if is {
					set++
				}
			}
			switch {
			case set != 1:
				return c.Name + " has not exactly one state"
			case c.State.Waiting != nil && c.State.Waiting.Reason == "":
				return c.Name + " waits for no reason"
			case c.Started && c.State.Running == nil:
				return c.Name + " is started and does not run"
			case i == 1 && c.Ready && !c.Started:
				return c.Name + " is ready and not started"
			case terminal && c.State.Running != nil:
				return c.Name + " runs in a Pod that has ended"
			}
			appRan = appRan || i == 1 && c.State.Running != nil
		}
	}
	if appRan && last != nil && !appRuns(*last) {
		for i, c := range s.InitContainers {
			if spec.InitContainers[i].RestartPolicy != always && !c.Ready {
				return "a container runs before init container " + c.Name + " is done"
			}
		}
	}
	is := func(s podnet.PodStatus, typ string) bool { c, _ := s.Condition(typ); return c.Status }
	switch {
	case is(s, "Ready") && !is(s, "ContainersReady"):
		return "it is ready and its containers are not"
	case is(s, "Ready") && (terminal || !is(s, "Initialized")):
		return "it is ready and has ended or was not initialized"
	case s.Phase == podnet.PodSucceeded && !allSucceeded(s):
		return "it succeeded and a container did not"
	}
	if last == nil {
		return ""
	}
	switch {
	case last.Phase != s.Phase && (last.Phase == podnet.PodSucceeded || last.Phase == podnet.PodFailed):
		return "a final phase changed"
	case is(*last, "Initialized") && !is(s, "Initialized"):
		return "it is no longer initialized"
	case !last.DeletionTimestamp.IsZero() && s.DeletionTimestamp.After(last.DeletionTimestamp):
		return "its deletion was put off"
	case !last.DeletionTimestamp.IsZero() && s.DeletionTimestamp.IsZero():
		return "its deletion was taken back"
	}
	for i, c := range s.Conditions {
		if i < len(last.Conditions) && last.Conditions[i].Type == c.Type && last.Conditions[i].Status == c.Status && !last.Conditions[i].LastTransitionTime.Equal(c.LastTransitionTime) && c.Type != "example.com/gate" {
			return "the transition time of " + c.Type + " changed without a transition"
		}
	}
	for _, list := range [][2][]podnet.ContainerStatus{{last.InitContainers, s.InitContainers}, {last.Containers, s.Containers}} {
		for i, c := range list[1] {
			old := list[0][i]
			switch {
			case c.RestartCount < old.RestartCount:
				return c.Name + " was restarted fewer times than before"
			case c.RestartCount > old.RestartCount+1:
				return c.Name + " was restarted and nobody told"
			case c.State.Running != nil && old.State.Running != nil && c.RestartCount != old.RestartCount && c.State.Running.StartedAt.Equal(old.State.Running.StartedAt):
				return c.Name + " was restarted without an end"
			case c.State.Running != nil && old.State.Running == nil && !last.DeletionTimestamp.IsZero():
				return c.Name + " was started in a Pod that is being deleted"
			}
		}
	}
	return ""
}

func appRuns(s podnet.PodStatus) bool {
	for _, c := range s.Containers {
		if c.State.Running != nil || c.State.Terminated != nil || c.LastTermination != nil {
			return true
		}
	}
	return false
}

func allSucceeded(s podnet.PodStatus) bool {
	for _, c := range s.Containers {
		end := c.State.Terminated
		if end == nil && c.State.Waiting != nil {
			end = c.LastTermination
		}
		if end == nil || end.ExitCode != 0 {
			return false
		}
	}
	return true
}

// The rules must be able to fail.
func TestForbiddenStatusesAreFound(t *testing.T) {
	running := podnet.ContainerState{Running: &podnet.ContainerStateRunning{}}
	ended := podnet.ContainerState{Terminated: &podnet.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}}
	waiting := podnet.ContainerState{Waiting: &podnet.ContainerStateWaiting{Reason: "PodInitializing"}}
	status := func(phase podnet.PodPhase, c ...podnet.ContainerStatus) podnet.PodStatus {
		return podnet.PodStatus{Phase: phase, Containers: c}
	}
	spec := podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "init"}}}
	uninitialized := status(podnet.PodPending, podnet.ContainerStatus{Name: "a", State: running})
	uninitialized.InitContainers = []podnet.ContainerStatus{{Name: "init", State: ended}}
	before := status(podnet.PodPending, podnet.ContainerStatus{Name: "a", State: waiting})
	deleted := before
	deleted.DeletionTimestamp = time.Unix(1, 0)
	started := status(podnet.PodRunning, podnet.ContainerStatus{Name: "a", State: running})
	started.DeletionTimestamp = deleted.DeletionTimestamp
	restarted := status(podnet.PodRunning, podnet.ContainerStatus{Name: "a", State: running, RestartCount: 2})
	final := status(podnet.PodFailed, podnet.ContainerStatus{Name: "a", State: ended})
	for want, tt := range map[string]struct {
		last *podnet.PodStatus
		s    podnet.PodStatus
	}{
		"a has not exactly one state":                         {nil, status(podnet.PodRunning, podnet.ContainerStatus{Name: "a"})},
		"a is started and does not run":                       {nil, status(podnet.PodRunning, podnet.ContainerStatus{Name: "a", State: ended, Started: true})},
		"a is ready and not started":                          {nil, status(podnet.PodRunning, podnet.ContainerStatus{Name: "a", State: running, Ready: true})},
		"a runs in a Pod that has ended":                      {nil, status(podnet.PodFailed, podnet.ContainerStatus{Name: "a", State: running})},
		"it succeeded and a container did not":                {nil, status(podnet.PodSucceeded, podnet.ContainerStatus{Name: "a", State: ended})},
		"a final phase changed":                               {&final, status(podnet.PodRunning, podnet.ContainerStatus{Name: "a", State: ended})},
		"a container runs before init container init is done": {&before, uninitialized},
		"a was started in a Pod that is being deleted":        {&deleted, started},
		"a was restarted and nobody told":                     {&before, restarted},
		"":                                                    {&before, status(podnet.PodRunning, podnet.ContainerStatus{Name: "a", State: running})},
	} {
		assert.Equal(t, want, forbidden(spec, tt.last, tt.s))
	}
}
