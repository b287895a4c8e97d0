package kubeproxy

import (
	"container/list"
	"maps"
	"net/netip"
	"sync"
	"time"
)

// recentSize is how many clients of an endpoint a node remembers: xt_recent's
// ip_list_tot, which kube-proxy leaves at its default.
const recentSize = 100

// sticky remembers which client went to which endpoint. Every node has its own
// memory, as its kernel has.
type sticky struct {
	timeout time.Duration

	mu     sync.Mutex                            // guards what follows
	recent map[string]map[netip.AddrPort]*recent // by node and endpoint
}

// newSticky returns the memory of p. Of before, which may be nil, it keeps what
// concerns endpoints that p still uses: the chain of one that it does not is
// deleted, and its memory with it.
func newSticky(p, before *servicePort) *sticky {
	s := &sticky{timeout: p.Affinity, recent: make(map[string]map[netip.AddrPort]*recent)}
	if before == nil || before.sticky == nil {
		return s
	}
	before.sticky.mu.Lock()
	for node, memory := range before.sticky.recent {
		s.recent[node] = maps.Clone(memory)
	}
	before.sticky.mu.Unlock()
	s.prune(p)
	return s
}

// prune forgets what concerns endpoints that p does not use.
func (s *sticky) prune(p *servicePort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for node, memory := range s.recent {
		used := make(map[netip.AddrPort]bool)
		for _, b := range p.reachable(node) {
			used[b.addr] = true
		}
		maps.DeleteFunc(memory, func(a netip.AddrPort, _ *recent) bool { return !used[a] })
	}
}

// reachable returns the endpoints of which a node has a chain, some perhaps twice.
func (p *servicePort) reachable(node string) []backend {
	n := p.forNode(node)
	return append(append([]backend(nil), n.cluster...), n.local...)
}

// choose returns the endpoint that a client is remembered at and, if there is
// none, the one that next draws. It remembers the choice.
func (s *sticky) choose(node string, backends []backend, client netip.Addr, now time.Time, next func() backend) backend {
	s.mu.Lock()
	defer s.mu.Unlock()
	memory := s.recent[node]
	if memory == nil {
		memory = make(map[netip.AddrPort]*recent)
		s.recent[node] = memory
	}
	chosen := backend{}
	for _, b := range backends {
		if r := memory[b.addr]; r != nil && r.check(client, now.Add(-s.timeout)) {
			chosen = b
			break
		}
	}
	if !chosen.addr.IsValid() {
		chosen = next()
	}
	r := memory[chosen.addr]
	if r == nil {
		r = &recent{seen: make(map[netip.Addr]*list.Element)}
		memory[chosen.addr] = r
	}
	r.set(client, now)
	return chosen
}

// recent is a list of xt_recent: the clients of one endpoint.
type recent struct {
	seen  map[netip.Addr]*list.Element
	order list.List // of visits, the oldest first
}

type visit struct {
	client netip.Addr
	at     time.Time
}

// check reports whether the client was there since a time. It forgets the oldest
// client if that was not (--rcheck --reap).
func (r *recent) check(client netip.Addr, since time.Time) bool {
	e := r.seen[client]
	found := e != nil && !e.Value.(visit).at.Before(since)
	if oldest := r.order.Front(); oldest != nil && oldest.Value.(visit).at.Before(since) {
		r.forget(oldest)
	}
	return found
}

// set notes that the client is there (--set).
func (r *recent) set(client netip.Addr, now time.Time) {
	if e := r.seen[client]; e != nil {
		e.Value = visit{client, now}
		r.order.MoveToBack(e)
		return
	}
	if len(r.seen) >= recentSize {
		r.forget(r.order.Front())
	}
	r.seen[client] = r.order.PushBack(visit{client, now})
}

func (r *recent) forget(e *list.Element) {
	delete(r.seen, e.Value.(visit).client)
	r.order.Remove(e)
}
