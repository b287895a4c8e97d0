package dns

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// forwarder asks somebody else for the addresses of a name.
type forwarder func(name string, t dnsmessage.Type) ([]dnsmessage.Resource, dnsmessage.RCode)

// The limits of kubeadm's forward plugin.
const (
	maxAsking      = 1000
	forwardTimeout = 5 * time.Second
)

// forwarded answers a query about a name outside the cluster.
func (s *Server) forwarded(owner string, t dnsmessage.Type, ask forwarder) reply {
	switch {
	case s.config.Upstream == nil && strings.Count(owner, ".") == 1 && owner != ".":
		// What everybody's server says of a name without a dot: the root has
		// only domains. So who misspells a Service hears that there is none.
		return reply{rcode: dnsmessage.RCodeNameError, recursive: true}
	case s.config.Upstream == nil || t != dnsmessage.TypeA && t != dnsmessage.TypeAAAA:
		return refused() // Upstream knows addresses only
	}
	answers, rcode := ask(owner, t)
	return reply{rcode: rcode, recursive: true, answers: answers}
}

// forward asks Upstream.
func (s *Server) forward(name string, t dnsmessage.Type) ([]dnsmessage.Resource, dnsmessage.RCode) {
	ctx, cancel := context.WithTimeout(s.ctx, forwardTimeout)
	defer cancel()
	network := "ip4"
	if t == dnsmessage.TypeAAAA {
		network = "ip6"
	}
	host := strings.TrimSuffix(name, ".")
	addrs, err := s.config.Upstream(ctx, network, host)
	if err != nil && isNotFound(err) {
		// It may have addresses of the other family: then it exists.
		addrs, err = s.config.Upstream(ctx, "ip", host)
	}
	switch {
	case err == nil:
	case isNotFound(err):
		return nil, dnsmessage.RCodeNameError
	default:
		return nil, dnsmessage.RCodeServerFailure
	}
	var records []dnsmessage.Resource
	for _, a := range addrs {
		if a = a.Unmap(); a.IsValid() && a.Is4() == (t == dnsmessage.TypeA) {
			records = append(records, addressRecord(name, a))
		}
	}
	return records, dnsmessage.RCodeSuccess
}

// isNotFound reports that a name has no address. net says that there is no
// suitable one if there are only those of the other family.
func isNotFound(err error) bool {
	var dnsErr *net.DNSError
	var addrErr *net.AddrError
	return errors.As(err, &dnsErr) && dnsErr.IsNotFound || errors.As(err, &addrErr)
}

// startAsking makes room for one more query that waits for others.
func (s *Server) startAsking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets == nil || s.asking == maxAsking {
		return false
	}
	s.asking++
	s.running.Add(1)
	return true
}

func (s *Server) doneAsking() {
	s.mu.Lock()
	s.asking--
	s.mu.Unlock()
	s.running.Done()
}
