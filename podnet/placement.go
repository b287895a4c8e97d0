package podnet

import (
	"fmt"
	"strings"

	"podnet.dev/podnet/internal/kubelet"
	"podnet.dev/podnet/internal/scheduler"
)

func newScheduler(cfg Config, nodes []*node) *scheduler.Scheduler {
	list := make([]scheduler.Node, len(nodes))
	for i, n := range nodes {
		list[i] = scheduler.Node{Name: n.name, Labels: cfg.nodeLabels(i), HasAddresses: n.hasAddresses}
	}
	return scheduler.New(list)
}

// demand returns what the scheduler must know of a Pod. s has defaults; addresses
// is how many it takes of each family.
func (s PodSpec) demand(addresses int) *scheduler.Pod {
	d := &scheduler.Pod{
		Namespace: s.Namespace, Name: s.Name,
		NodeName: s.NodeName, NodeSelector: s.NodeSelector, Addresses: addresses,
	}
	// Not those of init containers that end (GetHostPorts in
	// pkg/scheduler/util/utils.go).
	for _, c := range s.InitContainers {
		if c.RestartPolicy == RestartPolicyAlways {
			d.HostPorts = append(d.HostPorts, c.hostPorts()...)
		}
	}
	for _, c := range s.Containers {
		d.HostPorts = append(d.HostPorts, c.hostPorts()...)
	}
	return d
}

func (c ContainerSpec) hostPorts() []scheduler.HostPort {
	var list []scheduler.HostPort
	for _, p := range c.Ports {
		if p.HostPort != 0 {
			list = append(list, scheduler.HostPort{IP: p.HostIP, Protocol: string(p.Protocol), Port: p.HostPort})
		}
	}
	return list
}

// settle puts a Pod where the scheduler says, and returns what its worker must
// know of it. c.mu is held.
func (c *Cluster) settle(p *Pod, d scheduler.Decision) kubelet.Placement {
	if d.Node < 0 {
		if d.Unschedulable == "" {
			p.lost = c.noSuchNode(p.spec.NodeName)
		}
		return kubelet.Placement{Unschedulable: d.Unschedulable}
	}
	n := c.nodes[d.Node]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.node = n
	if !p.spec.HostNetwork && d.Rejection == nil {
		// Addresses are given out here, in the order of Apply, and not by
		// whichever Pod makes its sandbox first. If there is none, the sandbox
		// says so.
		p.reserved, _ = n.allocate(p.networks)
	}
	return kubelet.Placement{
		Node: n.name, HostIPs: n.addrs, Chosen: p.spec.NodeName == "", Rejection: (*kubelet.Rejection)(d.Rejection),
	}
}

// noSuchNode is what is wrong with a Pod that names a node that there is not.
func (c *Cluster) noSuchNode(name string) error {
	names := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		names[i] = n.name
	}
	return fmt.Errorf("spec.nodeName: there is no node %q, so the Pod stays Pending: name one of %s", name, strings.Join(names, ", "))
}

// rePlace tells Pods that waited what became of them. c.mu is held.
func (c *Cluster) rePlace(decisions []scheduler.Decision) {
	if c.closed {
		return
	}
	for _, d := range decisions {
		if p := c.pods[podKey{d.Pod.Namespace, d.Pod.Name}]; p != nil && p.demand == d.Pod {
			p.worker.Place(c.settle(p, d))
		}
	}
}

// ended tells the scheduler that a Pod's containers have ended for good.
func (c *Cluster) ended(p *Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rePlace(c.places.Ended(p.demand))
}

// placedOn returns the node that the Pod is bound to, nil if it is to none.
func (p *Pod) placedOn() *node {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.node
}

// machineName returns what programs are told as their machine's name.
func (p *Pod) machineName() string {
	if p.spec.HostNetwork {
		return p.Node()
	}
	return p.nodename
}

// hasAddresses reports whether there are count addresses of each family.
func (n *node) hasAddresses(count int) bool {
	for _, r := range n.ranges {
		if !r.Free(count) {
			return false
		}
	}
	return true
}
