package behaviour

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Here are the steps that cases are made of. Each ends the case if it fails.

// loopback is where cases listen that do not care where.
const loopback = "127.0.0.1:0"

func (n *Notebook) listen(v Verbs, network, address string) net.Listener {
	l, err := v.Listen(n.ctx, network, address)
	n.Must(err)
	return l
}

func (n *Notebook) listenPacket(v Verbs, network, address string) net.PacketConn {
	p, err := v.ListenPacket(n.ctx, network, address)
	n.Must(err)
	return p
}

func (n *Notebook) dial(v Verbs, network, address string) net.Conn {
	c, err := v.Dial(n.ctx, network, address)
	n.Must(err)
	return c
}

func (n *Notebook) accept(l net.Listener) net.Conn {
	c, err := l.Accept()
	n.Must(err)
	n.Closes(c)
	return c
}

// pair returns both ends of a new connection.
func (n *Notebook) pair(v Verbs) (client, server net.Conn) {
	l := n.listen(v, "tcp", loopback)
	client = n.dial(v, "tcp", l.Addr().String())
	return client, n.accept(l)
}

// unread sends two bytes from one end to the other and reads one of them there:
// then the second one has arrived and waits.
func (n *Notebook) unread(from, to net.Conn) {
	_, err := from.Write([]byte("xx"))
	n.Must(err)
	_, err = io.ReadFull(to, make([]byte, 1))
	n.Must(err)
}

// read notes what one Read of up to size bytes gives.
func (n *Notebook) read(what string, r io.Reader, size int) {
	b := make([]byte, size)
	m, err := r.Read(b)
	n.note(what, b[:m], err)
}

// readAll notes all that comes until the end.
func (n *Notebook) readAll(what string, r io.Reader) {
	b, err := io.ReadAll(r)
	n.note(what, b, err)
}

// note notes bytes and an error.
func (n *Notebook) note(what string, b []byte, err error) {
	if len(b) > 0 {
		what += fmt.Sprintf(" %q", b)
	}
	n.Note(what, err)
}

// write notes what one Write gives.
func (n *Notebook) write(what string, w io.Writer, text string) {
	m, err := w.Write([]byte(text))
	n.Note(fmt.Sprintf("%s (%d)", what, m), err)
}

// writeUntilError writes to c until the peer's reset has come and Write fails.
func (n *Notebook) writeUntilError(what string, c net.Conn) {
	for n.ctx.Err() == nil {
		if _, err := c.Write([]byte("x")); err != nil {
			n.Note(what, err)
			return
		}
		pause()
	}
}

// fill writes to c, which nobody reads, until it takes no more within the
// deadline that it sets. It returns how much it took.
func (n *Notebook) fill(c net.Conn) (total int, err error) {
	c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	block := make([]byte, 1<<20)
	for total < 256<<20 {
		m, err := c.Write(block)
		total += m
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// pause lets others run, in the loops that wait for a call to begin to fail or
// to succeed. Nothing depends on how long it is.
func pause() { time.Sleep(100 * time.Microsecond) }

// begun gives a call in another goroutine time to begin to wait. That it has
// cannot be seen from outside; the result must be the same if it has not.
func begun() { time.Sleep(5 * time.Millisecond) }

// later runs f in a goroutine and gives its result.
func later[T any](f func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- f() }()
	return result
}

// port returns the port of an address.
func port(a net.Addr) string {
	_, p, _ := net.SplitHostPort(a.String())
	return p
}

// at returns the address of a's port on another host.
func at(host string, a net.Addr) string { return net.JoinHostPort(host, port(a)) }

// addrs notes both addresses of a connection, with type and length of the IP.
func (n *Notebook) addrs(what string, c net.Conn) {
	n.Note(what, describe(c.LocalAddr())+" -> "+describe(c.RemoteAddr()))
}

func describe(a net.Addr) string {
	switch a := a.(type) {
	case *net.TCPAddr:
		return fmt.Sprintf("%T %s %s %d", a, a.Network(), a, len(a.IP))
	case *net.UDPAddr:
		return fmt.Sprintf("%T %s %s %d", a, a.Network(), a, len(a.IP))
	case nil:
		return "none"
	}
	return fmt.Sprintf("%T %s %s", a, a.Network(), a)
}

// has reports whether an error's text has the word; for cases whose result is
// one of several.
func has(err error, word string) bool { return err != nil && strings.Contains(err.Error(), word) }

type (
	closeReader interface{ CloseRead() error }
	closeWriter interface{ CloseWrite() error }
	lingerer    interface{ SetLinger(int) error }
	deadliner   interface{ SetDeadline(time.Time) error }
)

func (n *Notebook) closeRead(c net.Conn)  { n.Note("CloseRead", c.(closeReader).CloseRead()) }
func (n *Notebook) closeWrite(c net.Conn) { n.Note("CloseWrite", c.(closeWriter).CloseWrite()) }
