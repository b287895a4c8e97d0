package podnet

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"podnet.dev/podnet/internal/faults"
	"podnet.dev/podnet/internal/netfilter"
)

// A Script says what becomes of each packet that it is shown. Calls wait for each
// other, so it may keep what it knows in variables. It is called on the packet's way,
// while others wait: it must return at once, and call nothing of the cluster.
type Script func(Packet) Verdict

// Packet is an IP packet on its way, as a [Script] sees it. A long TCP segment comes
// as the packets that it is cut into.
type Packet struct {
	Time      time.Time
	From, To  string         // the Pod, as default/web, or the node; To is the node as long as nobody knows which Pod gets it
	Container string         // whose socket sent it; "" if that is not known
	Protocol  Protocol       // TCP, UDP, or "" for others
	Src, Dst  netip.AddrPort // as they are at this place, the ports of TCP and UDP only
	Size      int            // of the IP packet, in bytes
	Length    int            // of what TCP or UDP carries, in bytes
	Flags     TCPFlags       // of TCP

	lent *lentPacket
}

// lentPacket is a packet for the time of a Script's call. Afterwards it is nil: other
// packets have its memory.
type lentPacket struct{ *netfilter.Packet }

// TCPFlags are the flags of a TCP segment.
type TCPFlags uint8

// The flags of TCP.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)

// Has reports whether all of these flags are set.
func (f TCPFlags) Has(flags TCPFlags) bool { return f&flags == flags }

// Opens reports whether the packet is the first of a TCP connection: SYN without ACK.
func (p Packet) Opens() bool { return p.Flags&(SYN|ACK) == SYN }

// Data returns a copy of what TCP or UDP carries. It must be called before the Script
// returns, and returns nil later.
func (p Packet) Data() []byte {
	if p.lent == nil || p.lent.Packet == nil {
		return nil
	}
	b := p.lent.Bytes()
	return b[len(b)-p.lent.Payload():]
}

// Verdict is what becomes of a packet. The zero value is Pass.
type Verdict struct {
	kind  faults.Kind
	delay time.Duration
}

// The verdicts; DelayBy is another.
var (
	// Pass lets the packet go on.
	Pass = Verdict{}
	// Drop makes it vanish.
	Drop = Verdict{kind: faults.Drop}
	// Reject drops it and tells its sender: by a TCP reset, to which a dial fails
	// with "connection refused", or by ICMP that says that the port is unreachable.
	Reject = Verdict{kind: faults.Reject}
	// Reset drops it and tells both ends that the connection is reset. Other
	// packets than TCP's are rejected.
	Reset = Verdict{kind: faults.Reset}
)

// DelayBy lets the packet arrive later. Others overtake it.
func DelayBy(d time.Duration) Verdict { return Verdict{faults.Delay, max(0, d)} }

// Intercept asks a Script about every packet that is meant, until the Fault is
// closed.
func (c *Cluster) Intercept(w Where, s Script) (*Fault, error) {
	var errs fieldErrors
	f := &faults.Fault{Where: w.engine(c, &errs)}
	if s == nil {
		errs.add(FieldRequired, "Script", nil, "it is nil")
	}
	if err := errs.err("Script", f.Where.String()); err != nil {
		return nil, fmt.Errorf("podnet: %w", err)
	}
	var turn sync.Mutex
	f.Script = func(at *faults.Crossing) faults.Verdict {
		p := packetOf(at)
		turn.Lock()
		defer turn.Unlock()
		defer func() { p.lent.Packet = nil }()
		v := s(p)
		return faults.Verdict{Kind: v.kind, Delay: v.delay}
	}
	return c.addFault(f)
}

func packetOf(at *faults.Crossing) Packet {
	q := at.Packet
	t := q.Tuple()
	p := Packet{
		Time: at.Time, From: at.From.String(), To: at.To.String(), Src: t.Src(), Dst: t.Dst(),
		Size: q.Size(), Length: q.Payload(), Flags: TCPFlags(q.TCPFlags()), lent: &lentPacket{q},
	}
	switch t.Protocol() {
	case netfilter.TCP:
		p.Protocol = ProtocolTCP
	case netfilter.UDP:
		p.Protocol = ProtocolUDP
	}
	if o, ok := q.Owner.(interface{ Name() string }); ok {
		p.Container = o.Name()
	}
	return p
}
