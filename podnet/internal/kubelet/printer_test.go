package kubelet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestStatusColumn(t *testing.T) {
	ready := []Condition{{Type: PodReady, Status: ConditionTrue}}
	notReady := []Condition{{Type: PodReady, Status: ConditionFalse}}
	deleted := time.Unix(1, 0)
	pulling := ContainerStatus{State: ContainerState{Waiting: &Waiting{Reason: ReasonImagePullBackOff}}}
	odd := ContainerStatus{State: ContainerState{Terminated: &Terminated{ExitCode: 7}}}
	tests := map[string]struct {
		status Status
		want   string
		ready  string
	}{
		"creating":                             {Status{Phase: PodPending, Containers: []ContainerStatus{creating}}, "ContainerCreating", "0/1"},
		"no container known":                   {Status{Phase: PodPending}, "Pending", "0/0"},
		"running":                              {Status{Phase: PodRunning, Conditions: ready, Containers: []ContainerStatus{running, running}}, "Running", "2/2"},
		"running, one not ready":               {Status{Phase: PodRunning, Conditions: notReady, Containers: []ContainerStatus{running, unready}}, "Running", "1/2"},
		"one in a crash loop":                  {Status{Phase: PodRunning, Conditions: notReady, Containers: []ContainerStatus{running, looping}}, "CrashLoopBackOff", "1/2"},
		"the first by name has the word":       {Status{Phase: PodPending, Containers: []ContainerStatus{pulling, looping}}, "ImagePullBackOff", "0/2"},
		"one just failed":                      {Status{Phase: PodRunning, Conditions: notReady, Containers: []ContainerStatus{running, failed}}, "Error", "1/2"},
		"one completed, the other runs":        {Status{Phase: PodRunning, Conditions: notReady, Containers: []ContainerStatus{completed, running}}, "NotReady", "1/2"},
		"the same, but the Pod is ready":       {Status{Phase: PodRunning, Conditions: ready, Containers: []ContainerStatus{completed, running}}, "Running", "1/2"},
		"one completed, another failed":        {Status{Phase: PodFailed, Containers: []ContainerStatus{completed, failed}}, "Error", "0/2"},
		"conditions unknown":                   {Status{Phase: PodRunning, Containers: []ContainerStatus{completed, running}}, "NotReady", "1/2"},
		"all completed":                        {Status{Phase: PodSucceeded, Containers: []ContainerStatus{completed}}, "Completed", "0/1"},
		"failed":                               {Status{Phase: PodFailed, Containers: []ContainerStatus{failed}}, "Error", "0/1"},
		"without a reason":                     {Status{Phase: PodFailed, Containers: []ContainerStatus{odd}}, "ExitCode:7", "0/1"},
		"being deleted":                        {Status{Phase: PodRunning, Conditions: ready, Containers: []ContainerStatus{running}, DeletionTimestamp: deleted}, "Terminating", "1/1"},
		"being deleted before it ever ran":     {Status{Phase: PodPending, Containers: []ContainerStatus{pulling}, DeletionTimestamp: deleted}, "Terminating", "0/1"},
		"deleted, and its containers are gone": {Status{Phase: PodSucceeded, Containers: []ContainerStatus{completed}, DeletionTimestamp: deleted}, "Completed", "0/1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, StatusColumn(tt.status))
			assert.Equal(t, tt.ready, ReadyColumn(tt.status))
		})
	}
}

func TestRestartsColumn(t *testing.T) {
	now := time.Unix(10000, 0)
	restarted := func(n int, ago time.Duration) ContainerStatus {
		return ContainerStatus{RestartCount: n, LastTermination: &Terminated{FinishedAt: now.Add(-ago)}}
	}
	tests := map[string]struct {
		containers []ContainerStatus
		want       string
	}{
		"none":                      {[]ContainerStatus{running, creating}, "0"},
		"some":                      {[]ContainerStatus{restarted(5, 42*time.Second)}, "5 (42s ago)"},
		"of all, since the last":    {[]ContainerStatus{restarted(2, time.Hour), restarted(1, 5*time.Minute+3*time.Second)}, "3 (5m3s ago)"},
		"waits for the first":       {[]ContainerStatus{looping}, "0"},
		"the last run is unknown":   {[]ContainerStatus{{RestartCount: 1}}, "1"},
		"its end was never stamped": {[]ContainerStatus{{RestartCount: 1, LastTermination: &Terminated{}}}, "1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, RestartsColumn(Status{Containers: tt.containers}, now))
		})
	}
}

func TestHumanDuration(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-2 * time.Second:                "<invalid>",
		-2*time.Second + 1:              "0s",
		0:                               "0s",
		999 * time.Millisecond:          "0s",
		119 * time.Second:               "119s",
		2 * time.Minute:                 "2m",
		2*time.Minute + 5*time.Second:   "2m5s",
		10*time.Minute - 1:              "9m59s",
		10*time.Minute + 30*time.Second: "10m",
		3*time.Hour - 1:                 "179m",
		3 * time.Hour:                   "3h",
		3*time.Hour + 5*time.Minute:     "3h5m",
		8 * time.Hour:                   "8h",
		2*day - 1:                       "47h",
		2 * day:                         "2d",
		8*day - 1:                       "7d23h",
		8*day + 5*time.Hour:             "8d",
		2*year - 1:                      "729d",
		2 * year:                        "2y",
		2*year + day:                    "2y1d",
		8*year + 10*day:                 "8y",
	} {
		assert.Equal(t, want, HumanDuration(d), d.String())
	}
}
