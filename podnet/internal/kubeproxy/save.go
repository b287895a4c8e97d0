package kubeproxy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Save returns a node's rules for one family as kube-proxy writes them for
// iptables-restore: chains, order, comments and probabilities are its own, with
// the jumps from the built-in chains that it puts first. Services come by name;
// kube-proxy has them in no order. Node ports answer on loopback, as with its
// default --iptables-localhost-nodeports=true.
func (t *Table) Save(node string, v6 bool) string {
	r := &rules{table: t, node: node, is4: !v6}
	for _, s := range t.sorted() {
		for _, p := range s.ports {
			if p.is4 == r.is4 {
				r.port(p)
			}
		}
	}
	return r.String()
}

// sorted returns the Services by namespace and name.
func (t *Table) sorted() []*service {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]*service, 0, len(t.services))
	for _, s := range t.services {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *service) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// rules collects the rules of one node.
type rules struct {
	table *Table
	node  string
	is4   bool

	chains []string // of Services, in table nat

	// The rules of chains that all Services share, and those of their own.
	filterServices, filterExternal, filterNodePorts, filterFirewall []string
	services, nodePorts, own                                        []string
}

// jumps are the first rules of the built-in chains.
var (
	filterJumps = []string{
		`-A INPUT -j KUBE-FIREWALL`,
		`-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL`,
		`-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS`,
		`-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES`,
		`-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL`,
		`-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD`,
		`-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
		`-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES`,
		`-A OUTPUT -j KUBE-FIREWALL`,
		`-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL`,
		`-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
	}
	natJumps = []string{
		`-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
		`-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
		`-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING`,
	}
)

