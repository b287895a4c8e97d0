package podnet_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// story returns every event of a Pod as it happened, to the second.
func story(t *testing.T, spec podnet.PodSpec, act func(w *world, p *podnet.Pod)) []string {
	var lines []string
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, begun: time.Now()}
		var err error
		w.cluster, err = podnet.NewCluster(podnet.Config{OnEvent: func(e podnet.Event) {
			if e.FieldPath != "" {
				e.FieldPath += ": "
			}
			lines = append(lines, fmt.Sprintf("%ds %s %s %s%s", int(e.LastTime.Sub(w.begun).Seconds()), e.Type, e.Reason, e.FieldPath, e.Message))
		}})
		require.NoError(t, err)
		p := w.apply(spec)
		act(w, p)
		require.NoError(t, w.cluster.Close())
	})
	return lines
}

func TestStoryOfALivenessFailure(t *testing.T) {
	begun := time.Time{}
	spec := podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{
		Name: "app",
		Run: func(ctx context.Context, c *podnet.Container) error {
			begun = time.Now()
			return answer(8080, func(rw http.ResponseWriter, r *http.Request) {
				if time.Since(begun) > 25*time.Second {
					rw.WriteHeader(http.StatusServiceUnavailable)
				}
			})(ctx, c)
		},
		LivenessProbe: &podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Path: "/healthz", Port: podnet.Port(8080)}},
		Lifecycle:     sleepBeforeStop(4),
	}}}
	got := story(t, spec, func(w *world, p *podnet.Pod) { w.at(110 * time.Second) })
	assert.Equal(t, []string{
		"0s Normal Scheduled Successfully assigned default/web to node-1",
		"0s Normal Created spec.containers{app}: Container created",
		"0s Normal Started spec.containers{app}: Container started",
		"30s Warning Unhealthy spec.containers{app}: Liveness probe failed: HTTP probe failed with statuscode: 503",
		"40s Warning Unhealthy spec.containers{app}: Liveness probe failed: HTTP probe failed with statuscode: 503",
		"50s Warning Unhealthy spec.containers{app}: Liveness probe failed: HTTP probe failed with statuscode: 503",
		"50s Normal Killing spec.containers{app}: Container app failed liveness probe, will be restarted",
		"54s Normal Created spec.containers{app}: Container created",
		"54s Normal Started spec.containers{app}: Container started",
		"80s Warning Unhealthy spec.containers{app}: Liveness probe failed: HTTP probe failed with statuscode: 503",
		"90s Warning Unhealthy spec.containers{app}: Liveness probe failed: HTTP probe failed with statuscode: 503",
		"100s Warning Unhealthy spec.containers{app}: Liveness probe failed: HTTP probe failed with statuscode: 503",
		"100s Normal Killing spec.containers{app}: Container app failed liveness probe, will be restarted",
		"104s Normal Created spec.containers{app}: Container created",
		"104s Normal Started spec.containers{app}: Container started",
	}, got)
}

func TestStoryOfACrashLoopOfAnHour(t *testing.T) {
	spec := podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: exits(1, time.Second)}}}
	var uid string
	got := story(t, spec, func(w *world, p *podnet.Pod) {
		uid = p.UID()
		w.at(time.Hour)
	})
	// What it must be: the container runs for a second; the waits count from its
	// end, and while they last the kubelet looks at it every minute.
	want := []string{"0s Normal Scheduled Successfully assigned default/web to node-1"}
	at, wait := 0, 0
	for at < 3600 {
		want = append(want, fmt.Sprintf("%ds Normal Created spec.containers{app}: Container created", at), fmt.Sprintf("%ds Normal Started spec.containers{app}: Container started", at))
		at++
		for left := wait; left > 0 && at < 3600; {
			want = append(want, fmt.Sprintf("%ds Warning BackOff spec.containers{app}: Back-off restarting failed container app in pod web_default(%s)", at, uid))
			step := min(left, 60)
			at, left = at+step, left-step
		}
		wait = min(max(10, 2*wait), 300)
	}
	assert.Equal(t, want, got)
	assert.Greater(t, len(got), 90)
}

func TestStoryOfADeletionWithASlowPreStopAndTwoSidecars(t *testing.T) {
	stopping := func(d time.Duration) *podnet.Lifecycle {
		return &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Exec: &podnet.ExecAction{Command: []string{"drain"}, Run: exits(0, d)}}}
	}
	spec := podnet.PodSpec{
		Name:                          "web",
		TerminationGracePeriodSeconds: seconds(20),
		InitContainers: []podnet.ContainerSpec{
			{Name: "proxy", RestartPolicy: always, Run: slow(time.Second)},
			{Name: "logs", RestartPolicy: always, Run: deaf, Lifecycle: stopping(5 * time.Second)},
		},
		Containers: []podnet.ContainerSpec{{Name: "app", Run: slow(2 * time.Second), Lifecycle: stopping(12 * time.Second)}},
	}
	var ends []string
	got := story(t, spec, func(w *world, p *podnet.Pod) {
		w.at(10 * time.Second)
		require.NoError(w, p.Delete(w.Context()))
		for _, name := range []string{"app", "logs", "proxy"} {
			s, _ := p.Status().Container(name)
			ends = append(ends, fmt.Sprintf("%s %ds %d %s", name, int(s.State.Terminated.FinishedAt.Sub(w.begun).Seconds()), s.State.Terminated.ExitCode, s.State.Terminated.Reason))
		}
	})
	assert.Equal(t, []string{
		"0s Normal Scheduled Successfully assigned default/web to node-1",
		"0s Normal Created spec.initContainers{proxy}: Container created",
		"0s Normal Started spec.initContainers{proxy}: Container started",
		"0s Normal Created spec.initContainers{logs}: Container created",
		"0s Normal Started spec.initContainers{logs}: Container started",
		"0s Normal Created spec.containers{app}: Container created",
		"0s Normal Started spec.containers{app}: Container started",
		"10s Normal Killing spec.initContainers{proxy}: Stopping container proxy",
		"10s Normal Killing spec.initContainers{logs}: Stopping container logs",
		"10s Normal Killing spec.containers{app}: Stopping container app",
	}, got)
	// The app drains for 12 seconds and takes 2 to end. Only then it is the turn
	// of logs, which ignores SIGTERM and is killed when its 20 seconds are over;
	// by then proxy has no grace left, and has been told to stop, too.
	assert.Equal(t, []string{"app 24s 0 Completed", "logs 30s 137 Error", "proxy 31s 0 Completed"}, ends)
}
