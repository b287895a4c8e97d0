package podnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet/internal/kubelet"
	"podnet.dev/podnet/internal/scheduler"
	"podnet.dev/podnet/internal/volume"
)

// Pod is a Pod of a cluster: containers that share one network namespace. It is
// made by [Cluster.Apply] or [Cluster.StartPod] and ends with [Pod.Delete] or
// with the cluster.
type Pod struct {
	cluster    *Cluster
	spec       PodSpec // with defaults; without labels and annotations, which meta has
	uid        string
	hostname   string // short, without the domain
	domain     string // of the full name; empty if there is none
	nodename   string // what programs are told; empty if nodeErr is set or it is the node's
	nodeErr    error  // why there can be no sandbox with such a name
	demand     *scheduler.Pod
	lost       error // there is no node of the name that the spec gives; set before the worker starts
	created    time.Time
	containers []*container // init containers first
	networks   int          // network namespaces that it takes: 1, or with Config.IPPerContainer one for each container
	volumes    map[string]*podVolume
	etc        *volume.Tree // the files that the kubelet writes
	events     eventLog
	worker     *kubelet.Worker

	// node is where the Pod is, nil if it has no node. It is written once, under
	// mu and before the worker hears of it, which therefore reads it without.
	node *node

	mu       sync.Mutex   // guards what follows
	meta     podMeta      // the labels and annotations of now
	workload *workload    // that it is of; nil if there is none
	reserved []netip.Addr // of all networks, for the first sandbox; nil if there were none, and once it is made
	sandbox  *sandbox     // nil while there is none
	attempts int          // sandboxes made so far
	client   *http.Client
	failure  error         // why the first sandbox could not be made
	failed   chan struct{} // closed when failure is set
	deleting bool
	failures int                    // pod-failures of chaos that there are at the moment
	gone     chan struct{}          // closed when a deleted Pod has left the cluster
	hairpins map[[2]string]struct{} // by container and Service; see counsel

	watchMu  sync.Mutex // guards watchers; never held while something waits
	watchers map[*watcher]struct{}
}

// kubeletFiles are the files of /etc that the kubelet writes for a Pod.
var kubeletFiles = []string{"hosts", "resolv.conf", "hostname"}

// newPod makes a Pod whose life has not begun. spec is valid and has defaults.
// It has no worker yet.
func (c *Cluster) newPod(spec PodSpec, uid string) *Pod {
	meta := metaOf(&spec)
	p := &Pod{
		cluster: c, spec: spec, meta: meta, uid: uid, networks: c.config.networks(spec), created: time.Now(),
		volumes: make(map[string]*podVolume), etc: volume.New(0), failed: make(chan struct{}), gone: make(chan struct{}),
	}
	p.demand = spec.demand(p.addresses())
	p.hostname, p.domain = spec.hostnameAndDomain(c.config.Domain)
	if !spec.HostNetwork {
		p.nodename, p.nodeErr = kubelet.Nodename(p.hostname, p.domain, spec.SetHostnameAsFQDN)
	}
	for _, v := range spec.Volumes {
		p.volumes[v.Name] = newVolume(v)
	}
	for i, s := range slices.Concat(spec.InitContainers, spec.Containers) {
		k := &container{pod: p, spec: s, name: spec.Namespace + "/" + spec.Name + "/" + s.Name, init: i < len(spec.InitContainers)}
		if p.networks > 1 { // those of the containers come first
			k.network = (i + len(spec.Containers)) % p.networks
		}
		p.containers = append(p.containers, k)
	}
	return p
}

func (p *Pod) gracePeriod() time.Duration {
	return time.Duration(*p.spec.TerminationGracePeriodSeconds) * time.Second
}

// stop ends the Pod as a loss of power does, and waits for it.
func (p *Pod) stop() { p.worker.Stop() }

// Name returns the Pod's name.
func (p *Pod) Name() string { return p.spec.Name }

// Namespace returns the namespace that the Pod is in.
func (p *Pod) Namespace() string { return p.spec.Namespace }

// UID returns the Pod's identity, which no other Pod of its name has.
func (p *Pod) UID() string { return p.uid }

// Node returns the name of the node that the Pod is bound to, "" while it is to
// none.
func (p *Pod) Node() string {
	if n := p.placedOn(); n != nil {
		return n.name
	}
	return ""
}

// Spec returns the Pod's spec with its defaults, and with the labels and
// annotations of now. It must not be changed.
func (p *Pod) Spec() PodSpec {
	s, m := p.spec, p.currentMeta()
	s.Labels, s.Annotations = m.labels, m.annotations
	return s
}

