package image

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// queryTypes are those that nslookup knows.
var queryTypes = map[string]dnsmessage.Type{
	"SOA": dnsmessage.TypeSOA, "NS": dnsmessage.TypeNS, "A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME,
	"MX": dnsmessage.TypeMX, "TXT": dnsmessage.TypeTXT, "SRV": dnsmessage.TypeSRV, "PTR": dnsmessage.TypePTR, "ANY": dnsmessage.TypeALL,
}

func queryType(name string) (t dnsmessage.Type, ok bool) {
	t, ok = queryTypes[strings.ToUpper(name)]
	return t, ok
}

var rcodes = []string{
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "11", "12", "13", "14", "15",
}

// show prints an answer.
func (n *nsQuery) show(q *nsQuestion, msg []byte) {
	if n.debug {
		fmt.Fprintf(n.out, "Query #%d completed in 0ms:\n", slices.Index(n.queries, q))
	}
	if rcode := msg[3] & 0xf; rcode != 0 {
		n.failed = true
		fmt.Fprintf(n.out, "** server can't find %s: %s\n\n", q.name, rcodes[rcode])
		return
	}
	switch authoritative := msg[2]&4 != 0; {
	case !authoritative:
		fmt.Fprintln(n.out, "Non-authoritative answer:")
	case n.debug:
		fmt.Fprintln(n.out, "authoritative answer:")
	}
	if err := n.showRecords(msg); err != nil {
		n.failed = true
		fmt.Fprintf(n.out, "*** Can't find %s: Parse error\n", q.name)
	}
	fmt.Fprintln(n.out)
}

func (n *nsQuery) showRecords(msg []byte) error {
	var m dnsmessage.Message
	if err := m.Unpack(msg); err != nil {
		return err
	}
	for _, r := range m.Answers {
		name := bare(r.Header.Name)
		switch b := r.Body.(type) {
		case *dnsmessage.AResource:
			fmt.Fprintf(n.out, "Name:\t%s\nAddress: %s\n", name, netip.AddrFrom4(b.A))
		case *dnsmessage.AAAAResource:
			fmt.Fprintf(n.out, "Name:\t%s\nAddress: %s\n", name, netip.AddrFrom16(b.AAAA))
		case *dnsmessage.NSResource:
			fmt.Fprintf(n.out, "%s\tnameserver = %s\n", name, bare(b.NS))
		case *dnsmessage.CNAMEResource:
			fmt.Fprintf(n.out, "%s\tcanonical name = %s\n", name, bare(b.CNAME))
		case *dnsmessage.PTRResource:
			fmt.Fprintf(n.out, "%s\tname = %s\n", name, bare(b.PTR))
		case *dnsmessage.MXResource:
			fmt.Fprintf(n.out, "%s\tmail exchanger = %d %s\n", name, b.Pref, bare(b.MX))
		case *dnsmessage.TXTResource:
			if len(b.TXT) > 0 && b.TXT[0] != "" {
				fmt.Fprintf(n.out, "%s\ttext = \"%s\"\n", name, b.TXT[0])
			}
		case *dnsmessage.SRVResource:
			fmt.Fprintf(n.out, "%s\tservice = %d %d %d %s\n", name, b.Priority, b.Weight, b.Port, bare(b.Target))
		case *dnsmessage.SOAResource:
			fmt.Fprintf(n.out, "%s\n\torigin = %s\n\tmail addr = %s\n\tserial = %d\n\trefresh = %d\n\tretry = %d\n\texpire = %d\n\tminimum = %d\n",
				name, bare(b.NS), bare(b.MBox), b.Serial, b.Refresh, b.Retry, b.Expire, b.MinTTL)
		}
	}
	return nil
}

// bare is a name without the dot at its end.
func bare(n dnsmessage.Name) string { return strings.TrimSuffix(n.String(), ".") }

// reverseName returns the name of an address in the reverse zones.
func reverseName(addr netip.Addr) string {
	b := addr.Unmap().AsSlice()
	slices.Reverse(b)
	var parts []string
	for _, v := range b {
		if len(b) == 4 {
			parts = append(parts, fmt.Sprint(v))
		} else {
			parts = append(parts, fmt.Sprintf("%x.%x", v&0xf, v>>4))
		}
	}
	if len(b) == 4 {
		return strings.Join(parts, ".") + ".in-addr.arpa"
	}
	return strings.Join(parts, ".") + ".ip6.arpa"
}
