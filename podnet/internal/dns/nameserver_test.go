package dns

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/net/dns/dnsmessage"
)

// nameserver is a server to speak to through connections that it makes itself.
// What it says depends on the first label of the name. Close it.
type nameserver struct {
	mu      sync.Mutex
	asked   []string // network, server, type and name of each query
	running sync.WaitGroup
}

// pipe is one end of a connection. It is a net.PacketConn only if a datagram
// socket would be.
type pipe struct {
	net.Conn
	network string
}

type packetPipe struct {
	*pipe
}

func (p packetPipe) ReadFrom(b []byte) (int, net.Addr, error)  { panic("unused") }
func (p packetPipe) WriteTo(b []byte, _ net.Addr) (int, error) { panic("unused") }

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err != nil && err != io.EOF {
		err = &net.OpError{Op: "read", Net: p.network, Err: err}
	}
	return n, err
}

func (ns *nameserver) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	ns.running.Go(func() {
		defer server.Close()
		for {
			var msg []byte
			var err error
			if network == "udp" {
				msg = make([]byte, 2000)
				var n int
				n, err = server.Read(msg)
				msg = msg[:n]
			} else {
				msg, err = readStream(server)
			}
			if err != nil {
				return
			}
			for _, answer := range ns.answer(network, address, msg) {
				if answer == nil {
					return // hangs up
				}
				if network == "udp" {
					server.Write(answer)
				} else {
					writeStream(server, answer)
				}
			}
		}
	})
	p := &pipe{client, network}
	if network == "udp" {
		return packetPipe{p}, nil
	}
	return p, nil
}

// queries returns what was asked, sorted, and forgets it.
func (ns *nameserver) queries() string {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	list := ns.asked
	ns.asked = nil
	slices.Sort(list)
	return strings.Join(list, "\n")
}

func resource(name string, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET}, Body: body}
}

