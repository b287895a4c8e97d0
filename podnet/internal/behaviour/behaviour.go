// Package behaviour is the table of what sockets do. Each case runs twice, on
// Linux through package net and in a Pod, and the two must show the same: the
// same values, the same errors by text and by errors.Is and errors.As.
//
// To add a case, put it into one of the lists that [Cases] joins, in a file of
// its subject. A case must show the same on every run: ephemeral ports are
// written as PORT, whatever else varies is to be judged by the case, and what
// it waits for is an event, such as a read that returns, and not a time.
//
// Only tests import this package.
package behaviour

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"
)

// A Case is one behaviour of sockets.
type Case struct {
	Name  string
	Needs Needs
	Run   func(n *Notebook, v Verbs)

	// Differs, if not nil, says that a Pod shows something else on purpose.
	Differs *Difference
}

// A Difference is what a Pod does otherwise than Linux, and why.
type Difference struct {
	Why   string
	Linux []string // what Linux notes
	Pod   []string // what a Pod notes
}

// Needs says what a case needs of the network that it runs in. What is not met
// is skipped.
type Needs int

// The needs of a case. The zero value is a machine with lo.
const (
	// OwnNetwork is a network of its own as a Pod has it: eth0 with [IPv4]
	// and [IPv6], default routes that lead nowhere, and nobody else there.
	OwnNetwork Needs = 1 << iota
	// SingleStack is OwnNetwork without an IPv6 address or route but lo's.
	SingleStack
	// FewPorts is OwnNetwork with as few ephemeral ports as it can have.
	FewPorts
	// Long runs for seconds.
	Long
)

// The addresses of a network that OwnNetwork and SingleStack ask for.
const (
	IPv4 = "10.244.0.2"
	IPv6 = "fd00:10:244::2"
)

// Verbs are net's, of the host or of a container.
type Verbs interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	LookupHost(ctx context.Context, host string) ([]string, error)

	// EphemeralPorts is how many ports there are to be picked.
	EphemeralPorts() int

	ListenWith(ctx context.Context, cfg ListenConfig, network, address string) (net.Listener, error)
	ListenPacketWith(ctx context.Context, cfg ListenConfig, network, address string) (net.PacketConn, error)
	DialWith(ctx context.Context, d Dialer, network, address string) (net.Conn, error)
}

// ListenConfig is podnet.ListenConfig.
type ListenConfig struct {
	KeepAlive       time.Duration
	KeepAliveConfig net.KeepAliveConfig
	ReusePort       bool
	ReuseAddr       bool
	Backlog         int
	IPv6Only        bool
}

// Dialer is podnet.Dialer.
type Dialer struct {
	LocalAddr       netip.AddrPort
	LocalName       string
	Timeout         time.Duration
	Deadline        time.Time
	KeepAlive       time.Duration
	KeepAliveConfig net.KeepAliveConfig
	FallbackDelay   time.Duration
	TTL             int
}

// Cases returns the table.
func Cases() []Case {
	return slices.Concat(
		bindCases(),
		reachCases(),
		dialCases,
		addressCases,
		portCases,
		inputCases,
		streamCases,
		closeCases,
		deadlineCases,
		methodCases,
		listenerCases,
		udpCases,
		lookupCases,
		concurrentCases,
	)
}
