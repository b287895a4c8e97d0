package behaviour

import (
	"bytes"
	"fmt"
	"net"
	"strings"
)

// readFrom notes what one ReadFrom gives, with the sender.
func (n *Notebook) readFrom(what string, p net.PacketConn, size int) {
	b := make([]byte, size)
	m, from, err := p.ReadFrom(b)
	if err == nil {
		what += " from " + describe(from)
	}
	n.note(what, b[:m], err)
}

func (n *Notebook) writeTo(what string, p net.PacketConn, text string, to net.Addr) {
	m, err := p.WriteTo([]byte(text), to)
	n.Note(fmt.Sprintf("%s (%d)", what, m), err)
}

// udpCases show what datagrams do.
var udpCases = []Case{
	{Name: "udp: there and back", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.write("write", c, "ping")
		n.readFrom("server", p, 9)
		n.writeTo("answer", p, "pong", c.LocalAddr())
		n.read("client", c, 9)
	}},
	{Name: "udp: a datagram that does not fit is cut", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.write("write", c, "a longer datagram")
		n.write("write", c, "next")
		n.readFrom("cut", p, 8)
		n.readFrom("next", p, 8)
		n.writeTo("answer", p, "a longer answer", c.LocalAddr())
		n.writeTo("answer", p, "next", c.LocalAddr())
		n.read("cut", c, 8)
		n.read("next", c, 8)
	}},
	{Name: "udp: an empty datagram", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.write("write", c, "")
		n.readFrom("server", p, 8)
		n.writeTo("answer", p, "", c.LocalAddr())
		n.read("client", c, 8)
	}},
	{Name: "udp: read into nothing", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.write("write", c, "first")
		n.write("write", c, "second")
		n.readFrom("nothing", p, 0)
		n.readFrom("next", p, 9)
		n.writeTo("answer", p, "first", c.LocalAddr())
		n.writeTo("answer", p, "second", c.LocalAddr())
		n.read("client nothing", c, 0)
		n.read("client next", c, 9)
	}},
	{Name: "udp: the largest datagram", Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"127.0.0.1", "::1"} {
			p := n.listenPacket(v, "udp", net.JoinHostPort(host, "0"))
			c := n.dial(v, "udp", p.LocalAddr().String())
			for _, size := range []int{65507, 65508, 65527, 65528, 65535, 70000} {
				sent := bytes.Repeat([]byte("x"), size)
				m, err := c.Write(sent)
				n.Note(fmt.Sprint(host, " ", size, " ", m), err)
				if err == nil {
					b := make([]byte, 70000)
					m, _, err := p.ReadFrom(b)
					n.Note(fmt.Sprint("arrives whole ", bytes.Equal(b[:m], sent)), err)
				}
				m, err = p.WriteTo(sent, p.LocalAddr())
				n.Note(fmt.Sprint("WriteTo ", m), err)
				if err == nil {
					p.ReadFrom(make([]byte, 1))
				}
			}
		}
	}},
	{Name: "udp: a datagram in fragments, over the own address", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{IPv4, IPv6} {
			p := n.listenPacket(v, "udp", net.JoinHostPort(host, "0"))
			c := n.dial(v, "udp", p.LocalAddr().String())
			sent := []byte(strings.Repeat("0123456789", 2000))
			_, err := c.Write(sent)
			n.Must(err)
			b := make([]byte, 70000)
			m, _, err := p.ReadFrom(b)
			n.Note(fmt.Sprint("whole ", bytes.Equal(b[:m], sent)), err)
		}
	}},
	{Name: "udp: to a closed port, connected", Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"127.0.0.1", "::1"} {
			c := n.dial(v, "udp", net.JoinHostPort(host, "9"))
			n.write("write", c, "x")
			n.read("read", c, 1)
			n.write("write again", c, "x")
			n.read("read again", c, 1)
		}
	}},
	{Name: "udp: to a closed port, connected, and writing on", Run: func(n *Notebook, v Verbs) {
		c := n.dial(v, "udp", "127.0.0.1:9")
		n.writeUntilError("write", c)
	}},
	{Name: "udp: to a closed port, not connected", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		n.writeTo("write", p, "lost", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
		n.writeTo("to itself", p, "found", p.LocalAddr())
		n.readFrom("read", p, 9)
	}},
	{Name: "udp: the peer's port closes", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.write("write", c, "x")
		n.readFrom("read", p, 1)
		p.Close()
		n.write("write", c, "x")
		n.read("read", c, 1)
	}},
	{Name: "udp: a connected socket hears its peer only", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		q := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.writeTo("stranger", q, "stranger", c.LocalAddr())
		n.writeTo("peer", p, "peer", c.LocalAddr())
		n.read("read", c, 9)
	}},
	{Name: "udp: ReadFrom on a connected socket", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.writeTo("peer", p, "peer", c.LocalAddr())
		n.readFrom("read", c.(net.PacketConn), 9)
	}},
	{Name: "udp: WriteTo on a connected socket", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String()).(net.PacketConn)
		n.writeTo("peer", c, "x", p.LocalAddr())
		n.writeTo("nobody", c, "x", nil)
	}},
	{Name: "udp: Read and Write on a socket without a peer", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := p.(net.Conn)
		n.write("Write", c, "x")
		n.writeTo("WriteTo", p, "hello", p.LocalAddr())
		n.read("Read", c, 9)
	}},
	{Name: "udp: WriteTo an address of a foreign type", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		n.writeTo("*net.TCPAddr", p, "x", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
		n.writeTo("*net.IPAddr", p, "x", &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)})
		n.writeTo("*net.UnixAddr", p, "x", &net.UnixAddr{Name: "x", Net: "unixgram"})
		n.writeTo("nil", p, "x", nil)
		n.writeTo("nil *net.UDPAddr", p, "x", (*net.UDPAddr)(nil))
	}},
	{Name: "udp: WriteTo an address of the other family", Run: func(n *Notebook, v Verbs) {
		four, six := n.listenPacket(v, "udp4", ":0"), n.listenPacket(v, "udp6", ":0")
		n.writeTo("4 to 6", four, "x", &net.UDPAddr{IP: net.IPv6loopback, Port: 9})
		n.writeTo("6 to 4", six, "x", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	}},
	{Name: "udp: WriteTo the unspecified address", Run: func(n *Notebook, v Verbs) {
		for _, network := range []string{"udp", "udp4", "udp6"} {
			p := n.listenPacket(v, network, ":0")
			here := p.LocalAddr().(*net.UDPAddr).Port
			for _, ip := range []net.IP{nil, net.IPv4zero, net.IPv6zero} {
				to := &net.UDPAddr{IP: ip, Port: here}
				m, err := p.WriteTo([]byte("x"), to)
				n.Note(fmt.Sprint(network, " ", ip, " ", m), err)
				if err == nil {
					n.readFrom("read", p, 1)
				}
			}
		}
	}},
	{Name: "udp: WriteTo multicast and broadcast", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", ":0")
		for _, host := range []string{"224.0.0.5", "255.255.255.255", "10.244.0.255", "10.244.0.77", "192.0.2.1"} {
			n.writeTo(host, p, "x", &net.UDPAddr{IP: net.ParseIP(host), Port: 9})
		}
	}},
	{Name: "udp: an own address, bound, reaches out and itself", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{IPv4, IPv6} {
			p := n.listenPacket(v, "udp", net.JoinHostPort(host, "0"))
			for range 8 {
				n.writeTo("itself", p, "x", p.LocalAddr())
				n.readFrom("read", p, 1)
			}
			n.writeTo("out", p, "x", &net.UDPAddr{IP: net.ParseIP(host).To16(), Port: 9})
		}
		p := n.listenPacket(v, "udp", net.JoinHostPort(IPv4, "0"))
		n.writeTo("out", p, "x", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9})
	}},
	{Name: "udp: WriteTo port 0", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		n.writeTo("WriteTo", p, "x", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	}},
	{Name: "udp: WriteTo an address that is not an address", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		n.writeTo("5 bytes", p, "x", &net.UDPAddr{IP: net.IP{1, 2, 3, 4, 5}, Port: 9})
	}},
	{Name: "udp: a dual-stack socket reaches both families", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", ":0")
		for _, host := range []string{"127.0.0.1", "::1"} {
			q := n.listenPacket(v, "udp", net.JoinHostPort(host, "0"))
			n.writeTo(host, p, "x", q.LocalAddr())
			n.readFrom("read", q, 1)
		}
	}},
	{Name: "udp: the source of an answer from a wildcard socket", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", ":0")
		q := n.listenPacket(v, "udp", ":0")
		for _, host := range []string{"127.0.0.1", "127.0.0.5", IPv4, "::1", IPv6} {
			n.writeTo(host, q, "x", &net.UDPAddr{IP: net.ParseIP(host), Port: p.LocalAddr().(*net.UDPAddr).Port})
			n.readFrom("read", p, 1)
		}
	}},
	{Name: "udp: every call after Close", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.Note("Close", p.Close())
		n.Note("Close again", p.Close())
		n.readFrom("ReadFrom", p, 1)
		n.writeTo("WriteTo", p, "x", c.LocalAddr())
		n.Note("SetDeadline", p.SetDeadline(past()))
		n.Note("Close", c.Close())
		n.Note("Close again", c.Close())
		n.read("Read", c, 1)
		n.write("Write", c, "x")
		n.Note("SetReadBuffer", c.(bufferer).SetReadBuffer(1<<16))
	}},
	{Name: "udp: Close wakes those who read", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		one := later(func() error { _, _, err := p.ReadFrom(make([]byte, 1)); return err })
		two := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		p.Close()
		c.Close()
		n.Note("ReadFrom", <-one)
		n.Note("Read", <-two)
	}},
	{Name: "udp: datagrams wait in order for a reader", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		for i := range 20 {
			n.write("write", c, fmt.Sprint(i))
		}
		for range 20 {
			n.readFrom("read", p, 9)
		}
	}},
	{Name: "udp: what arrived before Close of the sender stays", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		c := n.dial(v, "udp", p.LocalAddr().String())
		n.write("write", c, "left behind")
		c.Close()
		n.readFrom("read", p, 20)
	}},
	{Name: "udp: two sockets dialed to one peer", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		one := n.dial(v, "udp", p.LocalAddr().String())
		two := n.dial(v, "udp", p.LocalAddr().String())
		n.Note("ports differ", one.LocalAddr().String() != two.LocalAddr().String())
		n.writeTo("to one", p, "1", one.LocalAddr())
		n.writeTo("to two", p, "2", two.LocalAddr())
		n.read("one", one, 1)
		n.read("two", two, 1)
	}},
	{Name: "udp: buffers can be set", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		n.Note("read", p.(bufferer).SetReadBuffer(1<<16))
		n.Note("write", p.(bufferer).SetWriteBuffer(1<<16))
	}},
	{Name: "udp: a socket talks to itself", Run: func(n *Notebook, v Verbs) {
		c, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort("127.0.0.1:21050")}, "udp", "127.0.0.1:21050")
		n.Must(err)
		n.write("write", c, "echo")
		n.read("read", c, 9)
	}},
}
