package behaviour

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"
)

// listenerCases show how listeners take connections and how they end.
var listenerCases = []Case{
	{Name: "listener: connections come in their order", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		inOrder := func() bool {
			var dialed, accepted []string
			for range 5 {
				dialed = append(dialed, n.dial(v, "tcp", l.Addr().String()).LocalAddr().String())
			}
			for range 5 {
				accepted = append(accepted, n.accept(l).RemoteAddr().String())
			}
			return slices.Equal(dialed, accepted)
		}
		// gVisor handles several handshakes at once: on a busy machine the end of
		// one may overtake another's, now and then.
		ok := false
		for range 4 {
			ok = ok || inOrder()
		}
		n.Note("in order", ok)
	}},
	{Name: "listener: a connection that was closed before Accept", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		n.dial(v, "tcp", l.Addr().String()).Close()
		s := n.accept(l)
		n.read("read", s, 1)
	}},
	{Name: "listener: a connection that was reset before Accept", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c := n.dial(v, "tcp", l.Addr().String())
		n.Must(c.(lingerer).SetLinger(0))
		c.Close()
		n.dial(v, "tcp", l.Addr().String())
		s, other := n.accept(l), n.accept(l)
		if s.RemoteAddr().String() != c.LocalAddr().String() { // gVisor's workers may overtake each other
			s = other
		}
		n.read("read", s, 1)
		n.addrs("addresses", s)
	}},
	{Name: "listener: closed with connections waiting", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c := n.dial(v, "tcp", l.Addr().String())
		d := n.dial(v, "tcp", l.Addr().String())
		n.write("write", d, "unseen")
		n.Note("close", l.Close())
		n.read("read", c, 1)
		n.read("read", d, 1)
		_, err := v.Dial(n.ctx, "tcp", l.Addr().String())
		n.Note("dial", err)
	}},
	{Name: "listener: its end leaves accepted connections alone", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c := n.dial(v, "tcp", l.Addr().String())
		s := n.accept(l)
		l.Close()
		n.write("write", c, "hello")
		n.read("read", s, 9)
	}},
	{Name: "listener: every call after Close", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		n.Note("Close", l.Close())
		n.Note("Close again", l.Close())
		_, err := l.Accept()
		n.Note("Accept", err)
		n.Note("SetDeadline", l.(deadliner).SetDeadline(time.Now()))
	}},
	{Name: "listener: Close wakes Accept", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		results := make(chan error, 2)
		for range 2 {
			go func() { _, err := l.Accept(); results <- err }()
		}
		begun()
		n.Note("close", l.Close())
		n.Note("accept", <-results)
		n.Note("accept", <-results)
	}},
	backlog(1), backlog(2), backlog(5),
	{Name: "listener: a full backlog takes more once one is accepted", Needs: Long, Run: func(n *Notebook, v Verbs) {
		l, err := v.ListenWith(n.ctx, ListenConfig{Backlog: 1}, "tcp", loopback)
		n.Must(err)
		n.dial(v, "tcp", l.Addr().String())
		n.dial(v, "tcp", l.Addr().String())
		result := later(func() error { _, err := v.Dial(n.ctx, "tcp", l.Addr().String()); return err })
		begun()
		n.accept(l)
		n.Note("third, at its next try", <-result)
	}},
	{Name: "listener: the default backlog takes hundreds", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		for range 300 {
			n.dial(v, "tcp", l.Addr().String())
		}
		n.addrs("first", n.accept(l))
	}},
	{Name: "listener: on an address of a name", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", "localhost:0")
		n.Note("listen", describe(l.Addr()))
		_, err := v.Dial(n.ctx, "tcp", at("::1", l.Addr()))
		n.Note("IPv6", err)
	}},
	{Name: "listener: a context that is over does not matter", Run: func(n *Notebook, v Verbs) {
		ctx, cancel := context.WithCancel(n.ctx)
		cancel()
		_, err := v.ListenWith(ctx, ListenConfig{}, "tcp", loopback)
		n.Note("tcp", err)
		_, err = v.ListenPacketWith(ctx, ListenConfig{}, "udp", loopback)
		n.Note("udp", err)
	}},
}

// backlog is the case of a listener that is asked to let n connections wait.
func backlog(size int) Case {
	return Case{Name: fmt.Sprintf("listener: a backlog of %d", size), Run: func(n *Notebook, v Verbs) {
		l, err := v.ListenWith(n.ctx, ListenConfig{Backlog: size}, "tcp", loopback)
		n.Must(err)
		count := 0
		for ; count < size+5; count++ {
			var c net.Conn
			if c, err = v.DialWith(n.ctx, Dialer{Timeout: 200 * time.Millisecond}, "tcp", l.Addr().String()); err != nil {
				break
			}
			// The end of the handshake may still be on its way. This
			// Close returns when what follows it has been acknowledged.
			n.Must(c.(lingerer).SetLinger(20))
			n.Must(c.Close())
		}
		n.Note("admitted", count)
		n.Note("then", err)
	}}
}
