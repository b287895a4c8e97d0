package podnet_test

import (
	"net/http"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

const hookTitle = "Container Lifecycle Hook when create a pod with lifecycle hook "

var e2eHooks = []e2e{
	{hookTitle + "should execute poststart exec hook properly [C]", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{
			Run:       w.told("app", pause),
			Lifecycle: &podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{Exec: action(w.told("hook", exits(0, 3*time.Second)))}},
		}))
		assert.Equal(w, "0/1 ContainerCreating 0", columns(p), "until the hook is done")
		w.at(4 * time.Second)
		assert.Equal(w, "1/1 Running 0", columns(p))
		assert.Equal(w, []string{"0s app begins", "0s hook begins", "3s hook ends"}, w.take())
	}},
	{hookTitle + "should execute poststart http hook properly [C]", func(w *world) {
		agents := make(chan string, 1)
		p := w.apply(podnet.PodSpec{Containers: []podnet.ContainerSpec{
			{Name: "handler", Run: answer(8080, func(rw http.ResponseWriter, r *http.Request) {
				agents <- r.UserAgent() + " " + r.URL.String()
				rw.WriteHeader(http.StatusInternalServerError) // any answer will do
			})},
			{Name: "app", Run: pause, Lifecycle: &podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(8080), Path: "/echo?msg=poststart"}}}},
		}})
		assert.Equal(w, "2/2 Running 0", columns(p))
		assert.Equal(w, "kube-lifecycle/1.37 /echo?msg=poststart", <-agents)
	}},
	{hookTitle + "should execute prestop exec hook properly [C]", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{
			Run:       w.told("app", pause),
			Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Exec: action(w.told("hook", exits(0, 3*time.Second)))}},
		}))
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"0s app begins", "0s hook begins", "3s hook ends", "3s app is told to stop", "3s app ends"}, w.take())
	}},
	{hookTitle + "should execute prestop http hook properly [C]", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{
			Run: answer(8080, func(http.ResponseWriter, *http.Request) { w.note("asked") }),
			Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{HTTPGet: &podnet.HTTPGetAction{
				Port: podnet.PortName("http"), HTTPHeaders: []podnet.HTTPHeader{{Name: "X", Value: "y"}},
			}}},
			Ports: []podnet.ContainerPort{{Name: "http", ContainerPort: 8080}},
		}))
		w.at(time.Second)
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"1s asked"}, w.take())
		assert.Empty(w, w.events(p, "FailedPreStopHook"))
	}},
	{"PreStop should call prestop when killing a pod [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{Name: "tester", Run: w.told("tester", deaf), Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Exec: action(w.told("hook", exits(0, 0)))}}})
		spec.TerminationGracePeriodSeconds = seconds(10)
		p := w.apply(spec)
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"0s tester begins", "0s hook begins", "0s hook ends", "0s tester is told to stop", "10s tester ends"}, w.take())
	}},
	{hookTitle + "valid prestop hook using sleep action", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Lifecycle: sleepBeforeStop(5)}))
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, 5, int(time.Since(w.begun).Seconds()))
	}},
	{hookTitle + "reduce GracePeriodSeconds during runtime", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Lifecycle: sleepBeforeStop(15)}))
		w.delete(p)
		require.NoError(w, p.DeleteWith(w.Context(), podnet.DeleteOptions{GracePeriodSeconds: seconds(2)}))
		assert.Equal(w, 2, int(time.Since(w.begun).Seconds()))
	}},
	{hookTitle + "ignore terminated container", func(w *world) {
		spec := one(podnet.ContainerSpec{Run: exits(0, time.Second), Lifecycle: sleepBeforeStop(20)})
		spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: "other", Run: pause})
		spec.RestartPolicy = podnet.RestartPolicyNever
		p := w.apply(spec)
		w.at(5 * time.Second)
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, 5, int(time.Since(w.begun).Seconds()))
	}},
	{hookTitle + "should kill the container if its poststart hook fails", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{
			Run: w.told("app", pause),
			Lifecycle: &podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{Exec: &podnet.ExecAction{
				Command: []string{"hook"}, Run: exits(3, time.Second),
			}}},
		}))
		w.at(2500 * time.Millisecond)
		w.take()
		w.at(12 * time.Second)
		assert.Equal(w, "0/1 CrashLoopBackOff 1", columns(p))
		assert.Equal(w, []string{"1s x2 FailedPostStartHook PostStartHook failed", "1s x2 Killing FailedPostStartHook"}, w.events(p, "FailedPostStartHook", "Killing"))
	}},
	{hookTitle + "should tell of a prestop hook that fails and go on", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{
			Run:       w.told("app", pause),
			Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(9)}}},
		}))
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"0s x1 FailedPreStopHook PreStopHook failed"}, w.events(p, "FailedPreStopHook"))
		assert.Equal(w, []string{"0s app begins", "0s app is told to stop", "0s app ends"}, w.take())
	}},
	{hookTitle + "should not wait for a prestop hook longer than the grace period", func(w *world) {
		spec := one(podnet.ContainerSpec{
			Run:       w.told("app", pause),
			Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Exec: action(w.told("hook", deaf))}},
		})
		spec.TerminationGracePeriodSeconds = seconds(4)
		p := w.apply(spec)
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{"0s app begins", "0s hook begins", "4s app is told to stop", "4s app ends", "4s hook ends"}, w.take())
		assert.Equal(w, []string{"4s x1 FailedPreStopHook PreStopHook failed"}, w.events(p, "FailedPreStopHook"))
	}},
}

func sleepBeforeStop(n int64) *podnet.Lifecycle {
	return &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: n}}}
}
