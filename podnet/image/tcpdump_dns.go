package image

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// dnsText returns a DNS message as tcpdump prints it.
func dnsText(b []byte) (string, bool) {
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil || len(m.Questions) != 1 {
		return "", false
	}
	q := m.Questions[0]
	text := fmt.Sprint(m.ID)
	if !m.Response {
		if m.RecursionDesired {
			text += "+"
		}
		for _, n := range []struct {
			count int
			unit  string
		}{{len(m.Answers), "a"}, {len(m.Authorities), "n"}, {len(m.Additionals), "au"}} {
			if n.count > 0 {
				text += fmt.Sprintf(" [%d%s]", n.count, n.unit)
			}
		}
		return text + fmt.Sprintf(" %s? %s (%d)", dnsType(q.Type), q.Name, len(b)), true
	}
	rcode := map[dnsmessage.RCode]string{
		dnsmessage.RCodeFormatError: " FormErr", dnsmessage.RCodeServerFailure: " ServFail", dnsmessage.RCodeNameError: " NXDomain",
		dnsmessage.RCodeNotImplemented: " NotImp", dnsmessage.RCodeRefused: " Refused",
	}[m.RCode]
	text += rcode
	if m.Authoritative {
		text += "*"
	}
	if !m.RecursionAvailable {
		text += "-"
	}
	if m.Truncated {
		text += "|"
	}
	text += fmt.Sprintf(" %d/%d/%d", len(m.Answers), len(m.Authorities), len(m.Additionals))
	for i, a := range m.Answers {
		if i > 0 {
			text += ","
		}
		text += " " + dnsType(a.Header.Type) + dnsData(a.Body)
	}
	return text + fmt.Sprintf(" (%d)", len(b)), true
}

func dnsType(t dnsmessage.Type) string { return strings.TrimPrefix(t.String(), "Type") }

func dnsData(body dnsmessage.ResourceBody) string {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return " " + netip.AddrFrom4(r.A).String()
	case *dnsmessage.AAAAResource:
		return " " + netip.AddrFrom16(r.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return " " + r.CNAME.String()
	case *dnsmessage.PTRResource:
		return " " + r.PTR.String()
	case *dnsmessage.SRVResource:
		return fmt.Sprintf(" %s:%d %d %d", r.Target, r.Port, r.Priority, r.Weight)
	}
	return ""
}
