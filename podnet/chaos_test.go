package podnet_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// onClient is a NetworkChaos on the client of a faultyWorld, whose target is the
// server.
func onClient(s podnet.NetworkChaosSpec) podnet.NetworkChaosSpec {
	s.Name, s.Mode, s.Selector = "chaos", podnet.ChaosModeAll, podnet.ChaosSelector{Pods: map[string][]string{"default": {"client"}}}
	s.Target = &podnet.ChaosTarget{Mode: podnet.ChaosModeAll, Selector: podnet.ChaosSelector{LabelSelectors: map[string]string{"app": "server"}}}
	return s
}

// told are the events of a chaos, as "10s Applied: message", with times since start.
func told(x *podnet.Chaos, start time.Time) (list []string) {
	for _, e := range x.Events() {
		list = append(list, fmt.Sprintf("%v %s: %s", e.FirstTime.Sub(start).Round(time.Millisecond), e.Reason, e.Message))
	}
	return list
}

func TestNetworkChaosDelaysPackets(t *testing.T) {
	const ms = time.Millisecond
	delay := &podnet.ChaosDelay{Latency: "1ms"}
	withoutTarget := func(s podnet.NetworkChaosSpec) podnet.NetworkChaosSpec {
		s = onClient(s)
		s.Target = nil
		return s
	}
	for _, tc := range []struct {
		name string
		spec podnet.NetworkChaosSpec
		want time.Duration // of a round trip
	}{
		{"to everybody", withoutTarget(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosDelay, Delay: delay}), ms},
		{"to a target", onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosDelay, Delay: delay, Direction: podnet.ChaosDirectionTo}), ms},
		{"from a target", onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosNetem, Delay: &podnet.ChaosDelay{Latency: "3ms"}, Direction: podnet.ChaosDirectionFrom}), 3 * ms},
		{"both ways", onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosDelay, Delay: delay, Direction: podnet.ChaosDirectionBoth}), 2 * ms},
		{"of which none are held back", onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosDelay, Delay: &podnet.ChaosDelay{Latency: "1ms", Reorder: &podnet.ChaosReorder{Reorder: "100"}}}), 0},
		{"of which all are held back", onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosDelay, Delay: &podnet.ChaosDelay{Latency: "1ms", Reorder: &podnet.ChaosReorder{Reorder: "0", Gap: 1}}}), ms},
		{"with another action's part", onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosLoss, Loss: &podnet.ChaosLoss{Loss: "0"}, Delay: delay}), ms},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, server := faultyWorld(t, podnet.Config{})
				start := time.Now()
				tc.spec.Duration = "30s"
				require.NoError(t, c.Apply(t.Context(), tc.spec))
				x := c.NetworkChaos("", "chaos")
				assert.Equal(t, []*podnet.Pod{client}, x.Pods())
				for _, address := range []string{server.IP().String() + ":8080", c.Service("", "server").ClusterIP().String() + ":80"} {
					dialed, echoed, err := timedTrip(client, address)
					require.NoError(t, err)
					assert.Equal(t, []time.Duration{tc.want, tc.want}, []time.Duration{dialed, echoed}, address)
				}
				time.Sleep(30*time.Second - time.Since(start) - 10*ms)
				dialed, _, err := timedTrip(client, server.IP().String()+":8080")
				require.NoError(t, err)
				assert.Equal(t, tc.want, dialed, "to the end")
				<-x.Done()
				time.Sleep(time.Second) // until nothing is under way
				dialed, _, err = timedTrip(client, server.IP().String()+":8080")
				require.NoError(t, err)
				assert.Zero(t, dialed)
				want := []string{"0s Started: Experiment has started", "0s Applied: Successfully apply chaos for default/client"}
				if tc.spec.Target != nil {
					want = append(want, "0s Applied: Successfully apply chaos for default/server")
				}
				want = append(want, "30s TimeUp: Time up according to the duration", "30s Recovered: Successfully recover chaos for default/client")
				if tc.spec.Target != nil {
					want = append(want, "30s Recovered: Successfully recover chaos for default/server")
				}
				assert.Equal(t, want, told(x, start))
			})
		})
	}
}

