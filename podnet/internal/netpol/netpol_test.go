package netpol

import (
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/labels"
)

// town is three namespaces with two Pods each: x/a is 10.0.0.1 and fd00::1, x/b
// the next, y/a 10.0.0.3… Their node is 10.0.0.254.
func town() *Set {
	s := NewSet()
	n := 0
	for _, namespace := range []string{"x", "y", "z"} {
		s.SetNamespace(namespace, map[string]string{"team": namespace + "-team"})
		for _, name := range []string{"a", "b"} {
			n++
			s.SetPod(Pod{
				UID: namespace + name, Namespace: namespace, Name: name, Labels: map[string]string{"pod": name},
				IPs:     []netip.Addr{netip.MustParseAddr("10.0.0." + strconv.Itoa(n)), netip.MustParseAddr("fd00::" + strconv.Itoa(n))},
				NodeIPs: []netip.Addr{netip.MustParseAddr("10.0.0.254")},
				Ports:   []Port{{"http", TCP, 80}, {"dns", UDP, 53}, {"dns", TCP, 5353}},
			})
		}
	}
	return s
}

var (
	xa, xb, ya, yb, za = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("10.0.0.5")
	node, outside      = netip.MustParseAddr("10.0.0.254"), netip.MustParseAddr("192.0.2.1")
)

func selector(key, value string) *labels.Selector {
	s := labels.FromMap(map[string]string{key: value})
	return &s
}

func pods(name string) labels.Selector { return *selector("pod", name) }

func block(cidr string, except ...string) Peer {
	b := &Block{CIDR: netip.MustParsePrefix(cidr)}
	for _, e := range except {
		b.Except = append(b.Except, netip.MustParsePrefix(e))
	}
	return Peer{Block: b}
}

func in(name string, selects labels.Selector, rules ...Rule) *Policy {
	return &Policy{Namespace: "x", Name: name, Pods: selects, IsolatesIngress: true, Ingress: rules}
}

func out(name string, selects labels.Selector, rules ...Rule) *Policy {
	return &Policy{Namespace: "x", Name: name, Pods: selects, IsolatesEgress: true, Egress: rules}
}

func from(peers ...Peer) Rule   { return Rule{Peers: peers} }
func at(ports ...RulePort) Rule { return Rule{Ports: ports} }
func tcp(src, dst netip.Addr, port uint16) Conn {
	return Conn{Src: src, Dst: dst, Protocol: TCP, Port: port}
}

