package iptables

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// must returns the ruleset after the commands, one a line.
func must(t testing.TB, r *Ruleset, commands string) *Ruleset {
	t.Helper()
	for line := range strings.Lines(commands) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		n, _, err := r.Command(shellWords(line))
		require.NoError(t, err, line)
		r = n
	}
	return r
}

// session returns the rulesets of both families after a part of a transcript.
func session(t testing.TB, file, title string) [2]*Ruleset {
	ns := [2]*Ruleset{New(IPv4), New(IPv6)}
	found := false
	in := false
	for _, x := range readTranscript(t, file) {
		if x.Title != "" {
			in = x.Title == title
			found = found || in
		}
		if in {
			runCommand(&ns, shellWords(x.Command), x.In)
		}
	}
	require.True(t, found, title)
	return ns
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// packet returns a TCP SYN.
func packet(from, to string, port uint16) Packet {
	return Packet{Src: addr(from), Dst: addr(to), Protocol: protoTCP, SrcPort: 40000, DstPort: port,
		TCPFlags: tcpSYN, Length: 60, State: StateNew}
}

func TestMeshRulesSendEachPacketWhereItBelongs(t *testing.T) {
	istio := session(t, "testdata/meshes.txt", "istio")
	dns := session(t, "testdata/meshes.txt", "istio with dns")
	linkerd := session(t, "testdata/meshes.txt", "linkerd")
	const pod, other, outside = "10.244.1.5", "10.244.2.9", "93.184.216.34"
	owned := func(p Packet, uid, gid uint32) Packet { p.HasOwner, p.UID, p.GID = true, uid, gid; return p }
	via := func(p Packet, out string) Packet { p.Out = out; return p }
	in := func(p Packet) Packet { p.In = "eth0"; return p }
	udp := func(p Packet) Packet { p.Protocol, p.TCPFlags = protoUDP, 0; return p }
	tests := []struct {
		name  string
		rules *Ruleset
		hook  Hook
		p     Packet
		kind  Kind
		port  uint16
	}{
		{"inbound to the app is the proxy's", istio[0], Prerouting, in(packet(other, pod, 8080)), Redirect, 15006},
		{"a tunnel is not redirected", istio[0], Prerouting, in(packet(other, pod, 15008)), Accept, 0},
		{"health is not redirected", istio[0], Prerouting, in(packet(other, pod, 15021)), Accept, 0},
		{"UDP is left alone", istio[0], Prerouting, in(udp(packet(other, pod, 8080))), Accept, 0},
		{"outbound of the app is the proxy's", istio[0], Output, via(owned(packet(pod, outside, 443), 1000, 1000), "eth0"), Redirect, 15001},
		{"outbound of the proxy leaves", istio[0], Output, via(owned(packet(pod, outside, 443), 1337, 1337), "eth0"), Accept, 0},
		{"the proxy's group leaves too", istio[0], Output, via(owned(packet(pod, outside, 443), 7, 1337), "eth0"), Accept, 0},
		{"the proxy to the app, from 127.0.0.6", istio[0], Output, via(owned(packet("127.0.0.6", pod, 8080), 1337, 1337), "lo"), Accept, 0},
		{"the app to its own Service comes back through the proxy", istio[0], Output, via(owned(packet(pod, pod, 8080), 1337, 1337), "lo"), Redirect, 15006},
		{"the app on localhost", istio[0], Output, via(owned(packet("127.0.0.1", "127.0.0.1", 8080), 1000, 1000), "lo"), Accept, 0},
		{"the app to its own address", istio[0], Output, via(owned(packet(pod, pod, 8080), 1000, 1000), "lo"), Accept, 0},
		{"without a socket nobody owns it", istio[0], Output, via(packet(pod, outside, 443), "eth0"), Redirect, 15001},
		{"IPv6 passthrough", istio[1], Output, via(owned(packet("::6", "fd00::5", 8080), 1337, 1337), "lo"), Accept, 0},
		{"IPv6 outbound", istio[1], Output, via(owned(packet("fd00::5", "2001:db8::1", 443), 1000, 1000), "eth0"), Redirect, 15001},

		{"a question of the app goes to the agent", dns[0], Output, via(owned(udp(packet(pod, "10.96.0.10", 53)), 1000, 1000), "eth0"), Redirect, 15053},
		{"a question of the agent does not", dns[0], Output, via(owned(udp(packet(pod, "10.96.0.10", 53)), 1337, 1337), "eth0"), Accept, 0},

		{"linkerd: inbound", linkerd[0], Prerouting, in(packet(other, pod, 8080)), Redirect, 4143},
		{"linkerd: its own ports", linkerd[0], Prerouting, in(packet(other, pod, 4191)), Accept, 0},
		{"linkerd: a subnet left out", linkerd[0], Prerouting, in(packet("10.1.2.3", pod, 8080)), Accept, 0},
		{"linkerd: outbound", linkerd[0], Output, via(owned(packet(pod, outside, 443), 0, 0), "eth0"), Redirect, 4140},
		{"linkerd: outbound of the proxy", linkerd[0], Output, via(owned(packet(pod, outside, 443), 2102, 2102), "eth0"), Accept, 0},
		{"linkerd: the own address is not proxied", linkerd[0], Output, via(owned(packet(pod, pod, 8080), 0, 0), "lo"), Accept, 0},
		{"linkerd: a port left out", linkerd[0], Output, via(owned(packet(pod, outside, 4568), 0, 0), "eth0"), Accept, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := test.rules.Run(NAT, test.hook, &test.p)
			assert.Equal(t, test.kind.String(), v.Kind.String())
			assert.Equal(t, test.port, v.NAT.MinPort)
			assert.Equal(t, test.port != 0, v.NAT.Ports)
		})
	}
	p := via(owned(udp(packet(pod, "10.96.0.10", 53)), 1337, 1337), "eth0")
	p.State = StateInvalid // connection tracking comes later
	assert.Equal(t, Accept, dns[0].Run(Raw, Output, &p).Kind)
	assert.Equal(t, StateUntracked, p.State)
}

