package behaviour

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// streamCases show how TCP moves bytes.
var streamCases = []Case{
	{Name: "stream: bytes both ways", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("client", c, "hello")
		n.read("server", s, 9)
		n.write("server", s, "world")
		n.read("client", c, 9)
	}},
	{Name: "stream: a short buffer leaves the rest", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("write", c, "hello")
		n.read("first", s, 2)
		n.read("second", s, 9)
	}},
	{Name: "stream: zero-length reads and writes", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.read("nothing there", c, 0)
		n.write("write nothing", c, "")
		n.unread(s, c)
		n.read("something there", c, 0)
		n.read("then", c, 9)
		s.Close()
		n.read("after the end", c, 0)
		n.read("the end", c, 1)
		n.read("past the end", c, 0)
		c.Close()
		n.read("closed", c, 0)
		n.write("closed", c, "")
	}},
	{Name: "stream: zero-length write to a peer that reset", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(s.(lingerer).SetLinger(0))
		s.Close()
		n.read("reset", c, 1)
		n.write("nothing", c, "")
	}},
	{Name: "stream: a full peer stops Write part of the way", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		total, err := n.fill(c)
		n.Note("some was written", total > 0)
		n.Note("error", err)
		n.Must(c.SetWriteDeadline(time.Time{}))
		sum := later(func() int64 { m, _ := io.Copy(io.Discard, s); return m })
		n.write("write goes on", c, "more")
		c.Close()
		n.Note("nothing was lost", <-sum == int64(total)+4)
	}},
	{Name: "stream: a Write that waits is freed by a reader", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		total, err := n.fill(c)
		n.Note("full", err)
		n.Must(c.SetWriteDeadline(time.Time{}))
		result := later(func() error { _, err := c.Write(make([]byte, 1<<20)); return err })
		begun()
		_, err = io.CopyN(io.Discard, s, int64(total)+1<<20)
		n.Note("read", err)
		n.Note("write", <-result)
	}},
	{Name: "stream: megabytes arrive as they were sent", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		sent, got := sha256.New(), sha256.New()
		result := later(func() error {
			block := bytes.Repeat([]byte("0123456789abcdef"), 4096)
			for i := range 256 {
				block[i] ^= 0xff
				sent.Write(block)
				if _, err := c.Write(block); err != nil {
					return err
				}
			}
			return c.Close()
		})
		m, err := io.Copy(got, s)
		n.Note(fmt.Sprint(m), err)
		n.Note("writer", <-result)
		n.Note("equal", bytes.Equal(sent.Sum(nil), got.Sum(nil)))
	}},
	{Name: "stream: net.Buffers", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		b := net.Buffers{[]byte("one "), []byte("two "), []byte("three")}
		m, err := b.WriteTo(c)
		n.Note(fmt.Sprint(m), err)
		c.Close()
		n.readAll("peer", s)
	}},
	{Name: "stream: ReadFrom copies to the end", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		m, err := c.(io.ReaderFrom).ReadFrom(strings.NewReader(strings.Repeat("x", 100000)))
		n.Note(fmt.Sprint(m), err)
		c.Close()
		got, err := io.Copy(io.Discard, s)
		n.Note(fmt.Sprint(got), err)
	}},
	{Name: "stream: ReadFrom a reader that fails", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		r := io.MultiReader(strings.NewReader("abc"), failing{io.ErrUnexpectedEOF})
		m, err := c.(io.ReaderFrom).ReadFrom(r)
		n.Note(fmt.Sprint(m), err)
		c.Close()
		n.readAll("peer", s)
	}},
	{Name: "stream: ReadFrom on a closed connection", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		c.Close()
		m, err := c.(io.ReaderFrom).ReadFrom(strings.NewReader("abc"))
		n.Note(fmt.Sprint(m), err)
		_, err = c.(io.ReaderFrom).ReadFrom(strings.NewReader(""))
		n.Note("nothing", err)
	}},
	{Name: "stream: WriteTo copies to the end", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("peer", s, "hello")
		s.Close()
		var b bytes.Buffer
		m, err := c.(io.WriterTo).WriteTo(&b)
		n.Note(fmt.Sprint(m, b.String()), err)
		m, err = c.(io.WriterTo).WriteTo(&b)
		n.Note(fmt.Sprint(m), err)
	}},
	{Name: "stream: WriteTo a writer that fails", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("peer", s, "hello")
		_, err := c.(io.WriterTo).WriteTo(failing{io.ErrShortWrite})
		n.Note("fails", err)
	}},
	{Name: "stream: WriteTo until the deadline", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.write("peer", s, "hello")
		n.Must(c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
		var b bytes.Buffer
		m, err := c.(io.WriterTo).WriteTo(&b)
		n.Note(fmt.Sprint(m), err)
	}},
	{Name: "stream: WriteTo on a closed connection", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		c.Close()
		_, err := c.(io.WriterTo).WriteTo(io.Discard)
		n.Note("fails", err)
	}},
	{Name: "stream: one connection copied to another", Run: func(n *Notebook, v Verbs) {
		a, b := n.pair(v)
		c, d := n.pair(v)
		n.write("write", a, "through the proxy")
		a.Close()
		m, err := io.Copy(c, b)
		n.Note(fmt.Sprint(m), err)
		c.Close()
		n.readAll("other side", d)
	}},
}

// failing is a reader and a writer that does neither.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }
