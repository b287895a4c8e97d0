package probe

import (
	"context"
	"net"
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
	unwatch func() bool // the end of the attempt's context

	mu    sync.Mutex // guards what follows
	ended bool       // nothing may be dialed
	dead  bool       // nothing may be open
	conns map[*conn]bool

	busy sync.WaitGroup // dials in progress and open connections
}

// newDialer returns a dialer, for which the caller must call end. When ctx ends
// everything is closed.
func newDialer(ctx context.Context, dial Dial) *dialer {
	d := &dialer{dial: dial, conns: make(map[*conn]bool)}
	d.dialing, d.stop = context.WithCancel(ctx)
	d.unwatch = context.AfterFunc(ctx, d.closeAll)
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
	d.unwatch()
}

// conn is a connection of a dialer.
type conn struct {
	net.Conn
	close func() error
}

// Close closes the connection. It may be called more than once.
func (c *conn) Close() error { return c.close() }
