package podnet

import (
	"fmt"
	"net/netip"
	"time"

	"podnet.dev/podnet/internal/netstack"
)

// Socket is an open socket of a Pod or a node, as `ss -a` shows it.
type Socket struct {
	Network   string // as ss names it: tcp, udp, or u_str, u_dgr or u_seq of a Unix socket
	State     string // LISTEN, ESTAB, CLOSE-WAIT, UNCONN…
	Local     netip.AddrPort
	Remote    netip.AddrPort // the zero AddrPort if there is none
	DualStack bool           // bound to [::] and open to IPv4 as well
	Path      string         // of a Unix socket: its path, or its abstract name with "@" before it; "" for none
	RecvQ     int            // bytes received and not yet read
	SendQ     int            // bytes written and not yet acknowledged
	Container string         // the owner; "pause" for sockets of the Pod itself, "kubelet" and "coredns" for those of a node
	PID       int            // the owner's, in its container

	// Lent is set if it was opened by Listen, ListenPacket or Dial of a Pod, of a
	// Node, or of a Container from outside its programs: who called is to close it.
	// What is accepted is not lent, nor is a connection of an HTTPClient.
	Lent bool

	TCP *TCPInfo // of a TCP connection; else nil
}

// TCPInfo is what `ss -i` shows of a TCP connection, which has Linux's TCP_INFO of
// it. Segments may be longer than the MTU, as they are before a card cuts them up.
// Of data that goes from socket to socket, as on localhost, only the bytes are counted:
// segments, round trips and the congestion window are those of packets.
type TCPInfo struct {
	Congestion    string        // the algorithm of congestion control: cubic
	RTT, RTTVar   time.Duration // round trips: smoothed, and how they vary; 0 before the first
	RTO           time.Duration // how long an acknowledgment is waited for
	Cwnd          uint32        // the congestion window, in segments
	Ssthresh      uint32        // where slow start ends, in segments; 0 before the first loss
	SegsIn        uint64        // segments received
	SegsOut       uint64        // segments sent
	Retrans       uint64        // segments sent again
	BytesAcked    uint64        // data that the peer has acknowledged
	BytesReceived uint64        // data received, read or not
}

// String returns the socket as a line for people: "tcp ESTAB 10.244.0.2:41000 ->
// 10.244.0.3:80 (app, PID 1)".
func (s Socket) String() string {
	text := s.Network + " " + s.State
	switch {
	case s.Path != "":
		text += " " + s.Path
	case s.Local.IsValid():
		text += " " + s.Local.String()
	}
	if s.Remote.IsValid() {
		text += " -> " + s.Remote.String()
	}
	return fmt.Sprintf("%s (%s, PID %d)", text, s.Container, s.PID)
}

// Sockets returns the open sockets of all containers of the Pod, by network
// and port. With [Config].IPPerContainer they come container by container.
func (p *Pod) Sockets() []Socket {
	var list []Socket
	for _, s := range p.currentSandbox().all() {
		list = append(list, sockets(s.net)...)
	}
	return list
}

// Sockets returns the open sockets of the node's own network namespace, by network
// and port: the node's and those of the Pods on the host network.
func (n *Node) Sockets() []Socket {
	ns := n.node.current()
	if ns == nil {
		return nil
	}
	return sockets(ns)
}

// current returns the node's network namespace, nil if nothing has asked for it yet.
func (n *node) current() *netstack.Namespace {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.net
}

func sockets(ns *netstack.Namespace) []Socket {
	var list []Socket
	for _, k := range ns.Sockets() {
		list = append(list, Socket{
			Network: k.Network, State: k.State, Local: k.Local, Remote: k.Remote, DualStack: k.Dual, Path: k.Path,
			RecvQ: k.RecvQ, SendQ: k.SendQ, Container: k.Owner, PID: k.PID, Lent: k.Lent, TCP: (*TCPInfo)(k.TCP),
		})
	}
	return list
}