func TestNetworkChaosDropsPackets(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec podnet.NetworkChaosSpec
	}{
		{"lost", podnet.NetworkChaosSpec{Action: podnet.NetworkChaosLoss, Loss: &podnet.ChaosLoss{Loss: "100"}}},
		{"damaged", podnet.NetworkChaosSpec{Action: podnet.NetworkChaosCorrupt, Corrupt: &podnet.ChaosCorrupt{Corrupt: "100"}, Duplicate: &podnet.ChaosDuplicate{Duplicate: "50"}}},
		{"cut off", podnet.NetworkChaosSpec{Action: podnet.NetworkChaosPartition}},
		{"cut off, the other way", podnet.NetworkChaosSpec{Action: podnet.NetworkChaosPartition, Direction: podnet.ChaosDirectionFrom}},
		{"cut off, both ways", podnet.NetworkChaosSpec{Action: podnet.NetworkChaosPartition, Direction: podnet.ChaosDirectionBoth}},
	} {
		for _, target := range []bool{true, false} {
			t.Run(fmt.Sprint(tc.name, ", a target: ", target), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, client, server := faultyWorld(t, podnet.Config{})
					spec := onClient(tc.spec)
					if !target {
						spec.Target = nil
					}
					require.NoError(t, c.Apply(t.Context(), spec))
					x := c.NetworkChaos("default", "chaos")
					_, _, err := timedTrip(client, server.IP().String()+":8080")
					assert.ErrorIs(t, err, syscall.ETIMEDOUT)
					_, err = client.LookupHost(t.Context(), "server")
					assert.Equal(t, !target, err != nil, "the name server is no target")
					x.Delete()
					x.Delete()
					_, _, err = timedTrip(client, server.IP().String()+":8080")
					assert.NoError(t, err)
					assert.Nil(t, c.NetworkChaos("", "chaos"))
					all := strings.Join(told(x, time.Now()), "\n")
					assert.Contains(t, all, "Deleted: Experiment has been deleted")
					assert.Contains(t, all, "Recovered: Successfully recover chaos for default/client")
				})
			})
		}
	}
}

func TestNetworkChaosLimitsBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, server := faultyWorld(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), onClient(podnet.NetworkChaosSpec{
			Action: podnet.NetworkChaosBandwidth, Bandwidth: &podnet.ChaosBandwidth{Rate: "1mbps", Limit: 150_000, Buffer: 10_000},
		})))
		conn, err := client.Dial("tcp", server.IP().String()+":8080")
		require.NoError(t, err)
		defer conn.Close()
		start := time.Now()
		go conn.Write(make([]byte, 2<<20))
		_, err = io.ReadFull(conn, make([]byte, 2<<20))
		require.NoError(t, err)
		assert.InDelta(t, 2, time.Since(start).Seconds(), 0.2)
	})
}

