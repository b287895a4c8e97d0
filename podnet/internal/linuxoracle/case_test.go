package linuxoracle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet/internal/behaviour"
)

// A scenario is one thing to see in the world.
type scenario struct {
	name  string
	needs needs
	run   func(s *stage)

	// differs, if not nil, says that podnet shows something else on purpose.
	differs *difference
}

// A difference is what podnet shows otherwise than Linux, and why.
type difference struct {
	why    string
	podnet []string
}

func scenarios() []scenario {
	return slices.Concat(ipv6Scenarios, pathScenarios, serviceScenarios, nodePortScenarios, hostPortScenarios, udpScenarios, meshScenarios, icmpScenarios, filterScenarios, routeScenarios)
}

// patience is how long a dial waits for what should not come. Other answers are
// here in microseconds, or after a second if the kernel had to send the SYN
// again: an ICMP error that comes while connect still holds the socket is lost.
const patience = 2500 * time.Millisecond

// A stage is where a scenario plays, and takes down what it shows.
type stage struct {
	*behaviour.Notebook
	net     network
	servers *sync.WaitGroup
	later   *[]note // if not nil, notes wait here
}

type note struct {
	what string
	v    any
}

// Note takes down what a scenario shows.
func (s *stage) Note(what string, v any) {
	if s.later != nil {
		*s.later = append(*s.later, note{what, v})
		return
	}
	s.Notebook.Note(what, v)
}

// together plays parts at the same time, which is for those that wait in vain. It
// takes down what they show one after the other. They must not call Must.
func (s *stage) together(parts ...func(s *stage)) {
	notes := make([][]note, len(parts))
	var playing sync.WaitGroup
	for i, part := range parts {
		one := *s
		one.later = &notes[i]
		playing.Go(func() { part(&one) })
	}
	playing.Wait()
	for _, n := range slices.Concat(notes...) {
		s.Note(n.what, n.v)
	}
}

// visits and asks are parts of together.
func visits(from, address string) func(*stage) {
	return func(s *stage) { s.visit(from, address) }
}

func asks(from, address string) func(*stage) {
	return func(s *stage) { s.ask(from, address) }
}

// play returns what a scenario shows in a network.
func play(ctx context.Context, sc scenario, net network) []string {
	s := &stage{net: net, servers: new(sync.WaitGroup)}
	defer s.servers.Wait()
	return behaviour.Run(ctx, behaviour.Case{Name: sc.name, Run: func(n *behaviour.Notebook, _ behaviour.Verbs) {
		s.Notebook = n
		sc.run(s)
	}}, nil)
}

func (s *stage) serve(services ...service) { s.Must(s.net.serve(services...)) }

// listen opens a server on a host, which answers each connection with a line that
// says what it sees of it. With SO_ORIGINAL_DST, if it is asked for.
func (s *stage) listen(on, address string, originalDst bool) {
	h := s.net.host(on)
	s.acceptTCP(on, "tcp4", address, func(c net.Conn) {
		line := fmt.Sprintf("%s sees %s -> %s", on, hostOf(c.RemoteAddr()), c.LocalAddr())
		if originalDst {
			line += original(h.originalDst(c))
		}
		fmt.Fprintln(c, line)
	})
}

// listen6 is listen for IPv6.
func (s *stage) listen6(on, address string) {
	s.acceptTCP(on, "tcp6", address, func(c net.Conn) {
		fmt.Fprintf(c, "%s sees %s -> %s\n", on, hostOf(c.RemoteAddr()), c.LocalAddr())
	})
}

// original tells of SO_ORIGINAL_DST.
func original(to netip.AddrPort, err error) string {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return ""
	case err != nil:
		return ", was to " + err.Error()
	}
	return ", was to " + to.String()
}

// echoTCP opens a server on a host that sends back what it gets.
func (s *stage) echoTCP(on, address string) {
	s.acceptTCP(on, "tcp4", address, func(c net.Conn) { io.Copy(c, c) })
}

// acceptTCP opens a server on a host; it serves connections at the same time.
func (s *stage) acceptTCP(on, network, address string, serve func(net.Conn)) {
	l, err := s.net.host(on).Listen(s.Context(), network, address)
	s.Must(err)
	s.Closes(l)
	s.servers.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.Closes(c)
			s.servers.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
}

// transfer sends 1 MiB to a server on a host, and notes how much arrived.
func (s *stage) transfer(from, on, address string) {
	s.acceptTCP(on, "tcp4", ":8081", func(c net.Conn) {
		n, err := io.Copy(io.Discard, c)
		fmt.Fprintln(c, n, err)
	})
	c := s.dial("transfer", from, "tcp", address, dialer{})
	if c == nil {
		return
	}
	_, err := c.Write(make([]byte, 1<<20))
	s.Must(err)
	s.Must(c.(interface{ CloseWrite() error }).CloseWrite())
	line, err := io.ReadAll(c)
	s.Must(err)
	s.Note("transfer", strings.TrimSpace(string(line)))
}

