package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// GRPC is a probe that succeeds if the method Check of grpc.health.v1.Health
// answers SERVING, without TLS.
type GRPC struct {
	Host    string
	Port    int
	Service string // in the request; may be empty
}

// Probe makes an attempt. Connecting is part of it: until the timeout it is tried
// again, with the back-off of a gRPC client. The timeout must be positive. The
// error is always nil.
func (g GRPC) Probe(ctx context.Context, dial Dial, timeout time.Duration) (Result, string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address := net.JoinHostPort(g.Host, strconv.Itoa(g.Port))
	conn, err := connectGRPC(ctx, dial, address)
	if errors.Is(err, context.DeadlineExceeded) {
		return Failure, fmt.Sprintf("timeout: failed to connect service %q within %v: %v", address, timeout, err), nil
	}
	if err != nil {
		return Failure, fmt.Sprintf("error: failed to connect service at %q: %v", address, err), nil
	}
	answer, failed := conn.check(ctx, g.Service)
	if failed != nil && failed.unprocessed {
		answer, failed = conn.checkAgain(ctx, dial, g.Service)
	}
	conn.Close()
	switch {
	case failed == nil && answer == healthServing:
		return Success, "service healthy", nil
	case failed == nil:
		return Failure, fmt.Sprintf("service unhealthy (responded with %q)", answer), nil
	case failed.code == codeUnimplemented:
		return Failure, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): " + failed.message, nil
	case failed.code == codeDeadlineExceeded:
		return Failure, fmt.Sprintf("timeout: health rpc did not complete within %v", timeout), nil
	}
	return Failure, fmt.Sprintf("error: health rpc probe failed: %v", failed), nil
}

// checkAgain repeats a call that the server did not process. A gRPC client does
// so once and, if it must, tries once to connect.
func (c *grpcConn) checkAgain(ctx context.Context, dial Dial, service string) (health, *grpcStatus) {
	if c.usable() {
		return c.check(ctx, service)
	}
	again, err := dialGRPC(ctx, dial, c.address)
	switch {
	case isOver(ctx):
		return 0, contextStatus(ctx)
	case err != nil:
		return 0, &grpcStatus{code: codeUnavailable, message: fmt.Sprintf("connection error: desc = %q", err)}
	}
	defer again.Close()
	return again.check(ctx, service)
}
