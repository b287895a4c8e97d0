package netstack

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"

	"podnet.dev/podnet/internal/errno"
)

// unixConn is a Unix socket of any type, with the methods of *net.UnixConn that
// need no file descriptor. File descriptors cannot be passed over it: there are
// none.
type unixConn struct {
	*descriptor
	sock   *unixSock
	dialed bool // net knows its peer, and WriteTo fails
}

var (
	_ net.Conn       = (*unixConn)(nil)
	_ net.PacketConn = (*unixConn)(nil)
)

// msgCmsgCloexec is Linux's MSG_CMSG_CLOEXEC, which net asks for and recvmsg(2)
// gives back.
const msgCmsgCloexec = 0x40000000

// newUnixConn makes s a socket of o. If o is dead it closes s and fails with
// net.ErrClosed.
func newUnixConn(o *Owner, network string, s *unixSock, peer net.Addr) (*unixConn, error) {
	c := &unixConn{sock: s}
	c.descriptor = newDescriptor(o, network, &s.wq, s.name.addr(network), peer, s)
	if err := o.adopt(c.descriptor); err != nil {
		s.release()
		return nil, err
	}
	return c, nil
}

// unixError wraps the errno of a system call as net does. What is no errno, such
// as the lack of a file system, is left as it is.
func unixError(call string, err error) error {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return err
	}
	return os.NewSyscallError(call, errno.Of(e))
}

// attempt turns what a call on a unixSock gave into what do takes.
func attempt(call string, n int, err error) (int, tcpip.Error, error) {
	switch err {
	case nil:
		return n, nil, nil
	case syscall.EAGAIN:
		return n, &tcpip.ErrWouldBlock{}, nil
	}
	return n, nil, unixError(call, err)
}

// RemoteAddr returns the peer's address, a *net.UnixAddr with the name "@" if it
// has none, or nil for a socket without a peer.
func (c *unixConn) RemoteAddr() net.Addr { return c.peer }

// Read reads what has arrived of a stream, or one message, of which what does
// not fit into b is lost. io.EOF is the end of a connection; on a "unixpacket"
// one an empty message looks the same.
func (c *unixConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		if err := c.enter(); err != nil {
			return 0, c.opError("read", err)
		}
		c.leave()
		return 0, nil
	}
	n, _, err := c.receive(b, "read")
	if err == io.EOF {
		return 0, io.EOF
	}
	return n, c.opError("read", err)
}

// ReadFrom is Read that gives the sender too: a *net.UnixAddr, or nil if it has
// no name.
func (c *unixConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := c.ReadFromUnix(b)
	if addr == nil {
		return n, nil, err
	}
	return n, addr, err
}

// ReadFromUnix is ReadFrom with the type of net.UnixConn's.
func (c *unixConn) ReadFromUnix(b []byte) (int, *net.UnixAddr, error) {
	n, r, err := c.receive(b, "recvfrom")
	return n, c.sender(r), c.opError("read", err)
}

// ReadMsgUnix is ReadFromUnix that tells by flags whether the message was cut
// (MSG_TRUNC). Nothing out of band ever comes.
func (c *unixConn) ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error) {
	n, r, err := c.receive(b, "recvmsg")
	if err == nil {
		flags = msgCmsgCloexec
	}
	if r.truncated {
		flags |= msgTrunc
	}
	return n, 0, flags, c.sender(r), c.opError("read", err)
}

func (c *unixConn) sender(r unixReceived) *net.UnixAddr {
	if r.from == nil || r.from.name == "" {
		return nil
	}
	return r.from.name.addr(c.net)
}

func (c *unixConn) receive(b []byte, call string) (n int, r unixReceived, err error) {
	err = c.do(&c.read, func() (int, tcpip.Error, error) {
		var e syscall.Errno
		n, r, e = c.sock.recv(b)
		return attempt(call, n, errnoOrNil(e))
	})
	if err == nil && n == 0 && c.sock.kind != unixDatagram {
		err = io.EOF
	}
	return n, r, err
}

// Write writes all of b, or fails: a message is sent whole.
func (c *unixConn) Write(b []byte) (int, error) {
	n, err := c.send(b, "write", nil)
	return n, c.opError("write", err)
}