func TestKubeProxyRulesTranslateAndMark(t *testing.T) {
	rules := session(t, "testdata/meshes.txt", "kube-proxy")[0]
	// The session ends with one endpoint. Give the Service its two again.
	rules = must(t, rules, `
		-t nat -N KUBE-SEP-TWO
		-t nat -A KUBE-SEP-TWO -p tcp -j DNAT --to-destination 10.180.0.4:80
		-t nat -I KUBE-SVC-4SW47YFZTEDKD3PK -m statistic --mode random --probability 0.5 -j KUBE-SEP-TWO`)
	local := func(a netip.Addr) AddrType {
		if a == addr("192.168.1.1") {
			return Local
		}
		return Unicast
	}
	draw := uint32(0)
	service := func(from, to string, port uint16, random uint32) (Verdict, uint32) {
		p := packet(from, to, port)
		draw = random
		p.AddrType, p.Random = local, func() uint32 { return draw }
		v := rules.Run(NAT, Prerouting, &p)
		return v, p.Mark
	}

	v, mark := service("10.180.0.9", "172.30.0.44", 80, 0)
	assert.Equal(t, "DNAT 10.180.0.4:80", fmt.Sprintf("%s %s:%d", v.Kind, v.NAT.MinAddr, v.NAT.MinPort))
	assert.Zero(t, mark, "a Pod keeps its address")
	assert.Equal(t, "KUBE-SEP-TWO", v.Chain)

	v, _ = service("10.180.0.9", "172.30.0.44", 80, 1<<30)
	assert.Equal(t, addr("10.180.0.5"), v.NAT.MaxAddr, "the other half goes to the other endpoint")

	_, mark = service("10.180.0.5", "172.30.0.44", 80, 1<<30)
	assert.Equal(t, uint32(0x4000), mark, "a hairpin is marked")

	v, mark = service("8.8.8.8", "192.168.1.1", 3001, 1<<30)
	assert.Equal(t, DNAT, v.Kind, "a node port")
	assert.Equal(t, uint32(0x4000), mark, "from outside")
	assert.Equal(t, "ns4/svc4:p80", v.Rule.Comment())

	v, _ = service("8.8.8.8", "192.168.1.2", 3001, 0)
	assert.Equal(t, Accept, v.Kind, "not our address, not our port")
	assert.Nil(t, v.Rule)
	assert.Equal(t, "PREROUTING", v.Chain)

	p := packet("10.180.0.5", "10.180.0.5", 80)
	p.Mark = 0x4001
	v = rules.Run(NAT, Postrouting, &p)
	assert.Equal(t, Masquerade, v.Kind)
	assert.True(t, v.NAT.FullyRandom)
	assert.Equal(t, uint32(1), p.Mark, "the mark is taken back")

	p = packet("10.180.0.5", "172.30.0.46", 80)
	v = rules.Run(Filter, Forward, &p)
	assert.Equal(t, Reject, v.Kind)
	assert.Equal(t, RejectWith{Type: 3, Code: 3}, v.Reject)
	assert.Equal(t, `-d 172.30.0.46/32 -p tcp -m comment --comment "ns6/svc6:p80 has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable`, v.Rule.String())

	p.State = StateInvalid
	assert.Equal(t, Drop, rules.Run(Filter, Forward, &p).Kind)
	p = packet("8.8.8.8", "127.0.0.1", 80)
	assert.Equal(t, Drop, rules.Run(Filter, Input, &p).Kind)
	p.DNAT = true
	assert.Equal(t, Accept, rules.Run(Filter, Input, &p).Kind)
}

