package podnet_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// hostPort returns a Pod of one container that wants a port of its node.
func hostPort(name string, port uint16) podnet.PodSpec {
	return podnet.PodSpec{Name: name, Containers: []podnet.ContainerSpec{{
		Name: "app", Run: untilStopped, Ports: []podnet.ContainerPort{{ContainerPort: 80, HostPort: port}},
	}}}
}

// reasons returns the events of a Pod that are about its place.
func reasons(p *podnet.Pod) (list []string) {
	for _, e := range p.Events() {
		if slices.Contains([]string{"Scheduled", "FailedScheduling", "NodePorts", "NodeAffinity"}, e.Reason) {
			list = append(list, fmt.Sprintf("%s %s x%d %s: %s", e.Source, e.Type, e.Count, e.Reason, e.Message))
		}
	}
	return list
}

const noFreePorts = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."

func TestAPodThatFitsNowhereWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		begun := time.Now()
		first := podnettest.StartPod(t, c, hostPort("first", 8080))
		second, err := c.StartPod(t.Context(), hostPort("second", 8080))
		assert.EqualError(t, err, "podnet: start Pod default/second: Unschedulable: "+noFreePorts)
		require.NotNil(t, second)
		assert.Equal(t, []string{"default-scheduler Warning x1 FailedScheduling: " + noFreePorts}, reasons(second))

		s := second.Status()
		assert.Equal(t, podnet.PodPending, s.Phase)
		assert.Equal(t, []podnet.PodCondition{{Type: "PodScheduled", Reason: "Unschedulable", Message: noFreePorts, LastTransitionTime: begun}}, s.Conditions)
		assert.Equal(t, podnet.PodColumns{Ready: "0/1", Status: "Pending", Restarts: "0", Age: "0s"}, s.Columns)
		assert.Zero(t, s.StartTime)
		assert.Empty(t, s.Containers)
		assert.Empty(t, s.HostIPs)
		assert.Equal(t, "", second.Node())
		assert.Empty(t, second.Interfaces())
		assert.False(t, second.IP().IsValid())
		_, err = second.Listen("tcp", ":80")
		assert.ErrorIs(t, err, podnet.ErrNotRunning)
		assert.Empty(t, second.Container("app").Logs())
		assert.Zero(t, second.Container("app").Status())

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.ErrorContains(t, second.WaitReady(ctx), "(STATUS Pending, READY 0/1; "+noFreePorts+")")
		assert.Equal(t, "60s", second.Status().Columns.Age)

		require.NoError(t, first.Delete(t.Context()))
		require.NoError(t, second.WaitReady(t.Context()))
		assert.Equal(t, "node-1", second.Node())
		assert.Equal(t, "default-scheduler Normal x1 Scheduled: Successfully assigned default/second to node-1", reasons(second)[1])
		scheduled, _ := second.Status().Condition("PodScheduled")
		assert.Equal(t, podnet.PodCondition{Type: "PodScheduled", Status: true, LastTransitionTime: begun.Add(time.Minute)}, scheduled)
		assert.Equal(t, begun.Add(time.Minute), second.Status().StartTime)
		assert.Equal(t, c.Node("node-1").IPs(), second.Status().HostIPs)
	})
}

func TestWaitingPodsAreScheduledInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		names := []string{"a", "b", "c", "d"}
		for _, name := range names {
			require.NoError(t, c.Apply(t.Context(), hostPort(name, 53)))
		}
		synctest.Wait()
		for i, name := range names {
			for j, other := range names[i:] {
				assert.Equal(t, j == 0, c.Pod("", other).Node() != "", "%s while it is %s's turn", other, name)
			}
			require.NoError(t, c.Pod("", name).Delete(t.Context()))
			synctest.Wait()
		}
		assert.Empty(t, c.Pods())
	})
}

