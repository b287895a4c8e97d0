package iptables

import "net/netip"

// Packet is what rules see of a packet. The caller fills it; rules change
// nothing but Mark and State.
type Packet struct {
	Src, Dst           netip.Addr
	Protocol           uint8  // of IP: 1, 6, 17, 58…
	SrcPort, DstPort   uint16 // of TCP and UDP
	ICMPType, ICMPCode uint8  // of ICMP and ICMPv6
	TCPFlags           uint8  // FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32
	Fragment           bool   // a fragment, and not the first: there are no ports
	Length             int    // bytes from the IP header on, for the counters
	In, Out            string // the interfaces, "" if there is none

	HasOwner bool   // there is a socket, and it belongs to a process
	UID, GID uint32 // of that process, if HasOwner

	// State is what connection tracking says. In the raw table, which comes before
	// it, leave it StateInvalid: a rule may then make it StateUntracked.
	State      ConnState
	SNAT, DNAT bool // the connection's source or destination is translated

	Mark uint32 // read and written by rules

	AddrType func(netip.Addr) AddrType // what an address is to this namespace; nil is Unicast for all
	Random   func() uint32             // for --mode random; nil is always 0
}

// Flags of TCP.
const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
	tcpURG
	tcpAll = 1<<iota - 1
)

// Numbers of protocols that rules know.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoDCCP   = 33
	protoICMPv6 = 58
	protoSCTP   = 132
	protoUDPLit = 136
)

// ConnState is what connection tracking says of a packet.
type ConnState uint8

// The states. The zero value is StateInvalid, as for a packet that connection
// tracking could make nothing of.
const (
	StateInvalid ConnState = iota
	StateNew
	StateEstablished
	StateRelated
	StateUntracked // a rule of the raw table said so: leave connection tracking out
)

// AddrType is what an address is to a namespace: the type of its route.
type AddrType uint8

// The types of addresses.
const (
	Unspec AddrType = iota
	Unicast
	Local // an address of the namespace itself
	Broadcast
	Anycast
	Multicast
	Blackhole
	Unreachable
	Prohibit
)
