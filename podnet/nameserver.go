package podnet

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/netstack"
)

// serveDNS starts a name server for the cluster: on port 53 of an address, UDP
// and TCP, with sockets of owner. It ends with the owner or by stop, which must
// be called in any case: it waits until nothing of the server runs any more.
func (c *Cluster) serveDNS(owner *netstack.Owner, addr netip.Addr) (stop func(), err error) {
	address := netip.AddrPortFrom(addr, 53).String()
	packets, err := owner.ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, err
	}
	streams, err := owner.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, errors.Join(err, packets.Close())
	}
	s := dns.NewServer(dns.ServerConfig{
		Domain: c.config.Domain, Backend: c.names, Addrs: []netip.Addr{addr}, Upstream: c.config.Upstream, Interfere: c.disturb,
		Seed: seedOf(c.config.Seed, "dns/"+address),
	})
	var serving sync.WaitGroup
	serving.Go(func() { s.ServePacket(packets) })
	serving.Go(func() { s.Serve(streams) })
	return func() {
		s.Close()
		serving.Wait()
	}, nil
}
