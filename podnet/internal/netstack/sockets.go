package netstack

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// A Socket is a line of `ss -a`: a socket that a process has open.
type Socket struct {
	Network string // as ss names it: tcp, udp, u_str, u_dgr or u_seq
	State   string // as ss names it: LISTEN, ESTAB, CLOSE-WAIT, UNCONN…
	Local   netip.AddrPort
	Remote  netip.AddrPort // the zero AddrPort if there is none
	Path    string         // of a Unix socket: its path, or its abstract name with "@" before it; "" for none
	Dual    bool           // bound to [::] and open to IPv4 as well
	RecvQ   int            // bytes received and not yet read
	SendQ   int            // bytes written and not yet acknowledged
	Owner   string
	PID     int
	Lent    bool     // see Lend
	TCP     *TCPInfo // of a TCP connection; else nil
}

// TCPInfo is what `ss -i` shows of a TCP connection.
type TCPInfo struct {
	Congestion                string // the algorithm
	RTT, RTTVar, RTO          time.Duration
	Cwnd, Ssthresh            uint32 // in segments; Ssthresh is 0 if there is none yet
	SegsIn, SegsOut, Retrans  uint64
	BytesAcked, BytesReceived uint64
}

// states are ss's names for gVisor's.
var states = map[tcp.EndpointState]string{
	tcp.StateBound:       "UNCONN",
	tcp.StateClose:       "UNCONN",
	tcp.StateError:       "UNCONN",
	tcp.StateInitial:     "UNCONN",
	tcp.StateListen:      "LISTEN",
	tcp.StateConnecting:  "SYN-SENT",
	tcp.StateSynSent:     "SYN-SENT",
	tcp.StateSynRecv:     "SYN-RECV",
	tcp.StateEstablished: "ESTAB",
	tcp.StateFinWait1:    "FIN-WAIT-1",
	tcp.StateFinWait2:    "FIN-WAIT-2",
	tcp.StateCloseWait:   "CLOSE-WAIT",
	tcp.StateLastAck:     "LAST-ACK",
	tcp.StateClosing:     "CLOSING",
	tcp.StateTimeWait:    "TIME-WAIT",
}

// Sockets returns the open sockets of all owners, by network, port and peer.
func (ns *Namespace) Sockets() []Socket {
	ns.mu.Lock()
	owners := make([]*Owner, 0, len(ns.owners))
	for o := range ns.owners {
		owners = append(owners, o)
	}
	ns.mu.Unlock()
	var list []Socket
	for _, o := range owners {
		o.mu.Lock()
		open := maps.Clone(o.sockets)
		o.mu.Unlock()
		for d, lent := range open {
			if d.enter() == nil {
				line := d.file.describe()
				line.Owner, line.PID, line.Lent = o.name, o.pid, lent
				list = append(list, line)
				d.leave()
			}
		}
	}
	slices.SortFunc(list, func(a, b Socket) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.Local.Port(), b.Local.Port()),
			a.Local.Compare(b.Local), a.Remote.Compare(b.Remote), cmp.Compare(a.Path, b.Path))
	})
	return list
}

func (s *socket) describe() Socket {
	d := Socket{Network: "tcp"}
	d.Local = addrPortOf(s.local)
	d.Remote = addrPortOf(s.peer)
	d.Dual = s.v6 && d.Local.Addr().IsUnspecified() && !s.ep.SocketOptions().GetV6Only()
	d.RecvQ, _ = s.ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption)
	d.SendQ, _ = s.ep.GetSockOptInt(tcpip.SendQueueSizeOption)
	d.RecvQ, d.SendQ = max(d.RecvQ, 0), max(d.SendQ, 0) // a listener has none
	if _, ok := s.local.(*net.UDPAddr); ok {
		d.Network, d.State = "udp", "UNCONN"
		if s.peer != nil {
			d.State = "ESTAB"
		}
		return d
	}
	d.State = states[tcp.EndpointState(s.ep.State())]
	return d
}

// tcpInfo returns what is in d.TCP, for the queues in d.
func (c *tcpConn) tcpInfo(d Socket) *TCPInfo {
	var o tcpip.TCPInfoOption
	var cc tcpip.CongestionControlOption
	stats, ok := c.ep.Stats().(*tcp.Stats)
	if !ok || c.ep.GetSockOpt(&o) != nil || c.ep.GetSockOpt(&cc) != nil {
		return nil
	}
	written := c.write.moved.Load()
	i := &TCPInfo{
		Congestion: string(cc), RTT: o.RTT, RTTVar: o.RTTVar, RTO: o.RTO, Cwnd: o.SndCwnd,
		SegsIn: stats.SegmentsReceived.Value(), SegsOut: stats.SegmentsSent.Value(), Retrans: stats.SendErrors.Retransmits.Value(),
		BytesAcked: written - min(written, uint64(d.SendQ)), BytesReceived: c.read.moved.Load() + uint64(d.RecvQ),
	}
	if o.SndSsthresh < 0xffff { // ss takes what is more for none
		i.Ssthresh = o.SndSsthresh
	}
	return i
}

func addrPortOf(a net.Addr) netip.AddrPort {
	if ap, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return ap.AddrPort()
	}
	return netip.AddrPort{}
}
