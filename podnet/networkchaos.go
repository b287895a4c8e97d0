package podnet

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// NetworkChaosSpec describes a NetworkChaos: the network of some Pods is bad. It is
// what [Cluster.Impair] and [Cluster.Partition] do, through Services too.
//
// Without a Target it is what the Pods send to anybody. With one it is what they
// send to it, or what Direction says; each pair of Pods is a link of its own.
// localhost is not meant.
type NetworkChaosSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Selector ChaosSelector
	Mode     ChaosMode // required
	Value    string    // of the modes that need one: a number greater than 0

	Action   NetworkChaosAction // required
	Duration string             // such as "30s"; default: until it is deleted

	// Direction is to, from or both, as seen from the Pods that were selected. The
	// default is to; others need a Target, or the action partition.
	Direction ChaosDirection
	Target    *ChaosTarget

	// What is wrong. Of the first four all count that there are, whichever of their
	// actions it is, and that of the action must be there.
	Delay     *ChaosDelay
	Loss      *ChaosLoss
	Duplicate *ChaosDuplicate
	Corrupt   *ChaosCorrupt
	Bandwidth *ChaosBandwidth // of the action bandwidth, which needs it
}

// NetworkChaosAction is what is wrong with a network.
type NetworkChaosAction string

// The actions of a NetworkChaos.
const (
	NetworkChaosNetem     NetworkChaosAction = "netem" // one or more of the next four
	NetworkChaosDelay     NetworkChaosAction = "delay"
	NetworkChaosLoss      NetworkChaosAction = "loss"
	NetworkChaosDuplicate NetworkChaosAction = "duplicate"
	NetworkChaosCorrupt   NetworkChaosAction = "corrupt"
	NetworkChaosPartition NetworkChaosAction = "partition" // nothing arrives
	NetworkChaosBandwidth NetworkChaosAction = "bandwidth"
)

// ChaosDirection is a direction of packets.
type ChaosDirection string

// The directions of a NetworkChaos.
const (
	ChaosDirectionTo   ChaosDirection = "to"
	ChaosDirectionFrom ChaosDirection = "from"
	ChaosDirectionBoth ChaosDirection = "both"
)

// ChaosDelay says how late packets arrive.
type ChaosDelay struct {
	Latency string // required: "10ms"
	Jitter  string // by how much it varies, evenly, up and down; default "0ms"

	// Correlation must be 0: each packet is drawn by itself. That is so for all
	// correlations here. The default is "0".
	Correlation string

	Reorder *ChaosReorder // not together with Jitter
}

// ChaosReorder lets packets overtake those that Latency holds back.
type ChaosReorder struct {
	Reorder     string // required: the percentage of packets that are not held back
	Correlation string // must be 0
	Gap         int    // must be 0 or 1: any packet may be one of them
}

// ChaosLoss says how many packets are lost.
type ChaosLoss struct {
	Loss        string // required: a percentage
	Correlation string // must be 0
}

// ChaosDuplicate says how many packets arrive twice.
type ChaosDuplicate struct {
	Duplicate   string // required: a percentage
	Correlation string // must be 0
}

// ChaosCorrupt says in how many packets a bit is flipped.
type ChaosCorrupt struct {
	Corrupt     string // required: a percentage
	Correlation string // must be 0
}

// ChaosBandwidth limits how much is sent.
type ChaosBandwidth struct {
	// Rate is required: a number and bps, kbps, mbps, gbps or tbps, which are bytes
	// per second, of 1024 each: "1mbps" is 8,388,608 bits per second.
	Rate string

	// Limit is how many bytes may wait: as many packets of [Config].PodMTU bytes as
	// these hold, one at least. It must be greater than 0.
	Limit uint32

	// Buffer is how many bytes a token bucket lets go at once. It must be greater
	// than 0, and does nothing: a line here has no bursts.
	Buffer uint32
}

const kindNetworkChaos = "NetworkChaos"

func (s NetworkChaosSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	s.Direction = cmp.Or(s.Direction, ChaosDirectionTo)
	return s, nil
}

func (s NetworkChaosSpec) id() objectID           { return objectID{kindNetworkChaos, s.Namespace, s.Name} }
func (s NetworkChaosSpec) check(c *Cluster) error { return c.checkChaos(s) }
func (s NetworkChaosSpec) apply(c *Cluster) error { return c.applyChaos(s) }
func (s NetworkChaosSpec) lasts() time.Duration   { return chaosDuration(s.Duration) }
func (s NetworkChaosSpec) selected() ChaosTarget  { return ChaosTarget{s.Selector, s.Mode, s.Value} }
func (s NetworkChaosSpec) partitions() bool       { return s.Action == NetworkChaosPartition }
func (s NetworkChaosSpec) bare() chaosSpec        { s.Labels, s.Annotations = nil, nil; return s }

func (s NetworkChaosSpec) begin(c *Cluster, r *rand.Rand) (chaosEffect, error) {
	sources, err := s.selected().choose(c, s.Namespace, r)
	if err != nil {
		return chaosEffect{}, err
	}
	var targets []*Pod
	if s.Target != nil {
		if targets, err = s.Target.choose(c, s.Namespace, r); err != nil {
			return chaosEffect{}, fmt.Errorf("target: %w", err)
		}
	}
	if len(sources) == 0 || s.Target != nil && len(targets) == 0 {
		return chaosEffect{}, nil
	}
	all := slices.Concat(sources, targets)
	if err := checkNetworks(all...); err != nil {
		return chaosEffect{}, err
	}
	e := chaosEffect{pods: sources, targets: chaosTargets(all)}
	var faults []*Fault
	e.lift = func() {
		for _, f := range faults {
			f.Close()
		}
	}
	if s.partitions() {
		faults, err = s.partition(c, sources, targets)
	} else {
		faults, err = s.impair(c, sources, targets)
	}
	if err != nil {
		e.lift()
		return chaosEffect{}, err
	}
	return e, nil
}

// impair puts links under conditions. Without targets the direction is to.
func (s NetworkChaosSpec) impair(c *Cluster, sources, targets []*Pod) ([]*Fault, error) {
	w := Where{From: Ends(sources...), To: Ends(targets...), OneWay: s.Direction != ChaosDirectionBoth}
	if s.Direction == ChaosDirectionFrom {
		w.From, w.To = w.To, w.From
	}
	i, err := c.Impair(w, s.conditions(&fieldErrors{}, c.config.PodMTU))
	if err != nil {
		return nil, err
	}
	return []*Fault{&i.Fault}, nil
}

// partition cuts each source off from the targets; without any, from everybody. A
// Pod may be on both sides.
func (s NetworkChaosSpec) partition(c *Cluster, sources, targets []*Pod) (faults []*Fault, err error) {
	for _, p := range sources {
		one, others := Ends(p), Ends(slices.DeleteFunc(slices.Clone(targets), func(t *Pod) bool { return t == p })...)
		if targets == nil {
			others = Ends(c.Nodes()...) // and with them all Pods
		}
		if len(others) == 0 {
			continue
		}
		if s.Direction == ChaosDirectionFrom {
			one, others = others, one
		}
		f, err := c.Partition(one, others, PartitionOptions{OneWay: s.Direction != ChaosDirectionBoth})
		if err != nil {
			return faults, err
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// chaosTargets are the names of Pods in events.
func chaosTargets(pods []*Pod) []string {
	list := make([]string, len(pods))
	for i, p := range pods {
		list[i] = p.Namespace() + "/" + p.Name()
	}
	return list
}
