package dns

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// clientConfig is what a resolver makes of resolv.conf(5), as package net does.
type clientConfig struct {
	servers  []string // host:port
	search   []string // with a dot at the end
	ndots    int
	timeout  time.Duration // of one try
	attempts int           // at each server
	rotate   bool
	single   bool // A and AAAA one after the other
	tcp      bool // TCP only
	trustAD  bool
}

// parseResolvConf reads a resolv.conf. hostname is that of the machine: its
// domain is searched if the file names none.
func parseResolvConf(text, hostname string) clientConfig {
	c := clientConfig{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	for line := range strings.Lines(text) {
		if line[0] == ';' || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		switch args := f[1:]; f[0] {
		case "nameserver":
			if len(args) > 0 && len(c.servers) < maxNameservers {
				if _, err := netip.ParseAddr(args[0]); err == nil {
					c.servers = append(c.servers, net.JoinHostPort(args[0], "53"))
				}
			}
		case "domain":
			if len(args) > 0 {
				c.search = []string{rooted(args[0])}
			}
		case "search":
			c.search = nil
			for _, s := range args {
				if s = rooted(s); s != "." {
					c.search = append(c.search, s)
				}
			}
		case "options":
			for _, o := range args {
				c.option(o)
			}
		}
	}
	if len(c.servers) == 0 {
		c.servers = []string{"127.0.0.1:53", "[::1]:53"}
	}
	if len(c.search) == 0 {
		if _, domain, _ := strings.Cut(hostname, "."); domain != "" {
			c.search = []string{rooted(domain)}
		}
	}
	return c
}

func (c *clientConfig) option(o string) {
	name, value, _ := strings.Cut(o, ":")
	switch name {
	case "ndots":
		c.ndots = min(leadingNumber(value), 15)
	case "timeout":
		c.timeout = time.Duration(max(leadingNumber(value), 1)) * time.Second
	case "attempts":
		c.attempts = max(leadingNumber(value), 1)
	case "rotate":
		c.rotate = true
	case "single-request", "single-request-reopen":
		c.single = true
	case "use-vc", "usevc", "tcp":
		c.tcp = true
	case "trust-ad":
		c.trustAD = true
	}
}

// leadingNumber reads the digits that s begins with, up to a number that no
// option needs.
func leadingNumber(s string) int {
	const big = 0xffffff
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			break
		}
		if n = 10*n + int(c-'0'); n >= big {
			return big
		}
	}
	return n
}

// names returns the full names to ask for, in their order.
func (c clientConfig) names(name string) []string {
	isRooted := strings.HasSuffix(name, ".")
	if len(strings.TrimSuffix(name, ".")) > maxName {
		return nil
	}
	var names []string
	add := func(name string) {
		// .onion is not asked for (RFC 7686).
		onion := strings.HasSuffix(strings.ToLower(name), ".onion.")
		if !onion && len(name) <= maxName+1 {
			names = append(names, name)
		}
	}
	if isRooted {
		add(name)
		return names
	}
	first := strings.Count(name, ".") >= c.ndots
	name += "."
	if first {
		add(name)
	}
	for _, suffix := range c.search {
		add(name + suffix)
	}
	if !first {
		add(name)
	}
	return names
}

// maxName is how long a name may be without the dot at its end.
const maxName = 253
