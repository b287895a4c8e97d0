package podnet

import (
	"context"
	"net"

	"podnet.dev/podnet/internal/kubeproxy"
)

// MountVolumes and RefreshVolumes do what the Pod's worker does at its syncs,
// for tests that know it to be asleep.
func (p *Pod) MountVolumes() error { return p.mountVolumes() }

func (p *Pod) RefreshVolumes() (changed bool) { return p.refreshVolumes() }

// DialFromNode connects from a Pod's node, as the kubelet does.
func DialFromNode(ctx context.Context, p *Pod, network, address string) (net.Conn, error) {
	return p.node.DialContext(ctx, network, address)
}

// ProxyTable returns the table that connections are translated by.
func ProxyTable(c *Cluster) *kubeproxy.Table { return c.services.table }

// OnStale has f called with the UDP frontends that may have stale connections.
func OnStale(c *Cluster, f func([]kubeproxy.UDPFrontend)) { c.services.onStale = f }

// RelabelPod gives a Pod other labels, as far as Services are concerned.
func RelabelPod(p *Pod, labels map[string]string) { p.cluster.services.relabelPod(p, labels) }
