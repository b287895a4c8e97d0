package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		assert.Equal(t, `1. The app listens on 127.0.0.1, and the kubelet probes it from the node
   the app listens on 127.0.0.1:8080, and the Pod's IP is 10.244.0.2
   curl -s http://localhost:8080/healthz in the container
     ok
   the same as port-forward asks, at 127.0.0.1 in the Pod
     ok
   Warning  Unhealthy  x4  Readiness probe failed: Get "http://10.244.0.2:8080/healthz": dial tcp 10.244.0.2:8080: connect: connection refused
   Ready: false, containers with unready status: [app]

2. The fix: it listens on all addresses
   the app listens on [::]:8080, and the Pod's IP is 10.244.0.3
   curl -s http://localhost:8080/healthz in the container
     ok
   the same as port-forward asks, at 127.0.0.1 in the Pod
     ok
   Ready: true

3. The other way: it listens on 127.0.0.1, and the probe runs in the container
   the app listens on 127.0.0.1:8080, and the Pod's IP is 10.244.0.4
   curl -s http://localhost:8080/healthz in the container
     ok
   the same as port-forward asks, at 127.0.0.1 in the Pod
     ok
   Ready: true

At the end:
   NAME         READY   STATUS    IP
   exec-probe   1/1     Running   10.244.0.4
   fix          1/1     Running   10.244.0.3
   mistake      0/1     Running   10.244.0.2
`, out.String())
	})
}

// Nothing mends itself: ten minutes later the kubelet has been refused every
// second, and the app is not Ready. It was never restarted: that is what a
// liveness probe does.
func TestTheMistakeStaysUnready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"example.com/app": app}})
		p := podnettest.StartPod(t, cluster, pod("mistake", "127.0.0.1:8080", httpGet))
		time.Sleep(10*time.Minute - time.Second/2)
		c := p.Container("app").Status()
		assert.True(t, c.Started)
		assert.False(t, c.Ready)
		assert.Zero(t, c.RestartCount)
		for _, e := range p.Events() {
			if e.Reason == "Unhealthy" {
				assert.Equal(t, 599, e.Count) // from the first second on
				return
			}
		}
		t.Error("no probe has failed")
	})
}
