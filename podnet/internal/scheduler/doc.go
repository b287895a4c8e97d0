// Package scheduler puts Pods on nodes as Kubernetes 1.37 does: its scheduler and,
// for a Pod whose spec names a node, the admission of that node's kubelet.
//
// A [Scheduler] knows the filters NodeAffinity (of which podnet has node selectors)
// and NodePorts. Of the nodes that are left it takes the one with the fewest Pods,
// the first one if there are several. Kubernetes' scores depend on resources and
// images, which podnet does not have.
//
// A Pod that fits nowhere waits. It is tried again when a Pod is gone whose host
// ports it wants, in the order in which they were last tried. Differences from the
// real scheduler:
//   - No Pod has a priority, so none is preempted.
//   - There is no back-off: a try costs nothing, and what it finds changes only
//     when a Pod goes.
//   - It does not try again every five minutes what cannot have changed.
package scheduler
