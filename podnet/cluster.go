package podnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/kubelet"
	"podnet.dev/podnet/internal/kubeproxy"
	"podnet.dev/podnet/internal/netfilter"
	"podnet.dev/podnet/internal/netpol"
	"podnet.dev/podnet/internal/netstack"
	"podnet.dev/podnet/internal/scheduler"
)

// Cluster is a Kubernetes cluster in this process: nodes with Pods on them, and
// nothing of an API server but [Cluster.Apply]. Close it.
//
// A cluster made inside a testing/synctest bubble runs on the bubble's time,
// and must be used and closed there.
type Cluster struct {
	config     Config
	nameserver netip.Addr
	network    *fabric.Network // between the nodes
	faults     *faults.Set
	headStart  time.Duration // of a container before the next one of its Pod
	programs   programs
	policies   *netpol.Set // who may connect to whom
	services   *services
	counsel    counsel
	traces     traces

	// names is what the cluster's name server knows, nil while there is none:
	// then nobody is asked at its address, and no name is found there.
	names dns.Backend

	dnsFaults atomic.Pointer[[]*DNSFault] // the latest last; written under mu

	mu            sync.Mutex // guards what follows
	images        images
	nodes         []*node
	places        *scheduler.Scheduler
	pods          map[podKey]*Pod
	dying         map[*Pod]struct{}   // no longer in pods, deleted by force, and not yet gone
	made          uint64              // Pods so far
	objects       map[objectID]object // all but Pods and workloads; never modified, but replaced
	revision      uint64              // of objects
	named         map[string]struct{} // the namespaces that objects were applied in
	workloads     map[objectID]*workload
	workloadsMade uint64
	chaos         map[objectID]*Chaos
	chaosMade     uint64
	closed        bool
	done          chan struct{} // closed when Close is done
	err           error         // what Close returned, after done
}

type podKey struct{ namespace, name string }

// NewCluster makes a cluster. Its error says what is wrong with the Config.
func NewCluster(cfg Config) (*Cluster, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	network := fabric.NewNetwork(uint32(cfg.NodeMTU), cfg.NodeCIDRs...)
	network.SetLatency(cfg.NodeLatency)
	policies, services := netpol.NewSet(), newServices(cfg)
	interference := faults.NewSet(cfg.Seed)
	interference.Narrow = cfg.PodMTU != cfg.NodeMTU
	nodes, err := newNodes(cfg, network, interference, policies, services.table)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		config: cfg, images: maps.Clone(images(cfg.Images)), nodes: nodes, pods: make(map[podKey]*Pod), dying: make(map[*Pod]struct{}), done: make(chan struct{}),
		objects:    make(map[objectID]object),
		chaos:      make(map[objectID]*Chaos),
		named:      map[string]struct{}{"default": {}, "kube-node-lease": {}, "kube-public": {}, "kube-system": {}},
		network:    network,
		faults:     interference,
		places:     newScheduler(cfg, nodes),
		nameserver: cfg.ServiceCIDRs[0].Masked().Addr(), programs: newPrograms(), policies: policies,
	}
	if c.images == nil {
		c.images = make(images)
	}
	c.headStart = 5 * time.Millisecond
	if netstack.InBubble() {
		// The clock moves only when all wait: the first has done what it does.
		c.headStart = 10 * time.Nanosecond
	}
	c.services = services
	services.onStale = func(frontends []kubeproxy.UDPFrontend) {
		for _, n := range nodes {
			n.forget(frontends)
		}
	}
	if err := c.impairAll(); err != nil {
		return nil, err
	}
	for range 10 { // kubeadm puts the cluster's DNS at the tenth address
		c.nameserver = c.nameserver.Next()
	}
	if err := c.services.addBuiltIn(c.nameserver, cfg.ServiceCIDRs[0]); err != nil {
		return nil, err
	}
	c.names = serviceNames{c}
	c.counsel.cluster = c
	for _, n := range nodes {
		n.nameserver, n.serveDNS, n.counsel, n.watch = c.nameserver, c.serveDNS, &c.counsel, &c.traces.watch
	}
	// To NetworkPolicies the name server is what it is in a cluster of kubeadm's.
	policies.SetPod(netpol.Pod{
		UID: "coredns", Namespace: "kube-system", Name: "coredns", Labels: map[string]string{"k8s-app": "kube-dns"},
		IPs:   []netip.Addr{c.nameserver},
		Ports: []netpol.Port{{Name: "dns", Protocol: netfilter.UDP, Number: 53}, {Name: "dns-tcp", Protocol: netfilter.TCP, Number: 53}},
	})
	return c, nil
}

// HandleImage makes a Program stand for an image. An image of a Pod is looked up
// as it is written, then without docker.io/library/, then without its tag and
// digest: "nginx" stands for "nginx:1.29" and "docker.io/library/nginx@sha256:…".
// Pods that wait for the image get it at their next try.
func (c *Cluster) HandleImage(name string, p Program) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.images[name] = p
}

