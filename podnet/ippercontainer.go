package podnet

import (
	"context"
	"net/netip"
	"slices"

	"podnet.dev/podnet/internal/kubelet"
)

// This file is where a Pod's one network namespace and the many of
// Config.IPPerContainer meet: who else works with a sandbox, asks it for the
// container's.

// networks returns how many network namespaces a Pod takes.
func (c *Config) networks(s PodSpec) int {
	if !c.IPPerContainer || s.HostNetwork {
		return 1
	}
	return len(s.Containers) + len(s.InitContainers)
}

// addresses returns how many addresses of each family the Pod takes.
func (p *Pod) addresses() int {
	if p.spec.HostNetwork {
		return 0
	}
	return p.networks
}

// addrsOf returns those of all the Pod's addresses that are of one network.
func (p *Pod) addrsOf(network int, all []netip.Addr) []netip.Addr {
	families := len(all) / p.networks
	return all[network*families:][:families]
}

// all returns the sandboxes of the Pod's networks, the primary one first, and none
// of a nil one.
func (s *sandbox) all() []*sandbox {
	if s == nil {
		return nil
	}
	return append([]*sandbox{s}, s.others...)
}

// of returns the sandbox of a container.
func (s *sandbox) of(c *container) *sandbox {
	if s == nil || c.network == 0 {
		return s
	}
	return s.others[c.network-1]
}

// allAddrs returns the addresses of all networks, in their order. They must not be
// changed.
func (s *sandbox) allAddrs() []netip.Addr {
	list := slices.Clip(s.addrs)
	for _, o := range s.others {
		list = append(list, o.addrs...)
	}
	return list
}

// waitListening waits until there is a TCP listener on a port in one of the
// networks.
func (s *sandbox) waitListening(ctx context.Context, port uint16) error {
	if s.others == nil {
		return s.net.WaitListening(ctx, port)
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	all := s.all()
	results := make(chan error, len(all))
	for _, o := range all {
		go func() { results <- o.net.WaitListening(waiting, port) }()
	}
	err := <-results // all of them end with the sandbox and with ctx
	cancel()
	for range len(all) - 1 {
		<-results
	}
	return err
}

// containerHosts returns a line of /etc/hosts for each address of each container.
func (p *Pod) containerHosts(s *sandbox) []kubelet.HostAlias {
	var lines []kubelet.HostAlias
	for _, c := range p.containers {
		for _, a := range s.of(c).addrs {
			lines = append(lines, kubelet.HostAlias{IP: a.String(), Hostnames: []string{c.spec.Name}})
		}
	}
	return lines
}

// IP returns the container's primary address: the Pod's or, with
// [Config].IPPerContainer, its own. It is the zero Addr before there is one.
func (c *Container) IP() netip.Addr {
	if ips := c.IPs(); len(ips) > 0 {
		return ips[0]
	}
	return netip.Addr{}
}

// IPs returns the container's addresses, at most one of each family; see IP.
func (c *Container) IPs() []netip.Addr {
	p := c.Pod()
	return p.addrsOf(c.container.network, p.worker.Status().IPs)
}

// Interfaces returns the network interfaces that the container sees: the Pod's
// or, with [Config].IPPerContainer, its own.
func (c *Container) Interfaces() []Interface {
	if s := c.sandbox(); s != nil {
		return s.interfaces()
	}
	return nil
}

// Sockets returns the open sockets that the container sees: those of all
// containers of the Pod or, with [Config].IPPerContainer, its own.
func (c *Container) Sockets() []Socket {
	if s := c.sandbox(); s != nil {
		return sockets(s.net)
	}
	return nil
}

// sandbox returns the sandbox that the container is in, nil while there is none.
func (c *Container) sandbox() *sandbox { return c.Pod().currentSandbox().of(c.container) }
