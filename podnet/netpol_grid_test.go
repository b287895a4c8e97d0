package podnet_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// grid is Pods that listen, on all ports with both protocols.
type grid struct {
	testing.TB
	cluster *podnet.Cluster
	pods    []*podnet.Pod
	oracle  *policyOracle // of the Pods; without policies
	ports   []uint16
}

// newGrid makes Pods, called namespace/name, on two nodes. They and their
// namespaces have the labels of Kubernetes' own tests: pod and ns. Their ports
// are called serve-80-tcp and so on, and one is called web, for each name of a
// Pod another one.
func newGrid(tb testing.TB, pods string, ports ...uint16) *grid {
	c := podnettest.NewCluster(tb, podnet.Config{Nodes: 2})
	g := &grid{TB: tb, cluster: c, ports: ports, oracle: &policyOracle{namespaces: make(map[string]map[string]string)}}
	for i := 0; i < len(pods); i += 4 {
		namespace, name := pods[i:i+1], pods[i+2:i+3]
		if g.oracle.namespaces[namespace] == nil {
			g.labelNamespace(namespace, map[string]string{"ns": namespace})
		}
		var list []podnet.ContainerPort
		for j, number := range ports {
			list = append(list,
				podnet.ContainerPort{Name: fmt.Sprintf("serve-%d-tcp", number), ContainerPort: number, Protocol: podnet.ProtocolTCP},
				podnet.ContainerPort{Name: fmt.Sprintf("serve-%d-udp", number), ContainerPort: number, Protocol: podnet.ProtocolUDP})
			if int(name[0]-'a')%len(ports) == j {
				list = append(list, podnet.ContainerPort{Name: "web", ContainerPort: number, Protocol: podnet.ProtocolTCP})
			}
		}
		spec := podnet.PodSpec{Name: name, Namespace: namespace, Labels: map[string]string{"pod": name}, Containers: []podnet.ContainerSpec{{Name: "server", Run: g.serve, Ports: list[:len(list)/2]}}}
		if half := list[len(list)/2:]; len(half) > 0 {
			spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: "other", Run: untilStopped, Ports: half})
		}
		p := podnettest.StartPod(tb, c, spec)
		g.pods = append(g.pods, p)
		g.oracle.pods = append(g.oracle.pods, oraclePod{namespace, spec.Labels, p.IPs(), list})
	}
	synctest.Wait() // all listen
	return g
}

// serve accepts connections, and sends datagrams back.
func (g *grid) serve(ctx context.Context, c *podnet.Container) error {
	for _, port := range g.ports {
		l, err := c.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go func() { // until the Pod ends, and its sockets with it
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
		k, err := c.ListenPacket("udp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go func() {
			for buf := make([]byte, 200); ; {
				n, peer, err := k.ReadFrom(buf)
				if err != nil {
					return
				}
				if _, err := k.WriteTo(buf[:n], peer); err != nil {
					g.Errorf("no answer to %v: %v", peer, err)
				}
			}
		}()
	}
	<-ctx.Done()
	return nil
}

// pod returns the index of a Pod.
func (g *grid) pod(name string) int {
	for i, p := range g.pods {
		if p.Namespace()+"/"+p.Name() == name {
			return i
		}
	}
	g.Fatalf("there is no Pod %s", name)
	return 0
}

// labelNamespace gives a namespace labels.
func (g *grid) labelNamespace(name string, labels map[string]string) {
	require.NoError(g, g.cluster.Apply(g.Context(), podnet.NamespaceSpec{Name: name, Labels: labels}))
	g.oracle.namespaces[name] = g.cluster.Namespace(name).Labels
}

// labelPod gives a Pod labels.
func (g *grid) labelPod(i int, labels map[string]string) {
	spec := g.pods[i].Spec()
	spec.Labels = labels
	require.NoError(g, g.cluster.Apply(g.Context(), spec))
	g.oracle.pods[i].labels = labels
}

// probe is a connection to try.
type probe struct {
	from, to  *podnet.Pod
	protocol  podnet.Protocol
	dst       netip.Addr // of to
	port      uint16
	want      bool // what should become of it
	connected bool
}

// src returns the address that from connects from.
func (p probe) src() netip.Addr {
	for _, a := range p.from.IPs() {
		if a.Is4() == p.dst.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

func (p probe) String() string {
	return fmt.Sprintf("%s %d from %s/%s to %s/%s at %s", p.protocol, p.port, p.from.Namespace(), p.from.Name(), p.to.Namespace(), p.to.Name(), p.dst)
}

// probes returns all that there is to try.
func (g *grid) probes() []probe {
	var list []probe
	for _, from := range g.pods {
		for _, to := range g.pods {
			for _, dst := range to.IPs() {
				for _, port := range g.ports {
					list = append(list, probe{from: from, to: to, protocol: podnet.ProtocolTCP, dst: dst, port: port}, probe{from: from, to: to, protocol: podnet.ProtocolUDP, dst: dst, port: port})
				}
			}
		}
	}
	return list
}

// dial tries TCP connections, all at once. What is not answered soon will not be:
// packets take no time.
func (g *grid) dial(probes []probe) []probe {
	ctx, cancel := context.WithTimeout(g.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for i := range probes {
		p := &probes[i]
		wg.Go(func() {
			conn, err := p.from.DialContext(ctx, "tcp", netip.AddrPortFrom(p.dst, p.port).String())
			if err == nil {
				conn.Close()
			}
			p.connected = err == nil
		})
	}
	wg.Wait()
	return probes
}

// send sends datagrams, all at once and each Pod's from one new socket, so that no
// node knows a connection of it. Those that connect are those that are answered.
func (g *grid) send(probes []probe) []probe {
	sockets := make(map[*podnet.Pod]net.PacketConn)
	for i, p := range probes {
		k := sockets[p.from]
		if k == nil {
			var err error
			k, err = p.from.ListenPacket("udp", ":0")
			require.NoError(g, err)
			defer k.Close()
			sockets[p.from] = k
		}
		_, err := k.WriteTo([]byte(strconv.Itoa(i)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.dst, p.port)))
		require.NoError(g, err)
	}
	for _, k := range sockets {
		require.NoError(g, k.SetReadDeadline(time.Now().Add(100*time.Millisecond))) // more than any link takes
		for buf := make([]byte, 200); ; {
			n, _, err := k.ReadFrom(buf)
			if err != nil {
				require.ErrorIs(g, err, os.ErrDeadlineExceeded)
				break
			}
			i, err := strconv.Atoi(string(buf[:n]))
			require.NoError(g, err)
			probes[i].connected = true
		}
	}
	return probes
}
