package image

import (
	be "encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"podnet.dev/podnet"
)

// flow is what tcpdump keeps of a TCP connection, to print its numbers from 0 on.
type flow struct {
	from     netip.AddrPort // whose numbers seq counts
	seq, ack uint32
}

// packetText returns a packet as tcpdump -n prints it.
func packetText(e podnet.TraceEvent, flows map[string]flow, quiet bool) string {
	b := e.Packet
	family, at := "IP", 0
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		at = int(b[0]&15) * 4
	case len(b) >= 40 && b[0]>>4 == 6:
		family, at = "IP6", 40
	default:
		return fmt.Sprintf("unknown ip %d", len(b))
	}
	ports := e.Protocol == "tcp" || e.Protocol == "udp"
	head := fmt.Sprintf("%s %s > %s: ", family, dumpAddr(e.Src, ports && e.Src.Port() != 0), dumpAddr(e.Dst, ports && e.Dst.Port() != 0))
	if len(b) < at || ports && e.Src.Port() == 0 && e.Dst.Port() == 0 {
		return strings.TrimSuffix(head, ": ") + ": " + e.Protocol // a later fragment
	}
	t := b[at:]
	switch {
	case e.Protocol == "tcp" && len(t) >= 20 && int(t[12]>>4)*4 <= len(t):
		if quiet {
			return head + fmt.Sprintf("tcp %d", len(t)-int(t[12]>>4)*4)
		}
		return head + tcpText(t, e, flows)
	case e.Protocol == "udp" && len(t) >= 8:
		return head + udpText(t[8:], e, quiet)
	case e.Protocol == "icmp" && len(t) >= 8:
		return head + icmpText(t)
	case e.Protocol == "icmpv6" && len(t) >= 8:
		return head + icmp6Text(t)
	}
	return head + fmt.Sprintf("%s, length %d", e.Protocol, len(t))
}

// dumpAddr writes a port after a dot.
func dumpAddr(a netip.AddrPort, port bool) string {
	if port {
		return fmt.Sprintf("%s.%d", a.Addr(), a.Port())
	}
	return a.Addr().String()
}

func tcpText(t []byte, e podnet.TraceEvent, flows map[string]flow) string {
	flags := t[13]
	letters := ""
	for i, l := range "FSRP.UEW" {
		if flags&(1<<i) != 0 {
			letters += string(l)
		}
	}
	if letters == "" {
		letters = "none"
	}
	seq, ack := be.BigEndian.Uint32(t[4:]), be.BigEndian.Uint32(t[8:])
	var base flow // what SACK counts from
	if flags&16 != 0 {
		key := e.Src.String() + e.Dst.String()
		if e.Src.Compare(e.Dst) > 0 {
			key = e.Dst.String() + e.Src.String()
		}
		f, known := flows[key]
		switch {
		case !known || flags&2 != 0:
			flows[key] = flow{e.Src, seq, ack - 1}
		case f.from == e.Src:
			seq, ack, base = seq-f.seq, ack-f.ack, flow{ack: f.ack}
		default:
			seq, ack, base = seq-f.ack, ack-f.seq, flow{ack: f.seq}
		}
	}
	header := int(t[12]>>4) * 4
	length := len(t) - header
	text := fmt.Sprintf("Flags [%s]", letters)
	if length > 0 || flags&7 != 0 {
		text += fmt.Sprintf(", seq %d", seq)
		if length > 0 {
			text += fmt.Sprintf(":%d", seq+uint32(length))
		}
	}
	if flags&16 != 0 {
		text += fmt.Sprintf(", ack %d", ack)
	}
	text += fmt.Sprintf(", win %d", be.BigEndian.Uint16(t[14:]))
	if options := tcpOptions(t[20:header], base.ack); options != "" {
		text += ", options [" + options + "]"
	}
	text += fmt.Sprintf(", length %d", length)
	if length > 0 && (isHTTP(e.Src.Port()) || isHTTP(e.Dst.Port())) {
		text += ": HTTP" + httpText(t[header:])
	}
	return text
}

func isHTTP(port uint16) bool { return port == 80 || port == 8080 || port == 3128 }

// httpText is the first line of a request or response, after a colon.
func httpText(b []byte) string {
	line, _, ok := strings.Cut(string(b[:min(len(b), 512)]), "\r\n")
	word, _, _ := strings.Cut(line, " ")
	switch word {
	case "GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "BCOPY", "BMOVE", "MKCOL", "TRACE", "LABEL", "MERGE", "DELETE", "SEARCH", "UNLOCK", "REPORT", "UPDATE", "NOTIFY", "OPTIONS", "CHECKIN", "CHECKOUT", "PATCH", "CONNECT":
	default:
		ok = ok && strings.HasPrefix(word, "HTTP/")
	}
	if !ok {
		return ""
	}
	return ": " + line
}

