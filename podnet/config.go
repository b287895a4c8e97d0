package podnet

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Config describes a cluster. The zero value works: one node and Kubernetes'
// usual ranges, without images.
type Config struct {
	// Nodes is how many nodes Pods are spread over, each with its range of
	// PodCIDRs. The default is 1.
	Nodes int

	// NodeLabels are the labels of each node, the first one's first, beside
	// those that every node has: kubernetes.io/hostname (its name),
	// kubernetes.io/os (linux) and kubernetes.io/arch (runtime.GOARCH). They win
	// over these. The default is none.
	NodeLabels []map[string]string

	// PodCIDRs are the ranges of Pod addresses, at most one for each address
	// family; the first one's family is that of Pod.IP. The default is
	// 10.244.0.0/16 and fd00:10:244::/56.
	PodCIDRs []netip.Prefix

	// ServiceCIDRs are the ranges of Service addresses; the tenth address of
	// the first one is the name server of the Pods' resolv.conf. The default is
	// 10.96.0.0/16 and fd00:10:96::/112.
	ServiceCIDRs []netip.Prefix

	// NodeCIDRs are the ranges of the nodes' own addresses, at most one for each
	// family: node-1 has the second address, after the gateway. The default is
	// 172.18.0.0/16 and fc00:f853:ccd:e793::/64, as with kind.
	NodeCIDRs []netip.Prefix

	// IPPerContainer builds the world that Pods are there to avoid: each
	// container of a Pod, init containers too, has a network namespace of its
	// own, with its own lo, eth0, IP and link to the node, from the Pod's
	// start to its end. localhost is the container's alone, and so are its
	// ports. Its probes and hooks, and status.podIP in its environment, use
	// its own IP, and a Service's port leads to the container that declares
	// it. [Pod].IP is that of the first of Containers; [Container.IP] is each
	// one's own. For NetworkPolicies all of them are the Pod's.
	//
	// So that containers find each other, the Pod's /etc/hosts has a line for
	// each, with its name. That, and the world as a whole, is podnet's own:
	// Kubernetes has no such thing. Pods with HostNetwork are as ever.
	// [Pod.Footprint] tells what either world costs.
	IPPerContainer bool

	// NodeLatency is how long a packet takes from one node to another, one way.
	// The default is no time at all.
	NodeLatency time.Duration

	// Conditions are those under which every packet arrives at a Pod or a node, as
	// [Cluster.Impair] makes them for the zero [Where], and NodeConditions are those
	// of the network between each two nodes, beside NodeLatency. They hold as long as
	// the cluster. The default is none.
	Conditions, NodeConditions Conditions

	// PodMTU and NodeMTU are the longest IP packets, in bytes, on the link
	// between a Pod and its node and between nodes. The default is 1500; the
	// least is 1280, IPv6's.
	PodMTU, NodeMTU int

	// Domain is the cluster's DNS domain. The default is cluster.local.
	Domain string

	// Upstream, if not nil, is asked by the cluster's name server for the
	// addresses of names outside the cluster; pass
	// net.DefaultResolver.LookupNetIP for those that the machine knows. Network
	// is ip4, ip6 or ip; a name that does not exist is a *net.DNSError that
	// says so, any other error makes the server fail (SERVFAIL), and so does 5
	// seconds without an answer. Without Upstream nothing leaves the process:
	// names with a dot are refused (REFUSED), of which look-ups say "server
	// misbehaving", and those without one do not exist (NXDOMAIN). The addresses
	// are only told: connections to them still end in the cluster.
	//
	// It is called by several goroutines at once. In a testing/synctest bubble
	// it must not wait for the machine's network, as net.DefaultResolver does.
	Upstream func(ctx context.Context, network, host string) ([]netip.Addr, error)

	// Images are the programs that image names stand for; see
	// [Cluster.HandleImage] for how names match. package image has a set of
	// usual ones.
	Images map[string]Program

	// Seed decides all that is drawn by lot: ports, sequence numbers, UIDs.
	// Zero is a seed like any other.
	Seed uint64

	// Logger, if not nil, is told of what goes wrong without being an error of
	// a call: API warnings of a Pod's spec, programs that panic.
	Logger *slog.Logger

	// OnEvent, if not nil, is called with every event as it happens, those of
	// one Pod in order. The Pod or chaos waits for it, so it should return soon,
	// and must not wait for them or the cluster itself (Delete, Wait, Close).
	OnEvent func(Event)

	// OnLog, if not nil, is called with every line that a container writes to
	// stdout or stderr, those of one container in order. The writer waits for
	// it, so it should return soon, and must not write to the container, nor
	// wait for it (Delete, Close). A line longer than 16 KiB comes in pieces.
	OnLog func(LogLine)
}

