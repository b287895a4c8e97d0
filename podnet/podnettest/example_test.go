package podnettest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// In a synctest bubble an hour of crash loop takes no time.
func TestAnHourOfCrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
			Name: "p",
			Containers: []podnet.ContainerSpec{{
				Name: "main",
				Run:  func(context.Context, *podnet.Container) error { return podnet.ExitError{Code: 1} },
			}},
		})
		time.Sleep(time.Hour)
		if n := pod.Container("main").Status().RestartCount; n != 16 {
			t.Errorf("it was restarted %d times", n)
		}
	})
}
