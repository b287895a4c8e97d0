package podnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/netstack"
)

// Resolver looks up names as a Go program in the container does: in its
// /etc/hosts, and then at the name servers of its /etc/resolv.conf, with the
// search list and the options there, through sockets of its own. Its methods are
// net.Resolver's, with the same answers, order and errors; those are
// *net.DNSError.
//
// It differs in that the files are read at each look-up, and that a look-up
// returns as soon as its context is canceled. Of a process that does not run,
// every look-up of a name fails with [ErrNotRunning].
type Resolver struct {
	current func() (*dns.Resolver, error)
}

// Resolver returns what looks up names in the container. It asks from sockets
// of the process that c stands for.
func (c *Container) Resolver() *Resolver {
	return &Resolver{func() (*dns.Resolver, error) {
		p, err := c.running()
		if err != nil {
			return nil, err
		}
		return p.resolver, nil
	}}
}

// Resolver is like [Container.Resolver], for the Pod's pause container and with
// the files that the kubelet writes.
func (p *Pod) Resolver() *Resolver {
	return &Resolver{func() (*dns.Resolver, error) {
		if s := p.currentSandbox(); s != nil {
			return s.resolver, nil
		}
		return nil, ErrNotRunning
	}}
}

// get returns who looks up a name now.
func (r *Resolver) get(name string) (*dns.Resolver, error) {
	current, err := r.current()
	if err != nil {
		return nil, &net.DNSError{Err: err.Error(), Name: name, UnwrapErr: err}
	}
	return current, nil
}

// LookupHost returns the addresses of a host: those of /etc/hosts in its order,
// others in the order in which they are to be tried (RFC 6724).
func (r *Resolver) LookupHost(ctx context.Context, host string) ([]string, error) {
	current, err := r.get(host)
	if err != nil {
		return nil, err
	}
	return current.LookupHost(ctx, host)
}

// LookupIPAddr returns the addresses of a host in the order in which they are
// to be tried.
func (r *Resolver) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	current, err := r.get(host)
	if err != nil {
		return nil, err
	}
	return current.LookupIPAddr(ctx, host)
}

// LookupIP is LookupIPAddr for the network ip, ip4 or ip6. Any other is a
// net.UnknownNetworkError; if there are only addresses of the other family that
// is a *net.AddrError.
func (r *Resolver) LookupIP(ctx context.Context, network, host string) ([]net.IP, error) {
	current, err := r.get(host)
	if err != nil {
		return nil, err
	}
	return current.LookupIP(ctx, network, host)
}

// LookupNetIP is LookupIP with addresses of package netip. As in net, IPv4
// addresses of /etc/hosts and literal ones come as ::ffff:a.b.c.d.
func (r *Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	current, err := r.get(host)
	if err != nil {
		return nil, err
	}
	return current.LookupNetIP(ctx, network, host)
}

// LookupCNAME returns the name that a host has after all aliases, with a dot at
// its end.
func (r *Resolver) LookupCNAME(ctx context.Context, host string) (string, error) {
	current, err := r.get(host)
	if err != nil {
		return "", err
	}
	return current.LookupCNAME(ctx, host)
}

// LookupSRV returns the servers of _service._proto.name, or of name itself if
// the others are empty, by priority and by lot as their weights say. Kubernetes
// has them for the named ports of Services.
func (r *Resolver) LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error) {
	current, err := r.get(name)
	if err != nil {
		return "", nil, err
	}
	return current.LookupSRV(ctx, service, proto, name)
}

// LookupTXT returns the texts of a name.
func (r *Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	current, err := r.get(name)
	if err != nil {
		return nil, err
	}
	return current.LookupTXT(ctx, name)
}

// LookupMX returns the mail servers of a domain by preference.
func (r *Resolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	current, err := r.get(name)
	if err != nil {
		return nil, err
	}
	return current.LookupMX(ctx, name)
}

// LookupNS returns the name servers of a domain.
func (r *Resolver) LookupNS(ctx context.Context, name string) ([]*net.NS, error) {
	current, err := r.get(name)
	if err != nil {
		return nil, err
	}
	return current.LookupNS(ctx, name)
}

// LookupAddr returns the names of an IP address: those of /etc/hosts, or else
// those that the name server has.
func (r *Resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	current, err := r.get(addr)
	if err != nil {
		return nil, err
	}
	return current.LookupAddr(ctx, addr)
}

// LookupPort returns the port of a service, by number or by a name of those that
// podnet knows, such as http. network is tcp or udp, with 4, 6 or neither, or
// ip for any.
func (r *Resolver) LookupPort(_ context.Context, network, service string) (int, error) {
	return netstack.LookupPort(network, service)
}

// newOwner makes a process of the Pod's namespace and what looks up names for
// it. etc returns the text of a file of the process's /etc.
func (p *Pod) newOwner(ns *netstack.Namespace, name string, pid int, etc func(name string) string) (*dns.Resolver, *netstack.Owner) {
	r := &dns.Resolver{
		Hosts:      func() string { return etc("hosts") },
		ResolvConf: func() string { return etc("resolv.conf") },
		Hostname:   p.nodename,
		Seed:       seedOf(p.cluster.config.Seed, fmt.Sprintf("%s/%s/%s/%d/dns", p.spec.Namespace, p.spec.Name, name, pid)),
	}
	o := ns.NewOwner(name, pid, func(ctx context.Context, host string) ([]netip.Addr, error) {
		return r.LookupNetIP(ctx, "ip", host)
	})
	nobody := net.JoinHostPort(p.cluster.nameserver.String(), "53")
	r.Source = o.Source
	r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if p.cluster.names == nil && address == nobody {
			return nil, dns.ErrNoSuchHost
		}
		return o.Dial(ctx, network, address)
	}
	return r, o
}
