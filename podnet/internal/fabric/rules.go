package fabric

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"

	"podnet.dev/podnet/internal/netfilter"
)

// Rules decide about connections at a router, each when its first packet comes.
// Later packets go the first one's way. A function that is nil lets everything
// be. They are called in the goroutine of a sender, which may hold locks of its
// stack: they must not wait, nor call a stack.
type Rules struct {
	// Translate says where a connection really goes, before it is routed: what
	// the nat table does in PREROUTING and, for those of the host, in OUTPUT.
	Translate func(Connection) Translation

	// Allow says whether a connection may go on to where it really goes: what
	// the filter table does in INPUT, FORWARD and OUTPUT. What may not,
	// vanishes; the string is why.
	Allow func(c Connection, dst netip.AddrPort) (ok bool, why string)

	// Opened is told of every connection that goes on.
	Opened func(Connection, *netfilter.Conn)

	// Dropped is told of every packet that does not arrive, and why.
	Dropped func(netfilter.Tuple, string)
}

// Connection is a connection that begins.
type Connection struct {
	netfilter.Tuple
	From  Origin
	Owner tcpip.PacketOwner // the sender's socket's, where it is known; else nil
}

// Origin says whence a connection comes to a router.
type Origin uint8

// The origins.
const (
	FromNamespace Origin = iota // over a veth
	FromHost                    // from the router's own host
	FromNetwork                 // from another node
)

// Translation is what becomes of a connection. The zero value leaves it as it is.
type Translation struct {
	Dst        netip.AddrPort    // where it really goes; the zero value: where it was sent
	Masquerade bool              // its source becomes the router's address where it leaves
	Refuse     netfilter.Refusal // it is refused, if not 0
	Drop       bool              // it vanishes
	Why        string            // of Refuse and Drop
	Service    string            // by what it is translated, for people
}

// Why packets are dropped, apart from what Rules and conntrack say.
const (
	DropMalformed   = netfilter.DropMalformed
	DropMulticast   = "multicast is not forwarded"
	DropNoRoute     = netfilter.DropNoRoute
	DropNoNeighbour = "nobody has the address"
	DropTTL         = "TTL exceeded in transit"
	DropTooBig      = "longer than the MTU"
	DropQueueFull   = netfilter.DropQueueFull
	DropDenied      = "denied by policy"
	DropTranslated  = "refused by a rule"
	DropNoDevice    = "the device is down"
	DropMartian     = "martian: a loopback address, or the receiver's own as the source"
	DropInvalid     = "no first packet of a connection, and none of one that is known"
	DropUnrelated   = "ICMP error about an unknown connection"
	DropClosed      = "the network is closed"
)
