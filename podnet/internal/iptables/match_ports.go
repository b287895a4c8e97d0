package iptables

import (
	"fmt"
	"strings"
)

// portRange is ports, both ends included.
type portRange struct {
	min, max uint16
	invert   bool
}

var allPorts = portRange{max: 65535}

func (r portRange) matches(port uint16) bool {
	return (port >= r.min && port <= r.max) != r.invert
}

// parsePortRange reads PORT, PORT:PORT, :PORT or PORT:.
func parsePortRange(text string, invert bool) (portRange, error) {
	r := portRange{invert: invert}
	low, high, isRange := strings.Cut(text, ":")
	var err error
	if low != "" || !isRange {
		if r.min, err = parsePort(low); err != nil {
			return r, err
		}
	}
	switch {
	case !isRange:
		r.max = r.min
	case high == "":
		r.max = 65535
	default:
		if r.max, err = parsePort(high); err != nil {
			return r, err
		}
	}
	if r.min > r.max {
		return r, bad("invalid portrange (min > max)")
	}
	return r, nil
}

// saved is the range as an option.
func (r portRange) saved(option string) string {
	switch {
	case r == allPorts:
		return ""
	case r.min == r.max:
		return fmt.Sprintf(" %s--%s %d", not(r.invert), option, r.min)
	}
	return fmt.Sprintf(" %s--%s %d:%d", not(r.invert), option, r.min, r.max)
}

// listed is the range as -L shows it.
func (r portRange) listed(name string, numeric bool) string {
	mark := ""
	if r.invert {
		mark = "!"
	}
	switch {
	case r == allPorts:
		return ""
	case r.min == r.max:
		return " " + name + ":" + mark + portName(r.min, numeric)
	}
	return " " + name + "s:" + mark + portName(r.min, numeric) + ":" + portName(r.max, numeric)
}

// portsMatch is the match of tcp or udp.
type portsMatch struct {
	protocol   uint8
	src, dst   portRange
	mask, want uint8 // TCP flags that are looked at, and those that must be set
	notFlags   bool
	seen       uint32 // options that were given, by id
}

func newPortsMatch(protocol uint8) *portsMatch {
	return &portsMatch{protocol: protocol, src: allPorts, dst: allPorts}
}

func (m *portsMatch) extension() string { return protocolName(m.protocol) }

var udpOptions = []option{
	{name: "source-port", id: 1, args: 1, invert: true, multi: true},
	{name: "sport", id: 1, args: 1, invert: true, multi: true},
	{name: "destination-port", id: 2, args: 1, invert: true, multi: true},
	{name: "dport", id: 2, args: 1, invert: true, multi: true},
}

var tcpOptions = append(udpOptions[:4:4],
	option{name: "syn", id: 3, invert: true, multi: true},
	option{name: "tcp-flags", id: 4, args: 2, invert: true, multi: true},
	option{name: "tcp-option", id: 5, args: 1, invert: true, multi: true},
)

func (m *portsMatch) options() []option {
	if m.protocol == protoTCP {
		return tcpOptions
	}
	return udpOptions
}

func (m *portsMatch) set(_ *Rule, o *option, invert bool, args []string) (err error) {
	again := m.seen&(1<<o.id) != 0
	m.seen |= 1 << o.id
	switch o.id {
	case 1:
		if again {
			return bad("Only one `--source-port' allowed")
		}
		m.src, err = parsePortRange(args[0], invert)
	case 2:
		if again {
			return bad("Only one `--destination-port' allowed")
		}
		m.dst, err = parsePortRange(args[0], invert)
	case 3, 4:
		if m.mask != 0 {
			return bad("Only one of `--syn' or `--tcp-flags'  allowed")
		}
		m.notFlags = invert
		if o.id == 3 {
			m.mask, m.want = tcpFIN|tcpSYN|tcpRST|tcpACK, tcpSYN
			return nil
		}
		if m.mask, err = parseTCPFlags(args[0]); err != nil {
			return err
		}
		m.want, err = parseTCPFlags(args[1])
	case 5:
		return unsupported(m, o)
	}
	return err
}

func (m *portsMatch) check(*Rule, uint32) error { return nil }

func (m *portsMatch) allowed(r *Rule, _ hookSet) bool { return r.isProtocol(m.protocol) }

func (m *portsMatch) matches(p *Packet) bool {
	if p.Fragment {
		return false
	}
	return m.src.matches(p.SrcPort) && m.dst.matches(p.DstPort) &&
		(m.mask == 0 && m.want == 0 || (p.TCPFlags&m.mask == m.want) != m.notFlags)
}

func (m *portsMatch) saved() string {
	s := m.src.saved("sport") + m.dst.saved("dport")
	if m.mask != 0 || m.want != 0 || m.notFlags {
		s += " " + not(m.notFlags) + "--tcp-flags " + tcpFlagNames(m.mask) + " " + tcpFlagNames(m.want)
	}
	return s
}

func (m *portsMatch) listed(numeric bool) string {
	s := m.extension() + m.src.listed("spt", numeric) + m.dst.listed("dpt", numeric)
	if m.mask == 0 && m.want == 0 && !m.notFlags {
		return s
	}
	s += " flags:"
	if m.notFlags {
		s += "!"
	}
	if numeric {
		return s + fmt.Sprintf("0x%02X/0x%02X", m.mask, m.want)
	}
	return s + tcpFlagNames(m.mask) + "/" + tcpFlagNames(m.want)
}

var tcpFlags = []struct {
	name string
	bits uint8
}{{"FIN", tcpFIN}, {"SYN", tcpSYN}, {"RST", tcpRST}, {"PSH", tcpPSH}, {"ACK", tcpACK}, {"URG", tcpURG}, {"ALL", tcpAll}, {"NONE", 0}}

func parseTCPFlags(text string) (uint8, error) {
	var bits uint8
next:
	for name := range strings.SplitSeq(text, ",") {
		for _, f := range tcpFlags {
			if strings.EqualFold(f.name, name) {
				bits |= f.bits
				continue next
			}
		}
		return 0, bad("Unknown TCP flag `%s'", name)
	}
	return bits, nil
}

func tcpFlagNames(bits uint8) string {
	var names []string
	for _, f := range tcpFlags[:6] {
		if bits&f.bits != 0 {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return "NONE"
	}
	return strings.Join(names, ",")
}
