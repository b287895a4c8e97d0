package netstack

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"podnet.dev/podnet/internal/faults"
)

// shortcuts brings the two ends of a namespace's connections to itself together.
// The stack opens and closes such a connection as any other; what is written goes
// straight from socket to socket, as long as nobody needs to see packets on lo.
// The zero value is ready for use.
type shortcuts struct {
	mu    sync.Mutex // guards what follows
	alone map[tcpEnds]*tcpConn
	lo    *tcpip.NICStats // lo's counters; nil before there is a pair
}

// tcpEnds are the addresses of a connection as one of its ends sees it.
type tcpEnds struct{ local, remote netip.AddrPort }

// ends returns the addresses of an endpoint as packets have them, of whatever
// family the socket is.
func ends(ep tcpip.Endpoint) tcpEnds {
	local, remote := endpointAddrs(ep, false)
	return tcpEnds{unmap(local), unmap(remote)}
}

// shortcut is what a connection knows of the way past the stack.
type shortcut struct {
	ends     tcpEnds
	other    atomic.Pointer[tcpConn] // the other end; nil if there is none in the namespace, or no more
	finished atomic.Bool             // this end has closed its writing half
	in       byteQueue               // what the peer has sent past the stack
	sent     int64                   // bytes sent by packets; belongs to who has the turn to write
	received int64                   // bytes read from the stack; belongs to who has the turn to read
}

// pair looks for the other end of a new connection, or lets it find this one. Where
// packets may change on lo, an end cannot be known by its addresses.
func (ns *Namespace) pair(c *tcpConn) {
	if ns.packets || ns.divert != nil || ns.hooks.Load() != nil {
		return
	}
	if to := c.ends.remote.Addr(); !to.IsLoopback() && !ns.isLocal(to) {
		return
	}
	t := &ns.shortcuts
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.isClosing() {
		return
	}
	reversed := tcpEnds{c.ends.remote, c.ends.local}
	if peer := t.alone[reversed]; peer != nil && peer.isEstablished() && c.isEstablished() {
		delete(t.alone, reversed)
		if t.lo == nil {
			stats := ns.stack.NICInfo()[loopbackID].Stats
			t.lo = &stats
		}
		// The peer may write at once, and must then be known here.
		c.other.Store(peer)
		peer.other.Store(c)
		return
	}
	if t.alone == nil {
		t.alone = make(map[tcpEnds]*tcpConn)
	}
	t.alone[c.ends] = c
}

// unpair ends what pair began. No call on c runs any more. reset says that the
// connection does not end in order: what the peer has no room for is lost.
func (ns *Namespace) unpair(c *tcpConn, reset bool) {
	t := &ns.shortcuts
	t.mu.Lock()
	if t.alone[c.ends] == c {
		delete(t.alone, c.ends)
	}
	t.mu.Unlock()
	if peer := c.other.Load(); peer != nil { // for good: c is not alone any more
		if reset {
			peer.in.reset(peer.receiveBuffer())
		} else {
			peer.in.end()
		}
		peer.other.CompareAndSwap(c, nil)
	}
}

func (c *tcpConn) state() tcp.EndpointState { return tcp.EndpointState(c.ep.State()) }

func (c *tcpConn) isEstablished() bool { return c.state() == tcp.StateEstablished }

// mayPass reports whether what c sends to the peer may pass the stack by. If one of
// them is at its end, the stack tells the other what that means.
func (c *tcpConn) mayPass(peer *tcpConn) bool {
	switch c.state() {
	case tcp.StateEstablished, tcp.StateCloseWait:
	default:
		return false
	}
	switch peer.state() {
	case tcp.StateEstablished, tcp.StateFinWait1, tcp.StateFinWait2:
	default:
		return false
	}
	return !c.finished.Load() && !c.owner.ns.seen()
}

// seen reports whether somebody needs to see what crosses lo.
func (ns *Namespace) seen() bool {
	return ns.watch.On() || ns.hooks.Load() != nil || ns.faults.Active(faults.Loopback)
}