// Pods that are selected on both sides are cut off from each other, not from
// themselves.
func TestPartitionOfReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		labels := map[string]string{"app": "db"}
		a := podnettest.StartPod(t, c, podnet.PodSpec{Name: "a", Labels: labels, Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		b := podnettest.StartPod(t, c, podnet.PodSpec{Name: "b", Labels: labels, Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		other := podnettest.StartPod(t, c, podnet.PodSpec{Name: "c", Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		synctest.Wait()
		all := podnet.ChaosSelector{LabelSelectors: labels}
		require.NoError(t, c.Apply(t.Context(), podnet.NetworkChaosSpec{
			Name: "split", Action: podnet.NetworkChaosPartition, Mode: podnet.ChaosModeAll, Selector: all, Target: &podnet.ChaosTarget{Mode: podnet.ChaosModeAll, Selector: all},
		}))
		for _, tc := range []struct {
			from, to *podnet.Pod
			cut      bool
		}{{a, b, true}, {b, a, true}, {a, a, false}, {a, other, false}, {other, b, false}} {
			_, _, err := timedTrip(tc.from, tc.to.IP().String()+":8080")
			assert.Equal(t, tc.cut, err != nil, "%s to %s: %v", tc.from.Name(), tc.to.Name(), err)
		}
	})
}

func TestPodChaosKillsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		replicas := int32(3)
		labels := map[string]string{"app": "web"}
		require.NoError(t, c.Apply(t.Context(), podnet.DeploymentSpec{
			Name: "web", Replicas: &replicas, Selector: &podnet.LabelSelector{MatchLabels: labels},
			Template: podnet.PodTemplateSpec{Labels: labels, Spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Name: "main", Run: untilKilled}}}},
		}))
		require.NoError(t, c.Deployment("", "web").WaitReady(t.Context()))
		start := time.Now()
		require.NoError(t, c.Apply(t.Context(), podnet.PodChaosSpec{
			Name: "kill", Action: podnet.PodChaosPodKill, Mode: podnet.ChaosModeFixed, Value: "2", GracePeriod: 5, Selector: podnet.ChaosSelector{LabelSelectors: labels},
		}))
		x := c.PodChaos("", "kill")
		<-x.Done()
		require.Len(t, x.Pods(), 2)
		for _, p := range x.Pods() {
			assert.False(t, p.Status().DeletionTimestamp.IsZero())
			require.NoError(t, p.Delete(t.Context()))
		}
		assert.Equal(t, 5*time.Second, time.Since(start))
		require.NoError(t, c.Deployment("", "web").WaitReady(t.Context()))
		assert.Equal(t, []string{
			"0s Applied: Successfully apply chaos for default/" + x.Pods()[0].Name(), "0s Applied: Successfully apply chaos for default/" + x.Pods()[1].Name(),
		}, told(x, start))
		require.NoError(t, c.Apply(t.Context(), podnet.PodChaosSpec{
			Name: "now", Action: podnet.PodChaosPodKill, Mode: podnet.ChaosModeOne, Selector: podnet.ChaosSelector{LabelSelectors: labels},
		}))
		now := c.PodChaos("", "now").Pods()[0]
		assert.Nil(t, c.Pod("", now.Name()), "its name is free at once")
	})
}

func TestPodChaosKillsContainersOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		slow := func(ctx context.Context, _ *podnet.Container) error { time.Sleep(10 * time.Second); return nil }
		start := time.Now()
		require.NoError(t, c.Apply(t.Context(),
			podnet.PodSpec{Name: "a", Containers: []podnet.ContainerSpec{{Name: "app", Run: untilStopped}, {Name: "log", Run: untilStopped}}},
			podnet.PodSpec{
				Name:           "b",
				InitContainers: []podnet.ContainerSpec{{Name: "init", Run: slow}, {Name: "proxy", Run: untilStopped, RestartPolicy: podnet.RestartPolicyAlways}},
				Containers:     []podnet.ContainerSpec{{Name: "app", Run: untilStopped}},
			},
			podnet.PodSpec{Name: "c", Containers: []podnet.ContainerSpec{{Name: "other", Run: untilStopped}}},
			podnet.PodChaosSpec{Name: "kill", Action: podnet.PodChaosContainerKill, Mode: podnet.ChaosModeAll, ContainerNames: []string{"app", "proxy", "init"}},
		))
		x := c.PodChaos("", "kill")
		<-x.Done()
		assert.Equal(t, 10*time.Second, time.Since(start).Round(time.Millisecond))
		time.Sleep(time.Minute)
		for name, restarts := range map[string]int{"a/app": 1, "a/log": 0, "b/proxy": 1, "b/app": 1, "c/other": 0, "b/init": 0} {
			pod, name, _ := strings.Cut(name, "/")
			s := c.Pod("", pod).Container(name).Status()
			assert.Equal(t, restarts, s.RestartCount, name)
			if restarts > 0 {
				assert.Equal(t, 137, s.LastTermination.ExitCode)
			}
		}
		assert.ElementsMatch(t, []string{
			"0s Applied: Successfully apply chaos for default/a/app", "10s Applied: Successfully apply chaos for default/b/proxy", "10s Applied: Successfully apply chaos for default/b/app",
		}, told(x, start))
	})
}

func TestPodChaosOfContainersThatNeverRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(),
			podnet.PodSpec{Name: "a", Containers: []podnet.ContainerSpec{{Name: "app", Image: "missing"}}},
			podnet.PodSpec{Name: "b", Containers: []podnet.ContainerSpec{{Name: "app", Image: "missing"}}},
			podnet.PodChaosSpec{Name: "kill", Action: podnet.PodChaosContainerKill, Mode: podnet.ChaosModeAll, ContainerNames: []string{"app"}},
		))
		x := c.PodChaos("", "kill")
		start := time.Now()
		require.NoError(t, c.Pod("", "a").Delete(t.Context()))
		synctest.Wait()
		assert.Equal(t, []string{"0s Failed: Failed to apply chaos: podnet: wait for Pod default/a: object was deleted"}, told(x, start))
		select {
		case <-x.Done():
			t.Error("it waits for the other")
		default:
		}
		x.Delete()
		assert.Len(t, x.Events(), 1)
	})
}

func TestPodFailure(t *testing.T) {
	for _, policy := range []podnet.RestartPolicy{podnet.RestartPolicyAlways, podnet.RestartPolicyNever} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, podnet.Config{})
				p := podnettest.StartPod(t, c, podnet.PodSpec{
					Name: "web", RestartPolicy: policy,
					InitContainers: []podnet.ContainerSpec{{Name: "proxy", Run: untilStopped, RestartPolicy: podnet.RestartPolicyAlways}},
					Containers: []podnet.ContainerSpec{{
						Name: "main", Run: echoServer, ReadinessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(8080)}, PeriodSeconds: 1},
					}},
				})
				time.Sleep(5 * time.Second)
				require.True(t, p.Status().Ready())
				uid, ip := p.UID(), p.IP()
				spec := podnet.PodChaosSpec{Name: "fail", Action: podnet.PodChaosPodFailure, Mode: podnet.ChaosModeOne, Duration: "30s"}
				require.NoError(t, c.Apply(t.Context(), spec))
				spec.Name, spec.Duration = "longer", "40s"
				require.NoError(t, c.Apply(t.Context(), spec))
				time.Sleep(5 * time.Second)
				assert.False(t, p.Status().Ready())
				_, err := p.Dial("tcp", "localhost:8080")
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
				s := p.Container("main").Status()
				assert.NotNil(t, s.State.Running, "pause does")
				assert.Equal(t, 1, s.RestartCount)
				time.Sleep(30 * time.Second)
				assert.False(t, p.Status().Ready(), "one of the two goes on")
				time.Sleep(10 * time.Second)
				require.True(t, p.Status().Ready())
				for _, name := range []string{"main", "proxy"} {
					assert.Equal(t, 2, p.Container(name).Status().RestartCount, name)
				}
				assert.Equal(t, []any{uid, ip}, []any{p.UID(), p.IP()})
				var killed []string
				for _, e := range p.Events() {
					if e.Reason == "Killing" {
						killed = append(killed, fmt.Sprintf("%s (x%d)", e.Message, e.Count))
					}
				}
				assert.ElementsMatch(t, []string{"Container main definition changed, will be restarted (x2)", "Init container proxy definition changed (x2)"}, killed)
			})
		})
	}
}

func TestPodFailureOfAPodThatStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		var ran []time.Duration // when the init container did
		start := time.Now()
		require.NoError(t, c.Apply(t.Context(),
			podnet.PodSpec{
				Name: "web",
				InitContainers: []podnet.ContainerSpec{
					{Name: "sleep", Run: func(context.Context, *podnet.Container) error { time.Sleep(5 * time.Second); return nil }},
					{Name: "init", Run: func(context.Context, *podnet.Container) error { ran = append(ran, time.Since(start)); return nil }},
				},
				Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}},
			},
			podnet.PodChaosSpec{Name: "fail", Action: podnet.PodChaosPodFailure, Mode: podnet.ChaosModeAll, Duration: "30s"},
		))
		p := c.Pod("", "web")
		<-c.PodChaos("", "fail").Done()
		assert.Empty(t, ran)
		require.NoError(t, p.WaitReady(t.Context()))
		require.Len(t, ran, 1)
		assert.Less(t, time.Since(start), time.Minute)
	})
}

