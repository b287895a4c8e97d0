package image

import (
	"context"
	"fmt"
	"net/netip"

	"podnet.dev/podnet"
)

// conntrack is conntrack -L [-f ipv4|ipv6] [-p proto] [-s addr] [-d addr], and -C,
// of conntrack-tools 1.4.7: the connections of the Pod's own network namespace, or
// of the node on the host network. -L needs NET_ADMIN.
func conntrack(_ context.Context, p *proc) int {
	const version = "conntrack v1.4.7 (conntrack-tools): "
	usage := func(text string) int {
		fmt.Fprintf(p.err, "%s%s\nTry `conntrack -h' or 'conntrack --help' for more information.\n", version, text)
		return 2
	}
	var command, protocol string
	var src, dst netip.Addr
	six := false
	args := p.args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch arg {
		case "-L", "--dump", "-C", "--count":
			command = map[string]string{"-L": "-L", "--dump": "-L", "-C": "-C", "--count": "-C"}[arg]
			if len(args) > 0 && args[0] == "conntrack" {
				args = args[1:]
			}
			continue
		case "-f", "--family", "-p", "--proto", "-s", "--src", "--orig-src", "-d", "--dst", "--orig-dst":
		default:
			return usage("podnet does not support " + arg + " here: conntrack -L|-C [-f ipv4|ipv6] [-p proto] [-s addr] [-d addr]")
		}
		if len(args) == 0 {
			return usage("option `" + arg + "' requires an argument")
		}
		value := args[0]
		args = args[1:]
		var err error
		switch arg {
		case "-f", "--family":
			if value != "ipv4" && value != "ipv6" {
				return usage("`" + value + "' unsupported protocol family")
			}
			six = value == "ipv6"
		case "-p", "--proto":
			if value != "tcp" && value != "udp" && value != "icmp" && value != "icmpv6" {
				return usage("`" + value + "' unsupported protocol")
			}
			protocol = value
		case "-s", "--src", "--orig-src":
			src, err = netip.ParseAddr(value)
		default:
			dst, err = netip.ParseAddr(value)
		}
		if err != nil {
			return usage("Invalid IP address `" + value + "'.")
		}
	}
	if command == "" {
		return usage("You need to supply at least one command")
	}
	if a := src; a.IsValid() && a.Is6() || dst.IsValid() && dst.Is6() {
		six = true
	}
	if command == "-L" && !p.HasCapability(podnet.CapNetAdmin) { // -C reads a file that is everybody's
		fmt.Fprintln(p.err, version+"Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this")
		return 1
	}
	shown := 0
	for _, c := range p.Conntrack() {
		if c.Src.Addr().Is6() != six || protocol != "" && c.Protocol != protocol ||
			src.IsValid() && c.Src.Addr() != src || dst.IsValid() && c.Dst.Addr() != dst {
			continue
		}
		shown++
		if command == "-L" {
			fmt.Fprintln(p.out, c)
		}
	}
	if command == "-C" {
		fmt.Fprintln(p.out, shown)
		return 0
	}
	fmt.Fprintf(p.err, "%s%d flow entries have been shown.\n", version, shown)
	return 0
}
