package linuxoracle_test

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Here is what kube-proxy of Kubernetes 1.37 writes into a node's iptables, for
// the Services that a case has. It leaves out the counters (nfacct), which many
// kernels do not have and which kube-proxy then leaves out too.

// proxyJumps are the rules that lead into kube-proxy's chains. It puts each
// before what is in the chain, so that the last one comes first.
const proxyJumps = `*filter
:KUBE-NODEPORTS - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A OUTPUT -j KUBE-FIREWALL
COMMIT
`

// rules collects what kube-proxy writes for a node.
type rules struct {
	node                   int // index of nodes
	family                 family
	filter, natChains, nat strings.Builder
}

// proxyRules returns the input of iptables-restore --noflush that makes these the
// Services that a node knows, with all of kube-proxy's own chains. Chains of
// Services that are gone stay, and nothing leads there.
func proxyRules(node int, f family, localhostNodePorts bool, services []service) string {
	r := &rules{node: node, family: f}
	for _, chain := range []string{"KUBE-NODEPORTS", "KUBE-SERVICES", "KUBE-MARK-MASQ", "KUBE-POSTROUTING"} {
		r.chain(chain)
	}
	r.rule("KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN")
	r.rule("KUBE-POSTROUTING", "-j MARK --xor-mark 0x4000")
	r.rule("KUBE-POSTROUTING", `-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully`)
	r.rule("KUBE-MARK-MASQ", "-j MARK --or-mark 0x4000")
	if localhostNodePorts && f == v4 {
		r.deny("KUBE-FIREWALL", "block incoming localnet connections", "-d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT", "DROP")
	}
	for _, s := range services {
		if s.family() == f {
			r.service(s)
		}
	}
	destination := "-m addrtype --dst-type LOCAL"
	switch {
	case f == v6:
		destination += " ! -d ::1/128"
	case !localhostNodePorts:
		destination += " ! -d 127.0.0.0/8"
	}
	r.rule("KUBE-SERVICES", `-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" %s -j KUBE-NODEPORTS`, destination)
	fmt.Fprintln(&r.filter, "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP")
	r.deny("KUBE-FORWARD", "kubernetes forwarding rules", "-m mark --mark 0x4000/0x4000", "ACCEPT")
	r.deny("KUBE-FORWARD", "kubernetes forwarding conntrack rule", "-m conntrack --ctstate RELATED,ESTABLISHED", "ACCEPT")
	var chains strings.Builder
	shared := []string{"KUBE-NODEPORTS", "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-PROXY-FIREWALL"}
	if localhostNodePorts && f == v4 {
		shared = append(shared, "KUBE-FIREWALL")
	}
	for _, chain := range shared {
		fmt.Fprintf(&chains, ":%s - [0:0]\n", chain)
	}
	return "*filter\n" + chains.String() + r.filter.String() + "COMMIT\n*nat\n" + r.natChains.String() + r.nat.String() + "COMMIT\n"
}

func (r *rules) chain(name string) { fmt.Fprintf(&r.natChains, ":%s - [0:0]\n", name) }

func (r *rules) rule(chain, format string, args ...any) {
	fmt.Fprintf(&r.nat, "-A "+chain+" "+format+"\n", args...)
}

// deny writes a rule of the filter table.
func (r *rules) deny(chain, comment, match, target string) {
	fmt.Fprintf(&r.filter, "-A %s -m comment --comment %q %s -j %s\n", chain, comment, match, target)
}

