package peers

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"testing"

	"podnet.dev/bench"
	"podnet.dev/podnet"
)

// linuxPaths are those of package bench between network namespaces of Linux. This
// process is in the client's.
func linuxPaths() []bench.Path {
	var list []bench.Path
	for _, p := range []struct {
		name, server string
		service      bool
	}{
		{"linux-own-service", "client", true},
		{"linux-pod", "near", false},
		{"linux-pod-service", "near", true},
		{"linux-node", "far", false},
		{"linux-node-service", "far", true},
	} {
		list = append(list, bench.Path{Name: p.name, Open: func(tb testing.TB) bench.Ends {
			if theWorld == nil {
				tb.Skip(cmp.Or(whyNone, "only with -linux"))
			}
			to := theWorld.pods[p.server].ip
			if p.service {
				to = theWorld.services[p.server]
			}
			return bench.OverKernel(":7000", netip.AddrPortFrom(to, 7000).String(), theWorld.pods[p.server].within)
		}})
	}
	return list
}

// theWorld is where the benchmarks run, nil if not in network namespaces, and
// whyNone then the reason, if there was one.
var (
	theWorld *world
	whyNone  string
)

// A world is the Pods and nodes of bench.Shop as network namespaces, with the
// addresses and the rules that podnet gives them.
type world struct {
	nodes    map[string]*node
	pods     map[string]*pod
	services map[string]netip.Addr
}

type node struct {
	name  string
	ip    netip.Addr
	rules string // of kube-proxy, for iptables-restore
}

type pod struct {
	name   string
	ip     netip.Addr
	node   string
	within func(func()) // calls a function in the namespace
}

func newWorld() (*world, error) {
	c, err := bench.Shop(context.Background(), podnet.Config{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	w := &world{nodes: make(map[string]*node), pods: make(map[string]*pod), services: make(map[string]netip.Addr)}
	for _, n := range c.Nodes() {
		w.nodes[n.Name()] = &node{n.Name(), n.IPs()[0], n.IPTablesSave(false)}
	}
	for _, p := range c.Pods() {
		w.pods[p.Name()] = &pod{name: p.Name(), ip: p.IP(), node: p.Node()}
		w.services[p.Name()] = c.Service("", p.Name()).ClusterIP()
	}
	return w, nil
}

// gateway is the first address of a Pod's range, which its node has.
func (p *pod) gateway() netip.Addr {
	return netip.PrefixFrom(p.ip, 24).Masked().Addr().Next()
}

// links are what ip has to do in the namespaces, that of the client being the one
// without name: Pods are joined to their nodes as the CNI plugin ptp does.
func (w *world) links() []batch {
	first, second := w.nodes["node-1"], w.nodes["node-2"]
	list := []batch{{first.name, fmt.Sprintf("link add eth0 type veth peer name eth0 netns %s\n", second.name)}}
	for _, n := range []*node{first, second} {
		list = append(list, batch{n.name, fmt.Sprintf("link set lo up\naddr add %s/16 dev eth0\nlink set eth0 up\n", n.ip)})
	}
	for _, p := range w.pods {
		other := first
		if p.node == first.name {
			other = second
		}
		list = append(list,
			batch{p.namespace(), fmt.Sprintf("link set lo up\nlink add eth0 type veth peer name %s netns %s\n", p.name, p.node)},
			batch{p.namespace(), fmt.Sprintf("addr add %[1]s/32 dev eth0\nlink set eth0 up\nroute add %[2]s dev eth0 scope link src %[1]s\nroute add default via %[2]s dev eth0 src %[1]s\n", p.ip, p.gateway())},
			batch{p.node, fmt.Sprintf("addr add %s/32 dev %s\nlink set %[2]s up\nroute add %[3]s dev %[2]s scope host\n", p.gateway(), p.name, p.ip)},
			batch{other.name, fmt.Sprintf("route add %s via %s\n", p.ip, w.nodes[p.node].ip)},
		)
	}
	return list
}

// A batch is commands of ip, in a namespace.
type batch struct{ namespace, commands string }

func (p *pod) namespace() string {
	if p.name == "client" {
		return ""
	}
	return p.name
}
