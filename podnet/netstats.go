package podnet

import "podnet.dev/podnet/internal/netstack"

// NetworkStats are counters of a network namespace, by protocol, from when it
// began. They have the names of Linux's /proc/net/snmp and netstat, and count what
// its TCP/IP stack sees: not what rules, faults and links drop before. Long segments
// of TCP that cross in one piece are one packet and one segment. What goes from socket
// to socket without packets, as TCP's data on localhost does unless a trace runs (see
// the package's "What differs from a real cluster"), is not counted.
type NetworkStats struct {
	IP, IPv6     IPStats
	ICMP, ICMPv6 ICMPStats
	TCP          TCPStats // over both
	UDP          UDPStats // over both; Linux has Udp and Udp6
}

// IPStats are counters of IPv4 or IPv6.
type IPStats struct {
	InReceives   uint64 // packets received
	InHdrErrors  uint64 // of these, with a header that makes no sense
	InAddrErrors uint64 // of these, with an address that is wrong here
	InDelivers   uint64 // of these, given to a transport
	OutRequests  uint64 // packets sent
	OutDiscards  uint64 // of these, those that no link took
}

// ICMPStats are counters of ICMP's messages: InMsgs and OutMsgs are the sums of the
// kinds that there are here.
type ICMPStats struct {
	InMsgs, InErrors, InDestUnreachs, InTimeExcds, InEchos, InEchoReps uint64
	OutMsgs, OutDestUnreachs, OutTimeExcds, OutEchos, OutEchoReps      uint64
}

// TCPStats are counters of TCP.
type TCPStats struct {
	ActiveOpens     uint64 // connections that were dialed
	PassiveOpens    uint64 // connections that came
	AttemptFails    uint64 // those of both that failed
	EstabResets     uint64 // connections that ended by a reset
	CurrEstab       uint64 // connections now
	InSegs          uint64 // segments received
	OutSegs         uint64 // segments sent
	RetransSegs     uint64 // of these, sent again
	InErrs          uint64 // segments received that make no sense
	OutRsts         uint64 // resets sent
	InCsumErrors    uint64 // of InErrs, with a wrong checksum
	ListenOverflows uint64 // connections that found an accept queue full
	TCPTimeouts     uint64 // times that an acknowledgment did not come
	TCPFastRetrans  uint64 // of RetransSegs, without a timeout
}

// UDPStats are counters of UDP.
type UDPStats struct {
	InDatagrams  uint64 // datagrams received
	NoPorts      uint64 // datagrams for a port that nobody has
	InErrors     uint64 // datagrams that were lost for another reason
	OutDatagrams uint64 // datagrams sent
	RcvbufErrors uint64 // of InErrors, those that found a receive buffer full
	InCsumErrors uint64 // of InErrors, those with a wrong checksum
}

// NetworkStats returns the counters of the Pod's network namespace, all 0 while it
// has none. With [Config].IPPerContainer they are those of the first container's.
func (p *Pod) NetworkStats() NetworkStats { return p.currentSandbox().networkStats() }

// NetworkStats returns the counters of the network namespace that the container is
// in.
func (c *Container) NetworkStats() NetworkStats { return c.sandbox().networkStats() }

func (s *sandbox) networkStats() NetworkStats {
	if s == nil {
		return NetworkStats{}
	}
	return networkStats(s.net)
}

// NetworkStats returns the counters of the node's own network namespace: what it
// forwards is not in them.
func (n *Node) NetworkStats() NetworkStats {
	ns := n.node.current()
	if ns == nil {
		return NetworkStats{}
	}
	return networkStats(ns)
}

func networkStats(ns *netstack.Namespace) NetworkStats {
	s := ns.Stats()
	return NetworkStats{
		IP: IPStats(s.IP), IPv6: IPStats(s.IPv6), ICMP: ICMPStats(s.ICMP), ICMPv6: ICMPStats(s.ICMPv6),
		TCP: TCPStats(s.TCP), UDP: UDPStats(s.UDP),
	}
}
