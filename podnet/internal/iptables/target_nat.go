package iptables

import (
	"net/netip"
	"strconv"
	"strings"
)

var (
	dnatOptions = []option{
		{name: "to-destination", id: 0, args: 1, mandatory: true},
		{name: "random", id: 2}, {name: "persistent", id: 4},
	}
	snatOptions = []option{
		{name: "to-source", id: 0, args: 1, mandatory: true},
		{name: "random", id: 2}, {name: "random-fully", id: 3}, {name: "persistent", id: 4},
	}
	redirectOptions   = []option{{name: "to-ports", id: 1, args: 1}, {name: "random", id: 2}}
	masqueradeOptions = []option{{name: "to-ports", id: 1, args: 1}, {name: "random", id: 2}, {name: "random-fully", id: 3}}
)

func (t *reading) setNAT(r *Rule, o *option, args []string) error {
	switch o.id {
	case 0:
		return t.setTo(r, args[0])
	case 1:
		return t.setPorts(r, args[0])
	case 2:
		t.nat.Random = true
	case 3:
		t.nat.FullyRandom = true
	case 4:
		t.nat.Persistent = true
	}
	return nil
}

// setTo reads [ADDRESS[-ADDRESS]][:PORT[-PORT[/BASE]]], with brackets around
// IPv6 addresses that have a port.
func (t *reading) setTo(r *Rule, text string) error {
	addresses, ports, hasPorts := text, "", false
	if t.family == IPv6 {
		if inner, ok := strings.CutPrefix(text, "["); ok {
			if addresses, ports, ok = strings.Cut(inner, "]"); !ok {
				return bad("Invalid address format")
			}
			if ports, hasPorts = strings.CutPrefix(ports, ":"); !hasPorts && ports != "" {
				return bad("Invalid address format")
			}
		}
	} else {
		if strings.HasPrefix(text, "[") {
			return bad("Invalid address format")
		}
		addresses, ports, hasPorts = strings.Cut(text, ":")
	}
	if hasPorts {
		if err := t.setPorts(r, ports); err != nil {
			return err
		}
		if addresses == "" {
			return nil
		}
	}
	low, high, isRange := strings.Cut(addresses, "-")
	if !isRange {
		high = low
	}
	var err error
	if t.nat.MinAddr, err = parseNATAddress(t.family, low); err != nil {
		return err
	}
	t.nat.MaxAddr, err = parseNATAddress(t.family, high)
	return err
}

func parseNATAddress(f Family, text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Is4() != (f == IPv4) || a.Zone() != "" {
		return a, bad("Bad IP address \"%s\"", text)
	}
	return a, nil
}

// setPorts reads PORT[-PORT[/BASE]].
func (t *reading) setPorts(r *Rule, text string) error {
	if !r.isProtocol(protoTCP, protoUDP, protoSCTP, protoDCCP) {
		return bad("Need TCP, UDP, SCTP or DCCP with port specification")
	}
	port := func(s string) (uint16, error) {
		p, err := parsePort(s)
		if err != nil {
			return 0, bad("Port `%s' not valid", s)
		}
		return p, nil
	}
	low, high, isRange := strings.Cut(text, "-")
	high, base, hasBase := strings.Cut(high, "/")
	n := t.nat
	var err error
	if n.MinPort, err = port(low); err != nil {
		return err
	}
	n.Ports, n.MaxPort = true, n.MinPort
	if isRange {
		if n.MaxPort, err = port(high); err != nil {
			return err
		}
		if n.MaxPort < n.MinPort {
			return bad("Port range `%s' funky", high)
		}
	}
	if hasBase {
		if n.BasePort, err = port(base); err != nil {
			return err
		}
		if t.name != "DNAT" {
			return bad("Port `%s' not valid", high+"/"+base)
		}
	}
	return nil
}

func (n *NATRange) ports() string {
	s := strconv.Itoa(int(n.MinPort))
	if n.MinPort != n.MaxPort {
		s += "-" + strconv.Itoa(int(n.MaxPort))
	}
	if n.BasePort != 0 {
		s += "/" + strconv.Itoa(int(n.BasePort))
	}
	return s
}

func (n *NATRange) to() string {
	s := ""
	if n.MinAddr.IsValid() {
		s = n.MinAddr.String()
		if n.MinAddr != n.MaxAddr {
			s += "-" + n.MaxAddr.String()
		}
	}
	if !n.Ports {
		return s
	}
	if strings.Contains(s, ":") {
		s = "[" + s + "]"
	}
	return s + ":" + n.ports()
}

// flags returns the options without arguments, each after prefix.
func (n *NATRange) flags(prefix string) string {
	s := ""
	if n.Random {
		s += prefix + "random"
	}
	if n.FullyRandom {
		s += prefix + "random-fully"
	}
	if n.Persistent {
		s += prefix + "persistent"
	}
	return s
}

func (t *target) savedNAT() string {
	s := ""
	switch {
	case t.kind == DNAT:
		s = " --to-destination " + t.nat.to()
	case t.kind == SNAT:
		s = " --to-source " + t.nat.to()
	case t.nat.Ports:
		s = " --to-ports " + t.nat.ports()
	}
	return s + t.nat.flags(" --")
}

func (t *target) listedNAT() string {
	s := ""
	switch {
	case t.kind == DNAT || t.kind == SNAT:
		s = "to:" + t.nat.to()
	case t.nat.Ports && t.kind == Redirect:
		s = "redir ports " + t.nat.ports()
	case t.nat.Ports:
		s = "masq ports: " + t.nat.ports()
	}
	return strings.TrimPrefix(s+t.nat.flags(" "), " ")
}