func (c *Cluster) image(ref string) Program {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.images.find(ref)
}

// Apply creates objects, or updates those that exist, as `kubectl apply` does.
// It does not wait for Pods to start. All objects are checked before the first
// is applied; the error joins what is wrong with them. Pods and what makes them
// come after all else, so that they find what is applied with them, and chaos comes
// last, so that it finds the Pods. A chaos that selects no Pod is an error, and is
// not kept.
//
// Of a Pod that exists, only labels and annotations can be changed: for all else,
// delete it first. A spec that differs from the Pod's only in the functions of
// Run counts as the same, because Go cannot compare them: the Pod goes on with
// those it has. The same goes for the template of a Deployment or StatefulSet,
// all of it; of its Pods there may become more or fewer.
func (c *Cluster) Apply(ctx context.Context, objects ...Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var errs []error
	var first, pods, chaos []object
	byID := make(map[objectID]object, len(objects))
	for i, given := range objects {
		if isNil(given) {
			return fmt.Errorf("podnet: apply: object %d is a nil %T", i, given)
		}
		o, err := given.complete()
		if err == nil {
			err = o.check(c)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		id := o.id()
		if other, twice := byID[id]; twice && !deepEqual(o, other) {
			errs = append(errs, id.error("apply", errTwice(id.kind)))
		}
		byID[id] = o
		switch id.kind {
		case kindPod, kindDeployment, kindStatefulSet:
			pods = append(pods, o)
		case kindNetworkChaos, kindPodChaos, kindDNSChaos, kindSchedule:
			chaos = append(chaos, o)
		default:
			first = append(first, o)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := c.services.checkTogether(first); err != nil {
		return err
	}
	c.nameNamespaces(byID)
	for _, o := range slices.Concat(first, pods, chaos) {
		if err := o.apply(c); err != nil {
			return err
		}
	}
	return nil
}

// nameNamespaces makes the namespaces of objects exist: there is none that must
// be made first, and none ends.
func (c *Cluster) nameNamespaces(objects map[objectID]object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range objects {
		name := id.namespace
		if id.kind == "Namespace" {
			name = id.name
		}
		if name != "" {
			c.named[name] = struct{}{}
		}
	}
}

// hasNamespace reports whether a namespace exists.
func (c *Cluster) hasNamespace(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.named[name]
	return ok
}

// StartPod applies a Pod and waits until each of its containers has been
// started, whatever became of it then. It fails if the spec is invalid, if a
// container cannot be started (no node that fits, no such image, no address
// left), and if ctx ends before that; but for an invalid spec it returns the Pod all the same.
func (c *Cluster) StartPod(ctx context.Context, spec PodSpec) (*Pod, error) {
	if err := c.Apply(ctx, spec); err != nil {
		return nil, err
	}
	p := c.Pod(spec.Namespace, spec.Name)
	if p == nil { // deleted by somebody else since
		return nil, spec.withDefaults().error("start", ErrDeleted)
	}
	return p, p.waitStarted(ctx)
}

// waitStarted waits until every container has run, or cannot.
func (p *Pod) waitStarted(ctx context.Context) error {
	if p.lost != nil {
		return p.error("start", p.lost)
	}
	for {
		changed := p.worker.Changed()
		started, err := p.Status().started(p.spec)
		if started || err != nil {
			if err != nil {
				err = p.error("start", err)
			}
			return err
		}
		select {
		case <-changed:
		case <-p.failed:
			return p.error("start", p.failure)
		case <-p.worker.Done():
			status := p.Status()
			switch started, err := status.started(p.spec); {
			case err != nil:
				return p.error("start", err)
			case started:
				return nil
			case status.DeletionTimestamp.IsZero():
				return p.error("start", status.ended())
			}
			return p.error("start", ErrDeleted)
		case <-ctx.Done():
			return p.error("start", context.Cause(ctx))
		}
	}
}

// started reports whether all containers have run at least once, and why one
// cannot.
func (s PodStatus) started(spec PodSpec) (bool, error) {
	if c, ok := s.Condition(string(kubelet.PodScheduled)); ok && !c.Status {
		return false, fmt.Errorf("%s: %s", c.Reason, c.Message)
	}
	all := true
	for i, c := range s.InitContainers {
		if spec.InitContainers[i].RestartPolicy == RestartPolicyAlways {
			continue
		}
		end := c.State.Terminated
		if end == nil {
			end = c.LastTermination
		}
		if end != nil && end.ExitCode != 0 && c.State.Running == nil {
			return false, fmt.Errorf("init container %s: %s, exit code %d", c.Name, end.Reason, end.ExitCode)
		}
	}
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		w := c.State.Waiting
		if w == nil || c.LastTermination != nil {
			continue
		}
		switch w.Reason {
		case "ContainerCreating", "PodInitializing":
			all = false
		default:
			return false, fmt.Errorf("container %s: %s: %s", c.Name, w.Reason, w.Message)
		}
	}
	return all && len(s.Containers) > 0, nil
}

// Pod returns the Pod of a name, or nil if there is none. An empty namespace is
// "default".
func (c *Cluster) Pod(namespace, name string) *Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pods[podKey{cmp.Or(namespace, "default"), name}]
}

// Pods returns the Pods of all namespaces, by namespace and name.
func (c *Cluster) Pods() []*Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.Collect(maps.Values(c.pods))
	slices.SortFunc(list, func(a, b *Pod) int {
		return cmp.Or(cmp.Compare(a.spec.Namespace, b.spec.Namespace), cmp.Compare(a.spec.Name, b.spec.Name))
	})
	return list
}

