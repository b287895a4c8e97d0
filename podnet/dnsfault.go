package podnet

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/netfilter"
)

// DNSOutcome is what the cluster's name server says instead of what is true.
type DNSOutcome string

// The outcomes.
const (
	DNSNXDomain  DNSOutcome = "NXDOMAIN"  // there is no such name
	DNSServFail  DNSOutcome = "SERVFAIL"  // the server fails; clients ask again, and call it temporary
	DNSRefused   DNSOutcome = "REFUSED"   // the server does not answer such queries
	DNSNoAnswer  DNSOutcome = "NoAnswer"  // nothing: the client waits until it gives up
	DNSTruncated DNSOutcome = "Truncated" // over UDP there is no room for the answer: the client asks again over TCP
)

var dnsRCodes = map[DNSOutcome]uint16{DNSNXDomain: 3, DNSServFail: 2, DNSRefused: 5}

// DNSConditions say how the cluster's name server treats queries other than it
// should. The zero value means all of them, and does nothing to them.
type DNSConditions struct {
	// Clients are the Pods whose queries are meant; none means everybody's.
	Clients []*Pod

	// Container, if it is not "", means only what containers with this name ask, of
	// Pods that are not on the host network. If one container asks for another, as a
	// sidecar that is a DNS proxy does, it is the sidecar that asks.
	Container string

	// Names are those that are meant; none means all. A name means the query for
	// it, and for it with a search domain of the cluster's: "db" means
	// db.default.svc.cluster.local as well. "*.example.com" means all names that
	// end so, "example.*" those that begin so, and "?" is any one character.
	Names []string

	// First, if it is not 0, means only the first so many queries for each name and
	// record type by each client. Mind that a look-up asks for A and for AAAA, and that a resolver asks
	// twice before it gives up.
	First int

	// Delay is how long the server waits before it answers.
	Delay time.Duration

	// Outcome is what it answers; the default is what is true.
	Outcome DNSOutcome

	// Addrs, if there are any, are the addresses that it answers with: wrong ones,
	// or stale ones, which were true once.
	Addrs []netip.Addr
}

// DNSFault is name service that is disturbed until it is closed.
type DNSFault struct {
	cluster *Cluster
	cond    DNSConditions
	names   []string // in lower case, with a dot at the end
	clients map[podKey]struct{}

	mu      sync.Mutex // guards what follows
	queries map[string]int
	count   uint64
}

