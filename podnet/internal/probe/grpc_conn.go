package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// The times of a gRPC client that connects: backoff.DefaultConfig and
// minConnectTimeout of google.golang.org/grpc.
const (
	backOffInitial = time.Second
	backOffMax     = 120 * time.Second
	connectTimeout = 20 * time.Second
)

// grpcConn is a connection to a gRPC server that has shown to speak HTTP/2.
type grpcConn struct {
	address string
	http    *http.ClientConn
	wire    *wire
}

// connectGRPC connects as soon as it can. The error is that of ctx.
func connectGRPC(ctx context.Context, dial Dial, address string) (*grpcConn, error) {
	for delay := backOffInitial; ; delay = min(delay*8/5, backOffMax) { // times 1.6
		attempt, cancel := context.WithTimeout(ctx, max(connectTimeout, delay))
		conn, err := dialGRPC(attempt, dial, address)
		cancel()
		if err == nil {
			return conn, nil
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// dialGRPC connects once. The connection must be closed.
func dialGRPC(ctx context.Context, dial Dial, address string) (*grpcConn, error) {
	w := &wire{settled: make(chan struct{})}
	// In time: neither the client's first write nor the server's may hang.
	inTime := func() bool { return true }
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		Protocols:          protocols,
		DisableCompression: true, // gRPC has its own
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := dial(ctx, network, address)
			if err != nil {
				return nil, fmt.Errorf("transport: Error while dialing: %w", err)
			}
			w.Conn = nc
			inTime = context.AfterFunc(ctx, func() { nc.Close() })
			return w, nil
		},
	}
	conn, err := transport.NewClientConn(ctx, "http", address)
	if err != nil {
		inTime()
		return nil, err
	}
	<-w.settled
	if !inTime() {
		conn.Close()
		return nil, ctx.Err()
	}
	if err := w.failure(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("error reading server preface: %w", err)
	}
	return &grpcConn{address, conn, w}, nil
}

// usable reports whether the server takes another call.
func (c *grpcConn) usable() bool { return c.http.Available() > 0 }

// Close closes the connection.
func (c *grpcConn) Close() { c.http.Close() }

// wire shows of an HTTP/2 connection what net/http keeps to itself: that the
// server has sent SETTINGS, which makes a gRPC client believe in it, and why
// there is nothing more to read. One goroutine reads it.
type wire struct {
	net.Conn
	settled chan struct{} // closed when the first frame was read, or not

	started bool
	first   []byte // what is left of the first frame

	mu     sync.Mutex // guards what follows
	closed bool       // by this side
	err    error      // of reading, until closed
}

// Close closes the connection.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	return w.Conn.Close()
}

// Read reads from the connection. It returns nothing of a first frame that is
// not SETTINGS.
func (w *wire) Read(p []byte) (int, error) {
	if !w.started {
		w.started = true
		defer close(w.settled)
		var err error
		if w.first, err = readSettings(w.Conn); err != nil {
			w.fail(err)
			return 0, err
		}
	}
	if len(w.first) > 0 {
		n := copy(p, w.first)
		w.first = w.first[n:]
		return n, nil
	}
	n, err := w.Conn.Read(p)
	if err != nil {
		w.fail(err)
	}
	return n, err
}

func (w *wire) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.err = err
	}
}

// failure returns why no more can be read, or nil.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// readSettings reads an HTTP/2 frame of type SETTINGS.
func readSettings(r io.Reader) ([]byte, error) {
	const (
		header    = 9       // RFC 9113, section 4.1
		settings  = 4       // its type
		maxLength = 1 << 14 // of the rest, by default
	)
	frame := make([]byte, header)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(frame) >> 8)
	if frame[3] != settings || length > maxLength {
		return nil, errors.New("not a SETTINGS frame of HTTP/2")
	}
	frame = append(frame, make([]byte, length)...)
	if _, err := io.ReadFull(r, frame[header:]); err != nil {
		return nil, err
	}
	return frame, nil
}
