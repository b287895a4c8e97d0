package linuxoracle_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
	"podnet.dev/podnet/podnettest"
)

// atLeast is how many scenarios podnet plays. It may only grow.
const atLeast = 79

// TestPodnetShowsWhatLinuxShows plays every scenario in podnet and holds it
// against what is recorded of Linux.
func TestPodnetShowsWhatLinuxShows(t *testing.T) {
	linux := recorded(t)
	played := 0
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			var reason error // why podnet cannot play it
			synctest.Test(t, func(t *testing.T) { reason = playOnPodnet(t, sc, linux.Cases[sc.name]) })
			if reason != nil {
				t.Skip(reason)
			}
			played++
		})
	}
	assert.GreaterOrEqual(t, played, atLeast)
	t.Logf("%d of %d scenarios", played, len(scenarios()))
}

// playOnPodnet plays a scenario and holds it against Linux. The error says why it
// cannot be played.
func playOnPodnet(t *testing.T, sc scenario, linux []string) (cannot error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case missing:
			cannot = v
		default:
			panic(v)
		}
	}()
	p := newPodnet(t, sc.needs)
	got := play(t.Context(), sc, p)
	want := p.visible(linux)
	if len(want) == 0 {
		return missing("podnet can show nothing of this")
	}
	if sc.differs == nil {
		assert.Equal(t, want, got)
		return nil
	}
	t.Log(sc.differs.why)
	assert.Equal(t, sc.differs.podnet, got, "podnet is not what the difference says")
	assert.NotEqual(t, want, got, "no difference is left")
	return nil
}

// missing is what podnet lacks for a scenario. It is panicked with.
type missing string

func (m missing) Error() string { return string(m) }

// podnetHas are the needs that podnet meets: beyond its nodes there is nobody who
// answers, and node ports are for localhost too.
const podnetHas = silentRouter | localhostNodePorts | smallNodeMTU | hostPort

// users are those that Pods have containers of.
var users = []int{0, 1000, 1001, 1337, 2102}

// podnetWorld is the world in podnet, made from manifests.
type podnetWorld struct {
	t       *testing.T
	cluster *podnet.Cluster
	hosts   map[string]*podnetHost
	served  []service
}

const podManifest = `
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  nodeName: %s
  hostNetwork: %t
  terminationGracePeriodSeconds: 0
  containers:
`

const containerManifest = `  - {name: user-%[1]d, image: idle, ports: [%[2]s], securityContext: {runAsUser: %[1]d, runAsGroup: %[1]d, capabilities: {add: [NET_ADMIN]}}}
`

func newPodnet(t *testing.T, needs needs) *podnetWorld {
	t.Helper()
	if needs&^podnetHas != 0 {
		panic(missing("podnet has no such world"))
	}
	idle := func(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return nil }
	config := podnet.Config{Nodes: len(nodes), Images: map[string]podnet.Program{"idle": idle}}
	if needs&smallNodeMTU != 0 {
		config.NodeMTU = 1400
	}
	p := &podnetWorld{t: t, hosts: make(map[string]*podnetHost), cluster: podnettest.NewCluster(t, config)}
	for _, n := range nodes {
		p.start(n.name, n.name, n.ips, users[:1], "")
	}
	for _, pod := range pods {
		ports := ""
		if needs&hostPort != 0 && pod.name == "b" {
			ports = "{containerPort: 8080, hostPort: 8000}"
		}
		p.start(pod.name, nodes[pod.node].name, pod.ips, users, ports)
	}
	return p
}

// start starts a Pod with a container for each user, the first one with the ports.
// Its name may be its node's: then it is in the node's network namespace.
func (p *podnetWorld) start(name, node string, ips [2]string, users []int, ports string) {
	p.t.Helper()
	yaml := fmt.Sprintf(podManifest, name, node, name == node)
	for _, user := range users {
		yaml += fmt.Sprintf(containerManifest, user, ports)
		ports = ""
	}
	p.apply(yaml)
	pod := p.cluster.Pod("default", name)
	require.NoError(p.t, pod.WaitReady(p.t.Context()))
	for i, ip := range pod.IPs() {
		require.Equal(p.t, ips[i], ip.String(), name)
	}
	p.hosts[name] = &podnetHost{p, pod}
}

// apply applies a manifest. If podnet does not know what it says, the test is
// skipped.
func (p *podnetWorld) apply(yaml string) {
	p.t.Helper()
	objects, err := manifest.Parse([]byte(yaml))
	if err != nil {
		panic(missing(err.Error()))
	}
	require.NoError(p.t, p.cluster.Apply(p.t.Context(), objects...))
}

// absent are the lines that podnet cannot show: it has no world outside, and no
// sockets that set DF.
var absent = regexp.MustCompile(`^router |^\S+ sends \d{2,} bytes `)

// told is what an ICMP error means to a socket, which the one that podnet's probe
// listens to does not say.
var told = regexp.MustCompile(`^(\S+ sends .* ICMP type \d+ code \d+ from [^:]*): .*`)

// visible returns what of Linux's lines podnet has been able to show.
func (p *podnetWorld) visible(lines []string) []string {
	var seen []string
	for _, line := range lines {
		if !absent.MatchString(line) {
			seen = append(seen, told.ReplaceAllString(line, "$1"))
		}
	}
	return seen
}

