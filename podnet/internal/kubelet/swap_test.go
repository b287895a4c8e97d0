package kubelet

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSwapRestartsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := newPod(RestartPolicyNever, "a", "done")
		pod.InitContainers = []Container{{Name: "init"}, {Name: "proxy", RestartPolicy: RestartPolicyAlways}}
		swapped := make(map[string]bool) // the last start of each container
		var worker atomic.Pointer[Worker]
		runtime := &fakeRuntime{start: func(name string, _ int) (*fakeProcess, error) {
			if w := worker.Load(); w != nil {
				swapped[name] = w.Swapped()
			}
			switch name {
			case "init", "done":
				return exits(0, time.Second), nil
			}
			return runs(3 * time.Second), nil
		}}
		l := begin(t, pod, runtime)
		l.at(time.Minute)
		worker.Store(l.Worker)
		l.takeEvents()
		l.Swap(true)
		l.at(2 * time.Minute)
		assert.Equal(t, []string{
			"1m0s Normal Killing spec.initContainers{proxy}: Init container proxy definition changed",
			"1m3s Normal Killing spec.containers{a}: Container a definition changed, will be restarted",
			"1m6s Normal Created spec.initContainers{proxy}: Container created",
			"1m6s Normal Started spec.initContainers{proxy}: Container started",
			"1m6s Normal Created spec.containers{a}: Container created",
			"1m6s Normal Started spec.containers{a}: Container started",
		}, l.takeEvents(), "in spite of the policy Never, and without back-off")
		assert.Equal(t, map[string]bool{"a": true, "proxy": true}, swapped)
		l.Swap(true)
		l.at(3 * time.Minute)
		assert.Empty(t, l.takeEvents())
		l.Swap(false)
		l.at(4 * time.Minute)
		assert.Equal(t, map[string]bool{"a": false, "proxy": false}, swapped)
		assert.Equal(t, 2, l.container("a").RestartCount)
		assert.Equal(t, PodRunning, l.Status().Phase)
		l.Swap(true)
		l.Swap(false)
		l.at(5 * time.Minute)
		assert.Contains(t, []int{2, 3}, l.container("a").RestartCount, "the worker may see what was asked for in between")
		assert.Equal(t, map[string]bool{"a": false, "proxy": false}, swapped)
	})
}

func TestSwapEndsABackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newPod(RestartPolicyAlways, "a"), &fakeRuntime{start: func(string, int) (*fakeProcess, error) { return exits(1, 0), nil }})
		l.at(time.Second)
		assert.Equal(t, 1, l.container("a").RestartCount)
		l.Swap(true)
		l.at(2 * time.Second)
		assert.Equal(t, 2, l.container("a").RestartCount)
	})
}