func TestChaosModes(t *testing.T) {
	const pods, draws = 10, 20
	type mode struct {
		mode  podnet.ChaosMode
		value string
	}
	modes := map[mode][2]int{ // the fewest and the most Pods that are chosen
		{podnet.ChaosModeOne, ""}:                {1, 1},
		{podnet.ChaosModeAll, ""}:                {pods, pods},
		{podnet.ChaosModeFixed, "3"}:             {3, 3},
		{podnet.ChaosModeFixed, "30"}:            {pods, pods},
		{podnet.ChaosModeFixedPercent, "39"}:     {3, 3},
		{podnet.ChaosModeFixedPercent, "9"}:      {0, 0},
		{podnet.ChaosModeFixedPercent, "100"}:    {pods, pods},
		{podnet.ChaosModeRandomMaxPercent, "50"}: {0, 4}, // 5 would need a draw of 50 itself
	}
	chosen := func(seed uint64, m mode) (names [draws]string, fewest, most int) {
		synctest.Test(t, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{Seed: seed})
			for i := range pods {
				require.NoError(t, c.Apply(t.Context(), podnet.PodSpec{Name: fmt.Sprint("p", i), Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}))
			}
			fewest = math.MaxInt
			for i := range draws {
				require.NoError(t, c.Apply(t.Context(), podnet.DNSChaosSpec{Name: "x", Action: podnet.DNSChaosError, Mode: m.mode, Value: m.value}))
				x := c.DNSChaos("", "x")
				for _, p := range x.Pods() {
					names[i] += p.Name() + " "
				}
				n := len(x.Pods())
				fewest, most = min(fewest, n), max(most, n)
				if n == 0 {
					assert.Equal(t, []string{"0s Failed: Failed to select targets: no target has been selected"}, told(x, time.Now()))
				}
				x.Delete()
			}
		})
		return names, fewest, most
	}
	for m, want := range modes {
		names, fewest, most := chosen(1, m)
		assert.Equal(t, want, [2]int{fewest, most}, "%v", m)
		again, _, _ := chosen(1, m)
		assert.Equal(t, names, again, "%v with the same seed", m)
		others, _, _ := chosen(2, m)
		assert.Equal(t, most != 0 && most != pods, names != others, "%v with another seed", m)
	}
}

func TestChaosSelectsWhenItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		pod := func(namespace, name, app string) podnet.PodSpec {
			return podnet.PodSpec{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}, Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}
		}
		chaos := func(s podnet.ChaosSelector) podnet.DNSChaosSpec {
			return podnet.DNSChaosSpec{Name: "x", Namespace: "shop", Action: podnet.DNSChaosError, Mode: podnet.ChaosModeAll, Selector: s}
		}
		require.NoError(t, c.Apply(t.Context(), pod("shop", "a", "web"), pod("shop", "b", "db"), pod("other", "a", "web")))
		for name, tc := range map[string]struct {
			selector podnet.ChaosSelector
			want     []string
		}{
			"nothing said": {podnet.ChaosSelector{}, []string{"shop/a", "shop/b"}},
			"labels":       {podnet.ChaosSelector{LabelSelectors: map[string]string{"app": "web"}}, []string{"shop/a"}},
			"namespaces":   {podnet.ChaosSelector{Namespaces: []string{"shop", "other", "third"}, LabelSelectors: map[string]string{"app": "web"}}, []string{"other/a", "shop/a"}},
			"expressions":  {podnet.ChaosSelector{ExpressionSelectors: []podnet.LabelSelectorRequirement{{Key: "app", Operator: podnet.LabelSelectorOpIn, Values: []string{"db", "cache"}}}}, []string{"shop/b"}},
			"names":        {podnet.ChaosSelector{Pods: map[string][]string{"other": {"a", "z"}}, LabelSelectors: map[string]string{"app": "none"}}, []string{"other/a"}},
			"none":         {podnet.ChaosSelector{Namespaces: []string{"default"}}, nil},
		} {
			err := c.Apply(t.Context(), chaos(tc.selector))
			x := c.DNSChaos("shop", "x")
			if tc.want == nil {
				assert.EqualError(t, err, "podnet: apply DNSChaos shop/x: no pod is selected", name)
				assert.Nil(t, x)
				continue
			}
			require.NoError(t, err, name)
			var names []string
			for _, p := range x.Pods() {
				names = append(names, p.Namespace()+"/"+p.Name())
			}
			assert.Equal(t, tc.want, names, name)
			require.NoError(t, c.Apply(t.Context(), pod("shop", "late", "web")))
			assert.Len(t, x.Pods(), len(tc.want), name)
			require.NoError(t, c.Pod("shop", "late").Delete(t.Context()))
			x.Delete()
		}
	})
}

func TestChaosIsNotChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := faultyWorld(t, podnet.Config{})
		spec := onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosLoss, Loss: &podnet.ChaosLoss{Loss: "10"}})
		require.NoError(t, c.Apply(t.Context(), spec, spec))
		x := c.NetworkChaos("", "chaos")
		spec.Labels = map[string]string{"a": "b"}
		require.NoError(t, c.Apply(t.Context(), spec))
		assert.Same(t, x, c.NetworkChaos("", "chaos"))
		assert.Len(t, x.Events(), 3)
		spec.Loss.Loss = "20"
		assert.EqualError(t, c.Apply(t.Context(), spec), `NetworkChaos "chaos" is invalid: spec: Forbidden: Cannot update chaos spec: delete it first`)
		x.Delete()
		require.NoError(t, c.Apply(t.Context(), spec))
		require.NoError(t, c.Close())
		<-c.NetworkChaos("", "chaos").Done()
		spec.Name = "late"
		assert.ErrorIs(t, c.Apply(t.Context(), spec), podnet.ErrClosed)
	})
}

func TestChaosThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := faultyWorld(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), podnet.PodSpec{Name: "host", HostNetwork: true, Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}}))
		cut := podnet.NetworkChaosSpec{Name: "x", Action: podnet.NetworkChaosPartition, Mode: podnet.ChaosModeAll}
		err := c.Apply(t.Context(), cut)
		assert.EqualError(t, err, "podnet: apply NetworkChaos default/x: Pod default/host has the network of its node: select Pods that have one of their own")
		err = c.Apply(t.Context(), podnet.DNSChaosSpec{Name: "x", Action: podnet.DNSChaosError, Mode: podnet.ChaosModeAll})
		assert.EqualError(t, err, "podnet: apply DNSChaos default/x: Pod default/host has the network of its node: select Pods that have one of their own")
		cut = onClient(cut)
		cut.Target.Selector.LabelSelectors["app"] = "none"
		assert.EqualError(t, c.Apply(t.Context(), cut), "podnet: apply NetworkChaos default/chaos: target: no pod is selected")
		err = c.Apply(t.Context(), podnet.PodChaosSpec{Name: "x", Action: podnet.PodChaosContainerKill, Mode: podnet.ChaosModeAll, ContainerNames: []string{"sidecar", "proxy"}})
		assert.EqualError(t, err, "podnet: apply PodChaos default/x: no container is selected: no Pod that is selected has sidecar or proxy")
		assert.Nil(t, c.NetworkChaos("", "x"))
	})
}

func TestOnEventIsToldOfChaos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []podnet.Event
		c, _, _ := faultyWorld(t, podnet.Config{OnEvent: func(e podnet.Event) {
			if e.Object != "" {
				got = append(got, e)
			}
		}})
		require.NoError(t, c.Apply(t.Context(), onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosPartition, Duration: "10s"})))
		x := c.NetworkChaos("", "chaos")
		<-x.Done()
		require.Len(t, got, 6)
		assert.Equal(t, x.Events(), got)
		e := got[0]
		assert.Equal(t, []string{"Normal", "default", "", "networkchaos/chaos", "chaos-mesh"}, []string{e.Type, e.Namespace, e.Pod, e.Object, e.Source})
	})
}
