package podnet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// A big cluster has Services that select one of its Pods each, as evenly as it can
// be, and as many Pods on every node. Every Pod answers on port 8080 of TCP and UDP
// with its name and whom it sees.
type bigCluster struct {
	testing.TB
	*podnet.Cluster
	nodes, pods, services int
	namespaces            int
}

// newBigCluster makes one, with a single Apply. Its Pods run and listen.
func newBigCluster(tb testing.TB, nodes, pods, services int) *bigCluster {
	b := &bigCluster{TB: tb, Cluster: podnettest.NewCluster(tb, podnet.Config{Nodes: nodes}), nodes: nodes, pods: pods, services: services, namespaces: 100}
	b.apply()
	b.waitListening()
	return b
}

func (b *bigCluster) apply() {
	var objects []podnet.Object
	for i := range b.services {
		objects = append(objects, b.serviceSpec(i))
	}
	for i := range b.pods {
		objects = append(objects, b.podSpec(i))
	}
	require.NoError(b, b.Apply(b.Context(), objects...))
}

func (b *bigCluster) waitListening() {
	for i := range b.pods {
		p := b.pod(i)
		require.NoError(b, p.WaitReady(b.Context()))
		require.NoError(b, p.WaitListening(b.Context(), 8080))
	}
}

func (b *bigCluster) serviceSpec(i int) podnet.ServiceSpec {
	return podnet.ServiceSpec{
		Name: fmt.Sprintf("svc-%d", i), Namespace: b.namespaceOf(i % b.pods),
		Selector: map[string]string{"app": fmt.Sprint(i % b.pods), "tier": "web"},
		Ports: []podnet.ServicePort{
			{Name: "tcp", Port: 80, TargetPort: podnet.Port(8080)},
			{Name: "udp", Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(8080)},
		},
	}
}

func (b *bigCluster) podSpec(i int) podnet.PodSpec {
	return podnet.PodSpec{
		Name: fmt.Sprintf("pod-%d", i), Namespace: b.namespaceOf(i),
		Labels:     map[string]string{"app": fmt.Sprint(i), "tier": "web"},
		Containers: []podnet.ContainerSpec{{Name: "web", Run: tellsWhoSeesWhom}},
	}
}

func (b *bigCluster) namespaceOf(pod int) string { return fmt.Sprintf("ns-%d", pod%b.namespaces) }

func (b *bigCluster) pod(i int) *podnet.Pod {
	i %= b.pods
	return b.Pod(b.namespaceOf(i), fmt.Sprintf("pod-%d", i))
}

func (b *bigCluster) service(i int) *podnet.Service {
	i %= b.services
	return b.Service(b.namespaceOf(i%b.pods), fmt.Sprintf("svc-%d", i))
}

// tellsWhoSeesWhom is the Program of a big cluster's Pods.
func tellsWhoSeesWhom(ctx context.Context, c *podnet.Container) error {
	packets, err := c.ListenPacket("udp", ":8080")
	if err != nil {
		return err
	}
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer context.AfterFunc(ctx, func() { l.Close(); packets.Close() })()
	answer := func(peer net.Addr) []byte {
		return []byte(c.Hostname() + " " + netip.MustParseAddrPort(peer.String()).Addr().Unmap().String())
	}
	serving.Go(func() {
		var buf [64]byte
		for {
			_, peer, err := packets.ReadFrom(buf[:])
			if errors.Is(err, net.ErrClosed) {
				return
			}
			packets.WriteTo(answer(peer), peer)
		}
	})
	var buf [64]byte
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		conn.Read(buf[:])
		conn.Write(answer(conn.RemoteAddr()))
		conn.Close()
	}
}

// ask makes one connection from a Pod and returns what it is told.
func ask(p *podnet.Pod, network, address string) (string, error) {
	conn, err := p.Dial(network, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte("?")); err != nil {
		return "", err
	}
	var buf [128]byte
	n, err := conn.Read(buf[:])
	return string(buf[:n]), err
}

// A thousand Pods and ten thousand Services on ten nodes: from every node, Services
// of all kinds of places lead to their Pod, which sees the client.
func TestAThousandPodsAndTenThousandServices(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	b := newBigCluster(t, 10, 1000, 10_000)
	used := make(map[string]bool)
	for i := range b.pods {
		used[b.pod(i).Node()] = true
	}
	assert.Len(t, used, b.nodes)
	for i := range 400 {
		client, service := 7*i, 1+i*b.services/400 // of other nodes, most of them
		p, s := b.pod(client), b.service(service)
		sees := p.IP()
		if client%b.pods == service%b.pods {
			sees = netip.PrefixFrom(sees, 24).Masked().Addr().Next() // its node's: a hairpin
		}
		want := fmt.Sprintf("pod-%d %s", service%b.pods, sees)
		for _, network := range []string{"tcp", "udp"} {
			got, err := ask(p, network, at(s.ClusterIP(), 80))
			require.NoError(t, err)
			assert.Equal(t, want, got, "%s to %s", network, s.Name())
		}
		got, err := p.LookupHost(t.Context(), s.Name()+"."+s.Namespace())
		require.NoError(t, err)
		assert.Equal(t, []string{s.ClusterIP().String()}, got)
	}
}