func (r *rules) String() string {
	var b strings.Builder
	lines := func(lists ...[]string) {
		for _, list := range lists {
			for _, l := range list {
				b.WriteString(l)
				b.WriteByte('\n')
			}
		}
	}
	b.WriteString("*filter\n")
	lines(policies("INPUT", "FORWARD", "OUTPUT"),
		chainLines("KUBE-EXTERNAL-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL", "KUBE-SERVICES"), filterJumps,
		r.localnet(), r.filterNodePorts, r.filterServices, r.filterExternal,
		[]string{
			`-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP`,
			`-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT`,
			`-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
		}, r.filterFirewall)
	b.WriteString("COMMIT\n*nat\n")
	lines(policies("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
		chainLines("KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-SERVICES"), chainLines(r.chains...), natJumps,
		[]string{
			`-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN`,
			`-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000`,
			`-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully`,
			`-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000`,
		}, r.services,
		[]string{`-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL` + r.notLoopback() + ` -j KUBE-NODEPORTS`},
		r.nodePorts, r.own)
	b.WriteString("COMMIT\n")
	return b.String()
}

// localnet are the rules for what kube-proxy's route_localnet lets in.
func (r *rules) localnet() []string {
	if !r.is4 {
		return nil
	}
	return []string{`-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`}
}

// notLoopback leaves localhost out where it has no node ports: there is no
// route_localnet for IPv6.
func (r *rules) notLoopback() string {
	if r.is4 {
		return ""
	}
	return " ! -d ::1/128"
}

func policies(chains ...string) []string {
	list := make([]string, len(chains))
	for i, c := range chains {
		list[i] = ":" + c + " ACCEPT [0:0]"
	}
	return list
}

func chainLines(chains ...string) []string {
	list := make([]string, len(chains))
	for i, c := range chains {
		list[i] = ":" + c + " - [0:0]"
	}
	return list
}

// port adds the rules of a port.
func (r *rules) port(p *servicePort) {
	n := p.forNode(r.node)
	protocol := protocolName(p.Protocol)
	match := fmt.Sprintf("-m %s -p %s", protocol, protocol)
	hasInternal, hasExternal := n.any, n.any
	internal, external := chainName(clusterChain, p), chainName(clusterChain, p)
	if p.InternalLocal {
		internal, hasInternal = chainName(localChain, p), len(n.local) > 0
	}
	if p.ExternalLocal {
		external, hasExternal = chainName(localChain, p), len(n.local) > 0
	}
	target, why := "REJECT", p.name+" has no endpoints"
	if n.any {
		target, why = "DROP", p.name+" has no local endpoints"
	}

	toClusterIP := fmt.Sprintf("%s -d %s --dport %d", match, p.clusterIP, p.Port.Port)
	if hasInternal {
		add(&r.services, "-A KUBE-SERVICES -m comment --comment %q %s -j %s", p.name+" cluster IP", toClusterIP, internal)
	} else {
		add(&r.filterServices, "-A KUBE-SERVICES -m comment --comment %q %s -j %s", why, toClusterIP, target)
	}
	for _, ip := range p.externalIPs {
		to := fmt.Sprintf("%s -d %s --dport %d", match, ip, p.Port.Port)
		if n.any {
			add(&r.services, "-A KUBE-SERVICES -m comment --comment %q %s -j %s", p.name+" external IP", to, chainName(externalChain, p))
		}
		if !hasExternal {
			add(&r.filterExternal, "-A KUBE-EXTERNAL-SERVICES -m comment --comment %q %s -j %s", why, to, target)
		}
	}
	guarded := n.any && len(p.loadBalancerIPs) > 0 && len(p.sourceRanges) > 0
	for _, ip := range p.loadBalancerIPs {
		to := fmt.Sprintf("%s -d %s --dport %d", match, ip, p.Port.Port)
		if n.any {
			chain := chainName(externalChain, p)
			if guarded {
				chain = chainName(firewallChain, p)
				add(&r.filterFirewall, "-A KUBE-PROXY-FIREWALL -m comment --comment %q %s -j DROP", p.name+" traffic not accepted by "+chain, to)
			}
			add(&r.services, "-A KUBE-SERVICES -m comment --comment %q %s -j %s", p.name+" loadbalancer IP", to, chain)
		}
		if !hasExternal {
			add(&r.filterExternal, "-A KUBE-EXTERNAL-SERVICES -m comment --comment %q %s -j %s", why, to, target)
		}
	}
	if p.NodePort != 0 {
		if n.any {
			add(&r.nodePorts, "-A KUBE-NODEPORTS -m comment --comment %s %s --dport %d -j %s", p.name, match, p.NodePort, chainName(externalChain, p))
		}
		if !hasExternal {
			add(&r.filterExternal, "-A KUBE-EXTERNAL-SERVICES -m comment --comment %q -m addrtype --dst-type LOCAL %s --dport %d -j %s", why, match, p.NodePort, target)
		}
	}
	if p.HealthCheckNodePort != 0 {
		add(&r.filterNodePorts, "-A KUBE-NODEPORTS -m comment --comment %q -m tcp -p tcp --dport %d -j ACCEPT", p.name+" health check node port", p.HealthCheckNodePort)
	}
	if hasInternal {
		for _, not := range r.pods("! ") {
			add(&r.own, "-A %s -m comment --comment %q %s %s -j KUBE-MARK-MASQ", internal, p.name+" cluster IP", toClusterIP, not)
		}
	}
	if n.any && p.externallyAccessible() {
		r.external(p, external, hasExternal)
	}
	if guarded {
		r.firewall(p)
	}
	if len(n.cluster) > 0 && p.usesCluster() {
		r.balance(p, chainName(clusterChain, p), n.cluster)
	}
	if len(n.local) > 0 && p.usesLocal() {
		r.balance(p, chainName(localChain, p), n.local)
	}
	r.endpoints(p, match)
}

// pods returns the match for sources that are Pods, or with "! " before it that
// are not. There is none if the cluster has no Pod range of the family.
func (r *rules) pods(not string) []string {
	for _, c := range r.table.podCIDRs {
		if c.Addr().Is4() == r.is4 {
			return []string{not + "-s " + c.String()}
		}
	}
	return nil
}

// external adds the chain for what is not the cluster IP.
func (r *rules) external(p *servicePort, to string, hasExternal bool) {
	chain := chainName(externalChain, p)
	r.chains = append(r.chains, chain)
	if !p.ExternalLocal {
		add(&r.own, "-A %s -m comment --comment %q -j KUBE-MARK-MASQ", chain, "masquerade traffic for "+p.name+" external destinations")
	} else {
		for _, pods := range r.pods("") {
			add(&r.own, "-A %s -m comment --comment %q %s -j %s", chain, "pod traffic for "+p.name+" external destinations", pods, chainName(clusterChain, p))
		}
		add(&r.own, "-A %s -m comment --comment %q -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ", chain, "masquerade LOCAL traffic for "+p.name+" external destinations")
		add(&r.own, "-A %s -m comment --comment %q -m addrtype --src-type LOCAL -j %s", chain, "route LOCAL traffic for "+p.name+" external destinations", chainName(clusterChain, p))
	}
	if hasExternal {
		add(&r.own, "-A %s -j %s", chain, to)
	}
}

// firewall adds the chain for the addresses of the load balancer.
func (r *rules) firewall(p *servicePort) {
	chain := chainName(firewallChain, p)
	r.chains = append(r.chains, chain)
	for _, from := range p.sourceRanges {
		add(&r.own, "-A %s -m comment --comment %q -s %s -j %s", chain, p.name+" loadbalancer IP", from, chainName(externalChain, p))
	}
	add(&r.own, "-A %s -m comment --comment %q", chain, "other traffic to "+p.name+" will be dropped by KUBE-PROXY-FIREWALL")
}

// balance adds the rules that choose one of backends.
func (r *rules) balance(p *servicePort, chain string, backends []backend) {
	r.chains = append(r.chains, chain)
	if p.Affinity > 0 {
		for _, b := range backends {
			name := endpointChainName(p, b)
			add(&r.own, "-A %s -m comment --comment %q -m recent --name %s --rcheck --seconds %d --reap -j %s",
				chain, p.name+" -> "+b.text, name, int64(p.Affinity.Seconds()), name)
		}
	}
	for i, b := range backends {
		lot := ""
		if left := len(backends) - i; left > 1 {
			lot = fmt.Sprintf("-m statistic --mode random --probability %0.10f ", 1/float64(left))
		}
		add(&r.own, "-A %s -m comment --comment %q %s-j %s", chain, p.name+" -> "+b.text, lot, endpointChainName(p, b))
	}
}

// endpoints adds the chains that translate.
func (r *rules) endpoints(p *servicePort, match string) {
	list := p.reachable(r.node)
	slices.SortFunc(list, func(a, b backend) int { return cmp.Compare(a.text, b.text) })
	for _, b := range slices.CompactFunc(list, func(a, b backend) bool { return a.addr == b.addr }) {
		chain := endpointChainName(p, b)
		r.chains = append(r.chains, chain)
		add(&r.own, "-A %s -m comment --comment %s -s %s -j KUBE-MARK-MASQ", chain, p.name, b.addr.Addr())
		remember := ""
		if p.Affinity > 0 {
			remember = "-m recent --name " + chain + " --set "
		}
		add(&r.own, "-A %s -m comment --comment %s %s%s -j DNAT --to-destination %s", chain, p.name, remember, match, b.text)
	}
}

func add(list *[]string, format string, args ...any) {
	*list = append(*list, fmt.Sprintf(format, args...))
}
