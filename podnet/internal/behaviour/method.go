package behaviour

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

type (
	noDelayer  interface{ SetNoDelay(bool) error }
	keepAliver interface {
		SetKeepAlive(bool) error
		SetKeepAlivePeriod(time.Duration) error
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}
	bufferer interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}
	udpReader interface {
		ReadFromUDP([]byte) (int, *net.UDPAddr, error)
		ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
		ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error)
		ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	}
	udpWriter interface {
		WriteToUDP([]byte, *net.UDPAddr) (int, error)
		WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
		WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error)
		WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
	}
)

func is[T any](v any) bool { _, ok := v.(T); return ok }

// methodCases show the methods beyond net's interfaces that programs look for.
var methodCases = []Case{
	{Name: "method: what a TCP connection has", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		for who, conn := range []net.Conn{c, s} {
			n.Note("CloseRead", is[closeReader](conn))
			n.Note("CloseWrite", is[closeWriter](conn))
			n.Note("SetLinger", is[lingerer](conn))
			n.Note("SetNoDelay", is[noDelayer](conn))
			n.Note("keep-alive", is[keepAliver](conn))
			n.Note("buffers", is[bufferer](conn))
			n.Note("ReadFrom", is[io.ReaderFrom](conn))
			n.Note("WriteTo", is[io.WriterTo](conn))
			n.Note("net.PacketConn", is[net.PacketConn](conn))
			n.Note("of", who)
		}
	}},
	{Name: "method: what a UDP socket has", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		for _, s := range []any{p, n.dial(v, "udp", p.LocalAddr().String())} {
			n.Note("net.Conn", is[net.Conn](s))
			n.Note("net.PacketConn", is[net.PacketConn](s))
			n.Note("buffers", is[bufferer](s))
			n.Note("reads", is[udpReader](s))
			n.Note("writes", is[udpWriter](s))
			n.Note("CloseWrite", is[closeWriter](s))
			n.Note("io.ReaderFrom", is[io.ReaderFrom](s))
		}
	}},
	{Name: "method: what a listener has", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		n.Note("SetDeadline", is[deadliner](l))
	}},
	{Name: "method: the raw file descriptor", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		p := n.listenPacket(v, "udp", loopback)
		l := n.listen(v, "tcp", loopback)
		for _, s := range []any{c, p, l} {
			n.Note("syscall.Conn", is[syscall.Conn](s))
			n.Note("File", is[interface{ File() (*os.File, error) }](s))
		}
	}, Differs: &Difference{
		Why: "A Pod's sockets are not the machine's, so there is no file descriptor to give. What programs set through one is in podnet.ListenConfig and podnet.Dialer.",
		Linux: []string{
			"syscall.Conn: true", "File: true", "syscall.Conn: true", "File: true", "syscall.Conn: true", "File: true",
		},
		Pod: []string{
			"syscall.Conn: false", "File: false", "syscall.Conn: false", "File: false", "syscall.Conn: false", "File: false",
		},
	}},
	{Name: "method: net's own types", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		n.Note("*net.TCPConn", is[*net.TCPConn](c))
		n.Note("*net.TCPListener", is[*net.TCPListener](n.listen(v, "tcp", loopback)))
		n.Note("*net.UDPConn", is[*net.UDPConn](n.listenPacket(v, "udp", loopback)))
	}, Differs: &Difference{
		Why:   "Nobody but package net can make values of these types. Look for methods by interface, as net/http does; all that need no file descriptor are there.",
		Linux: []string{"*net.TCPConn: true", "*net.TCPListener: true", "*net.UDPConn: true"},
		Pod:   []string{"*net.TCPConn: false", "*net.TCPListener: false", "*net.UDPConn: false"},
	}},
	{Name: "method: every TCP option", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Note("SetNoDelay", c.(noDelayer).SetNoDelay(false))
		n.Note("SetNoDelay", c.(noDelayer).SetNoDelay(true))
		n.Note("SetKeepAlive", c.(keepAliver).SetKeepAlive(false))
		n.Note("SetKeepAlive", c.(keepAliver).SetKeepAlive(true))
		n.Note("SetKeepAlivePeriod", c.(keepAliver).SetKeepAlivePeriod(time.Minute))
		n.Note("SetKeepAliveConfig", c.(keepAliver).SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}))
		n.Note("SetKeepAliveConfig", c.(keepAliver).SetKeepAliveConfig(net.KeepAliveConfig{Idle: -1, Interval: -1, Count: -1}))
		n.Note("SetLinger", c.(lingerer).SetLinger(5))
		n.Note("SetLinger", c.(lingerer).SetLinger(-1))
		n.Note("SetReadBuffer", c.(bufferer).SetReadBuffer(1<<16))
		n.Note("SetWriteBuffer", c.(bufferer).SetWriteBuffer(1<<16))
		n.Note("SetReadBuffer to 0", c.(bufferer).SetReadBuffer(0))
		n.write("write", c, "works")
		n.read("read", s, 9)
	}},
	{Name: "method: keep-alive of listeners and dialers", Run: func(n *Notebook, v Verbs) {
		on := net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: time.Second, Count: 2}
		for _, cfg := range []ListenConfig{{KeepAlive: -1}, {KeepAlive: time.Minute}, {KeepAliveConfig: on}} {
			l, err := v.ListenWith(n.ctx, cfg, "tcp", loopback)
			n.Must(err)
			c, err := v.DialWith(n.ctx, Dialer{KeepAlive: cfg.KeepAlive, KeepAliveConfig: cfg.KeepAliveConfig}, "tcp", l.Addr().String())
			n.Must(err)
			n.write("write", c, "works")
			n.read("read", n.accept(l), 9)
		}
	}},
	{Name: "method: Nagle's algorithm holds nothing back for ever", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		n.Must(c.(noDelayer).SetNoDelay(false))
		for range 5 {
			n.write("write", c, "x")
		}
		b := make([]byte, 5)
		_, err := io.ReadFull(s, b)
		n.note("read", b, err)
	}},
	{Name: "method: the UDP reads", Run: func(n *Notebook, v Verbs) {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
			p := n.listenPacket(v, "udp", address)
			host, _, _ := net.SplitHostPort(p.LocalAddr().String())
			c := n.dial(v, "udp", at(host, p.LocalAddr()))
			r := p.(udpReader)
			b, oob := make([]byte, 4), make([]byte, 64)
			n.write("write", c, "1")
			m, ua, err := r.ReadFromUDP(b)
			n.note("ReadFromUDP "+describe(ua), b[:m], err)
			n.write("write", c, "2")
			m, ap, err := r.ReadFromUDPAddrPort(b)
			n.note("ReadFromUDPAddrPort "+ap.String(), b[:m], err)
			n.write("write", c, "3 is too long")
			m, oobn, flags, ua, err := r.ReadMsgUDP(b, oob)
			n.note(fmt.Sprintf("ReadMsgUDP %s oob=%d flags=%#x", describe(ua), oobn, flags), b[:m], err)
			n.write("write", c, "4")
			m, oobn, flags, ap, err = r.ReadMsgUDPAddrPort(b, nil)
			n.note(fmt.Sprintf("ReadMsgUDPAddrPort %s oob=%d flags=%#x", ap, oobn, flags), b[:m], err)
		}
	}},
	{Name: "method: the UDP reads of a closed socket", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		p.Close()
		r := p.(udpReader)
		m, ua, err := r.ReadFromUDP(make([]byte, 1))
		n.Note(fmt.Sprint("ReadFromUDP ", m, ua), err)
		m, ap, err := r.ReadFromUDPAddrPort(make([]byte, 1))
		n.Note(fmt.Sprint("ReadFromUDPAddrPort ", m, ap), err)
		m, oobn, flags, _, err := r.ReadMsgUDP(make([]byte, 1), nil)
		n.Note(fmt.Sprint("ReadMsgUDP ", m, oobn, flags), err)
	}},
	{Name: "method: the UDP writes", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		q := n.listenPacket(v, "udp", loopback)
		w, to := p.(udpWriter), q.LocalAddr().(*net.UDPAddr)
		b := make([]byte, 9)
		got := func(what string, m int, err error) {
			n.Note(fmt.Sprint(what, " ", m), err)
			m, _, err = q.ReadFrom(b)
			n.note("arrives", b[:m], err)
		}
		m, err := w.WriteToUDP([]byte("1"), to)
		got("WriteToUDP", m, err)
		m, err = w.WriteToUDPAddrPort([]byte("2"), to.AddrPort())
		got("WriteToUDPAddrPort", m, err)
		m, _, err = w.WriteMsgUDP([]byte("3"), nil, to)
		got("WriteMsgUDP", m, err)
		m, _, err = w.WriteMsgUDPAddrPort([]byte("4"), nil, to.AddrPort())
		got("WriteMsgUDPAddrPort", m, err)
	}},
	{Name: "method: the UDP writes without an address", Run: func(n *Notebook, v Verbs) {
		w := n.listenPacket(v, "udp", loopback).(udpWriter)
		_, err := w.WriteToUDP([]byte("x"), nil)
		n.Note("WriteToUDP", err)
		_, err = w.WriteToUDPAddrPort([]byte("x"), netip.AddrPort{})
		n.Note("WriteToUDPAddrPort", err)
		_, _, err = w.WriteMsgUDP([]byte("x"), nil, nil)
		n.Note("WriteMsgUDP", err)
		_, _, err = w.WriteMsgUDPAddrPort([]byte("x"), nil, netip.AddrPort{})
		n.Note("WriteMsgUDPAddrPort", err)
	}},
	{Name: "method: the UDP writes of a connected socket", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		to := p.LocalAddr().(*net.UDPAddr)
		w := n.dial(v, "udp", to.String()).(udpWriter)
		_, err := w.WriteToUDP([]byte("x"), to)
		n.Note("WriteToUDP", err)
		_, err = w.WriteToUDP([]byte("x"), nil)
		n.Note("WriteToUDP to nobody", err)
		_, err = w.WriteToUDPAddrPort([]byte("x"), to.AddrPort())
		n.Note("WriteToUDPAddrPort", err)
		_, _, err = w.WriteMsgUDP([]byte("x"), nil, to)
		n.Note("WriteMsgUDP", err)
		m, _, err := w.WriteMsgUDP([]byte("peer"), nil, nil)
		n.Note(fmt.Sprint("WriteMsgUDP to the peer ", m), err)
		b := make([]byte, 9)
		m, _, err = p.ReadFrom(b)
		n.note("arrives", b[:m], err)
	}},
	{Name: "method: the UDP writes of a closed socket", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		to := p.LocalAddr().(*net.UDPAddr)
		p.Close()
		w := p.(udpWriter)
		_, err := w.WriteToUDP([]byte("x"), to)
		n.Note("WriteToUDP", err)
		_, err = w.WriteToUDPAddrPort([]byte("x"), to.AddrPort())
		n.Note("WriteToUDPAddrPort", err)
		_, _, err = w.WriteMsgUDP([]byte("x"), nil, to)
		n.Note("WriteMsgUDP", err)
		n.write("Write", p.(net.Conn), "x")
	}},
}
