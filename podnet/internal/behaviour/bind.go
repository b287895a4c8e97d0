package behaviour

import (
	"fmt"
	"io"
	"net"
	"strings"
)

// kind is what a socket is bound to: a suffix of the network's name and a host.
type kind struct{ family, host string }

func (k kind) String() string {
	switch {
	case k.family == "":
		return "dual [::]"
	case k.host == "::":
		return "v6-only [::]"
	}
	return k.host
}

var kinds = []kind{
	{"4", "0.0.0.0"}, {"4", "127.0.0.1"}, {"4", "127.0.0.2"}, {"4", IPv4},
	{"", ""}, {"6", "::"}, {"6", "::1"}, {"6", IPv6},
}

// options are the two sockets' in a matrix of conflicts.
type options struct {
	name          string
	transport     string
	first, second ListenConfig
	rows          bool // a case for each row, else one for all
}

func bindCases() []Case {
	var cases []Case
	reusePort, reuseAddr := ListenConfig{ReusePort: true}, ListenConfig{ReuseAddr: true}
	for _, o := range []options{
		{"no options", "tcp", ListenConfig{}, ListenConfig{}, true},
		{"no options", "udp", ListenConfig{}, ListenConfig{}, true},
		{"both SO_REUSEPORT", "tcp", reusePort, reusePort, true},
		{"both SO_REUSEPORT", "udp", reusePort, reusePort, true},
		{"both SO_REUSEADDR", "udp", reuseAddr, reuseAddr, true},
		{"only the first SO_REUSEPORT", "tcp", reusePort, ListenConfig{}, false},
		{"only the second SO_REUSEPORT", "tcp", ListenConfig{}, reusePort, false},
		{"only the first SO_REUSEPORT", "udp", reusePort, ListenConfig{}, false},
		{"only the second SO_REUSEPORT", "udp", ListenConfig{}, reusePort, false},
		{"only the first SO_REUSEADDR", "udp", reuseAddr, ListenConfig{}, false},
		{"only the second SO_REUSEADDR", "udp", ListenConfig{}, reuseAddr, false},
		{"SO_REUSEADDR and SO_REUSEPORT", "udp", reuseAddr, reusePort, false},
	} {
		run := func(n *Notebook, v Verbs, first kind) {
			n.Note(first.String(), o.conflicts(n, v, first))
		}
		if o.rows {
			for _, first := range kinds {
				cases = append(cases, Case{
					Name:  fmt.Sprintf("bind %s, %s: %s first", o.transport, o.name, first),
					Needs: OwnNetwork,
					Run:   func(n *Notebook, v Verbs) { run(n, v, first) },
				})
			}
			continue
		}
		cases = append(cases, Case{
			Name:  fmt.Sprintf("bind %s, %s", o.transport, o.name),
			Needs: OwnNetwork,
			Run: func(n *Notebook, v Verbs) {
				for _, first := range kinds {
					run(n, v, first)
				}
			},
		})
	}
	return append(cases, bindTogetherCases...)
}

// conflicts tells which of the kinds cannot be bound beside first. Each pair has
// a port of its own: Linux remembers of a port who has had it before.
func (o options) conflicts(n *Notebook, v Verbs, first kind) string {
	var list []string
	for _, second := range kinds {
		one, addr, err := o.bind(n, v, o.first, first, "0")
		n.Must(err)
		two, _, err := o.bind(n, v, o.second, second, port(addr))
		switch {
		case err == nil:
			two.Close()
			list = append(list, second.String()+" ok")
		case has(err, "bind: address already in use"):
			list = append(list, second.String()+" X")
		default:
			list = append(list, second.String()+" "+err.Error())
		}
		one.Close()
	}
	return strings.Join(list, ", ")
}

func (o options) bind(n *Notebook, v Verbs, cfg ListenConfig, k kind, port string) (io.Closer, net.Addr, error) {
	address := net.JoinHostPort(k.host, port)
	if o.transport == "udp" {
		p, err := v.ListenPacketWith(n.ctx, cfg, "udp"+k.family, address)
		if err != nil {
			return nil, nil, err
		}
		return p, p.LocalAddr(), nil
	}
	l, err := v.ListenWith(n.ctx, cfg, "tcp"+k.family, address)
	if err != nil {
		return nil, nil, err
	}
	return l, l.Addr(), nil
}

