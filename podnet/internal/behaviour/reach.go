package behaviour

import (
	"net"
	"strings"
	"time"
)

// reachCases show who reaches which listener.
func reachCases() []Case {
	targets := []string{"127.0.0.1", "127.0.0.5", IPv4, "0.0.0.0", "::1", IPv6, "::", "::ffff:127.0.0.1"}
	var cases []Case
	for _, k := range kinds {
		cases = append(cases, Case{
			Name:  "connect: who reaches a TCP listener on " + k.String(),
			Needs: OwnNetwork,
			Run: func(n *Notebook, v Verbs) {
				l := n.listen(v, "tcp"+k.family, net.JoinHostPort(k.host, "0"))
				for _, target := range targets {
					c, err := v.Dial(n.ctx, "tcp", at(target, l.Addr()))
					if err != nil {
						n.Note(target, err)
						continue
					}
					n.addrs(target+", client", c)
					n.addrs(target+", server", n.accept(l))
				}
			},
		}, Case{
			Name:  "connect: who reaches a UDP socket on " + k.String(),
			Needs: OwnNetwork,
			Run: func(n *Notebook, v Verbs) {
				p := n.listenPacket(v, "udp"+k.family, net.JoinHostPort(k.host, "0"))
				go func() {
					b := make([]byte, 99)
					for {
						_, from, err := p.ReadFrom(b)
						if err != nil {
							return
						}
						p.WriteTo([]byte(describe(from)), from)
					}
				}()
				for _, target := range targets {
					c, err := v.Dial(n.ctx, "udp", at(target, p.LocalAddr()))
					if err != nil {
						n.Note(target, err)
						continue
					}
					n.addrs(target+", client", c)
					c.Write([]byte("x"))
					// The answer of a wildcard socket may come from
					// another address than was dialed, and is not heard.
					c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
					b := make([]byte, 99)
					m, err := c.Read(b)
					n.note(target+", answer", b[:m], err)
				}
			},
		})
	}
	return append(cases, sourceCases...)
}

// sourceCases show which address a connection comes from.
var sourceCases = []Case{
	{Name: "source: of a connection to an own address", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		for _, host := range []string{"127.0.0.1", "127.0.0.5", "127.255.255.254", IPv4, "::1", IPv6} {
			c := n.dial(v, "tcp", at(host, l.Addr()))
			n.addrs(host, c)
			n.accept(l)
		}
	}},
	{Name: "source: of a connected UDP socket", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"127.0.0.1", "127.0.0.5", IPv4, "10.244.0.77", "192.0.2.1", "::1", IPv6, "fd00:10:244::77", "2001:db8::1", ""} {
			c, err := v.Dial(n.ctx, "udp", net.JoinHostPort(host, "9"))
			if err != nil {
				n.Note(host, err)
				continue
			}
			n.addrs(host, c)
		}
	}},
	{Name: "source: chosen by the dialer", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		for _, s := range []struct{ from, to string }{
			{"127.0.0.9:0", "127.0.0.1"}, {IPv4 + ":0", "127.0.0.1"}, {"127.0.0.1:21001", "127.0.0.5"}, {"[" + IPv6 + "]:0", "::1"},
			{"127.0.0.1:0", IPv4}, {"0.0.0.0:21002", "127.0.0.1"}, {"[::]:21003", "::1"},
		} {
			c, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort(s.from)}, "tcp", at(s.to, l.Addr()))
			if err != nil {
				n.Note(s.from+" to "+s.to, err)
				continue
			}
			n.addrs(s.from+" to "+s.to, c)
			n.addrs("server", n.accept(l))
		}
	}},
	{Name: "source: a port only", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		for i, host := range []string{"127.0.0.1", "::1"} {
			c, err := v.DialWith(n.ctx, Dialer{LocalAddr: portOnly(21010 + i)}, "tcp", at(host, l.Addr()))
			n.Must(err)
			n.addrs(host, c)
		}
	}},
	{Name: "source: chosen by a UDP dialer", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", ":0")
		for _, s := range []struct{ from, to string }{{"127.0.0.9:0", "127.0.0.1"}, {"127.0.0.1:21021", "127.0.0.5"}, {"[" + IPv6 + "]:0", "::1"}} {
			c, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort(s.from)}, "udp", at(s.to, p.LocalAddr()))
			n.Must(err)
			n.addrs(s.from, c)
			n.write("write", c, "x")
			_, from, err := p.ReadFrom(make([]byte, 1))
			n.Must(err)
			n.Note("from", describe(from))
		}
	}},
	{Name: "source: a UDP port only", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", ":0")
		for i, host := range []string{"127.0.0.1", "::1"} {
			c, err := v.DialWith(n.ctx, Dialer{LocalAddr: portOnly(21015 + i)}, "udp", at(host, p.LocalAddr()))
			n.Must(err)
			n.addrs(host, c)
		}
	}},
	{Name: "source: of another family than the peer", Run: func(n *Notebook, v Verbs) {
		for _, network := range []string{"tcp", "udp"} {
			_, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort("127.0.0.1:0")}, network, "[::1]:9")
			n.Note(network+" 4 to 6", err)
			_, err = v.DialWith(n.ctx, Dialer{LocalAddr: addrPort("[::1]:0")}, network, "127.0.0.1:9")
			n.Note(network+" 6 to 4", err)
		}
	}},
	{Name: "source: decides the family of a name", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		for _, from := range []string{"127.0.0.1:0", "[::1]:0"} {
			c, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort(from)}, "tcp", at("localhost", l.Addr()))
			n.Must(err)
			n.addrs(from, c)
		}
	}},
	{Name: "source: an address that is not here", Run: func(n *Notebook, v Verbs) {
		for _, network := range []string{"tcp", "udp"} {
			_, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort("192.0.2.1:0")}, network, "127.0.0.1:9")
			n.Note(network, err)
		}
	}},
	{Name: "source: a port that a listener has", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		p := n.listenPacket(v, "udp", loopback)
		_, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort(l.Addr().String())}, "tcp", "127.0.0.1:9")
		n.Note("tcp", err)
		_, err = v.DialWith(n.ctx, Dialer{LocalAddr: addrPort(p.LocalAddr().String())}, "udp", "127.0.0.1:9")
		n.Note("udp", err)
	}},
	{Name: "source: a port in TIME_WAIT", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		d := Dialer{LocalAddr: addrPort("127.0.0.1:21030")}
		c, err := v.DialWith(n.ctx, d, "tcp", l.Addr().String())
		n.Must(err)
		s := n.accept(l)
		c.Close()
		n.read("server", s, 1)
		s.Close()
		_, err = v.DialWith(n.ctx, d, "tcp", l.Addr().String())
		n.Note("again", err)
	}},
	{Name: "source: one's own target", Run: func(n *Notebook, v Verbs) {
		c, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort("127.0.0.1:21031")}, "tcp", "127.0.0.1:21031")
		n.Must(err)
		n.addrs("itself", c)
		n.write("write", c, "hello")
		n.read("read", c, 9)
	}},
	{Name: "source: text of a refused dial", Run: func(n *Notebook, v Verbs) {
		for _, network := range []string{"tcp", "tcp4"} {
			_, err := v.DialWith(n.ctx, Dialer{LocalAddr: addrPort("127.0.0.1:21032")}, network, "127.0.0.1:9")
			n.Note(network, err)
			n.Note("words", strings.Count(err.Error(), "->"))
		}
	}},
}
