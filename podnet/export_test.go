package podnet

import (
	"context"
	"net"
	"net/netip"

	"podnet.dev/podnet/internal/dns"
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

// SetNames says what the cluster's name servers know.
func (c *Cluster) SetNames(names dns.Backend) { c.names = names }

// ServeDNS starts a name server in the Pod.
func (p *Pod) ServeDNS(addr netip.Addr) (stop func(), err error) {
	return p.cluster.serveDNS(p.currentSandbox().pause, addr)
}

// HasNamespace reports whether there is a namespace.
func (c *Cluster) HasNamespace(name string) bool { return c.hasNamespace(name) }

// ProxyTable returns the table that connections are translated by.
func ProxyTable(c *Cluster) *kubeproxy.Table { return c.services.table }

// OnStale has f called with the UDP frontends that may have stale connections.
func OnStale(c *Cluster, f func([]kubeproxy.UDPFrontend)) { c.services.onStale = f }

// ServeNames answers for the cluster at a packet socket of the machine.
func (c *Cluster) ServeNames(packets net.PacketConn) (stop func()) {
	s := dns.NewServer(dns.ServerConfig{Domain: c.config.Domain, Backend: c.names})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServePacket(packets)
	}()
	return func() {
		s.Close()
		<-done
	}
}

// RelabelPod gives a Pod other labels, as far as Services are concerned.
func RelabelPod(p *Pod, labels map[string]string) { p.cluster.services.relabelPod(p, labels) }