func (p *podnetWorld) host(name string) host {
	if h, ok := p.hosts[name]; ok {
		return h
	}
	return nil
}

const serviceManifest = `
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec:
  type: %[2]s
  clusterIP: %[3]q
  ipFamilies: [%[13]s]
  internalTrafficPolicy: %[4]s
  sessionAffinity: %[5]s
%[6]s  ports:
  - {name: %[7]q, protocol: %[8]s, port: %[9]d, targetPort: %[10]d%[11]s}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-1, labels: {kubernetes.io/service-name: %[1]s}}
addressType: %[13]s
ports:
- {name: %[7]q, protocol: %[8]s, port: %[10]d}
endpoints: [%[12]s]
`

func (p *podnetWorld) serve(services ...service) error {
	for _, old := range p.served {
		kept := false
		for _, s := range services {
			kept = kept || s.name == old.name
		}
		if !kept {
			if err := p.cluster.Service("default", old.name).Delete(p.t.Context()); err != nil {
				return err
			}
		}
	}
	p.served = services
	for _, s := range services {
		typ, external, nodePort := "ClusterIP", "", ""
		if s.nodePort != 0 {
			typ, external = "NodePort", fmt.Sprintf("  externalTrafficPolicy: %s\n", policy(s.externalLocal))
			nodePort = fmt.Sprintf(", nodePort: %d", s.nodePort)
		}
		protocol, affinity := "TCP", "None"
		if s.udp {
			protocol = "UDP"
		}
		if s.affinity {
			affinity = "ClientIP"
		}
		var endpoints []string
		for _, e := range s.endpoints {
			endpoints = append(endpoints, fmt.Sprintf("{addresses: [%q], nodeName: %s}", ipOf(e, s.family()), nodes[nodeOf(e)].name))
		}
		p.apply(fmt.Sprintf(serviceManifest, s.name, typ, s.clusterIP, policy(s.internalLocal), affinity, external,
			s.port, protocol, s.number, s.target, nodePort, strings.Join(endpoints, ", "), []string{"IPv4", "IPv6"}[s.family()]))
	}
	return nil
}

func policy(local bool) string {
	if local {
		return "Local"
	}
	return "Cluster"
}

func (p *podnetWorld) stop(pod string) error { return p.hosts[pod].pod.Delete(p.t.Context()) }

// podnetHost is a Pod, or a node by a Pod that is in its namespace.
type podnetHost struct {
	*podnetWorld
	pod *podnet.Pod
}

func (h *podnetHost) container(user int) *podnet.Container {
	return h.pod.Container("user-" + strconv.Itoa(user))
}

func (h *podnetHost) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return h.container(0).ListenWith(ctx, podnet.ListenConfig{}, network, address)
}

func (h *podnetHost) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return h.container(0).ListenPacketWith(ctx, podnet.ListenConfig{}, network, address)
}

func (h *podnetHost) Dial(ctx context.Context, network, address string, as dialer) (net.Conn, error) {
	return h.container(as.user).DialWith(ctx, podnet.Dialer{LocalAddr: as.from, Timeout: as.timeout, TTL: as.ttl}, network, address)
}

// originalDst leaves out what net adds to the error of a system call.
func (h *podnetHost) originalDst(c net.Conn) (netip.AddrPort, error) {
	to, err := podnet.OriginalDst(c)
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return to, err
}

func (h *podnetHost) restore(f family, rules string) error {
	if h.pod.Spec().HostNetwork {
		panic(missing("a node's own rules do not concern what it forwards"))
	}
	return said(h.container(0).IPTablesRestore(f == v6, rules, true))
}

func (h *podnetHost) ip(args ...string) (string, error) {
	var v6 []string
	if args[0] == "-6" {
		v6, args = args[:1], args[1:]
	}
	if args[0] != "route" || h.pod.Spec().HostNetwork {
		panic(missing("podnet has no ip " + args[0] + " there"))
	}
	out, err := h.container(0).IPRoute(append(v6, args[1:]...)...)
	return out, said(err)
}

// said returns what a command said, without the end of the line.
func said(err error) error {
	var e *podnet.CommandError
	if errors.As(err, &e) {
		return errors.New(strings.TrimSpace(e.Stderr))
	}
	return err
}

func (h *podnetHost) sysctl(name, _ string) error {
	panic(missing("podnet has no sysctl " + name))
}

// probe asks for the ICMP errors beside the socket, which has no error queue.
func (h *podnetHost) probe(to string, ttl, size int) (string, error) {
	if size > 1 {
		return "", errors.ErrUnsupported
	}
	ctx := h.t.Context()
	icmp, err := h.ListenPacket(ctx, "ip4:icmp", "0.0.0.0")
	if err != nil {
		return "", err
	}
	defer icmp.Close()
	c, err := h.Dial(ctx, "udp", to, dialer{ttl: ttl})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write(make([]byte, size)); err != nil {
		return "", err
	}
	icmp.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 128)
	_, from, err := icmp.ReadFrom(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer", nil
	}
	return fmt.Sprintf("ICMP type %d code %d from %s", b[0], b[1], from), err
}
