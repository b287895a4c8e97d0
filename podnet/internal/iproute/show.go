package iproute

import (
	"net/netip"
	"strings"
)

// selector is what a listing is limited to.
type selector struct {
	family             family
	dev                string
	via                netip.Addr
	proto, scope       string
	root, match, exact netip.Prefix
}

// parseSelector reads what show and flush take.
func (n *Namespace) parseSelector(f family, args []string) (s selector, err error) {
	s.family = f
	w := words{args}
	for len(w.rest) > 0 && err == nil {
		word, _ := w.next()
		switch {
		case word == "dev" || word == "oif":
			if s.dev, err = w.next(); err == nil && n.link(s.dev) == nil {
				err = noLink(s.dev)
			}
		case word == "via":
			var p netip.Prefix
			p, err = w.prefix(&s.family)
			s.via = p.Addr()
		case is(word, "protocol"):
			s.proto, err = w.name(protos, `invalid "protocol"`)
		case is(word, "scope"):
			s.scope, err = w.name(scopes, `invalid "scope"`)
		case is(word, "table"):
			err = w.table()
		case is(word, "root"):
			s.root, err = w.prefix(&s.family)
		case is(word, "match"):
			s.match, err = w.prefix(&s.family)
		case is(word, "exact") || word == "to":
			s.exact, err = w.prefix(&s.family)
		case is(word, "type") || is(word, "tos") || is(word, "cached") || word == "from" || word == "src" || word == "metric":
			err = unsupported(word)
		default:
			s.exact, err = prefixOrDefault(word, &s.family)
		}
	}
	if s.family == 0 {
		s.family = 4
	}
	return s, err
}

func (w *words) prefix(f *family) (netip.Prefix, error) {
	word, err := w.next()
	if err != nil {
		return netip.Prefix{}, err
	}
	return prefixOrDefault(word, f)
}

// prefixOrDefault is parsePrefix for a selector, where default without a family
// is IPv4's.
func prefixOrDefault(word string, f *family) (netip.Prefix, error) {
	p, err := parsePrefix(word, f)
	if err == nil && !p.IsValid() {
		*f = 4
		p = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return p, err
}

func (s *selector) wants(r Route) bool {
	return r.is6() == (s.family == 6) &&
		(s.dev == "" || s.dev == r.Dev) &&
		(!s.via.IsValid() || s.via == r.Gateway) &&
		(s.proto == "" || s.proto == r.proto()) &&
		(s.scope == "" || s.scope == r.scope() || r.is6()) &&
		(!s.root.IsValid() || s.root.Bits() <= r.Dst.Bits() && s.root.Contains(r.Dst.Addr())) &&
		(!s.match.IsValid() || r.Dst.Bits() <= s.match.Bits() && r.Dst.Contains(s.match.Addr())) &&
		(!s.exact.IsValid() || s.exact == r.Dst)
}

// show is ip route show.
func (n *Namespace) show(f family, args []string) (string, error) {
	s, err := n.parseSelector(f, args)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	hide := hidden{dev: s.dev != "", via: s.via.IsValid(), proto: s.proto != "", scope: s.scope != ""}
	for _, r := range Sorted(n.Routes) {
		if s.wants(r) {
			b.WriteString(r.text(hide) + "\n")
		}
	}
	return b.String(), nil
}

// flush is ip route flush: without a family it is about both.
func (n *Namespace) flush(f family, args []string) ([]Route, error) {
	if len(args) == 0 {
		return nil, &Error{"\"ip route flush\" requires arguments.\n", codeBad}
	}
	s, err := n.parseSelector(f, args)
	if err != nil {
		return nil, err
	}
	other := s
	if f == 0 && !s.via.IsValid() && !s.root.IsValid() && !s.match.IsValid() && !s.exact.IsValid() {
		other.family = 6
	}
	var kept []Route
	for _, r := range n.Routes {
		if !s.wants(r) && !other.wants(r) {
			kept = append(kept, r)
		}
	}
	if n.ReadOnly && len(kept) < len(n.Routes) {
		return nil, errNotPermitted
	}
	return kept, nil
}
