package image

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// getent is getent hosts name..., as Alpine has it: an IPv6 address if there is
// one, else an IPv4 address, of /etc/hosts or the name server. It knows no other
// database.
func getent(ctx context.Context, p *proc) int {
	if len(p.args) == 0 {
		fmt.Fprintln(p.err, "Usage: getent database [key ...]")
		return 1
	}
	if p.args[0] != "hosts" {
		fmt.Fprintf(p.err, "Unknown database `%s'\n", p.args[0])
		return 1
	}
	const notFound = 2
	for _, key := range p.args[1:] {
		addr, name, ok := p.hostEntry(ctx, key)
		if !ok {
			return notFound
		}
		line := fmt.Sprintf("%-16s%s  %s", addr, name, name)
		if name != key && addr.String() != key {
			line += " " + key
		}
		fmt.Fprintln(p.out, line)
	}
	return 0
}

// hostEntry returns the address of a host and its canonical name.
func (p *proc) hostEntry(ctx context.Context, key string) (addr netip.Addr, name string, ok bool) {
	if a, err := netip.ParseAddr(key); err == nil {
		names, err := p.Resolver().LookupAddr(ctx, key)
		if err != nil || len(names) == 0 {
			return a, "", false
		}
		return a, strings.TrimSuffix(names[0], "."), true
	}
	addrs, err := p.Resolver().LookupNetIP(ctx, "ip", key)
	if err != nil {
		return addr, "", false
	}
	for _, a := range addrs {
		if a = a.Unmap(); !addr.IsValid() || a.Is6() && addr.Is4() {
			addr = a
		}
	}
	if name, err = p.Resolver().LookupCNAME(ctx, key); err != nil {
		name = key
	}
	return addr, strings.TrimSuffix(name, "."), true
}
