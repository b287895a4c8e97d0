package netstack

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// unixListener is a listener on a Unix socket, with the methods of
// *net.UnixListener that need no file descriptor.
type unixListener struct {
	*descriptor
	sock *unixSock
	keep atomic.Bool // Close leaves the file
	once sync.Once   // only the first Close removes it
}

var _ net.Listener = (*unixListener)(nil)

// openUnix makes a socket with a name, for the networks unix, unixgram and
// unixpacket. As in net, it makes of all but datagram sockets listeners, also for
// ListenPacket.
func (o *Owner) openUnix(cfg ListenConfig, network, address string) (*unixConn, error) {
	if o.isDead() {
		return nil, net.ErrClosed
	}
	s := newUnixSock(unixKinds[network])
	if err := o.bindUnix(s, address); err != nil {
		return nil, unixError("bind", err)
	}
	if s.kind != unixDatagram {
		s.listen(cfg.backlog())
	}
	return newUnixConn(o, network, s, nil)
}

// listenUnix is Listen for Unix sockets.
func (o *Owner) listenUnix(cfg ListenConfig, network, address string) (net.Listener, error) {
	c, err := o.openUnix(cfg, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: &net.UnixAddr{Name: address, Net: network}, Err: err}
	}
	return &unixListener{descriptor: c.descriptor, sock: c.sock}, nil
}

// listenUnixPacket is ListenPacket for Unix sockets.
func (o *Owner) listenUnixPacket(cfg ListenConfig, network, address string) (net.PacketConn, error) {
	c, err := o.openUnix(cfg, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: &net.UnixAddr{Name: address, Net: network}, Err: err}
	}
	return c, nil
}

// dialUnix is Dial for Unix sockets. It never waits: a listener with a full
// queue is EAGAIN, as on Linux.
func (o *Owner) dialUnix(ctx context.Context, d Dialer, network, address string) (net.Conn, error) {
	if address == "" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errMissingAddress}
	}
	if d.LocalAddr != (netip.AddrPort{}) {
		return nil, mismatchedLocal(network, d.LocalAddr.String())
	}
	var laddr *net.UnixAddr
	if d.LocalName != "" {
		laddr = &net.UnixAddr{Name: d.LocalName, Net: network}
	}
	raddr := &net.UnixAddr{Name: address, Net: network}
	if err := ctx.Err(); err != nil {
		return nil, unixDialError(network, laddr, raddr, ContextError(err))
	}
	return o.dialUnixAddr(network, laddr, raddr)
}

// mismatchedLocal is the error of a dial from an address of another family.
func mismatchedLocal(network, local string) error {
	err := &net.AddrError{Err: "mismatched local address type", Addr: local}
	return &net.OpError{Op: "dial", Net: network, Err: err}
}

func unixDialError(network string, laddr, raddr *net.UnixAddr, err error) error {
	oe := &net.OpError{Op: "dial", Net: network, Err: err}
	if laddr != nil {
		oe.Source = laddr
	}
	if raddr != nil {
		oe.Addr = raddr
	}
	return oe
}

// dialUnixAddr is net.DialUnix: with laddr the socket has a name of its own, and
// a datagram socket that has one needs no raddr. Either may be nil.
func (o *Owner) dialUnixAddr(network string, laddr, raddr *net.UnixAddr) (net.Conn, error) {
	c, err := o.connectUnix(network, laddr, raddr)
	if err != nil {
		return nil, unixDialError(network, laddr, raddr, err)
	}
	return c, nil
}

func (o *Owner) connectUnix(network string, laddr, raddr *net.UnixAddr) (*unixConn, error) {
	hasName := laddr != nil && laddr.Name != ""
	hasPeer := raddr != nil && raddr.Name != ""
	kind, ok := unixKinds[network]
	switch {
	case !ok:
		return nil, net.UnknownNetworkError(network)
	case !hasPeer && (kind != unixDatagram || !hasName):
		return nil, errMissingAddress
	case o.isDead():
		return nil, net.ErrClosed
	}
	s := newUnixSock(kind)
	if hasName {
		if err := o.bindUnix(s, laddr.Name); err != nil {
			return nil, unixError("bind", err)
		}
	}
	var peer net.Addr
	if hasPeer {
		other, err := o.findUnix(kind, raddr.Name)
		if err == nil {
			err = errnoOrNil(s.connect(other))
		}
		if err != nil {
			s.release()
			return nil, unixError("connect", err)
		}
		peer = other.name.addr(network)
	}
	c, err := newUnixConn(o, network, s, peer)
	if err != nil {
		return nil, err
	}
	c.dialed = hasPeer
	return c, nil
}

// Accept waits for the next connection. It belongs to the listener's owner.
func (l *unixListener) Accept() (net.Conn, error) {
	var conn *unixConn
	err := l.do(&l.read, func() (int, tcpip.Error, error) {
		server, e := l.sock.accept()
		if e != 0 {
			return attempt("accept4", 0, e)
		}
		var err error
		conn, err = newUnixConn(l.owner, l.net, server, server.peerName().addr(l.net))
		return 0, nil, err
	})
	if err != nil {
		return nil, l.listenerError("accept", err)
	}
	return conn, nil
}

// peerName returns the name of the other end of a connection that was just
// accepted.
func (s *unixSock) peerName() unixName {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peer.name
}

func (l *unixListener) listenerError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: l.net, Addr: l.local, Err: err}
}

// Close stops listening and removes the socket's file, or what has taken its
// place meanwhile, as net does. Connections that were not accepted are reset.
// A process that was killed removes nothing.
func (l *unixListener) Close() error {
	l.once.Do(func() {
		name := l.sock.name
		if l.keep.Load() || name.isAbstract() || l.owner.files == nil || l.owner.isDead() {
			return
		}
		if err := l.enter(); err != nil { // it was closed with its owner
			return
		}
		defer l.leave()
		l.owner.files.Unlink(string(name)) // net ignores the error as well
	})
	return l.listenerError("close", l.close())
}

// SetUnlinkOnClose sets whether Close removes the socket's file, which is the
// default.
func (l *unixListener) SetUnlinkOnClose(unlink bool) { l.keep.Store(!unlink) }

// Addr returns the address that is listened on.
func (l *unixListener) Addr() net.Addr { return l.local }

// SetDeadline sets the time after which Accept fails with os.ErrDeadlineExceeded.
// As in net its error is not wrapped.
func (l *unixListener) SetDeadline(t time.Time) error {
	return l.control("", func() tcpip.Error {
		l.read.deadline.set(t)
		return nil
	})
}
