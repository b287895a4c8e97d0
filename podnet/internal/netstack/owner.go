package netstack

import (
	"net"
	"sync"
	"sync/atomic"
)

// An Owner is a process of a namespace: it opens sockets, and when it dies they
// are closed as the kernel closes those of a dead process. A listener refuses
// from then on, a connection with unread data is reset, any other ends with FIN.
type Owner struct {
	ns     *Namespace
	name   string
	pid    int
	lookup Resolver
	files  Files // nil for none
	uid    uint32
	gid    uint32
	dead   chan struct{} // closed by Kill
	opened chan struct{} // closed when the first socket is
	once   sync.Once     // closes opened

	thaw atomic.Pointer[chan struct{}] // closed by Thaw; nil while the owner is not frozen

	mu      sync.Mutex           // guards sockets
	sockets map[*descriptor]bool // whether they are lent; nil once dead
}

// NewOwner returns a new owner. name and pid are what Sockets shows; lookup
// resolves the host names in its addresses and may be nil. Kill ends it.
func (ns *Namespace) NewOwner(name string, pid int, lookup Resolver) *Owner {
	o := &Owner{ns: ns, name: name, pid: pid, lookup: lookup, dead: make(chan struct{}), opened: make(chan struct{}), sockets: make(map[*descriptor]bool)}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		close(o.dead)
		o.sockets = nil
		return o
	}
	ns.owners[o] = struct{}{}
	return o
}

// SetFiles gives the owner a file system, in which its Unix sockets have their
// paths. It must be called before the owner opens sockets; without it there are
// abstract names only.
func (o *Owner) SetFiles(files Files) { o.files = files }

// SetUser says as which user and group the owner runs: root, unless it is called,
// before the owner opens sockets.
func (o *Owner) SetUser(uid, gid uint32) { o.uid, o.gid = uid, gid }

// KUID and KGID are what iptables' owner match asks a packet's sender for.
func (o *Owner) KUID() uint32 { return o.uid }

// KGID returns the group.
func (o *Owner) KGID() uint32 { return o.gid }

// Name returns the name that Sockets shows.
func (o *Owner) Name() string { return o.name }

// Kill closes all sockets of the owner and makes it open no more: every call
// that waits and every later one fails with net.ErrClosed. A second Kill does
// nothing.
func (o *Owner) Kill() {
	o.mu.Lock()
	sockets := o.sockets
	o.sockets = nil
	o.mu.Unlock()
	if sockets == nil {
		return
	}
	close(o.dead)
	for d := range sockets {
		d.close()
	}
	o.ns.mu.Lock()
	delete(o.ns.owners, o)
	o.ns.mu.Unlock()
}

// Freeze makes the owner's socket calls wait until Thaw or Kill, with whatever
// deadline: those that wait already, and those to come. The kernel goes on: it
// completes connections and acknowledges what is received, until buffers are full.
// Writes to streams do not wait: many programs write under a mutex, and in a
// bubble the clock stands still while somebody waits for one.
func (o *Owner) Freeze() {
	c := make(chan struct{})
	o.thaw.CompareAndSwap(nil, &c)
}

// Thaw ends what Freeze began.
func (o *Owner) Thaw() {
	if c := o.thaw.Swap(nil); c != nil {
		close(*c)
	}
}

// awaitThaw waits while the owner is frozen. It reports false if closed was closed
// before that.
func (o *Owner) awaitThaw(closed <-chan struct{}) bool {
	for {
		c := o.thaw.Load()
		if c == nil {
			return true
		}
		select {
		case <-*c:
		case <-closed:
			return false
		}
	}
}

// adopt makes d one of o's sockets. It fails if o is dead.
func (o *Owner) adopt(d *descriptor) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sockets == nil {
		return net.ErrClosed
	}
	o.sockets[d] = false
	o.once.Do(func() { close(o.opened) })
	return nil
}

// Opened returns a channel that is closed when the owner has opened a socket.
func (o *Owner) Opened() <-chan struct{} { return o.opened }

// Lend notes of what Listen, ListenPacket or Dial has returned that it is for
// somebody outside the owner's process, who should close it: Sockets shows it as
// Lent. What a lent listener accepts is not.
func Lend(socket any) {
	if s, ok := socket.(interface{ lend() }); ok {
		s.lend()
	}
}

func (d *descriptor) lend() {
	o := d.owner
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, open := o.sockets[d]; open {
		o.sockets[d] = true
	}
}

func (o *Owner) release(d *descriptor) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sockets, d)
}

func (o *Owner) isDead() bool {
	select {
	case <-o.dead:
		return true
	default:
		return false
	}
}
