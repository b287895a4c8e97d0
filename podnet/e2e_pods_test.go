package podnet_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func one(c podnet.ContainerSpec) podnet.PodSpec {
	if c.Name == "" {
		c.Name = "app"
	}
	if c.Run == nil {
		c.Run = pause
	}
	return podnet.PodSpec{Containers: []podnet.ContainerSpec{c}}
}

var e2ePods = []e2e{
	{"Pods should be submitted and removed [C]", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{}))
		assert.Equal(w, podnet.PodRunning, p.Status().Phase)
		updates := w.watch(p, func(s podnet.PodStatus) string { return s.Columns.Status })
		require.NoError(w, p.Delete(w.Context()))
		assert.Nil(w, w.cluster.Pod("", "pod"))
		assert.Equal(w, []string{"Running", "Terminating", "Completed"}, updates())
	}},
	{"Pods should run through the lifecycle of Pods and PodStatus [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: "example.com/x"}}
		p := w.apply(spec)
		require.NoError(w, p.SetCondition(podnet.PodCondition{Type: "example.com/x", Status: true}))
		w.at(time.Second)
		assert.True(w, condition(p, "Ready"))
		assert.ErrorContains(w, p.SetCondition(podnet.PodCondition{Type: "Ready"}), `"Ready" is not a condition that others than the kubelet set`)
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
	}},
	{"Pods should support pod readiness gates", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: "k8s.io/test-condition1"}, {ConditionType: "k8s.io/test-condition2"}}
		p := w.apply(spec)
		ready := func() string {
			w.at(time.Since(w.begun) + time.Second)
			c, _ := p.Status().Condition("Ready")
			return fmt.Sprint(c.Status, " ", c.Reason, " ", c.Message)
		}
		set := func(typ string, status bool) {
			require.NoError(w, p.SetCondition(podnet.PodCondition{Type: typ, Status: status}))
		}
		assert.Equal(w, `false ReadinessGatesNotReady corresponding condition of pod readiness gate "k8s.io/test-condition1" does not exist., corresponding condition of pod readiness gate "k8s.io/test-condition2" does not exist.`, ready())
		assert.True(w, condition(p, "ContainersReady"))
		set("k8s.io/test-condition1", true)
		assert.Equal(w, `false ReadinessGatesNotReady corresponding condition of pod readiness gate "k8s.io/test-condition2" does not exist.`, ready())
		set("k8s.io/test-condition2", true)
		assert.Equal(w, "true  ", ready())
		set("k8s.io/test-condition1", false)
		assert.Equal(w, `false ReadinessGatesNotReady the status of pod readiness gate "k8s.io/test-condition1" is not "True", but False`, ready())
	}},
	{"Pods should cap back-off at MaxContainerBackOff", func(w *world) {
		var starts []time.Duration
		p := w.apply(one(podnet.ContainerSpec{Run: func(context.Context, *podnet.Container) error {
			starts = append(starts, time.Since(w.begun).Truncate(time.Second))
			return nil
		}}))
		w.at(30 * time.Minute)
		assert.Contains(w, columns(p), "CrashLoopBackOff")
		for i := 8; i < len(starts); i++ {
			assert.Equal(w, 5*time.Minute, starts[i]-starts[i-1])
		}
		assert.Greater(w, len(starts), 9)
	}},
	{"Pods Extended Pod Container Status should never report success for a pending container", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: exits(0, time.Minute)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		require.NoError(w, w.cluster.Apply(w.Context(), named(spec)))
		p := w.cluster.Pod("", "pod")
		for u := range p.Watch(w.Context()) {
			if s := u.Status; s != nil && s.Phase == podnet.PodSucceeded {
				assert.NotNil(w, s.Containers[0].State.Terminated)
				assert.Equal(w, 0, s.Containers[0].State.Terminated.ExitCode)
			}
		}
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
	}},
	{"Pods Extended Pod Container Status should never report container start when an init container fails", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.InitContainers = []podnet.ContainerSpec{{Name: "fail", Run: exits(1, time.Second)}}
		require.NoError(w, w.cluster.Apply(w.Context(), named(spec)))
		p := w.cluster.Pod("", "pod")
		for u := range p.Watch(w.Context()) {
			if u.Status != nil {
				s := u.Status.Containers[0]
				assert.NotNil(w, s.State.Waiting)
				assert.False(w, s.Started)
			}
		}
		assert.Equal(w, podnet.PodFailed, p.Status().Phase)
		assert.Empty(w, w.take())
	}},
	{"Pods Extended Pod TerminationGracePeriodSeconds is negative pod with negative grace period", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Run: deaf}))
		require.NoError(w, p.DeleteWith(w.Context(), podnet.DeleteOptions{GracePeriodSeconds: seconds(-1)}))
		assert.Equal(w, 2, int(time.Since(w.begun).Seconds()))
	}},
	{"Pods a deletion by force frees the name at once", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Run: w.told("old", deaf)}))
		require.NoError(w, p.DeleteWith(w.Context(), podnet.DeleteOptions{GracePeriodSeconds: seconds(0)}))
		again := w.apply(one(podnet.ContainerSpec{}))
		assert.NotEqual(w, p.IP(), again.IP())
		w.at(10 * time.Second)
		assert.Equal(w, []string{"0s old begins", "0s old is told to stop", "2s old ends"}, w.take())
		assert.Equal(w, podnet.PodFailed, p.Status().Phase)
		assert.Equal(w, "1/1 Running 0", columns(again))
	}},
	{"Pods should not create extra sandbox if all containers are done", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: exits(0, time.Second)})
		spec.RestartPolicy = podnet.RestartPolicyOnFailure
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Empty(w, w.events(p, "SandboxChanged"))
		assert.Equal(w, "0/1 Completed 0", columns(p))
		p.KillSandbox()
		w.at(2 * time.Minute)
		assert.Empty(w, w.events(p, "SandboxChanged"))
	}},
	{"Container Runtime blackbox test when starting a container that exits should run with the expected status [C]", func(w *world) {
		// Every third run exits with 1, then 0, and then it stays.
		for _, tt := range []struct {
			policy   podnet.RestartPolicy
			phase    podnet.PodPhase
			state    string
			restarts int
			ready    bool
		}{
			{podnet.RestartPolicyAlways, podnet.PodRunning, "Running", 2, true},
			{podnet.RestartPolicyOnFailure, podnet.PodSucceeded, "Completed", 1, false},
			{podnet.RestartPolicyNever, podnet.PodFailed, "Error", 0, false},
		} {
			runs := 0
			spec := one(podnet.ContainerSpec{Run: func(ctx context.Context, c *podnet.Container) error {
				runs++
				switch runs {
				case 1:
					return podnet.ExitError{Code: 1}
				case 2:
					return nil
				}
				return pause(ctx, c)
			}})
			spec.Name, spec.RestartPolicy = strings.ToLower(string(tt.policy)), tt.policy
			p := w.apply(spec)
			w.at(time.Since(w.begun) + 5*time.Minute)
			assert.Equal(w, tt.phase, p.Status().Phase)
			assert.Equal(w, tt.state, p.Status().Columns.Status)
			assert.Equal(w, tt.restarts, w.restarts(p, "app"))
			assert.Equal(w, tt.ready, condition(p, "Ready"))
		}
	}},
	{"Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: exits(1, 0)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		p := w.apply(spec)
		s, _ := p.Status().Container("app")
		require.NotNil(w, s.State.Terminated)
		assert.Equal(w, "Error", s.State.Terminated.Reason)
	}},
	{"Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete [C]", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Run: exits(1, 0)}))
		w.at(time.Minute)
		require.NoError(w, p.Delete(w.Context()))
	}},
	{"Pods an active deadline ends a Pod with DeadlineExceeded", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.ActiveDeadlineSeconds = seconds(5)
		p := w.apply(spec)
		w.at(time.Minute)
		s := p.Status()
		assert.Equal(w, podnet.PodFailed, s.Phase)
		assert.Equal(w, "DeadlineExceeded: Pod was active on the node longer than the specified deadline", s.Reason+": "+s.Message)
		assert.Equal(w, []string{"0s app begins", "5s app is told to stop", "5s app ends"}, w.take())
		assert.Equal(w, []string{"5s x1 DeadlineExceeded Pod was active on the node longer than the specified deadline"}, w.events(p, "DeadlineExceeded"))
	}},
}

