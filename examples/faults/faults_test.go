package faults

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// shop is an app with the sidecar, and a backend behind a Service.
func shop(t *testing.T, seed uint64) (c *podnet.Cluster, app, backend *podnet.Pod) {
	c = podnettest.NewCluster(t, podnet.Config{Seed: seed})
	idle := func(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return nil }
	backend = podnettest.StartPod(t, c, podnet.PodSpec{Name: "backend", Labels: map[string]string{"app": "backend"}, Containers: []podnet.ContainerSpec{{Name: "main", Run: Backend}}})
	app = podnettest.StartPod(t, c, podnet.PodSpec{Name: "app", Containers: []podnet.ContainerSpec{{Name: "app", Run: idle}, {Name: "retry", Run: Retry}}})
	service := podnet.ServiceSpec{Name: "backend", Selector: map[string]string{"app": "backend"}, Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}}}
	if err := c.Apply(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return c, app, backend
}

// buy asks the sidecar for a page, and returns how long that takes.
func buy(t *testing.T, app *podnet.Pod) time.Duration {
	start := time.Now()
	body, err := get(app.Container("app").HTTPClient(), "http://localhost:9000/")
	if err != nil || len(body) != 100_000 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	return time.Since(start)
}

// Of what the backend sends. TCP sends again what is lost, and the sidecar what TCP cannot save.
func TestThirtyPercentLoss(t *testing.T) {
	podnettest.Seeds(t, 10, func(t *testing.T, seed uint64) {
		c, app, backend := shop(t, seed)
		between := podnet.Where{From: podnet.Ends(backend), To: podnet.Ends(app), OneWay: true}
		podnettest.Impair(t, c, between, podnet.Conditions{Latency: time.Millisecond, Loss: 0.3})
		t.Log(buy(t, app))
	})
}

func TestAPartitionOfTwentySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, app, backend := shop(t, 1)
		cut := podnettest.Partition(t, c, podnet.Ends(app), podnet.Ends(backend), podnet.PartitionOptions{})
		time.AfterFunc(20*time.Second, func() { cut.Close() })
		if took := buy(t, app); took < 20*time.Second || took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAResetInTheMiddleOfAResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, app, backend := shop(t, 1)
		reset := podnettest.Intercept(t, c, podnet.Where{From: podnet.Ends(backend), To: podnet.Ends(app)}, podnet.ResetAfter(50_000))
		time.AfterFunc(2*time.Second, func() { reset.Close() }) // two tries fail
		if took := buy(t, app); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestDNSThatFailsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, app, _ := shop(t, 1)
		dns := podnettest.DisturbDNS(t, c, podnet.DNSConditions{
			Clients: []*podnet.Pod{app}, Names: []string{"backend"}, Outcome: podnet.DNSServFail, First: 4, // a look-up asks twice
		})
		if took := buy(t, app); took != 3*time.Second || dns.Count() == 0 {
			t.Errorf("it took %v and %d queries that failed", took, dns.Count())
		}
	})
}
