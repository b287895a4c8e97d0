package dns

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

func record(owner string, ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: toName(owner), Class: dnsmessage.ClassINET, TTL: ttl}, Body: body}
}

func addressRecord(owner string, addr netip.Addr) dnsmessage.Resource {
	if addr.Is4() {
		return record(owner, ttl, &dnsmessage.AResource{A: addr.As4()})
	}
	return record(owner, ttl, &dnsmessage.AAAAResource{AAAA: addr.As16()})
}

func cnameRecord(owner, target string) dnsmessage.Resource {
	return record(owner, ttl, &dnsmessage.CNAMEResource{CNAME: toName(target)})
}

// toName makes a name for a message. One that is too long makes the message
// fail to pack.
func toName(name string) dnsmessage.Name {
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return dnsmessage.Name{}
	}
	return n
}

// rooted ends a name with a dot.
func rooted(name string) string {
	if strings.HasSuffix(name, ".") {
		return name
	}
	return name + "."
}

// isAddress reports whether a record is an address.
func isAddress(r dnsmessage.Resource) bool {
	switch r.Body.(type) {
	case *dnsmessage.AResource, *dnsmessage.AAAAResource:
		return true
	}
	return false
}