// TestEachMatch tries a rule on a packet that it is about, and on others.
func TestEachMatch(t *testing.T) {
	base := func(change func(*Packet)) Packet {
		p := packet("10.0.0.1", "10.0.0.2", 80)
		p.In, p.Out = "eth0", "eth1"
		change(&p)
		return p
	}
	tests := []struct {
		rule   string
		change func(*Packet)
		want   bool
	}{
		{"-s 10.0.0.0/24", func(p *Packet) {}, true},
		{"! -s 10.0.0.0/24", func(p *Packet) {}, false},
		{"-s 10.0.0.0/0.0.0.1", func(p *Packet) {}, false},
		{"-d 10.0.0.0/255.0.0.255", func(p *Packet) { p.Dst = addr("10.9.9.0") }, true},
		{"! -s 0.0.0.0/0", func(p *Packet) {}, false},
		{"-i eth0 -o eth1", func(p *Packet) {}, true},
		{"-i eth+", func(p *Packet) {}, true},
		{"-i +", func(p *Packet) { p.In = "" }, true},
		{"! -i eth0", func(p *Packet) {}, false},
		{"! -i eth+", func(p *Packet) { p.In = "lo" }, true},
		{"-i eth", func(p *Packet) {}, false},
		{"-p tcp", func(p *Packet) {}, true},
		{"! -p tcp", func(p *Packet) {}, false},
		{"-p udp", func(p *Packet) {}, false},
		{"-f", func(p *Packet) { p.Fragment = true }, true},
		{"! -f", func(p *Packet) { p.Fragment = true }, false},
		{"-p tcp --dport 80", func(p *Packet) { p.Fragment = true }, false},
		{"-p tcp ! --dport 81", func(p *Packet) { p.Fragment = true }, false},
		{"-p tcp --dport 70:80", func(p *Packet) {}, true},
		{"-p tcp ! --dport 70:80", func(p *Packet) {}, false},
		{"-p tcp --sport 1024:", func(p *Packet) {}, true},
		{"-p tcp --syn", func(p *Packet) {}, true},
		{"-p tcp --syn", func(p *Packet) { p.TCPFlags = tcpSYN | tcpACK }, false},
		{"-p tcp ! --syn", func(p *Packet) { p.TCPFlags = tcpSYN | tcpACK }, true},
		{"-p tcp --tcp-flags ALL NONE", func(p *Packet) { p.TCPFlags = 0 }, true},
		{"-p tcp --tcp-flags ALL NONE", func(p *Packet) {}, false},
		{"-p icmp --icmp-type 8", func(p *Packet) { p.Protocol, p.ICMPType = protoICMP, 8 }, true},
		{"-p icmp --icmp-type 3/4", func(p *Packet) { p.Protocol, p.ICMPType, p.ICMPCode = protoICMP, 3, 4 }, true},
		{"-p icmp --icmp-type 3/4", func(p *Packet) { p.Protocol, p.ICMPType, p.ICMPCode = protoICMP, 3, 3 }, false},
		{"-p icmp --icmp-type any", func(p *Packet) { p.Protocol, p.ICMPType = protoICMP, 5 }, true},
		{"-p icmp ! --icmp-type 8", func(p *Packet) { p.Protocol, p.ICMPType = protoICMP, 0 }, true},
		{"-p tcp -m multiport --dports 79,80", func(p *Packet) {}, true},
		{"-p tcp -m multiport --sports 79,80", func(p *Packet) {}, false},
		{"-p tcp -m multiport ! --dports 1:99", func(p *Packet) {}, false},
		{"-p tcp -m multiport --ports 40000", func(p *Packet) {}, true},
		{"-m owner --uid-owner 5-9", func(p *Packet) { p.HasOwner, p.UID = true, 9 }, true},
		{"-m owner --uid-owner 5-9", func(p *Packet) { p.HasOwner, p.UID = true, 10 }, false},
		{"-m owner --uid-owner 0", func(p *Packet) {}, false},
		{"-m owner ! --uid-owner 0", func(p *Packet) {}, true},
		{"-m owner ! --gid-owner 7 --uid-owner 5", func(p *Packet) { p.HasOwner, p.UID, p.GID = true, 5, 8 }, true},
		{"-m owner --socket-exists", func(p *Packet) { p.HasOwner = true }, true},
		{"-m owner ! --socket-exists", func(p *Packet) { p.HasOwner = true }, false},
		{"-m conntrack --ctstate ESTABLISHED,NEW", func(p *Packet) {}, true},
		{"-m conntrack ! --ctstate NEW", func(p *Packet) {}, false},
		{"-m conntrack --ctstate DNAT", func(p *Packet) { p.DNAT = true }, true},
		{"-m conntrack --ctstate SNAT", func(p *Packet) { p.DNAT = true }, false},
		{"-m conntrack --ctstate UNTRACKED", func(p *Packet) { p.State = StateUntracked }, true},
		{"-m state --state RELATED", func(p *Packet) { p.State = StateRelated }, true},
		{"-m state --state RELATED", func(p *Packet) { p.DNAT = true }, false},
		{"-m statistic --mode random --probability 0", func(p *Packet) {}, false},
		{"-m statistic --mode random --probability 1", func(p *Packet) { p.Random = func() uint32 { return 1<<32 - 1 } }, true},
		{"-m statistic --mode random ! --probability 1", func(p *Packet) {}, false},
		{"-m addrtype --dst-type LOCAL", func(p *Packet) {}, false},
		{"-m addrtype --dst-type UNICAST --src-type UNICAST", func(p *Packet) {}, true},
		{"-m addrtype ! --dst-type LOCAL,BROADCAST", func(p *Packet) { p.AddrType = func(netip.Addr) AddrType { return Broadcast } }, false},
		{"-m mark --mark 1", func(p *Packet) { p.Mark = 1 }, true},
		{"-m mark --mark 1/1", func(p *Packet) { p.Mark = 3 }, true},
		{"-m mark ! --mark 1/1", func(p *Packet) { p.Mark = 2 }, true},
		{"-m comment --comment x", func(p *Packet) {}, true},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			table := "-t mangle -A POSTROUTING "
			if strings.Contains(test.rule, "-i ") {
				table = "-t mangle -A FORWARD "
			}
			r := must(t, New(IPv4), table+test.rule+" -j DROP")
			hook := Postrouting
			if strings.Contains(table, "FORWARD") {
				hook = Forward
			}
			p := base(test.change)
			assert.Equal(t, test.want, r.Run(Mangle, hook, &p).Kind == Drop)
		})
	}
}

