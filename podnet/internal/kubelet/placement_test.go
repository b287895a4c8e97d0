package kubelet

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

const noPorts = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."

func TestAPodWaitsForANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := newPod(RestartPolicyAlways, "app")
		pod.InitContainers = []Container{{Name: "init"}, {Name: "proxy", RestartPolicy: RestartPolicyAlways}}
		pod.ActiveDeadline = 10 * time.Second
		l := beginAt(t, pod, Placement{Unschedulable: noPorts}, &fakeRuntime{start: func(name string, _ int) (*fakeProcess, error) {
			if name == "init" {
				return exits(0, 0), nil
			}
			return runs(0), nil
		}})
		assert.Equal(t, []string{"0s Warning FailedScheduling : " + noPorts}, l.takeEvents())
		assert.Equal(t, "False Unschedulable "+noPorts+" since 0s", l.condition(PodScheduled))
		s := l.Status()
		assert.Equal(t, "Pending 0/2 0", StatusColumn(s)+" "+ReadyColumn(s)+" "+RestartsColumn(s, time.Now()))
		assert.Zero(t, s.StartTime)
		assert.Len(t, s.Conditions, 1)
		assert.Empty(t, s.Containers)
		assert.Empty(t, s.InitContainers)

		l.at(time.Hour)
		l.Place(Placement{Unschedulable: noPorts})
		synctest.Wait()
		assert.Equal(t, []string{"1h0m0s Warning FailedScheduling : " + noPorts}, l.takeEvents())
		assert.Equal(t, "False Unschedulable "+noPorts+" since 0s", l.condition(PodScheduled))
		assert.Empty(t, l.takeLog(), "nobody has a sandbox for it")

		l.at(2 * time.Hour)
		hostIPs := []netip.Addr{netip.MustParseAddr("172.18.0.2")}
		l.Place(Placement{Node: "node-1", HostIPs: hostIPs, Chosen: true})
		synctest.Wait()
		assert.Equal(t, "2h0m0s Normal Scheduled : Successfully assigned default/web to node-1", l.takeEvents()[0])
		assert.Equal(t, "True   since 2h0m0s", l.condition(PodScheduled))
		s = l.Status()
		assert.Equal(t, "Running 2/2", StatusColumn(s)+" "+ReadyColumn(s))
		assert.Equal(t, 2*time.Hour, s.StartTime.Sub(l.begun))
		assert.Equal(t, hostIPs, s.HostIPs)

		l.at(2*time.Hour + 9*time.Second)
		assert.Equal(t, PodRunning, l.Status().Phase, "the deadline counts from the start")
		l.at(2*time.Hour + 15*time.Second)
		assert.Equal(t, PodFailed, l.Status().Phase)
	})
}

func TestAPodThatNobodySchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := beginAt(t, newPod(RestartPolicyAlways, "app"), Placement{}, &fakeRuntime{})
		l.at(time.Hour)
		assert.Empty(t, l.takeEvents())
		assert.Empty(t, l.takeLog())
		s := l.Status()
		assert.Equal(t, PodPending, s.Phase)
		assert.Empty(t, s.Conditions)
	})
}

func TestAPodWithoutANodeGoesAtOnce(t *testing.T) {
	for name, p := range map[string]Placement{"unschedulable": {Unschedulable: noPorts}, "of a node that is not there": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := beginAt(t, newPod(RestartPolicyAlways, "app"), p, &fakeRuntime{})
				assert.False(t, l.ended())
				l.Delete(30 * time.Second)
				synctest.Wait()
				assert.True(t, l.ended())
				assert.Equal(t, PodPending, l.Status().Phase)
				l.Place(Placement{Node: "node-1"}) // too late
				synctest.Wait()
				assert.Empty(t, l.takeLog())
			})
		})
	}
}

func TestTheKubeletRejectsAPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
		l := beginAt(t, newPod(RestartPolicyAlways, "app"), Placement{Node: "node-1", Rejection: &Rejection{"NodePorts", message}}, &fakeRuntime{})
		assert.True(t, l.ended())
		assert.Equal(t, []string{"0s Warning NodePorts : " + message}, l.takeEvents())
		assert.Empty(t, l.takeLog())
		s := l.Status()
		assert.Equal(t, PodFailed, s.Phase)
		assert.Equal(t, "Pod was rejected: "+message, s.Message)
		assert.Equal(t, "NodePorts 0/1", StatusColumn(s)+" "+ReadyColumn(s))
		assert.Empty(t, s.Conditions)
		assert.Empty(t, s.Containers)
		assert.Empty(t, s.HostIPs)
		assert.Equal(t, l.begun, s.StartTime)
	})
}

func TestAPodOnTheHostNetworkHasItsNodesAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := newPod(RestartPolicyAlways, "app")
		pod.HostNetwork = true
		hostIPs := []netip.Addr{netip.MustParseAddr("172.18.0.2")}
		l := beginAt(t, pod, Placement{Node: "node-1", HostIPs: hostIPs}, &fakeRuntime{mount: func(n int) error { return assert.AnError }})
		assert.Equal(t, hostIPs, l.Status().IPs, "before there is a sandbox")
	})
}
