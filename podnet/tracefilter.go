package podnet

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ParseTraceFilter returns a filter of events by an expression as tcpdump has them:
//
//	host, net, port and portrange, with src or dst, ip, ip6, tcp or udp before it
//	ip, ip6, tcp, udp, icmp, icmp6, less LENGTH, greater LENGTH, ifname NAME
//	and, or, not (&&, ||, !) and parentheses; and and or go from left to right
//
// and podnet's own "pod NAMESPACE/NAME", "node NAME" and "container NAME". Hosts are
// IP addresses. An empty expression lets everything pass. Of fragments only the
// first has ports.
func ParseTraceFilter(expression string) (func(TraceEvent) bool, error) {
	p := &filterParser{words: filterWords(expression)}
	if len(p.words) == 0 {
		return func(TraceEvent) bool { return true }, nil
	}
	f, err := p.expression(0)
	if err == nil && p.at < len(p.words) {
		err = fmt.Errorf("%q is not expected there", p.words[p.at])
	}
	if err != nil {
		return nil, fmt.Errorf("podnet: filter expression %q: %w", expression, err)
	}
	return f, nil
}

// filterWords splits an expression.
func filterWords(s string) []string {
	for _, op := range []string{"(", ")", "&&", "||"} {
		s = strings.ReplaceAll(s, op, " "+op+" ")
	}
	s = strings.ReplaceAll(s, "!", " ! ")
	return strings.Fields(s)
}

type filterParser struct {
	words []string
	at    int

	// What a bare address or port means: as what came before it.
	proto, direction, kind string
}

type eventFilter = func(TraceEvent) bool

func (p *filterParser) next() string {
	if p.at == len(p.words) {
		return ""
	}
	return p.words[p.at]
}

func (p *filterParser) take(words ...string) string {
	w := p.next()
	if w != "" && slices.Contains(words, w) {
		p.at++
		return w
	}
	return ""
}

// maxFilterDepth is how deep parentheses go.
const maxFilterDepth = 100

func (p *filterParser) expression(depth int) (eventFilter, error) {
	left, err := p.primary(depth)
	for err == nil {
		op := p.take("and", "&&", "or", "||")
		if op == "" {
			return left, nil
		}
		var right eventFilter
		right, err = p.primary(depth)
		a := left
		if op == "and" || op == "&&" {
			left = func(e TraceEvent) bool { return a(e) && right(e) }
		} else {
			left = func(e TraceEvent) bool { return a(e) || right(e) }
		}
	}
	return nil, err
}

func (p *filterParser) primary(depth int) (eventFilter, error) {
	if depth > maxFilterDepth {
		return nil, fmt.Errorf("it is nested too deeply")
	}
	switch {
	case p.take("not", "!") != "":
		f, err := p.primary(depth + 1)
		return func(e TraceEvent) bool { return !f(e) }, err
	case p.take("(") != "":
		f, err := p.expression(depth + 1)
		if err == nil && p.take(")") == "" {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return f, err
	}
	return p.primitive()
}

func (p *filterParser) primitive() (eventFilter, error) {
	if word := p.take("less", "greater", "ifname", "pod", "node", "container"); word != "" {
		return p.named(word)
	}
	proto := p.take("ip", "ip6", "tcp", "udp", "icmp", "icmp6")
	direction := p.take("src", "dst")
	if direction != "" {
		at := p.at
		if op := p.take("or", "and"); op != "" {
			if p.take("src", "dst") != "" {
				direction = map[string]string{"or": "", "and": "both"}[op]
			} else {
				p.at = at
			}
		}
	}
	kind := p.take("host", "net", "port", "portrange")
	switch {
	case kind == "" && direction == "" && proto != "":
		return ofProtocol(proto), nil
	case kind == "" && direction == "" && p.kind != "" && looksLikeID(p.next()):
		proto, direction, kind = p.proto, p.direction, p.kind
		if strings.ContainsAny(p.next(), ".:") {
			kind = "host"
		}
	case kind == "":
		kind = "host"
	}
	p.proto, p.direction, p.kind = proto, direction, kind
	id := p.next()
	if id == "" {
		return nil, fmt.Errorf("it ends where %s is expected", map[string]string{"host": "an address", "net": "a network", "port": "a port", "portrange": "a range of ports"}[kind])
	}
	p.at++
	match, err := matcher(kind, id)
	if err != nil {
		return nil, err
	}
	of := ofProtocol(proto)
	return func(e TraceEvent) bool {
		if !e.Src.IsValid() || !of(e) {
			return false
		}
		switch direction {
		case "src":
			return match(e, e.Src)
		case "dst":
			return match(e, e.Dst)
		case "both":
			return match(e, e.Src) && match(e, e.Dst)
		}
		return match(e, e.Src) || match(e, e.Dst)
	}, nil
}

func looksLikeID(word string) bool {
	return word != "" && (word[0] >= '0' && word[0] <= '9' || strings.Contains(word, ":"))
}

// named is a primitive of one word and what follows.
func (p *filterParser) named(word string) (eventFilter, error) {
	value := p.next()
	if value == "" {
		return nil, fmt.Errorf("it ends after %q", word)
	}
	p.at++
	switch word {
	case "ifname":
		return func(e TraceEvent) bool { return e.Interface == value }, nil
	case "node":
		return func(e TraceEvent) bool { return e.Node == value }, nil
	case "container":
		return func(e TraceEvent) bool { return e.Container == value }, nil
	case "pod":
		namespace, name, ok := strings.Cut(value, "/")
		if !ok {
			namespace, name = "default", value
		}
		return func(e TraceEvent) bool { return e.Pod == name && e.Namespace == namespace }, nil
	}
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%q is not a length", value)
	}
	if word == "less" {
		return func(e TraceEvent) bool { return e.Size <= int(n) }, nil
	}
	return func(e TraceEvent) bool { return e.Size >= int(n) }, nil
}

func ofProtocol(proto string) eventFilter {
	switch proto {
	case "ip":
		return func(e TraceEvent) bool { return e.Src.Addr().Is4() }
	case "ip6":
		return func(e TraceEvent) bool { return e.Src.Addr().Is6() }
	case "icmp6":
		proto = "icmpv6"
	case "":
		return func(TraceEvent) bool { return true }
	}
	return func(e TraceEvent) bool { return e.Protocol == proto }
}

// matcher returns what an end of a packet must be.
func matcher(kind, id string) (func(TraceEvent, netip.AddrPort) bool, error) {
	switch kind {
	case "host":
		a, err := netip.ParseAddr(id)
		if err != nil {
			return nil, fmt.Errorf("%q is not an IP address (names are not looked up)", id)
		}
		return func(_ TraceEvent, end netip.AddrPort) bool { return end.Addr() == a }, nil
	case "net":
		n, err := netip.ParsePrefix(id)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network like 10.244.0.0/16", id)
		}
		return func(_ TraceEvent, end netip.AddrPort) bool { return n.Contains(end.Addr()) }, nil
	}
	low, high, isRange := strings.Cut(id, "-")
	if !isRange {
		high = low
	}
	first, err1 := strconv.ParseUint(low, 10, 16)
	last, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil || isRange && kind == "port" || first > last {
		return nil, fmt.Errorf("%q is not a %s", id, map[string]string{"port": "port number", "portrange": "range of ports like 8000-8080"}[kind])
	}
	return func(e TraceEvent, end netip.AddrPort) bool {
		return (e.Protocol == "tcp" || e.Protocol == "udp") && uint64(end.Port()) >= first && uint64(end.Port()) <= last
	}, nil
}
