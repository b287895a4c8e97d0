package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// Dial connects from where the probe comes from. Its errors are shown, so they
// must be as those of [net.Dialer]: *net.OpError, and "i/o timeout" when the
// deadline of the context has passed.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// dialer is a Dial that knows what it has open.
type dialer struct {
	dial    Dial
	dialing context.Context // of the dials in progress
	stop    context.CancelFunc

	mu    sync.Mutex // guards what follows
	ended bool       // nothing may be dialed
	dead  bool       // nothing may be open
	conns map[*conn]bool

	busy sync.WaitGroup // dials in progress and open connections
}

// newDialer returns a dialer, for which the caller must call end.
func newDialer(ctx context.Context, dial Dial) *dialer {
	d := &dialer{dial: dial, conns: make(map[*conn]bool)}
	d.dialing, d.stop = context.WithCancel(ctx)
	return d
}

// DialContext is for an http.Transport. A transport dials on when the request
// has ended, for a later one may use the connection; end puts a stop to that.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	if d.ended {
		d.mu.Unlock()
		return nil, net.ErrClosed
	}
	d.busy.Add(1)
	d.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.dialing, cancel)()
	nc, err := d.dial(ctx, network, address)
	if err != nil {
		d.busy.Done()
		return nil, err
	}
	c := &conn{Conn: nc}
	c.close = sync.OnceValue(func() error {
		defer d.busy.Done()
		d.mu.Lock()
		delete(d.conns, c)
		d.mu.Unlock()
		return nc.Close()
	})
	d.mu.Lock()
	dead := d.dead
	d.conns[c] = true
	d.mu.Unlock()
	if dead {
		c.Close()
	}
	return c, nil
}

// closeAll closes what is open, and what will be.
func (d *dialer) closeAll() {
	d.mu.Lock()
	d.dead = true
	conns := make([]*conn, 0, len(d.conns))
	for c := range d.conns {
		conns = append(conns, c)
	}
	d.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// end waits until everything is closed. After a failure it closes what is open,
// such as a connection in its TLS handshake; otherwise the transport does, in
// its own way.
func (d *dialer) end(failed bool) {
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.stop()
	if failed {
		d.closeAll()
	}
	d.busy.Wait()
}

// read reads the body of a response, as much of it as counts, and closes it.
func (d *dialer) read(ctx context.Context, resp *http.Response) ([]byte, error) {
	// After "101 Switching Protocols" the body is the connection itself, which
	// does not know of ctx.
	defer context.AfterFunc(ctx, d.closeAll)()
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, maxBody))
}

// conn is a connection of a dialer.
type conn struct {
	net.Conn
	close func() error
}

// Close closes the connection. It may be called more than once.
func (c *conn) Close() error { return c.close() }
