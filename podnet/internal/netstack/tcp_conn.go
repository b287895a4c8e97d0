package netstack

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// tcpConn is a TCP connection with the methods of *net.TCPConn that need no
// file descriptor.
type tcpConn struct {
	*socket
	shortcut
	finSeen atomic.Bool // the peer had closed its half when we last wrote

	writing bytes.Reader      // what is being written; here so that it costs no allocation
	into    tcpip.SliceWriter // what is being read into
}

var _ net.Conn = (*tcpConn)(nil)

func newTCPConn(o *Owner, n network, v6 bool, ep tcpip.Endpoint, wq *waiter.Queue, remote netip.AddrPort, probes net.KeepAliveConfig) (*tcpConn, error) {
	ep.SocketOptions().SetDelayOption(false) // TCP_NODELAY
	if probes.Enable {
		setKeepAlive(ep, probes)
	}
	local, _ := endpointAddrs(ep, v6)
	c := &tcpConn{socket: &socket{ep: ep, v6: v6}}
	c.ends = ends(ep)
	c.descriptor = newDescriptor(o, n.name, wq, n.addr(local), n.addr(remote), c)
	c.grow = c.growSendBuffer
	if err := c.open(); err != nil {
		return nil, err
	}
	o.ns.pair(c)
	return c, nil
}

// release closes the endpoint. As on Linux, bytes that were not read make that a
// reset.
func (c *tcpConn) release() {
	if c.in.close() > 0 {
		c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true})
	}
	linger := c.ep.SocketOptions().GetLinger()
	c.owner.ns.unpair(c, linger.Enabled && linger.Timeout == 0)
	c.socket.release()
}

// describe returns the socket's line of `ss`, without the owner.
func (c *tcpConn) describe() Socket {
	d := c.socket.describe()
	d.RecvQ += min(c.in.len(), c.receiveBuffer())
	d.SendQ += c.unsent()
	d.TCP = c.tcpInfo(d)
	return d
}

// maxSendBuffer is what the send buffer grows to while somebody pays, in bytes.
const maxSendBuffer = 64 << 20

func (s *socket) growSendBuffer() bool {
	opts := s.ep.SocketOptions()
	size := opts.GetSendBufferSize()
	if size >= maxSendBuffer {
		return false
	}
	opts.SetSendBufferSize(2*size, false)
	return true
}

// RemoteAddr returns the peer's address.
func (c *tcpConn) RemoteAddr() net.Addr { return c.peer }

// Read reads what has arrived, at least one byte, or io.EOF once the peer has
// closed its half.
func (c *tcpConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, c.opError("read", c.readNothing())
	}
	var n int
	err := c.do(&c.read, func() (int, tcpip.Error, error) {
		var terr tcpip.Error
		n, terr = c.receive(b)
		switch terr.(type) {
		case nil:
			return n, nil, nil
		case *tcpip.ErrWouldBlock:
			return 0, terr, nil
		case *tcpip.ErrClosedForReceive:
			return 0, terr, io.EOF
		case *tcpip.ErrConnectionReset:
			if c.finSeen.Load() { // the end had come before the reset
				return 0, terr, io.EOF
			}
		}
		return 0, terr, sysError("read", terr)
	})
	if err == io.EOF {
		return 0, io.EOF
	}
	return n, c.opError("read", err)
}

// Write writes all of b, or fails.
func (c *tcpConn) Write(b []byte) (int, error) {
	var n int
	err := c.do(&c.write, func() (int, tcpip.Error, error) {
		if c.state() == tcp.StateCloseWait {
			c.finSeen.Store(true)
		}
		for {
			m, terr := c.send(b[n:])
			n += m
			switch terr.(type) {
			case nil:
				if n < len(b) {
					continue
				}
				return n, nil, nil
			case *tcpip.ErrWouldBlock:
				return n, terr, nil
			case *tcpip.ErrConnectionReset:
				// Linux: a reset that answers what was sent to a
				// peer that had closed is a broken pipe.
				if c.finSeen.Load() {
					terr = &tcpip.ErrClosedForSend{}
				}
			}
			return n, terr, sysError("write", terr)
		}
	})
	return n, c.opError("write", err)
}

