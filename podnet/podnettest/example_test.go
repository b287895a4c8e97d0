package podnettest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// In a synctest bubble an hour of crash loop takes no time.
func TestAnHourOfCrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
			Name: "p",
			Containers: []podnet.ContainerSpec{{
				Name: "main",
				Run:  func(context.Context, *podnet.Container) error { return podnet.ExitError{Code: 1} },
			}},
		})
		time.Sleep(time.Hour)
		if n := pod.Container("main").Status().RestartCount; n != 16 {
			t.Errorf("it was restarted %d times", n)
		}
	})
}

func untilStopped(ctx context.Context, _ *podnet.Container) error {
	<-ctx.Done()
	return nil
}

func TestTheProxyOutlivesTheApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
			Name:           "shop",
			InitContainers: []podnet.ContainerSpec{{Name: "proxy", RestartPolicy: podnet.RestartPolicyAlways, Run: untilStopped}},
			Containers: []podnet.ContainerSpec{{
				Name: "app", Run: untilStopped,
				Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 10}}},
			}},
		})
		if err := pod.Delete(t.Context()); err != nil { // ten virtual seconds
			t.Fatal(err)
		}
		app := pod.Container("app").Status().State.Terminated
		proxy := pod.Container("proxy").Status().State.Terminated
		if proxy.FinishedAt.Before(app.FinishedAt) {
			t.Errorf("the proxy ended at %v, before the app at %v", proxy.FinishedAt, app.FinishedAt)
		}
	})
}
