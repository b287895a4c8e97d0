package podnet

import (
	"context"
	"net"
	"net/netip"
	"time"

	"podnet.dev/podnet/internal/netstack"
)

// ListenConfig holds what a program may ask of a socket that listens, as
// net.ListenConfig does. What net leaves to its Control function and a raw file
// descriptor, which podnet has not, are fields here. The zero value is what
// [Container.Listen] and [Container.ListenPacket] do.
type ListenConfig struct {
	// KeepAlive is the time before and between the keep-alive probes of
	// accepted connections: 0 for 15 seconds, negative for none. It counts
	// only if KeepAliveConfig.Enable is false.
	KeepAlive time.Duration

	// KeepAliveConfig sets the probes of accepted connections one by one. It
	// counts if Enable is true, or if KeepAlive is negative.
	KeepAliveConfig net.KeepAliveConfig

	// ReusePort is SO_REUSEPORT: sockets that all have it share a port, and
	// each connection or sender goes to one of them, picked by a hash of its
	// address. A socket on one address comes before one on all addresses.
	// All containers of a Pod run as one user, so Linux' demand that the
	// sockets be of the same user is always met.
	ReusePort bool

	// ReuseAddr is SO_REUSEADDR of a UDP socket: sockets that all have it
	// share a port, and the last one receives. TCP listeners always have it,
	// as in net, which lets them bind over connections of an earlier listener
	// but not over a live one.
	ReuseAddr bool

	// Backlog is how many connections may wait to be accepted; Linux admits
	// one more. Further ones are dropped and tried again by the peer. Zero,
	// and whatever is greater, means net.core.somaxconn, 4096.
	Backlog int

	// IPv6Only is IPV6_V6ONLY: a socket on [::] does not take IPv4. Networks
	// whose name ends in 6 always have it.
	IPv6Only bool
}

// Dialer holds what a program may ask of a connection, as net.Dialer does. The
// zero value is what [Container.Dial] does.
type Dialer struct {
	// LocalAddr is the address to dial from. A zero port or address part, or
	// both, is chosen, as is every part of the zero AddrPort.
	LocalAddr netip.AddrPort

	// LocalName is what the Unix socket is bound to before it connects: a
	// path or an abstract name, such as "@name"; "" for nothing. A datagram
	// client needs one to be answered.
	LocalName string

	// Timeout is how long a dial may take, over all addresses of a name; zero
	// means no limit but TCP's own, about two minutes.
	Timeout time.Duration

	// Deadline is when a dial fails, whatever Timeout says; zero means never.
	Deadline time.Time

	// KeepAlive is as [ListenConfig].KeepAlive.
	KeepAlive time.Duration

	// KeepAliveConfig is as [ListenConfig].KeepAliveConfig.
	KeepAliveConfig net.KeepAliveConfig

	// FallbackDelay is how long the first address family of a name that has
	// both is tried alone (RFC 6555): 0 for 300 ms, negative to try the
	// second only after the first has failed.
	FallbackDelay time.Duration

	// TTL is IP_TTL, or IPV6_UNICAST_HOPS: how many routers a packet may reach
	// before it is refused. Zero means 64; what is not from 1 to 255 is EINVAL.
	TTL int
}

// ListenWith is [Container.Listen] with options, and a context that may end the
// look-up of a name.
func (c *Container) ListenWith(ctx context.Context, cfg ListenConfig, network, address string) (net.Listener, error) {
	return c.opener().listen(ctx, cfg, network, address)
}

// ListenPacketWith is [Container.ListenPacket] with options, and a context that
// may end the look-up of a name.
func (c *Container) ListenPacketWith(ctx context.Context, cfg ListenConfig, network, address string) (net.PacketConn, error) {
	return c.opener().listenPacket(ctx, cfg, network, address)
}

// DialWith is [Container.DialContext] with options.
func (c *Container) DialWith(ctx context.Context, d Dialer, network, address string) (net.Conn, error) {
	return c.opener().dial(ctx, d, network, address)
}

// ListenWith is like [Container.ListenWith], for the Pod's pause container.
func (p *Pod) ListenWith(ctx context.Context, cfg ListenConfig, network, address string) (net.Listener, error) {
	return p.opener().listen(ctx, cfg, network, address)
}

// ListenPacketWith is like [Container.ListenPacketWith], for the Pod's pause
// container.
func (p *Pod) ListenPacketWith(ctx context.Context, cfg ListenConfig, network, address string) (net.PacketConn, error) {
	return p.opener().listenPacket(ctx, cfg, network, address)
}

// DialWith is like [Container.DialWith], for the Pod's pause container.
func (p *Pod) DialWith(ctx context.Context, d Dialer, network, address string) (net.Conn, error) {
	return p.opener().dial(ctx, d, network, address)
}

func (o opener) listen(ctx context.Context, cfg ListenConfig, network, address string) (net.Listener, error) {
	owner, err := o.owner()
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	l, err := owner.ListenWith(ctx, netstack.ListenConfig(cfg), network, address)
	return opened(o, l, err)
}

func (o opener) listenPacket(ctx context.Context, cfg ListenConfig, network, address string) (net.PacketConn, error) {
	owner, err := o.owner()
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	c, err := owner.ListenPacketWith(ctx, netstack.ListenConfig(cfg), network, address)
	return opened(o, c, err)
}

func (o opener) dial(ctx context.Context, d Dialer, network, address string) (net.Conn, error) {
	owner, err := o.owner()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	c, err := owner.DialWith(ctx, netstack.Dialer(d), network, address)
	return opened(o, c, err)
}

// opened returns s and err, when it has been noted for whom s is.
func opened[S any](o opener, s S, err error) (S, error) {
	if err == nil && o.lends {
		netstack.Lend(s)
	}
	return s, err
}