// LogLine is a line of a container's log.
type LogLine struct {
	Time      time.Time
	Namespace string
	Pod       string
	Container string
	Stream    string // stdout or stderr
	Text      string // without the newline
}

// setDefaults fills in what is not set, and reports what cannot be.
func (c *Config) setDefaults() error {
	c.Nodes = cmp.Or(c.Nodes, 1)
	c.Domain = cmp.Or(c.Domain, "cluster.local")
	if len(c.PodCIDRs) == 0 {
		c.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00:10:244::/56")}
	}
	if len(c.ServiceCIDRs) == 0 {
		c.ServiceCIDRs = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("fd00:10:96::/112")}
	}
	if len(c.NodeCIDRs) == 0 {
		c.NodeCIDRs = []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16"), netip.MustParsePrefix("fc00:f853:ccd:e793::/64")}
	}
	c.PodMTU, c.NodeMTU = cmp.Or(c.PodMTU, 1500), cmp.Or(c.NodeMTU, 1500)
	if c.Nodes < 0 {
		return fmt.Errorf("podnet: Config.Nodes is %d: it must be positive", c.Nodes)
	}
	if err := c.checkNodeLabels(); err != nil {
		return err
	}
	if err := checkRanges("PodCIDRs", c.PodCIDRs); err != nil {
		return err
	}
	if err := checkRanges("ServiceCIDRs", c.ServiceCIDRs); err != nil {
		return err
	}
	if err := checkRanges("NodeCIDRs", c.NodeCIDRs); err != nil {
		return err
	}
	if err := c.checkOverlaps(); err != nil {
		return err
	}
	if c.NodeLatency < 0 {
		return fmt.Errorf("podnet: Config.NodeLatency is %s: it must not be negative", c.NodeLatency)
	}
	for name, cond := range map[string]Conditions{"Conditions": c.Conditions, "NodeConditions": c.NodeConditions} {
		var errs fieldErrors
		if cond.check(&errs); len(errs) > 0 {
			return fmt.Errorf("podnet: Config.%s.%w", name, errs[0])
		}
	}
	for name, mtu := range map[string]int{"PodMTU": c.PodMTU, "NodeMTU": c.NodeMTU} {
		if mtu < 1280 || mtu > 65535 {
			return fmt.Errorf("podnet: Config.%s is %d: it must be between 1280 and 65535", name, mtu)
		}
	}
	if msgs := dns1123SubdomainErrors(c.Domain); len(msgs) > 0 {
		return fmt.Errorf("podnet: Config.Domain %q: %s", c.Domain, msgs[0])
	}
	return nil
}

// checkOverlaps reports ranges that overlap, and families of Pods that nodes do not
// have.
func (c *Config) checkOverlaps() error {
	fields := []struct {
		name   string
		ranges []netip.Prefix
	}{{"PodCIDRs", c.PodCIDRs}, {"ServiceCIDRs", c.ServiceCIDRs}, {"NodeCIDRs", c.NodeCIDRs}}
	for i, f := range fields {
		for _, g := range fields[i+1:] {
			for _, a := range f.ranges {
				for _, b := range g.ranges {
					if a.Overlaps(b) {
						return fmt.Errorf("podnet: Config.%s %s and Config.%s %s overlap", f.name, a, g.name, b)
					}
				}
			}
		}
	}
	for _, p := range c.PodCIDRs {
		if !ofFamily(c.NodeCIDRs, p.Addr().Is4()).IsValid() {
			return fmt.Errorf("podnet: Config.NodeCIDRs %v has no range of the family of Config.PodCIDRs %s", c.NodeCIDRs, p)
		}
	}
	return nil
}

func checkRanges(field string, ranges []netip.Prefix) error {
	if len(ranges) > 2 || len(ranges) == 2 && ranges[0].Addr().Is4() == ranges[1].Addr().Is4() {
		return fmt.Errorf("podnet: Config.%s has %d ranges: give at most one IPv4 and one IPv6 range", field, len(ranges))
	}
	for _, r := range ranges {
		if !r.IsValid() || r.Addr().Is4In6() {
			return fmt.Errorf("podnet: Config.%s has the invalid range %s", field, r)
		}
	}
	if slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Addr().IsLoopback() || r.Addr().IsMulticast() || r.Bits() == 0 }) {
		return fmt.Errorf("podnet: Config.%s %v: Pods cannot have such addresses", field, ranges)
	}
	return nil
}