// Close ends the cluster as a loss of power does: every process is killed and
// every connection closed, with no grace period (delete Pods first for that).
// It returns when all that the cluster started is gone. Programs that go on all
// the same are waited for 5 seconds; the error then names them and shows where
// they hang. A second Close returns what the first did.
func (c *Cluster) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	pods := slices.AppendSeq(slices.Collect(maps.Values(c.pods)), maps.Keys(c.dying))
	c.mu.Unlock()
	if !first {
		<-c.done
		return c.err
	}
	c.stopChaos()
	c.stopWorkloads()
	var wg sync.WaitGroup
	for _, p := range pods {
		wg.Go(p.stop)
	}
	wg.Wait()
	c.faults.Close()
	for _, n := range c.nodes {
		n.close()
	}
	c.network.Close()
	c.counsel.close()
	c.traces.close()
	c.err = c.programs.wait()
	close(c.done)
	return c.err
}

// forget takes a deleted Pod off the list.
func (c *Cluster) forget(p *Pod) {
	c.services.removePod(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	key := podKey{p.spec.Namespace, p.spec.Name}
	if c.pods[key] == p {
		delete(c.pods, key)
		c.dying[p] = struct{}{}
		c.rePlace(c.places.Remove(p.demand))
		if p.ofWorkload() == nil {
			c.wakeWorkloads(key.namespace) // one may have wanted its name
		}
	}
}

// buried forgets a deleted Pod of which nothing runs any more.
func (c *Cluster) buried(p *Pod) {
	if n := p.placedOn(); n != nil {
		n.release(p.takeReserved()) // of a Pod that never had a sandbox
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.dying, p)
}

const kindPod = "Pod"

func (s PodSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s.withDefaults(), nil
}

func (s PodSpec) id() objectID { return objectID{kindPod, s.Namespace, s.Name} }

func (s PodSpec) check(c *Cluster) error {
	p := c.Pod(s.Namespace, s.Name)
	switch {
	case p == nil:
		return nil
	case p.isDeleting():
		return s.error("apply", ErrDeleting)
	case !sameButMeta(s, p.spec):
		return &InvalidError{Kind: kindPod, Name: s.Name, Fields: []*FieldError{{
			Field: "spec", Type: FieldForbidden, Detail: "pod updates may not change fields other than labels and annotations: delete the Pod first",
		}}}
	}
	return nil
}

func (s PodSpec) apply(c *Cluster) error {
	p, made, err := c.makePod(s, nil)
	if err == nil && !made {
		p.setMeta(metaOf(&s))
	}
	return err
}

// makePod makes a Pod for its owner, nil for none, unless there is one of its
// name. s is valid and has defaults.
func (c *Cluster) makePod(s PodSpec, owner *workload) (p *Pod, made bool, err error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, false, s.error("apply", ErrClosed)
	}
	key := podKey{s.Namespace, s.Name}
	if p := c.pods[key]; p != nil {
		c.mu.Unlock()
		return p, false, nil
	}
	c.made++
	p = c.newPod(s, newUID(c.config.Seed, c.made))
	p.workload = owner
	p.worker = p.newWorker(c.settle(p, c.places.Add(p.demand)))
	p.worker.BeforeStatus(func(s kubelet.Status) { c.services.podStatus(p, s) })
	c.pods[key] = p
	c.services.addPod(p, s.Labels)
	p.worker.Start()
	if owner == nil {
		c.wakeWorkloads(s.Namespace)
	}
	c.mu.Unlock()
	c.warn(s.id(), s.Warnings())
	if l := c.config.Logger; l != nil && p.lost != nil {
		l.Warn(p.lost.Error(), "pod", s.Namespace+"/"+s.Name)
	}
	return p, true, nil
}

// error is the error of an operation on the Pod. s has defaults.
func (s PodSpec) error(op string, err error) error { return s.id().error(op, err) }

// newUID draws the UID of the n'th Pod: a UUID of version 4.
func newUID(seed, n uint64) string {
	r := rand.New(rand.NewPCG(seed, n))
	hi, lo := r.Uint64()&^0xf000|0x4000, r.Uint64()&^(3<<62)|2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}
