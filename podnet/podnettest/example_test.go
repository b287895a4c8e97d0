package podnettest_test

import (
	"context"
	"errors"
	"syscall"
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

func serve8080(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	<-ctx.Done()
	return l.Close()
}

func TestAServiceAndAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		web := podnet.PodSpec{Name: "web", Labels: map[string]string{"app": "web"}, Containers: []podnet.ContainerSpec{{Name: "app", Run: serve8080}}}
		client := podnet.PodSpec{Name: "client", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}
		service := podnet.ServiceSpec{
			Name: "web", Selector: web.Labels, Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}},
		}
		if err := cluster.Apply(t.Context(), web, client, service); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // both Pods run, one on each node
		dial := func() error {
			conn, err := cluster.Pod("", "client").Dial("tcp", "web.default.svc.cluster.local:80")
			if err == nil {
				conn.Close()
			}
			return err
		}
		if err := dial(); err != nil {
			t.Error(err)
		}
		deny := podnet.NetworkPolicySpec{Name: "deny-all", PodSelector: podnet.LabelSelector{MatchLabels: web.Labels}}
		if err := cluster.Apply(t.Context(), deny); err != nil {
			t.Fatal(err)
		}
		if err := dial(); !errors.Is(err, syscall.ETIMEDOUT) { // two virtual minutes
			t.Error(err)
		}
		if err := cluster.Pod("", "web").Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) { // no endpoints
			t.Error(err)
		}
	})
}
