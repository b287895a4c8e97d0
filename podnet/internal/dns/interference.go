package dns

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Interference is how a query is treated other than it should.
type Interference struct {
	Delay    time.Duration // before all else
	Silence  bool          // there is no answer
	RCode    uint16        // what is answered, if it is not 0
	Truncate bool          // over UDP, there is no room for an answer

	// Addrs, if not nil, are answered instead of the truth: those of the family
	// that is asked for.
	Addrs []netip.Addr
}

// interferes treats a query as Interfere says. It reports whether there was
// anything to say.
func (s *Server) interferes(client net.Addr, q query, size int, packet bool, send func([]byte)) bool {
	if s.config.Interfere == nil || client == nil {
		return false
	}
	from, err := netip.ParseAddrPort(client.String())
	if err != nil {
		return false
	}
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	i, ok := s.config.Interfere(from, client.Network(), q.name, uint16(q.question.Type))
	if !ok {
		return false
	}
	if !s.startAsking() {
		send(refused().pack(q, size))
		return true
	}
	answer := func() {
		defer s.doneAsking()
		if !s.wait(i.Delay) || i.Silence {
			return
		}
		if i.Truncate && packet {
			r := reply{authoritative: true}.pack(q, size)
			r[2] |= 2 // TC
			send(r)
			return
		}
		send(s.shuffle(s.falsely(i, q)).pack(q, size))
	}
	if packet && i.Delay > 0 {
		go answer()
	} else {
		answer()
	}
	return true
}

// wait waits, and reports whether the server is still there.
func (s *Server) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// falsely finds the reply to a query that is interfered with.
func (s *Server) falsely(i Interference, q query) reply {
	switch t := q.question.Type; {
	case i.RCode != 0:
		r := reply{rcode: dnsmessage.RCode(i.RCode), authoritative: true}
		if r.rcode == dnsmessage.RCodeNameError {
			r.authorities = []dnsmessage.Resource{s.authority(s.zone)}
		}
		return r
	case i.Addrs != nil:
		r := reply{authoritative: true}
		for _, a := range i.Addrs {
			if a.Is4() && t == dnsmessage.TypeA || a.Is6() && t == dnsmessage.TypeAAAA {
				r.answers = append(r.answers, addressRecord(q.question.Name.String(), a))
			}
		}
		return r
	}
	return s.answer(q, s.forward)
}