func TestEveryThirdPacket(t *testing.T) {
	r := must(t, New(IPv4), "-A INPUT -m statistic --mode nth --every 3 --packet 1 -j DROP")
	var dropped []int
	for i := range 9 {
		p := packet("1.1.1.1", "2.2.2.2", 80)
		if r.Run(Filter, Input, &p).Kind == Drop {
			dropped = append(dropped, i)
		}
	}
	assert.Equal(t, []int{1, 4, 7}, dropped)
}

func TestReturnAndGoto(t *testing.T) {
	r := must(t, New(IPv4), `
		-N A
		-N B
		-A INPUT -p tcp --dport 1 -j A
		-A INPUT -p tcp --dport 2 -g A
		-A INPUT -p tcp --dport 3 -j RETURN
		-A INPUT -j DROP
		-A A -p tcp --sport 7 -j ACCEPT
		-A A -p tcp --sport 8 -g B
		-A A -p tcp --sport 9 -j B
		-A A -p tcp -j RETURN
		-A B -p tcp -j RETURN`)
	for _, test := range []struct {
		name     string
		src, dst uint16
		want     Kind
		by       string // "" is the policy
	}{
		{"a verdict in a chain is final", 7, 1, Accept, "A"},
		{"the end of a chain goes back", 5, 1, Drop, "INPUT"},
		{"a goto inside goes back to who jumped", 8, 1, Drop, "INPUT"},
		{"a jump inside goes back twice", 9, 1, Drop, "INPUT"},
		{"a goto of the built-in chain ends at its policy", 5, 2, Accept, ""},
		{"return of the built-in chain is its policy", 5, 3, Accept, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := packet("1.1.1.1", "2.2.2.2", test.dst)
			p.SrcPort = test.src
			v := r.Run(Filter, Input, &p)
			assert.Equal(t, test.want, v.Kind)
			if test.by == "" {
				assert.Nil(t, v.Rule)
			} else {
				assert.Equal(t, test.by, v.Chain)
			}
		})
	}
}

