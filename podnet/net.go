package podnet

import (
	"context"
	"net"
	"net/http"
	"time"

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

// Listen listens in the Pod, as net.Listen does on Linux: network is tcp, tcp4,
// tcp6, unix or unixpacket. Errors are *net.OpError with Linux's errnos and
// texts; a port that any container of the Pod holds is EADDRINUSE. The listener
// belongs to the process and is closed when it ends.
//
// The path of a Unix socket is in the container's file system, relative to the
// process's working directory, and containers that mount the volume it is in
// reach it there. A process that ends without closing the listener leaves the
// path behind: EADDRINUSE for the next, until it is removed. An abstract name,
// such as "@name", is the Pod's. File descriptors cannot be passed.
func (c *Container) Listen(network, address string) (net.Listener, error) {
	return listen(context.Background(), c.owner, ListenConfig{}, network, address)
}

// ListenPacket opens a datagram socket in the Pod, as net.ListenPacket does on
// Linux: network is udp, udp4, udp6 or unixgram, or ip4:icmp or ip6:ipv6-icmp
// for raw ICMP messages. See Listen.
func (c *Container) ListenPacket(network, address string) (net.PacketConn, error) {
	return listenPacket(context.Background(), c.owner, ListenConfig{}, network, address)
}

// Dial connects from the Pod, as net.Dial does on Linux. localhost is that of
// the Pod. Names are looked up as by [Container.Resolver]. The connection belongs to the
// process and is closed when it ends.
func (c *Container) Dial(network, address string) (net.Conn, error) {
	return c.DialContext(context.Background(), network, address)
}

// DialContext is Dial with a context that may end it, as of net.Dialer.
func (c *Container) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, c.owner, Dialer{}, network, address)
}

// LookupHost returns the addresses of a host; see [Resolver.LookupHost].
func (c *Container) LookupHost(ctx context.Context, host string) ([]string, error) {
	return c.Resolver().LookupHost(ctx, host)
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
// container and lives as long as the Pod's sandbox. Pause has no file system, so
// of Unix sockets there are abstract names only.
func (p *Pod) Listen(network, address string) (net.Listener, error) {
	return listen(context.Background(), p.owner, ListenConfig{}, network, address)
}

// ListenPacket is like [Container.ListenPacket], for the Pod's pause container.
func (p *Pod) ListenPacket(network, address string) (net.PacketConn, error) {
	return listenPacket(context.Background(), p.owner, ListenConfig{}, network, address)
}

// Dial is like [Container.Dial], for the Pod's pause container.
func (p *Pod) Dial(network, address string) (net.Conn, error) {
	return p.DialContext(context.Background(), network, address)
}

// DialContext is like [Container.DialContext], for the Pod's pause container.
func (p *Pod) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, p.owner, Dialer{}, network, address)
}

// LookupHost is like [Container.LookupHost], with the files that the kubelet
// writes.
func (p *Pod) LookupHost(ctx context.Context, host string) ([]string, error) {
	return p.Resolver().LookupHost(ctx, host)
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