// visit dials and notes the outcome: the error, or what both ends see.
func (s *stage) visit(from, address string) { s.visitAs(from, address, dialer{}) }

func (s *stage) visitAs(from, address string, as dialer) {
	if s.net.host(from) == nil {
		return
	}
	what := from + " dials " + address
	if as.user != 0 {
		what = fmt.Sprintf("%s as user %d", what, as.user)
	}
	if as.ttl != 0 {
		what = fmt.Sprintf("%s with TTL %d", what, as.ttl)
	}
	c := s.dial(what, from, "tcp", address, as)
	if c == nil {
		return
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(patience))
	line, err := io.ReadAll(c)
	s.Note(what, fmt.Sprintf("%s -> %s, %s", hostOf(c.LocalAddr()), c.RemoteAddr(), strings.TrimSpace(string(line))))
	if err != nil {
		s.Note(what+" and reads", err)
	}
}

func (s *stage) dial(what, from, network, address string, as dialer) net.Conn {
	if as.timeout == 0 {
		as.timeout = patience
	}
	c, err := s.net.host(from).Dial(s.Context(), network, address, as)
	if err != nil {
		s.Note(what, err)
		return nil
	}
	s.Closes(c)
	return c
}

// echo opens a UDP server on a host, which answers each datagram with what it
// sees of it.
func (s *stage) echo(on, address string) { s.echoOn(on, "udp4", address) }

// echo6 is echo for IPv6.
func (s *stage) echo6(on, address string) { s.echoOn(on, "udp6", address) }

func (s *stage) echoOn(on, network, address string) {
	p, err := s.net.host(on).ListenPacket(s.Context(), network, address)
	s.Must(err)
	s.Closes(p)
	s.servers.Go(func() {
		b := make([]byte, 64)
		for {
			_, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			fmt.Fprintf(packetWriter{p, from}, "%s sees %s", on, hostOf(from))
		}
	})
}

type packetWriter struct {
	net.PacketConn
	to net.Addr
}

func (w packetWriter) Write(b []byte) (int, error) { return w.WriteTo(b, w.to) }

// ask sends a datagram on a new socket and notes the answer.
func (s *stage) ask(from, address string) {
	what := from + " asks " + address
	c := s.dial(what, from, "udp", address, dialer{})
	if c == nil {
		return
	}
	defer c.Close()
	s.askOn(what, c)
}

func (s *stage) askOn(what string, c net.Conn) {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("?")); err != nil {
		s.Note(what, err)
		return
	}
	b := make([]byte, 64)
	n, err := c.Read(b)
	if err != nil {
		s.Note(what, err)
		return
	}
	s.Note(what, fmt.Sprintf("%s -> %s, %s", hostOf(c.LocalAddr()), c.RemoteAddr(), b[:n]))
}

// restore6 loads rules into a host's ip6tables.
func (s *stage) restore6(on, rules string) { s.Must(s.net.host(on).restore(v6, rules)) }

// restore loads rules into a host's iptables.
func (s *stage) restore(on, rules string) { s.Must(s.net.host(on).restore(v4, rules)) }

// ip runs a command and notes the error, if there is one.
func (s *stage) ip(on, args string) {
	if s.net.host(on) == nil {
		return
	}
	if _, err := s.net.host(on).ip(strings.Fields(args)...); err != nil {
		s.Note("ip "+args, err)
	}
}

// expiry is how long a route's entry in the cache still lives.
var expiry = regexp.MustCompile(` expires \d+sec`)

// show notes what a command prints, line by line.
func (s *stage) show(on, args string) {
	out, err := s.net.host(on).ip(strings.Fields(args)...)
	if err != nil {
		s.Note("ip "+args, err)
	}
	for line := range strings.Lines(out) {
		s.Note("ip "+args, expiry.ReplaceAllString(strings.TrimSpace(line), " expires SECONDS"))
	}
}

func (s *stage) sysctl(on, name, value string) { s.Must(s.net.host(on).sysctl(name, value)) }

// probe notes what ICMP says to a datagram.
func (s *stage) probe(from, to string, ttl, size int) {
	answer, err := s.net.host(from).probe(to, ttl, size)
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	s.Must(err)
	s.Note(fmt.Sprintf("%s sends %d bytes to %s with TTL %d", from, size, to, ttl), answer)
}

// hostOf leaves the port out, which is drawn by lot and not by one range.
func hostOf(a net.Addr) string {
	addr, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	return addr.Addr().String()
}
