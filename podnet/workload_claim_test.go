package podnet_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// relabel changes a label of a Pod, as `kubectl label --overwrite` does.
func relabel(t *testing.T, c *podnet.Cluster, p *podnet.Pod, key, value string) {
	t.Helper()
	spec := p.Spec()
	spec.Labels = maps.Clone(spec.Labels)
	spec.Labels[key] = value
	require.NoError(t, c.Apply(t.Context(), spec))
	synctest.Wait()
}

func TestADeploymentReleasesAndAdoptsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), deployment(2)))
		d := c.Deployment("", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		p := d.Pods()[0]

		relabel(t, c, p, "app", "debug")
		require.NoError(t, d.WaitReady(t.Context()))
		assert.NotContains(t, podNames(d.Pods()), p.Name(), "it is released")
		assert.Len(t, d.Pods(), 2, "and another is made")
		assert.Len(t, c.Pods(), 3)
		assert.True(t, p.Status().Ready(), "it goes on")

		relabel(t, c, p, "app", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		assert.Len(t, d.Pods(), 2, "there is one too many")
		assert.Len(t, c.Pods(), 2)

		p = d.Pods()[0]
		relabel(t, c, p, "pod-template-hash", "other")
		require.NoError(t, d.WaitReady(t.Context()))
		assert.NotContains(t, podNames(d.Pods()), p.Name(), "the hash is part of the selector")
		relabel(t, c, p, "x", "y")
		assert.Len(t, d.Pods(), 2, "a Pod of others changes nothing")
		require.NoError(t, d.Delete(t.Context()))
		assert.Equal(t, []*podnet.Pod{p}, c.Pods(), "it is not the Deployment's to delete")
	})
}

func TestAPodThatIsReleasedCanBeDeletedAndAdoptedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), deployment(1)))
		d := c.Deployment("", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		p := d.Pods()[0]
		time.Sleep(time.Hour) // of too many, the younger ones go
		relabel(t, c, p, "app", "debug")
		require.NoError(t, c.Apply(t.Context(), deployment(2)))
		synctest.Wait()
		relabel(t, c, p, "app", "web")
		require.NoError(t, c.Apply(t.Context(), deployment(3)))
		synctest.Wait()
		require.NoError(t, d.WaitReady(t.Context()))
		assert.Contains(t, podNames(d.Pods()), p.Name())
		go p.Delete(t.Context())
		synctest.Wait()
		require.NoError(t, d.WaitReady(t.Context()))
		assert.NotContains(t, podNames(d.Pods()), p.Name())
		assert.Len(t, c.Pods(), 3)
	})
}

func TestAStatefulSetReleasesAndAdoptsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		web := func(name string) podnet.PodSpec {
			return podnet.PodSpec{Name: name, Labels: map[string]string{"app": "web"}, Containers: template(untilStopped).Spec.Containers}
		}
		for _, name := range []string{"db-1", "db-01", "db-x", "other-0"} {
			podnettest.StartPod(t, c, web(name))
		}
		adopted := c.Pod("", "db-1")
		require.NoError(t, c.Apply(t.Context(), statefulSet(2)))
		s := c.StatefulSet("", "db")
		require.NoError(t, s.WaitReady(t.Context()))
		assert.Equal(t, []string{"db-0", "db-1"}, podNames(s.Pods()))
		assert.Same(t, adopted, s.Pods()[1])

		p := s.Pods()[0]
		relabel(t, c, p, "app", "debug")
		assert.Equal(t, []string{"db-1"}, podNames(s.Pods()))
		assert.Equal(t, podnet.WorkloadStatus{Desired: 2, Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}, s.Status(), "its name is taken")
		require.NoError(t, p.Delete(t.Context()))
		require.NoError(t, s.WaitReady(t.Context()))
		assert.Equal(t, []string{"db-0", "db-1"}, podNames(s.Pods()))
		assert.NotSame(t, p, s.Pods()[0])

		// One that comes later is adopted, and taken away if it is one too many.
		require.NoError(t, c.Apply(t.Context(), web("db-7")))
		synctest.Wait()
		assert.Nil(t, c.Pod("", "db-7"))
		require.NoError(t, s.Delete(t.Context()))
		assert.Equal(t, []string{"db-01", "db-x", "other-0"}, podNames(c.Pods()))
	})
}

func TestTwoStatefulSetsOfOneSelectorDoNotShareAPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		a, b := statefulSet(1), statefulSet(1)
		b.Name = "other"
		require.NoError(t, c.Apply(t.Context(), a, b))
		require.NoError(t, c.StatefulSet("", "db").WaitReady(t.Context()))
		require.NoError(t, c.StatefulSet("", "other").WaitReady(t.Context()))
		require.NoError(t, c.StatefulSet("", "db").Delete(t.Context()))
		assert.Equal(t, []string{"other-0"}, podNames(c.Pods()))
	})
}
