package kubeproxy

import (
	"net/netip"
	"slices"
	"time"
)

// Query is a new connection: its first packet, at a node that it came to or
// begins at.
type Query struct {
	// Node is the name of the node that asks.
	Node string

	// NodeIPs reports whether an address is one of the node's own: a node port
	// is at those, and a connection from them begins at the node.
	NodeIPs func(netip.Addr) bool

	Protocol uint8 // TCP, UDP or SCTP
	Src      netip.Addr
	Dst      netip.AddrPort
	Now      time.Time // for session affinity
}

// Kind says what becomes of a connection.
type Kind int

const (
	None   Kind = iota // no Service's: it goes on as it is
	DNAT               // it goes to Decision.To
	Reject             // answered with ICMP port unreachable: the client's error is ECONNREFUSED
	Drop               // not answered
)

// Decision says what becomes of a connection, and why.
type Decision struct {
	Kind Kind
	To   netip.AddrPort // of DNAT: the endpoint

	// Masquerade says that the source becomes the node's address on the way
	// out, so that answers come back here.
	Masquerade bool

	// Hairpin says that the endpoint is the client itself. Masquerade is set,
	// too.
	Hairpin bool

	Service string // the Service's port: "default/web:http"; empty for None
	Reason  string // of Reject and Drop: kube-proxy's comment, "default/web:http has no endpoints"
}

// Translate says what becomes of a new connection. To be asked once for each:
// affinity remembers it, and the next draw is another.
func (t *Table) Translate(q Query) Decision {
	src, dst := q.Src.Unmap().WithZone(""), netip.AddrPortFrom(q.Dst.Addr().Unmap(), q.Dst.Port())
	local := func(a netip.Addr) bool { return q.NodeIPs != nil && q.NodeIPs(a) }
	at := t.lookup(dst, q.Protocol, local(dst.Addr()))
	if at == nil {
		return Decision{}
	}
	p, n := at.port, at.port.forNode(q.Node)
	if at.via == viaClusterIP {
		return t.internal(p, n, q, src)
	}
	if !n.any {
		if at.via != viaNodePort && local(src) {
			// The rule is for what comes in; what begins here goes out.
			return Decision{}
		}
		return p.reject()
	}
	if at.via == viaNodePort && dst.Addr() == netip.IPv6Loopback() {
		// There it is not translated, but the rules that refuse do not look.
		if p.ExternalLocal && len(n.local) == 0 {
			return p.drop()
		}
		return Decision{}
	}
	if at.via == viaLoadBalancer && !p.admits(src) {
		return Decision{Kind: Drop, Service: p.name, Reason: p.name + " traffic not accepted by " + chainName(firewallChain, p)}
	}
	switch {
	case !p.ExternalLocal:
		return p.to(n.cluster, q, src, true)
	case t.isPod(src):
		// As if it went out to a load balancer and came back.
		return p.to(n.cluster, q, src, false)
	case local(src):
		return p.to(n.cluster, q, src, true)
	case len(n.local) == 0:
		return p.drop()
	}
	return p.to(n.local, q, src, false)
}

// internal is for connections to the cluster IP.
func (t *Table) internal(p *servicePort, n nodeEndpoints, q Query, src netip.Addr) Decision {
	backends := n.cluster
	if p.InternalLocal {
		backends = n.local
	}
	switch {
	case !n.any:
		return p.reject()
	case len(backends) == 0:
		return p.drop()
	}
	return p.to(backends, q, src, !t.isPod(src))
}

func (p *servicePort) reject() Decision {
	return Decision{Kind: Reject, Service: p.name, Reason: p.name + " has no endpoints"}
}

func (p *servicePort) drop() Decision {
	return Decision{Kind: Drop, Service: p.name, Reason: p.name + " has no local endpoints"}
}

// to chooses one of backends, of which there is at least one.
func (p *servicePort) to(backends []backend, q Query, src netip.Addr, masquerade bool) Decision {
	next := func() backend { return backends[p.draw.next(len(backends))] }
	var b backend
	if p.sticky != nil {
		b = p.sticky.choose(q.Node, backends, src, q.Now, next)
	} else {
		b = next()
	}
	hairpin := b.addr.Addr() == src
	return Decision{Kind: DNAT, To: b.addr, Masquerade: masquerade || hairpin, Hairpin: hairpin, Service: p.name}
}

// isPod reports whether an address is a Pod's, as far as kube-proxy can tell.
func (t *Table) isPod(a netip.Addr) bool {
	return slices.ContainsFunc(t.podCIDRs, func(r netip.Prefix) bool { return r.Contains(a) })
}

// admits reports whether a client may connect by way of the load balancer.
func (p *servicePort) admits(src netip.Addr) bool {
	if len(p.sourceRanges) == 0 {
		return true
	}
	return slices.ContainsFunc(p.sourceRanges, func(r netip.Prefix) bool { return r.Contains(src) })
}