func (r *rules) service(s service) {
	name, protocol := "default/"+s.name, "tcp"
	if s.port != "" {
		name += ":" + s.port
	}
	if s.udp {
		protocol = "udp"
	}
	// kube-proxy has endpoints in the order of their addresses' texts.
	s.endpoints = slices.SortedFunc(slices.Values(s.endpoints), func(a, b string) int {
		return strings.Compare(net.JoinHostPort(ipOf(a, r.family), ""), net.JoinHostPort(ipOf(b, r.family), ""))
	})
	var local []string
	for _, e := range s.endpoints {
		if nodeOf(e) == r.node {
			local = append(local, e)
		}
	}
	svc, svl, ext := "KUBE-SVC-"+hash(name, protocol), "KUBE-SVL-"+hash(name, protocol), "KUBE-EXT-"+hash(name, protocol)
	internal, external := svc, svc
	hasInternal, hasExternal := len(s.endpoints) > 0, len(s.endpoints) > 0
	if s.internalLocal {
		internal, hasInternal = svl, len(local) > 0
	}
	if s.externalLocal {
		external, hasExternal = svl, len(local) > 0
	}
	comment, verdict := name+" has no local endpoints", "DROP"
	if len(s.endpoints) == 0 {
		comment, verdict = name+" has no endpoints", "REJECT"
	}
	match := fmt.Sprintf("-m %s -p %s", protocol, protocol)
	clusterIP := fmt.Sprintf("%s -d %s --dport %d", match, s.clusterIP, s.number)
	if hasInternal {
		r.rule("KUBE-SERVICES", `-m comment --comment "%s cluster IP" %s -j %s`, name, clusterIP, internal)
		r.rule(internal, `-m comment --comment "%s cluster IP" %s ! -s %s -j KUBE-MARK-MASQ`, name, clusterIP, clusterCIDRs[r.family])
	} else {
		r.deny("KUBE-SERVICES", comment, clusterIP, verdict)
	}
	if s.nodePort != 0 {
		nodePort := fmt.Sprintf("%s --dport %d", match, s.nodePort)
		if len(s.endpoints) > 0 {
			r.rule("KUBE-NODEPORTS", `-m comment --comment %s %s -j %s`, name, nodePort, ext)
			r.external(name, ext, svc, s.externalLocal)
			if hasExternal {
				r.rule(ext, "-j %s", external)
			}
		}
		if !hasExternal {
			r.deny("KUBE-EXTERNAL-SERVICES", comment, "-m addrtype --dst-type LOCAL "+nodePort, verdict)
		}
	}
	usesCluster := !s.internalLocal || s.nodePort != 0
	reachable := local
	if usesCluster {
		reachable = s.endpoints
	}
	if len(reachable) > 0 && usesCluster {
		r.endpoints(s, name, protocol, svc, reachable)
	}
	if len(local) > 0 && (s.internalLocal || s.externalLocal) {
		r.endpoints(s, name, protocol, svl, local)
	}
	for _, e := range reachable {
		to := net.JoinHostPort(ipOf(e, r.family), strconv.Itoa(s.target))
		sep := "KUBE-SEP-" + hash(name, protocol+to)
		r.chain(sep)
		r.rule(sep, "-m comment --comment %s -s %s -j KUBE-MARK-MASQ", name, ipOf(e, r.family))
		recent := ""
		if s.affinity {
			recent = "-m recent --name " + sep + " --set "
		}
		r.rule(sep, "-m comment --comment %s %s%s -j DNAT --to-destination %s", name, recent, match, to)
	}
}

// external writes the chain for what comes from outside the cluster.
func (r *rules) external(name, ext, svc string, local bool) {
	r.chain(ext)
	if !local {
		r.rule(ext, `-m comment --comment "masquerade traffic for %s external destinations" -j KUBE-MARK-MASQ`, name)
		return
	}
	r.rule(ext, `-m comment --comment "pod traffic for %s external destinations" -s %s -j %s`, name, clusterCIDRs[r.family], svc)
	r.rule(ext, `-m comment --comment "masquerade LOCAL traffic for %s external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`, name)
	r.rule(ext, `-m comment --comment "route LOCAL traffic for %s external destinations" -m addrtype --src-type LOCAL -j %s`, name, svc)
}

// endpoints writes the chain that chooses among endpoints.
func (r *rules) endpoints(s service, name, protocol, chain string, endpoints []string) {
	r.chain(chain)
	sep := func(e string) (chain, comment string) {
		to := net.JoinHostPort(ipOf(e, r.family), strconv.Itoa(s.target))
		return "KUBE-SEP-" + hash(name, protocol+to), fmt.Sprintf("-m comment --comment %q", name+" -> "+to)
	}
	if s.affinity {
		for _, e := range endpoints {
			to, comment := sep(e)
			r.rule(chain, "%s -m recent --name %s --rcheck --seconds 10800 --reap -j %s", comment, to, to)
		}
	}
	for i, e := range endpoints {
		to, comment := sep(e)
		if rest := len(endpoints) - i; rest > 1 {
			comment += fmt.Sprintf(" -m statistic --mode random --probability %0.10f", 1/float64(rest))
		}
		r.rule(chain, "%s -j %s", comment, to)
	}
}

// hash returns the end of a chain's name.
func hash(name, rest string) string {
	sum := sha256.Sum256([]byte(name + rest))
	return base32.StdEncoding.EncodeToString(sum[:])[:16]
}

func nodeOf(pod string) int {
	for _, p := range pods {
		if p.name == pod {
			return p.node
		}
	}
	panic("no Pod " + pod)
}

func ipOf(pod string, f family) string {
	for _, p := range pods {
		if p.name == pod {
			return p.ips[f]
		}
	}
	panic("no Pod " + pod)
}

// The chains' names are those of Kubernetes' own tests.
func TestChainsHaveKubeProxysNames(t *testing.T) {
	assert.Equal(t, "XPGD46QRK7WJZT7O", hash("ns1/svc1:p80", "tcp"))
	assert.Equal(t, "SXIVWICOYRO3J4NJ", hash("ns1/svc1:p80", "tcp10.180.0.1:80"))
}
