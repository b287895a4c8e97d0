package iproute

import "strconv"

// protos are the names of who makes routes, from rt_protos.
var protos = map[string]int{
	"unspec": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10, "zebra": 11, "bird": 12,
	"dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "keepalived": 18, "babel": 42, "openr": 99, "bgp": 186, "isis": 187,
	"ospf": 188, "rip": 189, "eigrp": 192,
}

// scopes are the names of scopes, from rt_scopes.
var scopes = map[string]int{"global": 0, "nowhere": 255, "host": 254, "link": 253, "site": 200}

// named reads a name or a number, and returns the name if there is one.
func named(names map[string]int, text string) (string, bool) {
	if _, ok := names[text]; ok {
		return text, true
	}
	n, err := strconv.ParseUint(text, 0, 8)
	if err != nil {
		return "", false
	}
	for name, number := range names {
		if number == int(n) {
			return name, true
		}
	}
	return strconv.Itoa(int(n)), true
}

// scopeNumber returns the number of a scope; a greater one is narrower.
func scopeNumber(name string) int {
	if n, ok := scopes[name]; ok {
		return n
	}
	n, _ := strconv.Atoi(name)
	return n
}

// otherTypes are types of routes that the main table does not have here.
var otherTypes = []string{"local", "broadcast", "multicast", "anycast", "throw", "nat", "xresolve"}

// errorTypes are types of routes that refuse.
var errorTypes = []string{"blackhole", "unreachable", "prohibit"}