func tcpOptions(b []byte, base uint32) string {
	var list []string
	for len(b) > 0 {
		kind := b[0]
		if kind == 0 {
			list = append(list, "eol")
			break
		}
		if kind == 1 {
			list = append(list, "nop")
			b = b[1:]
			continue
		}
		if len(b) < 2 || int(b[1]) < 2 || int(b[1]) > len(b) {
			list = append(list, "[bad opt]")
			break
		}
		v := b[2:b[1]]
		switch {
		case kind == 2 && len(v) == 2:
			list = append(list, fmt.Sprintf("mss %d", be.BigEndian.Uint16(v)))
		case kind == 3 && len(v) == 1:
			list = append(list, fmt.Sprintf("wscale %d", v[0]))
		case kind == 4:
			list = append(list, "sackOK")
		case kind == 5:
			text := fmt.Sprintf("sack %d ", len(v)/8)
			for ; len(v) >= 8; v = v[8:] {
				text += fmt.Sprintf("{%d:%d}", be.BigEndian.Uint32(v)-base, be.BigEndian.Uint32(v[4:])-base)
			}
			list = append(list, text)
		case kind == 8 && len(v) == 8:
			list = append(list, fmt.Sprintf("TS val %d ecr %d", be.BigEndian.Uint32(v), be.BigEndian.Uint32(v[4:])))
		default:
			list = append(list, fmt.Sprintf("unknown-%d", kind))
		}
		b = b[b[1]:]
	}
	return strings.Join(list, ",")
}

func udpText(b []byte, e podnet.TraceEvent, quiet bool) string {
	if !quiet && (e.Src.Port() == 53 || e.Dst.Port() == 53) {
		if text, ok := dnsText(b); ok {
			return text
		}
	}
	return fmt.Sprintf("UDP, length %d", len(b))
}

func icmpText(t []byte) string {
	length := len(t)
	switch {
	case t[0] == 0 || t[0] == 8:
		return fmt.Sprintf("ICMP echo %s, id %d, seq %d, length %d", map[byte]string{0: "reply", 8: "request"}[t[0]], be.BigEndian.Uint16(t[4:]), be.BigEndian.Uint16(t[6:]), length)
	case t[0] == 3 && len(t) >= 8+20+4:
		inner := t[8:]
		dst, _ := netip.AddrFromSlice(inner[16:20])
		at := int(inner[0]&15) * 4
		switch {
		case t[1] == 3 && len(inner) >= at+4 && (inner[9] == 6 || inner[9] == 17):
			return fmt.Sprintf("ICMP %s %s port %d unreachable, length %d", dst, map[byte]string{6: "tcp", 17: "udp"}[inner[9]], be.BigEndian.Uint16(inner[at+2:]), length)
		case t[1] == 4:
			return fmt.Sprintf("ICMP %s unreachable - need to frag (mtu %d), length %d", dst, be.BigEndian.Uint16(t[6:]), length)
		}
		if what := map[byte]string{0: "net", 1: "host"}[t[1]]; what != "" {
			return fmt.Sprintf("ICMP %s %s unreachable, length %d", what, dst, length)
		}
		return fmt.Sprintf("ICMP %s unreachable - #%d, length %d", dst, t[1], length)
	case t[0] == 11 && t[1] == 0:
		return fmt.Sprintf("ICMP time exceeded in-transit, length %d", length)
	}
	return fmt.Sprintf("ICMP type-#%d, length %d", t[0], length)
}

func icmp6Text(t []byte) string {
	length := len(t)
	switch t[0] {
	case 128, 129:
		return fmt.Sprintf("ICMP6, echo %s, id %d, seq %d, length %d", map[byte]string{129: "reply", 128: "request"}[t[0]], be.BigEndian.Uint16(t[4:]), be.BigEndian.Uint16(t[6:]), length)
	case 1:
		if inner := t[8:]; t[1] == 4 && len(inner) >= 44 && (inner[6] == 6 || inner[6] == 17) {
			dst, _ := netip.AddrFromSlice(inner[24:40])
			return fmt.Sprintf("ICMP6, destination unreachable, unreachable port, %s %s port %d, length %d", dst, map[byte]string{6: "tcp", 17: "udp"}[inner[6]], be.BigEndian.Uint16(inner[42:]), length)
		}
		return fmt.Sprintf("ICMP6, destination unreachable, length %d", length)
	case 2:
		return fmt.Sprintf("ICMP6, packet too big, mtu %d, length %d", be.BigEndian.Uint32(t[4:]), length)
	case 133:
		return fmt.Sprintf("ICMP6, router solicitation, length %d", length)
	case 143:
		return fmt.Sprintf("ICMP6, multicast listener report v2, %d group record(s), length %d", be.BigEndian.Uint16(t[6:]), length)
	}
	return fmt.Sprintf("ICMP6, type-#%d, length %d", t[0], length)
}
