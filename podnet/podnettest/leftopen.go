package podnettest

import (
	"flag"
	"strings"
	"testing"

	"podnet.dev/podnet"
)

var failLeftOpen = flag.Bool("podnet.leftopen", false, "fail tests that leave sockets of their clusters open")

// tellLeftOpen logs which sockets of c the test has opened and not closed.
func tellLeftOpen(tb testing.TB, c *podnet.Cluster) {
	tb.Helper()
	lines := leftOpen(c)
	if len(lines) == 0 {
		return
	}
	tell := tb.Log
	if *failLeftOpen {
		tell = tb.Error
	}
	tell(strings.Join(lines, "\n"))
}

// leftOpen returns a line for each socket of c that is lent.
func leftOpen(c *podnet.Cluster) (lines []string) {
	of := func(whose string, sockets []podnet.Socket) {
		for _, s := range sockets {
			if s.Lent {
				lines = append(lines, "left open: "+whose+" "+s.String())
			}
		}
	}
	for _, n := range c.Nodes() {
		of(n.Name(), n.Sockets())
	}
	for _, p := range c.Pods() {
		if !p.Spec().HostNetwork { // those are the node's
			of(p.Namespace()+"/"+p.Name(), p.Sockets())
		}
	}
	return lines
}
