package netstack

import (
	"net"
	"sync"
)

// An Owner is a process of a namespace: it opens sockets, and when it dies they
// are closed as the kernel closes those of a dead process. A listener refuses
// from then on, a connection with unread data is reset, any other ends with FIN.
type Owner struct {
	ns     *Namespace
	name   string
	pid    int
	lookup Resolver
	dead   chan struct{} // closed by Kill

	mu      sync.Mutex           // guards sockets
	sockets map[*socket]struct{} // nil once dead
}

// NewOwner returns a new owner. name and pid are what Sockets shows; lookup
// resolves the host names in its addresses and may be nil. Kill ends it.
func (ns *Namespace) NewOwner(name string, pid int, lookup Resolver) *Owner {
	o := &Owner{ns: ns, name: name, pid: pid, lookup: lookup, dead: make(chan struct{}), sockets: make(map[*socket]struct{})}
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
	for s := range sockets {
		s.close()
	}
	o.ns.mu.Lock()
	delete(o.ns.owners, o)
	o.ns.mu.Unlock()
}

// adopt makes s one of o's sockets. It fails if o is dead.
func (o *Owner) adopt(s *socket) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sockets == nil {
		return net.ErrClosed
	}
	o.sockets[s] = struct{}{}
	return nil
}

func (o *Owner) release(s *socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sockets, s)
}

func (o *Owner) isDead() bool {
	select {
	case <-o.dead:
		return true
	default:
		return false
	}
}