// answer returns the messages to send back.
func (ns *nameserver) answer(network, server string, msg []byte) [][]byte {
	var m dnsmessage.Message
	if err := m.Unpack(msg); err != nil {
		panic(err)
	}
	q := m.Questions[0]
	name := q.Name.String()
	ns.mu.Lock()
	query := strings.Join([]string{network, server, strings.TrimPrefix(q.Type.String(), "Type"), name}, " ")
	again := slices.Contains(ns.asked, query)
	ns.asked = append(ns.asked, query)
	ns.mu.Unlock()
	a := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	pack := func(m dnsmessage.Message) []byte {
		b, err := m.Pack()
		if err != nil {
			panic(err)
		}
		return b
	}
	four, six := q.Type == dnsmessage.TypeA, q.Type == dnsmessage.TypeAAAA
	addr := func(owner, text string) {
		if ip := netip.MustParseAddr(text); ip.Is4() && four || ip.Is6() && six {
			r := addressRecord(owner, ip)
			a.Answers = append(a.Answers, r)
		}
	}
	host, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch host {
	case "both":
		addr(name, "192.0.2.1")
		addr(name, "2001:db8::1")
	case "many":
		for _, s := range []string{"10.0.0.1", "192.0.2.1", "127.0.0.5", "fd00::1", "2001:db8::1", "::1", "2002::1", "fe80::1", "ff02::1", "2001:db8:ffff::1"} {
			addr(name, s)
		}
	case "four":
		addr(name, "192.0.2.4")
	case "six":
		addr(name, "2001:db8::6")
	case "alias":
		a.Answers = append(a.Answers, cnameRecord(name, "end.example."))
		addr("end.example.", "192.0.2.9")
	case "chain":
		a.Answers = append(a.Answers, cnameRecord(name, "middle.example."), cnameRecord("middle.example.", "end.example."))
		addr("end.example.", "192.0.2.9")
	case "onlyalias":
		if q.Type == dnsmessage.TypeCNAME {
			a.Answers = append(a.Answers, cnameRecord(name, "end.example."))
		}
	case "extra":
		a.Answers = append(a.Answers, resource(name, &dnsmessage.TXTResource{TXT: []string{"x"}}))
		addr(name, "192.0.2.3")
	case "records":
		switch q.Type {
		case dnsmessage.TypeTXT:
			a.Answers = append(a.Answers, resource(name, &dnsmessage.TXTResource{TXT: []string{"a", "b"}}), resource(name, &dnsmessage.TXTResource{TXT: []string{""}}))
		case dnsmessage.TypeMX:
			for i, s := range []string{"b.example.", "10.0.0.1.", "a.example."} {
				a.Answers = append(a.Answers, resource(name, &dnsmessage.MXResource{Pref: uint16(30 - 10*i), MX: toName(s)}))
			}
		case dnsmessage.TypeNS:
			a.Answers = append(a.Answers, resource(name, &dnsmessage.NSResource{NS: toName("ns.example.")}))
		}
	case "malformed":
		switch q.Type {
		case dnsmessage.TypeMX:
			a.Answers = append(a.Answers, resource(name, &dnsmessage.MXResource{MX: toName("no host.")}), resource(name, &dnsmessage.MXResource{MX: toName("a.example.")}))
		case dnsmessage.TypeNS:
			a.Answers = append(a.Answers, resource(name, &dnsmessage.NSResource{NS: toName("no host.")}))
		case dnsmessage.TypeA, dnsmessage.TypeCNAME:
			a.Answers = append(a.Answers, cnameRecord(name, "no host."))
		}
	case "_port", "srv":
		for i, s := range []string{"c.example.", "a.example.", "b.example."} {
			a.Answers = append(a.Answers, resource(name, &dnsmessage.SRVResource{Priority: uint16(10 - i), Weight: 1, Port: 80, Target: toName(s)}))
		}
	case "_malformed":
		a.Answers = append(a.Answers, resource(name, &dnsmessage.SRVResource{Target: toName("no host.")}))
	case "1": // of an address
		a.Answers = append(a.Answers, resource(name, &dnsmessage.PTRResource{PTR: toName("one.example.")}), resource(name, &dnsmessage.PTRResource{PTR: toName("uno.example.")}))
	case "2":
		a.Answers = append(a.Answers, resource(name, &dnsmessage.PTRResource{PTR: toName("no host.")}))
	case "none", "nodata":
		a.Header.Authoritative = true
		if host == "none" {
			a.RCode = dnsmessage.RCodeNameError
		}
	case "servfail":
		a.RCode = dnsmessage.RCodeServerFailure
	case "refused":
		a.RCode = dnsmessage.RCodeRefused
	case "badversion":
		var h dnsmessage.ResourceHeader
		h.SetEDNS0(512, 16, false)
		a.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
	case "lame":
		a.RecursionAvailable = false
	case "second": // time that it is asked
		if !again {
			return nil
		}
		addr(name, "192.0.2.2")
	case "silent":
		return nil
	case "hangup":
		return [][]byte{nil}
	case "half":
		addr(name, "192.0.2.1")
		addr(name, "2001:db8::1")
		b := pack(a)
		return [][]byte{b[:len(b)-3]}
	case "halfheader":
		return [][]byte{pack(a)[:8], nil}
	case "halfquestion":
		return [][]byte{pack(a)[:20], nil}
	case "twoquestions":
		a.Questions = append(a.Questions, a.Questions...)
	case "forged": // and then the true one
		addr(name, "192.0.2.1")
		addr(name, "2001:db8::1")
		id, of, response := a, a, a
		id.ID++
		of.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("other."), Type: q.Type, Class: q.Class}}
		response.Response = false
		return [][]byte{{1, 2, 3}, pack(id), pack(of), pack(response), pack(a)}
	case "upper":
		a.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName(strings.ToUpper(name)), Type: q.Type, Class: q.Class}}
		addr(strings.ToUpper(name), "192.0.2.1")
	case "truncated", "truncatedtwice", "large", "tcpforged", "tcpgarbage", "tcphangup":
		if network == "udp" || host == "truncatedtwice" {
			a.Truncated = true
		}
		if network == "udp" {
			break
		}
		switch host {
		case "tcphangup":
			return [][]byte{nil}
		case "tcpforged":
			a.ID++
		case "tcpgarbage":
			return [][]byte{{1, 2, 3}}
		case "large":
			for i := range 2000 {
				a.Answers = append(a.Answers, resource(name, &dnsmessage.TXTResource{TXT: []string{strings.Repeat("x", i%200)}}))
			}
		}
		addr(name, "192.0.2.1")
	default:
		a.RCode = dnsmessage.RCodeNameError
	}
	return [][]byte{pack(a)}
}

// unreachable is a Dial without a way to any server.
func unreachable(_ context.Context, network, address string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ENETUNREACH}
}

var errOther = errors.New("something else")

// pipeListener accepts connections that are made in memory.
type pipeListener struct {
	net.Listener
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return &pipe{client, "tcp"}, nil
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { close(l.closed); return nil }

// pipePackets is a packet socket whose packets stay in memory.
type pipePackets struct {
	net.PacketConn
	in     chan packet
	closed chan struct{}
}

type packet struct {
	data []byte
	from net.Addr
}

// pipeAddr is the address of who waits for the answer.
type pipeAddr struct{ net.Conn }

func (a pipeAddr) Network() string { return "udp" }
func (a pipeAddr) String() string  { return "pipe" }

func newPipePackets() *pipePackets {
	return &pipePackets{in: make(chan packet), closed: make(chan struct{})}
}

func (p *pipePackets) dial() net.Conn {
	client, server := net.Pipe()
	go func() {
		buf := make([]byte, 2000)
		if n, err := server.Read(buf); err == nil {
			p.in <- packet{buf[:n], pipeAddr{server}}
		}
	}()
	return packetPipe{&pipe{client, "udp"}}
}

func (p *pipePackets) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-p.in:
		return copy(b, m.data), m.from, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

func (p *pipePackets) WriteTo(b []byte, to net.Addr) (int, error) {
	return to.(pipeAddr).Write(b)
}

func (p *pipePackets) Close() error { close(p.closed); return nil }