// IP returns the Pod's primary address, or the zero Addr before it has one.
func (p *Pod) IP() netip.Addr {
	if ips := p.IPs(); len(ips) > 0 {
		return ips[0]
	}
	return netip.Addr{}
}

// IPs returns the Pod's addresses, at most one of each family. With
// [Config].IPPerContainer they are those of its first container.
func (p *Pod) IPs() []netip.Addr { return p.addrsOf(0, p.worker.Status().IPs) }

// Container returns the container or init container of a name, or nil if the Pod
// has none such.
func (p *Pod) Container(name string) *Container {
	if c := p.container(name); c != nil {
		return &Container{container: c}
	}
	return nil
}

func (p *Pod) container(name string) *container {
	for _, c := range p.containers {
		if c.spec.Name == name {
			return c
		}
	}
	return nil
}

// InitContainers returns the init containers, sidecars among them, in the order
// of the spec.
func (p *Pod) InitContainers() []*Container { return p.list(true) }

// Containers returns the containers in the order of the spec, without init
// containers.
func (p *Pod) Containers() []*Container { return p.list(false) }

func (p *Pod) list(init bool) []*Container {
	var list []*Container
	for _, c := range p.containers {
		if c.init == init {
			list = append(list, &Container{container: c})
		}
	}
	return list
}

// String names the Pod as the kubelet does: web_default(uid).
func (p *Pod) String() string { return fmt.Sprintf("%s_%s(%s)", p.spec.Name, p.spec.Namespace, p.uid) }

// Status returns the Pod's status as it is now.
func (p *Pod) Status() PodStatus { return p.podStatus(p.worker.Status(), time.Now()) }

// Events returns what happened to the Pod, in the order in which it first did.
func (p *Pod) Events() []Event { return p.events.all() }

// Wait waits until cond is true of the Pod's status. It looks at every change
// of it and does not poll. It fails when ctx ends, and with an error that wraps
// [ErrDeleted] when the Pod is gone.
func (p *Pod) Wait(ctx context.Context, cond func(PodStatus) bool) error {
	for {
		changed := p.worker.Changed()
		status := p.Status()
		if cond(status) {
			return nil
		}
		select {
		case <-changed:
		case <-p.worker.Done():
			if status = p.Status(); cond(status) {
				return nil
			}
			if !status.DeletionTimestamp.IsZero() {
				return p.error("wait for", ErrDeleted)
			}
			return p.error("wait for", status.ended())
		case <-ctx.Done():
			return p.error("wait for", fmt.Errorf("%w (STATUS %s, READY %s%s)", context.Cause(ctx), status.Columns.Status, status.Columns.Ready, why(status)))
		}
	}
}

// why tells what the Pod waits for, or the first container that is not ready.
func why(s PodStatus) string {
	if s.Message != "" {
		return "; " + s.Message
	}
	if c, ok := s.Condition(string(kubelet.PodScheduled)); ok && !c.Status {
		return "; " + c.Message
	}
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		if w := c.State.Waiting; w != nil && w.Message != "" {
			return fmt.Sprintf("; container %s: %s", c.Name, w.Message)
		}
	}
	if c, ok := s.Condition("Ready"); ok && c.Message != "" {
		return "; " + c.Message
	}
	return ""
}

// WaitReady waits until the Pod is ready: every container runs. It fails like
// Wait, and when the Pod has ended and so will never be ready.
func (p *Pod) WaitReady(ctx context.Context) error { return p.Wait(ctx, PodStatus.Ready) }

// WaitListening waits until a TCP listener is bound to a port of the Pod, on
// whatever address. Containers run before their programs listen; a test that
// dials has to wait for that. It fails when ctx ends and when the Pod does.
func (p *Pod) WaitListening(ctx context.Context, port uint16) error {
	var s *sandbox
	if err := p.Wait(ctx, func(PodStatus) bool { s = p.currentSandbox(); return s != nil }); err != nil {
		return err
	}
	if err := s.waitListening(ctx, port); err != nil {
		if errors.Is(err, net.ErrClosed) {
			err = fmt.Errorf("its sandbox is gone: %w", err)
		}
		status := p.Status()
		return p.error("wait for", fmt.Errorf("no listener on TCP port %d: %w (STATUS %s, READY %s%s)", port, err, status.Columns.Status, status.Columns.Ready, why(status)))
	}
	return nil
}

// Delete ends the Pod as `kubectl delete` does, with the grace period of its spec;
// see DeleteWith.
func (p *Pod) Delete(ctx context.Context) error { return p.DeleteWith(ctx, DeleteOptions{}) }

