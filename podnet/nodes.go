package podnet

import (
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
)

// Node is a node of a cluster: a machine that Pods run on. Nodes are there from
// the beginning to the end of the cluster.
type Node struct {
	cluster *Cluster
	node    *node
}

// Node returns the node of a name, or nil if there is none. They are called
// node-1, node-2 and so on.
func (c *Cluster) Node(name string) *Node {
	for _, n := range c.nodes {
		if n.name == name {
			return &Node{c, n}
		}
	}
	return nil
}

// Nodes returns the nodes by number, [Config].Nodes of them.
func (c *Cluster) Nodes() []*Node {
	list := make([]*Node, len(c.nodes))
	for i, n := range c.nodes {
		list[i] = &Node{c, n}
	}
	return list
}

// Name returns the node's name.
func (n *Node) Name() string { return n.node.name }

// Labels returns the node's labels, which a Pod's NodeSelector chooses by: those of
// [Config].NodeLabels and those that every node has. They are the caller's own.
func (n *Node) Labels() map[string]string {
	return n.cluster.config.nodeLabels(slices.Index(n.cluster.nodes, n.node))
}

// IPs returns the node's addresses, at most one of each family; the family of the
// first one is that of Pod.IP.
func (n *Node) IPs() []netip.Addr { return n.node.addrs }

// Pods returns the Pods that are bound to the node, by namespace and name.
func (n *Node) Pods() []*Pod {
	return slices.DeleteFunc(n.cluster.Pods(), func(p *Pod) bool { return p.placedOn() != n.node })
}

// nodeLabels returns the labels of the i'th node.
func (c *Config) nodeLabels(i int) map[string]string {
	labels := map[string]string{
		"kubernetes.io/hostname": nodeName(i),
		"kubernetes.io/os":       "linux",
		"kubernetes.io/arch":     runtime.GOARCH,
	}
	if i < len(c.NodeLabels) {
		maps.Copy(labels, c.NodeLabels[i])
	}
	return labels
}

func (c *Config) checkNodeLabels() error {
	c.NodeLabels = deepCopy(c.NodeLabels)
	if len(c.NodeLabels) > c.Nodes {
		return fmt.Errorf("podnet: Config.NodeLabels has labels of %d nodes, and Config.Nodes is %d", len(c.NodeLabels), c.Nodes)
	}
	for i, labels := range c.NodeLabels {
		var errs fieldErrors
		validateLabels(&errs, fmt.Sprintf("Config.NodeLabels[%d]", i), labels)
		if len(errs) > 0 {
			return fmt.Errorf("podnet: %w", errs[0])
		}
	}
	return nil
}

// nodeName returns the name of the i'th node.
func nodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }
