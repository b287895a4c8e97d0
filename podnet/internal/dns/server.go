package dns

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// ServerConfig describes a Server.
type ServerConfig struct {
	// Domain is the cluster's domain, such as cluster.local.
	Domain string

	// Backend knows the cluster.
	Backend Backend

	// Addrs are the server's own addresses, for the NS records of its zone.
	Addrs []netip.Addr

	// Upstream, if not nil, looks up names outside the cluster, as
	// net.Resolver.LookupNetIP does: network is ip, ip4 or ip6, and the error
	// of a name that does not exist is a *net.DNSError that says so. Without
	// it such queries are refused, and names without a dot do not exist.
	Upstream func(ctx context.Context, network, host string) ([]netip.Addr, error)

	// Interfere, if not nil, says whether and how a query of a client is treated
	// other than it should. network is udp or tcp; name is in lower case, with a dot
	// at its end; typ is the number of the record type.
	Interfere func(client netip.AddrPort, network, name string, typ uint16) (Interference, bool)

	// Seed decides the order of several addresses.
	Seed uint64
}

// Server is a name server for a cluster's zone. It answers as the CoreDNS does
// that kubeadm sets up, without its cache.
type Server struct {
	config ServerConfig
	zone   string // with a dot at its end, in lower case
	serial uint32 // of the zone

	ctx     context.Context // of what is asked of others
	cancel  context.CancelFunc
	running sync.WaitGroup // what Close waits for

	mu      sync.Mutex // guards what follows
	random  *rand.Rand
	sockets map[interface{ Close() error }]struct{} // nil once closed
	asking  int                                     // queries that wait for others
}

// NewServer returns a server, which answers once it is given sockets. Close it.
func NewServer(cfg ServerConfig) *Server {
	s := &Server{
		config: cfg, zone: strings.ToLower(rooted(cfg.Domain)), serial: uint32(time.Now().Unix()),
		random: rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)), sockets: make(map[interface{ Close() error }]struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close closes the sockets and returns when nothing of the server runs any
// more. Its sockets are not to be read by others.
func (s *Server) Close() error {
	s.mu.Lock()
	sockets := s.sockets
	s.sockets = nil
	s.mu.Unlock()
	s.cancel()
	var errs []error
	for c := range sockets {
		errs = append(errs, c.Close())
	}
	s.running.Wait()
	return errors.Join(errs...)
}

// adopt makes a socket one that Close closes and waits for. It fails if the
// server is closed.
func (s *Server) adopt(c interface{ Close() error }) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil {
		return net.ErrClosed
	}
	s.sockets[c] = struct{}{}
	s.running.Add(1)
	return nil
}

// release closes a socket, if Close has not.
func (s *Server) release(c interface{ Close() error }) {
	s.mu.Lock()
	_, mine := s.sockets[c]
	delete(s.sockets, c)
	s.mu.Unlock()
	if mine {
		c.Close()
	}
	s.running.Done()
}