// DeleteOptions say how a Pod is deleted.
type DeleteOptions struct {
	// GracePeriodSeconds counts instead of the Pod's
	// TerminationGracePeriodSeconds, which is the default. Zero deletes the Pod
	// at once, as `kubectl delete --grace-period=0 --force` does: its name is
	// free, while its containers still have the shortest time that the kubelet
	// gives them, one second for preStop hooks and two after SIGTERM. A negative
	// value means 1.
	GracePeriodSeconds *int64
}

// DeleteWith ends the Pod: the preStop hooks run, then the Programs' contexts end,
// and what still runs when the grace period is over is killed. Sidecars end after
// the containers, the last one first. It waits until the Pod is gone; if ctx ends
// before that, the deletion goes on without it. Deleting again may shorten the
// grace period.
func (p *Pod) DeleteWith(ctx context.Context, opt DeleteOptions) error {
	grace := p.gracePeriod()
	if s := opt.GracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	p.startDelete(grace)
	if opt.GracePeriodSeconds != nil && grace == 0 {
		p.cluster.forget(p)
		return nil
	}
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return p.error("delete", context.Cause(ctx))
	}
}

// startDelete ends the Pod as DeleteWith does, and waits for nothing.
func (p *Pod) startDelete(grace time.Duration) {
	p.cluster.services.podDeleted(p)
	p.worker.Delete(grace)
	p.mu.Lock()
	first := !p.deleting
	p.deleting = true
	p.mu.Unlock()
	if first {
		go func() { // ends with the worker, which Close stops
			<-p.worker.Done()
			p.cluster.forget(p)
			p.cluster.buried(p)
			close(p.gone)
		}()
	}
}

// SetCondition sets a condition of the Pod that is not the kubelet's own, as a
// controller does by a patch of the status: that of a readiness gate, say.
// LastTransitionTime need not be set. It does not wait until the status shows
// it, and does nothing once the Pod has ended. The conditions that the kubelet
// sets are refused.
func (p *Pod) SetCondition(c PodCondition) error {
	k := kubelet.Condition{
		Type: kubelet.ConditionType(c.Type), Status: kubelet.ConditionFalse, Reason: c.Reason, Message: c.Message, LastTransitionTime: c.LastTransitionTime,
	}
	if c.Status {
		k.Status = kubelet.ConditionTrue
	}
	if k.LastTransitionTime.IsZero() {
		k.LastTransitionTime = time.Now()
	}
	if c.Type == "" || k.Type.OfKubelet() {
		return p.error("set condition of", fmt.Errorf("%q is not a condition that others than the kubelet set", c.Type))
	}
	p.worker.SetCondition(k)
	return nil
}

// KillSandbox kills the Pod's pause container, which holds its network
// namespace: every connection of the Pod is gone, all containers are killed, and
// unless the Pod never restarts they are started again in a new sandbox, with a
// new IP (event SandboxChanged). It does not wait for that, and does nothing
// while there is no sandbox.
func (p *Pod) KillSandbox() { p.worker.SandboxDied() }

func (p *Pod) isDeleting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deleting
}

func (p *Pod) error(op string, err error) error { return p.spec.error(op, err) }

func (p *Pod) currentSandbox() *sandbox {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sandbox
}

// etcFile returns the text of a file of /etc that the kubelet wrote last.
func (p *Pod) etcFile(name string) string {
	text, _ := p.etc.View().ReadFile("/" + name)
	return string(text)
}

// writeEtc writes the kubelet's files, as it does at every start of a
// container: what a container changed in them is lost.
func (p *Pod) writeEtc(s *sandbox) error {
	var aliases []kubelet.HostAlias
	for _, a := range p.spec.HostAliases {
		aliases = append(aliases, kubelet.HostAlias(a))
	}
	resolvConf, _ := p.resolvConf()
	hosts := kubelet.HostsFile(s.addrs, p.hostname, p.domain, aliases)
	switch {
	case p.spec.HostNetwork:
		hosts = kubelet.HostNetworkHostsFile(p.node.hostsFile(), aliases)
	case p.cluster.config.IPPerContainer:
		hosts += kubelet.ContainerHosts(p.containerHosts(s))
	}
	texts := map[string]string{
		"hosts":       hosts,
		"hostname":    kubelet.HostnameFile(p.machineName()),
		"resolv.conf": resolvConf.String(),
	}
	for _, name := range kubeletFiles {
		if err := p.etc.View().WriteFile("/"+name, []byte(texts[name]), fs.FileMode(0o644)); err != nil {
			return err
		}
	}
	return nil
}