// What frees a port: the end of a Pod for good, its deletion by force at once,
// and of a graceful deletion the end.
func TestWhatFreesAHostPort(t *testing.T) {
	for name, tt := range map[string]struct {
		run    podnet.Program
		free   func(p *podnet.Pod)
		waited time.Duration
	}{
		"success":    {run: exits(0, 5*time.Second), free: func(*podnet.Pod) {}, waited: 5 * time.Second},
		"failure":    {run: exits(1, 5*time.Second), free: func(*podnet.Pod) {}, waited: 5 * time.Second},
		"a deletion": {run: deaf, free: func(p *podnet.Pod) { p.Delete(context.Background()) }, waited: 30 * time.Second},
		"a deletion by force": {run: deaf, free: func(p *podnet.Pod) {
			p.DeleteWith(context.Background(), podnet.DeleteOptions{GracePeriodSeconds: seconds(0)})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, podnet.Config{})
				begun := time.Now()
				spec := hostPort("first", 80)
				spec.RestartPolicy, spec.Containers[0].Run = podnet.RestartPolicyNever, tt.run
				first := podnettest.StartPod(t, c, spec)
				require.NoError(t, c.Apply(t.Context(), hostPort("second", 80)))
				go tt.free(first)
				require.NoError(t, c.Pod("", "second").WaitReady(t.Context()))
				assert.Equal(t, tt.waited, time.Since(begun))
			})
		})
	}
}

func TestNodeSelector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 3, NodeLabels: []map[string]string{nil, {"disk": "ssd"}}})
		for i, tt := range []struct {
			selector map[string]string
			node     string
		}{
			{map[string]string{"disk": "ssd"}, "node-2"},
			{map[string]string{"disk": "ssd", "kubernetes.io/os": "linux"}, "node-2"},
			{map[string]string{"kubernetes.io/hostname": "node-3"}, "node-3"},
			{map[string]string{"kubernetes.io/os": "linux"}, "node-1"},
			{map[string]string{"kubernetes.io/os": "windows"}, ""},
			{map[string]string{"disk": "hdd"}, ""},
		} {
			name := fmt.Sprint("p", i)
			require.NoError(t, c.Apply(t.Context(), podnet.PodSpec{Name: name, NodeSelector: tt.selector, Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}}))
			assert.Equal(t, tt.node, c.Pod("", name).Node(), "%v", tt.selector)
		}
		synctest.Wait()
		assert.Equal(t, []string{"default-scheduler Warning x1 FailedScheduling: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."},
			reasons(c.Pod("", "p5")))
	})
}

func TestNodeName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		on := func(node string, spec podnet.PodSpec) podnet.PodSpec {
			spec.NodeName = node
			return spec
		}
		p := podnettest.StartPod(t, c, on("node-2", hostPort("p", 80)))
		assert.Equal(t, "node-2", p.Node())
		assert.Empty(t, reasons(p), "the scheduler has not seen it")

		q, err := c.StartPod(t.Context(), on("node-2", hostPort("q", 80)))
		const message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
		assert.EqualError(t, err, "podnet: start Pod default/q: the Pod has ended: its phase is Failed (NodePorts: Pod was rejected: "+message+")")
		assert.Equal(t, []string{"kubelet Warning x1 NodePorts: " + message}, reasons(q))
		s := q.Status()
		assert.Equal(t, podnet.PodFailed, s.Phase)
		assert.Equal(t, "NodePorts", s.Reason)
		assert.Equal(t, "Pod was rejected: "+message, s.Message)
		assert.Equal(t, "0/1 NodePorts 0", columns(q))
		assert.Equal(t, "node-2", q.Node())
		assert.EqualError(t, q.WaitReady(t.Context()), "podnet: wait for Pod default/q: the Pod has ended: its phase is Failed (NodePorts: Pod was rejected: "+message+")")
		require.NoError(t, q.Delete(t.Context()))

		spec := on("node-2", hostPort("r", 81))
		spec.NodeSelector = map[string]string{"disk": "ssd"}
		_, err = c.StartPod(t.Context(), spec)
		assert.ErrorContains(t, err, "(NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector)")
		assert.Equal(t, "10.244.1.3", podnettest.StartPod(t, c, on("node-2", hostPort("s", 82))).IP().String(), "who is rejected takes no address")
	})
}

func TestANodeThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		spec := hostPort("p", 80)
		spec.NodeName = "node-9"
		const why = `spec.nodeName: there is no node "node-9", so the Pod stays Pending: name one of node-1, node-2`
		p, err := c.StartPod(t.Context(), spec)
		assert.EqualError(t, err, "podnet: start Pod default/p: "+why)
		time.Sleep(time.Hour)
		assert.Equal(t, "0/1 Pending 0", columns(p))
		assert.Equal(t, why, p.Status().Message)
		assert.Empty(t, p.Events())
		assert.Empty(t, p.Status().Conditions)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorContains(t, p.WaitReady(ctx), why)
		require.NoError(t, p.Delete(t.Context()))
		assert.Nil(t, c.Pod("", "p"))
	})
}

func TestDeletingAPodWithoutANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		podnettest.StartPod(t, c, hostPort("first", 80))
		require.NoError(t, c.Apply(t.Context(), hostPort("second", 80), hostPort("third", 80)))
		p := c.Pod("", "second")
		begun := time.Now()
		waiting := make(chan error)
		go func() { waiting <- p.WaitReady(t.Context()) }()
		synctest.Wait()
		require.NoError(t, p.Delete(t.Context()))
		assert.ErrorIs(t, <-waiting, podnet.ErrDeleted)
		assert.Equal(t, begun, time.Now(), "it goes at once")
		assert.Nil(t, c.Pod("", "second"))
		require.NoError(t, c.Pod("", "first").Delete(t.Context()))
		synctest.Wait()
		assert.Equal(t, "", p.Node())
		assert.Equal(t, "node-1", c.Pod("", "third").Node())
		require.NoError(t, c.Apply(t.Context(), hostPort("fourth", 80)))
		// Close finds a Pod that waits.
	})
}

func TestNodes(t *testing.T) {
	labels := []map[string]string{{"disk": "ssd", "kubernetes.io/arch": "mips"}}
	c := podnettest.NewCluster(t, podnet.Config{Nodes: 2, NodeLabels: labels})
	labels[0]["disk"] = "changed"
	var names []string
	for _, n := range c.Nodes() {
		names = append(names, n.Name())
		assert.Len(t, n.IPs(), 2)
	}
	assert.Equal(t, []string{"node-1", "node-2"}, names)
	assert.Nil(t, c.Node("node-3"))
	n := c.Node("node-1")
	assert.Equal(t, map[string]string{"disk": "ssd", "kubernetes.io/arch": "mips", "kubernetes.io/os": "linux", "kubernetes.io/hostname": "node-1"}, n.Labels())
	assert.Len(t, c.Node("node-2").Labels(), 3)
	for _, name := range []string{"b", "x", "a"} {
		require.NoError(t, c.Apply(t.Context(), hostPort(name, 0)))
	}
	var pods []string
	for _, p := range n.Pods() {
		pods = append(pods, p.Name())
	}
	assert.Equal(t, []string{"a", "b"}, pods)
}

// Many Pods want few ports, and all get their turn.
func TestACrowdOfPodsForAFewPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 3})
		var wg sync.WaitGroup
		for i := range 60 {
			spec := hostPort(fmt.Sprint("p", i), uint16(80+i%4))
			spec.RestartPolicy = podnet.RestartPolicyNever
			spec.Containers[0].Run = exits(0, time.Duration(1+i%7)*time.Second)
			require.NoError(t, c.Apply(t.Context(), spec))
			p := c.Pod("", spec.Name)
			wg.Go(func() {
				assert.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool { return s.Phase == podnet.PodSucceeded }))
				if i%2 == 0 {
					assert.NoError(t, p.Delete(t.Context()))
				}
			})
		}
		wg.Wait()
		assert.Len(t, c.Pods(), 30)
	})
}
