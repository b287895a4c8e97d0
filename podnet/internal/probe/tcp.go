package probe

import (
	"context"
	"net"
	"strconv"
	"time"
)

// TCPSocket is a probe that succeeds if it can connect.
type TCPSocket struct {
	Host string
	Port int
}

// Probe makes an attempt. A timeout of 0 means none. The error is always nil.
func (s TCPSocket) Probe(ctx context.Context, dial Dial, timeout time.Duration) (Result, string, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	c, err := dial(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return Failure, err.Error(), nil
	}
	c.Close()
	return Success, "", nil
}
