package kubelet

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imagePod returns a Pod with one container.
func imagePod(image string, policy PullPolicy) Pod {
	pod := newPod(RestartPolicyAlways, "app")
	pod.Containers[0].Image = image
	pod.Containers[0].PullPolicy = policy
	return pod
}

func TestPullPolicyDecidesOnThePull(t *testing.T) {
	const (
		present = `0s Normal Pulled spec.containers{app}: Container image "x:1" already present on machine and can be accessed by the pod`
		pulling = `0s Normal Pulling spec.containers{app}: Pulling image "x:1"`
		pulled  = `1.5s Normal Pulled spec.containers{app}: Successfully pulled image "x:1" in 1.5s (1.5s including waiting). Image size: 42 bytes.`
	)
	tests := map[string]struct {
		policy  PullPolicy
		present bool
		events  []string // before the container is created
	}{
		"Always pulls what is there":    {PullAlways, true, []string{pulling, pulled}},
		"Always pulls what is not":      {PullAlways, false, []string{pulling, pulled}},
		"IfNotPresent takes it":         {PullIfNotPresent, true, []string{present}},
		"IfNotPresent pulls":            {PullIfNotPresent, false, []string{pulling, pulled}},
		"Never takes it":                {PullNever, true, []string{present}},
		"by default it is IfNotPresent": {"", true, []string{present}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, imagePod("x:1", tt.policy), &fakeRuntime{
					present: map[string]bool{"x:1": tt.present},
					pull: func(context.Context, string) (int64, error) {
						time.Sleep(1500*time.Millisecond + time.Microsecond)
						return 42, nil
					},
				})
				l.at(2 * time.Second)
				events := l.takeEvents()
				// The pull took a microsecond that the text leaves out.
				got := strings.ReplaceAll(strings.Join(events[:len(events)-2], "\n"), "1.500001s Normal", "1.5s Normal")
				assert.Equal(t, strings.Join(tt.events, "\n"), got)
				assert.NotNil(t, l.container("app").State.Running)
			})
		})
	}
}

func TestDefaultPullPolicyFollowsTheTag(t *testing.T) {
	for image, want := range map[string]PullPolicy{
		"nginx":        PullAlways,
		"nginx:latest": PullAlways,
		"nginx:1.27":   PullIfNotPresent,
		"nginx@sha256:" + strings.Repeat("a", 64): PullIfNotPresent,
		"NGINX": PullIfNotPresent, // no name at all
	} {
		assert.Equal(t, want, defaultPullPolicy(image), image)
	}
}

func TestPullBackOffKeepsKubernetesTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, imagePod("x:1", PullAlways), &fakeRuntime{})
		l.at(21 * time.Minute)
		log := l.takeLog()
		assert.Equal(t, []string{"0s", "10s", "30s", "1m10s", "2m30s", "5m10s", "10m10s", "15m10s", "20m10s"}, firstWords(log[1:]))
	})
}

func TestPullBackOffTellsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, imagePod("x:1", PullIfNotPresent), &fakeRuntime{})
		assert.Equal(t, []string{
			`0s Normal Pulling spec.containers{app}: Pulling image "x:1"`,
			`0s Warning Failed spec.containers{app}: Failed to pull image "x:1": not found`,
			`0s Warning Failed spec.containers{app}: Error: ErrImagePull`,
		}, l.takeEvents())
		assert.Equal(t, &Waiting{Reason: "ErrImagePull", Message: "not found"}, l.container("app").State.Waiting)
		assert.Equal(t, PodPending, l.Status().Phase)
		assert.Equal(t, "True   since 0s", l.condition(PodReadyToStartContainers))

		l.at(time.Second)
		assert.Equal(t, []string{
			`1s Normal BackOff spec.containers{app}: Back-off pulling image "x:1"`,
			`1s Warning Failed spec.containers{app}: Error: ImagePullBackOff`,
		}, l.takeEvents())
		assert.Equal(t, &Waiting{
			Reason:  "ImagePullBackOff",
			Message: `Back-off pulling image "x:1": ErrImagePull: not found`,
		}, l.container("app").State.Waiting)

		l.at(10 * time.Second)
		assert.Equal(t, "ErrImagePull", StatusColumn(l.Status()))
		l.at(20 * time.Second)
		assert.Equal(t, "ImagePullBackOff", StatusColumn(l.Status()))

		l.runtime.provide("x:1")
		l.at(30 * time.Second)
		assert.Equal(t, PodRunning, l.Status().Phase, "it runs when the image came")
		assert.Equal(t, 0, l.container("app").RestartCount)
	})
}

func TestContainersOfAPodShareAPullBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := newPod(RestartPolicyAlways, "a", "b")
		pod.Containers[0].Image = "x:1"
		pod.Containers[1].Image = "x:1"
		l := begin(t, pod, &fakeRuntime{})
		assert.Equal(t, "ErrImagePull", l.container("a").State.Waiting.Reason)
		assert.Equal(t, "ImagePullBackOff", l.container("b").State.Waiting.Reason)
	})
}

func TestImagesThatCannotBePulled(t *testing.T) {
	tests := map[string]struct {
		image, reason, message, event string
	}{
		"absent and never pulled": {
			image:   "x:1",
			reason:  "ErrImageNeverPull",
			message: `Container image "x:1" is not present with pull policy of Never`,
			event:   "ErrImageNeverPull",
		},
		"no image name": {
			image:   "x:",
			reason:  "InvalidImageName",
			message: `Failed to apply default image tag "x:": couldn't parse image name "x:": invalid reference format`,
			event:   "InspectFailed",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, imagePod(tt.image, PullNever), &fakeRuntime{})
				assert.Equal(t, &Waiting{Reason: tt.reason, Message: tt.message}, l.container("app").State.Waiting)
				want := []string{
					"Warning " + tt.event + " spec.containers{app}: " + tt.message,
					"Warning Failed spec.containers{app}: Error: " + tt.reason,
				}
				l.at(25 * time.Second)
				var all []string
				for _, at := range []string{"0s ", "1s ", "11s ", "21s "} {
					all = append(all, at+want[0], at+want[1])
				}
				assert.Equal(t, all, l.takeEvents(), "and again every ten seconds")
			})
		})
	}
}

func TestPullIsGivenUpWithThePod(t *testing.T) {
	hang := func(ctx context.Context, _ string) (int64, error) {
		<-ctx.Done()
		return 0, errors.New("cut off")
	}
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, imagePod("x:1", PullAlways), &fakeRuntime{pull: hang})
		l.at(time.Minute)
		assert.Equal(t, "ContainerCreating", StatusColumn(l.Status()))
		l.takeEvents()
		l.Delete(30 * time.Second)
		synctest.Wait()
		require.True(t, l.ended())
		assert.Empty(t, l.takeEvents())
		assert.Equal(t, PodFailed, l.Status().Phase)
		assert.Equal(t, &Terminated{
			ExitCode: 137,
			Reason:   "ContainerStatusUnknown",
			Message:  "The container could not be located when the pod was terminated",
		}, l.container("app").State.Terminated)
	})
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, imagePod("x:1", PullAlways), &fakeRuntime{pull: hang})
		l.Stop()
		assert.False(t, l.runtime.isUp())
	})
}
