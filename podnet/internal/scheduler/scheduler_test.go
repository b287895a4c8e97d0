package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// cluster is a scheduler with nodes a, b, c… of which b has an SSD.
func cluster(n int) *Scheduler {
	var nodes []Node
	for i := range n {
		labels := map[string]string{"zone": "z"}
		if i == 1 {
			labels["disk"] = "ssd"
		}
		nodes = append(nodes, Node{Name: string(rune('a' + i)), Labels: labels})
	}
	return New(nodes)
}

// pod reads "name [node=b] [disk=ssd] [80] [udp/80] [1.1.1.1:80]".
func pod(text string) *Pod {
	fields := strings.Fields(text)
	p := &Pod{Name: fields[0], Addresses: 1}
	for _, f := range fields[1:] {
		if key, value, ok := strings.Cut(f, "="); ok {
			if key == "node" {
				p.NodeName = value
				continue
			}
			p.NodeSelector = map[string]string{key: value}
			continue
		}
		port := HostPort{Protocol: "TCP"}
		if udp, ok := strings.CutPrefix(f, "udp/"); ok {
			port.Protocol, f = "UDP", udp
		}
		if i := strings.LastIndexByte(f, ':'); i >= 0 {
			port.IP, f = f[:i], f[i+1:]
		}
		fmt.Sscan(f, &port.Port)
		p.HostPorts = append(p.HostPorts, port)
	}
	return p
}

func (d Decision) String() string {
	switch {
	case d.Rejection != nil:
		return fmt.Sprintf("%s rejected by %c: %s", d.Pod.Name, 'a'+d.Node, d.Rejection.Reason)
	case d.Node < 0:
		return d.Pod.Name + " waits"
	}
	return fmt.Sprintf("%s on %c", d.Pod.Name, 'a'+d.Node)
}

func texts(decisions []Decision) string {
	var list []string
	for _, d := range decisions {
		list = append(list, d.String())
	}
	return strings.Join(list, ", ")
}

func TestWhereAPodGoes(t *testing.T) {
	for name, tt := range map[string]struct {
		nodes int
		pods  []string // the last one's place is asked for
		want  string
	}{
		"the first node":                               {nodes: 2, pods: []string{"p"}, want: "p on a"},
		"the emptiest node":                            {nodes: 3, pods: []string{"p", "q", "r"}, want: "r on c"},
		"round again":                                  {nodes: 2, pods: []string{"p", "q", "r"}, want: "r on a"},
		"a selector":                                   {nodes: 3, pods: []string{"p disk=ssd"}, want: "p on b"},
		"a selector of all":                            {nodes: 3, pods: []string{"p", "q zone=z"}, want: "q on b"},
		"a selector of a full node":                    {nodes: 2, pods: []string{"p disk=ssd", "q disk=ssd", "r disk=ssd"}, want: "r on b"},
		"a selector of another value":                  {nodes: 2, pods: []string{"p disk=hdd"}, want: "p waits"},
		"a selector of an empty value":                 {nodes: 2, pods: []string{"p rack="}, want: "p waits"},
		"one port on two nodes":                        {nodes: 2, pods: []string{"p 80", "q 80"}, want: "q on b"},
		"one port on one node":                         {nodes: 1, pods: []string{"p 80", "q 80"}, want: "q waits"},
		"one port past the emptiest node":              {nodes: 2, pods: []string{"p", "q 80", "r", "s", "t", "u 80"}, want: "u on a"},
		"another port":                                 {nodes: 1, pods: []string{"p 80", "q 81"}, want: "q on a"},
		"another protocol":                             {nodes: 1, pods: []string{"p 80", "q udp/80"}, want: "q on a"},
		"another address":                              {nodes: 1, pods: []string{"p 1.1.1.1:80", "q 2.2.2.2:80"}, want: "q on a"},
		"the same address":                             {nodes: 1, pods: []string{"p 1.1.1.1:80", "q 1.1.1.1:80"}, want: "q waits"},
		"all addresses after one":                      {nodes: 1, pods: []string{"p 1.1.1.1:80", "q 80"}, want: "q waits"},
		"0.0.0.0 after one":                            {nodes: 1, pods: []string{"p 1.1.1.1:80", "q 0.0.0.0:80"}, want: "q waits"},
		"one address after all":                        {nodes: 1, pods: []string{"p 80", "q 1.1.1.1:80"}, want: "q waits"},
		":: is an address like any other":              {nodes: 1, pods: []string{"p :::80", "q 1.1.1.1:80"}, want: "q on a"},
		"one of several ports":                         {nodes: 1, pods: []string{"p 80 81", "q 82 81"}, want: "q waits"},
		"a port twice in one Pod":                      {nodes: 1, pods: []string{"p 80 80"}, want: "p on a"},
		"a node by its name":                           {nodes: 2, pods: []string{"p node=b"}, want: "p on b"},
		"Pods that name their node count":              {nodes: 2, pods: []string{"p node=a", "q"}, want: "q on b"},
		"a node that is not there":                     {nodes: 2, pods: []string{"p node=x"}, want: "p waits"},
		"a node without the label":                     {nodes: 2, pods: []string{"p node=a disk=ssd"}, want: "p rejected by a: NodeAffinity"},
		"a node without the port":                      {nodes: 2, pods: []string{"p 80", "q node=a 80"}, want: "q rejected by a: NodePorts"},
		"a node without either":                        {nodes: 2, pods: []string{"p 80", "q node=a 80 disk=ssd"}, want: "q rejected by a: NodeAffinity"},
		"what was rejected has no ports":               {nodes: 1, pods: []string{"p node=a disk=ssd 80", "q 80"}, want: "q on a"},
		"the scheduler knows of Pods that name a node": {nodes: 1, pods: []string{"p node=a 80", "q 80"}, want: "q waits"},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster(tt.nodes)
			var last Decision
			for _, p := range tt.pods {
				last = s.Add(pod(p))
			}
			assert.Equal(t, tt.want, last.String())
		})
	}
}

