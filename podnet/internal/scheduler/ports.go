package scheduler

import "slices"

// HostPort is a port of a node that a Pod wants.
type HostPort struct {
	IP       string // as written; empty for all addresses
	Protocol string // TCP, UDP or SCTP
	Port     uint16
}

// anyIP stands for all addresses of a node. Its IPv6 sister does not: to the
// scheduler "::" is an address like any other.
const anyIP = "0.0.0.0"

func (p HostPort) ip() string {
	if p.IP == "" {
		return anyIP
	}
	return p.IP
}

// conflicts reports whether a node cannot give both ports (HostPortInfo in
// kube-scheduler's framework).
func (p HostPort) conflicts(other HostPort) bool {
	return p.Port == other.Port && p.Protocol == other.Protocol &&
		(p.ip() == other.ip() || p.ip() == anyIP || other.ip() == anyIP)
}

// conflict reports whether a port of one list conflicts with one of the other.
func conflict(a, b []HostPort) bool {
	return slices.ContainsFunc(a, func(p HostPort) bool { return slices.ContainsFunc(b, p.conflicts) })
}