// DisturbDNS makes the cluster's name server treat queries other than it should,
// until the DNSFault is closed. Of several that mean a query, the latest counts. The
// error is an *[InvalidError] that names everything that is wrong.
func (c *Cluster) DisturbDNS(cond DNSConditions) (*DNSFault, error) {
	var errs fieldErrors
	f := &DNSFault{cluster: c, cond: cond, queries: make(map[string]int)}
	for i, p := range cond.Clients {
		if p == nil || p.cluster != c {
			err := errNilPod
			if p != nil {
				err = errElsewhere
			}
			errs.add(FieldNotFound, fmt.Sprintf("Clients[%d]", i), nil, err.Error())
			continue
		}
		if f.clients == nil {
			f.clients = make(map[podKey]struct{})
		}
		f.clients[podKey{p.spec.Namespace, p.spec.Name}] = struct{}{}
	}
	if len(cond.Clients) > 0 && cond.Container != "" && !slices.ContainsFunc(cond.Clients, func(p *Pod) bool { return p != nil && p.Container(cond.Container) != nil }) {
		errs.add(FieldNotFound, "Container", cond.Container, "no client has a container of this name")
	}
	for i, name := range cond.Names {
		errs.invalid(fmt.Sprintf("Names[%d]", i), name, dnsPatternErrors(name)...)
		f.names = append(f.names, strings.TrimSuffix(strings.ToLower(name), ".")+".")
	}
	if cond.First < 0 {
		errs.add(FieldInvalid, "First", cond.First, "must not be negative")
	}
	if cond.Delay < 0 {
		errs.add(FieldInvalid, "Delay", cond.Delay.String(), "must not be negative")
	}
	if cond.Outcome != "" {
		oneOf(&errs, "Outcome", cond.Outcome, DNSNXDomain, DNSServFail, DNSRefused, DNSNoAnswer, DNSTruncated)
	}
	for i, a := range cond.Addrs {
		if !a.IsValid() {
			errs.add(FieldInvalid, fmt.Sprintf("Addrs[%d]", i), a.String(), "must be an address")
		}
	}
	if len(cond.Addrs) > 0 && cond.Outcome != "" && cond.Outcome != DNSTruncated {
		errs.add(FieldForbidden, "Addrs", nil, fmt.Sprintf("there is no answer with the outcome %s", cond.Outcome))
	}
	if err := errs.err("DNSFault", strings.Join(cond.Names, ",")); err != nil {
		return nil, fmt.Errorf("podnet: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("podnet: %w", ErrClosed)
	}
	c.setDNSFaults(append(c.listDNSFaults(), f))
	return f, nil
}

// Close ends the fault. What waits for an answer gets the one that it was to get. A
// second Close does nothing. It always returns nil.
func (f *DNSFault) Close() error {
	c := f.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setDNSFaults(slices.DeleteFunc(c.listDNSFaults(), func(g *DNSFault) bool { return g == f }))
	return nil
}

// Count returns how many queries the fault has met.
func (f *DNSFault) Count() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// listDNSFaults returns a copy of the list.
func (c *Cluster) listDNSFaults() []*DNSFault {
	if list := c.dnsFaults.Load(); list != nil {
		return slices.Clone(*list)
	}
	return nil
}

// setDNSFaults sets it. mu must be held.
func (c *Cluster) setDNSFaults(list []*DNSFault) {
	if len(list) == 0 {
		c.dnsFaults.Store(nil)
		return
	}
	c.dnsFaults.Store(&list)
}

// disturb is what the name server asks about each query.
func (c *Cluster) disturb(client netip.AddrPort, network, name string, typ uint16) (dns.Interference, bool) {
	list := c.dnsFaults.Load()
	if list == nil {
		return dns.Interference{}, false
	}
	for _, f := range slices.Backward(*list) {
		if f.meets(client, network, name, typ) {
			d := f.cond
			return dns.Interference{
				Delay: d.Delay, Silence: d.Outcome == DNSNoAnswer, RCode: dnsRCodes[d.Outcome], Truncate: d.Outcome == DNSTruncated, Addrs: d.Addrs,
			}, true
		}
	}
	return dns.Interference{}, false
}

// meets reports whether a query is meant, and counts it.
func (f *DNSFault) meets(client netip.AddrPort, network, name string, typ uint16) bool {
	if f.clients != nil || f.cond.Container != "" {
		p := f.cluster.services.podAt(client.Addr())
		if p == nil {
			return false
		}
		if _, ok := f.clients[podKey{p.spec.Namespace, p.spec.Name}]; f.clients != nil && !ok {
			return false
		}
		if f.cond.Container != "" && f.cond.Container != p.asker(client, network) {
			return false
		}
	}
	if len(f.names) > 0 && !slices.ContainsFunc(f.names, func(n string) bool { return f.cluster.isName(n, name) }) {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cond.First > 0 {
		key := fmt.Sprint(client.Addr(), name, typ)
		if f.queries[key] >= f.cond.First {
			return false
		}
		f.queries[key]++
	}
	f.count++
	return true
}

// dnsPatternErrors reports what is wrong with one of Names.
func dnsPatternErrors(name string) []string {
	bare := strings.TrimSuffix(strings.ToLower(name), ".")
	if bare == "*" {
		return nil
	}
	bare = strings.TrimPrefix(bare, "*.")
	if rest, wild := strings.CutSuffix(bare, "*"); wild {
		bare = rest + "x" // something that "*" stands for
	}
	return dns1123SubdomainErrors(strings.NewReplacer("_", "x", "?", "x").Replace(bare))
}

// asker returns the container whose socket asks the name server from an address of
// the Pod, while it waits for the answer.
func (p *Pod) asker(from netip.AddrPort, network string) string {
	for _, s := range p.currentSandbox().all() {
		if slices.Contains(s.addrs, from.Addr()) {
			protocol := uint8(netfilter.UDP)
			if network == "tcp" {
				protocol = netfilter.TCP
			}
			return s.net.OwnerFor(netfilter.NewTuple(protocol, netip.AddrPortFrom(p.cluster.nameserver, 53), from))
		}
	}
	return ""
}

// isName reports whether a query is for what a name means.
func (c *Cluster) isName(n, query string) bool {
	if strings.ContainsAny(n, "*?") {
		matches, _ := path.Match(n, query) // names have no slash, which is all that "*" does not match
		return matches
	}
	return query == n || strings.HasPrefix(query, n) && strings.HasSuffix(query, "."+strings.ToLower(c.config.Domain)+".")
}
