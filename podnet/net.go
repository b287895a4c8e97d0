package podnet

import (
	"context"
	"net"
	"net/http"
	"time"

	"podnet.dev/podnet/internal/netstack"
)

// opener opens sockets for one of the verbs of package net.
type opener struct {
	owner func() (*netstack.Owner, error)

	// lends is set of who calls from outside the owner's process: it is for them
	// to close what they opened, as long as the process runs.
	lends bool
}

func (c *Container) opener() opener { return opener{c.owner, c.process == nil} }
func (p *Pod) opener() opener       { return opener{p.owner, true} }

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
	return c.opener().listen(context.Background(), ListenConfig{}, network, address)
}

// ListenPacket opens a datagram socket in the Pod, as net.ListenPacket does on
// Linux: network is udp, udp4, udp6 or unixgram, or ip4:icmp or ip6:ipv6-icmp
// for raw ICMP messages. See Listen.
func (c *Container) ListenPacket(network, address string) (net.PacketConn, error) {
	return c.opener().listenPacket(context.Background(), ListenConfig{}, network, address)
}

// Dial connects from the Pod, as net.Dial does on Linux. localhost is that of
// the Pod. Names are looked up as by [Container.Resolver]. The connection belongs to the
// process and is closed when it ends.
func (c *Container) Dial(network, address string) (net.Conn, error) {
	return c.DialContext(context.Background(), network, address)
}

// DialContext is Dial with a context that may end it, as of net.Dialer.
func (c *Container) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return c.opener().dial(ctx, Dialer{}, network, address)
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
		return newHTTPClient(opener{owner: c.owner})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		p.client = newHTTPClient((&Container{container: c.container, process: p}).opener())
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
	return p.opener().listen(context.Background(), ListenConfig{}, network, address)
}

// ListenPacket is like [Container.ListenPacket], for the Pod's pause container.
func (p *Pod) ListenPacket(network, address string) (net.PacketConn, error) {
	return p.opener().listenPacket(context.Background(), ListenConfig{}, network, address)
}

// Dial is like [Container.Dial], for the Pod's pause container.
func (p *Pod) Dial(network, address string) (net.Conn, error) {
	return p.DialContext(context.Background(), network, address)
}

// DialContext is like [Container.DialContext], for the Pod's pause container.
func (p *Pod) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return p.opener().dial(ctx, Dialer{}, network, address)
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
		p.client = newHTTPClient(opener{owner: p.owner}) // its connections are its own to close
	}
	return p.client
}

func newHTTPClient(o opener) *http.Client {
	return &http.Client{Transport: &http.Transport{ // http.DefaultTransport without the machine's proxy
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return o.dial(ctx, Dialer{}, network, address)
		},
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}}
}
