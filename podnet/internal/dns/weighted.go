package dns

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// LookupMX returns the mail servers of a domain by preference.
func (r *Resolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	list, err := records(ctx, r, name, name, dnsmessage.TypeMX, func(p *dnsmessage.Parser, _ string) (*net.MX, error) {
		mx, err := p.MXResource()
		return &net.MX{Host: mx.MX.String(), Pref: mx.Pref}, err
	})
	if err != nil {
		return nil, err
	}
	random := r.draw()
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b *net.MX) int { return cmp.Compare(a.Pref, b.Pref) })
	return valid(list, name, func(mx *net.MX) string {
		if a, err := netip.ParseAddr(strings.TrimSuffix(mx.Host, ".")); err == nil && a.Zone() == "" {
			return "address" // some give one
		}
		return mx.Host
	})
}

// LookupSRV returns the servers of _service._proto.name, or of name itself if
// both are empty, by priority and, within one, by lot as their weights say.
// cname is the name that they belong to.
func (r *Resolver) LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error) {
	target := name
	if service != "" || proto != "" {
		target = "_" + service + "._" + proto + "." + name
	}
	list, err := records(ctx, r, target, name, dnsmessage.TypeSRV, func(p *dnsmessage.Parser, owner string) (*net.SRV, error) {
		if cname == "" {
			cname = owner
		}
		srv, err := p.SRVResource()
		return &net.SRV{Target: srv.Target.String(), Port: srv.Port, Priority: srv.Priority, Weight: srv.Weight}, err
	})
	if err != nil {
		return "", nil, err
	}
	if !IsName(cname) {
		return "", nil, &net.DNSError{Err: "SRV header name is invalid", Name: name}
	}
	sortSRV(list, r.draw())
	addrs, err = valid(list, name, func(srv *net.SRV) string { return srv.Target })
	return cname, addrs, err
}

// sortSRV orders servers as RFC 2782 says.
func sortSRV(list []*net.SRV, random *rand.Rand) {
	slices.SortStableFunc(list, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Weight, b.Weight))
	})
	for len(list) > 0 {
		end := slices.IndexFunc(list, func(s *net.SRV) bool { return s.Priority != list[0].Priority })
		if end < 0 {
			end = len(list)
		}
		drawByWeight(list[:end], random)
		list = list[end:]
	}
}

func drawByWeight(list []*net.SRV, random *rand.Rand) {
	sum := 0
	for _, s := range list {
		sum += int(s.Weight)
	}
	for ; sum > 0 && len(list) > 1; list = list[1:] {
		n, i := random.IntN(sum), 0
		for n >= int(list[i].Weight) {
			n -= int(list[i].Weight)
			i++
		}
		list[0], list[i] = list[i], list[0]
		sum -= int(list[0].Weight)
	}
}
