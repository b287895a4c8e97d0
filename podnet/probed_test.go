package podnet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// A hundred Pods, of which the kubelet asks each every ten seconds for an hour of
// virtual time: every question is asked and answered. With -v it says how long the
// hour took.
func TestAnHourOfAHundredProbedPods(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	pods := size(100)
	for name, probe := range map[string]podnet.Probe{
		"http": {HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(8080)}},
		"tcp":  {TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(8080)}},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			synctest.Test(t, func(t *testing.T) { anHourOfProbes(t, pods, probe) })
			t.Logf("%d Pods: %v", pods, time.Since(begun).Round(time.Millisecond))
		})
	}
}

func anHourOfProbes(t *testing.T, pods int, probe podnet.Probe) {
	c := podnettest.NewCluster(t, podnet.Config{})
	var asked atomic.Int64
	for i := range pods {
		require.NoError(t, c.Apply(t.Context(), podnet.PodSpec{
			Name: fmt.Sprintf("web-%d", i), Containers: []podnet.ContainerSpec{{Name: "web", LivenessProbe: &probe, Run: counted(&asked)}},
		}))
	}
	time.Sleep(time.Hour)
	for _, p := range c.Pods() {
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Zero(t, p.Container("web").Status().RestartCount)
	}
	assert.InDelta(t, 360*pods, asked.Load(), float64(pods))
}

// counted serves HTTP on port 8080 and counts the connections.
func counted(n *atomic.Int64) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", ":8080")
		if err != nil {
			return err
		}
		server := &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }),
			ConnState: func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					n.Add(1)
				}
			},
		}
		defer context.AfterFunc(ctx, func() { server.Close() })()
		if err := server.Serve(l); ctx.Err() == nil {
			return err
		}
		return nil
	}
}
