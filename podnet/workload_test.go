package podnet_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// endsSlowly takes ten seconds to end.
func endsSlowly(ctx context.Context, c *podnet.Container) error {
	<-ctx.Done()
	select {
	case <-time.After(10 * time.Second):
	case <-c.Killed():
	}
	return nil
}

// untilKilled takes all of its grace period to end.
func untilKilled(_ context.Context, c *podnet.Container) error {
	<-c.Killed()
	return nil
}

// template is of Pods with the label app=web and one container.
func template(run podnet.Program) podnet.PodTemplateSpec {
	return podnet.PodTemplateSpec{
		Labels: map[string]string{"app": "web"},
		Spec:   podnet.PodSpec{Containers: []podnet.ContainerSpec{{Name: "a", Run: run}}},
	}
}

var appWeb = &podnet.LabelSelector{MatchLabels: map[string]string{"app": "web"}}

func deployment(replicas int32) podnet.DeploymentSpec {
	return podnet.DeploymentSpec{Name: "web", Replicas: &replicas, Selector: appWeb, Template: template(untilStopped)}
}

func statefulSet(replicas int32) podnet.StatefulSetSpec {
	return podnet.StatefulSetSpec{Name: "db", Replicas: &replicas, Selector: appWeb, Template: template(untilStopped), ServiceName: "dbs"}
}

func podNames(pods []*podnet.Pod) (list []string) {
	for _, p := range pods {
		list = append(list, p.Name())
	}
	return list
}

func TestADeploymentKeepsItsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), deployment(3)))
		d := c.Deployment("", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		assert.Equal(t, podnet.WorkloadStatus{Desired: 3, Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3}, d.Status())
		pods := d.Pods()
		require.Len(t, pods, 3)
		for _, p := range pods {
			hash := p.Spec().Labels["pod-template-hash"]
			assert.Regexp(t, "^["+regexp.QuoteMeta("bcdfghjklmnpqrstvwxz2456789")+"]{5,10}$", hash)
			assert.Regexp(t, "^web-"+hash+"-[bcdfghjklmnpqrstvwxz2456789]{5}$", p.Name())
			assert.Equal(t, "web", p.Spec().Labels["app"])
		}

		// A Pod that is being deleted is replaced at once, not when it is gone.
		pod := pods[1]
		go pod.Delete(t.Context())
		synctest.Wait()
		require.NoError(t, d.WaitReady(t.Context()))
		assert.NotContains(t, podNames(c.Pods()), pod.Name())
		assert.Len(t, d.Pods(), 3)

		require.NoError(t, d.Delete(t.Context()))
		assert.Nil(t, c.Deployment("", "web"))
		assert.Empty(t, c.Pods())
		assert.ErrorIs(t, d.WaitReady(t.Context()), podnet.ErrDeleted)
		require.NoError(t, d.Delete(t.Context()), "it is gone already")
	})
}

func TestADeploymentReplacesAPodAsSoonAsItIsBeingDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := deployment(1)
		spec.Template = template(untilKilled)
		require.NoError(t, c.Apply(t.Context(), spec))
		d := c.Deployment("default", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		old := d.Pods()[0]
		start := time.Now()
		go old.Delete(t.Context())
		synctest.Wait()
		require.NoError(t, d.WaitReady(t.Context()))
		assert.Less(t, time.Since(start), time.Second)
		assert.Len(t, d.Pods(), 2)
		assert.Equal(t, 1, d.Status().Replicas, "one that is being deleted does not count")
		time.Sleep(31 * time.Second)
		synctest.Wait()
		assert.Len(t, d.Pods(), 1)
	})
}

func TestADeploymentReplacesAPodThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := deployment(1)
		ended := make(map[string]bool)
		spec.Template = template(func(ctx context.Context, c *podnet.Container) error {
			if len(ended) > 0 {
				<-ctx.Done()
				return nil
			}
			ended[c.Pod().Name()] = true
			return errors.New("oh")
		})
		spec.Template.Spec.Containers[0].RestartPolicy = podnet.RestartPolicyNever
		require.NoError(t, c.Apply(t.Context(), spec))
		d := c.Deployment("", "web")
		synctest.Wait()
		require.NoError(t, d.WaitReady(t.Context()))
		pods := d.Pods()
		require.Len(t, pods, 2)
		assert.True(t, ended[pods[0].Name()])
		assert.Equal(t, podnet.PodFailed, pods[0].Status().Phase, "it stays, as an evicted Pod does")
		require.NoError(t, d.Delete(t.Context()))
		assert.Empty(t, c.Pods())
	})
}

func TestADeploymentIsScaledByApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), deployment(2)))
		d := c.Deployment("", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		first := podNames(d.Pods())
		time.Sleep(time.Hour)
		require.NoError(t, c.Apply(t.Context(), deployment(4)))
		require.NoError(t, d.WaitReady(t.Context()))
		assert.Len(t, d.Pods(), 4)
		require.NoError(t, c.Apply(t.Context(), deployment(2)))
		require.NoError(t, d.WaitReady(t.Context()))
		synctest.Wait()
		assert.Equal(t, first, podNames(d.Pods()), "the youngest go first")
		require.NoError(t, c.Apply(t.Context(), deployment(0)))
		require.NoError(t, d.WaitReady(t.Context()))
		synctest.Wait()
		assert.Empty(t, c.Pods())
	})
}

