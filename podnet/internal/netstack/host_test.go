package netstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"syscall"
)

// verbs are net's, on the host or on a namespace.
type verbs interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// host is the machine's own network: the oracle.
type host struct{}

func (host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, network, address)
}

func (host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, address)
}

func (host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// ephemeral finds the ports that differ from run to run.
var ephemeral = regexp.MustCompile(`:([3-6]\d{4})\b`)

// identities tells what errors.Is and errors.As find in an error.
func identities(err error) []string {
	known := []struct {
		name string
		err  error
	}{
		{"EADDRINUSE", syscall.EADDRINUSE}, {"EADDRNOTAVAIL", syscall.EADDRNOTAVAIL}, {"ECONNREFUSED", syscall.ECONNREFUSED},
		{"ECONNRESET", syscall.ECONNRESET}, {"EPIPE", syscall.EPIPE}, {"EMSGSIZE", syscall.EMSGSIZE}, {"EINVAL", syscall.EINVAL},
		{"ENOTCONN", syscall.ENOTCONN},
		{"net.ErrClosed", net.ErrClosed}, {"os.ErrDeadlineExceeded", os.ErrDeadlineExceeded}, {"io.EOF", io.EOF},
		{"context.DeadlineExceeded", context.DeadlineExceeded}, {"context.Canceled", context.Canceled},
	}
	var names []string
	for _, k := range known {
		if errors.Is(err, k.err) {
			names = append(names, k.name)
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		names = append(names, fmt.Sprintf("%T source=%v addr=%v timeout=%v", err, op.Source != nil, op.Addr != nil, op.Timeout()))
		switch op.Err.(type) {
		case *os.SyscallError, *net.AddrError, *net.DNSError, net.UnknownNetworkError, syscall.Errno:
			names = append(names, fmt.Sprintf("inner=%T", op.Err))
		}
		var sys *os.SyscallError
		if errors.As(err, &sys) {
			names = append(names, "call="+sys.Syscall)
		}
	}
	return names
}

// resolveAsTheHost makes both sides see the machine's own order of localhost.
func resolveAsTheHost(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
