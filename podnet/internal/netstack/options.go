package netstack

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"podnet.dev/podnet/internal/errno"
)

// A ListenConfig holds what a program may ask of a socket that listens. The
// zero value is what Listen and ListenPacket do.
type ListenConfig struct {
	KeepAlive       time.Duration       // as net.ListenConfig.KeepAlive
	KeepAliveConfig net.KeepAliveConfig // as net.ListenConfig.KeepAliveConfig
	ReusePort       bool                // SO_REUSEPORT
	ReuseAddr       bool                // SO_REUSEADDR of UDP; TCP listeners always have it
	Backlog         int                 // listen(2)'s; 0 or less means somaxconn
	IPv6Only        bool                // IPV6_V6ONLY
}

// A Dialer holds what a program may ask of a connection. The zero value is what
// Dial does.
type Dialer struct {
	LocalAddr       netip.AddrPort      // bound to before connecting; zero parts are chosen
	LocalName       string              // the same of a Unix socket
	Timeout         time.Duration       // as net.Dialer.Timeout
	Deadline        time.Time           // as net.Dialer.Deadline
	KeepAlive       time.Duration       // as net.Dialer.KeepAlive
	KeepAliveConfig net.KeepAliveConfig // as net.Dialer.KeepAliveConfig
	FallbackDelay   time.Duration       // as net.Dialer.FallbackDelay
	TTL             int                 // IP_TTL or IPV6_UNICAST_HOPS; 0 is 64
}

// setTTL gives an endpoint that is to be connected to a the TTL.
func (d Dialer) setTTL(ep tcpip.Endpoint, a netip.Addr) error {
	if d.TTL == 0 {
		return nil
	}
	if d.TTL < 0 || d.TTL > 255 {
		return os.NewSyscallError("setsockopt", errno.Of(syscall.EINVAL))
	}
	option := tcpip.IPv4TTLOption
	if a.Is6() && !a.Is4In6() {
		option = tcpip.IPv6HopLimitOption
	}
	if terr := ep.SetSockOptInt(option, d.TTL); terr != nil {
		return sysError("setsockopt", terr)
	}
	return nil
}

// somaxconn is Linux's net.core.somaxconn, the backlog that net asks for.
const somaxconn = 4096

// backlog is what listen(2) is asked for. Linux admits one connection more than
// that, gVisor exactly as many.
func (cfg ListenConfig) backlog() int {
	if cfg.Backlog <= 0 || cfg.Backlog > somaxconn {
		return somaxconn + 1
	}
	return cfg.Backlog + 1
}

// withDeadline returns ctx ended by Timeout and Deadline.
func (d Dialer) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	end := d.Deadline
	if d.Timeout != 0 { // a negative one is over at once, as in net
		if t := time.Now().Add(d.Timeout); end.IsZero() || t.Before(end) {
			end = t
		}
	}
	if end.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, end)
}

// local returns LocalAddr as net shows it in errors, or nil if there is none.
func (d Dialer) local(n network) net.Addr {
	if d.LocalAddr == (netip.AddrPort{}) {
		return nil
	}
	return n.addr(d.LocalAddr)
}

// reachable leaves the addresses of LocalAddr's family, as net does.
func (d Dialer) reachable(n network, addrs []netip.AddrPort) ([]netip.AddrPort, error) {
	from := d.LocalAddr.Addr().Unmap()
	if !from.IsValid() || from.IsUnspecified() {
		return addrs, nil
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		if !a.Addr().IsValid() || a.Addr().IsUnspecified() || a.Addr().Is4() == from.Is4() {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: d.local(n).String()}
	}
	return list, nil
}

// What net.Dialer and net.ListenConfig set on every connection.
const (
	defaultKeepAliveIdle     = 15 * time.Second
	defaultKeepAliveInterval = 15 * time.Second
	defaultKeepAliveCount    = 9
)

// What Linux takes at most, MAX_TCP_KEEPIDLE and the like.
const (
	maxKeepAlive      = 32767 * time.Second
	maxKeepAliveCount = 127
)

// keepAlive returns what the two fields of net's structs mean together.
func keepAlive(idle time.Duration, cfg net.KeepAliveConfig) net.KeepAliveConfig {
	if !cfg.Enable && idle >= 0 {
		return net.KeepAliveConfig{Enable: true, Idle: idle}
	}
	return cfg
}

// setKeepAlive sets keep-alive whole. As in net, zero durations mean 15
// seconds, a zero count 9, and negative values leave things as they are.
func setKeepAlive(ep tcpip.Endpoint, cfg net.KeepAliveConfig) tcpip.Error {
	ep.SocketOptions().SetKeepAlive(cfg.Enable)
	if cfg.Idle == 0 {
		cfg.Idle = defaultKeepAliveIdle
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultKeepAliveInterval
	}
	if cfg.Count == 0 {
		cfg.Count = defaultKeepAliveCount
	}
	if cfg.Idle > 0 {
		if cfg.Idle > maxKeepAlive {
			return &tcpip.ErrInvalidOptionValue{}
		}
		idle := tcpip.KeepaliveIdleOption(cfg.Idle)
		if err := ep.SetSockOpt(&idle); err != nil {
			return err
		}
	}
	if cfg.Interval > 0 {
		if cfg.Interval > maxKeepAlive {
			return &tcpip.ErrInvalidOptionValue{}
		}
		interval := tcpip.KeepaliveIntervalOption(cfg.Interval)
		if err := ep.SetSockOpt(&interval); err != nil {
			return err
		}
	}
	if cfg.Count > 0 {
		if cfg.Count > maxKeepAliveCount {
			return &tcpip.ErrInvalidOptionValue{}
		}
		if err := ep.SetSockOptInt(tcpip.KeepaliveCountOption, cfg.Count); err != nil {
			return err
		}
	}
	return nil
}
