package podnet

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/kubelet"
	"podnet.dev/podnet/internal/netfilter"
)

// ReasonServiceHairpin is the reason of the event of a container that has connected
// to its own Pod through a Service. It is podnet's own: no cluster gives this
// counsel. There is one for each container and Service, at the first connection.
const ReasonServiceHairpin = "ServiceHairpin"

// counsel tells containers of the way that they take without need. It has a
// goroutine only while there is something to tell: routers notice such a
// connection under locks of a stack, where no event may be given.
type counsel struct {
	cluster *Cluster
	telling sync.WaitGroup

	mu     sync.Mutex // guards what follows; taken under any lock of a stack
	told   map[hairpin]struct{}
	queue  []hairpinNews
	busy   bool // there is a goroutine
	closed bool
}

// hairpin is what a container is told of once.
type hairpin struct {
	pod       netip.Addr
	container string
	service   string
}

type hairpinNews struct {
	hairpin
	via, to netip.AddrPort // the Service's address, and the Pod's
}

// opened is told of every new connection from a Pod that goes through a Service.
func (k *counsel) opened(c fabric.Connection, conn *netfilter.Conn) {
	src, to := c.Src().Addr(), conn.Reply().Src()
	owner, ok := c.Owner.(interface{ Name() string })
	if src != to.Addr() || !ok {
		return
	}
	news := hairpinNews{hairpin{src, owner.Name(), conn.Service}, c.Dst(), to}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, told := k.told[news.hairpin]; told || k.closed {
		return
	}
	if k.told == nil {
		k.told = make(map[hairpin]struct{})
	}
	k.told[news.hairpin] = struct{}{}
	k.queue = append(k.queue, news)
	if !k.busy {
		k.busy = true
		k.telling.Go(k.tell)
	}
}

func (k *counsel) tell() {
	for {
		k.mu.Lock()
		if len(k.queue) == 0 || k.closed {
			k.queue, k.busy = nil, false
			k.mu.Unlock()
			return
		}
		news := k.queue[0]
		k.queue = k.queue[1:]
		k.mu.Unlock()
		if p := k.cluster.services.podAt(news.pod); p != nil && p.isNews(news.hairpin) {
			p.emit(p.hairpinEvent(news))
		}
	}
}

// forget is told that addresses may become another Pod's.
func (k *counsel) forget(addrs []netip.Addr) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for h := range k.told {
		if slices.Contains(addrs, h.pod) {
			delete(k.told, h)
		}
	}
}

func (k *counsel) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.telling.Wait()
}

// isNews reports whether the Pod has not yet been told, in an earlier sandbox.
func (p *Pod) isNews(h hairpin) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{h.container, h.service}
	if _, told := p.hairpins[key]; told {
		return false
	}
	if p.hairpins == nil {
		p.hairpins = make(map[[2]string]struct{})
	}
	p.hairpins[key] = struct{}{}
	return true
}

func (p *Pod) hairpinEvent(news hairpinNews) kubelet.Event {
	e := kubelet.Event{Source: "podnet", Time: time.Now(), Type: kubelet.EventWarning, Reason: ReasonServiceHairpin, Message: fmt.Sprintf(
		"reached its own Pod through the Service %s (%s): out to the node, through its rules, and back to %s; use localhost:%d",
		news.service, news.via, news.to, news.to.Port(),
	)}
	if c := p.container(news.container); c != nil {
		list := "containers"
		if c.init {
			list = "initContainers"
		}
		e.FieldPath = fmt.Sprintf("spec.%s{%s}", list, c.spec.Name)
	}
	return e
}
