package behaviour

import (
	"io"
	"net"
	"time"
)

// closeCases show how connections end.
var closeCases = []Case{
	{Name: "close: the peer reads the end, after what was sent", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("write", s, "last words")
		n.Note("close", s.Close())
		n.readAll("peer", c)
		n.read("peer again", c, 1)
	}},
	{Name: "close: every call afterwards", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.Note("Close", c.Close())
		n.read("Read", c, 1)
		n.write("Write", c, "x")
		n.Note("Close again", c.Close())
		n.Note("SetDeadline", c.SetDeadline(time.Now()))
		n.Note("SetReadDeadline", c.SetReadDeadline(time.Now()))
		n.Note("SetWriteDeadline", c.SetWriteDeadline(time.Time{}))
		n.closeRead(c)
		n.closeWrite(c)
		n.Note("SetLinger", c.(lingerer).SetLinger(0))
		n.Note("SetNoDelay", c.(noDelayer).SetNoDelay(true))
		n.Note("SetKeepAlive", c.(keepAliver).SetKeepAlive(true))
		n.Note("SetKeepAlivePeriod", c.(keepAliver).SetKeepAlivePeriod(time.Second))
		n.Note("SetKeepAliveConfig", c.(keepAliver).SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}))
		n.Note("SetReadBuffer", c.(bufferer).SetReadBuffer(1<<16))
		n.Note("SetWriteBuffer", c.(bufferer).SetWriteBuffer(1<<16))
	}},
	{Name: "close: wakes a Read", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		n.Note("close", c.Close())
		n.Note("read", <-result)
	}},
	{Name: "close: wakes a Write", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.fill(c)
		n.Must(c.SetWriteDeadline(time.Time{}))
		result := later(func() error { _, err := c.Write(make([]byte, 1<<20)); return err })
		begun()
		n.Note("close", c.Close())
		n.Note("write", <-result)
	}},
	{Name: "close: wakes all who read", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		results := make(chan error, 3)
		for range 3 {
			go func() { _, err := c.Read(make([]byte, 1)); results <- err }()
		}
		begun()
		c.Close()
		for range 3 {
			n.Note("read", <-results)
		}
	}},
	{Name: "close: the peer's Close wakes a Read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		s.Close()
		n.Note("read", <-result)
	}},
	{Name: "close: with unread data resets", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("queued before", s, "queued")
		n.read("the queue has it", c, 1)
		n.unread(c, s)
		s.Close()
		n.read("queued is read", c, 9)
		n.read("then", c, 1)
		n.read("later", c, 1)
		n.write("write", c, "x")
		n.write("write again", c, "x")
	}},
	{Name: "close: with unread data, and the peer writes first", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.unread(c, s)
		s.Close()
		n.writeUntilError("write", c)
		n.writeUntilError("write again", c)
		n.read("read", c, 1)
	}},
	{Name: "close: a peer that has closed answers data with a reset", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		s.Close()
		n.read("the end", c, 1)
		n.write("first write", c, "x")
		n.writeUntilError("a later write", c)
		n.writeUntilError("and one more", c)
		n.read("read", c, 1)
		n.Note("close", c.Close())
	}},
	{Name: "close: a peer that has closed, not read to the end", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("peer", s, "data")
		s.Close()
		n.read("some", c, 1)
		n.writeUntilError("write", c)
		n.readAll("rest", c)
	}},
	{Name: "close: linger 0 resets", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Note("SetLinger", s.(lingerer).SetLinger(0))
		n.Note("close", s.Close())
		n.read("read", c, 1)
		n.read("read again", c, 1)
		n.write("write", c, "x")
	}},
	{Name: "close: linger 0 and a peer that writes", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(0))
		s.Close()
		n.writeUntilError("write", c)
		n.writeUntilError("write again", c)
		n.read("read", c, 1)
	}},
	{Name: "close: linger 0 wakes the peer's Read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(0))
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		s.Close()
		n.Note("read", <-result)
	}},
	{Name: "close: linger 0 wakes the peer's Write", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.fill(c)
		n.Must(c.SetWriteDeadline(time.Time{}))
		result := later(func() error { _, err := c.Write(make([]byte, 1<<20)); return err })
		begun()
		n.Must(s.(lingerer).SetLinger(0))
		s.Close()
		n.Note("write", <-result)
	}},
	{Name: "close: linger 0 taken back", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(0))
		n.Note("SetLinger", s.(lingerer).SetLinger(-1))
		n.write("write", s, "data")
		s.Close()
		n.readAll("peer", c)
	}},
	{Name: "close: linger 1 sends what is left", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(1))
		n.write("write", s, "data")
		start := time.Now()
		n.Note("close", s.Close())
		n.Note("waited", time.Since(start) > 900*time.Millisecond)
		n.readAll("peer", c)
	}},
	{Name: "close: linger 1 waits for a peer that does not read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.fill(c)
		n.Must(c.(lingerer).SetLinger(1))
		start := time.Now()
		n.Note("close", c.Close())
		n.Note("waited", time.Since(start) > 900*time.Millisecond)
		n.read("peer", s, 1)
	}},
	{Name: "close: linger waits until the peer has read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		total, _ := n.fill(c)
		n.Must(c.(lingerer).SetLinger(20))
		result := later(func() error { return c.Close() })
		m, err := io.Copy(io.Discard, s)
		n.Note("all of it", m == int64(total))
		n.Note("read", err)
		s.Close()
		n.Note("close", <-result)
	}},
	{Name: "close: a reset in the middle of a transfer", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.fill(c)
		n.Must(s.(lingerer).SetLinger(0))
		s.Close()
		n.read("read", c, 1)
		n.Must(c.SetWriteDeadline(time.Time{}))
		n.write("write", c, "x")
	}},
	{Name: "half-close: CloseWrite ends one direction", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("write", c, "question")
		n.closeWrite(c)
		n.readAll("peer", s)
		n.write("write after", c, "x")
		n.write("peer answers", s, "answer")
		s.Close()
		n.readAll("client", c)
	}},
	{Name: "half-close: CloseWrite on both sides ends the connection", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.closeWrite(c)
		n.closeWrite(s)
		n.read("client", c, 1)
		n.read("server", s, 1)
		n.Note("close", c.Close())
		n.Note("close", s.Close())
	}},
	{Name: "half-close: CloseWrite twice", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.closeWrite(c)
		n.closeWrite(c)
	}},
	{Name: "half-close: CloseWrite twice, after the peer's", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.closeWrite(s)
		n.read("the end", c, 1)
		n.closeWrite(c)
		n.read("the end", s, 1)
		err := c.(closeWriter).CloseWrite()
		for err == nil && n.ctx.Err() == nil { // until the last acknowledgement has come
			pause()
			err = c.(closeWriter).CloseWrite()
		}
		n.Note("CloseWrite", err)
	}},
	{Name: "half-close: CloseWrite wakes a Write", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.fill(c)
		n.Must(c.SetWriteDeadline(time.Time{}))
		result := later(func() error { _, err := c.Write(make([]byte, 1<<20)); return err })
		begun()
		n.closeWrite(c)
		n.Note("write", <-result)
	}},
	{Name: "half-close: CloseRead ends Read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.closeRead(c)
		n.read("read", c, 1)
		n.write("write", c, "still open")
		n.read("peer", s, 20)
	}},
	{Name: "half-close: CloseRead leaves what has arrived", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.unread(s, c)
		n.closeRead(c)
		n.read("read", c, 9)
		n.read("then", c, 9)
	}},
	{Name: "half-close: CloseRead wakes a Read", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		result := later(func() error { _, err := c.Read(make([]byte, 1)); return err })
		begun()
		n.closeRead(c)
		n.Note("read", <-result)
	}},
	{Name: "half-close: what arrives after CloseRead is still read", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.closeRead(c)
		n.write("peer", s, "data")
		s.Close()
		for n.ctx.Err() == nil { // until it has arrived
			b := make([]byte, 9)
			if m, err := c.Read(b); err != io.EOF || m > 0 {
				n.note("read", b[:m], err)
				return
			}
			pause()
		}
	}},
	{Name: "half-close: CloseRead, then the peer writes much", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.closeRead(c)
		_, err := n.fill(s)
		n.Note("peer", err)
	}},
	{Name: "half-close: both halves closed here", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.closeRead(c)
		n.closeWrite(c)
		n.read("read", c, 1)
		n.write("write", c, "x")
		n.read("peer", s, 1)
		n.Note("close", c.Close())
	}},
	{Name: "half-close: shutdown after a reset", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(0))
		s.Close()
		n.read("reset", c, 1)
		n.closeWrite(c)
		n.closeRead(c)
		n.Note("SetNoDelay", c.(noDelayer).SetNoDelay(false))
		n.Note("SetKeepAlive", c.(keepAliver).SetKeepAlive(false))
		n.Note("SetDeadline", c.SetDeadline(time.Time{}))
		n.Note("close", c.Close())
	}},
	{Name: "half-close: a proxied stream ends in both directions", Run: func(n *Notebook, v Verbs) {
		a, b := n.pair(v)
		c, d := n.pair(v)
		done := make(chan struct{}, 2)
		through := func(to, from net.Conn) {
			io.Copy(to, from)
			to.(closeWriter).CloseWrite()
			done <- struct{}{}
		}
		go through(c, b)
		go through(b, c)
		n.write("ask", a, "question")
		n.closeWrite(a)
		n.readAll("server", d)
		n.write("answer", d, "answer")
		d.Close()
		n.readAll("client", a)
		<-done
		<-done
	}},
}
