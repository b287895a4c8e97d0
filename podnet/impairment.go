package podnet

import (
	"errors"
	"fmt"
	"slices"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// An End is where packets come from or go to: a [Pod], or a [Node], which stands for
// its own processes and for all Pods on it.
type End interface {
	// end names it. It fails if the cluster has no such end.
	end(*Cluster) (faults.End, error)
}

// Ends returns a list of ends, whatever their types.
func Ends[E End](ends ...E) []End {
	list := make([]End, len(ends))
	for i, e := range ends {
		list[i] = e
	}
	return list
}

// Where says which packets are meant. The zero value means every packet once: where
// it arrives at a Pod or at a node.
//
// With From alone, or with To alone, it is the link between a Pod and its node: all
// that the Pod sends, and unless OneWay is set, all that it gets. With both it is
// what these send to those, and back, through whatever Service or translation; each
// pair is a link of its own. Of two nodes it is the network between them, and with
// From or To alone, the node's link to all others. Packets of a Pod to itself are
// meant only by Loopback, or if they come back through a Service.
//
// A Pod is meant by its name: one of the same name that takes its place is, too.
type Where struct {
	From, To []End

	// OneWay leaves out the packets that go from To to From.
	OneWay bool

	// Loopback means what goes over lo instead: what the containers of the Pods in
	// From, or of all Pods, send to each other at localhost or at the Pod's own IP.
	Loopback bool

	// Protocol, if it is not "", is the one that is meant: TCP or UDP.
	Protocol Protocol

	// Ports, if there are any, are those that a packet comes from or goes to, one of
	// them at least: either as its sender has it or as its receiver does, between
	// whom a Service may translate.
	Ports []int

	// Container, if it is not "", means packets that sockets of containers with this
	// name send or get, listening ones too. With OneWay, but neither From nor To, it
	// means those that they send. Between a Pod and a node that is its own, or on
	// the way to a node port, nobody knows yet who gets a packet.
	Container string
}

// engine returns what the engine has for w, and adds what is wrong to errs.
func (w Where) engine(c *Cluster, errs *fieldErrors) faults.Where {
	e := faults.Where{
		From: endsOf(c, errs, "From", w.From), To: endsOf(c, errs, "To", w.To),
		OneWay: w.OneWay, Loopback: w.Loopback, Container: w.Container,
	}
	switch w.Protocol {
	case "":
	case ProtocolTCP:
		e.Protocol = netfilter.TCP
	case ProtocolUDP:
		e.Protocol = netfilter.UDP
	default:
		oneOf(errs, "Protocol", w.Protocol, ProtocolTCP, ProtocolUDP)
	}
	for i, p := range w.Ports {
		errs.between(fmt.Sprintf("Ports[%d]", i), int64(p), 1, 65535)
		e.Ports = append(e.Ports, uint16(p))
	}
	if w.Loopback && len(w.To) > 0 {
		errs.add(FieldForbidden, "To", nil, "what goes over lo stays in its Pod: name it in From")
	}
	return e
}

func endsOf(c *Cluster, errs *fieldErrors, field string, ends []End) []faults.End {
	var list []faults.End
	for i, end := range ends {
		at := fmt.Sprintf("%s[%d]", field, i)
		if end == nil {
			errs.add(FieldRequired, at, nil, "it is nil: give a *Pod or a *Node")
			continue
		}
		e, err := end.end(c)
		if err != nil {
			errs.add(FieldNotFound, at, nil, err.Error())
			continue
		}
		list = append(list, e)
	}
	return list
}

var (
	errNilPod    = errors.New("it is a nil *Pod: Cluster.Pod knows no Pod of that name")
	errNilNode   = errors.New("it is a nil *Node: Cluster.Node knows no node of that name, they are called node-1, node-2 and so on")
	errElsewhere = errors.New("it is of another cluster")
)

func (p *Pod) end(c *Cluster) (faults.End, error) {
	switch {
	case p == nil:
		return faults.End{}, errNilPod
	case p.cluster != c:
		return faults.End{}, errElsewhere
	case p.spec.HostNetwork:
		return faults.End{}, fmt.Errorf("Pod %s/%s has the network of its node: name the node", p.spec.Namespace, p.spec.Name)
	}
	select {
	case <-p.gone:
		return faults.End{}, fmt.Errorf("Pod %s/%s: %w", p.spec.Namespace, p.spec.Name, ErrDeleted)
	default:
	}
	return p.endName(), nil
}

// endName is what faults know the Pod by, wherever it runs.
func (p *Pod) endName() faults.End { return faults.End{Pod: p.spec.Namespace + "/" + p.spec.Name} }

// endOn is the Pod's end on a node.
func (p *Pod) endOn(n *node) faults.End {
	e := p.endName()
	e.Node = n.name
	return e
}

func (n *Node) end(c *Cluster) (faults.End, error) {
	switch {
	case n == nil:
		return faults.End{}, errNilNode
	case n.cluster != c:
		return faults.End{}, errElsewhere
	}
	return faults.End{Node: n.node.name}, nil
}

// A Fault is something that is wrong with the network, as long as it is not closed.
type Fault struct {
	cluster *Cluster
	fault   *faults.Fault
}

// Close ends the fault. What is under way arrives when it would have, and nothing
// overtakes it. A second Close does nothing, and neither does one of a closed
// cluster's. It always returns nil.
func (f *Fault) Close() error {
	f.fault.Close()
	return nil
}

// FaultCounts say what a fault did to packets.
type FaultCounts struct {
	Packets    uint64 // that were meant
	Lost       uint64 // by Loss and BurstLoss
	Overflowed uint64 // dropped at a full Queue
	Duplicated uint64
	Corrupted  uint64
	Reordered  uint64
	CutOff     uint64 // by a partition
	TooBig     uint64 // for the MTU
	Scripted   uint64 // that a script did not let pass as they were
}

// Counts returns what the fault did so far.
func (f *Fault) Counts() FaultCounts {
	c := f.fault.Counts()
	return FaultCounts{
		Packets: c.Packets.Load(), Lost: c.Lost.Load(), Overflowed: c.Overflowed.Load(), Duplicated: c.Duplicated.Load(), Corrupted: c.Corrupted.Load(),
		Reordered: c.Reordered.Load(), CutOff: c.Cut.Load(), TooBig: c.Refused.Load(), Scripted: c.Scripted.Load(),
	}
}

// addFault makes f one of the cluster's.
func (c *Cluster) addFault(f *faults.Fault) (*Fault, error) {
	if !c.faults.Add(f) {
		return nil, fmt.Errorf("podnet: %w", ErrClosed)
	}
	return &Fault{c, f}, nil
}

// Impairment is a link, or many, under conditions.
type Impairment struct {
	Fault
	where faults.Where
}

// Impair puts links under conditions until the Impairment is closed. They hold from
// the next packet on, and for Pods that are yet to start as well. A packet that
// several impairments mean, passes them one after the other.
//
// The error is an *[InvalidError] that names everything that is wrong.
func (c *Cluster) Impair(w Where, cond Conditions) (*Impairment, error) {
	var errs fieldErrors
	f := &faults.Fault{Where: w.engine(c, &errs)}
	cond.check(&errs)
	if err := errs.err("Impairment", f.Where.String()); err != nil {
		return nil, fmt.Errorf("podnet: %w", err)
	}
	f.SetConditions(cond.engine())
	added, err := c.addFault(f)
	if err != nil {
		return nil, err
	}
	return &Impairment{Fault: *added, where: f.Where}, nil
}

// impairAll puts links under the conditions of the Config.
func (c *Cluster) impairAll() error {
	if c.config.Conditions != (Conditions{}) {
		if _, err := c.Impair(Where{}, c.config.Conditions); err != nil {
			return err
		}
	}
	if c.config.NodeConditions == (Conditions{}) {
		return nil
	}
	_, err := c.Impair(Where{From: Ends(c.Nodes()...), To: Ends(c.Nodes()...), OneWay: true}, c.config.NodeConditions)
	return err
}

// Set changes the conditions. What is under way arrives when it would have; nothing
// overtakes it. If they are invalid, nothing changes. After Close it has no effect.
func (i *Impairment) Set(cond Conditions) error {
	var errs fieldErrors
	cond.check(&errs)
	if err := errs.err("Impairment", i.where.String()); err != nil {
		return fmt.Errorf("podnet: %w", err)
	}
	i.fault.ChangeConditions(cond.engine())
	return nil
}

// Partition cuts the links between two sets of Pods and nodes until the Fault is
// closed: packets vanish, and nobody is told. Connections do not end of it: TCP sends
// again and again, and goes on when the partition is healed, unless it has given up
// meanwhile. Of nodes, all Pods on them are cut off too; Pods of one node still reach
// each other.
func (c *Cluster) Partition(a, b []End, opt PartitionOptions) (*Fault, error) {
	var errs fieldErrors
	if len(a) == 0 {
		errs.add(FieldRequired, "a", nil, "name the Pods or nodes on one side")
	}
	if len(b) == 0 {
		errs.add(FieldRequired, "b", nil, "name the Pods or nodes on the other side")
	}
	f := &faults.Fault{Cut: true, Keep: opt.KeepInFlight, Where: Where{From: a, To: b, OneWay: opt.OneWay}.engine(c, &errs)}
	for _, e := range f.Where.From {
		if slices.Contains(f.Where.To, e) {
			errs.add(FieldInvalid, "b", e.String(), "it is on both sides")
		}
	}
	if err := errs.err("Partition", f.Where.String()); err != nil {
		return nil, fmt.Errorf("podnet: %w", err)
	}
	return c.addFault(f)
}

// PartitionOptions say how a network is parted. The zero value cuts both ways, and
// loses what is under way.
type PartitionOptions struct {
	// OneWay cuts only what goes from a to b.
	OneWay bool

	// KeepInFlight lets packets arrive that are under way when the partition begins.
	KeepInFlight bool
}
