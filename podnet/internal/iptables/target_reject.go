package iptables

import "strings"

var rejectOptions = []option{{name: "reject-with", args: 1}}

// rejects are the answers of REJECT, the default first.
var rejects = [2][]struct {
	name, alias string
	with        RejectWith
}{IPv4: {
	{"icmp-port-unreachable", "port-unreach", RejectWith{Type: 3, Code: 3}},
	{"icmp-net-unreachable", "net-unreach", RejectWith{Type: 3, Code: 0}},
	{"icmp-host-unreachable", "host-unreach", RejectWith{Type: 3, Code: 1}},
	{"icmp-proto-unreachable", "proto-unreach", RejectWith{Type: 3, Code: 2}},
	{"icmp-net-prohibited", "net-prohib", RejectWith{Type: 3, Code: 9}},
	{"icmp-host-prohibited", "host-prohib", RejectWith{Type: 3, Code: 10}},
	{"tcp-reset", "tcp-rst", RejectWith{TCPReset: true}},
	{"icmp-admin-prohibited", "admin-prohib", RejectWith{Type: 3, Code: 13}},
}, IPv6: {
	{"icmp6-port-unreachable", "port-unreach", RejectWith{Type: 1, Code: 4}},
	{"icmp6-no-route", "no-route", RejectWith{Type: 1, Code: 0}},
	{"icmp6-adm-prohibited", "adm-prohibited", RejectWith{Type: 1, Code: 1}},
	{"icmp6-addr-unreachable", "addr-unreach", RejectWith{Type: 1, Code: 3}},
	{"tcp-reset", "tcp-reset", RejectWith{TCPReset: true}},
	{"icmp6-policy-fail", "policy-fail", RejectWith{Type: 1, Code: 5}},
	{"icmp6-reject-route", "reject-route", RejectWith{Type: 1, Code: 6}},
}}

func (t *reading) setReject(text string) error {
	for _, r := range rejects[t.family] {
		if text != "" && (hasPrefixFold(r.name, text) || hasPrefixFold(r.alias, text)) {
			t.reject = r.with
			return nil
		}
	}
	return bad("unknown reject type \"%s\"", text)
}

// name returns the name of the answer. ICMP's and ICMPv6's differ in type.
func (w RejectWith) name() string {
	for _, family := range rejects {
		for _, r := range family {
			if r.with == w {
				return r.name
			}
		}
	}
	return "?"
}

func hasPrefixFold(s, prefix string) bool {
	return len(prefix) <= len(s) && strings.EqualFold(s[:len(prefix)], prefix)
}