// ServePacket answers the queries that come in at a UDP socket, until Close. It
// returns nil then, and otherwise the error that the socket is broken by; the
// socket is closed in any case.
func (s *Server) ServePacket(c net.PacketConn) error {
	if err := s.adopt(c); err != nil {
		c.Close()
		return err
	}
	defer s.release(c)
	buf := make([]byte, maxQuery)
	for {
		n, from, err := c.ReadFrom(buf)
		switch {
		case s.ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		s.handleFrom(from, buf[:n], true, func(answer []byte) { c.WriteTo(answer, from) })
	}
}

// The patience with clients over TCP is CoreDNS's.
const (
	tcpFirst = 3 * time.Second  // until the first query
	tcpIdle  = 10 * time.Second // until the next
	tcpWrite = 5 * time.Second
)

// Serve answers queries over the connections of a listener. It returns as
// ServePacket does.
func (s *Server) Serve(l net.Listener) error {
	if err := s.adopt(l); err != nil {
		l.Close()
		return err
	}
	defer s.release(l)
	for {
		c, err := l.Accept()
		switch {
		case s.ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return nil
		case err != nil:
			return err
		}
		if s.adopt(c) != nil {
			c.Close()
			return nil
		}
		go func() {
			defer s.release(c)
			s.serveConn(c)
		}()
	}
}

// serveConn answers the queries of one connection in their order.
func (s *Server) serveConn(c net.Conn) {
	patience := tcpFirst
	for {
		c.SetReadDeadline(time.Now().Add(patience))
		msg, err := readStream(c)
		if err != nil {
			return
		}
		patience = tcpIdle
		s.handleFrom(c.RemoteAddr(), msg, false, func(answer []byte) {
			c.SetWriteDeadline(time.Now().Add(tcpWrite))
			writeStream(c, answer)
		})
	}
}

// handle is handleFrom for a client that nobody knows.
func (s *Server) handle(msg []byte, packet bool, send func(answer []byte)) {
	s.handleFrom(nil, msg, packet, send)
}

// handleFrom answers a query. It returns before that if it comes by UDP and others
// have to be asked.
func (s *Server) handleFrom(client net.Addr, msg []byte, packet bool, send func(answer []byte)) {
	q, problem, ok := parseQuery(msg)
	if !ok {
		return
	}
	size := maxMessage
	if packet {
		size = q.size
	}
	if problem != dnsmessage.RCodeSuccess {
		send(reply{rcode: problem}.pack(q, size))
		return
	}
	if s.interferes(client, q, size, packet, send) {
		return
	}
	waits := false
	r := s.answer(q, func(string, dnsmessage.Type) ([]dnsmessage.Resource, dnsmessage.RCode) {
		waits = s.config.Upstream != nil
		return nil, dnsmessage.RCodeRefused
	})
	if !waits {
		send(s.shuffle(r).pack(q, size))
		return
	}
	if !s.startAsking() {
		send(refused().pack(q, size))
		return
	}
	ask := func() {
		defer s.doneAsking()
		send(s.shuffle(s.answer(q, s.forward)).pack(q, size))
	}
	if packet {
		go ask()
	} else {
		ask()
	}
}

// answer finds the reply to a query. ask is called for what somebody else
// knows.
func (s *Server) answer(q query, ask forwarder) reply {
	name, owner := q.name, q.question.Name.String()
	switch {
	case q.question.Class != dnsmessage.ClassINET:
		return refused()
	case s.inZone(name):
		return s.answerZone(name, owner, q.question.Type, ask)
	case within(name, reverse4) || within(name, reverse6):
		if r, ok := s.answerReverse(name, owner, q.question.Type); ok {
			return r
		}
	}
	return s.forwarded(owner, q.question.Type, ask)
}

func (s *Server) answerZone(name, owner string, t dnsmessage.Type, ask forwarder) reply {
	r := reply{authoritative: true}
	exists := true
	switch {
	case t == dnsmessage.TypeAXFR || t == typeIXFR:
		return refused()
	case t == dnsmessage.TypeSOA:
		if name == s.zone {
			r.answers = []dnsmessage.Resource{s.authority(s.zone)}
		}
	case t == dnsmessage.TypeNS && name == s.zone:
		r.answers, r.additionals = s.nameservers(owner)
	case name == "ns.dns."+s.zone:
		for _, addr := range s.config.Addrs {
			if t == dnsmessage.TypeA && addr.Is4() || t == dnsmessage.TypeAAAA && addr.Is6() {
				r.answers = append(r.answers, addressRecord(owner, addr))
			}
		}
	case t == dnsmessage.TypeA || t == dnsmessage.TypeAAAA:
		r.answers, exists = s.addresses(name, owner, t, nil, ask)
	case t == dnsmessage.TypeSRV:
		r.answers, r.additionals, exists = s.services(name, owner)
	case t == dnsmessage.TypeTXT && name == "dns-version."+s.zone:
		r.answers = []dnsmessage.Resource{record(owner, versionTTL, &dnsmessage.TXTResource{TXT: []string{version}})}
	case t == dnsmessage.TypeTXT: // CoreDNS knows of no empty names here
		list, _ := s.entries(name)
		exists = len(list) > 0
	case t == dnsmessage.TypeCNAME:
		var list []entry
		if list, exists = s.entries(name); len(list) > 0 && list[0].alias != "" {
			r.answers = []dnsmessage.Resource{cnameRecord(owner, list[0].alias)}
		}
	default:
		_, exists = s.entries(name)
	}
	if !exists {
		r.rcode = dnsmessage.RCodeNameError
	}
	if len(r.answers) == 0 {
		r.authorities = []dnsmessage.Resource{s.authority(s.zone)}
	}
	return r
}

// answerReverse answers for addresses of the cluster.
func (s *Server) answerReverse(name, owner string, t dnsmessage.Type) (r reply, ok bool) {
	r.authoritative = true
	apex := name == reverse4 || name == reverse6
	switch {
	case apex && t == dnsmessage.TypeSOA:
		r.answers = []dnsmessage.Resource{s.authority(name)}
	case apex && t == dnsmessage.TypeNS:
		r.answers, r.additionals = s.nameservers(owner)
	case apex:
		r.authorities = []dnsmessage.Resource{s.authority(name)}
	case t == dnsmessage.TypePTR:
		r.answers = s.pointers(name, owner)
		return r, len(r.answers) > 0
	default:
		return r, false
	}
	return r, true
}

// shuffle puts several addresses into a random order, behind all else, as the
// plugin loadbalance does.
func (s *Server) shuffle(r reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.answers, r.additionals = shuffled(r.answers, s.random), shuffled(r.additionals, s.random)
	return r
}

func shuffled(list []dnsmessage.Resource, random *rand.Rand) []dnsmessage.Resource {
	var rest, addrs []dnsmessage.Resource
	for _, r := range list {
		if isAddress(r) {
			addrs = append(addrs, r)
		} else {
			rest = append(rest, r)
		}
	}
	random.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return append(rest, addrs...)
}
