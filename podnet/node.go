package podnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"podnet.dev/podnet/internal/ipam"
)

// node is a machine of the cluster: for now, a range of addresses.
type node struct {
	name   string
	ranges []*ipam.Allocator // in the order of Config.PodCIDRs
	pods   int               // guarded by Cluster.mu
}

func newNodes(n int, podCIDRs []netip.Prefix) ([]*node, error) {
	nodes := make([]*node, n)
	for i := range nodes {
		nodes[i] = &node{name: fmt.Sprintf("node-%d", i+1)}
	}
	for _, cidr := range podCIDRs {
		ranges, err := ipam.NodeRanges(cidr, n)
		if err != nil {
			return nil, fmt.Errorf("podnet: Config.PodCIDRs: %w", err)
		}
		for i, r := range ranges {
			nodes[i].ranges = append(nodes[i].ranges, ipam.NewAllocator(r))
		}
	}
	return nodes, nil
}

// allocate takes an address of each family.
func (n *node) allocate() ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, r := range n.ranges {
		a, err := r.Allocate()
		if err != nil {
			n.release(addrs)
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

func (n *node) release(addrs []netip.Addr) {
	for i, a := range addrs {
		n.ranges[i].Release(a)
	}
}

// DialContext connects from the node. TEMPORARY
func (n *node) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}