// WriteTo sends b as one message to addr, a *net.UnixAddr. A dialed socket fails
// with net.ErrWriteToConnected.
func (c *unixConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	ua, ok := addr.(*net.UnixAddr)
	if !ok {
		return 0, &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: addr, Err: errno.Of(syscall.EINVAL)}
	}
	return c.WriteToUnix(b, ua)
}

// WriteToUnix is WriteTo with the type of net.UnixConn's.
func (c *unixConn) WriteToUnix(b []byte, addr *net.UnixAddr) (int, error) {
	err := c.checkDestination(addr)
	if addr == nil && err == nil {
		err = errMissingAddress
	}
	n := 0
	if err == nil {
		n, err = c.send(b, "sendto", addr)
	}
	return n, c.writeError(addr, err)
}

// WriteMsgUnix sends b to addr, or to the peer if addr is nil. oob must be
// empty: it would be for file descriptors, and fails with EOPNOTSUPP.
func (c *unixConn) WriteMsgUnix(b, oob []byte, addr *net.UnixAddr) (n, oobn int, err error) {
	switch {
	case len(oob) > 0:
		err = unixError("sendmsg", syscall.EOPNOTSUPP)
	case c.sock.kind == unixDatagram || addr != nil:
		err = c.checkMessage(addr)
	}
	if err == nil {
		n, err = c.send(b, "sendmsg", addr)
	}
	return n, 0, c.writeError(addr, err)
}

// checkDestination checks the address of a WriteTo as net does.
func (c *unixConn) checkDestination(addr *net.UnixAddr) error {
	switch {
	case c.dialed:
		return net.ErrWriteToConnected
	case addr != nil && addr.Net != c.net:
		return errno.Of(syscall.EAFNOSUPPORT)
	}
	return nil
}

// checkMessage is checkDestination for a message, which a dialed connection may
// send with an address that means nothing.
func (c *unixConn) checkMessage(addr *net.UnixAddr) error {
	if c.dialed && c.sock.kind != unixDatagram {
		if addr.Net != c.net {
			return errno.Of(syscall.EAFNOSUPPORT)
		}
		return nil
	}
	return c.checkDestination(addr)
}

func (c *unixConn) writeError(addr *net.UnixAddr, err error) error {
	if err == nil {
		return nil
	}
	oe := &net.OpError{Op: "write", Net: c.net, Source: c.local, Err: err}
	if addr != nil {
		oe.Addr = addr
	}
	return oe
}

func (c *unixConn) send(b []byte, call string, to *net.UnixAddr) (int, error) {
	var find func() (*unixSock, error)
	if to != nil {
		find = func() (*unixSock, error) { return c.owner.findUnix(c.sock.kind, to.Name) }
	}
	sent := 0
	err := c.do(&c.write, func() (int, tcpip.Error, error) {
		n, err := c.sock.send(b[sent:], find)
		sent += n
		if err == syscall.EAGAIN && len(b) == 0 && find == nil { // for an empty Write, net does not wait
			return 0, nil, unixError(call, err)
		}
		_, blocked, err := attempt(call, n, err)
		return sent, blocked, err
	})
	return sent, err
}

// Close closes the socket. The file of its name stays, as on Linux: only a
// listener removes its own.
func (c *unixConn) Close() error { return c.opError("close", c.close()) }

// CloseRead shuts down the reading half: reads return what has arrived and then
// io.EOF, and the peer's writes fail with EPIPE.
func (c *unixConn) CloseRead() error { return c.shutdown(true, false) }

// CloseWrite shuts down the writing half: the peer reads io.EOF and may go on
// writing.
func (c *unixConn) CloseWrite() error { return c.shutdown(false, true) }

func (c *unixConn) shutdown(read, write bool) error {
	return c.opError("close", c.control("shutdown", func() tcpip.Error {
		c.sock.shutdown(read, write)
		return nil
	}))
}

// SetReadBuffer does nothing, as on Linux: what counts is the sender's buffer.
func (c *unixConn) SetReadBuffer(int) error {
	return c.setError(c.control("setsockopt", func() tcpip.Error { return nil }))
}

// SetWriteBuffer sets the size of the send buffer in bytes. As on Linux it
// becomes twice as large, between 4608 and 425984 bytes, and also holds what
// the messages cost beside their data.
func (c *unixConn) SetWriteBuffer(bytes int) error {
	return c.setError(c.control("setsockopt", func() tcpip.Error {
		c.sock.setSendBuffer(bytes)
		return nil
	}))
}
