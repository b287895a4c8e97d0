package iptables

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// protocols are the names of protocols in Debian's /etc/protocols that rules are
// written with, each number's own name first.
var protocols = []struct {
	name   string
	number uint8
}{
	{"icmp", 1}, {"igmp", 2}, {"ipencap", 4}, {"tcp", 6}, {"egp", 8}, {"igp", 9}, {"udp", 17}, {"dccp", 33}, {"ipv6", 41},
	{"ipv6-route", 43}, {"ipv6-frag", 44}, {"rsvp", 46}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"ipv6-icmp", 58}, {"icmpv6", 58},
	{"ipv6-nonxt", 59}, {"ipv6-opts", 60}, {"eigrp", 88}, {"ospf", 89}, {"ipip", 94}, {"pim", 103}, {"vrrp", 112},
	{"l2tp", 115}, {"sctp", 132}, {"ipv6-mh", 135}, {"mh", 135}, {"mobility-header", 135}, {"udplite", 136},
}

// protocolName returns the protocol's name, or its number if it has none.
func protocolName(number uint8) string {
	for _, p := range protocols {
		if p.number == number {
			return p.name
		}
	}
	return strconv.Itoa(int(number))
}

// parseProtocol reads what -p takes; 0 is all.
func parseProtocol(text string) (uint8, error) {
	lower := strings.ToLower(text)
	if n, ok := parseNumber(lower, 255); ok {
		return uint8(n), nil
	}
	if lower == "all" {
		return 0, nil
	}
	for _, p := range protocols {
		if p.name == lower {
			return p.number, nil
		}
	}
	return 0, bad("unknown protocol \"%s\" specified", lower)
}

// services are the names of well-known ports, of TCP and, as far as they have
// one, of UDP.
var services = map[string]uint16{
	"tcpmux": 1, "echo": 7, "discard": 9, "systat": 11, "daytime": 13, "netstat": 15, "chargen": 19, "ftp-data": 20,
	"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "whois": 43, "domain": 53, "bootps": 67, "bootpc": 68,
	"tftp": 69, "gopher": 70, "finger": 79, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "auth": 113, "nntp": 119,
	"ntp": 123, "imap2": 143, "snmp": 161, "snmp-trap": 162, "bgp": 179, "irc": 194, "ldap": 389, "https": 443,
	"microsoft-ds": 445, "submissions": 465, "syslog": 514, "submission": 587, "ldaps": 636, "domain-s": 853, "rsync": 873,
	"imaps": 993, "pop3s": 995, "openvpn": 1194, "ms-sql-s": 1433, "nfs": 2049, "cisco-sccp": 2000, "mysql": 3306,
	"sip": 5060, "xmpp-client": 5222, "postgresql": 5432, "amqp": 5672, "x11": 6000, "redis": 6379, "http-alt": 8080,
}

// names of services by port.
var serviceNames = func() map[uint16]string {
	byPort := make(map[uint16]string, len(services))
	for _, name := range slices.Sorted(maps.Keys(services)) {
		byPort[services[name]] = name
	}
	return byPort
}()

// portName returns the port's name, or its number in digits.
func portName(port uint16, numeric bool) string {
	if name, ok := serviceNames[port]; ok && !numeric {
		return name
	}
	return strconv.Itoa(int(port))
}

// parsePort reads a port by number or name.
func parsePort(text string) (uint16, error) {
	if n, ok := parseNumber(text, 65535); ok {
		return uint16(n), nil
	}
	if n, ok := services[text]; ok {
		return n, nil
	}
	return 0, bad("invalid port/service `%s' specified", text)
}

// parseNumber reads a whole number as C does: 0x is sixteen, a leading 0 eight.
func parseNumber(text string, most uint64) (uint64, bool) {
	text = strings.TrimLeft(text, " \t")
	text = strings.TrimPrefix(text, "+")
	digits, base := text, 10
	switch {
	case strings.HasPrefix(text, "0x"), strings.HasPrefix(text, "0X"):
		digits, base = text[2:], 16
	case len(text) > 1 && text[0] == '0':
		digits, base = text[1:], 8
	}
	n, err := strconv.ParseUint(digits, base, 64)
	return n, err == nil && digits[0] != '+' && n <= most
}
