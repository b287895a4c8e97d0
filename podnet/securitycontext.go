package podnet

import (
	"slices"
	"strings"
)

// PodSecurityContext says as whom the containers of a Pod run. podnet's
// containers run as goroutines: the IDs are what their programs are told and
// what owns their sockets, and grant or deny nothing.
type PodSecurityContext struct {
	RunAsUser    *int64 // default 0
	RunAsGroup   *int64 // default 0
	RunAsNonRoot *bool  // a container that would run as user 0 is not started
}

// SecurityContext says as whom a container runs, and what it may do. Of users,
// what is set counts more than the Pod's.
type SecurityContext struct {
	RunAsUser    *int64
	RunAsGroup   *int64
	RunAsNonRoot *bool

	// Capabilities are what root in the container may do beyond, or not, what a
	// container runtime lets it: CapNetAdmin is the one that podnet asks for.
	Capabilities *Capabilities

	// Privileged gives root all capabilities. Default false.
	Privileged *bool

	// AllowPrivilegeEscalation says whether a program may gain what its parent has
	// not. No program of podnet's can; but false with Privileged is an error, as in
	// Kubernetes.
	AllowPrivilegeEscalation *bool
}

// Capabilities are changes to the capabilities that a container runtime gives. What
// is dropped by name is dropped even if it is added; ALL in Drop is what is begun
// with. As in Kubernetes, names that Linux does not know are no error and mean
// nothing.
type Capabilities struct {
	Add  []Capability
	Drop []Capability
}

// Capability is the name of one of Linux's capabilities, without CAP_, or ALL.
type Capability string

// CapNetAdmin lets a process change the Pod's routes and iptables, and see what
// conntrack knows, if it runs as user 0. Runtimes do not give it. podnet knows no other capability: all else that
// Linux would ask one for is allowed.
const CapNetAdmin Capability = "NET_ADMIN"

// has reports whether root in the container has a capability that runtimes do not
// give.
func (c *SecurityContext) has(capability Capability) bool {
	if c == nil {
		return false
	}
	if c.Privileged != nil && *c.Privileged {
		return true
	}
	if c.Capabilities == nil {
		return false
	}
	is := func(name Capability) bool { return strings.EqualFold(string(name), string(capability)) }
	all := func(name Capability) bool { return strings.EqualFold(string(name), "ALL") }
	if slices.ContainsFunc(c.Capabilities.Drop, is) {
		return false
	}
	return slices.ContainsFunc(c.Capabilities.Add, is) ||
		slices.ContainsFunc(c.Capabilities.Add, all) && !slices.ContainsFunc(c.Capabilities.Drop, all)
}

// isNetAdmin reports whether the process may change the network of its Pod.
func (p *process) isNetAdmin() bool { return p.has(CapNetAdmin) }

func (p *process) has(capability Capability) bool {
	return p.uid == 0 && p.instance.container.spec.SecurityContext.has(capability)
}

// HasCapability reports whether the process runs as user 0 and has a capability
// beyond those that container runtimes give: [CapNetAdmin], for example.
func (c *Container) HasCapability(capability Capability) bool {
	return of(c, func(p *process) bool { return p.has(capability) })
}
