package dns

import (
	"net/netip"
	"slices"
	"strings"
)

// The zones of addresses.
const (
	reverse4 = "in-addr.arpa."
	reverse6 = "ip6.arpa."
)

// reverseName returns the name of an address in the reverse zones.
func reverseName(addr netip.Addr) string {
	const hex = "0123456789abcdef"
	addr = addr.Unmap()
	if addr.Is4() {
		parts := strings.Split(addr.WithZone("").String(), ".")
		slices.Reverse(parts)
		return strings.Join(parts, ".") + "." + reverse4
	}
	var name []byte
	b := addr.As16()
	for _, v := range slices.Backward(b[:]) {
		name = append(name, hex[v&0xf], '.', hex[v>>4], '.')
	}
	return string(name) + reverse6
}

// reverseAddr returns the address that a name in a reverse zone, in lower case,
// stands for, the zero Addr if it is none.
func reverseAddr(name string) netip.Addr {
	var text string
	if rest, ok := strings.CutSuffix(name, "."+reverse4); ok {
		parts := strings.Split(rest, ".")
		slices.Reverse(parts)
		text = strings.Join(parts, ".")
	} else if rest, ok := strings.CutSuffix(name, "."+reverse6); ok && len(rest) == 63 {
		var b strings.Builder
		for i := len(rest) - 1; i >= 0; i -= 2 {
			if i > 0 && rest[i-1] != '.' {
				return netip.Addr{}
			}
			b.WriteByte(rest[i])
			if i%8 == 0 && i > 0 {
				b.WriteByte(':')
			}
		}
		text = b.String()
	}
	addr, _ := netip.ParseAddr(text)
	if addr.Zone() != "" {
		return netip.Addr{}
	}
	return addr
}
