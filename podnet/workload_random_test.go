package podnet_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// Workloads are scaled, and their Pods deleted, killed and given other labels, at
// random for an hour of virtual time. Whatever happened, left alone they come to what they should
// be.
func TestARandomHourOfWorkloads(t *testing.T) {
	seeds := uint64(5)
	if runtime.GOOS == "js" || testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomHourOfWorkloads(t, seed) })
		})
	}
}

func randomHourOfWorkloads(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	c, err := podnet.NewCluster(podnet.Config{Seed: seed, Nodes: 2})
	require.NoError(t, err)
	d, ordered, parallel := deployment(3), statefulSet(3), statefulSet(3)
	ordered.Name, parallel.Name = "ordered", "parallel"
	parallel.PodManagementPolicy = podnet.PodManagementParallel
	for _, s := range []*podnet.PodTemplateSpec{&d.Template, &ordered.Template, &parallel.Template} {
		*s = template(endsSlowly)
		s.Spec.Containers[0].RestartPolicy = podnet.RestartPolicyOnFailure
		s.Spec.TerminationGracePeriodSeconds = seconds(20)
	}
	require.NoError(t, c.Apply(t.Context(), d, ordered, parallel))
	var deleting sync.WaitGroup
	settled := 0
	for range 300 {
		time.Sleep(time.Duration(r.Int64N(int64(20 * time.Second))))
		switch pods := c.Pods(); r.IntN(6) {
		case 0:
			d.Replicas = new(r.Int32N(6))
			require.NoError(t, c.Apply(t.Context(), d))
		case 1:
			ordered.Replicas, ordered.Ordinals = new(r.Int32N(6)), &podnet.StatefulSetOrdinals{Start: r.Int32N(2)}
			parallel.Replicas, parallel.Ordinals = new(r.Int32N(6)), &podnet.StatefulSetOrdinals{Start: r.Int32N(2)}
			require.NoError(t, c.Apply(t.Context(), ordered, parallel))
		case 2:
			if len(pods) > 0 {
				p := pods[r.IntN(len(pods))]
				grace := seconds(r.Int64N(20))
				deleting.Go(func() { _ = p.DeleteWith(t.Context(), podnet.DeleteOptions{GracePeriodSeconds: grace}) })
			}
		case 3:
			if len(pods) > 0 {
				_ = pods[r.IntN(len(pods))].Containers()[0].Kill() // fails if it does not run
			}
		case 4:
			if len(pods) > 0 {
				spec := pods[r.IntN(len(pods))].Spec()
				spec.Labels = maps.Clone(spec.Labels)
				spec.Labels["app"] = []string{"web", "none"}[r.IntN(2)]
				_ = c.Apply(t.Context(), spec) // fails if it is being deleted
			}
		case 5:
			for _, p := range pods {
				if p.Spec().Labels["app"] == "none" {
					deleting.Go(func() { _ = p.Delete(t.Context()) })
				}
			}
			time.Sleep(8 * time.Minute) // longer than any back-off and all grace periods
			synctest.Wait()
			settled++
			want := int(*d.Replicas + *ordered.Replicas + *parallel.Replicas)
			require.Len(t, c.Pods(), want)
			for _, s := range []podnet.WorkloadStatus{c.Deployment("", "web").Status(), c.StatefulSet("", "ordered").Status(), c.StatefulSet("", "parallel").Status()} {
				require.True(t, s.Ready(), "%+v", s)
			}
			for _, s := range []podnet.StatefulSetSpec{ordered, parallel} {
				for i, p := range c.StatefulSet("", s.Name).Pods() {
					start := int32(0)
					if s.Ordinals != nil {
						start = s.Ordinals.Start
					}
					require.Equal(t, fmt.Sprintf("%s-%d", s.Name, int(start)+i), p.Name())
				}
			}
		}
	}
	require.Greater(t, settled, 30)
	require.NoError(t, c.Close())
	deleting.Wait()
}