func TestWhatTheSchedulerSays(t *testing.T) {
	for name, tt := range map[string]struct {
		nodes int
		pods  []string
		want  string
	}{
		"no label": {nodes: 3, pods: []string{"p disk=hdd"},
			want: "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."},
		"no port": {nodes: 1, pods: []string{"p 80", "q 80"},
			want: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."},
		"either": {nodes: 2, pods: []string{"p disk=ssd 80", "q disk=ssd 80"},
			want: "0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"texts are sorted, not numbers": {nodes: 12, pods: []string{"p disk=ssd 80", "q disk=ssd 80"},
			want: "0/12 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 11 node(s) didn't match Pod's node affinity/selector. preemption: 0/12 nodes are available: 1 No preemption victims found for incoming pod, 11 Preemption is not helpful for scheduling."},
		"nothing of a node that is not there": {nodes: 1, pods: []string{"p node=x"}, want: ""},
		"nothing of a Pod with a node":        {nodes: 1, pods: []string{"p"}, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster(tt.nodes)
			var last Decision
			for _, p := range tt.pods {
				last = s.Add(pod(p))
			}
			assert.Equal(t, tt.want, last.Unschedulable)
		})
	}
}

func TestWhatTheKubeletSays(t *testing.T) {
	s := cluster(1)
	s.Add(pod("p 80"))
	assert.Equal(t, "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports", s.Add(pod("q node=a 80")).Rejection.Message)
	assert.Equal(t, "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector", s.Add(pod("q node=a disk=ssd")).Rejection.Message)
}

func TestPodsWaitForPorts(t *testing.T) {
	s := cluster(1)
	first := pod("first 80 81")
	s.Add(first)
	p, q, r := pod("p 80"), pod("q 81"), pod("r 80 81")
	for _, w := range []*Pod{p, q, r, pod("l disk=hdd 80"), pod("x 82")} {
		s.Add(w)
	}
	assert.Equal(t, "p on a, q on a, r waits", texts(s.Remove(first)), "in the order in which they came, and none that waits for a label")
	assert.Equal(t, "r waits", texts(s.Remove(p)), "it wants both")
	s.Add(pod("late 81"))
	s.Remove(r)
	assert.Equal(t, "late on a", texts(s.Remove(q)), "one that is gone waits no more")
	assert.Empty(t, s.Remove(q), "a second time")
}

