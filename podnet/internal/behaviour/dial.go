package behaviour

import (
	"context"
	"net"
	"net/netip"
	"time"
)

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// portOnly is an address to dial from of which only the port is given.
func portOnly(port int) netip.AddrPort { return netip.AddrPortFrom(netip.Addr{}, uint16(port)) }

// nowhere is an address that takes packets and never answers.
const nowhere = "192.0.2.1:80"

// dialCases show how a dial ends that does not connect, or not at once.
var dialCases = []Case{
	{Name: "dial: a port without a listener", Run: func(n *Notebook, v Verbs) {
		for _, address := range []string{"127.0.0.1:9", "127.0.0.5:9", "[::1]:9", ":9", "0.0.0.0:9", "[::]:9", "[::ffff:127.0.0.1]:9"} {
			_, err := v.Dial(n.ctx, "tcp", address)
			n.Note(address, err)
		}
	}},
	{Name: "dial: a port without a listener, of the own address", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{IPv4, IPv6} {
			_, err := v.Dial(n.ctx, "tcp", net.JoinHostPort(host, "9"))
			n.Note(host, err)
		}
	}},
	{Name: "dial: port 0", Run: func(n *Notebook, v Verbs) {
		_, err := v.Dial(n.ctx, "tcp", "127.0.0.1:0")
		n.Note("tcp", err)
		c, err := v.Dial(n.ctx, "udp", "127.0.0.1:0")
		n.Note("udp", err)
		if err == nil {
			n.addrs("udp", c)
			n.write("write", c, "x")
		}
	}},
	{Name: "dial: localhost without a listener tells of its first address", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		_, err := v.Dial(n.ctx, "tcp", "localhost:9")
		n.Note("tcp", err)
		_, err = v.Dial(n.ctx, "tcp4", "localhost:9")
		n.Note("tcp4", err)
		_, err = v.Dial(n.ctx, "tcp6", "localhost:9")
		n.Note("tcp6", err)
	}},
	{Name: "dial: localhost finds whichever family listens", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"127.0.0.1", "::1", "localhost", ""} {
			l := n.listen(v, "tcp", net.JoinHostPort(host, "0"))
			n.addrs(host, n.dial(v, "tcp", at("localhost", l.Addr())))
			l.Close()
		}
	}},
	{Name: "dial: localhost without the race of families", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c, err := v.DialWith(n.ctx, Dialer{FallbackDelay: -1}, "tcp", at("localhost", l.Addr()))
		n.Must(err)
		n.addrs("connected", c)
	}},
	{Name: "dial: no answer within the context's time", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, address := range []string{nowhere, "[2001:db8::1]:80", "10.244.0.77:80"} {
			ctx, cancel := context.WithTimeout(n.ctx, 50*time.Millisecond)
			_, err := v.Dial(ctx, "tcp", address)
			n.Note(address, err)
			cancel()
		}
	}},
	{Name: "dial: no answer within the dialer's timeout", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		_, err := v.DialWith(n.ctx, Dialer{Timeout: 50 * time.Millisecond}, "tcp", nowhere)
		n.Note("timeout", err)
		_, err = v.DialWith(n.ctx, Dialer{Deadline: time.Now().Add(50 * time.Millisecond)}, "tcp", nowhere)
		n.Note("deadline", err)
	}},
	{Name: "dial: the earliest of timeout, deadline and context counts", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		const soon, late = 30 * time.Millisecond, time.Hour
		for _, d := range []struct {
			what                       string
			timeout, deadline, context time.Duration
		}{
			{"timeout", soon, late, late}, {"deadline", late, soon, late}, {"context", late, late, soon},
		} {
			ctx, cancel := context.WithTimeout(n.ctx, d.context)
			_, err := v.DialWith(ctx, Dialer{Timeout: d.timeout, Deadline: time.Now().Add(d.deadline)}, "tcp", nowhere)
			n.Note(d.what, err)
			cancel()
		}
	}},
	{Name: "dial: a timeout that is over", Run: func(n *Notebook, v Verbs) {
		for _, network := range []string{"tcp", "udp"} {
			_, err := v.DialWith(n.ctx, Dialer{Timeout: -time.Second}, network, "127.0.0.1:9")
			n.Note(network+" timeout", err)
			_, err = v.DialWith(n.ctx, Dialer{Deadline: time.Now().Add(-time.Second)}, network, "127.0.0.1:9")
			n.Note(network+" deadline", err)
		}
	}},
	{Name: "dial: a context that is over", Run: func(n *Notebook, v Verbs) {
		for _, network := range []string{"tcp", "udp"} {
			ctx, cancel := context.WithCancel(n.ctx)
			cancel()
			_, err := v.Dial(ctx, network, "127.0.0.1:9")
			n.Note(network+" cancelled", err)
			ctx, cancel = context.WithDeadline(n.ctx, time.Now().Add(-time.Second))
			_, err = v.Dial(ctx, network, "127.0.0.1:9")
			n.Note(network+" late", err)
			cancel()
		}
	}},
	{Name: "dial: cancelled while it waits", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, address := range []string{nowhere, "[2001:db8::1]:80"} {
			ctx, cancel := context.WithCancel(n.ctx)
			result := later(func() error { _, err := v.Dial(ctx, "tcp", address); return err })
			begun()
			cancel()
			n.Note(address, <-result)
		}
	}},
	{Name: "dial: a cause does not show in the error", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		ctx, cancel := context.WithCancelCause(n.ctx)
		cancel(net.ErrClosed)
		_, err := v.Dial(ctx, "tcp", nowhere)
		n.Note("cancelled", err)
	}},
	{Name: "dial: a cancelled context leaves the connection alone", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		ctx, cancel := context.WithCancel(n.ctx)
		c, err := v.Dial(ctx, "tcp", l.Addr().String())
		n.Must(err)
		s := n.accept(l)
		cancel()
		n.write("write", c, "hello")
		n.read("read", s, 9)
	}},
	{Name: "dial: no route", Needs: SingleStack, Run: func(n *Notebook, v Verbs) {
		_, err := v.Dial(n.ctx, "tcp", "[2001:db8::1]:80")
		n.Note("tcp", err)
		_, err = v.Dial(n.ctx, "udp", "[2001:db8::1]:80")
		n.Note("udp", err)
		p := n.listenPacket(v, "udp", ":0")
		_, err = p.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 80})
		n.Note("WriteTo", err)
	}},
	{Name: "dial: IPv6 of a Pod that has only lo's", Needs: SingleStack, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", ":0")
		n.Note("listen", describe(l.Addr()))
		for _, host := range []string{"::1", IPv4, "localhost", "::"} {
			n.addrs(host, n.dial(v, "tcp", at(host, l.Addr())))
		}
		_, err := v.Listen(n.ctx, "tcp", net.JoinHostPort(IPv6, "0"))
		n.Note("listen on "+IPv6, err)
	}},
	{Name: "dial: multicast and broadcast", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"224.0.0.1", "255.255.255.255", "10.244.0.255"} {
			d := Dialer{Timeout: 50 * time.Millisecond}
			_, err := v.DialWith(n.ctx, d, "tcp", host+":80")
			n.Note("tcp "+host, err)
			_, err = v.DialWith(n.ctx, d, "udp", host+":80")
			n.Note("udp "+host, err)
		}
	}},
	{Name: "dial: addresses that are never right", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, host := range []string{"240.0.0.1", "0.0.0.5", "ff02::1", "fe80::1"} {
			d := Dialer{Timeout: 50 * time.Millisecond}
			_, err := v.DialWith(n.ctx, d, "tcp", net.JoinHostPort(host, "80"))
			n.Note("tcp "+host, err)
			_, err = v.DialWith(n.ctx, d, "udp", net.JoinHostPort(host, "80"))
			n.Note("udp "+host, err)
		}
	}},
	{Name: "dial: data sent before Accept arrives", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c := n.dial(v, "tcp", l.Addr().String())
		n.write("write", c, "early")
		c.Close()
		s := n.accept(l)
		n.readAll("server", s)
	}},
	{Name: "dial: the wrong verb", Run: func(n *Notebook, v Verbs) {
		_, err := v.Listen(n.ctx, "udp", loopback)
		n.Note("Listen udp", err)
		_, err = v.ListenPacket(n.ctx, "tcp", loopback)
		n.Note("ListenPacket tcp", err)
	}},
}
