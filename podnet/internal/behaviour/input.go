package behaviour

import "fmt"

// inputCases show how arguments that make no sense are refused.
var inputCases = concat(
	badAddresses("no port", "x", "127.0.0.1", "::1", "[::1]", ""),
	badAddresses("too many colons", "127.0.0.1:1:2", "::1:80", "[::1]]:80"),
	badAddresses("brackets", "[::1:80", "]::1[:80", "[[::1]:80", "[127.0.0.1:80", "[::1]x:80", "127.0.0.1]:80"),
	badAddresses("a port out of range", "127.0.0.1:70000", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:4294967376", "127.0.0.1:99999999999999999999"),
	badAddresses("a port that is no number", "127.0.0.1:nosuchport", "127.0.0.1:8 0", "127.0.0.1:0x50", "127.0.0.1:+80x"),
	badAddresses("a host that is no name", "a..b:80", " :80", "127.0.0.1.:80x"),
	badNetworks("tcp5", "", "TCP", "carrier-pigeon", "tcp:1", "udp5", "ip4", "ip4:nosuchprotocol"),
	[]Case{
		{Name: "input: ports that numbers may be", Run: func(n *Notebook, v Verbs) {
			for _, p := range []string{"21040", "021041", "+21042"} {
				l, err := v.Listen(n.ctx, "tcp", "127.0.0.1:"+p)
				n.Note(p, err)
				if err == nil {
					n.Note(p, l.Addr())
				}
			}
		}},
		{Name: "input: an empty port listens on any", Run: func(n *Notebook, v Verbs) {
			l, err := v.Listen(n.ctx, "tcp", "127.0.0.1:")
			n.Must(err)
			n.Note("listen", describe(l.Addr()))
			_, err = v.Dial(n.ctx, "tcp", "127.0.0.1:")
			n.Note("dial", err)
		}},
		{Name: "input: named ports", Run: func(n *Notebook, v Verbs) {
			for _, p := range []string{"http", "https", "HTTP", "domain", "ssh"} {
				_, err := v.Dial(n.ctx, "tcp", "127.0.0.1:"+p)
				n.Note(p, err)
			}
			_, err := v.Dial(n.ctx, "udp", "127.0.0.1:domain")
			n.Note("udp domain", err)
		}},
		{Name: "input: an address of the other family", Run: func(n *Notebook, v Verbs) {
			for _, transport := range []string{"tcp", "udp"} {
				_, err := v.Dial(n.ctx, transport+"4", "[::1]:80")
				n.Note(transport+"4 to IPv6", err)
				_, err = v.Dial(n.ctx, transport+"6", "127.0.0.1:80")
				n.Note(transport+"6 to IPv4", err)
			}
			_, err := v.Listen(n.ctx, "tcp4", "[::1]:0")
			n.Note("listen tcp4", err)
			_, err = v.Listen(n.ctx, "tcp6", "127.0.0.1:0")
			n.Note("listen tcp6", err)
			_, err = v.ListenPacket(n.ctx, "udp6", "127.0.0.1:0")
			n.Note("listen udp6", err)
		}},
		{Name: "input: the unspecified address of the other family", Run: func(n *Notebook, v Verbs) {
			_, err := v.Listen(n.ctx, "tcp4", "[::]:0")
			n.Note("tcp4 [::]", err)
			_, err = v.Listen(n.ctx, "tcp6", "0.0.0.0:0")
			n.Note("tcp6 0.0.0.0", err)
			_, err = v.Dial(n.ctx, "tcp4", "[::]:9")
			n.Note("dial tcp4 [::]", err)
			_, err = v.Dial(n.ctx, "tcp6", "0.0.0.0:9")
			n.Note("dial tcp6 0.0.0.0", err)
		}},
		{Name: "input: a zone of an address that has none", Run: func(n *Notebook, v Verbs) {
			_, err := v.Dial(n.ctx, "tcp", "[::1%lo]:9")
			n.Note("dial", err)
			_, err = v.Dial(n.ctx, "tcp", "127.0.0.1%lo:9")
			n.Note("dial IPv4", err != nil)
		}},
		{Name: "input: an IPv4 address with leading zeros", Run: func(n *Notebook, v Verbs) {
			_, err := v.LookupHost(n.ctx, "127.0.0.1")
			n.Note("plain", err)
			_, err = v.Dial(n.ctx, "tcp", "127.0.0.01:9")
			n.Note("leading zero", err != nil)
		}},
		{Name: "input: numbers of keep-alive out of range", Run: func(n *Notebook, v Verbs) {
			c, _ := n.pair(v)
			n.Note("negative period", c.(keepAliver).SetKeepAlivePeriod(-1))
			n.Note("zero period", c.(keepAliver).SetKeepAlivePeriod(0))
			n.Note("long period", c.(keepAliver).SetKeepAlivePeriod(1<<62))
		}},
	},
)

func concat(lists ...[]Case) (all []Case) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func badAddresses(what string, addresses ...string) []Case {
	return []Case{{Name: "input: an address with " + what, Run: func(n *Notebook, v Verbs) {
		for _, a := range addresses {
			_, err := v.Dial(n.ctx, "tcp", a)
			n.Note(fmt.Sprintf("dial %q", a), err)
			_, err = v.Dial(n.ctx, "udp", a)
			n.Note(fmt.Sprintf("dial udp %q", a), err)
			_, err = v.Listen(n.ctx, "tcp", a)
			n.Note(fmt.Sprintf("listen %q", a), err)
			_, err = v.ListenPacket(n.ctx, "udp", a)
			n.Note(fmt.Sprintf("listen udp %q", a), err)
		}
	}}}
}

func badNetworks(networks ...string) (cases []Case) {
	for _, network := range networks {
		cases = append(cases, Case{Name: fmt.Sprintf("input: network %q", network), Run: func(n *Notebook, v Verbs) {
			_, err := v.Dial(n.ctx, network, "127.0.0.1:80")
			n.Note("dial", err)
			_, err = v.Listen(n.ctx, network, "127.0.0.1:80")
			n.Note("listen", err)
			_, err = v.ListenPacket(n.ctx, network, "127.0.0.1:80")
			n.Note("listen packet", err)
		}})
	}
	return cases
}
