package scheduler

import "slices"

// Node is a node of the cluster. It does not change.
type Node struct {
	Name   string
	Labels map[string]string

	// HasAddresses reports whether the node has count addresses for one more
	// Pod. A node that has not is taken only if all are so. nil means that it
	// always has.
	HasAddresses func(count int) bool
}

// Pod is what must be known of a Pod to place it. It does not change.
type Pod struct {
	Namespace, Name string // for the caller

	NodeName     string            // the node to put it on; empty for any
	NodeSelector map[string]string // labels that the node must have
	Addresses    int               // how many it needs of each family; 0 on the host network
	HostPorts    []HostPort        // of its containers and sidecars
}

// Decision is what became of a Pod.
type Decision struct {
	Pod  *Pod
	Node int // the index of its node; negative if it has none

	// Unschedulable is why no node was found, in the scheduler's words. It is
	// empty for a Pod that names a node that does not exist: the scheduler does
	// not look at it.
	Unschedulable string

	// Rejection is why the kubelet of the node does not take the Pod; nil if it
	// does.
	Rejection *Rejection
}

// Scheduler knows which Pod is on which node. It is not safe for concurrent use.
type Scheduler struct {
	nodes   []*node
	placed  map[*Pod]*node
	waiting []*Pod // the one that was tried the longest time ago first
}

type node struct {
	Node
	index    int
	pods     int
	cordoned bool
	ports    map[*Pod][]HostPort // of the Pods that have some and have not ended
}

// New returns the scheduler of nodes without Pods.
func New(nodes []Node) *Scheduler {
	s := &Scheduler{placed: make(map[*Pod]*node)}
	for i, n := range nodes {
		s.nodes = append(s.nodes, &node{Node: n, index: i, ports: make(map[*Pod][]HostPort)})
	}
	return s
}

// Add places a new Pod, or lets it wait.
func (s *Scheduler) Add(p *Pod) Decision {
	if p.NodeName == "" {
		return s.try(p)
	}
	for _, n := range s.nodes {
		if n.Name != p.NodeName {
			continue
		}
		d := Decision{Pod: p, Node: n.index, Rejection: n.admit(p)}
		s.assign(p, n)
		if d.Rejection != nil {
			delete(n.ports, p)
		}
		return d
	}
	return Decision{Pod: p, Node: -1}
}

// try puts a Pod on the best node, or at the end of the queue.
func (s *Scheduler) try(p *Pod) Decision {
	var best *node
	failures := make([]reason, 0, len(s.nodes))
	for _, n := range s.nodes {
		if why := n.filter(p); why != "" {
			failures = append(failures, why)
		} else if best == nil || n.betterThan(best, p) {
			best = n
		}
	}
	if best == nil {
		s.waiting = append(s.waiting, p)
		return Decision{Pod: p, Node: -1, Unschedulable: unschedulable(failures)}
	}
	s.assign(p, best)
	return Decision{Pod: p, Node: best.index}
}

// filter returns why p cannot be on the node, "" if it can. Like the scheduler's
// it gives the first reason only.
func (n *node) filter(p *Pod) reason {
	switch {
	case n.cordoned && p.NodeName == "":
		return cordoned
	case !n.matches(p):
		return notSelected
	case !n.hasPorts(p):
		return noFreePorts
	}
	return ""
}

func (n *node) matches(p *Pod) bool {
	for key, value := range p.NodeSelector {
		if own, ok := n.Labels[key]; !ok || own != value {
			return false
		}
	}
	return true
}

func (n *node) hasPorts(p *Pod) bool {
	if len(p.HostPorts) == 0 {
		return true
	}
	for _, taken := range n.ports {
		if conflict(p.HostPorts, taken) {
			return false
		}
	}
	return true
}

// betterThan compares nodes that would do. Of equals the first one is the best.
func (n *node) betterThan(best *node, p *Pod) bool {
	if has := n.hasAddresses(p); has != best.hasAddresses(p) {
		return has
	}
	return n.pods < best.pods
}

func (n *node) hasAddresses(p *Pod) bool {
	return p.Addresses == 0 || n.HasAddresses == nil || n.HasAddresses(p.Addresses)
}

// Cordon makes a node take no more Pods but those that name it, or take them
// again. It returns what became of those that waited for a node.
func (s *Scheduler) Cordon(index int, cordon bool) []Decision {
	s.nodes[index].cordoned = cordon
	if cordon {
		return nil
	}
	waiting := s.waiting
	s.waiting = nil
	var decisions []Decision
	for _, p := range waiting {
		decisions = append(decisions, s.try(p))
	}
	return decisions
}

func (s *Scheduler) assign(p *Pod, n *node) {
	s.placed[p] = n
	n.pods++
	if len(p.HostPorts) > 0 {
		n.ports[p] = p.HostPorts
	}
}

// Ended tells that a Pod has ended for good: its ports are free, though it is
// still on its node. It returns what became of those that waited for them.
func (s *Scheduler) Ended(p *Pod) []Decision {
	n := s.placed[p]
	if n == nil || n.ports[p] == nil {
		return nil
	}
	delete(n.ports, p)
	return s.retry(p)
}

// Remove tells that a Pod is gone, placed or not. It returns what became of those
// that waited for its ports.
func (s *Scheduler) Remove(p *Pod) []Decision {
	n := s.placed[p]
	if n == nil {
		s.waiting = slices.DeleteFunc(s.waiting, func(o *Pod) bool { return o == p })
		return nil
	}
	n.pods--
	decisions := s.Ended(p)
	delete(s.placed, p)
	return decisions
}

// retry tries the Pods that want a port that gone had. Those that no node can help
// with ports are not tried: they wait for labels.
func (s *Scheduler) retry(gone *Pod) []Decision {
	var ready []*Pod
	s.waiting = slices.DeleteFunc(s.waiting, func(p *Pod) bool {
		wants := conflict(p.HostPorts, gone.HostPorts) && slices.ContainsFunc(s.nodes, func(n *node) bool { return n.matches(p) })
		if wants {
			ready = append(ready, p)
		}
		return wants
	})
	var decisions []Decision
	for _, p := range ready {
		decisions = append(decisions, s.try(p))
	}
	return decisions
}
