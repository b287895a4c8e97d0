package podnet

import (
	"context"
	"errors"
	"sync"

	"podnet.dev/podnet/internal/faults"
)

// Cordon keeps new Pods off the node, as `kubectl cordon` does: but for those whose
// spec names it.
func (n *Node) Cordon() { n.cordon(true) }

// Uncordon lets new Pods onto the node again.
func (n *Node) Uncordon() { n.cordon(false) }

func (n *Node) cordon(cordon bool) {
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.nodes {
		if other == n.node {
			c.rePlace(c.places.Cordon(i, cordon))
		}
	}
}

// Drain cordons the node and deletes the Pods on it, each with its grace period, as
// `kubectl drain --force` does. It waits until they are gone, or until ctx ends; then
// they end without it.
func (n *Node) Drain(ctx context.Context) error {
	n.Cordon()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, p := range n.Pods() {
		wg.Go(func() {
			if err := p.Delete(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// PowerOff ends the node's Pods as a loss of power does: their processes are killed,
// and nobody is told. Peers on other nodes hear nothing any more, not even that a
// connection is reset. The node is cut off from the others, and cordoned.
//
// The cluster deletes the Pods at once, and workloads make others elsewhere; a real
// one notices after 40 seconds and does that after five minutes more. The node's own
// sockets are only cut off, and a Pod that names the node still starts there.
func (n *Node) PowerOff() {
	n.Cordon()
	node := n.node
	node.mu.Lock()
	if node.off == nil {
		node.off = &faults.Fault{Where: faults.Where{From: []faults.End{{Node: node.name}}}, Cut: true}
		n.cluster.faults.Add(node.off)
	}
	node.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range n.Pods() {
		wg.Go(func() {
			p.stop()
			p.startDelete(0)
			<-p.gone
		})
	}
	wg.Wait()
}

// PowerOn ends what PowerOff began: the node is there again, without Pods.
func (n *Node) PowerOn() {
	node := n.node
	node.mu.Lock()
	off := node.off
	node.off = nil
	node.mu.Unlock()
	if off != nil {
		off.Close()
	}
	n.Uncordon()
}
