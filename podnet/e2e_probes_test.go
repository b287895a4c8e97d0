package podnet_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// e2eProbes are the tests of probes, of a container or of a sidecar.
func e2eProbes(sidecar bool) []e2e {
	prefix := "Probing container "
	if sidecar {
		prefix = "Probing restartable init container "
	}
	// pod makes a Pod whose container under test is "app".
	pod := func(w *world, c podnet.ContainerSpec) *podnet.Pod {
		spec := one(c)
		if sidecar {
			spec.InitContainers = spec.Containers
			spec.InitContainers[0].RestartPolicy = always
			spec.Containers = []podnet.ContainerSpec{{Name: "main", Run: pause}}
		}
		spec.TerminationGracePeriodSeconds = seconds(3)
		return w.apply(spec)
	}
	killing := func(kind string) string {
		if sidecar {
			return "Init container app failed " + kind + " probe"
		}
		return "Container app failed " + kind + " probe, will be restarted"
	}
	status := func(p *podnet.Pod) podnet.ContainerStatus { s, _ := p.Status().Container("app"); return s }
	get := func(path string) *podnet.HTTPGetAction {
		return &podnet.HTTPGetAction{Path: path, Port: podnet.Port(8080)}
	}
	healthy := func(w *world, d time.Duration) http.HandlerFunc { // fails after d
		begun := time.Now()
		return func(rw http.ResponseWriter, r *http.Request) {
			if time.Since(begun) > d {
				http.Error(rw, "ill", http.StatusInternalServerError)
			}
		}
	}
	// restarted is a container that a liveness probe restarts, with what is said.
	restarted := func(w *world, c podnet.ContainerSpec, text string) {
		p := pod(w, c)
		w.at(35 * time.Second)
		assert.GreaterOrEqual(w, status(p).RestartCount, 1)
		unhealthy := strings.Join(w.events(p, "Unhealthy"), "\n")
		assert.Contains(w, unhealthy, "Unhealthy Liveness probe failed: "+text)
		assert.Contains(w, strings.Join(w.events(p, "Killing"), "\n"), killing("liveness"))
	}
	// untouched is a container that nothing restarts.
	untouched := func(w *world, c podnet.ContainerSpec) *podnet.Pod {
		p := pod(w, c)
		w.at(5 * time.Minute)
		assert.Equal(w, 0, status(p).RestartCount)
		assert.Empty(w, w.events(p, "Unhealthy", "Killing"))
		return p
	}

	list := []e2e{
		{"with readiness probe should not be ready before initial delay and never restart [C]", func(w *world) {
			p := pod(w, podnet.ContainerSpec{Run: answer(8080, healthy(w, time.Hour)), ReadinessProbe: &podnet.Probe{HTTPGet: get("/"), InitialDelaySeconds: 30, PeriodSeconds: 5}})
			w.at(29 * time.Second)
			assert.False(w, status(p).Ready)
			w.at(36 * time.Second)
			assert.True(w, status(p).Ready)
			assert.Equal(w, 0, status(p).RestartCount)
			assert.True(w, condition(p, "Ready"))
		}},
		{"with readiness probe that fails should never be ready and never restart [C]", func(w *world) {
			p := pod(w, podnet.ContainerSpec{ReadinessProbe: &podnet.Probe{HTTPGet: get("/"), InitialDelaySeconds: 5}})
			states := w.watch(p, func(s podnet.PodStatus) string { c, _ := s.Container("app"); return fmt.Sprint(c.Ready) })
			w.at(5 * time.Minute)
			assert.Equal(w, []string{"false"}, states())
			assert.Equal(w, 0, status(p).RestartCount)
			assert.Contains(w, strings.Join(w.events(p, "Unhealthy"), "\n"), fmt.Sprintf(`Readiness probe failed: Get "http://%s:8080/": dial tcp %s:8080: connect: connection refused`, p.IP(), p.IP()))
		}},
		{"a server on 127.0.0.1 is refused, though localhost works", func(w *world) {
			p := pod(w, podnet.ContainerSpec{Run: func(ctx context.Context, c *podnet.Container) error {
				l, err := c.Listen("tcp", "127.0.0.1:8080")
				if err != nil {
					return err
				}
				defer l.Close()
				return pause(ctx, c)
			}, ReadinessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(8080)}}})
			w.at(time.Minute)
			assert.False(w, status(p).Ready)
			assert.Contains(w, strings.Join(w.events(p, "Unhealthy"), "\n"), fmt.Sprintf("Readiness probe failed: dial tcp %s:8080: connect: connection refused", p.IP()))
			conn, err := p.Dial("tcp", "localhost:8080")
			require.NoError(w, err)
			conn.Close()
		}},
		{`should be restarted with a exec "cat /tmp/health" liveness probe [C]`, func(w *world) {
			restarted(w, podnet.ContainerSpec{LivenessProbe: &podnet.Probe{InitialDelaySeconds: 5, FailureThreshold: 1, Exec: action(func(_ context.Context, c *podnet.Container) error {
				_, err := c.FS().ReadFile("/tmp/health")
				return err
			})}}, "open /tmp/health: no such file or directory")
		}},
		{`should *not* be restarted with a exec "cat /tmp/health" liveness probe [C]`, func(w *world) {
			untouched(w, podnet.ContainerSpec{LivenessProbe: &podnet.Probe{InitialDelaySeconds: 5, FailureThreshold: 1, Exec: action(exits(0, 0))}})
		}},
		{"should be restarted with a /healthz http liveness probe [C]", func(w *world) {
			restarted(w, podnet.ContainerSpec{Run: answer(8080, healthy(w, 15*time.Second)), LivenessProbe: &podnet.Probe{HTTPGet: get("/healthz"), InitialDelaySeconds: 5, FailureThreshold: 1}},
				"HTTP probe failed with statuscode: 500")
		}},
		{"should *not* be restarted with a /healthz http liveness probe [C]", func(w *world) {
			untouched(w, podnet.ContainerSpec{Run: answer(8080, healthy(w, time.Hour)), LivenessProbe: &podnet.Probe{HTTPGet: get("/healthz"), FailureThreshold: 1}})
		}},
		{"should *not* be restarted with a tcp:8080 liveness probe [C]", func(w *world) {
			untouched(w, podnet.ContainerSpec{Run: answer(8080, nil), LivenessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(8080)}, FailureThreshold: 1}})
		}},
		{"should have monotonically increasing restart count [C]", func(w *world) {
			p := pod(w, podnet.ContainerSpec{LivenessProbe: &podnet.Probe{HTTPGet: get("/"), PeriodSeconds: 5, FailureThreshold: 1}})
			counts := w.watch(p, func(s podnet.PodStatus) string { c, _ := s.Container("app"); return fmt.Sprint(c.RestartCount) })
			w.at(10 * time.Minute)
			for i, n := range counts() {
				assert.Equal(w, fmt.Sprint(i), n)
			}
			assert.GreaterOrEqual(w, len(counts()), 5)
		}},
		{"should be restarted with an exec liveness probe with timeout", func(w *world) {
			restarted(w, podnet.ContainerSpec{LivenessProbe: &podnet.Probe{InitialDelaySeconds: 15, FailureThreshold: 1, Exec: &podnet.ExecAction{
				Command: []string{"/bin/sh", "-c", "sleep 10"}, Run: exits(0, 10*time.Second),
			}}}, `command timed out: "/bin/sh -c sleep 10" timed out after 1s`)
		}},
		{"should not be ready with an exec readiness probe timeout", func(w *world) {
			p := pod(w, podnet.ContainerSpec{ReadinessProbe: &podnet.Probe{InitialDelaySeconds: 15, FailureThreshold: 1, Exec: action(exits(0, 10*time.Second))}})
			w.at(2 * time.Minute)
			assert.False(w, status(p).Ready)
		}},
		{"should be restarted with a local redirect http liveness probe", func(w *world) {
			restarted(w, podnet.ContainerSpec{Run: answer(8080, redirect("/ill")), LivenessProbe: &podnet.Probe{HTTPGet: get("/redirect"), FailureThreshold: 1}}, "HTTP probe failed with statuscode: 500")
		}},
		{"should *not* be restarted with a non-local redirect http liveness probe", func(w *world) {
			p := untouched(w, podnet.ContainerSpec{Run: answer(8080, redirect("http://0.0.0.0/")), LivenessProbe: &podnet.Probe{HTTPGet: get("/redirect"), FailureThreshold: 1}})
			assert.Contains(w, strings.Join(w.events(p, "ProbeWarning"), "\n"), "Liveness probe warning: Probe terminated redirects, Response body: ")
		}},
		{"should *not* be restarted with a GRPC liveness probe [C]", func(w *world) {
			untouched(w, podnet.ContainerSpec{Run: answer(5000, grpcHealth), LivenessProbe: &podnet.Probe{GRPC: &podnet.GRPCAction{Port: 5000}, InitialDelaySeconds: 10, TimeoutSeconds: 5, FailureThreshold: 1}})
		}},
		{"should be restarted with a GRPC liveness probe [C]", func(w *world) {
			restarted(w, podnet.ContainerSpec{Run: answer(5000, grpcHealth), LivenessProbe: &podnet.Probe{GRPC: &podnet.GRPCAction{Port: 2333}, InitialDelaySeconds: 10, FailureThreshold: 1}},
				`timeout: failed to connect service "`)
		}},
		{"should be restarted startup probe fails", func(w *world) {
			p := pod(w, podnet.ContainerSpec{
				StartupProbe:  &podnet.Probe{Exec: action(exits(1, 0)), InitialDelaySeconds: 15, FailureThreshold: 3},
				LivenessProbe: &podnet.Probe{Exec: action(exits(0, 0)), FailureThreshold: 1},
			})
			w.at(50 * time.Second)
			assert.Equal(w, 1, status(p).RestartCount)
			assert.Equal(w, []string{"40s x1 Killing " + killing("startup")}, w.events(p, "Killing"))
		}},
		{"should *not* be restarted by liveness probe because startup probe delays it", func(w *world) {
			p := pod(w, podnet.ContainerSpec{
				StartupProbe:  &podnet.Probe{Exec: action(exits(1, 0)), FailureThreshold: 60},
				LivenessProbe: &podnet.Probe{Exec: action(exits(1, 0)), FailureThreshold: 1},
			})
			w.at(9 * time.Minute)
			assert.Equal(w, 0, status(p).RestartCount)
		}},
		{"should be restarted by liveness probe after startup probe enables it", func(w *world) {
			restarted(w, podnet.ContainerSpec{
				StartupProbe:  &podnet.Probe{Exec: action(succeeds(func() bool { return time.Since(w.begun) > 10*time.Second })), PeriodSeconds: 5, FailureThreshold: 60},
				LivenessProbe: &podnet.Probe{Exec: action(exits(1, 0)), FailureThreshold: 1},
			}, "")
		}},
		{"should be ready immediately after startupProbe succeeds", func(w *world) {
			p := pod(w, podnet.ContainerSpec{
				StartupProbe:   &podnet.Probe{Exec: action(succeeds(func() bool { return time.Since(w.begun) > 32*time.Second })), PeriodSeconds: 1, FailureThreshold: 600},
				ReadinessProbe: &podnet.Probe{Exec: action(exits(0, 0)), PeriodSeconds: 60},
			})
			w.at(32500 * time.Millisecond)
			assert.False(w, status(p).Ready)
			w.at(33500 * time.Millisecond)
			assert.True(w, status(p).Ready)
		}},
		{"should override timeoutGracePeriodSeconds when LivenessProbe field is set", func(w *world) {
			p := pod(w, podnet.ContainerSpec{Run: w.told("app", deaf), LivenessProbe: &podnet.Probe{Exec: action(exits(1, 0)), FailureThreshold: 1, TerminationGracePeriodSeconds: seconds(7)}})
			w.at(18 * time.Second)
			assert.ElementsMatch(w, []string{"0s app begins", "10s app is told to stop", "17s app ends", "17s app begins"}, w.take())
			assert.Equal(w, 137, status(p).LastTermination.ExitCode)
		}},
		{"should override timeoutGracePeriodSeconds when StartupProbe field is set", func(w *world) {
			pod(w, podnet.ContainerSpec{Run: w.told("app", deaf), StartupProbe: &podnet.Probe{Exec: action(exits(1, 0)), FailureThreshold: 1, TerminationGracePeriodSeconds: seconds(9)}})
			w.at(19500 * time.Millisecond)
			assert.ElementsMatch(w, []string{"0s app begins", "10s app is told to stop", "19s app ends", "19s app begins"}, w.take())
		}},
		{"should mark readiness on pods to false while pod is in progress of terminating when a pod has a readiness probe", func(w *world) {
			var stopping atomic.Bool
			p := pod(w, podnet.ContainerSpec{
				Run: func(ctx context.Context, c *podnet.Container) error {
					<-ctx.Done()
					stopping.Store(true)
					return deaf(ctx, c)
				},
				ReadinessProbe: &podnet.Probe{Exec: action(succeeds(func() bool { return !stopping.Load() })), PeriodSeconds: 1, FailureThreshold: 1},
				LivenessProbe:  &podnet.Probe{Exec: action(succeeds(func() bool { return !stopping.Load() })), PeriodSeconds: 1, FailureThreshold: 1},
			})
			w.at(5 * time.Second)
			assert.True(w, condition(p, "Ready"))
			w.delete(p)
			w.at(7500 * time.Millisecond)
			s := status(p)
			assert.NotNil(w, s.State.Running)
			assert.False(w, s.Ready)
			assert.False(w, condition(p, "Ready"))
			w.at(time.Minute)
			events := strings.Join(w.events(p, "Unhealthy"), "\n")
			assert.Contains(w, events, "Readiness probe failed")
			assert.NotContains(w, events, "Liveness probe failed", "liveness is not asked any more")
		}},
		{"with a port name that nothing declares errs and counts for nothing", func(w *world) {
			p := pod(w, podnet.ContainerSpec{LivenessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.PortName("web")}, FailureThreshold: 1}})
			w.at(time.Minute)
			assert.Equal(w, 0, status(p).RestartCount)
			assert.Contains(w, strings.Join(w.events(p, "Unhealthy"), "\n"), `Liveness probe errored and resulted in unknown state: port "web" not found`)
		}},
	}
	for i := range list {
		list[i].title = prefix + list[i].title
	}
	return list
}

// redirect sends /redirect elsewhere, and is ill everywhere else.
func redirect(to string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/redirect" {
			http.Redirect(rw, r, to, http.StatusFound)
			return
		}
		http.Error(rw, "ill", http.StatusInternalServerError)
	}
}

// grpcHealth answers Check of grpc.health.v1.Health with SERVING.
func grpcHealth(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/grpc")
	rw.Header().Set("Trailer", "Grpc-Status")
	rw.Write([]byte{0, 0, 0, 0, 2, 8, 1})
	rw.Header().Set("Grpc-Status", "0")
}
