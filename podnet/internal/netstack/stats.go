package netstack

import (
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Stats are the counters of a namespace, with Linux's names.
type Stats struct {
	IP, IPv6     IPStats
	ICMP, ICMPv6 ICMPStats
	TCP          TCPStats
	UDP          UDPStats
}

// IPStats are some of Linux's Ip or Ip6.
type IPStats struct {
	InReceives, InHdrErrors, InAddrErrors, InDelivers uint64
	OutRequests, OutDiscards                          uint64
}

// ICMPStats are some of Linux's Icmp or Icmp6.
type ICMPStats struct {
	InMsgs, InErrors, InDestUnreachs, InTimeExcds, InEchos, InEchoReps uint64
	OutMsgs, OutDestUnreachs, OutTimeExcds, OutEchos, OutEchoReps      uint64
}

// TCPStats are Linux's Tcp, and some of its TcpExt.
type TCPStats struct {
	ActiveOpens, PassiveOpens, AttemptFails, EstabResets, CurrEstab uint64
	InSegs, OutSegs, RetransSegs, InErrs, OutRsts, InCsumErrors     uint64
	ListenOverflows, TCPTimeouts, TCPFastRetrans                    uint64
}

// UDPStats are some of Linux's Udp and Udp6 together.
type UDPStats struct {
	InDatagrams, NoPorts, InErrors, OutDatagrams, RcvbufErrors, InCsumErrors uint64
}

// Stats returns the counters: of IP those of the links that are there.
func (ns *Namespace) Stats() Stats {
	all := ns.stack.Stats()
	t, u := all.TCP, all.UDP
	v4in, v4out := all.ICMP.V4.PacketsReceived, all.ICMP.V4.PacketsSent
	v6in, v6out := all.ICMP.V6.PacketsReceived, all.ICMP.V6.PacketsSent
	s := Stats{
		ICMP: ICMPStats{
			InErrors: v4in.Invalid.Value(), InDestUnreachs: v4in.DstUnreachable.Value(), InTimeExcds: v4in.TimeExceeded.Value(),
			InEchos: v4in.EchoRequest.Value(), InEchoReps: v4in.EchoReply.Value(),
			OutDestUnreachs: v4out.DstUnreachable.Value(), OutTimeExcds: v4out.TimeExceeded.Value(),
			OutEchos: v4out.EchoRequest.Value(), OutEchoReps: v4out.EchoReply.Value(),
		},
		ICMPv6: ICMPStats{
			InErrors: v6in.Invalid.Value(), InDestUnreachs: v6in.DstUnreachable.Value(), InTimeExcds: v6in.TimeExceeded.Value(),
			InEchos: v6in.EchoRequest.Value(), InEchoReps: v6in.EchoReply.Value(),
			OutDestUnreachs: v6out.DstUnreachable.Value(), OutTimeExcds: v6out.TimeExceeded.Value(),
			OutEchos: v6out.EchoRequest.Value(), OutEchoReps: v6out.EchoReply.Value(),
		},
		TCP: TCPStats{
			ActiveOpens: t.ActiveConnectionOpenings.Value(), PassiveOpens: t.PassiveConnectionOpenings.Value(),
			AttemptFails: t.FailedConnectionAttempts.Value(), EstabResets: t.EstablishedResets.Value(), CurrEstab: t.CurrentEstablished.Value(),
			InSegs: t.ValidSegmentsReceived.Value(), OutSegs: t.SegmentsSent.Value(), RetransSegs: t.Retransmits.Value(),
			InErrs: t.InvalidSegmentsReceived.Value() + t.ChecksumErrors.Value(), OutRsts: t.ResetsSent.Value(), InCsumErrors: t.ChecksumErrors.Value(),
			ListenOverflows: t.ListenOverflowSynDrop.Value() + t.ListenOverflowAckDrop.Value(),
			TCPTimeouts:     t.Timeouts.Value(), TCPFastRetrans: t.FastRetransmit.Value(),
		},
		UDP: UDPStats{
			InDatagrams: u.PacketsReceived.Value(), NoPorts: u.UnknownPortErrors.Value(), OutDatagrams: u.PacketsSent.Value(),
			RcvbufErrors: u.ReceiveBufferErrors.Value(), InCsumErrors: u.ChecksumErrors.Value(),
			InErrors: u.ReceiveBufferErrors.Value() + u.MalformedPacketsReceived.Value() + u.ChecksumErrors.Value(),
		},
	}
	for _, i := range []*ICMPStats{&s.ICMP, &s.ICMPv6} {
		i.InMsgs = i.InErrors + i.InDestUnreachs + i.InTimeExcds + i.InEchos + i.InEchoReps
		i.OutMsgs = i.OutDestUnreachs + i.OutTimeExcds + i.OutEchos + i.OutEchoReps
	}
	for _, nic := range ns.stack.NICInfo() {
		s.IP.add(nic.NetworkStats[header.IPv4ProtocolNumber])
		s.IPv6.add(nic.NetworkStats[header.IPv6ProtocolNumber])
	}
	return s
}

func (s *IPStats) add(of stack.NetworkEndpointStats) {
	ip, ok := of.(stack.IPNetworkEndpointStats)
	if !ok {
		return
	}
	n := ip.IPStats()
	s.InReceives += n.PacketsReceived.Value()
	s.InHdrErrors += n.MalformedPacketsReceived.Value() + n.MalformedFragmentsReceived.Value()
	s.InAddrErrors += n.InvalidDestinationAddressesReceived.Value() + n.InvalidSourceAddressesReceived.Value()
	s.InDelivers += n.PacketsDelivered.Value()
	s.OutRequests += n.PacketsSent.Value()
	s.OutDiscards += n.OutgoingPacketErrors.Value()
}