func named(spec podnet.PodSpec) podnet.PodSpec {
	spec.Name = "pod"
	return spec
}

var e2eInit = []e2e{
	{"InitContainer should invoke init containers on a RestartNever pod [C]", func(w *world) { w.initPod(podnet.RestartPolicyNever) }},
	{"InitContainer should invoke init containers on a RestartAlways pod [C]", func(w *world) { w.initPod(podnet.RestartPolicyAlways) }},
	{"InitContainer should not start app containers if init containers fail on a RestartAlways pod [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init1", Run: exits(1, 0)}, {Name: "init2", Run: w.told("init2", exits(0, 0))}}
		p := w.apply(spec)
		w.at(5 * time.Minute)
		assert.Empty(w, w.take())
		assert.Equal(w, podnet.PodPending, p.Status().Phase)
		assert.Equal(w, "0/1 Init:CrashLoopBackOff 5", columns(p))
		c, _ := p.Status().Condition("Initialized")
		assert.Equal(w, "false ContainersNotInitialized containers with incomplete status: [init1 init2]", fmt.Sprint(c.Status, " ", c.Reason, " ", c.Message))
		assert.Equal(w, "PodInitializing", p.Status().Containers[0].State.Waiting.Reason)
	}},
	{"InitContainer should not start app containers and fail the pod if init containers fail on a RestartNever pod [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init1", Run: exits(0, 0)}, {Name: "init2", Run: exits(1, 0)}}
		p := w.apply(spec)
		assert.Empty(w, w.take())
		assert.Equal(w, podnet.PodFailed, p.Status().Phase)
		assert.Equal(w, "0/1 Init:Error 0", columns(p))
		c, _ := p.Status().Condition("Initialized")
		assert.Equal(w, "containers with incomplete status: [init2]", c.Message)
		_, err := w.cluster.StartPod(w.Context(), func() podnet.PodSpec { s := spec; s.Name = "other"; return s }())
		assert.ErrorContains(w, err, "init container init2: Error, exit code 1")
	}},
}

