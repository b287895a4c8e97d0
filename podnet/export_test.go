package podnet

import (
	"context"
	"net"
)

// DialFromNode connects from a Pod's node, as the kubelet does.
func DialFromNode(ctx context.Context, p *Pod, network, address string) (net.Conn, error) {
	return p.node.DialContext(ctx, network, address)
}