var bindTogetherCases = []Case{
	{Name: "bind: TCP and UDP have ports of their own", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		_, err := v.ListenPacket(n.ctx, "udp", l.Addr().String())
		n.Note("udp on the same port", err)
	}},
	{Name: "bind: the error of a taken port, over every network and host", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		p := n.listenPacket(v, "udp", ":0")
		for _, family := range []string{"", "4", "6"} {
			for _, host := range []string{"", "0.0.0.0", "127.0.0.1", "::", "::1"} {
				_, err := v.Listen(n.ctx, "tcp"+family, at(host, l.Addr()))
				n.Note("tcp"+family+" "+host, err)
				_, err = v.ListenPacket(n.ctx, "udp"+family, at(host, p.LocalAddr()))
				n.Note("udp"+family+" "+host, err)
			}
		}
	}},
	{Name: "bind: a closed port is free at once", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		p := n.listenPacket(v, "udp", loopback)
		l.Close()
		p.Close()
		_, err := v.Listen(n.ctx, "tcp", l.Addr().String())
		n.Note("tcp", err)
		_, err = v.ListenPacket(n.ctx, "udp", p.LocalAddr().String())
		n.Note("udp", err)
	}},
	{Name: "bind: a port in TIME_WAIT may be listened on", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c := n.dial(v, "tcp", l.Addr().String())
		s := n.accept(l)
		l.Close()
		s.Close() // first, so that the listener's side is left in TIME_WAIT
		n.read("client", c, 1)
		c.Close()
		_, err := v.Listen(n.ctx, "tcp", l.Addr().String())
		n.Note("listen", err)
	}},
	{Name: "bind: a port with an open connection may be listened on", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c := n.dial(v, "tcp", l.Addr().String())
		s := n.accept(l)
		l.Close()
		again, err := v.Listen(n.ctx, "tcp", l.Addr().String())
		n.Note("listen", err)
		n.Must(err)
		n.write("old connection", c, "hello")
		n.read("old connection", s, 9)
		n.dial(v, "tcp", again.Addr().String())
		n.Note("new connection", describe(n.accept(again).LocalAddr()))
	}},
	{Name: "bind: a dialed connection's port cannot be listened on", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		_, err := v.Listen(n.ctx, "tcp", c.LocalAddr().String())
		n.Note("same address", err)
		_, err = v.Listen(n.ctx, "tcp", at("0.0.0.0", c.LocalAddr()))
		n.Note("any address", err)
		_, err = v.Listen(n.ctx, "tcp", at("127.0.0.2", c.LocalAddr()))
		n.Note("other address", err)
	}},
	{Name: "bind: SO_REUSEPORT splits connections", Run: func(n *Notebook, v Verbs) {
		cfg := ListenConfig{ReusePort: true}
		one, err := v.ListenWith(n.ctx, cfg, "tcp", loopback)
		n.Must(err)
		two, err := v.ListenWith(n.ctx, cfg, "tcp", one.Addr().String())
		n.Must(err)
		counts := make(chan int)
		for _, l := range []net.Listener{one, two} {
			go func() {
				count := 0
				for ; ; count++ {
					c, err := l.Accept()
					if err != nil {
						break
					}
					n.Closes(c)
					c.Write([]byte("x"))
				}
				counts <- count
			}()
		}
		for range 100 {
			c := n.dial(v, "tcp", one.Addr().String())
			_, err := c.Read(make([]byte, 1))
			n.Must(err)
		}
		one.Close()
		two.Close()
		a, b := <-counts, <-counts
		n.Note("all of them", a+b)
		n.Note("both have a share", a > 10 && b > 10)
	}},
	{Name: "bind: SO_REUSEPORT prefers the socket on the very address", Run: func(n *Notebook, v Verbs) {
		cfg := ListenConfig{ReusePort: true}
		wild, err := v.ListenWith(n.ctx, cfg, "tcp4", "0.0.0.0:0")
		n.Must(err)
		one, err := v.ListenWith(n.ctx, cfg, "tcp4", at("127.0.0.1", wild.Addr()))
		n.Must(err)
		for range 20 {
			c := n.dial(v, "tcp", one.Addr().String())
			n.accept(one)
			c.Close()
		}
		n.dial(v, "tcp", at("127.0.0.2", wild.Addr()))
		n.Note("other address", describe(n.accept(wild).LocalAddr()))
	}},
	{Name: "bind: SO_REUSEPORT shares UDP by sender", Run: func(n *Notebook, v Verbs) {
		cfg := ListenConfig{ReusePort: true}
		one, err := v.ListenPacketWith(n.ctx, cfg, "udp", loopback)
		n.Must(err)
		two, err := v.ListenPacketWith(n.ctx, cfg, "udp", one.LocalAddr().String())
		n.Must(err)
		for i, p := range []net.PacketConn{one, two} {
			go func() {
				b := make([]byte, 1)
				for {
					_, from, err := p.ReadFrom(b)
					if err != nil {
						return
					}
					p.WriteTo([]byte{byte('0' + i)}, from)
				}
			}()
		}
		seen := map[byte]int{}
		for range 100 {
			c := n.dial(v, "udp", one.LocalAddr().String())
			var answers [3]byte
			for i := range answers {
				c.Write([]byte("x"))
				_, err := c.Read(answers[i : i+1])
				n.Must(err)
			}
			if answers[0] != answers[1] || answers[1] != answers[2] {
				n.Note("one sender", fmt.Sprintf("answered by %q", answers))
			}
			seen[answers[0]]++
			c.Close()
		}
		n.Note("both have a share", seen['0'] > 10 && seen['1'] > 10)
	}},
	{Name: "bind: SO_REUSEADDR gives UDP to the last one", Run: func(n *Notebook, v Verbs) {
		cfg := ListenConfig{ReuseAddr: true}
		one, err := v.ListenPacketWith(n.ctx, cfg, "udp", loopback)
		n.Must(err)
		two, err := v.ListenPacketWith(n.ctx, cfg, "udp", one.LocalAddr().String())
		n.Must(err)
		c := n.dial(v, "udp", one.LocalAddr().String())
		n.write("first", c, "hello")
		b := make([]byte, 9)
		m, _, err := two.ReadFrom(b)
		n.note("the second reads", b[:m], err)
		two.Close()
		n.write("second", c, "again")
		m, _, err = one.ReadFrom(b)
		n.note("the first reads", b[:m], err)
	}},
	{Name: "bind: IPv6Only leaves IPv4 to others", Run: func(n *Notebook, v Verbs) {
		six, err := v.ListenWith(n.ctx, ListenConfig{IPv6Only: true}, "tcp", "[::]:0")
		n.Must(err)
		n.Note("address", describe(six.Addr()))
		_, err = v.Dial(n.ctx, "tcp", at("127.0.0.1", six.Addr()))
		n.Note("IPv4", err)
		_, err = v.Listen(n.ctx, "tcp4", at("0.0.0.0", six.Addr()))
		n.Note("listen on IPv4", err)
		n.dial(v, "tcp", at("::1", six.Addr()))
		n.addrs("IPv6", n.accept(six))
	}},
	{Name: "bind: an address that is not here", Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"192.0.2.1", "2001:db8::1", "255.255.255.255", "fe80::1"} {
			_, err := v.Listen(n.ctx, "tcp", net.JoinHostPort(host, "18080"))
			n.Note("tcp "+host, err)
			_, err = v.ListenPacket(n.ctx, "udp", net.JoinHostPort(host, "18080"))
			n.Note("udp "+host, err)
		}
	}},
	{Name: "bind: a port below 1024", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":80")
		n.Note("tcp", describe(l.Addr()))
		p := n.listenPacket(v, "udp", ":53")
		n.Note("udp", describe(p.LocalAddr()))
	}},
	{Name: "bind: the broadcast address", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		_, err := v.Listen(n.ctx, "tcp", "10.244.0.255:18081")
		n.Note("tcp", err)
		_, err = v.ListenPacket(n.ctx, "udp", "10.244.0.255:18081")
		n.Note("udp", err)
	}},
	{Name: "bind: TCP on a multicast address", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		_, err := v.Listen(n.ctx, "tcp", "224.0.0.1:18082")
		n.Note("listen", has(err, "cannot assign requested address"))
	}, Differs: &Difference{
		Why:   "Linux lets a TCP socket listen where no connection can ever come from. The stack of a Pod knows the address for a mistake.",
		Linux: []string{"listen: false"},
		Pod:   []string{"listen: true"},
	}},
}
