package netstack

import (
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Events that may let a blocked call go on.
const (
	readEvents  = waiter.ReadableEvents | waiter.EventHUp | waiter.EventErr
	writeEvents = waiter.WritableEvents | waiter.EventHUp | waiter.EventErr
)

// descriptor is what all open sockets share, whatever is behind them: the owner,
// the deadlines, and how to wait and to close.
type descriptor struct {
	owner *Owner
	file  openFile
	wq    *waiter.Queue
	net   string // network name for errors
	local net.Addr
	peer  net.Addr // nil if there is none

	read, write direction
	grow        func() bool // makes room for a write, up to a limit; may be nil

	mu       sync.Mutex // guards what follows
	calls    int        // calls that use file
	closing  bool
	closed   chan struct{} // closed when closing is set: wakes whoever waits
	released chan struct{} // closed when file is
}

// openFile is what a descriptor stands for.
type openFile interface {
	// release closes it. It is called once, when no call uses it any more.
	release()
	// describe returns its line of `ss`, without the owner. It is called
	// while it is open.
	describe() Socket
}

// direction is one half of a socket. turn is a lock made of a channel, so that
// waiting for it is durable in a synctest bubble: reads wait for reads and
// writes for writes, as in net.
type direction struct {
	turn     chan struct{}
	ready    chan struct{}
	entry    waiter.Entry
	deadline deadline
	moved    atomic.Uint64 // bytes
}

func (dir *direction) init(wq *waiter.Queue, events waiter.EventMask) {
	dir.turn = make(chan struct{}, 1)
	dir.entry, dir.ready = waiter.NewChannelEntry(events)
	wq.EventRegister(&dir.entry)
}

// wake lets a call that waits look again.
func (dir *direction) wake() {
	select {
	case dir.ready <- struct{}{}:
	default:
	}
}

// newDescriptor returns a descriptor of file, whose events are those of wq. The
// owner has yet to adopt it.
func newDescriptor(o *Owner, netName string, wq *waiter.Queue, local, peer net.Addr, file openFile) *descriptor {
	d := &descriptor{
		owner: o, file: file, wq: wq, net: netName, local: local, peer: peer,
		closed: make(chan struct{}), released: make(chan struct{}),
	}
	d.read.init(wq, readEvents)
	d.write.init(wq, writeEvents)
	return d
}

// enter begins a call that uses the file; leave ends it. Between the two the
// file stays open.
func (d *descriptor) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return net.ErrClosed
	}
	d.calls++
	return nil
}

func (d *descriptor) isClosing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closing
}

func (d *descriptor) leave() {
	d.mu.Lock()
	d.calls--
	last := d.closing && d.calls == 0
	d.mu.Unlock()
	if last {
		d.free()
	}
}

// close closes the descriptor: calls that wait fail with net.ErrClosed, and when
// all have left, the file is closed. It returns after that.
func (d *descriptor) close() error {
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		return net.ErrClosed
	}
	d.closing = true
	close(d.closed)
	idle := d.calls == 0
	d.mu.Unlock()
	if idle {
		d.free()
	}
	<-d.released
	return nil
}

func (d *descriptor) free() {
	d.read.deadline.stop()
	d.write.deadline.stop()
	d.wq.EventUnregister(&d.read.entry)
	d.wq.EventUnregister(&d.write.entry)
	d.file.release()
	d.owner.release(d)
	close(d.released)
}

// do runs op until it does something else than block. dir is the direction that
// op belongs to; of calls in one direction only one runs at a time. op returns
// the number of bytes that all its calls have moved. The error is op's, net.ErrClosed or
// os.ErrDeadlineExceeded.
func (d *descriptor) do(dir *direction, op func() (int, tcpip.Error, error)) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	select {
	case dir.turn <- struct{}{}:
	default:
		select {
		case dir.turn <- struct{}{}:
		case <-d.closed:
			return net.ErrClosed
		}
	}
	moved := 0
	defer func() {
		dir.moved.Add(uint64(moved))
		<-dir.turn
	}()
	full := dir != &d.write || d.grow == nil
	for {
		if (dir != &d.write || !d.isStream()) && !d.owner.awaitThaw(d.closed) {
			return net.ErrClosed
		}
		if dir.deadline.isOver() {
			return os.ErrDeadlineExceeded
		}
		n, terr, err := op()
		moved = n
		d.owner.ns.pump.kick()
		if _, blocked := terr.(*tcpip.ErrWouldBlock); !blocked {
			d.pay(dir, n)
			return err
		}
		var paying <-chan struct{}
		if !full {
			paying = d.owner.ns.pace.paying()
		}
		select {
		case <-dir.ready:
		case <-paying:
			full = !d.grow()
		case <-dir.deadline.passed():
		case <-d.closed:
			return net.ErrClosed
		}
	}
}

// pay lets the time pass that a call which moved n bytes costs in a bubble.
//
// A write to a stream only runs up the bill, which whoever reads next pays, and
// finds room while somebody pays: many libraries write under a mutex (an HTTP/2
// client, for one), and while somebody waits for a mutex, a bubble's clock
// stands still.
func (d *descriptor) pay(dir *direction, n int) {
	pace := d.owner.ns.pace
	wait := pace.charge(n)
	if wait == 0 || dir == &d.write && d.isStream() {
		return
	}
	pace.beginPaying()
	defer pace.endPaying()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-dir.deadline.passed():
	case <-d.closed:
	}
}

func (d *descriptor) isStream() bool { return strings.HasPrefix(d.net, "tcp") || d.net == "unix" }

// opError wraps err as net does for an operation on an open socket.
func (d *descriptor) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: d.net, Source: d.local, Addr: d.peer, Err: err}
}

// control runs a call that sets something and cannot block. call names the
// system call. The error is not yet in an OpError.
func (d *descriptor) control(call string, f func() tcpip.Error) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	terr := f()
	d.owner.ns.pump.kick()
	if terr != nil {
		return sysError(call, terr)
	}
	return nil
}

// setError wraps err as net does for deadlines and buffers, which any kind of
// socket has: with the local address only.
func (d *descriptor) setError(err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: "set", Net: d.net, Addr: d.local, Err: err}
}

func (d *descriptor) setDeadline(t time.Time, dirs ...*direction) error {
	return d.setError(d.control("", func() tcpip.Error {
		for _, dir := range dirs {
			dir.deadline.set(t)
		}
		return nil
	}))
}

// LocalAddr returns the address that the socket is bound to.
func (d *descriptor) LocalAddr() net.Addr { return d.local }

// SetDeadline sets both deadlines, the zero time being none.
func (d *descriptor) SetDeadline(t time.Time) error { return d.setDeadline(t, &d.read, &d.write) }

// SetReadDeadline sets the time after which reads fail with os.ErrDeadlineExceeded.
func (d *descriptor) SetReadDeadline(t time.Time) error { return d.setDeadline(t, &d.read) }

// SetWriteDeadline sets the time after which writes fail with os.ErrDeadlineExceeded.
func (d *descriptor) SetWriteDeadline(t time.Time) error { return d.setDeadline(t, &d.write) }
