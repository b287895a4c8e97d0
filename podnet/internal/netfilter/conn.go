package netfilter

import (
	"net/netip"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Direction says which way a packet of a connection goes.
type Direction uint8

// The directions of conntrack.
const (
	Original Direction = iota // as the first packet
	Reply                     // against it
)

// A Conn is a connection as conntrack knows it: the tuple of its first packet,
// and the tuple of what comes back. Where they are not each other's inverse,
// addresses are translated. Its tuples do not change.
type Conn struct {
	orig, reply Tuple
	leaving     [2]Tuple // the tuples with which packets go on, by their direction

	// Guarded by the Conntrack's mutex.
	state    connState
	assured  bool // it is not to be forgotten early
	expires  time.Time
	inserted time.Time

	replied atomic.Bool // something came back

	// Service is a word of whoever translated the connection, for people.
	Service string
}

// newConn returns the connection whose first packet has a tuple, and goes on with
// another.
func newConn(orig, there Tuple) *Conn {
	return &Conn{orig: orig, reply: there.Inverse(), leaving: [2]Tuple{there, orig.Inverse()}}
}

// Orig returns the tuple of the connection's first packet, as it was sent.
func (c *Conn) Orig() Tuple { return c.orig }

// Reply returns the tuple of what comes back, as it is sent.
func (c *Conn) Reply() Tuple { return c.reply }

// Translated reports whether the destination and the source are translated.
func (c *Conn) Translated() (dst, src bool) {
	there := c.leaving[Original]
	return there.dst != c.orig.dst || there.dstPort != c.orig.dstPort && !c.orig.isICMP(), there.src != c.orig.src || there.srcPort != c.orig.srcPort
}

// Leaving returns the tuple with which packets of a direction go on.
func (c *Conn) Leaving(d Direction) Tuple { return c.leaving[d] }

// connState is the state of a TCP connection, in Linux's names.
type connState uint8

const (
	stateNone connState = iota // no TCP
	synSent
	synRecv
	established
	finWait
	closeWait
	lastAck
	timeWait
	closed
)

var stateNames = [...]string{"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE"}

func (s connState) String() string { return stateNames[s] }

// How long a connection is remembered after its last packet: Linux's defaults
// (nf_conntrack_proto_tcp.c, _udp.c, _icmp.c, _generic.c), and kube-proxy's for
// CLOSE_WAIT and for established ones (its config's conntrack section).
var tcpTimeouts = [...]time.Duration{
	synSent: 120 * time.Second, synRecv: 60 * time.Second, established: 24 * time.Hour, finWait: 120 * time.Second,
	closeWait: time.Hour, lastAck: 30 * time.Second, timeWait: 120 * time.Second, closed: 10 * time.Second,
}

const (
	udpTimeout       = 30 * time.Second
	udpStreamTimeout = 120 * time.Second
	icmpTimeout      = 30 * time.Second
	genericTimeout   = 600 * time.Second
)

// see brings the connection up to date with one of its packets.
func (c *Conn) see(p *Packet, d Direction, now time.Time) {
	if d == Reply {
		c.replied.Store(true)
	}
	timeout := genericTimeout
	switch c.orig.proto {
	case TCP:
		if p.offset == 0 {
			c.state = c.state.after(p.TCPFlags(), d)
		}
		if c.state == established && c.replied.Load() {
			c.assured = true
		}
		timeout = tcpTimeouts[c.state]
	case UDP:
		timeout = udpTimeout
		if c.replied.Load() && now.Sub(c.inserted) > 2*time.Second {
			c.assured = true
		}
		if c.assured {
			timeout = udpStreamTimeout
		}
	case ICMP, ICMPv6:
		timeout = icmpTimeout
	}
	c.expires = now.Add(timeout)
}

// after returns the state after a segment: the table of nf_conntrack_proto_tcp.c
// for peers that follow the rules.
func (s connState) after(f header.TCPFlags, d Direction) connState {
	switch {
	case f&header.TCPFlagRst != 0:
		return closed
	case f&header.TCPFlagSyn != 0 && f&header.TCPFlagAck == 0:
		if s == stateNone {
			return synSent
		}
	case f&header.TCPFlagSyn != 0:
		if s == synSent && d == Reply {
			return synRecv
		}
	case f&header.TCPFlagFin != 0:
		switch s {
		case synRecv, established:
			return finWait
		case finWait, closeWait:
			return lastAck
		}
	case f&header.TCPFlagAck != 0:
		switch {
		case s == stateNone: // picked up in its middle
			return established
		case s == synRecv && d == Original:
			return established
		case s == finWait:
			return closeWait
		case s == lastAck:
			return timeWait
		}
	}
	return s
}

// Begins reports whether a packet may be the first of a connection. To Linux,
// others of no connection are INVALID. Like it, conntrack takes up a TCP connection
// in its middle (net.netfilter.nf_conntrack_tcp_loose).
func (p *Packet) Begins() bool {
	if p.kind != plain || p.tuple.answer {
		return false
	}
	if p.tuple.proto != TCP || p.offset > 0 {
		return true
	}
	f := p.TCPFlags()
	if f&header.TCPFlagSyn != 0 {
		return f&(header.TCPFlagAck|header.TCPFlagRst) == 0
	}
	return f&(header.TCPFlagAck|header.TCPFlagRst|header.TCPFlagFin) == header.TCPFlagAck
}

// restarts reports whether a packet begins anew a connection that is over: the
// sockets that had the ports are gone.
func (c *Conn) restarts(p *Packet) bool {
	return c.state >= timeWait && p.TCPFlags()&header.TCPFlagSyn != 0 && p.Begins()
}

// mayGo reports whether the connection may be forgotten where there is no room:
// it has expired, was never established, or is being closed.
func (c *Conn) mayGo(now time.Time) bool {
	return !c.assured || c.state > established || !now.Before(c.expires)
}

// Entry is a connection as `conntrack -L` shows it.
type Entry struct {
	Orig, Reply Tuple
	State       string // of TCP; else empty
	Replied     bool
	Assured     bool
	Timeout     time.Duration // until it is forgotten
	Service     string
}

// OriginalDst returns the address that the connection was made to, before it was
// translated.
func (c *Conn) OriginalDst() netip.AddrPort { return c.orig.Dst() }