// send sends the beginning of b: to the peer's queue if it may, else by packets.
func (c *tcpConn) send(b []byte) (int, tcpip.Error) {
	if peer := c.other.Load(); peer != nil && len(b) > 0 {
		if c.mayPass(peer) {
			n, first, ok := peer.in.put(b, c.capacity(peer), c.sent)
			if first {
				peer.read.wake()
			}
			if n > 0 {
				c.owner.ns.shortcuts.count(c.ends.remote.Addr().Is4(), n)
				return n, nil
			}
			if ok {
				return 0, &tcpip.ErrWouldBlock{}
			}
		} else {
			peer.in.leave()
		}
	}
	c.writing.Reset(b)
	n, err := c.ep.Write(&c.writing, tcpip.WriteOptions{})
	c.writing.Reset(nil)
	c.sent += n
	return int(n), err
}

// receive reads into b what comes next: from the queue or from the stack.
func (c *tcpConn) receive(b []byte) (int, tcpip.Error) {
	n, stack, resumed := c.in.take(b, c.received)
	if n == 0 && stack == 0 {
		if c.ep.Readiness(waiter.ReadableEvents) == 0 {
			return 0, &tcpip.ErrWouldBlock{}
		}
		// The end is there. What was put before it, is there as well.
		n, stack, resumed = c.in.take(b, c.received)
	}
	if resumed {
		if peer := c.other.Load(); peer != nil {
			peer.write.wake()
		}
	}
	if n > 0 {
		return n, nil
	}
	if stack == 0 { // nothing but the end
		return c.receivePackets(b)
	}
	n, err := c.receivePackets(b[:stack])
	c.in.tookFromStack()
	return n, err
}

func (c *tcpConn) receivePackets(b []byte) (int, tcpip.Error) {
	c.into = b
	res, err := c.ep.Read(&c.into, tcpip.ReadOptions{})
	c.into = nil
	if err != nil {
		return 0, err
	}
	c.received += int64(res.Count)
	c.ep.ModerateRecvBuf(res.Count)
	return res.Count, nil
}

// SetReadBuffer sets the size of the receive buffer in bytes.
func (c *tcpConn) SetReadBuffer(bytes int) error {
	err := c.socket.SetReadBuffer(bytes)
	if peer := c.other.Load(); peer != nil {
		peer.write.wake() // there may be room now
	}
	return err
}

// SetWriteBuffer sets the size of the send buffer in bytes.
func (c *tcpConn) SetWriteBuffer(bytes int) error {
	err := c.socket.SetWriteBuffer(bytes)
	c.write.wake() // there may be room now
	return err
}

// capacity returns how many bytes may be under way to the peer: what its receive
// buffer and the send buffer here hold.
func (c *tcpConn) capacity(peer *tcpConn) int {
	return int(c.ep.SocketOptions().GetSendBufferSize()) + peer.receiveBuffer()
}

func (c *tcpConn) receiveBuffer() int { return int(c.ep.SocketOptions().GetReceiveBufferSize()) }

// unsent returns how many bytes are under way to the peer that its receive buffer
// has no room for.
func (c *tcpConn) unsent() int {
	peer := c.other.Load()
	if peer == nil {
		return 0
	}
	return max(0, peer.in.len()-peer.receiveBuffer())
}

// loopbackMTU is that of lo, in bytes.
const loopbackMTU = 65536

// count adds n bytes that did not cross lo to what has crossed it: as segments
// with timestamps.
func (t *shortcuts) count(v4 bool, n int) {
	headers := header.TCPMinimumSize + header.TCPOptionTSLength + 2
	if v4 {
		headers += header.IPv4MinimumSize
	} else {
		headers += header.IPv6MinimumSize
	}
	segments := (n + loopbackMTU - headers - 1) / (loopbackMTU - headers)
	for _, s := range []tcpip.NICPacketStats{t.lo.Tx, t.lo.Rx} {
		s.Packets.IncrementBy(uint64(segments))
		s.Bytes.IncrementBy(uint64(n + segments*headers))
	}
}
