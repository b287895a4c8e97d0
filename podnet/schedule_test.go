package podnet_test

import (
	"context"
	"fmt"
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

func TestScheduleMakesChaosAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, server := faultyWorld(t, podnet.Config{})
		cut := onClient(podnet.NetworkChaosSpec{Action: podnet.NetworkChaosPartition, Duration: "10s"})
		cut.Name = ""
		start := time.Now()
		require.NoError(t, c.Apply(t.Context(), podnet.ScheduleSpec{Name: "often", Schedule: "@every 30s", Type: podnet.ScheduleNetworkChaos, NetworkChaos: &cut}))
		var dialed []bool // every 5 seconds
		for i := range 20 {
			time.Sleep(time.Duration(5*i)*time.Second + time.Second - time.Since(start))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			conn, err := client.DialContext(ctx, "tcp", server.IP().String()+":8080")
			if err == nil {
				conn.Close()
			}
			cancel()
			dialed = append(dialed, err == nil)
		}
		for i, ok := range dialed {
			assert.Equal(t, i < 6 || i%6 > 1, ok, "after %ds", 5*i)
		}
		x := c.Schedule("", "often")
		require.Len(t, c.Chaos(), 2, "the Schedule, and the last of its chaos")
		last := c.Chaos()[0]
		events := told(x, start)
		require.Len(t, events, 3)
		assert.Equal(t, "1m30s Spawned: Create new object: "+last.Name(), events[2])
		assert.True(t, strings.HasPrefix(last.Name(), "often-"))
		x.Delete()
		assert.Empty(t, c.Chaos())
	})
}

func TestScheduleOfChaosThatOverlaps(t *testing.T) {
	for _, policy := range []podnet.ConcurrencyPolicy{podnet.ForbidConcurrent, podnet.AllowConcurrent} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, _ := faultyWorld(t, podnet.Config{})
				start := time.Now()
				require.NoError(t, c.Apply(t.Context(), podnet.ScheduleSpec{
					Name: "dns", Schedule: "@every 10s", ConcurrencyPolicy: policy, Type: podnet.ScheduleDNSChaos,
					DNSChaos: &podnet.DNSChaosSpec{Action: podnet.DNSChaosError, Mode: podnet.ChaosModeAll, Duration: "25s"},
				}))
				time.Sleep(51 * time.Second)
				var reasons []string
				for _, e := range c.Schedule("", "dns").Events() {
					reasons = append(reasons, fmt.Sprintf("%v %s x%d", e.FirstTime.Sub(start), e.Reason, e.Count))
				}
				want, acting := []string{"10s Spawned x1", "20s Forbid x2", "40s Spawned x1", "50s Forbid x1"}, 1
				if policy == podnet.AllowConcurrent {
					want, acting = []string{"10s Spawned x1", "20s Spawned x1", "30s Spawned x1", "40s Spawned x1", "50s Spawned x1"}, 3
				}
				assert.Equal(t, want, reasons)
				assert.Len(t, c.Chaos(), acting+1)
				_, err := client.LookupHost(t.Context(), "server")
				assert.Error(t, err)
				c.Schedule("", "dns").Delete()
				_, err = client.LookupHost(t.Context(), "server")
				assert.NoError(t, err)
			})
		})
	}
}

func TestScheduleOfChaosThatSelectsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		start := time.Now()
		require.NoError(t, c.Apply(t.Context(), podnet.ScheduleSpec{
			Name: "kill", Schedule: "@every 10s", Type: podnet.SchedulePodChaos, PodChaos: &podnet.PodChaosSpec{Action: podnet.PodChaosPodKill, Mode: podnet.ChaosModeOne},
		}))
		time.Sleep(15 * time.Second)
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "p", Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		time.Sleep(10 * time.Second)
		events := told(c.Schedule("", "kill"), start)
		require.Len(t, events, 2)
		assert.Regexp(t, `^10s Failed: Failed to create new object: podnet: apply PodChaos default/kill-\w{5}: no pod is selected$`, events[0])
		assert.Contains(t, events[1], "20s Spawned")
		_, err := p.Dial("tcp", "localhost:8080")
		assert.NotErrorIs(t, err, syscall.ECONNREFUSED)
		assert.Error(t, err)
	})
}

func TestValidateSchedule(t *testing.T) {
	kill := &podnet.PodChaosSpec{Action: podnet.PodChaosPodKill, Mode: podnet.ChaosModeOne}
	for _, tc := range []struct {
		want string
		spec podnet.ScheduleSpec
	}{
		{"", podnet.ScheduleSpec{Schedule: "@every 1h30m", Type: "PodChaos", PodChaos: kill, HistoryLimit: 3, ConcurrencyPolicy: "Allow"}},
		{`spec.schedule: Invalid value: "@every x": parse schedule field error:time: invalid duration "x"`, podnet.ScheduleSpec{Schedule: "@every x", Type: "PodChaos", PodChaos: kill}},
		{`spec.schedule: Invalid value: "@every 10ms": parse schedule field error:must be one second at least`, podnet.ScheduleSpec{Schedule: "@every 10ms", Type: "PodChaos", PodChaos: kill}},
		{`spec.concurrencyPolicy: Unsupported value: "Replace": supported values: "Forbid", "Allow"`, podnet.ScheduleSpec{ConcurrencyPolicy: "Replace", Type: "PodChaos", PodChaos: kill}},
		{`spec.historyLimit: Invalid value: -1: must be greater than or equal to 0`, podnet.ScheduleSpec{HistoryLimit: -1, Type: "PodChaos", PodChaos: kill}},
		{`spec.networkChaos: Required value`, podnet.ScheduleSpec{Type: "NetworkChaos"}},
		{`[spec.dnsChaos: Required value, spec.podChaos: Forbidden: the type is DNSChaos: remove it]`, podnet.ScheduleSpec{Type: "DNSChaos", PodChaos: kill}},
		{`spec.podChaos.containerNames: Invalid value: the name of container should not be empty on container-kill action`,
			podnet.ScheduleSpec{Type: "PodChaos", PodChaos: &podnet.PodChaosSpec{Action: podnet.PodChaosContainerKill, Mode: podnet.ChaosModeAll}}},
	} {
		tc.spec.Name = "x"
		if tc.spec.Schedule == "" {
			tc.spec.Schedule = "@every 30s"
		}
		if err := tc.spec.Validate(); tc.want == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, `Schedule "x" is invalid: `+tc.want)
		}
	}
}
