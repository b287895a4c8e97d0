package podnet

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/netstack"
)

// owner returns who opens the sockets of c.
func (c *Container) owner() (*netstack.Owner, error) {
	p, err := c.running()
	if err != nil {
		return nil, err
	}
	return p.owner, nil
}

// Listen listens in the Pod, as net.Listen does on Linux: network is tcp, tcp4
// or tcp6. Errors are *net.OpError with Linux's errnos and texts; a port that
// any container of the Pod holds is EADDRINUSE. The listener belongs to the
// process and is closed when it ends.
func (c *Container) Listen(network, address string) (net.Listener, error) {
	return listen(c.owner, network, address)
}

// ListenPacket opens a UDP socket in the Pod, as net.ListenPacket does on
// Linux: network is udp, udp4 or udp6. See Listen.
func (c *Container) ListenPacket(network, address string) (net.PacketConn, error) {
	return listenPacket(c.owner, network, address)
}

// Dial connects from the Pod, as net.Dial does on Linux. localhost is that of
// the Pod. Names are looked up by LookupHost. The connection belongs to the
// process and is closed when it ends.
func (c *Container) Dial(network, address string) (net.Conn, error) {
	return c.DialContext(context.Background(), network, address)
}

// DialContext is Dial with a context that may end it, as of net.Dialer.
func (c *Container) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, c.owner, network, address)
}

// LookupHost returns the addresses of a name as net.Resolver does in the
// container: from its /etc/hosts. There is no cluster DNS yet, so any other
// name is not found. Errors are *net.DNSError.
func (c *Container) LookupHost(ctx context.Context, host string) ([]string, error) {
	hosts := func() string { return "" }
	if i := c.instance(); i != nil {
		hosts = i.hosts
	}
	return lookupHost(ctx, c.container.pod.cluster.resolver(hosts), host)
}

// HTTPClient returns a client whose connections come from the container's
// process. They are kept alive between requests and closed when it ends. The
// machine's proxy settings are not used.
func (c *Container) HTTPClient() *http.Client {
	p, err := c.running()
	if err != nil {
		return newHTTPClient(c.DialContext)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		p.client = newHTTPClient((&Container{container: c.container, process: p}).DialContext)
	}
	return p.client
}

func (p *Pod) owner() (*netstack.Owner, error) {
	if s := p.currentSandbox(); s != nil {
		return s.pause, nil
	}
	return nil, ErrNotRunning
}

// Listen is like [Container.Listen]; the listener belongs to the Pod's pause
// container and lives as long as the Pod's sandbox.
func (p *Pod) Listen(network, address string) (net.Listener, error) {
	return listen(p.owner, network, address)
}

// ListenPacket is like [Container.ListenPacket], for the Pod's pause container.
func (p *Pod) ListenPacket(network, address string) (net.PacketConn, error) {
	return listenPacket(p.owner, network, address)
}

// Dial is like [Container.Dial], for the Pod's pause container.
func (p *Pod) Dial(network, address string) (net.Conn, error) {
	return p.DialContext(context.Background(), network, address)
}

// DialContext is like [Container.DialContext], for the Pod's pause container.
func (p *Pod) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, p.owner, network, address)
}

// LookupHost is like [Container.LookupHost], with the /etc/hosts that the
// kubelet writes.
func (p *Pod) LookupHost(ctx context.Context, host string) ([]string, error) {
	return lookupHost(ctx, p.cluster.resolver(p.hostsFile), host)
}

// HTTPClient is like [Container.HTTPClient], for the Pod's pause container.
func (p *Pod) HTTPClient() *http.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		p.client = newHTTPClient(p.DialContext)
	}
	return p.client
}

func listen(owner func() (*netstack.Owner, error), network, address string) (net.Listener, error) {
	o, err := owner()
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return o.Listen(context.Background(), network, address)
}

func listenPacket(owner func() (*netstack.Owner, error), network, address string) (net.PacketConn, error) {
	o, err := owner()
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return o.ListenPacket(context.Background(), network, address)
}

func dial(ctx context.Context, owner func() (*netstack.Owner, error), network, address string) (net.Conn, error) {
	o, err := owner()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return o.Dial(ctx, network, address)
}

func newHTTPClient(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{ // http.DefaultTransport without the machine's proxy
		DialContext:           dial,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}}
}

// resolver finds names in a hosts file, which is read at every look-up.
func (c *Cluster) resolver(hosts func() string) netstack.Resolver {
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		if err := ctx.Err(); err != nil {
			return nil, &net.DNSError{Err: err.Error(), Name: host, UnwrapErr: err}
		}
		if addrs := dns.LookupHosts(hosts(), host); len(addrs) > 0 {
			return addrs, nil
		}
		notFound := &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		if host != "" {
			notFound.Server = net.JoinHostPort(c.nameserver.String(), "53")
		}
		return nil, notFound
	}
}

func lookupHost(ctx context.Context, lookup netstack.Resolver, host string) ([]string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{host}, nil
	}
	addrs, err := lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	return list, nil
}