func TestADeploymentTakesAwayWhatIsNotReadyFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := deployment(3)
		spec.Template.Spec.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: "example.com/up"}}
		require.NoError(t, c.Apply(t.Context(), spec))
		d := c.Deployment("", "web")
		pods := d.Pods()
		for _, p := range pods[1:] {
			require.NoError(t, p.SetCondition(podnet.PodCondition{Type: "example.com/up", Status: true}))
		}
		synctest.Wait()
		assert.Equal(t, 2, d.Status().ReadyReplicas)
		spec.Replicas = new(int32(2))
		require.NoError(t, c.Apply(t.Context(), spec))
		require.NoError(t, d.WaitReady(t.Context()))
		synctest.Wait()
		assert.Equal(t, podNames(pods[1:]), podNames(d.Pods()))
	})
}

func TestAPodIsAvailableWhenItHasBeenReadyForMinReadySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := deployment(2)
		spec.MinReadySeconds = 90
		require.NoError(t, c.Apply(t.Context(), spec))
		d := c.Deployment("", "web")
		start := time.Now()
		require.NoError(t, d.WaitReady(t.Context()))
		assert.Zero(t, d.Status().AvailableReplicas)
		require.NoError(t, d.Wait(t.Context(), func(s podnet.WorkloadStatus) bool { return s.AvailableReplicas == 2 }))
		assert.Equal(t, 90, int(time.Since(start).Seconds()))
	})
}

func TestAStatefulSetStartsItsPodsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := statefulSet(3)
		spec.Ordinals = &podnet.StatefulSetOrdinals{Start: 5}
		spec.Template.Spec.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: "example.com/up"}}
		require.NoError(t, c.Apply(t.Context(), spec))
		s := c.StatefulSet("", "db")
		for i := range 3 {
			synctest.Wait()
			require.Equal(t, []string{"db-5", "db-6", "db-7"}[:i+1], podNames(s.Pods()))
			p := s.Pods()[i]
			assert.Equal(t, p.Name(), p.Spec().Hostname)
			assert.Equal(t, "dbs", p.Spec().Subdomain)
			assert.Equal(t, []string{"5", "6", "7"}[i], p.Spec().Labels["apps.kubernetes.io/pod-index"])
			assert.Equal(t, p.Name(), p.Spec().Labels["statefulset.kubernetes.io/pod-name"])
			assert.Regexp(t, "^db-[bcdfghjklmnpqrstvwxz2456789]+$", p.Spec().Labels["controller-revision-hash"])
			require.NoError(t, p.SetCondition(podnet.PodCondition{Type: "example.com/up", Status: true}))
		}
		require.NoError(t, s.WaitReady(t.Context()))
	})
}

func TestAStatefulSetIsScaledDownInReverseOrder(t *testing.T) {
	for policy, want := range map[podnet.PodManagementPolicy][]int{podnet.PodManagementOrderedReady: {3, 2, 1, 0}, podnet.PodManagementParallel: {3, 0}} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, podnet.Config{})
				spec := statefulSet(3)
				spec.PodManagementPolicy = policy
				spec.Template = template(endsSlowly)
				require.NoError(t, c.Apply(t.Context(), spec))
				s := c.StatefulSet("", "db")
				require.NoError(t, s.WaitReady(t.Context()))
				spec.Replicas = new(int32(0))
				require.NoError(t, c.Apply(t.Context(), spec))
				var counts []int
				for range 40 {
					time.Sleep(time.Second)
					synctest.Wait()
					counts = append(counts, s.Status().Replicas)
					pods := podNames(s.Pods())
					assert.Equal(t, []string{"db-0", "db-1", "db-2"}[:len(pods)], append([]string{}, pods...))
				}
				assert.Equal(t, want, slices.Compact(counts))
			})
		})
	}
}

func TestAStatefulSetMakesAPodAgainWhenItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := statefulSet(2)
		spec.Template = template(endsSlowly)
		require.NoError(t, c.Apply(t.Context(), spec))
		s := c.StatefulSet("", "db")
		require.NoError(t, s.WaitReady(t.Context()))
		old := s.Pods()[0]
		start := time.Now()
		go old.Delete(t.Context())
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Equal(t, []*podnet.Pod{old, c.Pod("", "db-1")}, s.Pods())
		require.NoError(t, s.WaitReady(t.Context()))
		assert.Equal(t, 10, int(time.Since(start).Seconds()))
		assert.NotEqual(t, old.UID(), c.Pod("", "db-0").UID())
	})
}

func TestAStatefulSetMakesAPodAgainThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := statefulSet(1)
		runs := 0
		spec.Template = template(func(ctx context.Context, c *podnet.Container) error {
			if runs++; runs > 1 {
				<-ctx.Done()
			}
			return nil
		})
		spec.Template.Spec.Containers[0].RestartPolicy = podnet.RestartPolicyNever
		require.NoError(t, c.Apply(t.Context(), spec))
		s := c.StatefulSet("", "db")
		synctest.Wait()
		require.NoError(t, s.WaitReady(t.Context()))
		assert.Equal(t, []string{"db-0"}, podNames(c.Pods()))
		assert.Equal(t, 2, runs)
	})
}

func TestWhatCannotBeChangedOfAWorkload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		require.NoError(t, c.Apply(t.Context(), deployment(1), statefulSet(1)))
		d := deployment(2)
		d.Template.Spec.Hostname = "other"
		assert.EqualError(t, c.Apply(t.Context(), d), `Deployment "web" is invalid: spec.template: Forbidden: podnet does not exchange Pods for others step by step: delete the Deployment first, then apply the new one`)
		assert.Equal(t, 1, c.Deployment("", "web").Status().Desired, "nothing is half done")
		d = deployment(2)
		d.Selector = &podnet.LabelSelector{MatchExpressions: []podnet.LabelSelectorRequirement{{Key: "app", Operator: podnet.LabelSelectorOpExists}}}
		assert.EqualError(t, c.Apply(t.Context(), d), `Deployment "web" is invalid: spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable`)
		s := statefulSet(1)
		s.ServiceName, s.PodManagementPolicy = "other", podnet.PodManagementParallel
		assert.EqualError(t, c.Apply(t.Context(), s), `StatefulSet "db" is invalid: [spec.serviceName: Invalid value: "other": field is immutable, spec.podManagementPolicy: Invalid value: "Parallel": field is immutable]`)

		same := deployment(1)
		same.Labels = map[string]string{"a": "b"}
		require.NoError(t, c.Apply(t.Context(), same))
		assert.Equal(t, same.Labels, c.Deployment("", "web").Spec().Labels)
	})
}

func TestAWorkloadWhosePodsCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		d := deployment(1)
		d.Template.Spec.Containers[0].Image = " nginx"
		assert.ErrorContains(t, c.Apply(t.Context(), d), `spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace`)
		assert.Nil(t, c.Deployment("", "web"))

		podnettest.StartPod(t, c, podnet.PodSpec{Name: "db-1", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
		err := c.Apply(t.Context(), statefulSet(2))
		assert.EqualError(t, err, "podnet: apply StatefulSet default/db: its Pod db-1 cannot be made: a Pod of this name already exists: delete it first")
		assert.Nil(t, c.StatefulSet("", "db"))
		assert.Len(t, c.Pods(), 1)
	})
}

func TestWaitingForAWorkloadThatIsNeverReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := deployment(2)
		spec.Template.Spec.Containers[0] = podnet.ContainerSpec{Name: "a", Image: "nowhere"}
		require.NoError(t, c.Apply(t.Context(), spec))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := c.Deployment("", "web").WaitReady(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "podnet: wait for Deployment default/web: context deadline exceeded (READY 0/2; Pod web-")
		assert.ErrorContains(t, err, "ImagePullBackOff; container a: ")
	})
}

func TestAWorkloadThatIsBeingDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := deployment(1)
		spec.Template = template(untilKilled)
		require.NoError(t, c.Apply(t.Context(), spec))
		d := c.Deployment("", "web")
		require.NoError(t, d.WaitReady(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, d.Delete(ctx), context.DeadlineExceeded)
		assert.ErrorIs(t, c.Apply(t.Context(), spec), podnet.ErrDeleting)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.NoError(t, c.Apply(t.Context(), spec))
	})
}

func TestCloseEndsWorkloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := podnet.NewCluster(podnet.Config{})
		require.NoError(t, err)
		require.NoError(t, c.Apply(t.Context(), deployment(2), statefulSet(3)))
		d := c.Deployment("", "web")
		waiting := make(chan error)
		go func() {
			waiting <- d.Wait(t.Context(), func(podnet.WorkloadStatus) bool { return false })
		}()
		synctest.Wait()
		require.NoError(t, c.Close())
		assert.ErrorIs(t, <-waiting, podnet.ErrClosed)
		assert.ErrorIs(t, c.Apply(t.Context(), statefulSet(3)), podnet.ErrClosed)
		again := deployment(1)
		again.Name = "again"
		assert.ErrorIs(t, c.Apply(t.Context(), again), podnet.ErrClosed)
	})
}

// The names of replicas depend on the seed alone, not on what else happens.
func TestTheNamesOfReplicasComeFromTheSeed(t *testing.T) {
	names := func(t *testing.T, seed uint64, replicas int32) []string {
		c := podnettest.NewCluster(t, podnet.Config{Seed: seed})
		require.NoError(t, c.Apply(t.Context(), deployment(replicas)))
		return podNames(c.Deployment("", "web").Pods())
	}
	synctest.Test(t, func(t *testing.T) {
		assert.Equal(t, names(t, 1, 3), names(t, 1, 3))
		assert.Equal(t, names(t, 1, 3)[:2], names(t, 1, 2))
		assert.NotEqual(t, names(t, 1, 3), names(t, 2, 3))
	})
}
