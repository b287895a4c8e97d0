package netstack

import (
	"math/bits"
	"slices"
	"syscall"

	"gvisor.dev/gvisor/pkg/waiter"
)

// unixMessage is what one send put into a receiver's queue, or a part of it.
type unixMessage struct {
	data  []byte // what is not yet read
	chunk *chunk // in which data lies; nil if it lies by itself
	from  *unixSock
	cost  int64 // bytes of from's send buffer
}

// newUnixMessage returns a message of what from sends. Those that nearly fill a chunk
// lie in one.
func newUnixMessage(from *unixSock, b []byte, cost int64) *unixMessage {
	m := &unixMessage{from: from, cost: cost}
	if len(b) < chunkSizes[0]/2 || len(b) > chunkSizes[len(chunkSizes)-1] {
		m.data = slices.Clone(b)
		return m
	}
	m.chunk = newChunk(len(b))
	m.data = m.chunk.b[:copy(m.chunk.b, b)]
	return m
}

// Linux, net/core/skbuff.c on a 64-bit machine: what a buffer costs beside its
// data, and how much data it holds.
const (
	skbStruct   = 256  // struct sk_buff
	skbShared   = 320  // struct skb_shared_info, behind the data
	skbSmall    = 512  // the smallest block for data
	skbPage     = 4096 // a page
	skbOnePage  = 4096 - skbShared
	skbFourPage = 4*4096 - skbShared
	skbMaxFrags = 17 * skbPage // what of a datagram can lie in single pages
	skbParts    = 8 * skbPage  // what of a piece of a stream can
)

// skbCost is the size of a buffer with head bytes in one block and the rest in
// pages.
func skbCost(head, paged int) int64 {
	block := max(skbSmall, 1<<bits.Len(uint(pad(head, 64)+skbShared-1)))
	return int64(skbStruct + block + pad(paged, skbPage))
}

func pad(n, to int) int { return (n + to - 1) / to * to }

// streamCost is what a piece of a stream costs (unix_stream_sendmsg).
func streamCost(n int) int64 {
	paged := min(n, pad(max(0, n-skbOnePage), skbPage))
	return skbCost(n-paged, paged)
}

// datagramCost is what a message costs (unix_dgram_sendmsg).
func datagramCost(n int) int64 {
	if n <= skbFourPage {
		return skbCost(n, 0)
	}
	paged := pad(min(n-skbFourPage, skbMaxFrags), skbPage)
	return skbCost(max(0, n-paged), paged)
}

// free gives the sender its room back. One that waits for it is woken when three
// quarters of its buffer are free, as on Linux. The message is not to be read any more.
func (m *unixMessage) free() {
	if m.chunk != nil {
		m.chunk.free()
		m.chunk, m.data = nil, nil
	}
	s := m.from
	if s.sent.Add(-m.cost)*4 <= s.sendBuffer.Load() {
		s.wake(waiter.WritableEvents)
	}
}

// hasRoom reports whether the send buffer takes another message. It may get
// fuller by it than it is large.
func (s *unixSock) hasRoom() bool { return s.sent.Load() < s.sendBuffer.Load() }

// send sends b: a part of it at least on a stream, else one message, to the
// socket that find returns or, if find is nil, to the peer.
func (s *unixSock) send(b []byte, find func() (*unixSock, error)) (int, error) {
	if s.kind == unixStream {
		if find != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.state == unixConnected {
				return 0, syscall.EISCONN
			}
			return 0, syscall.EOPNOTSUPP
		}
		return s.sendStream(b)
	}
	if err := s.sendMessage(b, find); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (s *unixSock) sendStream(b []byte) (n int, err error) {
	for {
		s.mu.Lock()
		peer, shut := s.peer, s.shutWrite
		s.mu.Unlock()
		switch {
		case peer == nil:
			return n, syscall.ENOTCONN
		case shut:
			return n, syscall.EPIPE
		case n == len(b):
			return n, nil
		case !s.hasRoom():
			return n, syscall.EAGAIN
		}
		// Two pieces go into the buffer at least.
		part := b[n:min(len(b), n+min(int(s.sendBuffer.Load()/2)-64, skbOnePage+skbParts))]
		if e := peer.receive(s, part, streamCost(len(part))); e != 0 {
			return n, e
		}
		if n += len(part); n == len(b) {
			return n, nil // what the peer does from here on is not this write's
		}
	}
}

