package behaviour

import (
	"context"
	"errors"
	"strings"
)

// lookupCases show names, from a hosts file as the kubelet writes it.
var lookupCases = []Case{
	{Name: "lookup: localhost", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		for _, name := range []string{"localhost", "LOCALHOST", "ip6-localhost", "ip6-loopback"} {
			addrs, err := v.LookupHost(n.ctx, name)
			n.Note(name+" "+strings.Join(addrs, " "), err)
		}
	}},
	{Name: "lookup: an address", Run: func(n *Notebook, v Verbs) {
		for _, name := range []string{"127.0.0.1", "::1", "2001:DB8::0", "::ffff:1.2.3.4", "192.0.2.1"} {
			addrs, err := v.LookupHost(n.ctx, name)
			n.Note(name+" "+strings.Join(addrs, " "), err)
		}
	}},
	{Name: "lookup: what is no name", Run: func(n *Notebook, v Verbs) {
		for _, name := range []string{"", "a..b", "white space", strings.Repeat("x", 300)} {
			addrs, err := v.LookupHost(n.ctx, name)
			n.Note(name+" "+strings.Join(addrs, " "), err)
		}
	}},
	{Name: "lookup: what is no name, dialed", Run: func(n *Notebook, v Verbs) {
		_, err := v.Dial(n.ctx, "tcp", "a..b:80")
		n.Note("dial", err)
		_, err = v.Listen(n.ctx, "tcp", "a..b:80")
		n.Note("listen", err)
	}},
	{Name: "lookup: a context that is over, and a name of the hosts file", Needs: OwnNetwork, Run: func(n *Notebook, v Verbs) {
		ctx, cancel := context.WithCancel(n.ctx)
		cancel()
		_, err := v.Dial(ctx, "tcp", "localhost:9")
		// net may notice it before or after the look-up, and says where.
		n.Note("cancelled", has(err, "operation was canceled") && errors.Is(err, context.Canceled))
		ctx, cancel = context.WithDeadline(n.ctx, past())
		defer cancel()
		_, err = v.Dial(ctx, "tcp", "localhost:9")
		n.Note("late", has(err, "i/o timeout"))
	}},
}