func TestCountersGoOnWhenOtherRulesChange(t *testing.T) {
	r := must(t, New(IPv4), `-A INPUT -s 1.1.1.1 -j DROP`)
	hit := func(r *Ruleset) {
		for _, from := range []string{"1.1.1.1", "3.3.3.3"} {
			p := packet(from, "2.2.2.2", 80)
			r.Run(Filter, Input, &p)
		}
	}
	hit(r)
	before := r
	r = must(t, r, `
		-I INPUT -s 4.4.4.4 -j ACCEPT
		-t nat -A OUTPUT -j ACCEPT
		-N FOO
		-E FOO BAR`)
	hit(before) // a packet that was on its way
	hit(r)
	saved, err := r.Save(SaveOptions{Table: "filter", Counters: true})
	require.NoError(t, err)
	assert.Equal(t, `*filter
:INPUT ACCEPT [3:180]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:BAR - [0:0]
[0:0] -A INPUT -s 4.4.4.4/32 -j ACCEPT
[3:180] -A INPUT -s 1.1.1.1/32 -j DROP
COMMIT
`, saved)
	zeroed := must(t, r, "-Z")
	saved, err = zeroed.Save(SaveOptions{Table: "filter", Counters: true})
	require.NoError(t, err)
	assert.Contains(t, saved, "[0:0] -A INPUT -s 1.1.1.1/32 -j DROP")
}

func TestARulesetNeverChanges(t *testing.T) {
	r := must(t, New(IPv4), "-A INPUT -s 1.1.1.1 -j DROP\n-N A\n-A INPUT -j A")
	before, err := r.Save(SaveOptions{})
	require.NoError(t, err)
	for _, command := range []string{"-A INPUT -j DROP", "-I INPUT -j DROP", "-R INPUT 1 -j DROP", "-D INPUT 1", "-F", "-Z",
		"-P INPUT DROP", "-E A B", "-t nat -A OUTPUT -j ACCEPT"} {
		must(t, r, command)
	}
	_, err = r.Restore("*filter\n:A - [0:0]\n-A A -j DROP\nCOMMIT\n", RestoreOptions{NoFlush: true})
	require.NoError(t, err)
	after, err := r.Save(SaveOptions{})
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

func TestAnUnusedTableCostsNothing(t *testing.T) {
	r := New(IPv4)
	assert.False(t, r.Has(NAT, Output))
	p := packet("1.1.1.1", "2.2.2.2", 80)
	assert.Equal(t, Verdict{}, r.Run(NAT, Output, &p))
	r = must(t, r, "-t nat -L")
	assert.True(t, r.Has(NAT, Output))
	assert.False(t, r.Has(NAT, Forward))
	assert.False(t, r.Has(Filter, Input))
	assert.Equal(t, []Table{NAT}, r.Tables())
}

func TestRestoreChangesAllOrNothing(t *testing.T) {
	r := must(t, New(IPv4), "-A INPUT -s 1.1.1.1 -j DROP")
	n, err := r.Restore("*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -j NOSUCH\nCOMMIT\n", RestoreOptions{})
	require.Error(t, err)
	assert.Same(t, r, n)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 2, e.Code)

	n, err = r.Restore("*filter\nCOMMIT\n", RestoreOptions{Test: true})
	require.NoError(t, err)
	assert.Same(t, r, n, "--test")
}

