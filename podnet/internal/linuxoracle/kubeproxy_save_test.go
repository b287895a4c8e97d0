package linuxoracle_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet/internal/kubeproxy"
)

// The rules that Linux is given are written here, and those that podnet shows in
// package kubeproxy, each for itself. They must be the same, in whatever order
// the Services come.
func TestPodnetShowsTheRulesThatLinuxIsGiven(t *testing.T) {
	services := rulesOfAllKinds()
	table := kubeproxy.New(1, []netip.Prefix{netip.MustParsePrefix(clusterCIDRs[v4]), netip.MustParsePrefix(clusterCIDRs[v6])})
	for _, s := range services {
		table.Set(tableService(s))
	}
	for i, n := range nodes {
		for _, f := range []family{v4, v6} {
			assert.Equal(t, ruleLines(proxyJumps+proxyRules(i, f, true, services)), ruleLines(table.Save(n.name, f == v6)), n.name)
		}
	}
}

// rulesOfAllKinds are Services that between them need every kind of rule.
func rulesOfAllKinds() []service {
	external, empty, local, six := nodePort(true, "a", "c"), web(), web("c"), web6("a", "b", "c")
	external.affinity = true
	empty.name, empty.clusterIP = "empty", "10.96.1.11"
	local.name, local.clusterIP, local.internalLocal = "local", "10.96.1.12", true
	six.name = "six"
	everywhere := nodePort(false, "b")
	everywhere.name, everywhere.clusterIP, everywhere.nodePort = "everywhere", "10.96.1.13", 30081
	return []service{external, empty, local, six, everywhere, dns("b")}
}

func tableService(s service) kubeproxy.Service {
	protocol := kubeproxy.TCP
	if s.udp {
		protocol = kubeproxy.UDP
	}
	k := kubeproxy.Service{
		Namespace: "default", Name: s.name, ClusterIPs: []netip.Addr{netip.MustParseAddr(s.clusterIP)},
		InternalLocal: s.internalLocal, ExternalLocal: s.externalLocal,
		Ports: []kubeproxy.Port{{Name: s.port, Protocol: protocol, Port: uint16(s.number), NodePort: uint16(s.nodePort)}},
	}
	if s.affinity {
		k.Affinity = 3 * time.Hour
	}
	for _, e := range s.endpoints {
		k.Endpoints = append(k.Endpoints, kubeproxy.Endpoint{
			Addr: netip.MustParseAddr(ipOf(e, s.family())), Node: nodes[nodeOf(e)].name, Ready: true, Serving: true,
			Ports: []kubeproxy.EndpointPort{{Name: s.port, Protocol: protocol, Port: uint16(s.target)}},
		})
	}
	return k
}

// ruleLines returns the lines that say something: each chain once, and not those
// that every table has.
func ruleLines(rules string) []string {
	lines := strings.Split(rules, "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, " ACCEPT [") })
	slices.Sort(lines)
	return slices.Compact(lines)
}
