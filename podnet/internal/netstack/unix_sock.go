package netstack

import (
	"sync"
	"sync/atomic"
	"syscall"

	"gvisor.dev/gvisor/pkg/waiter"
)

// Linux's defaults.
const (
	unixDatagrams    = 10     // net.unix.max_dgram_qlen; a queue holds one more
	unixSendBuffer   = 212992 // net.core.wmem_default and wmem_max, in bytes
	unixMinSendBuf   = 4608   // SOCK_MIN_SNDBUF
	unixDatagramRoom = 32     // what of the send buffer no datagram can use
)

// unixSock is a Unix socket as the kernel has it (Linux, net/unix/af_unix.c).
// Its calls do not wait: where Linux would, they answer EAGAIN, and wq tells
// when to try again. They answer 0 if all went well.
//
// Two sockets are never locked at once.
type unixSock struct {
	kind  unixKind
	wq    waiter.Queue
	name  unixName   // set before anybody else knows the socket
	names *unixNames // where an abstract name is to be released; may be nil

	sendBuffer atomic.Int64 // bytes
	sent       atomic.Int64 // bytes, with overhead, that wait at receivers

	mu        sync.Mutex // guards what follows
	state     unixState
	peer      *unixSock
	queue     []*unixMessage
	pending   []*unixSock // the server's ends of connections to accept
	backlog   int         // how many of them there may be
	shutRead  bool
	shutWrite bool
	err       syscall.Errno          // reported once, then forgotten
	refused   map[*unixSock]struct{} // senders that wait for room in queue
	waitsFor  *unixSock              // whose refused holds this socket
}

type unixState int

const (
	unixUnconnected unixState = iota
	unixListening
	unixConnected // a datagram socket with a peer as well
	unixClosed
)

func newUnixSock(kind unixKind) *unixSock {
	s := &unixSock{kind: kind}
	s.sendBuffer.Store(unixSendBuffer)
	return s
}

func (s *unixSock) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == unixClosed
}

// wake lets those who wait for s look again.
func (s *unixSock) wake(events waiter.EventMask) { s.wq.Notify(events) }

// listen is listen(2), of a socket that admits that many connections.
func (s *unixSock) listen(admit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.backlog = unixListening, admit
}

// connect is connect(2) of a new socket to the one that was found under a name.
func (s *unixSock) connect(other *unixSock) syscall.Errno {
	if s.kind == unixDatagram {
		return s.connectDatagram(other)
	}
	server := newUnixSock(s.kind)
	server.name, server.state, server.peer = other.name, unixConnected, s
	s.mu.Lock()
	s.state, s.peer = unixConnected, server
	s.mu.Unlock()
	e := other.offer(server)
	if e != 0 {
		s.mu.Lock()
		s.state, s.peer = unixUnconnected, nil
		s.mu.Unlock()
	}
	return e
}

// offer puts the server's end of a new connection in a listener's queue.
func (s *unixSock) offer(server *unixSock) syscall.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != unixListening:
		return syscall.ECONNREFUSED
	case len(s.pending) >= s.backlog:
		return syscall.EAGAIN
	}
	s.pending = append(s.pending, server)
	s.wake(waiter.ReadableEvents)
	return 0
}

func (s *unixSock) connectDatagram(other *unixSock) syscall.Errno {
	other.mu.Lock()
	closed, taken := other.state == unixClosed, other.peer != nil && other.peer != s
	other.mu.Unlock()
	switch {
	case closed:
		return syscall.ECONNREFUSED
	case taken:
		return syscall.EPERM
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.peer = unixConnected, other
	return 0
}

// accept is accept4(2).
func (s *unixSock) accept() (*unixSock, syscall.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.kind == unixDatagram:
		return nil, syscall.EOPNOTSUPP
	case s.state != unixListening:
		return nil, syscall.EINVAL
	case len(s.pending) == 0:
		return nil, syscall.EAGAIN
	}
	server := s.pending[0]
	s.pending[0] = nil
	s.pending = s.pending[1:]
	return server, 0
}

// shutdown is shutdown(2). Of a connection it shuts the peer's other half too.
func (s *unixSock) shutdown(read, write bool) {
	peer := s.shut(read, write)
	if peer != nil && s.kind != unixDatagram {
		peer.shut(write, read)
	}
}

// shut closes halves of s for good and returns its peer. It wakes those who wait
// for data. Those who wait for room it wakes only if nothing is left open: with
// one half open, such a socket does not become writable on Linux.
func (s *unixSock) shut(read, write bool) (peer *unixSock) {
	s.mu.Lock()
	s.shutRead, s.shutWrite = s.shutRead || read, s.shutWrite || write
	events := waiter.EventMask(waiter.ReadableEvents)
	if s.shutRead && s.shutWrite {
		events = readEvents | writeEvents
	}
	peer = s.peer
	s.mu.Unlock()
	s.wake(events)
	return peer
}

// release is close(2) of the last descriptor.
func (s *unixSock) release() { s.close(false) }

// close closes the socket. The peer of a connection reads what is left and then
// the end, or first ECONNRESET if s had not read everything or was never
// accepted. (An empty message counts; lately, in Linux 6.18, it does not.)
func (s *unixSock) close(unaccepted bool) {
	s.mu.Lock()
	s.state = unixClosed
	queue, pending, refused, peer, waitsFor := s.queue, s.pending, s.refused, s.peer, s.waitsFor
	s.queue, s.pending, s.refused, s.peer, s.waitsFor = nil, nil, nil, nil, nil
	s.mu.Unlock()

	if s.names != nil {
		s.names.release(s)
	}
	if peer != nil && s.kind != unixDatagram {
		peer.mu.Lock()
		peer.shutRead, peer.shutWrite = true, true
		if unaccepted || len(queue) > 0 {
			peer.err = syscall.ECONNRESET
		}
		peer.mu.Unlock()
		peer.wake(readEvents | writeEvents)
	}
	for _, m := range queue {
		m.free()
	}
	for _, server := range pending {
		server.close(true)
	}
	for sender := range refused {
		sender.wake(waiter.WritableEvents)
	}
	if waitsFor != nil {
		waitsFor.mu.Lock()
		delete(waitsFor.refused, s)
		waitsFor.mu.Unlock()
	}
}

// takeError returns the error that was not yet reported. mu must be held.
func (s *unixSock) takeError() syscall.Errno {
	e := s.err
	s.err = 0
	return e
}

// setSendBuffer is setsockopt(SO_SNDBUF): Linux takes twice what is asked for,
// within bounds.
func (s *unixSock) setSendBuffer(bytes int) {
	if bytes < 0 {
		bytes = unixSendBuffer // Linux reads it as a great number
	}
	s.sendBuffer.Store(int64(max(2*min(bytes, unixSendBuffer), unixMinSendBuf)))
	s.wake(waiter.WritableEvents)
}

// describe returns the socket's line of `ss -x`.
func (s *unixSock) describe() Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Socket{Network: unixNetids[s.kind], State: "UNCONN"}
	if s.name != "" {
		d.Path = s.name.text()
	}
	switch s.state {
	case unixListening:
		d.State, d.RecvQ, d.SendQ = "LISTEN", len(s.pending), s.backlog-1
		return d
	case unixConnected:
		d.State = "ESTAB"
	}
	for i, m := range s.queue {
		if i == 0 || s.kind == unixStream { // of messages the first is told
			d.RecvQ += len(m.data)
		}
	}
	d.SendQ = int(s.sent.Load())
	return d
}