// Close closes the connection: with FIN, or with RST if received data was not
// read or SetLinger(0) was called. After SetLinger with more than 0 it waits for
// the peer to acknowledge all data.
func (c *tcpConn) Close() error {
	linger := c.ep.SocketOptions().GetLinger()
	if !linger.Enabled || linger.Timeout == 0 {
		return c.opError("close", c.close())
	}
	if err := c.close(); err != nil {
		return c.opError("close", err)
	}
	// gVisor sends no event when the FIN is acknowledged, so look now and then.
	end := time.Now().Add(linger.Timeout)
	for wait := 100 * time.Microsecond; (finPending(c.ep) || c.unsent() > 0) && time.Now().Before(end); wait = min(2*wait, 10*time.Millisecond) {
		timer := time.NewTimer(min(wait, time.Until(end)))
		select {
		case <-timer.C:
		case <-c.owner.dead: // the kernel does not linger for a dead process
			timer.Stop()
			return nil
		}
	}
	return nil
}

// finPending reports whether our FIN has yet to be acknowledged.
func finPending(ep tcpip.Endpoint) bool {
	switch tcp.EndpointState(ep.State()) {
	case tcp.StateFinWait1, tcp.StateClosing, tcp.StateLastAck:
		return true
	}
	return false
}

// CloseRead shuts down the reading half: reads return io.EOF.
func (c *tcpConn) CloseRead() error {
	return c.opError("close", c.control("shutdown", func() tcpip.Error {
		c.in.refuse()
		return c.ep.Shutdown(tcpip.ShutdownRead)
	}))
}

// CloseWrite sends FIN: the peer reads io.EOF and may go on writing.
func (c *tcpConn) CloseWrite() error {
	return c.opError("close", c.control("shutdown", func() tcpip.Error {
		c.finished.Store(true)
		if peer := c.other.Load(); peer != nil {
			peer.in.end()
		}
		return c.ep.Shutdown(tcpip.ShutdownWrite)
	}))
}

// SetLinger sets what Close does with data that is not yet sent: sec < 0 sends
// it in the background (the default), 0 drops it and resets the connection, and
// sec > 0 makes Close wait for that, at most so many seconds.
func (c *tcpConn) SetLinger(sec int) error {
	return c.opError("set", c.control("setsockopt", func() tcpip.Error {
		c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: sec >= 0, Timeout: time.Duration(max(sec, 0)) * time.Second})
		return nil
	}))
}

// SetNoDelay turns Nagle's algorithm off (true, the default) or on.
func (c *tcpConn) SetNoDelay(noDelay bool) error {
	return c.opError("set", c.control("setsockopt", func() tcpip.Error {
		c.ep.SocketOptions().SetDelayOption(!noDelay)
		return nil
	}))
}

// SetKeepAlive turns keep-alive probes on (the default) or off.
func (c *tcpConn) SetKeepAlive(keepalive bool) error {
	return c.opError("set", c.control("setsockopt", func() tcpip.Error {
		c.ep.SocketOptions().SetKeepAlive(keepalive)
		return nil
	}))
}

// SetKeepAlivePeriod sets the time before the first probe and between probes.
func (c *tcpConn) SetKeepAlivePeriod(d time.Duration) error {
	return c.opError("set", c.control("setsockopt", func() tcpip.Error {
		return setKeepAlive(c.ep, net.KeepAliveConfig{Enable: c.ep.SocketOptions().GetKeepAlive(), Idle: d, Interval: d, Count: -1})
	}))
}

// SetKeepAliveConfig sets keep-alive whole. As in net, zero durations mean 15
// seconds, a zero count 9, and negative values leave things as they are.
func (c *tcpConn) SetKeepAliveConfig(cfg net.KeepAliveConfig) error {
	return c.opError("set", c.control("setsockopt", func() tcpip.Error { return setKeepAlive(c.ep, cfg) }))
}
