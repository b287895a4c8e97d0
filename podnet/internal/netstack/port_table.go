package netstack

import (
	"net/netip"
	"slices"
	"sync"
)

// portTable keeps the TCP listeners of a namespace, because gVisor's own port
// manager lets two listeners with SO_REUSEADDR share a port where their
// addresses differ only by a wildcard. Linux refuses that; it honours
// SO_REUSEADDR only over connections that outlived their listener. So every
// listener sets the option, as net does, and this table finds the live ones.
type portTable struct {
	mu      sync.Mutex // guards what follows; held over check and bind, so that they are one step
	bound   map[uint16][]*binding
	changed chan struct{} // closed at the next add; nil until somebody waits
}

// binding is the address that a listener holds.
type binding struct {
	addr   netip.AddrPort // unspecified address: all of its family
	dual   bool           // [::] that takes IPv4 as well
	shared bool           // SO_REUSEPORT: the port may be shared with others that have it
}

func (b binding) overlaps(o binding) bool {
	if b.addr.Port() != o.addr.Port() {
		return false
	}
	return b.covers(o.addr.Addr()) || o.covers(b.addr.Addr()) || b.dual && o.dual
}

// covers reports whether b takes connections to a, or to all that a stands for.
func (b binding) covers(a netip.Addr) bool {
	mine := b.addr.Addr()
	switch {
	case b.dual:
		return true
	case mine.IsUnspecified():
		return mine.Is4() == a.Is4()
	}
	return mine == a
}

// conflict reports whether a live listener holds what b wants. mu must be held.
func (t *portTable) conflict(b binding) bool {
	for _, have := range t.bound[b.addr.Port()] {
		if have.overlaps(b) && !(have.shared && b.shared) {
			return true
		}
	}
	return false
}

// add records b. mu must be held.
func (t *portTable) add(b *binding) {
	if t.bound == nil {
		t.bound = make(map[uint16][]*binding)
	}
	port := b.addr.Port()
	t.bound[port] = append(t.bound[port], b)
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// listening reports whether there is a listener on the port. If there is none,
// it returns a channel that is closed when one is added anywhere.
func (t *portTable) listening(port uint16) (bool, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.bound[port]) > 0 {
		return true, nil
	}
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return false, t.changed
}

// remove takes b out again. mu must be held.
func (t *portTable) remove(b *binding) {
	port := b.addr.Port()
	list := slices.DeleteFunc(t.bound[port], func(have *binding) bool { return have == b })
	if len(list) == 0 {
		delete(t.bound, port)
		return
	}
	t.bound[port] = list
}

// release is remove for a caller that does not hold mu.
func (t *portTable) release(b *binding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(b)
}
