package podnet_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

const lifecycleTitle = "Containers Lifecycle "

// slow runs until it is told to stop, and then for a while.
func slow(d time.Duration) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		<-ctx.Done()
		select {
		case <-time.After(d):
		case <-c.Killed():
		}
		return nil
	}
}

var e2eLifecycle = []e2e{
	{lifecycleTitle + "should launch init container serially before a regular container", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		for _, name := range []string{"init-1", "init-2", "init-3"} {
			spec.InitContainers = append(spec.InitContainers, podnet.ContainerSpec{Name: name, Run: w.told(name, exits(0, 5*time.Second))})
		}
		w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, []string{"0s init-1 begins", "5s init-1 ends", "5s init-2 begins", "10s init-2 ends", "10s init-3 begins", "15s init-3 ends", "15s app begins"}, w.take())
	}},
	{lifecycleTitle + "should not launch second container before PostStart of the first container completed", func(w *world) {
		spec := one(podnet.ContainerSpec{Name: "first", Run: w.told("first", pause), Lifecycle: &podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{Exec: action(w.told("hook", exits(0, 8*time.Second)))}}})
		spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: "second", Run: w.told("second", pause)})
		w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, []string{"0s first begins", "0s hook begins", "8s hook ends", "8s second begins"}, w.take())
	}},
	{lifecycleTitle + "should run Init container to completion before call to PostStart of regular container", func(w *world) {
		spec := one(podnet.ContainerSpec{Lifecycle: &podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{Exec: action(w.told("hook", exits(0, 0)))}}})
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init", Run: w.told("init", exits(0, 5*time.Second))}}
		w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, []string{"0s init begins", "5s init ends", "5s hook begins", "5s hook ends"}, w.take())
	}},
	{lifecycleTitle + "shouldn't restart init containers upon regular container restart", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", exits(0, 3*time.Second))})
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init", Run: w.told("init", exits(0, 0))}}
		w.apply(spec)
		w.at(7 * time.Second)
		assert.Equal(w, []string{"0s init begins", "0s init ends", "0s app begins", "3s app ends", "3s app begins", "6s app ends"}, w.take())
	}},
	{lifecycleTitle + "should respect termination grace period seconds", func(w *world) {
		p := w.apply(func() podnet.PodSpec {
			s := one(podnet.ContainerSpec{Run: w.told("app", deaf)})
			s.TerminationGracePeriodSeconds = seconds(5)
			return s
		}())
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"0s app begins", "0s app is told to stop", "5s app ends"}, w.take())
	}},
	{lifecycleTitle + "should respect termination grace period seconds with long-running preStop hook", func(w *world) {
		p := w.apply(func() podnet.PodSpec {
			s := one(podnet.ContainerSpec{Run: w.told("app", deaf), Lifecycle: sleepBeforeStop(3)})
			s.TerminationGracePeriodSeconds = seconds(10)
			return s
		}())
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"0s app begins", "3s app is told to stop", "10s app ends"}, w.take())
	}},
	{lifecycleTitle + "should launch restartable init containers serially considering the startup probe", func(w *world) {
		up := func() bool { return time.Since(w.begun) >= 5*time.Second }
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.InitContainers = []podnet.ContainerSpec{
			{Name: "sidecar-1", RestartPolicy: always, Run: w.told("sidecar-1", pause), StartupProbe: &podnet.Probe{Exec: action(succeeds(up)), PeriodSeconds: 2, FailureThreshold: 100}},
			{Name: "sidecar-2", RestartPolicy: always, Run: w.told("sidecar-2", pause)},
		}
		p := w.apply(spec)
		assert.Equal(w, "0/3 Init:0/2 0", columns(p))
		assert.Equal(w, podnet.PodPending, p.Status().Phase)
		w.at(time.Minute)
		assert.Equal(w, []string{"0s sidecar-1 begins", "6s sidecar-2 begins", "6s app begins"}, w.take())
		assert.Equal(w, "3/3 Running 0", columns(p))
	}},
	{lifecycleTitle + "should call the container's preStop hook and terminate it if its startup probe fails", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause), Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Exec: action(w.told("hook", exits(0, 0)))}},
			StartupProbe: &podnet.Probe{Exec: action(exits(1, 0)), PeriodSeconds: 5, FailureThreshold: 1}})
		spec.RestartPolicy = podnet.RestartPolicyNever
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, []string{"0s app begins", "5s hook begins", "5s hook ends", "5s app is told to stop", "5s app ends"}, w.take())
		assert.Equal(w, []string{"5s x1 Killing Stopping container app"}, w.events(p, "Killing"), "all of the Pod is stopped")
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
	}},
	{lifecycleTitle + "should restart a restartable init container before the regular container started", func(w *world) {
		runs := 0
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.InitContainers = []podnet.ContainerSpec{
			{Name: "sidecar", RestartPolicy: always, Run: w.told("sidecar", func(ctx context.Context, c *podnet.Container) error {
				if runs++; runs == 1 {
					return exits(1, 2*time.Second)(ctx, c)
				}
				return pause(ctx, c)
			})},
			{Name: "init", Run: w.told("init", exits(0, 5*time.Second))},
		}
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, []string{"0s sidecar begins", "0s init begins", "2s sidecar ends", "2s sidecar begins", "5s init ends", "5s app begins"}, w.take())
		assert.Equal(w, "2/2 Running 1", columns(p))
	}},
	{lifecycleTitle + "should restart a restartable init container after the regular container started", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: pause})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.InitContainers = []podnet.ContainerSpec{{Name: "sidecar", RestartPolicy: always, Run: exits(0, 20*time.Second)}}
		p := w.apply(spec)
		w.at(30 * time.Second)
		assert.Equal(w, 1, w.restarts(p, "sidecar"))
		assert.Equal(w, podnet.PodRunning, p.Status().Phase)
		assert.True(w, condition(p, "Initialized"))
		w.at(45 * time.Second)
		assert.Equal(w, "1/2 Init:CrashLoopBackOff 1", columnsOr(p), "the sidecar waits, the Pod stays initialized")
		assert.Equal(w, podnet.PodRunning, p.Status().Phase)
	}},
	{lifecycleTitle + "should terminate sidecars in reverse order after all main containers have exited", func(w *world) {
		p := w.apply(w.threeSidecars(podnet.ContainerSpec{Run: w.told("app", slow(2*time.Second))}))
		w.take()
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{
			"0s app is told to stop", "2s app ends",
			"2s sidecar-3 is told to stop", "3s sidecar-3 ends",
			"3s sidecar-2 is told to stop", "4s sidecar-2 ends",
			"4s sidecar-1 is told to stop", "5s sidecar-1 ends",
		}, w.take())
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
	}},
	{lifecycleTitle + "should stop sidecars when the last container of a job ends", func(w *world) {
		spec := w.threeSidecars(podnet.ContainerSpec{Run: w.told("app", exits(0, 10*time.Second))})
		spec.RestartPolicy = podnet.RestartPolicyNever
		p := w.apply(spec)
		w.take()
		w.at(time.Minute)
		assert.Equal(w, []string{
			"10s app ends",
			"10s sidecar-3 is told to stop", "11s sidecar-3 ends",
			"11s sidecar-2 is told to stop", "12s sidecar-2 ends",
			"12s sidecar-1 is told to stop", "13s sidecar-1 ends",
		}, w.take())
		assert.Equal(w, "0/4 Completed 0", columns(p))
		assert.True(w, p.IP().IsValid(), "its IPs stay visible")
		assert.Empty(w, p.Interfaces(), "its sandbox is gone")
	}},
	{lifecycleTitle + "should call sidecar container PreStop hook simultaneously", func(w *world) {
		spec := w.threeSidecars(podnet.ContainerSpec{Run: w.told("app", slow(5*time.Second))})
		for i := range spec.InitContainers {
			spec.InitContainers[i].Lifecycle = &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Exec: action(w.told(fmt.Sprintf("hook-%d", i+1), exits(0, time.Second)))}}
		}
		p := w.apply(spec)
		w.take()
		require.NoError(w, p.Delete(w.Context()))
		notes := w.take()
		hooks := slices.DeleteFunc(slices.Clone(notes), func(s string) bool { return !strings.Contains(s, "hook") })
		slices.Sort(hooks)
		assert.Equal(w, []string{"0s hook-1 begins", "0s hook-2 begins", "0s hook-3 begins", "1s hook-1 ends", "1s hook-2 ends", "1s hook-3 ends"}, hooks)
		rest := slices.DeleteFunc(notes, func(s string) bool { return strings.Contains(s, "hook") })
		assert.Equal(w, []string{
			"0s app is told to stop", "5s app ends",
			"5s sidecar-3 is told to stop", "6s sidecar-3 ends",
			"6s sidecar-2 is told to stop", "7s sidecar-2 ends",
			"7s sidecar-1 is told to stop", "8s sidecar-1 ends",
		}, rest)
	}},
	{lifecycleTitle + "should terminate sidecars simultaneously if prestop doesn't exit", func(w *world) {
		spec := w.threeSidecars(podnet.ContainerSpec{Run: w.told("app", slow(time.Second))})
		spec.TerminationGracePeriodSeconds = seconds(5)
		for i := range spec.InitContainers {
			spec.InitContainers[i].Lifecycle = sleepBeforeStop(10)
			spec.InitContainers[i].Run = w.told(spec.InitContainers[i].Name, deaf)
		}
		p := w.apply(spec)
		w.take()
		require.NoError(w, p.Delete(w.Context()))
		notes := w.take()
		assert.Equal(w, []string{"0s app is told to stop", "1s app ends"}, notes[:2])
		slices.Sort(notes[2:])
		assert.Equal(w, []string{
			"5s sidecar-1 is told to stop", "5s sidecar-2 is told to stop", "5s sidecar-3 is told to stop",
			"7s sidecar-1 ends", "7s sidecar-2 ends", "7s sidecar-3 ends",
		}, notes[2:])
	}},
	{lifecycleTitle + "should not hang in termination if terminated during initialization", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.InitContainers = []podnet.ContainerSpec{
			{Name: "sidecar", RestartPolicy: always, Run: w.told("sidecar", pause)},
			{Name: "init", Run: w.told("init", pause)},
		}
		p := w.apply(spec)
		assert.Equal(w, "1/2 Init:1/2 0", columns(p))
		w.take()
		require.NoError(w, p.Delete(w.Context()))
		assert.Less(w, time.Since(w.begun), 3*time.Second)
		notes := w.take()
		slices.Sort(notes)
		assert.Equal(w, []string{"0s init ends", "0s init is told to stop", "0s sidecar ends", "0s sidecar is told to stop"}, notes)
	}},
	{lifecycleTitle + "should mark pod as succeeded if any of the restartable init containers have terminated with non-zero exit code", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: exits(0, 5*time.Second)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.InitContainers = []podnet.ContainerSpec{{Name: "sidecar", RestartPolicy: always, Run: func(ctx context.Context, c *podnet.Container) error {
			<-ctx.Done()
			return podnet.ExitError{Code: 1}
		}}}
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
		assert.Equal(w, 1, p.Status().InitContainers[0].State.Terminated.ExitCode)
	}},
	{lifecycleTitle + "should mark pod as succeeded if any of the restartable init containers have exceeded its termination grace period seconds", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: exits(0, 5*time.Second)})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.TerminationGracePeriodSeconds = seconds(3)
		spec.InitContainers = []podnet.ContainerSpec{{Name: "sidecar", RestartPolicy: always, Run: deaf}}
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
		assert.Equal(w, 137, p.Status().InitContainers[0].State.Terminated.ExitCode)
	}},
	{lifecycleTitle + "should mark pod as failed if regular container has exceeded its termination grace period seconds", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: deaf})
		spec.RestartPolicy = podnet.RestartPolicyNever
		p := w.apply(spec)
		require.NoError(w, p.DeleteWith(w.Context(), podnet.DeleteOptions{GracePeriodSeconds: seconds(3)}))
		assert.Equal(w, podnet.PodFailed, p.Status().Phase)
	}},
	{lifecycleTitle + "The containers terminated forcefully by Sigkill should have the correct exit code(137) and reason (Error)", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Run: deaf}))
		require.NoError(w, p.DeleteWith(w.Context(), podnet.DeleteOptions{GracePeriodSeconds: seconds(2)}))
		end := p.Status().Containers[0].State.Terminated
		assert.Equal(w, "137 Error", fmt.Sprint(end.ExitCode, " ", end.Reason))
	}},
	{lifecycleTitle + "a process that SIGTERM ends has the exit code 143", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Run: func(ctx context.Context, _ *podnet.Container) error {
			<-ctx.Done()
			return ctx.Err()
		}}))
		require.NoError(w, p.Delete(w.Context()))
		end := p.Status().Containers[0].State.Terminated
		assert.Equal(w, "143 Error", fmt.Sprint(end.ExitCode, " ", end.Reason))
	}},
	{lifecycleTitle + "a new sandbox runs init containers again and has a new IP", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: w.told("app", pause)})
		spec.InitContainers = []podnet.ContainerSpec{
			{Name: "init", Run: w.told("init", exits(0, time.Second))},
			{Name: "sidecar", RestartPolicy: always, Run: w.told("sidecar", pause)},
		}
		p := w.apply(spec)
		w.at(5 * time.Second)
		ip := p.IP()
		w.take()
		phases := w.watch(p, func(s podnet.PodStatus) string { return string(s.Phase) })
		p.KillSandbox()
		w.at(10 * time.Second)
		assert.Equal(w, []string{
			"5s app is told to stop", "5s app ends", "5s sidecar is told to stop", "5s sidecar ends",
			"5s init begins", "6s init ends", "6s sidecar begins", "6s app begins",
		}, w.take())
		assert.NotEqual(w, ip, p.IP())
		assert.Equal(w, "2/2 Running 2", columns(p))
		assert.Equal(w, 1, w.restarts(p, "init"))
		assert.Equal(w, []string{"5s x1 SandboxChanged Pod sandbox changed, it will be killed and re-created."}, w.events(p, "SandboxChanged"))
		assert.Equal(w, "Running", phases()[len(phases())-1])
	}},
}

// columnsOr is columns with the reason of the sidecar that waits.
func columnsOr(p *podnet.Pod) string {
	c := strings.Fields(columns(p))
	if s := p.Status().InitContainers[0]; s.State.Waiting != nil {
		c[1] = "Init:" + s.State.Waiting.Reason
	}
	return strings.Join(c, " ")
}

// threeSidecars is a Pod with three sidecars that take a second to stop.
func (w *world) threeSidecars(app podnet.ContainerSpec) podnet.PodSpec {
	spec := one(app)
	for _, name := range []string{"sidecar-1", "sidecar-2", "sidecar-3"} {
		spec.InitContainers = append(spec.InitContainers, podnet.ContainerSpec{Name: name, RestartPolicy: always, Run: w.told(name, slow(time.Second))})
	}
	return spec
}
