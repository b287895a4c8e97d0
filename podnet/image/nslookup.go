package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// nslookup is nslookup host, with busybox's output. It asks as every program of
// the container does, so unlike the real one it also knows /etc/hosts, and it
// takes no other server.
func nslookup(ctx context.Context, p *proc) int {
	opts, operands, ok := p.options("", map[string]string{"type=": "", "query=": "", "debug": ""})
	if !ok {
		return 1
	}
	for _, o := range opts {
		p.errorf("%s is not supported", o.name)
		return 1
	}
	if len(operands) != 1 {
		return p.usageError()
	}
	host := operands[0]
	fmt.Fprintf(p.out, "Server:\t\t%s\nAddress:\t%s\n\n", p.nameserver(), net.JoinHostPort(p.nameserver(), "53"))
	addrs, err := p.LookupHost(ctx, host)
	if err != nil {
		dns, _ := errors.AsType[*net.DNSError](err)
		switch {
		case ctx.Err() != nil:
		case dns != nil && dns.IsNotFound:
			fmt.Fprintf(p.out, "** server can't find %s: NXDOMAIN\n\n", host)
		case dns != nil && dns.IsTimeout:
			fmt.Fprint(p.out, ";; connection timed out; no servers could be reached\n\n")
		default:
			fmt.Fprintf(p.out, "** server can't find %s: SERVFAIL\n\n", host)
		}
		return 1
	}
	for _, a := range addrs {
		fmt.Fprintf(p.out, "Name:\t%s\nAddress: %s\n", host, a)
	}
	fmt.Fprintln(p.out)
	return 0
}

// nameserver is the first of /etc/resolv.conf, or the C library's default.
func (p *proc) nameserver() string {
	data, err := p.FS().ReadFile("/etc/resolv.conf")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" {
				return fields[1]
			}
		}
	}
	return "127.0.0.1"
}
