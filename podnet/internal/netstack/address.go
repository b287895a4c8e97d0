package netstack

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// A Resolver gives the addresses of a host name, in the order in which they
// are to be tried. Its error is a *net.DNSError. It is not asked for literal
// addresses.
type Resolver func(ctx context.Context, host string) ([]netip.Addr, error)

// network is a parsed network name: tcp, udp, each with 4, 6 or neither.
type network struct {
	name   string // as given, for errors
	stream bool   // TCP
	want4  bool   // the family that the name's last letter demands
	want6  bool
}

func parseNetwork(name string) (network, error) {
	n := network{name: name}
	switch name {
	case "tcp", "tcp4", "tcp6":
		n.stream = true
	case "udp", "udp4", "udp6":
	default:
		return n, net.UnknownNetworkError(name)
	}
	n.want4 = name[len(name)-1] == '4'
	n.want6 = name[len(name)-1] == '6'
	return n, nil
}

func (n network) accepts(a netip.Addr) bool {
	switch {
	case !a.IsValid():
		return true
	case n.want4:
		return a.Unmap().Is4()
	case n.want6:
		return !a.Unmap().Is4()
	}
	return true
}

// addr returns ap as net shows it: the zero Addr as no IP at all.
func (n network) addr(ap netip.AddrPort) net.Addr {
	var ip net.IP
	if ap.Addr().IsValid() {
		ip = ap.Addr().AsSlice()
	}
	if n.stream {
		return &net.TCPAddr{IP: ip, Port: int(ap.Port()), Zone: ap.Addr().Zone()}
	}
	return &net.UDPAddr{IP: ip, Port: int(ap.Port()), Zone: ap.Addr().Zone()}
}

// resolve parses host:port as net does for network n. An empty host gives one
// address without an IP. The errors are net's, not yet in an OpError.
func (n network) resolve(ctx context.Context, address string, lookup Resolver) ([]netip.AddrPort, error) {
	if address == "" { // as in net: any address, any port
		return []netip.AddrPort{{}}, nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := n.lookupPort(service)
	if err != nil {
		return nil, err
	}
	if host == "" {
		return []netip.AddrPort{netip.AddrPortFrom(netip.Addr{}, port)}, nil
	}
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{a}
		if a == netip.IPv6Unspecified() { // as in net, for machines with half of IPv6
			addrs = append(addrs, netip.IPv4Unspecified())
		}
	} else if lookup == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	} else if addrs, err = lookup(ctx, host); err != nil {
		return nil, err
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		if n.accepts(a) {
			list = append(list, netip.AddrPortFrom(a.Unmap(), port))
		}
	}
	if len(list) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return list, nil
}

// services are the names of /etc/services that a Pod's programs use. The
// machine's own file is not read: a test must not depend on it.
var services = map[string]uint16{
	"domain": 53, "ftp": 21, "http": 80, "https": 443, "imap": 143, "imaps": 993, "ldap": 389,
	"mysql": 3306, "ntp": 123, "pop3": 110, "postgresql": 5432, "redis": 6379, "smtp": 25, "ssh": 22, "syslog": 514, "telnet": 23,
}

// LookupPort returns the port of a service for a network of package net's
// Resolver.LookupPort. Its errors are net's.
func LookupPort(networkName, service string) (int, error) {
	switch networkName {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "ip":
	case "":
		networkName = "ip"
	default:
		if strings.Trim(service, "+-0123456789") != "" {
			return 0, &net.AddrError{Err: "unknown network", Addr: networkName}
		}
	}
	port, err := network{name: networkName}.lookupPort(service)
	return int(port), err
}

func (n network) lookupPort(service string) (uint16, error) {
	if strings.Trim(service, "+-0123456789") == "" {
		// net looks nothing up for a number, and has its own way to read one.
		if p, err := net.LookupPort("tcp", service); err == nil {
			return uint16(p), nil
		}
		return 0, &net.AddrError{Err: "invalid port", Addr: service}
	}
	if p, ok := services[strings.ToLower(service)]; ok {
		return p, nil
	}
	return 0, &net.DNSError{Err: "unknown port", Name: strings.TrimRight(n.name, "46") + "/" + service, IsNotFound: true}
}

// firstForListen picks the address that a listener binds: IPv4 if there is
// one, as net does.
func firstForListen(addrs []netip.AddrPort) netip.AddrPort {
	for _, a := range addrs {
		if a.Addr().Is4() {
			return a
		}
	}
	return addrs[0]
}

// family tells how a socket for addr is opened: over which protocol, and
// whether an IPv6 one takes IPv6 only. Wildcard listeners of networks without a
// number are dual-stack, even for "0.0.0.0", as in net.
func (n network) family(addr netip.Addr, listen bool) (v6, v6only bool) {
	switch {
	case n.want4:
		return false, false
	case n.want6:
		return true, true
	case listen && (!addr.IsValid() || addr.IsUnspecified()):
		return true, false
	case addr.Is4():
		return false, false
	}
	return true, false
}

// toDial maps "no host" and the unspecified addresses to loopback: that is
// where Linux and net take them to when one connects.
func (n network) toDial(a netip.Addr) netip.Addr {
	switch {
	case !a.IsValid() && n.want6:
		return netip.IPv6Loopback()
	case !a.IsValid() || a == netip.IPv4Unspecified():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case a == netip.IPv6Unspecified():
		return netip.IPv6Loopback()
	}
	return a
}

func address(a netip.Addr) tcpip.Address {
	if !a.IsValid() || a.IsUnspecified() {
		return tcpip.Address{}
	}
	return tcpip.AddrFromSlice(a.AsSlice())
}

func fullAddress(ap netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{Addr: address(ap.Addr()), Port: ap.Port()}
}

// addrPort is the reverse of fullAddress. v6 says that the socket is an IPv6
// one: it shows IPv4 peers as mapped addresses, and no address as [::].
func addrPort(fa tcpip.FullAddress, v6 bool) netip.AddrPort {
	a, ok := netip.AddrFromSlice(fa.Addr.AsSlice())
	switch {
	case !ok && v6:
		a = netip.IPv6Unspecified()
	case !ok:
		a = netip.IPv4Unspecified()
	case v6 && a.Is4():
		a = netip.AddrFrom16(a.As16())
	}
	return netip.AddrPortFrom(a, fa.Port)
}

// shownBy returns ap as an IPv6 socket shows it if v6 is set.
func shownBy(v6 bool, ap netip.AddrPort) netip.AddrPort {
	if v6 {
		return netip.AddrPortFrom(netip.AddrFrom16(ap.Addr().As16()), ap.Port())
	}
	return ap
}

func prefix(p tcpip.AddressWithPrefix) netip.Prefix {
	a, _ := netip.AddrFromSlice(p.Address.AsSlice())
	return netip.PrefixFrom(a, p.PrefixLen)
}

// hostPrefix returns the prefix that has a alone.
func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func subnet(p netip.Prefix) tcpip.Subnet {
	if p.Bits() == 0 { // address makes none of an unspecified address
		if p.Addr().Is4() {
			return header.IPv4EmptySubnet
		}
		return header.IPv6EmptySubnet
	}
	return tcpip.AddressWithPrefix{Address: address(p.Masked().Addr()), PrefixLen: p.Bits()}.Subnet()
}
