package podnet_test

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestANodeWithoutPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, server := faultyWorld(t, podnet.Config{})
		two := int32(2)
		require.NoError(t, c.Apply(t.Context(), podnet.DeploymentSpec{
			Name: "web", Replicas: &two, Selector: &podnet.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: podnet.PodTemplateSpec{Labels: map[string]string{"app": "web"}, Spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}}},
		}))
		time.Sleep(time.Second)
		conn, err := client.Dial("tcp", server.IP().String()+":8080")
		require.NoError(t, err)
		c.Node("node-2").PowerOff()
		assert.Empty(t, c.Node("node-2").Pods())
		assert.Nil(t, c.Pod("", "server"))
		assert.Error(t, server.Container("main").Kill(), "it does not run")
		time.Sleep(time.Second)
		assert.Len(t, c.Node("node-1").Pods(), 3, "the client, and all of the Deployment")
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		_, err = conn.Read(make([]byte, 1))
		assert.ErrorContains(t, err, "i/o timeout", "nobody says that it is over")
		conn.SetReadDeadline(time.Time{})
		_, err = conn.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		c.Node("node-2").PowerOff()
		c.Node("node-2").PowerOn()
		again := podnettest.StartPod(t, c, podnet.PodSpec{Name: "server", Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		assert.Equal(t, "node-2", again.Node())
		require.NoError(t, again.WaitListening(t.Context(), 8080))
		_, _, err = timedTrip(client, again.IP().String()+":8080")
		assert.NoError(t, err)
	})
}

func TestDrainingANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := faultyWorld(t, podnet.Config{})
		podnettest.StartPod(t, c, podnet.PodSpec{Name: "slow", NodeName: "node-2", Containers: []podnet.ContainerSpec{{Name: "main", Run: func(ctx context.Context, _ *podnet.Container) error {
			<-ctx.Done()
			time.Sleep(10 * time.Second)
			return nil
		}}}})
		start := time.Now()
		require.NoError(t, c.Node("node-2").Drain(t.Context()))
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Empty(t, c.Node("node-2").Pods())
		c.Node("node-1").Cordon()
		p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "new", Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		assert.ErrorContains(t, err, "0/2 nodes are available: 2 node(s) were unschedulable.")
		c.Node("node-2").Uncordon()
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Equal(t, "node-2", p.Node())
	})
}

func TestAFrozenContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client, server := faultyWorld(t, podnet.Config{})
		main := server.Container("main")
		conn, err := client.Dial("tcp", server.IP().String()+":8080")
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, main.Freeze())
		require.NoError(t, main.Freeze())
		_, err = conn.Write([]byte("hello"))
		require.NoError(t, err)
		conn.SetReadDeadline(time.Now().Add(time.Hour))
		_, err = conn.Read(make([]byte, 1))
		assert.ErrorContains(t, err, "i/o timeout")
		time.AfterFunc(time.Second, func() { main.Thaw() })
		_, echoed, err := timedTrip(client, server.IP().String()+":8080")
		require.NoError(t, err, "Linux made the connection")
		assert.Equal(t, time.Second, echoed)
		conn.SetReadDeadline(time.Time{})
		_, err = conn.Read(make([]byte, 5))
		assert.NoError(t, err)
		require.NoError(t, main.Freeze())
		require.NoError(t, main.Kill())
		synctest.Wait() // it is restarted at once
		_, _, err = timedTrip(client, server.IP().String()+":8080")
		require.NoError(t, err, "the next run is not frozen")
		require.NoError(t, server.Delete(t.Context()))
		assert.ErrorIs(t, main.Thaw(), podnet.ErrNotRunning)
	})
}
