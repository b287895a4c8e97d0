package netstack

import (
	"math"
	"sync"
)

// byteQueue carries one direction of a TCP connection past the stack, between two
// sockets of one namespace. It belongs to the one that receives. One goroutine at
// a time puts bytes in and one takes them out, and both copy without the lock.
//
// The sender may go over to packets with any write, and come back when the queue
// is empty. So that bytes keep their order, the receiver reads in turn
//
//   - from the stack, until it has read all that was sent by packets before the
//     queue came into use,
//   - from the queue,
//   - from the stack again, when the queue is empty and out of use. While it is at
//     that, the sender must not use the queue: what it then sent by packets could
//     be read first.
//
// The zero value is ready for use. An empty queue keeps no memory.
type byteQueue struct {
	mu      sync.Mutex // guards what follows
	head    *chunk
	tail    *chunk
	filling *chunk // the one that the sender just copies into
	size    int    // bytes to be taken
	inUse   bool   // what was sent last was sent by the queue
	after   int64  // how many bytes sent by packets come before those in the queue
	reading bool   // the receiver reads from the stack
	ended   bool   // the sender has closed its half
	refused bool   // the receiver has closed its half; what still comes is the stack's affair
	full    bool   // the sender waits until size is resume or less
	resume  int
}

// A chunk is a piece of a queue, of which b[r:w] is to be taken.
type chunk struct {
	next *chunk
	r, w int
	b    []byte
	pool *sync.Pool // where it goes when it is empty
}

// chunkSizes are what chunks hold, in bytes: the small ones are for messages, so
// that a connection on which an unread line waits does not keep 64 KiB.
var chunkSizes = [...]int{4 << 10, 16 << 10, 64 << 10}

var chunkPools [len(chunkSizes)]sync.Pool

// newChunk returns a chunk that n bytes, or the first of them, are to be put into.
func newChunk(n int) *chunk {
	i := 0
	for i < len(chunkSizes)-1 && n > chunkSizes[i] {
		i++
	}
	pool := &chunkPools[i]
	if c, ok := pool.Get().(*chunk); ok {
		return c
	}
	return &chunk{b: make([]byte, chunkSizes[i]), pool: pool}
}

func (c *chunk) free() {
	c.next, c.r, c.w = nil, 0, 0
	c.pool.Put(c)
}

// put appends the beginning of b, which is not empty, to a queue that may hold so
// many bytes. sent is how many bytes have been sent by packets so far. n is how
// many bytes it took, 0 if the queue is full, and first says that they are the
// only ones. If ok is false, b must be sent by packets.
func (q *byteQueue) put(b []byte, capacity int, sent int64) (n int, first, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || q.refused || !q.inUse && (q.size > 0 || q.reading) {
		q.inUse = false
		return 0, false, false
	}
	if !q.inUse {
		q.inUse, q.after = true, sent
	}
	room := capacity - q.size
	if room <= 0 {
		q.full, q.resume = true, capacity/2
		return 0, false, true
	}
	c := q.tail
	if c == nil || c.w == len(c.b) {
		c = newChunk(min(len(b), room))
	}
	n = min(len(b), room, len(c.b)-c.w)
	q.filling = c
	q.mu.Unlock()
	copy(c.b[c.w:], b[:n])
	q.mu.Lock()
	q.filling = nil
	if q.ended || q.refused { // meanwhile
		q.inUse = false
		return 0, false, false
	}
	if c != q.tail {
		q.push(c)
	}
	c.w += n
	q.size += n
	return n, q.size == n, true
}

// push appends a chunk. mu must be held.
func (q *byteQueue) push(c *chunk) {
	if t := q.tail; t != nil && t.r == t.w { // it was kept because it was being filled
		q.pop()
	}
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

// pop frees the first chunk. mu must be held.
func (q *byteQueue) pop() {
	c := q.head
	q.head = c.next
	if q.head == nil {
		q.tail = nil
	}
	c.free()
}

// take moves what has come into b, which is not empty, and returns how much.
// received is how many bytes the receiver has read from the stack so far. If there
// is nothing, stack is how many bytes it may read from there, and if that is not
// 0, tookFromStack must follow. resumed says that the sender has waited for room
// and need not wait any more.
func (q *byteQueue) take(b []byte, received int64) (n, stack int, resumed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case received < q.after:
		return 0, int(min(int64(len(b)), q.after-received)), false
	case q.size == 0 && !q.inUse:
		q.reading = true
		return 0, len(b), false
	}
	for n < len(b) && q.size > 0 {
		c := q.head
		part := c.b[c.r:min(c.w, c.r+q.size)]
		q.mu.Unlock()
		m := copy(b[n:], part)
		q.mu.Lock()
		n += m
		c.r += m
		q.size = max(0, q.size-m) // a reset may have shortened it
		if c.r == c.w && c != q.filling {
			q.pop()
		}
	}
	if q.full && q.size <= q.resume {
		q.full = false
		resumed = true
	}
	return n, 0, resumed
}

// tookFromStack says that the receiver has read what it wanted from the stack.
func (q *byteQueue) tookFromStack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reading = false
}

// leave takes the queue out of use: what follows is sent by packets.
func (q *byteQueue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inUse = false
}

// end is the end of what the sender sends.
func (q *byteQueue) end() { q.reset(math.MaxInt) }

// reset is end for a sender whose connection is reset: of what it has sent, only
// so many bytes have arrived.
func (q *byteQueue) reset(arrived int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.size = min(q.size, arrived)
}

// refuse makes the sender send by packets. What is in the queue can be taken.
func (q *byteQueue) refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refused = true
}

// close drops what is in the queue and takes nothing more. It returns how many
// bytes were there.
func (q *byteQueue) close() (unread int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refused = true
	unread, q.size = q.size, 0
	if q.filling != nil { // the sender writes to one of them
		q.head, q.tail = nil, nil
	}
	for q.head != nil {
		q.pop()
	}
	return unread
}

// len returns how many bytes there are.
func (q *byteQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size
}