func (w *world) initPod(policy podnet.RestartPolicy) {
	spec := one(podnet.ContainerSpec{Run: w.told("app", exits(0, 9*time.Second))})
	spec.RestartPolicy = policy
	spec.InitContainers = []podnet.ContainerSpec{
		{Name: "init1", Run: w.told("init1", exits(0, 2*time.Second))},
		{Name: "init2", Run: w.told("init2", exits(0, 3*time.Second))},
	}
	p := w.apply(spec)
	states := w.watch(p, func(s podnet.PodStatus) string { return s.Columns.Status })
	w.at(8 * time.Second)
	assert.Equal(w, []string{"0s init1 begins", "2s init1 ends", "2s init2 begins", "5s init2 ends", "5s app begins"}, w.take())
	assert.Equal(w, []string{"Init:0/2", "Init:1/2", "PodInitializing", "Running"}, states())
	for _, s := range p.Status().InitContainers {
		assert.True(w, s.Ready)
		assert.Equal(w, "Completed", s.State.Terminated.Reason)
	}
	assert.True(w, condition(p, "Initialized"))
	w.at(14500 * time.Millisecond)
	if policy == podnet.RestartPolicyNever {
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
		c, _ := p.Status().Condition("Initialized")
		assert.Equal(w, "PodCompleted", c.Reason)
	} else {
		assert.Equal(w, podnet.PodRunning, p.Status().Phase)
		assert.Equal(w, 1, w.restarts(p, "app"))
	}
}