func TestVerdicts(t *testing.T) {
	everything := labels.Selector{}
	denied := "selected by x/p, and no ingress rule of it allows TCP 80 from "
	tests := map[string]struct {
		policies []*Policy
		conn     Conn
		want     bool
		reason   string // of the end that decides
	}{
		"no policies":                  {nil, tcp(ya, xa, 80), true, "no policy selects x/a for ingress"},
		"a policy of another Pod":      {[]*Policy{in("p", pods("b"))}, tcp(ya, xa, 80), true, "no policy selects x/a for ingress"},
		"a policy of another way":      {[]*Policy{out("p", everything)}, tcp(ya, xa, 80), true, "no policy selects x/a for ingress"},
		"a policy of another place":    {[]*Policy{in("p", everything)}, tcp(xa, ya, 80), true, "no policy selects y/a for ingress"},
		"no rules":                     {[]*Policy{in("p", everything)}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"no rules for IPv6":            {[]*Policy{in("p", everything)}, tcp(netip.MustParseAddr("fd00::3"), netip.MustParseAddr("fd00::1"), 80), false, denied + "y/a (fd00::3)"},
		"IPv4 in IPv6":                 {[]*Policy{in("p", everything)}, tcp(netip.MustParseAddr("::ffff:10.0.0.3"), xa, 80), false, denied + "y/a (10.0.0.3)"},
		"an empty rule":                {[]*Policy{in("p", everything, Rule{})}, tcp(outside, xa, 80), true, "allowed by ingress[0] of x/p"},
		"the Pod itself":               {[]*Policy{in("p", everything), out("q", everything)}, tcp(xa, xa, 80), true, "x/a talks to itself"},
		"its node":                     {[]*Policy{in("p", everything)}, tcp(node, xa, 80), true, "10.0.0.254 is of the node that x/a runs on"},
		"to its node":                  {[]*Policy{out("p", everything)}, tcp(xa, node, 80), true, "no Pod has 10.0.0.254, so no policy applies to it"},
		"from outside":                 {[]*Policy{in("p", everything, from(Peer{Pods: &everything, Namespaces: &everything}))}, tcp(outside, xa, 80), false, denied + "192.0.2.1"},
		"a Pod of the namespace":       {[]*Policy{in("p", everything, from(Peer{Pods: &everything}))}, tcp(xb, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a Pod of another namespace":   {[]*Policy{in("p", everything, from(Peer{Pods: &everything}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"a namespace":                  {[]*Policy{in("p", everything, from(Peer{Namespaces: selector("team", "y-team")}))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/p"},
		"another namespace":            {[]*Policy{in("p", everything, from(Peer{Namespaces: selector("team", "y-team")}))}, tcp(za, xa, 80), false, denied + "z/a (10.0.0.5)"},
		"a namespace by its name":      {[]*Policy{in("p", everything, from(Peer{Namespaces: selector("kubernetes.io/metadata.name", "y")}))}, tcp(yb, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a namespace and a Pod":        {[]*Policy{in("p", everything, from(Peer{Namespaces: selector("team", "y-team"), Pods: selector("pod", "b")}))}, tcp(yb, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a namespace, not the Pod":     {[]*Policy{in("p", everything, from(Peer{Namespaces: selector("team", "y-team"), Pods: selector("pod", "b")}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"a namespace or a Pod":         {[]*Policy{in("p", everything, from(Peer{Namespaces: selector("team", "y-team")}, Peer{Pods: selector("pod", "b")}))}, tcp(xb, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a block":                      {[]*Policy{in("p", everything, from(block("192.0.2.0/24")))}, tcp(outside, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a block with a hole":          {[]*Policy{in("p", everything, from(block("192.0.2.0/24", "192.0.2.0/30")))}, tcp(outside, xa, 80), false, denied + "192.0.2.1"},
		"a hole filled by a rule":      {[]*Policy{in("p", everything, from(block("192.0.2.0/24", "192.0.2.0/30")), from(block("192.0.2.1/32")))}, tcp(outside, xa, 80), true, "allowed by ingress[1] of x/p"},
		"a hole filled by a peer":      {[]*Policy{in("p", everything, from(block("192.0.2.0/24", "192.0.2.0/30"), block("192.0.2.1/32")))}, tcp(outside, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a block with Pods":            {[]*Policy{in("p", everything, from(block("10.0.0.0/29")))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a block of the other family":  {[]*Policy{in("p", everything, from(block("::/0")))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"a port":                       {[]*Policy{in("p", everything, at(RulePort{TCP, "", 80, 80}))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/p"},
		"another port":                 {[]*Policy{in("p", everything, at(RulePort{TCP, "", 81, 81}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"a range of ports":             {[]*Policy{in("p", everything, at(RulePort{TCP, "", 70, 80}))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/p"},
		"above a range of ports":       {[]*Policy{in("p", everything, at(RulePort{TCP, "", 70, 79}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"another protocol":             {[]*Policy{in("p", everything, at(RulePort{UDP, "", 80, 80}, RulePort{SCTP, "", 80, 80}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"all ports of a protocol":      {[]*Policy{in("p", everything, at(RulePort{Protocol: TCP}))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a named port":                 {[]*Policy{in("p", everything, at(RulePort{TCP, "http", 0, 0}))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/p"},
		"a name of another protocol":   {[]*Policy{in("p", everything, at(RulePort{UDP, "http", 0, 0}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"a name of two ports":          {[]*Policy{in("p", everything, at(RulePort{TCP, "dns", 0, 0}))}, tcp(ya, xa, 5353), true, "allowed by ingress[0] of x/p"},
		"the other of the two":         {[]*Policy{in("p", everything, at(RulePort{TCP, "dns", 0, 0}))}, tcp(ya, xa, 53), false, "selected by x/p, and no ingress rule of it allows TCP 53 from y/a (10.0.0.3)"},
		"a name of no port":            {[]*Policy{in("p", everything, at(RulePort{TCP, "https", 0, 0}))}, tcp(ya, xa, 80), false, denied + "y/a (10.0.0.3)"},
		"peer and port":                {[]*Policy{in("p", everything, Rule{[]Peer{{Pods: &everything}}, []RulePort{{TCP, "", 81, 81}}})}, tcp(xb, xa, 80), false, denied + "x/b (10.0.0.2)"},
		"two policies":                 {[]*Policy{in("p", everything), in("q", pods("a"), at(RulePort{Protocol: TCP}))}, tcp(ya, xa, 80), true, "allowed by ingress[0] of x/q"},
		"three that do not":            {[]*Policy{in("q", everything), in("p", pods("a")), in("r", pods("a"))}, tcp(ya, xa, 80), false, "selected by x/p, x/q and x/r, and no ingress rule of them allows TCP 80 from y/a (10.0.0.3)"},
		"egress":                       {[]*Policy{out("p", everything)}, tcp(xa, ya, 80), false, "selected by x/p, and no egress rule of it allows TCP 80 to y/a (10.0.0.3)"},
		"egress to a named port":       {[]*Policy{out("p", everything, at(RulePort{TCP, "http", 0, 0}))}, tcp(xa, ya, 80), true, "no policy selects y/a for ingress"},
		"egress to a name of nobody":   {[]*Policy{out("p", everything, at(RulePort{TCP, "http", 0, 0}))}, tcp(xa, outside, 80), false, "selected by x/p, and no egress rule of it allows TCP 80 to 192.0.2.1"},
		"egress allowed, ingress not":  {[]*Policy{out("q", everything, Rule{}), in("p", everything)}, tcp(xb, xa, 80), false, denied + "x/b (10.0.0.2)"},
		"ICMP":                         {[]*Policy{in("p", everything, at(RulePort{Protocol: TCP}))}, Conn{Src: ya, Dst: xa, Protocol: 1}, false, "selected by x/p, and no ingress rule of it allows ICMP from y/a (10.0.0.3)"},
		"a rule without ports is ICMP": {[]*Policy{in("p", everything, from(Peer{Namespaces: &everything}))}, Conn{Src: ya, Dst: xa, Protocol: 1}, true, "allowed by ingress[0] of x/p"},
		"a protocol of no name":        {[]*Policy{in("p", everything)}, Conn{Src: ya, Dst: xa, Protocol: 47}, false, "selected by x/p, and no ingress rule of it allows IP protocol 47 from y/a (10.0.0.3)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := town()
			for _, p := range tt.policies {
				s.SetPolicy(p)
			}
			v := s.Verdict(tt.conn)
			assert.Equal(t, tt.want, v.Allowed)
			assert.Equal(t, v.Allowed, v.Egress.Allowed && v.Ingress.Allowed)
			assert.Equal(t, v.Egress, s.Egress(tt.conn))
			assert.Equal(t, v.Ingress, s.Ingress(tt.conn))
			decides := v.Ingress
			if !v.Egress.Allowed {
				decides = v.Egress
			}
			assert.Equal(t, tt.reason, decides.Reason())
		})
	}
}

func TestADecisionNamesItsPolicyAndRule(t *testing.T) {
	s := town()
	s.SetPolicy(in("p", pods("a")))
	d := s.Ingress(tcp(ya, xa, 80))
	assert.Equal(t, []any{"x/p", -1}, []any{d.Policy(), d.Rule})
	s.SetPolicy(in("q", pods("a"), at(RulePort{Protocol: UDP}), Rule{}))
	d = s.Ingress(tcp(ya, xa, 80))
	assert.Equal(t, []any{"x/q", 1}, []any{d.Policy(), d.Rule})
	d = s.Ingress(tcp(ya, xb, 80))
	assert.Equal(t, []any{"", -1}, []any{d.Policy(), d.Rule})
}

func TestEveryChangeCounts(t *testing.T) {
	everything := labels.Selector{}
	s := town()
	allowed := func() bool { return s.Verdict(tcp(ya, xa, 80)).Allowed }
	assert.True(t, allowed())
	s.SetPolicy(in("p", pods("a")))
	assert.False(t, allowed(), "a policy comes")
	s.SetPolicy(in("p", pods("a"), Rule{}))
	assert.True(t, allowed(), "and is changed")
	s.SetPolicy(in("p", pods("a"), from(Peer{Pods: &everything, Namespaces: selector("team", "red")})))
	assert.False(t, allowed())
	s.SetNamespace("y", map[string]string{"team": "red", "kubernetes.io/metadata.name": "other"})
	assert.True(t, allowed(), "labels of a namespace")
	s.SetPolicy(in("p", pods("a"), from(Peer{Namespaces: selector("kubernetes.io/metadata.name", "y")})))
	assert.True(t, allowed(), "its name is what it is called")
	s.SetPolicy(in("p", pods("a")))
	s.SetPod(Pod{UID: "xa", Namespace: "x", Name: "a", IPs: []netip.Addr{xa}})
	assert.True(t, allowed(), "labels of the Pod")
	s.SetPod(Pod{UID: "xa", Namespace: "x", Name: "a", Labels: map[string]string{"pod": "a"}, IPs: []netip.Addr{xa}})
	assert.False(t, allowed())
	s.DeletePolicy("x", "q")
	s.DeletePolicy("w", "p")
	assert.False(t, allowed())
	s.DeletePolicy("x", "p")
	assert.True(t, allowed(), "a policy goes")
	s.SetPolicy(in("p", pods("a"), from(Peer{Namespaces: &everything})))
	assert.True(t, allowed())
	s.DeletePod("ya")
	assert.False(t, allowed(), "nobody has the address any more")
	s.DeletePod("xa")
	assert.Equal(t, "no Pod has 10.0.0.1, so no policy applies to it", s.Ingress(tcp(ya, xa, 80)).Reason())
	s.DeletePod("xa")
}

func TestAnAddressThatMovesOnIsTheNewPods(t *testing.T) {
	s := NewSet()
	s.SetPod(Pod{UID: "1", Namespace: "x", Name: "a", Labels: map[string]string{"pod": "a"}, IPs: []netip.Addr{xa}})
	s.SetPolicy(in("p", pods("a")))
	require.False(t, s.Ingress(tcp(outside, xa, 1)).Allowed)
	s.SetPod(Pod{UID: "2", Namespace: "x", Name: "b", IPs: []netip.Addr{xa}}) // before the first one is gone
	s.DeletePod("1")
	assert.Equal(t, "no policy selects x/b for ingress", s.Ingress(tcp(outside, xa, 1)).Reason())
	s.SetPod(Pod{UID: "2", Namespace: "x", Name: "b", IPs: []netip.Addr{xb}}) // a new sandbox
	assert.Equal(t, "no Pod has 10.0.0.1, so no policy applies to it", s.Ingress(tcp(outside, xa, 1)).Reason())
}

func TestPodsOfTheHostNetworkAreTheirNode(t *testing.T) {
	everything := labels.Selector{}
	s := town()
	other := netip.MustParseAddr("10.0.1.254")
	s.SetPod(Pod{UID: "h", Namespace: "x", Name: "h", Labels: map[string]string{"pod": "a"}, IPs: []netip.Addr{node}, HostNetwork: true})
	s.SetPod(Pod{UID: "i", Namespace: "x", Name: "i", IPs: []netip.Addr{other}, HostNetwork: true})
	s.SetPolicy(in("p", everything, from(Peer{Pods: &everything}, Peer{Namespaces: &everything})))
	assert.True(t, s.Verdict(tcp(ya, node, 80)).Allowed, "no policy selects it")
	assert.True(t, s.Verdict(tcp(node, xa, 80)).Allowed, "it is on the Pod's node")
	assert.False(t, s.Verdict(tcp(other, xa, 80)).Allowed, "as a peer it is no Pod")
	s.SetPolicy(in("q", everything, from(block("10.0.1.254/32"))))
	assert.True(t, s.Verdict(tcp(other, xa, 80)).Allowed)
}

func TestManyAskWhileItChanges(t *testing.T) {
	s := town()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if d := s.Ingress(tcp(ya, xa, 80)); !d.Allowed {
					assert.Equal(t, "x/p", d.Policy())
				}
			}
		})
	}
	for range 500 {
		s.SetPolicy(in("p", pods("a")))
		s.SetPod(Pod{UID: "n", Namespace: "x", Name: "n", IPs: []netip.Addr{outside}})
		s.SetNamespace("x", nil)
		s.DeletePod("n")
		s.DeletePolicy("x", "p")
	}
	wg.Wait()
	assert.True(t, s.Ingress(tcp(ya, xa, 80)).Allowed)
}

func TestQuestionsDoNotAllocate(t *testing.T) {
	s := town()
	s.SetPolicy(in("p", pods("a"), from(Peer{Namespaces: selector("team", "z-team")})))
	c := tcp(ya, xa, 80)
	s.Ingress(c)
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Ingress(c) }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Egress(c) }))
}

func BenchmarkIngress(b *testing.B) {
	for _, n := range []int{0, 1, 10, 1000} {
		b.Run(strconv.Itoa(n)+"policies", func(b *testing.B) {
			s := town()
			for i := range n {
				selects := pods("b")
				if i%100 == 0 {
					selects = pods("a")
				}
				s.SetPolicy(in("p"+strconv.Itoa(i), selects, from(Peer{Namespaces: selector("team", "z-team")})))
			}
			c := tcp(ya, xa, 80)
			b.ReportAllocs()
			for b.Loop() {
				s.Ingress(c)
			}
		})
	}
}
