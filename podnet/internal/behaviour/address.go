package behaviour

import (
	"fmt"
	"net"
)

// addressCases show what sockets say that their addresses are.
var addressCases = []Case{
	listenerAddress("tcp", ":0"), listenerAddress("tcp", "0.0.0.0:0"), listenerAddress("tcp", "[::]:0"), listenerAddress("tcp4", ":0"),
	listenerAddress("tcp6", ":0"), listenerAddress("tcp", "127.0.0.1:0"), listenerAddress("tcp", "127.0.0.7:0"), listenerAddress("tcp", "[::1]:0"),
	own(listenerAddress("tcp", "localhost:0")), own(listenerAddress("tcp6", "localhost:0")), listenerAddress("tcp", "[::ffff:127.0.0.1]:0"),
	packetAddress("udp", ":0"), packetAddress("udp", "0.0.0.0:0"), packetAddress("udp4", ":0"), packetAddress("udp6", ":0"),
	packetAddress("udp", "127.0.0.1:0"), packetAddress("udp", "[::1]:0"), own(packetAddress("udp", "localhost:0")),
	{Name: "address: mapped IPv4 peers of a dual-stack listener", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "::1", "0.0.0.0", "::", ""} {
			n.addrs(host+" client", n.dial(v, "tcp", at(host, l.Addr())))
			n.addrs(host+" server", n.accept(l))
		}
	}},
	{Name: "address: mapped IPv4 senders of a dual-stack UDP socket", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", ":0")
		for _, host := range []string{"127.0.0.1", "::1"} {
			c := n.dial(v, "udp", at(host, p.LocalAddr()))
			n.addrs(host, c)
			n.write("write", c, "x")
			_, from, err := p.ReadFrom(make([]byte, 1))
			n.Must(err)
			n.Note("from", describe(from))
		}
	}},
	{Name: "address: no remote one", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c, ok := p.(net.Conn)
		n.Note("is a net.Conn", ok)
		n.Note("remote", fmt.Sprint(c.RemoteAddr()))
	}},
	{Name: "address: of a closed socket", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		c.Close()
		s.Close()
		n.addrs("client", c)
		n.addrs("server", s)
		l := n.listen(v, "tcp", loopback)
		l.Close()
		n.Note("listener", describe(l.Addr()))
		p := n.listenPacket(v, "udp", loopback)
		p.Close()
		n.Note("packet", describe(p.LocalAddr()))
	}},
	{Name: "address: the two ends mirror each other", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Note("there", c.LocalAddr().String() == s.RemoteAddr().String())
		n.Note("back", c.RemoteAddr().String() == s.LocalAddr().String())
	}},
}

func listenerAddress(network, address string) Case {
	return Case{Name: fmt.Sprintf("address: of a listener on %s %s", network, address), Run: func(n *Notebook, v Verbs) {
		n.Note("address", describe(n.listen(v, network, address).Addr()))
	}}
}

// own is c with the need of a hosts file like a Pod's.
func own(c Case) Case {
	c.Needs |= OwnNetwork
	return c
}

func packetAddress(network, address string) Case {
	return Case{Name: fmt.Sprintf("address: of a packet socket on %s %s", network, address), Run: func(n *Notebook, v Verbs) {
		n.Note("address", describe(n.listenPacket(v, network, address).LocalAddr()))
	}}
}
