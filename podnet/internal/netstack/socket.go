package netstack

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Events that may let a blocked call go on.
const (
	readEvents  = waiter.ReadableEvents | waiter.EventHUp | waiter.EventErr
	writeEvents = waiter.WritableEvents | waiter.EventHUp | waiter.EventErr
)

// socket is what connections, listeners and packet sockets share: the endpoint,
// its owner, its deadlines, and how to wait for it and close it.
type socket struct {
	owner *Owner
	ep    tcpip.Endpoint
	wq    *waiter.Queue
	net   string // network name for errors
	v6    bool   // an AF_INET6 socket
	local net.Addr
	peer  net.Addr // nil if there is none
	freed func()   // called once, after the endpoint is closed; may be nil

	read, write direction

	mu       sync.Mutex // guards what follows
	calls    int        // calls that use ep
	closing  bool
	closed   chan struct{} // closed when closing is set: wakes whoever waits
	released chan struct{} // closed when ep is
}

// direction is one half of a socket. turn is a lock made of a channel, so that
// waiting for it is durable in a synctest bubble: reads wait for reads and
// writes for writes, as in net.
type direction struct {
	turn     chan struct{}
	ready    chan struct{}
	entry    waiter.Entry
	deadline deadline
}

func (d *direction) init(wq *waiter.Queue, events waiter.EventMask) {
	d.turn = make(chan struct{}, 1)
	d.entry, d.ready = waiter.NewChannelEntry(events)
	wq.EventRegister(&d.entry)
}

// newSocket makes ep a socket of o. If o is dead it closes ep and fails with
// net.ErrClosed; freed is then not called.
func newSocket(o *Owner, netName string, v6 bool, ep tcpip.Endpoint, wq *waiter.Queue, local, peer net.Addr, freed func()) (*socket, error) {
	s := &socket{
		owner: o, ep: ep, wq: wq, net: netName, v6: v6, local: local, peer: peer, freed: freed,
		closed: make(chan struct{}), released: make(chan struct{}),
	}
	s.read.init(wq, readEvents)
	s.write.init(wq, writeEvents)
	if err := o.adopt(s); err != nil {
		ep.Close()
		o.ns.pump.kick()
		return nil, err
	}
	return s, nil
}

// enter begins a call that uses the endpoint; leave ends it. Between the two
// the endpoint stays open.
func (s *socket) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return net.ErrClosed
	}
	s.calls++
	return nil
}

func (s *socket) leave() {
	s.mu.Lock()
	s.calls--
	last := s.closing && s.calls == 0
	s.mu.Unlock()
	if last {
		s.free()
	}
}

// close closes the socket: calls that wait fail with net.ErrClosed, and when
// all have left, the endpoint is closed. It returns after that.
func (s *socket) close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closing = true
	close(s.closed)
	idle := s.calls == 0
	s.mu.Unlock()
	if idle {
		s.free()
	}
	<-s.released
	return nil
}

func (s *socket) free() {
	s.read.deadline.stop()
	s.write.deadline.stop()
	s.wq.EventUnregister(&s.read.entry)
	s.wq.EventUnregister(&s.write.entry)
	s.ep.Close()
	s.owner.ns.pump.kick()
	s.owner.release(s)
	if s.freed != nil {
		s.freed()
	}
	close(s.released)
}

// do runs op until it does something else than block. d is the direction that
// op belongs to; of calls in one direction only one runs at a time. op returns
// the number of bytes it moved. The error is op's, net.ErrClosed or
// os.ErrDeadlineExceeded.
func (s *socket) do(d *direction, op func() (int, tcpip.Error, error)) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	select {
	case d.turn <- struct{}{}:
	default:
		select {
		case d.turn <- struct{}{}:
		case <-s.closed:
			return net.ErrClosed
		}
	}
	defer func() { <-d.turn }()
	for {
		if d.deadline.isOver() {
			return os.ErrDeadlineExceeded
		}
		n, terr, err := op()
		s.owner.ns.pump.kick()
		if _, blocked := terr.(*tcpip.ErrWouldBlock); !blocked {
			s.pay(d, n)
			return err
		}
		select {
		case <-d.ready:
		case <-d.deadline.passed():
		case <-s.closed:
			return net.ErrClosed
		}
	}
}

// pay lets the time pass that a call which moved n bytes costs in a bubble.
func (s *socket) pay(d *direction, n int) {
	wait := s.owner.ns.pace.charge(n)
	if wait == 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.deadline.passed():
	case <-s.closed:
	}
}

// opError wraps err as net does for an operation on an open socket.
func (s *socket) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: s.net, Source: s.local, Addr: s.peer, Err: err}
}

// control runs a call that sets something and cannot block. call names the
// system call. The error is not yet in an OpError.
func (s *socket) control(call string, f func() tcpip.Error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	terr := f()
	s.owner.ns.pump.kick()
	if terr != nil {
		return sysError(call, terr)
	}
	return nil
}

// setError wraps err as net does for deadlines and buffers, which any kind of
// socket has: with the local address only.
func (s *socket) setError(err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: "set", Net: s.net, Addr: s.local, Err: err}
}

func (s *socket) setDeadline(t time.Time, dirs ...*direction) error {
	return s.setError(s.control("", func() tcpip.Error {
		for _, d := range dirs {
			d.deadline.set(t)
		}
		return nil
	}))
}

// LocalAddr returns the address that the socket is bound to.
func (s *socket) LocalAddr() net.Addr { return s.local }

// SetDeadline sets both deadlines, the zero time being none.
func (s *socket) SetDeadline(t time.Time) error { return s.setDeadline(t, &s.read, &s.write) }

// SetReadDeadline sets the time after which reads fail with os.ErrDeadlineExceeded.
func (s *socket) SetReadDeadline(t time.Time) error { return s.setDeadline(t, &s.read) }

// SetWriteDeadline sets the time after which writes fail with os.ErrDeadlineExceeded.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.setDeadline(t, &s.write) }

// SetReadBuffer sets the size of the receive buffer in bytes.
func (s *socket) SetReadBuffer(bytes int) error {
	return s.setError(s.control("setsockopt", func() tcpip.Error {
		s.ep.SocketOptions().SetReceiveBufferSize(int64(bytes), true)
		return nil
	}))
}

// SetWriteBuffer sets the size of the send buffer in bytes.
func (s *socket) SetWriteBuffer(bytes int) error {
	return s.setError(s.control("setsockopt", func() tcpip.Error {
		s.ep.SocketOptions().SetSendBufferSize(int64(bytes), true)
		return nil
	}))
}

// endpointAddrs returns the addresses of an endpoint as its socket shows them.
func endpointAddrs(ep tcpip.Endpoint, v6 bool) (local, remote netip.AddrPort) {
	if fa, err := ep.GetLocalAddress(); err == nil {
		local = addrPort(fa, v6)
	}
	if fa, err := ep.GetRemoteAddress(); err == nil {
		remote = addrPort(fa, v6)
	}
	return local, remote
}
