package iptables

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// address is an address of either family as a number of 128 bits, so that
// masking and comparing are cheap. IPv4 is ::ffff:0:0/96.
type address struct{ hi, lo uint64 }

func wide(a netip.Addr) address {
	if !a.IsValid() {
		return address{}
	}
	b := a.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a address) and(b address) address { return address{a.hi & b.hi, a.lo & b.lo} }

// addr returns the address of the family.
func (a address) addr(f Family) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	if f == IPv4 {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return netip.AddrFrom16(b)
}

// addressMatch is -s or -d.
type addressMatch struct {
	value, mask address
	invert      bool
}

// everyBit is the mask of one address.
var everyBit = address{^uint64(0), ^uint64(0)}

// single reports whether exactly one address matches.
func (m *addressMatch) single() bool { return m.mask == everyBit && !m.invert }

func (m *addressMatch) matches(a address) bool { return a.and(m.mask) == m.value != m.invert }

// free reports whether nothing was said: every address matches, not inverted.
func (m *addressMatch) free(f Family) bool {
	return !m.invert && (m.mask == address{} || f == IPv4 && m.mask.lo<<32 == 0)
}

// bits returns the length of the mask, and -1 if it is no prefix.
func (m *addressMatch) bits(f Family) int {
	for n := 0; n <= f.bits(); n++ {
		if maskOf(f, n) == m.mask {
			return n
		}
	}
	return -1
}

// text is the match as iptables-save writes it: always with a mask.
func (m *addressMatch) text(f Family) string {
	if n := m.bits(f); n >= 0 {
		return m.value.addr(f).String() + "/" + strconv.Itoa(n)
	}
	return m.value.addr(f).String() + "/" + m.mask.addr(f).String()
}

// listed is the match as -L shows it.
func (m *addressMatch) listed(f Family, numeric bool) string {
	switch n := m.bits(f); {
	case n == f.bits():
		return m.value.addr(f).String()
	case n == 0 && !numeric && !m.invert:
		return "anywhere"
	case n < 0 && m.value.addr(f).IsUnspecified() && !numeric:
		return "default/" + m.mask.addr(f).String()
	}
	return m.text(f)
}

// above4 is the bits in front of an IPv4 address.
const above4 = 0xffffffff_00000000

// bits returns the length of the family's addresses.
func (f Family) bits() int {
	if f == IPv6 {
		return 128
	}
	return 32
}

// maskOf returns a mask of n bits of the family's addresses. The bits in front of
// an IPv4 address always count.
func maskOf(f Family, n int) address {
	if f == IPv4 {
		return address{^uint64(0), above4 | uint64(^uint32(0))<<(32-n)&0xffffffff}
	}
	if n <= 64 {
		return address{^uint64(0) << (64 - n), 0}
	}
	return address{^uint64(0), ^uint64(0) << (128 - n)}
}

// parseAddresses reads what -s and -d take: addresses with masks, separated by
// commas.
func parseAddresses(f Family, text string) ([]addressMatch, error) {
	var all []addressMatch
	for part := range strings.SplitSeq(text, ",") {
		host, mask, masked := strings.Cut(part, "/")
		m := addressMatch{mask: maskOf(f, f.bits())}
		if masked {
			n, err := strconv.Atoi(mask)
			switch {
			case err == nil && n >= 0 && n <= f.bits():
				m.mask = maskOf(f, n)
			default:
				a, ok := parseAddress(f, mask)
				if !ok || err == nil {
					return nil, bad("invalid mask `%s' specified", mask)
				}
				m.mask = wide(a)
				if f == IPv4 {
					m.mask = address{^uint64(0), above4 | m.mask.lo&0xffffffff}
				}
			}
		}
		a, ok := parseAddress(f, host)
		if !ok {
			return nil, bad("host/network `%s' not found", host)
		}
		m.value = wide(a).and(m.mask)
		all = append(all, m)
	}
	return all, nil
}

// parseAddress reads an address of the family. An IPv4 address may leave out
// bytes at its end, and localhost is the one name that is known.
func parseAddress(f Family, text string) (netip.Addr, bool) {
	if text == "localhost" {
		if f == IPv6 {
			return netip.IPv6Loopback(), true
		}
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	if f == IPv6 {
		a, err := netip.ParseAddr(text)
		return a, err == nil && !a.Is4() && a.Zone() == ""
	}
	var b [4]byte
	fields := strings.Split(text, ".")
	if len(fields) > 4 {
		return netip.Addr{}, false
	}
	for i, s := range fields {
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil || s[0] == '+' {
			return netip.Addr{}, false
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom4(b), true
}

// interfaceMatch is -i or -o.
type interfaceMatch struct {
	name   string // "" is any
	invert bool
}

func (m *interfaceMatch) matches(name string) bool {
	if m.name == "" {
		return true
	}
	if start, ok := strings.CutSuffix(m.name, "+"); ok {
		return strings.HasPrefix(name, start) != m.invert
	}
	return name == m.name != m.invert
}

// maxInterface is the length of the longest name of an interface.
const maxInterface = 15

func parseInterface(name string) (string, error) {
	switch {
	case len(name) > maxInterface:
		return "", bad("interface name `%s' must be shorter than IFNAMSIZ (%d)", name, maxInterface)
	case name == "":
		return "", bad("Empty interface is likely to be undesired")
	}
	return name, nil
}