func (s *unixSock) sendMessage(b []byte, find func() (*unixSock, error)) error {
	other, e := s.startMessage(len(b), find != nil)
	if e != 0 {
		return e
	}
	if find == nil || s.kind == unixPacket { // which knows its peer only
		e = other.receive(s, b, datagramCost(len(b)))
		if e == syscall.ECONNREFUSED {
			s.disconnect(other)
		}
		return errnoOrNil(e)
	}
	other, err := find()
	if err != nil {
		return err
	}
	return errnoOrNil(other.receive(s, b, datagramCost(len(b))))
}

// startMessage checks what does not depend on the receiver and returns the peer.
// The order is that of Linux 5 and 6; lately (6.18) a socket without a peer is
// found out last.
func (s *unixSock) startMessage(size int, addressed bool) (*unixSock, syscall.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.kind == unixPacket && s.err != 0:
		return nil, s.takeError()
	case s.peer == nil && (s.kind == unixPacket || !addressed):
		return nil, syscall.ENOTCONN
	case int64(size) > s.sendBuffer.Load()-unixDatagramRoom:
		return nil, syscall.EMSGSIZE
	case s.shutWrite:
		return nil, syscall.EPIPE
	case !s.hasRoom():
		return nil, syscall.EAGAIN
	}
	return s.peer, 0
}

// disconnect forgets the peer of a datagram socket, which is gone.
func (s *unixSock) disconnect(other *unixSock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer == other {
		s.state, s.peer = unixUnconnected, nil
	}
}

// receive puts what from sent into the queue of s.
func (s *unixSock) receive(from *unixSock, b []byte, cost int64) syscall.Errno {
	m := newUnixMessage(from, b, cost)
	s.mu.Lock()
	switch {
	case s.kind == unixDatagram && s.peer != nil && s.peer != from:
		s.mu.Unlock()
		return syscall.EPERM
	case s.state == unixClosed && s.kind == unixDatagram:
		s.mu.Unlock()
		return syscall.ECONNREFUSED
	case s.state == unixClosed, s.shutRead:
		s.mu.Unlock()
		return syscall.EPIPE
	case s.kind == unixDatagram && s != from && s.peer != from && len(s.queue) > unixDatagrams:
		if s.refused == nil {
			s.refused = make(map[*unixSock]struct{})
		}
		s.refused[from] = struct{}{}
		s.mu.Unlock()
		from.mu.Lock()
		from.waitsFor = s
		from.mu.Unlock()
		return syscall.EAGAIN
	}
	from.sent.Add(cost)
	s.queue = append(s.queue, m)
	s.mu.Unlock()
	s.wake(waiter.ReadableEvents)
	return 0
}

// unixReceived tells what came with the data of a recv.
type unixReceived struct {
	from      *unixSock // nil if there was nothing to receive
	truncated bool      // the rest of the message is lost
}

// recv receives into b: bytes of a stream or one message. 0 bytes without an
// error are the end of a stream or, but for datagrams, also an empty message.
func (s *unixSock) recv(b []byte) (n int, r unixReceived, e syscall.Errno) {
	if s.kind == unixStream {
		return s.recvStream(b)
	}
	s.mu.Lock()
	var m *unixMessage
	switch {
	case s.kind == unixPacket && s.state != unixConnected:
		e = syscall.ENOTCONN
	case s.err != 0:
		e = s.takeError()
	case len(s.queue) > 0:
		m = s.pop()
	case s.kind != unixPacket || !s.shutRead:
		e = syscall.EAGAIN
	}
	refused := s.refused
	if m != nil {
		s.refused = nil
	}
	s.mu.Unlock()
	if m == nil {
		return 0, r, e
	}
	for sender := range refused {
		sender.wake(waiter.WritableEvents)
	}
	n = copy(b, m.data)
	r = unixReceived{from: m.from, truncated: n < len(m.data)}
	m.free()
	return n, r, 0
}

// pop takes the first message out of the queue. mu must be held.
func (s *unixSock) pop() *unixMessage {
	m := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	return m
}

func (s *unixSock) recvStream(b []byte) (n int, r unixReceived, e syscall.Errno) {
	var read []*unixMessage
	s.mu.Lock()
	switch {
	case s.state != unixConnected:
		e = syscall.EINVAL
	case len(b) == 0 || len(s.queue) > 0:
	case s.err != 0:
		e = s.takeError()
	case !s.shutRead:
		e = syscall.EAGAIN
	}
	if e == 0 && len(s.queue) > 0 {
		r.from = s.queue[0].from
	}
	for e == 0 && n < len(b) && len(s.queue) > 0 {
		m := s.queue[0]
		part := copy(b[n:], m.data)
		n += part
		m.data = m.data[part:]
		if len(m.data) == 0 {
			read = append(read, s.pop())
		}
	}
	s.mu.Unlock()
	for _, m := range read {
		m.free()
	}
	return n, r, e
}

func errnoOrNil(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}