// TestAnIndexedChainSaysWhatAWalkSays compares long chains with and without their
// index of destinations.
func TestAnIndexedChainSaysWhatAWalkSays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var b strings.Builder
		b.WriteString("*filter\n:A - [0:0]\n-A INPUT -j A\n")
		for range 60 {
			d := fmt.Sprintf("10.0.0.%d", random.IntN(8))
			switch random.IntN(20) {
			case 0:
				d += "/31"
			case 1:
				d = "! -d " + d
			}
			if !strings.HasPrefix(d, "!") {
				d = "-d " + d
			}
			fmt.Fprintf(&b, "-A A %s -p tcp --dport %d -j %s\n", d, random.IntN(4), []string{"DROP", "RETURN", "ACCEPT", "MARK --set-mark 1"}[random.IntN(4)])
		}
		b.WriteString("COMMIT\n")
		r, err := New(IPv4).Restore(b.String(), RestoreOptions{})
		require.NoError(t, err)
		plain, err := New(IPv4).Restore(b.String(), RestoreOptions{})
		require.NoError(t, err)
		indexed := 0
		for _, c := range plain.tables[Filter].chains {
			if c.index != nil {
				indexed++
			}
			c.index = nil
		}
		require.NotZero(t, indexed)
		for host := range 9 {
			for port := range uint16(4) {
				p := packet("1.1.1.1", fmt.Sprintf("10.0.0.%d", host), port)
				q := p
				v, w := r.Run(Filter, Input, &p), plain.Run(Filter, Input, &q)
				assert.Equal(t, w.Kind, v.Kind)
				assert.Equal(t, q.Mark, p.Mark)
				if w.Rule != nil && assert.NotNil(t, v.Rule) {
					assert.Equal(t, w.Rule.String(), v.Rule.String())
				}
			}
		}
	}
}

// manyServices returns kube-proxy's rules for n Services of one endpoint.
func manyServices(t testing.TB, n int) *Ruleset {
	var b strings.Builder
	b.WriteString("*nat\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES\n")
	for i := range n {
		fmt.Fprintf(&b, ":KUBE-SVC-%d - [0:0]\n", i)
	}
	for i := range n {
		fmt.Fprintf(&b, "-A KUBE-SERVICES -d %s -p tcp -m comment --comment \"ns/svc%d cluster IP\" -m tcp --dport 80 -j KUBE-SVC-%d\n", serviceAddr(i), i, i)
		fmt.Fprintf(&b, "-A KUBE-SVC-%d -p tcp -j DNAT --to-destination 10.1.%d.%d:8080\n", i, i>>8, i&255)
	}
	b.WriteString("COMMIT\n")
	r, err := New(IPv4).Restore(b.String(), RestoreOptions{})
	require.NoError(t, err)
	return r
}

func serviceAddr(i int) string { return fmt.Sprintf("10.96.%d.%d", i>>8, i&255) }

