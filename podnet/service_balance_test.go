package podnet_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// tellsName accepts connections on a port, sends its hostname and waits for the
// client to close.
func tellsName(port int) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { l.Close() })()
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil
			}
			go func() { // until the client closes, or the process ends
				defer conn.Close()
				io.WriteString(conn, c.Hostname()+"\n")
				io.Copy(io.Discard, conn)
			}()
		}
	}
}

// balanced is a Service with seven endpoints on two nodes, and clients of it.
type balanced struct {
	testing.TB
	service *podnet.Service
	clients []*podnet.Pod
}

func newBalanced(t *testing.T, seed uint64, change func(*podnet.ServiceSpec)) *balanced {
	c := podnettest.NewCluster(t, podnet.Config{Nodes: 2, Seed: seed})
	spec := podnet.ServiceSpec{Name: "web", Selector: map[string]string{"app": "web"}, Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}}}
	change(&spec)
	require.NoError(t, c.Apply(t.Context(), spec))
	b := &balanced{TB: t, service: c.Service("", "web")}
	for i := range 7 {
		p := podnettest.StartPod(t, c, withLabels(onNode(agnhost(fmt.Sprintf("web-%d", i), tellsName(8080)), fmt.Sprintf("node-%d", 1+i%2)), map[string]string{"app": "web"}))
		require.NoError(t, p.WaitListening(t.Context(), 8080))
	}
	for i := range 2 {
		b.clients = append(b.clients, podnettest.StartPod(t, c, agnhost(fmt.Sprintf("client-%d", i), pause)))
	}
	return b
}

// connect returns the name of the endpoint that a new connection of a client goes
// to.
func (b *balanced) connect(client int) string {
	conn, err := b.clients[client].Dial("tcp", at(b.service.ClusterIP(), 80))
	require.NoError(b, err)
	defer conn.Close()
	var name string
	_, err = fmt.Fscanln(conn, &name)
	require.NoError(b, err)
	return name
}

func (b *balanced) connects(n int) (names []string) {
	for range n {
		names = append(names, b.connect(0))
	}
	return names
}

func unchanged(*podnet.ServiceSpec) {}

func TestConnectionsAreSharedAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	synctest.Test(t, func(t *testing.T) {
		const connections, endpoints = 10_000, 7
		shares := make(map[string]int)
		for _, name := range newBalanced(t, 0, unchanged).connects(connections) {
			shares[name]++
		}
		assert.Len(t, shares, endpoints)
		sigma := math.Sqrt(connections * (1. / endpoints) * (1 - 1./endpoints))
		for name, n := range shares {
			assert.InDelta(t, connections/float64(endpoints), n, 3*sigma, name)
		}
	})
}

func TestTheSeedDecidesWhereConnectionsGo(t *testing.T) {
	var runs [3][]string
	for i, seed := range []uint64{1, 1, 2} {
		synctest.Test(t, func(t *testing.T) { runs[i] = newBalanced(t, seed, unchanged).connects(100) })
	}
	assert.Equal(t, runs[0], runs[1])
	assert.NotEqual(t, runs[0], runs[2])
}

func TestAffinityHoldsAndExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBalanced(t, 0, func(s *podnet.ServiceSpec) { s.SessionAffinity = podnet.ServiceAffinityClientIP })
		first, other := b.connect(0), b.connect(1)
		for range 24 { // each connection begins the three hours anew
			time.Sleep(3*time.Hour - time.Second)
			assert.Equal(t, first, b.connect(0))
			assert.Equal(t, other, b.connect(1))
		}
		names := make(map[string]bool)
		for range 20 {
			time.Sleep(3*time.Hour + time.Second)
			names[b.connect(0)] = true
		}
		assert.Greater(t, len(names), 3)
	})
}
