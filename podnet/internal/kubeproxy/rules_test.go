package kubeproxy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ruleSet are the rules that Save prints, by table and chain: an oracle for
// Translate, which knows nothing of Services.
type ruleSet map[string][][]string

func parseRules(t *testing.T, text string) ruleSet {
	set, table := make(ruleSet), ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line[0] == '*':
			table = line[1:] + " "
		case line[0] == ':':
			set[table+strings.Fields(line[1:])[0]] = nil
		case line != "COMMIT":
			words := splitWords(line)
			chain := table + words[1]
			require.Contains(t, set, chain, "a rule of a chain that is not declared: %s", line)
			set[chain] = append(set[chain], words[2:])
		}
	}
	return set
}

// splitWords splits at spaces, but not in quotes.
func splitWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// walker follows a packet. Where the rules leave it to chance it goes both ways.
type walker struct {
	rules    ruleSet
	q        Query
	outcomes map[Decision]bool
}

// matches evaluates the conditions of a rule, and returns the target with its
// options. What is left to chance may match (random).
func (w *walker) matches(rule []string, dst netip.AddrPort, marked bool) (ok, random bool, target []string) {
	ok, not := true, false
	is := func(b bool) {
		ok, not = ok && b != not, false
	}
	for i := 0; i < len(rule); i++ {
		value := ""
		if i+1 < len(rule) {
			value = rule[i+1]
		}
		switch rule[i] {
		case "!":
			not = true
			continue
		case "-m", "--comment", "--mode", "--seconds", "--name":
		case "-p":
			is(value == protocolName(w.q.Protocol))
		case "-s":
			is(within(value, w.q.Src))
		case "-d":
			is(within(value, dst.Addr()))
		case "--dport":
			is(value == strconv.Itoa(int(dst.Port())))
		case "--dst-type":
			is(w.q.NodeIPs(dst.Addr()))
		case "--src-type":
			is(w.q.NodeIPs(w.q.Src))
		case "--ctstate":
			is(value == "NEW")
		case "--mark":
			is(marked)
		case "--probability":
			random = true
		case "--rcheck", "--reap", "--set":
			ok = ok && rule[i] == "--set" // nobody was there before
			continue
		case "-j":
			return ok, random, rule[i+1:]
		default:
			panic("unknown option " + rule[i])
		}
		i++
	}
	return ok, random, nil
}

func within(prefix string, a netip.Addr) bool {
	if p, err := netip.ParsePrefix(prefix); err == nil {
		return p.Contains(a)
	}
	return netip.MustParseAddr(prefix) == a
}

// nat walks a chain of table nat from rule i on. then is called where a chain
// ends without a verdict.
func (w *walker) nat(chain string, i int, marked bool, then func(marked bool)) {
	rules := w.rules["nat "+chain]
	if i == len(rules) {
		then(marked)
		return
	}
	next := func(m bool) { w.nat(chain, i+1, m, then) }
	ok, random, target := w.matches(rules[i], w.q.Dst, marked)
	if !ok || len(target) == 0 {
		next(marked)
		return
	}
	if random {
		next(marked)
	}
	switch target[0] {
	case "MARK":
		next(true) // only KUBE-MARK-MASQ is walked here
	case "DNAT":
		w.filter(netip.MustParseAddrPort(target[2]), marked)
	default:
		w.nat(target[0], 0, marked, next)
	}
}

// filter notes what becomes of the packet with this destination.
func (w *walker) filter(dst netip.AddrPort, marked bool) {
	local, here := w.q.NodeIPs(w.q.Src), w.q.NodeIPs(dst.Addr())
	d := Decision{}
	if dst != w.q.Dst {
		d = Decision{Kind: DNAT, To: dst, Masquerade: marked}
	}
	var hooks []string
	if local {
		hooks = append(hooks, "OUTPUT")
	}
	if here {
		hooks = append(hooks, "INPUT")
	} else if !local {
		hooks = append(hooks, "FORWARD")
	}
	for _, hook := range hooks {
		switch w.filterChain(hook, dst, marked) {
		case "REJECT":
			d = Decision{Kind: Reject}
		case "DROP":
			d = Decision{Kind: Drop}
		}
		if d.Kind == Reject || d.Kind == Drop {
			break
		}
	}
	w.outcomes[d] = true
}

