package podnet_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// What comes to a place, goes on from there or is dropped there for a reason: a
// packet that vanished unseen would leave the books unbalanced.
func TestNoPacketVanishesUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 3, NodeLatency: time.Millisecond})
		w := watch(c) // before there is anything
		var pods []*podnet.Pod
		for i := range 6 {
			pods = append(pods, podnettest.StartPod(t, c, podnet.PodSpec{
				Name: fmt.Sprintf("pod-%d", i), Labels: map[string]string{"odd": fmt.Sprint(i % 2)}, NodeName: fmt.Sprintf("node-%d", 1+i%3),
				Containers: []podnet.ContainerSpec{{Name: "main", Run: echoes, SecurityContext: netAdmin}},
			}))
		}
		require.NoError(t, c.Apply(t.Context(),
			podnet.ServiceSpec{Name: "all", ClusterIP: "10.96.7.7", Selector: map[string]string{"odd": "0"}, Ports: []podnet.ServicePort{{Name: "echo", Port: 80, TargetPort: podnet.Port(8080)}, {Name: "none", Port: 81}}},
			podnet.NetworkPolicySpec{Name: "odd", PodSelector: podnet.LabelSelector{MatchLabels: map[string]string{"odd": "1"}}, Ingress: []podnet.NetworkPolicyIngressRule{{From: []podnet.NetworkPolicyPeer{{PodSelector: &podnet.LabelSelector{MatchLabels: map[string]string{"odd": "1"}}}}}}},
		))
		_, err := pods[2].Container("main").IPTables(false, "-A", "INPUT", "-m", "statistic", "--mode", "random", "--probability", "0.3", "-j", "DROP")
		require.NoError(t, err)
		_, err = pods[4].Container("main").IPTables(false, "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "9", "-j", "REDIRECT", "--to-ports", "8080")
		require.NoError(t, err)
		// Segments of TCP are short here: an impaired link would cut longer ones up.
		_, err = c.Impair(podnet.Where{}, podnet.Conditions{Loss: 0.05, Latency: time.Millisecond})
		require.NoError(t, err)
		for range 150 {
			from, to := pods[random.IntN(6)], pods[random.IntN(6)]
			addrs := []string{to.IPs()[random.IntN(2)].String(), "localhost", "10.96.7.7", "192.0.2.1", "10.96.0.10", c.Nodes()[random.IntN(3)].IPs()[0].String()}
			host, port := addrs[random.IntN(len(addrs))], []string{"8080", "9", "80", "53", "81"}[random.IntN(5)]
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if random.IntN(3) == 0 {
				if conn, err := from.DialContext(ctx, "udp", host+":"+port); err == nil {
					conn.Write([]byte("datagram"))
					conn.SetReadDeadline(time.Now().Add(time.Second))
					conn.Read(make([]byte, 10))
					conn.Close()
				}
			} else if conn, err := from.DialContext(ctx, "tcp", host+":"+port); err == nil {
				conn.SetDeadline(time.Now().Add(time.Minute))
				go conn.Write(make([]byte, 1000))
				io.ReadFull(conn, make([]byte, 1000))
				conn.Close()
			}
			cancel()
		}
		time.Sleep(20 * time.Minute) // all retransmissions are over
		w.stop()
		assert.Greater(t, len(w.events), 1500)

		type account struct{ in, out int }
		books := make(map[string]*account)
		book := func(place string) *account {
			if books[place] == nil {
				books[place] = new(account)
			}
			return books[place]
		}
		sent := make(map[string]int) // what is on the way over a link, by its tuple
		for _, e := range w.events {
			place := e.Node
			if e.Pod != "" {
				place = e.Namespace + "/" + e.Pod + " " + e.Interface
			}
			packet := fmt.Sprintf("%s %s %s", e.Protocol, e.Src, e.Dst)
			switch e.Kind {
			case podnet.TraceSent:
				if e.Interface == "lo" {
					book(place).in++
				} else {
					sent[packet]++
				}
			case podnet.TraceForwarded:
				book(place).out++
				sent[packet]++
			case podnet.TraceReceived:
				book(place).in++
				sent[packet]--
			case podnet.TraceDelivered:
				if e.Pod != "" || e.Interface != "lo" {
					book(place).out++
				} else {
					book("lo of nodes").out++
				}
			case podnet.TraceDropped:
				require.NotEmpty(t, e.Reason, e)
				switch {
				case !strings.HasPrefix(e.Reason, "fault: ") || e.Interface == "": // or on the way to the node itself
					book(place).out++
				case e.Interface != "lo": // there, before it is sent
					sent[packet]--
				}
			}
		}
		for place, a := range books {
			assert.Equal(t, a.in, a.out, "what came to %s, and what became of it", place)
		}
		for packet, n := range sent {
			assert.Zero(t, n, "%s: on a link for ever", packet)
		}
	})
}

// echoes echoes TCP and UDP on port 8080.
func echoes(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	u, err := c.ListenPacket("udp", ":8080")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() {
		l.Close()
		u.Close()
	})
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			u.WriteTo(buf[:n], from)
		}
	}()
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}
