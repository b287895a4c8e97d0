package sidecar

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// get returns the status of a GET in the Pod, as its sidecar's neighbour sees it.
func get(t *testing.T, pod *podnet.Pod, url string) int {
	t.Helper()
	resp, err := pod.HTTPClient().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// In a synctest bubble the clock of the whole Pod is virtual: minutes pass at
// once, and to the nanosecond. Nothing is to be configured for it.
func TestSidecarWaitsForASlowApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
			Name: "shop",
			Containers: []podnet.ContainerSpec{
				{Name: "sidecar", Run: sidecar},
				{Name: "app", Run: func(ctx context.Context, c *podnet.Container) error {
					time.Sleep(20 * time.Second) // it reads its configuration
					return app(ctx, c)
				}},
			},
		})
		synctest.Wait() // until everybody waits: the sidecar listens now
		start := time.Now()
		if got := get(t, pod, "http://localhost/"); got != http.StatusOK {
			t.Errorf("the answer is %d", got)
		}
		if took := time.Since(start).Round(time.Second); took != 20*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestSidecarGivesUpOnAnAppThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
			Name:       "shop",
			Containers: []podnet.ContainerSpec{{Name: "sidecar", Run: sidecar}},
		})
		synctest.Wait()
		if got := get(t, pod, "http://localhost/"); got != http.StatusBadGateway {
			t.Errorf("the answer is %d", got)
		}
	})
}

// The app crashes and is restarted by the kubelet, with its back-off; the
// sidecar must notice both.
func TestSidecarTellsWhetherTheAppIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := make(chan struct{})
		cluster := podnettest.NewCluster(t, podnet.Config{})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
			Name: "shop",
			Containers: []podnet.ContainerSpec{
				{Name: "app", Run: func(ctx context.Context, c *podnet.Container) error {
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					go func() {
						select {
						case <-crash:
							cancel()
						case <-ctx.Done():
						}
					}()
					app(ctx, c)
					return podnet.ExitError{Code: 1}
				}},
				{Name: "sidecar", Run: sidecar},
			},
		})
		health := func() int { return get(t, pod, "http://localhost/-/health") }
		time.Sleep(15 * time.Second)
		if got := health(); got != http.StatusOK {
			t.Errorf("the app runs, and /-/health is %d", got)
		}
		crash <- struct{}{} // restarted at once
		synctest.Wait()
		crash <- struct{}{} // restarted after 10 seconds
		time.Sleep(9 * time.Second)
		if got := pod.Status().Columns.Status; got != "CrashLoopBackOff" {
			t.Errorf("the Pod's status is %s", got)
		}
		if got := health(); got != http.StatusServiceUnavailable {
			t.Errorf("the app is down, and /-/health is %d", got)
		}
		time.Sleep(11 * time.Second)
		if got := health(); got != http.StatusOK {
			t.Errorf("the app is back, and /-/health is %d", got)
		}
	})
}
