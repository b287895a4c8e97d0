package dns

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// LookupHost returns the addresses of a host: those of the hosts file in its
// order, others in that of RFC 6724.
func (r *Resolver) LookupHost(ctx context.Context, host string) ([]string, error) {
	if host == "" {
		return nil, newError(ErrNoSuchHost, host, "")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{host}, nil
	}
	var list []string
	if found, _ := lookupHosts(r.hosts(), host); len(found) > 0 {
		for _, a := range found {
			list = append(list, a.String())
		}
		return list, nil
	}
	addrs, _, err := r.addresses(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		list = append(list, a.String())
	}
	return list, nil
}

// LookupIPAddr returns the addresses of a host in the order of RFC 6724.
func (r *Resolver) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return r.lookupIPAddr(ctx, "ip", host)
}

func (r *Resolver) lookupIPAddr(ctx context.Context, network, host string) ([]net.IPAddr, error) {
	if host == "" {
		return nil, newError(ErrNoSuchHost, host, "")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []net.IPAddr{toIPAddr(a)}, nil
	}
	err := ctx.Err()
	if err == nil {
		var addrs []net.IPAddr
		if addrs, _, err = r.addresses(ctx, network, host); err == nil {
			return addrs, nil
		}
	}
	if over(ctx) {
		err = newError(contextError(cmp.Or(ctx.Err(), context.DeadlineExceeded)), host, "")
	}
	return nil, err
}

// LookupIP returns the addresses of a host for a network: ip, ip4 or ip6.
func (r *Resolver) LookupIP(ctx context.Context, network, host string) ([]net.IP, error) {
	switch network {
	case "ip", "ip4", "ip6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	addrs, err := r.lookupIPAddr(ctx, network, host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 1 && addrs[0].IP.Equal(net.IPv6unspecified) { // as in net, for machines with half of IPv6
		addrs = append(addrs, net.IPAddr{IP: net.IPv4zero})
	}
	var ips []net.IP
	for _, a := range addrs {
		if is4 := a.IP.To4() != nil; network == "ip" || is4 == (network == "ip4") {
			ips = append(ips, a.IP)
		}
	}
	if len(ips) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return ips, nil
}

// LookupNetIP is LookupIP with netip's addresses. As in net, IPv4 addresses of
// the hosts file and of literals are in the form ::ffff:a.b.c.d.
func (r *Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	ips, err := r.LookupIP(ctx, network, host)
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.Addr, 0, len(ips))
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, a)
		}
	}
	return addrs, nil
}

// LookupCNAME returns the canonical name of a host.
func (r *Resolver) LookupCNAME(ctx context.Context, host string) (string, error) {
	_, canonical, err := r.addresses(ctx, "CNAME", host)
	if err != nil {
		return "", err
	}
	if !IsName(canonical) {
		return "", &net.DNSError{Err: malformedRecords, Name: host}
	}
	return canonical, nil
}

// malformedRecords is the error of answers in which names are none.
const malformedRecords = "DNS response contained records which contain invalid names"

// LookupAddr returns the names of an address.
func (r *Resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	names := lookupHostAddr(r.hosts(), addr)
	if len(names) == 0 {
		a, err := netip.ParseAddr(addr)
		if err != nil || a.Zone() != "" {
			return nil, &net.DNSError{Err: "unrecognized address", Name: addr}
		}
		names, err = records(ctx, r, reverseName(a), addr, dnsmessage.TypePTR, func(p *dnsmessage.Parser, _ string) (string, error) {
			ptr, err := p.PTRResource()
			return ptr.PTR.String(), err
		})
		if err != nil {
			return nil, err
		}
	}
	return valid(names, addr, func(name string) string { return name })
}

// valid leaves out what has a name that is none, and reports that it did.
func valid[T any](list []T, asked string, name func(T) string) ([]T, error) {
	good := make([]T, 0, len(list))
	for _, v := range list {
		if IsName(name(v)) {
			good = append(good, v)
		}
	}
	if len(good) < len(list) {
		return good, &net.DNSError{Err: malformedRecords, Name: asked}
	}
	return good, nil
}

// records looks up all records of a type and reads each with read, which is
// given its owner. asked is what errors about the records call it.
func records[T any](ctx context.Context, r *Resolver, name, asked string, kind dnsmessage.Type, read func(p *dnsmessage.Parser, owner string) (T, error)) ([]T, error) {
	p, server, err := r.lookup(ctx, name, kind)
	if err != nil {
		return nil, err
	}
	var list []T
	for {
		h, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			return list, nil
		}
		if err == nil && h.Type == kind {
			var v T
			if v, err = read(&p, h.Name.String()); err == nil {
				list = append(list, v)
			}
		} else if err == nil {
			err = p.SkipAnswer()
		}
		if err != nil {
			return nil, &net.DNSError{Err: errCannotUnmarshal.Error(), Name: asked, Server: server}
		}
	}
}

// LookupTXT returns the texts of a name, each record's strings in one.
func (r *Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return records(ctx, r, name, name, dnsmessage.TypeTXT, func(p *dnsmessage.Parser, _ string) (string, error) {
		txt, err := p.TXTResource()
		return strings.Join(txt.TXT, ""), err
	})
}

// LookupNS returns the name servers of a domain.
func (r *Resolver) LookupNS(ctx context.Context, name string) ([]*net.NS, error) {
	list, err := records(ctx, r, name, name, dnsmessage.TypeNS, func(p *dnsmessage.Parser, _ string) (*net.NS, error) {
		ns, err := p.NSResource()
		return &net.NS{Host: ns.NS.String()}, err
	})
	if err != nil {
		return nil, err
	}
	return valid(list, name, func(ns *net.NS) string { return ns.Host })
}
