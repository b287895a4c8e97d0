package podnet

import (
	"fmt"
	"strings"
)

// newHostSandbox makes the sandbox of a Pod on the host network: it shares its
// node's namespace, and takes no address.
func (p *Pod) newHostSandbox() (*sandbox, error) {
	ns, _, err := p.node.namespace()
	if err != nil {
		return nil, err
	}
	s := &sandbox{node: p.node, place: p.node.place, net: ns, addrs: p.node.addrs, host: true}
	s.resolver, s.pause = p.newOwner(ns, "pause", 1, p.etcFile)
	return s, nil
}

// hostsFile returns the text of the node's own /etc/hosts, as Docker writes that of
// a kind node.
func (n *node) hostsFile() string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n" +
		"::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::\tip6-localnet\n" +
		"ff00::\tip6-mcastprefix\n" +
		"ff02::1\tip6-allnodes\n" +
		"ff02::2\tip6-allrouters\n")
	for _, a := range n.addrs {
		fmt.Fprintf(&b, "%s\t%s\n", a, n.name)
	}
	return b.String()
}
