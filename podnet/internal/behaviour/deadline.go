package behaviour

import (
	"net"
	"time"
)

func soon() time.Time { return time.Now().Add(30 * time.Millisecond) }
func past() time.Time { return time.Now().Add(-time.Second) }
func far() time.Time  { return time.Now().Add(time.Hour) }

// deadlineCases show what deadlines do to calls.
var deadlineCases = []Case{
	{Name: "deadline: ends a Read", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.Note("set", c.SetReadDeadline(soon()))
		n.read("read", c, 1)
		n.read("read again", c, 1)
	}},
	{Name: "deadline: ends a Write to a full peer", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		_, err := n.fill(c)
		n.Note("write", err)
		n.write("write again", c, "x")
	}},
	{Name: "deadline: in the past, with data there", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.unread(s, c)
		n.Note("set", c.SetReadDeadline(past()))
		n.read("read", c, 9)
		n.read("read nothing", c, 0)
		n.Note("reset", c.SetReadDeadline(time.Time{}))
		n.read("read", c, 9)
	}},
	{Name: "deadline: in the past, with room to write", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Note("set", c.SetWriteDeadline(past()))
		n.write("write", c, "x")
		n.write("write nothing", c, "")
		n.Note("reset", c.SetWriteDeadline(time.Time{}))
		n.write("write", c, "y")
		n.read("peer", s, 9)
	}},
	{Name: "deadline: in the past, at the end of the stream", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		s.Close()
		n.read("the end", c, 1)
		n.Must(c.SetReadDeadline(past()))
		n.read("read", c, 1)
	}},
	{Name: "deadline: in the past, after a reset", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(0))
		s.Close()
		n.read("reset", c, 1)
		n.Must(c.SetDeadline(past()))
		n.read("read", c, 1)
		n.write("write", c, "x")
	}},
	{Name: "deadline: SetDeadline sets both", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.Must(c.SetDeadline(past()))
		n.read("read", c, 1)
		n.write("write", c, "x")
	}},
	{Name: "deadline: of Read does not touch Write", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(c.SetReadDeadline(past()))
		n.write("write", c, "x")
		n.read("peer", s, 1)
	}},
	{Name: "deadline: of Write does not touch Read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(c.SetWriteDeadline(past()))
		n.write("peer", s, "x")
		n.read("read", c, 1)
	}},
	{Name: "deadline: set while a Read waits", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		n.Note("set", c.SetReadDeadline(soon()))
		n.Note("read", <-result)
	}},
	{Name: "deadline: in the past, set while a Read waits", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		n.Note("set", c.SetReadDeadline(past()))
		n.Note("read", <-result)
	}},
	{Name: "deadline: in the past, set while a Write waits", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.fill(c)
		n.Must(c.SetWriteDeadline(time.Time{}))
		result := later(func() error { _, err := c.Write(make([]byte, 1<<20)); return err })
		begun()
		n.Must(c.SetWriteDeadline(past()))
		n.Note("write", <-result)
	}},
	{Name: "deadline: moved away while a Read waits", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)))
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		n.Must(c.SetReadDeadline(far()))
		time.Sleep(150 * time.Millisecond) // past the first deadline
		n.write("peer", s, "x")
		n.Note("read", <-result)
	}},
	{Name: "deadline: taken away while a Read waits", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(c.SetReadDeadline(far()))
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		n.Must(c.SetReadDeadline(time.Time{}))
		n.write("peer", s, "x")
		n.Note("read", <-result)
	}},
	{Name: "deadline: a timed out Read leaves the connection usable", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		for range 3 {
			n.Must(c.SetReadDeadline(time.Now().Add(5 * time.Millisecond)))
			n.read("read", c, 1)
		}
		n.Must(c.SetReadDeadline(time.Time{}))
		n.write("peer", s, "x")
		n.read("read", c, 1)
	}},
	{Name: "deadline: after it has passed, set anew", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(c.SetReadDeadline(past()))
		n.read("read", c, 1)
		n.Must(c.SetReadDeadline(far()))
		n.write("peer", s, "x")
		n.read("read", c, 1)
	}},
	{Name: "deadline: wakes all who read", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		results := make(chan error, 3)
		for range 3 {
			go func() { _, err := c.Read(make([]byte, 1)); results <- err }()
		}
		n.Must(c.SetReadDeadline(soon()))
		for range 3 {
			n.Note("read", <-results)
		}
	}},
	{Name: "deadline: of a listener", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		n.Note("set", l.(deadliner).SetDeadline(soon()))
		_, err := l.Accept()
		n.Note("accept", err)
		n.Note("past", l.(deadliner).SetDeadline(past()))
		_, err = l.Accept()
		n.Note("accept", err)
	}},
	{Name: "deadline: of a listener with a connection waiting", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		n.dial(v, "tcp", l.Addr().String())
		n.Must(l.(deadliner).SetDeadline(past()))
		_, err := l.Accept()
		n.Note("accept", err)
		n.Must(l.(deadliner).SetDeadline(time.Time{}))
		n.addrs("accept", n.accept(l))
	}},
	{Name: "deadline: set while Accept waits", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		result := later(func() error { _, err := l.Accept(); return err })
		begun()
		n.Must(l.(deadliner).SetDeadline(past()))
		n.Note("accept", <-result)
	}},
	{Name: "deadline: of a listener is not inherited", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		n.Must(l.(deadliner).SetDeadline(time.Now().Add(time.Second)))
		c := n.dial(v, "tcp", l.Addr().String())
		s := n.accept(l)
		n.Must(l.(deadliner).SetDeadline(past()))
		n.write("write", s, "x")
		n.read("read", c, 1)
	}},
	{Name: "deadline: of UDP", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		n.Note("set", p.SetReadDeadline(soon()))
		_, from, err := p.ReadFrom(make([]byte, 1))
		n.Note("from", from)
		n.Note("ReadFrom", err)
		n.Must(p.SetDeadline(past()))
		_, err = p.WriteTo([]byte("x"), p.LocalAddr())
		n.Note("WriteTo", err)
		n.read("Read", p.(net.Conn), 1)
		n.Must(p.SetDeadline(time.Time{}))
		_, err = p.WriteTo([]byte("x"), p.LocalAddr())
		n.Note("WriteTo", err)
		n.read("Read", p.(net.Conn), 1)
	}},
	{Name: "deadline: set while a UDP read waits", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		result := later(func() error { _, _, err := p.ReadFrom(make([]byte, 1)); return err })
		begun()
		n.Must(p.SetReadDeadline(past()))
		n.Note("ReadFrom", <-result)
	}},
	{Name: "deadline: the dialer's does not stay", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		c, err := v.DialWith(n.ctx, Dialer{Timeout: 100 * time.Millisecond}, "tcp", l.Addr().String())
		n.Must(err)
		s := n.accept(l)
		time.Sleep(120 * time.Millisecond) // past the dialer's timeout
		n.write("write", c, "x")
		n.read("peer", s, 1)
	}},
}