func (w *walker) filterChain(chain string, dst netip.AddrPort, marked bool) string {
	for _, rule := range w.rules["filter "+chain] {
		ok, _, target := w.matches(rule, dst, marked)
		if !ok {
			continue
		}
		verdict := target[0]
		if strings.HasPrefix(verdict, "KUBE-") {
			verdict = w.filterChain(verdict, dst, marked)
		}
		if verdict != "" {
			return verdict
		}
	}
	return ""
}

// outcomesOf returns all that may become of a connection.
func outcomesOf(rules ruleSet, q Query) map[Decision]bool {
	w := &walker{rules, q, make(map[Decision]bool)}
	hook := "PREROUTING"
	if q.NodeIPs(q.Src) {
		hook = "OUTPUT"
	}
	w.nat(hook, 0, false, func(marked bool) { w.filter(q.Dst, marked) })
	return w.outcomes
}

// randomService returns Service number i.
func randomService(r *rand.Rand, i int) Service {
	coin := func() bool { return r.IntN(2) == 0 }
	s := Service{
		Namespace: "ns", Name: fmt.Sprintf("svc%d", i), ClusterIPs: []netip.Addr{addr(fmt.Sprintf("10.96.0.%d", i+1))},
		InternalLocal: r.IntN(3) == 0, ExternalLocal: r.IntN(3) == 0, PreferSameNode: r.IntN(4) == 0,
	}
	if r.IntN(4) == 0 {
		s.Affinity = time.Hour
	}
	for n := range 1 + r.IntN(2) {
		p := Port{Name: fmt.Sprintf("p%d", n), Protocol: []uint8{TCP, UDP}[r.IntN(2)], Port: uint16(80 + n)}
		if coin() {
			p.NodePort = uint16(30000 + 10*i + n)
		}
		s.Ports = append(s.Ports, p)
	}
	if r.IntN(3) == 0 {
		s.ExternalIPs = []netip.Addr{addr(fmt.Sprintf("198.51.100.%d", i+1))}
	}
	if r.IntN(3) == 0 {
		s.LoadBalancerIPs = []netip.Addr{addr(fmt.Sprintf("198.51.100.%d", i+101))}
		if coin() {
			s.SourceRanges = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
		}
	}
	for n := range r.IntN(5) {
		e := Endpoint{Addr: addr(fmt.Sprintf("10.244.%d.%d", i, n+1)), Ready: coin(), Node: []string{"node-1", "node-2", ""}[r.IntN(3)]}
		e.Serving, e.Terminating = e.Ready || coin(), !e.Ready && coin()
		for _, p := range s.Ports {
			if r.IntN(5) > 0 {
				e.Ports = append(e.Ports, EndpointPort{p.Name, p.Protocol, uint16(8000 + n)})
			}
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

// TestTranslateDoesWhatTheRulesDo holds Translate against the rules of Save, walked
// one by one.
func TestTranslateDoesWhatTheRulesDo(t *testing.T) {
	kinds := make(map[Kind]int)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		table := newTable()
		var dsts []netip.AddrPort
		for i := range 4 {
			s := randomService(r, i)
			table.Set(s)
			for _, p := range s.Ports {
				for _, a := range slices.Concat(s.ClusterIPs, s.ExternalIPs, s.LoadBalancerIPs) {
					dsts = append(dsts, netip.AddrPortFrom(a, p.Port), netip.AddrPortFrom(a, 99))
				}
				dsts = append(dsts, netip.AddrPortFrom(addr(nodeIP), p.NodePort), netip.AddrPortFrom(addr("127.0.0.1"), p.NodePort))
			}
		}
		rules := parseRules(t, table.Save("node-1", false))
		for range 100 {
			src := []string{pod, "10.244.0.1", "10.244.1.2", outside, "192.0.2.1", nodeIP}[r.IntN(6)]
			dst := dsts[r.IntN(len(dsts))]
			if dst.Addr().IsLoopback() {
				src = dst.Addr().String() // from elsewhere it does not come
			}
			q := from(src, dst.String())
			q.Protocol = []uint8{TCP, UDP}[r.IntN(2)]
			d := table.Translate(q)
			kinds[d.Kind]++
			d.Service, d.Reason, d.Hairpin = "", "", false
			want := outcomesOf(rules, q)
			if !want[d] {
				require.Fail(t, "not what the rules do", "seed %d: %s -> %s: %v is not among %v\n%s", seed, q.Src, q.Dst, d, want, table.Save("node-1", false))
			}
		}
	}
	for _, k := range []Kind{None, DNAT, Reject, Drop} {
		assert.Greater(t, kinds[k], 200, "kind %d is hardly tested", k)
	}
}
