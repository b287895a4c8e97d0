package iptables

import "strings"

// multiportMatch is the match of several ports.
type multiportMatch struct {
	of     byte // 's', 'd', or 'b' for either
	ports  []portRange
	invert bool
}

func (*multiportMatch) extension() string { return "multiport" }

var multiportOptions = []option{
	{name: "source-ports", id: 0, args: 1, invert: true, excludes: 1<<1 | 1<<2},
	{name: "sports", id: 0, args: 1, invert: true, excludes: 1<<1 | 1<<2},
	{name: "destination-ports", id: 1, args: 1, invert: true, excludes: 1<<0 | 1<<2},
	{name: "dports", id: 1, args: 1, invert: true, excludes: 1<<0 | 1<<2},
	{name: "ports", id: 2, args: 1, invert: true, excludes: 1<<0 | 1<<1},
}

func (*multiportMatch) options() []option { return multiportOptions }

// maxMultiport is how many ports a match takes; a range counts twice.
const maxMultiport = 15

func (m *multiportMatch) set(r *Rule, o *option, invert bool, args []string) error {
	if err := m.checkProtocol(r); err != nil {
		return err
	}
	m.of, m.invert, m.ports = "sdb"[o.id], invert, nil
	slots := 0
	for text := range strings.SplitSeq(args[0], ",") {
		low, high, isRange := strings.Cut(text, ":")
		slots++
		if isRange {
			slots++
		}
		if slots > maxMultiport {
			return bad("too many ports specified")
		}
		min, err := parsePort(low)
		if err != nil {
			return err
		}
		max := min
		if isRange {
			if max, err = parsePort(high); err != nil {
				return err
			}
			if min >= max {
				return bad("invalid portrange specified")
			}
		}
		m.ports = append(m.ports, portRange{min: min, max: max})
	}
	return nil
}

// checkProtocol wants the protocol in front of the ports.
func (m *multiportMatch) checkProtocol(r *Rule) error {
	switch {
	case r.notProtocol:
		return bad("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP")
	case r.protocol == 0:
		return bad("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'")
	case !r.isProtocol(protoTCP, protoUDP, protoUDPLit, protoSCTP, protoDCCP):
		return bad("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP")
	}
	return nil
}

func (m *multiportMatch) check(_ *Rule, given uint32) error {
	if given == 0 {
		return bad("multiport expection an option")
	}
	return nil
}

func (m *multiportMatch) allowed(r *Rule, _ hookSet) bool {
	return r.isProtocol(protoTCP, protoUDP, protoUDPLit, protoSCTP, protoDCCP)
}

func (m *multiportMatch) matches(p *Packet) bool {
	if p.Fragment {
		return false
	}
	for _, r := range m.ports {
		if m.of != 'd' && r.matches(p.SrcPort) || m.of != 's' && r.matches(p.DstPort) {
			return !m.invert
		}
	}
	return m.invert
}

func (m *multiportMatch) option() string {
	switch m.of {
	case 's':
		return "sports"
	case 'd':
		return "dports"
	}
	return "ports"
}

func (m *multiportMatch) join(numeric bool) string {
	words := make([]string, len(m.ports))
	for i, r := range m.ports {
		words[i] = portName(r.min, numeric)
		if r.min != r.max {
			words[i] += ":" + portName(r.max, numeric)
		}
	}
	return strings.Join(words, ",")
}

func (m *multiportMatch) saved() string {
	return " " + not(m.invert) + "--" + m.option() + " " + m.join(true)
}

func (m *multiportMatch) listed(numeric bool) string {
	if m.invert {
		return "multiport " + m.option() + "  !" + m.join(numeric)
	}
	return "multiport " + m.option() + " " + m.join(numeric)
}