func TestWhoWasTriedLongestAgoIsFirst(t *testing.T) {
	s := cluster(1)
	first, second := pod("first 80"), pod("second 81")
	s.Add(first)
	s.Add(second)
	s.Add(pod("both 80 81"))
	s.Add(pod("one 81"))
	assert.Equal(t, "both waits", texts(s.Remove(first)))
	assert.Equal(t, "one on a, both waits", texts(s.Remove(second)))
}

func TestAPodThatHasEndedFreesItsPorts(t *testing.T) {
	s := cluster(2)
	p := pod("p 80")
	s.Add(p)
	s.Add(pod("q 80"))
	s.Add(pod("r 80"))
	assert.Equal(t, "r on a", texts(s.Ended(p)))
	assert.Empty(t, s.Ended(p))
	assert.Equal(t, "s on b", s.Add(pod("s")).String(), "but it still counts: a has two")
	assert.Empty(t, s.Remove(p))
	assert.Equal(t, "t on a", s.Add(pod("t")).String())
}

func TestANodeWithoutAddressesIsTheLast(t *testing.T) {
	has := map[string]bool{"b": true}
	var nodes []Node
	for _, name := range []string{"a", "b"} {
		nodes = append(nodes, Node{Name: name, HasAddresses: func(count int) bool { return has[name] && count < 3 }})
	}
	s := New(nodes)
	assert.Equal(t, "p on b", s.Add(pod("p")).String())
	assert.Equal(t, "q on b", s.Add(pod("q")).String())
	host := pod("host")
	host.Addresses = 0
	assert.Equal(t, "host on a", s.Add(host).String(), "it needs none")
	big := pod("big")
	big.Addresses = 3
	assert.Equal(t, "big on a", s.Add(big).String(), "b has two")
	has["b"] = false
	assert.Equal(t, "r on a", s.Add(pod("r")).String(), "if no node has one, its sandbox will say so")
}

// What is placed fits, and what waits would not fit: whatever happens.
func FuzzScheduler(f *testing.F) {
	f.Add([]byte{3, 0, 1, 2, 3, 130, 4, 200, 255, 17, 90})
	f.Fuzz(func(t *testing.T, steps []byte) {
		s := cluster(2)
		var pods []*Pod
		ended := make(map[*Pod]bool)
		ips := []string{"", "0.0.0.0", "1.1.1.1", "::"}
		for _, b := range steps[:min(len(steps), 60)] {
			switch {
			case b >= 200 && len(pods) > 0:
				i := int(b) % len(pods)
				s.Remove(pods[i])
				pods = append(pods[:i], pods[i+1:]...)
			case b >= 180 && len(pods) > 0:
				p := pods[int(b)%len(pods)]
				if s.placed[p] != nil {
					ended[p] = true
				}
				s.Ended(p)
			default:
				p := &Pod{Name: fmt.Sprint(len(pods)), HostPorts: []HostPort{{ips[b%4], "TCP", uint16(b / 4 % 2)}}}
				if b > 100 {
					p.NodeSelector = map[string]string{"disk": "ssd"}
				}
				if b%16 == 3 {
					p.NodeName = "a"
				}
				if d := s.Add(p); d.Rejection != nil {
					ended[p] = true
				}
				pods = append(pods, p)
			}
			for i, p := range pods {
				n := s.placed[p]
				if n != nil && !ended[p] {
					assert.True(t, n.matches(p))
					for _, other := range pods[i+1:] {
						if s.placed[other] == n && !ended[other] {
							assert.False(t, conflict(p.HostPorts, other.HostPorts))
						}
					}
				}
			}
			for _, p := range s.waiting {
				for _, n := range s.nodes {
					assert.NotEmpty(t, n.filter(p), "%s could run on %s", p.Name, n.Name)
				}
			}
			total := 0
			for _, n := range s.nodes {
				total += n.pods
			}
			assert.Equal(t, len(pods), total+len(s.waiting))
		}
	})
}
