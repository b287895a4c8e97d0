package netpol

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// metadataName is the label that every namespace has: its name.
const metadataName = "kubernetes.io/metadata.name"

// Pod is what policies see of a Pod. It is not changed once a [Set] has it.
type Pod struct {
	// UID tells the Pod from others, those of its name included: one that is
	// being deleted by force may live beside its successor.
	UID             string
	Namespace, Name string
	Labels          map[string]string

	IPs     []netip.Addr
	NodeIPs []netip.Addr // of its node: whatever has one of them is never kept from the Pod
	Ports   []Port       // with names; a policy may call them by these

	// HostNetwork is of a Pod that lives in its node's network namespace. No
	// policy sees it: its addresses are the node's.
	HostNetwork bool
}

// Port is a named port of a Pod.
type Port struct {
	Name     string
	Protocol uint8
	Number   uint16
}

// Set is policies and what they are about. The zero value is not ready; use
// [NewSet]. It may be used by many goroutines at once: questions do not wait for
// each other, and a change is seen by the next question.
type Set struct {
	mu         sync.RWMutex // guards what follows; held for moments only
	namespaces map[string]*namespace
	pods       map[string]*endpoint // by UID
	byIP       map[netip.Addr]*endpoint
}

// namespace is one that has been named. There is none too many: Pods and
// policies keep pointers to theirs, so they are not deleted.
type namespace struct {
	name     string
	labels   map[string]string
	policies []*Policy // by name
	changes  uint64    // of policies, from 1
}

// endpoint is a Pod with addresses.
type endpoint struct {
	pod       Pod
	namespace *namespace
	isolated  atomic.Pointer[isolation] // what was found out last; nil at first
}

func (e *endpoint) podOrNil() *Pod {
	if e == nil {
		return nil
	}
	return &e.pod
}

// isolation is the policies that select a Pod.
type isolation struct {
	changes         uint64 // of the namespace, when this was true
	ingress, egress []*Policy
}

// NewSet returns a Set without policies.
func NewSet() *Set {
	return &Set{namespaces: make(map[string]*namespace), pods: make(map[string]*endpoint), byIP: make(map[netip.Addr]*endpoint)}
}

// SetPod adds a Pod, or replaces what was known of the one of its UID.
func (s *Set) SetPod(p Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(p.UID)
	e := &endpoint{pod: p, namespace: s.namespace(p.Namespace)}
	s.pods[p.UID] = e
	if p.HostNetwork {
		return
	}
	for _, a := range p.IPs {
		s.byIP[plain(a)] = e
	}
}

// DeletePod forgets the Pod of a UID. It does nothing if there is none.
func (s *Set) DeletePod(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(uid)
}

func (s *Set) forget(uid string) {
	e := s.pods[uid]
	if e == nil {
		return
	}
	delete(s.pods, uid)
	for _, a := range e.pod.IPs {
		if s.byIP[plain(a)] == e { // else somebody else has the address by now
			delete(s.byIP, plain(a))
		}
	}
}

// SetNamespace gives a namespace its labels. One that has none given has the
// label of its name, which cannot be given another value.
func (s *Set) SetNamespace(name string, labels map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespace(name)
	n.labels = make(map[string]string, len(labels)+1)
	maps.Copy(n.labels, labels)
	n.labels[metadataName] = name
}

// SetPolicy adds a policy, or replaces the one of its namespace and name.
func (s *Set) SetPolicy(p *Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespace(p.Namespace)
	i, found := n.find(p.Name)
	if found {
		n.policies[i] = p
	} else {
		n.policies = slices.Insert(n.policies, i, p)
	}
	n.changes++
}

// DeletePolicy deletes a policy. It does nothing if there is none.
func (s *Set) DeletePolicy(namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespace(namespace)
	if i, found := n.find(name); found {
		n.policies = slices.Delete(n.policies, i, i+1)
		n.changes++
	}
}

// namespace returns the namespace of a name, making it. mu must be held.
func (s *Set) namespace(name string) *namespace {
	n := s.namespaces[name]
	if n == nil {
		n = &namespace{name: name, labels: map[string]string{metadataName: name}, changes: 1}
		s.namespaces[name] = n
	}
	return n
}

func (n *namespace) find(policy string) (int, bool) {
	return slices.BinarySearchFunc(n.policies, policy, func(p *Policy, name string) int { return cmp.Compare(p.Name, name) })
}

// isolation returns the policies that select the Pod. mu must be held, if only
// for reading.
func (e *endpoint) isolation() *isolation {
	last := e.isolated.Load()
	if last != nil && last.changes == e.namespace.changes {
		return last
	}
	now := &isolation{changes: e.namespace.changes}
	for _, p := range e.namespace.policies {
		if !p.Pods.Matches(e.pod.Labels) {
			continue
		}
		if p.IsolatesIngress {
			now.ingress = append(now.ingress, p)
		}
		if p.IsolatesEgress {
			now.egress = append(now.egress, p)
		}
	}
	e.isolated.Store(now)
	return now
}

// plain returns an address as Pods have it: as IPv4 if it is one, and without a
// zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
