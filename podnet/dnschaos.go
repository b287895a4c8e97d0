package podnet

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// DNSChaosSpec describes a DNSChaos: the cluster's name server misleads some Pods. It
// is what [Cluster.DisturbDNS] does.
type DNSChaosSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Selector ChaosSelector
	Mode     ChaosMode // required
	Value    string    // of the modes that need one: a number greater than 0

	Action   DNSChaosAction // required
	Duration string         // such as "30s"; default: until it is deleted

	// ContainerNames are the containers whose queries are meant, as by
	// [DNSConditions].Container; none means all of a Pod, where Chaos Mesh means the
	// first. A Pod need not have all of them.
	ContainerNames []string

	// Patterns are the names that are meant; none means all. "?" stands for one
	// character, and "*", which must be the last, for any number of them. A name
	// without these means the same with a search domain of the cluster's, too: "db"
	// means db.default.svc.cluster.local as well, which in Chaos Mesh "db.*" does.
	Patterns []string
}

// DNSChaosAction is what the name server says.
type DNSChaosAction string

// The actions of a DNSChaos.
const (
	DNSChaosError DNSChaosAction = "error" // SERVFAIL

	// DNSChaosRandom answers with an address drawn by lot, one of each family. They
	// are the same for all queries as long as the chaos lasts; in Chaos Mesh each
	// answer is another.
	DNSChaosRandom DNSChaosAction = "random"
)

const kindDNSChaos = "DNSChaos"

// Validate reports everything in s that Chaos Mesh would refuse. The error is an
// *[InvalidError]; it is nil if there is nothing to report.
func (s DNSChaosSpec) Validate() error {
	var errs fieldErrors
	validateChaosMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	oneOf(&errs, "spec.action", s.Action, DNSChaosError, DNSChaosRandom)
	s.selected().validate(&errs, "spec")
	validateChaosDuration(&errs, s.Duration)
	for i, name := range s.ContainerNames {
		errs.invalid(fmt.Sprintf("spec.containerNames[%d]", i), name, dns1123LabelErrors(name)...)
	}
	for i, p := range s.Patterns {
		at := fmt.Sprintf("spec.patterns[%d]", i)
		if strings.Contains(strings.TrimSuffix(p, "*"), "*") {
			errs.add(FieldInvalid, at, p, "the wildcard * must be at the end of the string")
			continue
		}
		errs.invalid(at, p, dnsPatternErrors(p)...)
	}
	return errs.err(kindDNSChaos, s.Name)
}

func (s DNSChaosSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	return s, nil
}

func (s DNSChaosSpec) id() objectID           { return objectID{kindDNSChaos, s.Namespace, s.Name} }
func (s DNSChaosSpec) check(c *Cluster) error { return c.checkChaos(s) }
func (s DNSChaosSpec) apply(c *Cluster) error { return c.applyChaos(s) }
func (s DNSChaosSpec) lasts() time.Duration   { return chaosDuration(s.Duration) }
func (s DNSChaosSpec) selected() ChaosTarget  { return ChaosTarget{s.Selector, s.Mode, s.Value} }
func (s DNSChaosSpec) bare() chaosSpec        { s.Labels, s.Annotations = nil, nil; return s }

func (s DNSChaosSpec) begin(c *Cluster, r *rand.Rand) (chaosEffect, error) {
	pods, err := s.selected().choose(c, s.Namespace, r)
	if err == nil {
		err = checkNetworks(pods...)
	}
	if err != nil || len(pods) == 0 {
		return chaosEffect{}, err
	}
	cond := DNSConditions{Clients: pods, Names: s.Patterns, Outcome: DNSServFail}
	if s.Action == DNSChaosRandom {
		cond.Outcome, cond.Addrs = "", randomAddrs(r)
	}
	if len(s.ContainerNames) == 0 {
		f, err := c.DisturbDNS(cond)
		if err != nil {
			return chaosEffect{}, err
		}
		return chaosEffect{pods: pods, targets: chaosTargets(pods), lift: func() { f.Close() }}, nil
	}
	return s.disturbContainers(c, pods, cond)
}

// disturbContainers does to ContainerNames of Pods what cond says.
func (s DNSChaosSpec) disturbContainers(c *Cluster, pods []*Pod, cond DNSConditions) (chaosEffect, error) {
	var faults []*DNSFault
	e := chaosEffect{pods: pods, lift: func() {
		for _, f := range faults {
			f.Close()
		}
	}}
	for _, name := range s.ContainerNames {
		cond.Container, cond.Clients = name, nil
		for _, p := range pods {
			if k := p.container(name); k != nil {
				cond.Clients = append(cond.Clients, p)
				e.targets = append(e.targets, k.name)
			}
		}
		if len(cond.Clients) == 0 { // which would mean everybody
			continue
		}
		f, err := c.DisturbDNS(cond)
		if err != nil {
			e.lift()
			return chaosEffect{}, err
		}
		faults = append(faults, f)
	}
	if len(faults) == 0 {
		return chaosEffect{}, noContainerError(s.ContainerNames)
	}
	return e, nil
}

// randomAddrs draws an address of each family that some machine could have.
func randomAddrs(r *rand.Rand) []netip.Addr {
	draw := func(size int) netip.Addr {
		for {
			b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.Uint64()), r.Uint64())
			if a, _ := netip.AddrFromSlice(b[:size]); a.IsGlobalUnicast() && !a.IsPrivate() {
				return a
			}
		}
	}
	return []netip.Addr{draw(4), draw(16)}
}
