package iproute

import (
	"fmt"
	"net/netip"
)

// get is ip route get: the way that a packet would go.
func (n *Namespace) get(f family, args []string) (string, error) {
	var dst, from netip.Addr
	dev := ""
	w := words{args}
	for len(w.rest) > 0 {
		word, _ := w.next()
		var err error
		switch {
		case word == "from":
			from, err = w.address(&f)
		case word == "oif" || word == "dev":
			dev, err = w.next()
		case word == "iif" || word == "mark" || word == "tos" || word == "vrf" || word == "uid" || word == "ipproto" ||
			word == "sport" || word == "dport" || word == "fibmatch" || word == "notify" || word == "connected":
			return "", unsupported(word)
		default:
			if word == "to" {
				if word, err = w.next(); err != nil {
					return "", err
				}
			}
			var p netip.Prefix
			p, err = prefixOrDefault(word, &f)
			dst = p.Addr()
		}
		if err != nil {
			return "", err
		}
	}
	if !dst.IsValid() {
		return "", &Error{"need at least a destination address\n", codeBad}
	}
	if dev != "" && n.link(dev) == nil {
		return "", noLink(dev)
	}
	if from.IsValid() && !n.local(from) {
		return "", errUnreachable
	}
	r, err := n.way(dst, dev)
	if err != nil {
		return "", err
	}
	if f == 6 {
		return n.got6(r, dst, from), nil
	}
	return n.got4(r, dst, from), nil
}

// way returns the route to dst, of the type local for the namespace's own
// addresses.
func (n *Namespace) way(dst netip.Addr, dev string) (Route, error) {
	if n.local(dst) {
		return Route{Type: "local", Dev: "lo", Proto: "kernel", Src: dst}, nil
	}
	r, ok := n.lookup(dst, dev, func(Route) bool { return true })
	switch {
	case !ok:
		return r, errUnreachable
	case r.Type == "blackhole":
		return r, errInvalid
	case r.Type == "unreachable":
		return r, errNoHost
	case r.Type == "prohibit":
		return r, errDenied
	}
	if dst.Is4() && r.Dst.Bits() < 31 && r.Scope == "link" && dst == broadcast(r.Dst) {
		r.Type = "broadcast"
	}
	return r, nil
}

// broadcast returns the last address of an IPv4 prefix.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

func (n *Namespace) got4(r Route, dst, from netip.Addr) string {
	s := ""
	if r.Type != "" {
		s = r.Type + " "
	}
	s += dst.String()
	if from.IsValid() {
		s += " from " + from.String()
	}
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	s += " dev " + r.Dev
	if src := n.source(r, dst); src.IsValid() && !from.IsValid() {
		s += " src " + src.String()
	}
	s += fmt.Sprintf(" uid %d \n    cache ", n.UID)
	switch r.Type {
	case "local":
		s += "<local> "
	case "broadcast":
		s += "<local,brd> "
	}
	return s + "\n"
}

func (n *Namespace) got6(r Route, dst, from netip.Addr) string {
	s := ""
	if r.Type != "" {
		s = r.Type + " "
	}
	if !from.IsValid() {
		from = netip.IPv6Unspecified()
	}
	s += dst.String() + " from " + from.String()
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	s += " dev " + r.Dev
	if r.Type == "local" {
		s += " table local"
	}
	if p := r.proto(); p != "boot" {
		s += " proto " + p
	}
	if src := n.source(r, dst); src.IsValid() {
		s += " src " + src.String()
	}
	return s + fmt.Sprintf(" metric %d pref medium\n", r.Metric)
}