func TestRunAllocatesNothing(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counts")
	}
	r := manyServices(t, 100)
	r = must(t, r, `
		-t nat -I OUTPUT -m owner ! --uid-owner 7 -m conntrack --ctstate INVALID
		-t nat -I OUTPUT -p tcp -m multiport --dports 1,2 -m mark --mark 4 -m state --state NEW
		-t nat -I OUTPUT -m addrtype --dst-type LOCAL -m statistic --mode random --probability 0.5 -m comment --comment x`)
	dst := addr(serviceAddr(99))
	src := addr("10.1.0.1")
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		p := Packet{Src: src, Dst: dst, Protocol: protoTCP, DstPort: 80, Length: 60, State: StateNew}
		if v := r.Run(NAT, Output, &p); v.Kind != DNAT {
			panic(v.Kind)
		}
	}))
}

func BenchmarkServices(b *testing.B) {
	for _, n := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := manyServices(b, n)
			p := packet("10.1.0.1", serviceAddr(n-1), 80)
			for b.Loop() {
				if r.Run(NAT, Prerouting, &p).Kind != DNAT {
					b.Fatal("no service")
				}
			}
		})
	}
}

func BenchmarkIstioOutput(b *testing.B) {
	r := session(b, "testdata/meshes.txt", "istio")[0]
	p := packet("10.1.0.1", "8.8.8.8", 443)
	p.Out, p.HasOwner, p.UID = "eth0", true, 1000
	for b.Loop() {
		r.Run(NAT, Output, &p)
	}
}

func TestWhatPodnetDoesNotHaveIsNamed(t *testing.T) {
	for command, want := range map[string]string{
		"-A INPUT -m limit --limit 1/s":                          "Couldn't load match `limit':No such file or directory\npodnet has the matches addrtype, comment, ",
		"-A INPUT -j LOG":                                        "Couldn't load target `LOG':No such file or directory\npodnet has the targets ACCEPT, ",
		"-A INPUT -m conntrack --ctorigdst 1.2.3.4":              "conntrack: podnet does not support option \"--ctorigdst\".\n",
		"-A INPUT -p tcp --tcp-option 5":                         "tcp: podnet does not support option \"--tcp-option\".\n",
		"-A INPUT -m addrtype --dst-type LOCAL --limit-iface-in": "addrtype: podnet does not support option \"--limit-iface-in\".\n",
		"-t raw -A OUTPUT -j CT --zone 1":                        "CT: podnet does not support option \"--zone\".\n",
	} {
		_, _, err := New(IPv4).Command(shellWords(command))
		var e *Error
		if assert.ErrorAs(t, err, &e, command) {
			assert.Contains(t, e.Text, want)
			assert.Equal(t, 2, e.Code)
		}
	}
}

// TestWithoutNetAdmin: the texts are what iptables said to root without
// CAP_NET_ADMIN.
func TestWithoutNetAdmin(t *testing.T) {
	r := must(t, New(IPv4), "-t nat -A OUTPUT -j ACCEPT")
	for _, test := range []struct{ args, want string }{
		{"-t nat -A OUTPUT -j ACCEPT", "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Permission denied (you must be root)\nPerhaps iptables or your kernel needs to be upgraded.\n"},
		{"-S", "iptables v1.8.9 (legacy): can't initialize iptables table `filter': Permission denied (you must be root)\nPerhaps iptables or your kernel needs to be upgraded.\n"},
		{"-A INPUT --foo", "iptables v1.8.9 (legacy): unknown option \"--foo\"\nTry `iptables -h' or 'iptables --help' for more information.\n"},
	} {
		_, err := r.CommandDenied(shellWords(test.args))
		assert.EqualError(t, err, test.want)
	}
	out, err := r.CommandDenied([]string{"-V"})
	require.NoError(t, err)
	assert.Equal(t, "iptables v1.8.9 (legacy)\n", out)

	_, err = r.SaveDenied(SaveOptions{})
	assert.EqualError(t, err, "iptables-save v1.8.9 (legacy): Cannot initialize: Permission denied (you must be root)\n")
	out, err = New(IPv4).SaveDenied(SaveOptions{})
	require.NoError(t, err)
	assert.Empty(t, out)

	err = r.RestoreDenied("*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n")
	assert.EqualError(t, err, "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'\nError occurred at line: 1\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n")
	require.NoError(t, r.RestoreDenied("# nothing\n"))
}
