package iproute

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// family is 0, 4 or 6: what is known of the addresses so far.
type family int

func (f family) String() string {
	switch f {
	case 4:
		return "inet"
	case 6:
		return "inet6"
	}
	return "any valid"
}

func familyOf(a netip.Addr) family {
	if a.Is6() {
		return 6
	}
	return 4
}

// words reads a command's words.
type words struct {
	rest []string
}

// next returns the next word; there must be one.
func (w *words) next() (string, error) {
	if len(w.rest) == 0 {
		return "", errIncomplete
	}
	first := w.rest[0]
	w.rest = w.rest[1:]
	return first, nil
}

// is reports whether word is a keyword or the beginning of it.
func is(word, keyword string) bool { return word != "" && strings.HasPrefix(keyword, word) }

// given is a route as it was asked for, and which parts of it were.
type given struct {
	Route
	family                     family
	dst, metric, proto, scoped bool
}

// parseRoute reads what add, del, replace… take.
func parseRoute(f family, args []string) (given, error) {
	g := given{family: f}
	w := words{args}
	viaSeen := false
	for len(w.rest) > 0 {
		word, _ := w.next()
		var err error
		switch {
		case word == "src":
			g.Src, err = w.address(&g.family)
		case word == "via":
			if viaSeen {
				return g, wrong("via", "use nexthop syntax to specify multiple via")
			}
			viaSeen = true
			g.Gateway, err = w.address(&g.family)
		case word == "dev" || word == "oif":
			g.Dev, err = w.next()
		case is(word, "metric") || is(word, "priority") || word == "preference":
			g.metric = true
			g.Metric, err = w.metric()
		case word == "scope":
			g.scoped = true
			g.Scope, err = w.name(scopes, `invalid "scope" value`)
		case word == "onlink":
			g.OnLink = true
		case is(word, "protocol"):
			g.proto = true
			g.Proto, err = w.name(protos, `"protocol" value is invalid`)
		case is(word, "table"):
			err = w.table()
		case slices.Contains(otherOptions, word):
			return g, unsupported(word)
		default:
			err = g.to(word, &w)
		}
		if err != nil {
			return g, err
		}
	}
	if g.family == 0 {
		g.family = 4
	}
	if !g.dst {
		g.setDefault()
	}
	if !g.Dst.IsValid() {
		g.setDefault()
	}
	return g, nil
}

// otherOptions are options of a route that there are not here.
var otherOptions = []string{"from", "tos", "dsfield", "mtu", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "initcwnd",
	"initrwnd", "ssthresh", "realms", "rto_min", "hoplimit", "features", "quickack", "congctl", "pref", "expires",
	"fastopen_no_cookie", "nexthop", "nhid", "encap", "weight", "vrf", "as", "pervasive", "ttl-propagate", "lock", "equalize"}

// to takes the destination, with the type that may be in front.
func (g *given) to(word string, w *words) (err error) {
	if word == "to" {
		if word, err = w.next(); err != nil {
			return err
		}
	}
	switch {
	case slices.Contains(errorTypes, word):
		g.Type = word
		word, err = w.next()
	case word == "unicast":
		word, err = w.next()
	case slices.Contains(otherTypes, word):
		return unsupported(word)
	}
	if err != nil {
		return err
	}
	if g.dst {
		return &Error{fmt.Sprintf("Error: either \"to\" is duplicate, or \"%s\" is a garbage.\n", word), codeUsage}
	}
	g.dst = true
	g.Dst, err = parsePrefix(word, &g.family)
	return err
}

// setDefault makes the destination the default one.
func (g *given) setDefault() {
	if g.family == 6 {
		g.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	} else {
		g.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
}

// parsePrefix reads a destination, and learns the family of it. It is not valid
// for default without a family.
func parsePrefix(word string, f *family) (netip.Prefix, error) {
	if word == "default" || word == "any" || word == "all" {
		switch *f {
		case 4:
			return netip.PrefixFrom(netip.IPv4Unspecified(), 0), nil
		case 6:
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0), nil
		}
		return netip.Prefix{}, nil
	}
	var p netip.Prefix
	host, length, masked := strings.Cut(word, "/")
	a, ok := parseAddr(host, *f)
	if ok {
		bits := a.BitLen()
		if masked {
			n, err := strconv.ParseUint(length, 10, 8)
			ok = err == nil && int(n) <= bits
			bits = int(n)
		}
		p = netip.PrefixFrom(a, bits)
	}
	if !ok || *f != 0 && familyOf(a) != *f {
		return p, &Error{fmt.Sprintf("Error: %s prefix is expected rather than \"%s\".\n", *f, word), codeBad}
	}
	*f = familyOf(a)
	return p, nil
}

// parseAddr reads an address; IPv4's may leave out bytes at the end.
func parseAddr(text string, f family) (netip.Addr, bool) {
	if !strings.Contains(text, ":") && f != 6 {
		fields := strings.Split(text, ".")
		if len(fields) > 4 {
			return netip.Addr{}, false
		}
		var b [4]byte
		for i, s := range fields {
			n, err := strconv.ParseUint(s, 10, 8)
			if err != nil {
				return netip.Addr{}, false
			}
			b[i] = byte(n)
		}
		return netip.AddrFrom4(b), true
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil && a.Zone() == ""
}

// address reads an address of the family, and learns the family of it.
func (w *words) address(f *family) (netip.Addr, error) {
	word, err := w.next()
	if err != nil {
		return netip.Addr{}, err
	}
	a, ok := parseAddr(word, *f)
	if !ok || *f != 0 && familyOf(a) != *f {
		return a, &Error{fmt.Sprintf("Error: %s address is expected rather than \"%s\".\n", *f, word), codeBad}
	}
	*f = familyOf(a)
	return a, nil
}

func (w *words) metric() (int, error) {
	word, err := w.next()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(word, 0, 31)
	if err != nil {
		return 0, wrong(word, `"metric" value is invalid`)
	}
	return int(n), nil
}

func (w *words) name(names map[string]int, why string) (string, error) {
	word, err := w.next()
	if err != nil {
		return "", err
	}
	name, ok := named(names, word)
	if !ok {
		return "", wrong(word, why)
	}
	return name, nil
}

// table takes the table, which can only be main.
func (w *words) table() error {
	word, err := w.next()
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(word, 0, 32); err != nil && word != "main" && word != "local" && word != "default" {
		return wrong(word, `"table" value is invalid`)
	}
	if word != "main" && word != "254" {
		return unsupported("table " + word)
	}
	return nil
}
