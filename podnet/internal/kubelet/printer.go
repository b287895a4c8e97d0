package kubelet

import (
	"fmt"
	"time"
)

// StatusColumn returns what kubectl get pods prints under STATUS: how far the init
// containers are, else the phase, or the reason of the first container by name
// that has one to give (printers/internalversion/printers.go, printPod).
func StatusColumn(s Status) string {
	column := string(s.Phase)
	if s.Reason != "" {
		column = s.Reason
	}
	if init := initColumn(s); init != "" {
		column = init
	}
	if !initializing(s) {
		column = containersColumn(s, column)
	}
	if !s.DeletionTimestamp.IsZero() && !s.Phase.terminal() {
		column = "Terminating"
	}
	return column
}

// initColumn tells how far the init containers are, "" if they are done.
func initColumn(s Status) string {
	for i, c := range s.InitContainers {
		end, waiting := c.State.Terminated, c.State.Waiting
		switch {
		case end != nil && end.ExitCode == 0, c.sidecar && c.Started:
		case end != nil && end.Reason == "":
			return fmt.Sprintf("Init:ExitCode:%d", end.ExitCode)
		case end != nil:
			return "Init:" + end.Reason
		case waiting != nil && waiting.Reason != "" && waiting.Reason != ReasonPodInitializing:
			return "Init:" + waiting.Reason
		default:
			return fmt.Sprintf("Init:%d/%d", i, len(s.InitContainers))
		}
	}
	return ""
}

// containersColumn looks at the containers for something better than column.
func containersColumn(s Status, column string) string {
	running, failure := false, ""
	for i := len(s.Containers) - 1; i >= 0; i-- {
		c := s.Containers[i]
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			column = c.State.Waiting.Reason
		case c.State.Terminated != nil:
			column = c.State.Terminated.Reason
			if column == "" {
				column = fmt.Sprintf("ExitCode:%d", c.State.Terminated.ExitCode)
			}
			if c.State.Terminated.ExitCode != 0 {
				failure = column
			}
		case c.State.Running != nil && c.Ready:
			running = true
		}
	}
	if column == ReasonCompleted {
		switch {
		case running && conditionIs(s.Conditions, PodReady, ConditionTrue):
			column = string(PodRunning)
		case failure != "":
			column = failure
		case running:
			column = "NotReady"
		}
	}
	return column
}

// ReadyColumn returns what kubectl prints under READY: the containers that run
// and are ready, and all of them, as in "1/2". Sidecars count as containers.
func ReadyColumn(s Status) string {
	ready, all := 0, len(s.Containers)
	for _, c := range s.InitContainers {
		if c.sidecar {
			all++
		}
	}
	for _, c := range counted(s) {
		if c.State.Running != nil && c.Ready && (!c.sidecar || c.Started) {
			ready++
		}
	}
	return fmt.Sprintf("%d/%d", ready, max(all, s.columns))
}

// counted returns the statuses that kubectl counts: sidecars up to the first init
// container that is not done and, unless the Pod is initializing, containers.
func counted(s Status) []ContainerStatus {
	var list []ContainerStatus
	for _, c := range s.InitContainers {
		if c.State.Terminated != nil && c.State.Terminated.ExitCode == 0 {
			continue
		}
		if !c.sidecar || !c.Started {
			break
		}
		list = append(list, c)
	}
	if initializing(s) {
		return list
	}
	return append(list, s.Containers...)
}

// initializing reports whether kubectl shows the init containers instead of the
// containers.
func initializing(s Status) bool {
	return initColumn(s) != "" && !conditionIs(s.Conditions, PodInitialized, ConditionTrue)
}

// RestartsColumn returns what kubectl prints under RESTARTS at the time now: the
// restarts of the containers and when the last one that was restarted had ended,
// as in "5 (42s ago)". While the Pod is initializing it is those of the init
// containers up to the one whose turn it is, and then those of sidecars beside
// the containers'.
func RestartsColumn(s Status, now time.Time) string {
	restarts := 0
	var last time.Time
	add := func(c ContainerStatus) {
		restarts += c.RestartCount
		if end := c.LastTermination; end != nil && end.FinishedAt.After(last) {
			last = end.FinishedAt
		}
	}
	during := initializing(s)
	for _, c := range s.InitContainers {
		if during || c.sidecar {
			add(c)
		}
		if !(c.State.Terminated != nil && c.State.Terminated.ExitCode == 0 || c.sidecar && c.Started) {
			break
		}
	}
	if !during {
		for _, c := range s.Containers {
			add(c)
		}
	}
	if restarts == 0 || last.IsZero() {
		return fmt.Sprint(restarts)
	}
	return fmt.Sprintf("%d (%s ago)", restarts, HumanDuration(now.Sub(last)))
}

// HumanDuration prints an age as kubectl does, with two units at most: "119s",
// "2m", "9m59s", "3h5m", "47h", "2d", "7d23h", "2y1d". A time up to a second
// ahead is "0s", and one further ahead "<invalid>"
// (apimachinery, util/duration).
func HumanDuration(d time.Duration) string {
	const (
		day  = 24 * time.Hour
		year = 365 * day
	)
	switch {
	case d <= -2*time.Second:
		return "<invalid>"
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 10*time.Minute:
		return twoUnits(d, time.Minute, "m", time.Second, "s")
	case d < 3*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 8*time.Hour:
		return twoUnits(d, time.Hour, "h", time.Minute, "m")
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 8*day:
		return twoUnits(d, day, "d", time.Hour, "h")
	case d < 2*year:
		return fmt.Sprintf("%dd", d/day)
	case d < 8*year:
		return twoUnits(d, year, "y", day, "d")
	default:
		return fmt.Sprintf("%dy", d/year)
	}
}

// twoUnits prints d in a large unit and the rest in a small one, if any.
func twoUnits(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d%s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		s += fmt.Sprintf("%d%s", rest, smallName)
	}
	return s
}
