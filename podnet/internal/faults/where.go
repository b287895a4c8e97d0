package faults

import (
	"fmt"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/netfilter"
)

// Place is a place where packets are interfered with.
type Place uint8

// The places.
const (
	Up       Place = iota // from a namespace to its node
	Down                  // from a node to a namespace
	Between               // from a node to another
	Loopback              // from a namespace to itself, over lo
	places
)

var placeNames = [places]string{"up", "down", "between", "lo"}

// End is an end of a link: a Pod of a node, or the node itself.
type End struct {
	Node string
	Pod  string // with its namespace: default/web; empty of the node itself
}

// is reports whether e is what x names: x itself, or a Pod of the node x.
func (e *End) is(x End) bool {
	if x.Pod != "" {
		return e.Pod == x.Pod
	}
	return e.Node == x.Node
}

// Where says which packets a fault is about.
type Where struct {
	// From sends them and To gets them, through whatever Service; none means
	// anybody. An End of a node, whose Pod is empty, stands for its Pods too;
	// between two nodes it is their network that a fault is on.
	From, To []End

	OneWay   bool // not those from To to From
	Loopback bool // those over lo of From, whatever To

	Protocol  uint8    // 0: all
	Ports     []uint16 // from or to one of these, before or after translation; none means all
	Container string   // what its sockets send and get; "" means all
}

// matches reports whether a packet is meant. from and to are the ends of the gap
// that it crosses, from that of its sender.
func (f *Fault) matches(at Place, from, to *End, gap Gap, p *netfilter.Packet) bool {
	w := &f.Where
	if !w.crosses(at, from, to, w.From, w.To) && (w.OneWay || !w.crosses(at, from, to, w.To, w.From)) {
		return false
	}
	t := p.Tuple()
	if w.Protocol != 0 && t.Protocol() != w.Protocol {
		return false
	}
	if len(w.Ports) > 0 && !w.hasPort(t) && !w.hasPort(p.Before()) {
		return false
	}
	return w.Container == "" || f.ofContainer(gap, p)
}

func (w *Where) hasPort(t netfilter.Tuple) bool {
	return slices.Contains(w.Ports, t.Dst().Port()) || slices.Contains(w.Ports, t.Src().Port())
}

// crosses reports whether a place is one where packets from src to dst are
// interfered with: one place for each packet.
func (w *Where) crosses(at Place, from, to *End, src, dst []End) bool {
	if w.Loopback || at == Loopback {
		return w.Loopback && at == Loopback && (len(w.From) == 0 || contains(w.From, from))
	}
	switch at {
	case Up: // before anybody knows where they go
		return len(dst) == 0 && len(src) > 0 && from.Pod != "" && slices.ContainsFunc(src, func(x End) bool { return x.Pod == from.Pod })
	case Between:
		if len(src)+len(dst) == 0 {
			return false
		}
		return (len(src) == 0 || containsNode(src, from)) && (len(dst) == 0 || containsNode(dst, to))
	}
	switch {
	case len(src)+len(dst) == 0:
		return true
	case len(dst) == 0:
		return false
	case len(src) == 0:
		return to.Pod != "" && slices.ContainsFunc(dst, func(x End) bool { return x.Pod == to.Pod })
	}
	for _, x := range src {
		for _, y := range dst {
			if (x.Pod != "" || y.Pod != "") && from.is(x) && to.is(y) {
				return true
			}
		}
	}
	return false
}

func contains(list []End, e *End) bool { return slices.ContainsFunc(list, e.is) }

func containsNode(list []End, e *End) bool {
	return slices.ContainsFunc(list, func(x End) bool { return x.Pod == "" && x.Node == e.Node })
}

// maxFlows is how many connections of a container a fault knows.
const maxFlows = 1 << 16

// ofContainer reports whether a packet is from a socket of the container, or is for
// one: a listener's, for example, or one that has closed since it sent what is
// answered.
func (f *Fault) ofContainer(gap Gap, p *netfilter.Packet) bool {
	if netfilter.OwnerName(p.Owner) == f.Where.Container {
		f.know(p.Tuple())
		return true
	}
	w := &f.Where
	if w.OneWay && len(w.From)+len(w.To) == 0 { // nothing else says which way is meant
		return false
	}
	return f.knows(p.Tuple().Inverse()) || gap.Receiver(p) == w.Container
}

func (f *Fault) knows(t netfilter.Tuple) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.flows[t]
	return ok
}

func (f *Fault) know(t netfilter.Tuple) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flows == nil || len(f.flows) >= maxFlows {
		f.flows = make(map[netfilter.Tuple]struct{})
	}
	f.flows[t] = struct{}{}
}

// String names what is meant, for seeds and for people.
func (w *Where) String() string {
	var b strings.Builder
	fmt.Fprint(&b, names(w.From), ">", names(w.To))
	if w.Loopback {
		b.WriteString(" lo")
	}
	if w.Protocol != 0 {
		b.WriteString(" " + netfilter.ProtocolName(w.Protocol))
	}
	if len(w.Ports) > 0 {
		fmt.Fprint(&b, " ports ", w.Ports)
	}
	if w.Container != "" {
		b.WriteString(" of " + w.Container)
	}
	return b.String()
}

func names(ends []End) []string {
	list := make([]string, len(ends))
	for i, e := range ends {
		list[i] = e.Pod
		if e.Pod == "" {
			list[i] = e.Node
		}
	}
	slices.Sort(list)
	return list
}
