package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"podnet.dev/podnet"
)

// podState is a Pod as it is at the end of a run.
type podState struct {
	namespace, name string
	node            string
	spec            podnet.PodSpec
	status          podnet.PodStatus
}

func stateOf(p *podnet.Pod) podState {
	return podState{p.Namespace(), p.Name(), p.Node(), p.Spec(), p.Status()}
}

// nodeText is what kubectl shows of a Pod's node.
func nodeText(name string) string { return cmp.Or(name, "<none>") }

// failure says why a Pod counts as failed, or returns "". A Pod has failed if
//   - its phase is Failed, or still Pending;
//   - a container waits for anything, be it CrashLoopBackOff or ErrImagePull;
//   - a container has ended with another code than 0 and not been restarted.
//
// How a sidecar ends is its own affair, as it is to the phase.
func (s podState) failure() string {
	var reasons []string
	ended := s.status.Phase == podnet.PodSucceeded || s.status.Phase == podnet.PodFailed
	for _, c := range s.containers() {
		kind := "container "
		if c.spec.init {
			kind = "init container "
		}
		switch w, t := c.State.Waiting, c.State.Terminated; {
		case c.spec.sidecar() && (ended || t != nil):
		case w != nil && c.LastTermination != nil:
			reasons = append(reasons, fmt.Sprintf("%s%s: %s, ended with exit code %d", kind, c.Name, w.Reason, c.LastTermination.ExitCode))
		case w != nil && w.Reason == "PodInitializing": // it is not the one that fails
		case w != nil:
			reasons = append(reasons, fmt.Sprintf("%s%s: %s", kind, c.Name, w.Reason))
		case t != nil && t.ExitCode != 0:
			reasons = append(reasons, fmt.Sprintf("%s%s: %s, exit code %d", kind, c.Name, t.Reason, t.ExitCode))
		case c.State.Running != nil && c.spec.endsBeforeOthers():
			reasons = append(reasons, fmt.Sprintf("init container %s: has not ended", c.Name))
		case c.State.Running != nil && c.spec.sidecar() && !c.Started:
			reasons = append(reasons, fmt.Sprintf("init container %s: its startup probe has not succeeded", c.Name))
		}
	}
	if c, ok := s.status.Condition("PodScheduled"); ok && !c.Status {
		reasons = append(reasons, c.Reason+": "+c.Message)
	}
	if len(reasons) == 0 && s.status.Message != "" && s.status.Phase != podnet.PodSucceeded {
		reasons = append(reasons, s.status.Message)
	}
	if len(reasons) == 0 && (s.status.Phase == podnet.PodFailed || s.status.Phase == podnet.PodPending) {
		reasons = append(reasons, "its phase is "+string(s.status.Phase))
	}
	return strings.Join(reasons, "; ")
}

// containerState is a container as it is at the end of a run.
type containerState struct {
	podnet.ContainerStatus
	spec member
}

// containers returns the containers in the order of the spec, the init
// containers first.
func (s podState) containers() []containerState {
	var list []containerState
	for _, m := range members(s.spec) {
		if status, ok := s.status.Container(m.Name); ok {
			list = append(list, containerState{status, m})
		}
	}
	return list
}

// statusText shows the Pods as `kubectl get pods` does, and the containers of
// each with what `kubectl describe` says of them.
func statusText(names names, pods []podState) string {
	var text strings.Builder
	table := newTable(&text)
	header := []string{"NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"}
	if names.severalNamespaces {
		header = append([]string{"NAMESPACE"}, header...)
	}
	if names.nodes {
		header = append(header, "NODE")
	}
	table.row(header...)
	for _, p := range pods {
		ip := "<none>"
		if len(p.status.PodIPs) > 0 {
			ip = p.status.PodIPs[0].String()
		}
		c := p.status.Columns
		row := []string{p.name, c.Ready, c.Status, c.Restarts, c.Age, ip}
		if names.severalNamespaces {
			row = append([]string{p.namespace}, row...)
		}
		if names.nodes {
			row = append(row, nodeText(p.node))
		}
		table.row(row...)
	}
	table.Flush() // a strings.Builder takes everything
	for _, p := range pods {
		fmt.Fprintf(&text, "\nContainers of %s:\n", names.pod(p.namespace, p.name))
		table := newTable(&text)
		table.row("  NAME", "STATE", "REASON", "RESTARTS", "LAST STATE", "MESSAGE")
		for _, c := range p.containers() {
			state, reason, message := describe(c.State)
			last := "-"
			if t := c.LastTermination; t != nil {
				last = "Terminated: " + ended(t)
			}
			table.row("  "+c.spec.title(), state, reason, fmt.Sprint(c.RestartCount), last, message)
		}
		table.Flush()
	}
	return text.String()
}

// describe returns the columns of a container's state, "-" for what is empty.
func describe(s podnet.ContainerState) (state, reason, message string) {
	state, reason, message = "-", "-", "-"
	switch {
	case s.Waiting != nil:
		state, reason, message = "Waiting", s.Waiting.Reason, s.Waiting.Message
	case s.Running != nil:
		state = "Running"
	case s.Terminated != nil:
		state, reason, message = "Terminated", ended(s.Terminated), s.Terminated.Message
	}
	if reason == "" {
		reason = "-"
	}
	if message == "" {
		message = "-"
	}
	return state, reason, message
}

func ended(t *podnet.ContainerStateTerminated) string {
	return fmt.Sprintf("%s (exit code %d)", t.Reason, t.ExitCode)
}

// table aligns columns as kubectl does, three spaces apart.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)} }

// row adds a line. A message may have lines of its own, which would end it.
func (t table) row(cells ...string) {
	fmt.Fprintln(t, strings.ReplaceAll(strings.Join(cells, "\t"), "\n", " "))
}
