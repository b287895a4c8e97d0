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

	// PodCIDRs are the ranges of Pod addresses, at most one for each address
	// family; the first one's family is that of Pod.IP. The default is
	// 10.244.0.0/16 and fd00:10:244::/56.
	PodCIDRs []netip.Prefix

	// ServiceCIDRs are the ranges of Service addresses; the tenth address of
	// the first one is the name server of the Pods' resolv.conf. The default is
	// 10.96.0.0/16 and fd00:10:96::/112.
	ServiceCIDRs []netip.Prefix

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
	// one Pod in order. The Pod waits for it, so it should return soon, and
	// must not wait for the Pod or the cluster itself (Delete, Wait, Close).
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
	if c.Nodes < 0 {
		return fmt.Errorf("podnet: Config.Nodes is %d: it must be positive", c.Nodes)
	}
	if err := checkRanges("PodCIDRs", c.PodCIDRs); err != nil {
		return err
	}
	if err := checkRanges("ServiceCIDRs", c.ServiceCIDRs); err != nil {
		return err
	}
	for _, pods := range c.PodCIDRs {
		for _, services := range c.ServiceCIDRs {
			if pods.Overlaps(services) {
				return fmt.Errorf("podnet: Config.PodCIDRs %s and Config.ServiceCIDRs %s overlap", pods, services)
			}
		}
	}
	if msgs := dns1123SubdomainErrors(c.Domain); len(msgs) > 0 {
		return fmt.Errorf("podnet: Config.Domain %q: %s", c.Domain, msgs[0])
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
