package podnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// outcome names what came of a dial or of a listen.
func outcome(c io.Closer, err error) string {
	for errno, name := range map[error]string{
		syscall.EADDRINUSE: "EADDRINUSE", syscall.ECONNREFUSED: "ECONNREFUSED", syscall.ETIMEDOUT: "ETIMEDOUT",
	} {
		if errors.Is(err, errno) {
			return name
		}
	}
	var dnsErr *net.DNSError
	if errors.As(err, &dnsErr) {
		return dnsErr.Err
	}
	if err != nil {
		return err.Error()
	}
	c.Close()
	return "ok"
}

// What a Pod of several containers is in the usual world, and in that of an IP for
// each container.
func TestWhatAnIPPerContainerChanges(t *testing.T) {
	join := func(addrs []netip.Addr) string { return strings.Trim(fmt.Sprint(addrs), "[]") }
	for name, tt := range map[string]struct {
		do          func(p *podnet.Pod, a, b *podnet.Container) string // a listens on [::]:80 and the Unix sockets below
		shared, own string                                             // own: if it is different
	}{
		"the Pod's IPs": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return join(p.IPs()) },
			shared: "10.244.0.2 fd00:10:244::2",
		},
		"the Pod's IPs in its status": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return join(p.Status().PodIPs) },
			shared: "10.244.0.2 fd00:10:244::2",
		},
		"the first container's IPs": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return join(a.IPs()) },
			shared: "10.244.0.2 fd00:10:244::2",
		},
		"the second one's": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return join(b.IPs()) },
			shared: "10.244.0.2 fd00:10:244::2", own: "10.244.0.3 fd00:10:244::3",
		},
		"an init container's": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return p.Container("init").IP().String() },
			shared: "10.244.0.2", own: "10.244.0.4",
		},
		"status.podIP in the environment": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return a.Getenv("IP") + " " + b.Getenv("IP") },
			shared: "10.244.0.2 10.244.0.2", own: "10.244.0.2 10.244.0.3",
		},
		"the interfaces that a container sees": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				var list []string
				for _, i := range b.Interfaces() {
					list = append(list, i.Name, fmt.Sprint(i.Addrs[0]))
				}
				return strings.Join(list, " ")
			},
			shared: "lo 127.0.0.1/8 eth0 10.244.0.2/24", own: "lo 127.0.0.1/8 eth0 10.244.0.3/24",
		},
		"the Pod's interfaces": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				var list []string
				for _, i := range p.Interfaces() {
					list = append(list, i.Name)
				}
				return strings.Join(list, " ")
			},
			shared: "lo eth0", own: "lo eth0 lo eth0 lo eth0",
		},
		"the routes that a container sees": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				out, err := b.IPRoute("show", "10.244.0.0/24")
				return fmt.Sprint(strings.TrimSpace(out), err)
			},
			shared: "10.244.0.0/24 via 10.244.0.1 dev eth0 src 10.244.0.2<nil>",
			own:    "10.244.0.0/24 via 10.244.0.1 dev eth0 src 10.244.0.3<nil>",
		},
		"the sockets that the other container sees": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return fmt.Sprint(len(b.Sockets())) },
			shared: "3", own: "0",
		},
		"the Pod's sockets": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return fmt.Sprint(len(p.Sockets())) },
			shared: "3",
		},
		"a port that the other container has": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(b.Listen("tcp", ":80")) },
			shared: "EADDRINUSE", own: "ok",
		},
		"localhost": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(b.Dial("tcp", "localhost:80")) },
			shared: "ok", own: "ECONNREFUSED",
		},
		"its own localhost": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(a.Dial("tcp", "localhost:80")) },
			shared: "ok",
		},
		"the Pod's localhost is the first container's": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(p.Dial("tcp", "localhost:80")) },
			shared: "ok",
		},
		"the other container's IP": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				return outcome(b.Dial("tcp", netip.AddrPortFrom(a.IP(), 80).String()))
			},
			shared: "ok",
		},
		"its own IP": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				return outcome(b.Dial("tcp", netip.AddrPortFrom(b.IP(), 80).String()))
			},
			shared: "ok", own: "ECONNREFUSED",
		},
		"the other container's name": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(b.Dial("tcp", "a:80")) },
			shared: "no such host", own: "ok",
		},
		"the Pod's hostname": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(b.Dial("tcp", "web:80")) },
			shared: "ok",
		},
		"an IP from the node": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				return outcome(podnet.DialFromNode(context.Background(), p, "tcp", netip.AddrPortFrom(b.IP(), 80).String()))
			},
			shared: "ok", own: "ECONNREFUSED",
		},
		"a Unix socket on a shared volume": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(b.Dial("unix", "/run/a.sock")) },
			shared: "ok",
		},
		"an abstract Unix socket": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return outcome(b.Dial("unix", "@a")) },
			shared: "ok", own: "ECONNREFUSED",
		},
		"the cluster's name server": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				addrs, err := b.LookupHost(context.Background(), "kubernetes.default")
				return fmt.Sprint(addrs, err)
			},
			shared: "[10.96.0.1] <nil>",
		},
		"the hostname": {
			do:     func(p *podnet.Pod, a, b *podnet.Container) string { return a.Hostname() + " " + b.Hostname() },
			shared: "web web",
		},
		"/etc/hosts": {
			do: func(p *podnet.Pod, a, b *podnet.Container) string {
				text, err := b.FS().ReadFile("/etc/hosts")
				_, after, _ := strings.Cut(string(text), "ip6-allrouters\n")
				return fmt.Sprint(after, err)
			},
			shared: "10.244.0.2\tweb\nfd00:10:244::2\tweb\n<nil>",
			own: "10.244.0.2\tweb\nfd00:10:244::2\tweb\n\n# Containers, each with its own IP.\n" +
				"10.244.0.4\tinit\nfd00:10:244::4\tinit\n10.244.0.2\ta\nfd00:10:244::2\ta\n10.244.0.3\tb\nfd00:10:244::3\tb\n<nil>",
		},
	} {
		for _, own := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, own), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := podnettest.NewCluster(t, podnet.Config{IPPerContainer: own})
					env := []podnet.EnvVar{{Name: "IP", ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: "status.podIP"}}}}
					p := podnettest.StartPod(t, c, podnet.PodSpec{
						Name: "web", Volumes: sharedVolume,
						InitContainers: []podnet.ContainerSpec{{Name: "init", Run: func(context.Context, *podnet.Container) error { return nil }}},
						Containers: []podnet.ContainerSpec{
							{Name: "a", Run: untilStopped, Env: env, VolumeMounts: mountRun("/run", false)},
							{Name: "b", Run: untilStopped, Env: env, VolumeMounts: mountRun("/run", false)},
						},
					})
					a, b := p.Container("a"), p.Container("b")
					for _, address := range []string{"tcp :80", "unix /run/a.sock", "unix @a"} {
						network, address, _ := strings.Cut(address, " ")
						_, err := a.Listen(network, address)
						require.NoError(t, err)
					}
					want := tt.shared
					if own && tt.own != "" {
						want = tt.own
					}
					assert.Equal(t, want, tt.do(p, a, b))
				})
			})
		}
	}
}

// All else is as in the usual world: Kubernetes' own tests pass, but for those that
// count on a network which a Pod's containers share.
func TestE2EWithAnIPPerContainer(t *testing.T) {
	if testing.Short() {
		t.Skip("TestE2E is enough for a short run")
	}
	runE2E(t, podnet.Config{IPPerContainer: true}, map[string]string{
		"Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart http hook properly [C]": "another container answers the hook",
		"Probing restartable init container a server on 127.0.0.1 is refused, though localhost works":                    "the Pod's localhost is not the sidecar's",
		"Probing restartable init container with readiness probe that fails should never be ready and never restart [C]": "the message has the sidecar's IP, not the Pod's",
	})
}

// ipPerContainer starts a cluster of IPs per container, with one address family.
func ipPerContainer(t *testing.T, podCIDR string) *podnet.Cluster {
	return podnettest.NewCluster(t, podnet.Config{IPPerContainer: true, PodCIDRs: prefixes(podCIDR)})
}

// twoServers are containers that both serve port 8080, as they could not in one
// namespace.
func twoServers() []podnet.ContainerSpec {
	return []podnet.ContainerSpec{
		{Name: "app", Run: serve(":8080"), Ports: []podnet.ContainerPort{{Name: "http", ContainerPort: 8080}}},
		{Name: "admin", Run: serve(":8080"), Ports: []podnet.ContainerPort{{Name: "admin", ContainerPort: 8080}, {ContainerPort: 9090}}},
	}
}

func TestContainersReachEachOtherFromTheirOwnIPs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
			{Name: "server", Run: tellsPeer(80)}, {Name: "client", Run: untilStopped},
		}})
		require.NoError(t, p.WaitListening(t.Context(), 80))
		assert.Equal(t, "10.244.0.3", get(t, p.Container("client").HTTPClient(), "http://server/"))
		assert.Equal(t, "10.244.0.2", get(t, p.Container("server").HTTPClient(), "http://server/"))
		assert.Equal(t, "127.0.0.1", get(t, p.Container("server").HTTPClient(), "http://127.0.0.1/"))

		alone := podnettest.StartPod(t, c, pausing("alone", 1, "")).Container("c0")
		addrs, err := alone.LookupHost(t.Context(), "c0")
		require.NoError(t, err, "a container that is the only one has its name, too")
		assert.Equal(t, []string{"10.244.0.4"}, addrs)
	})
}

func TestProbesAndHooksGoToTheContainersOwnIP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		asked := make(chan string, 100)
		notes := func(name string) podnet.Program {
			return answer(8080, func(w http.ResponseWriter, r *http.Request) { asked <- name + r.URL.Path + " at " + r.Host })
		}
		get := func(path string) *podnet.HTTPGetAction {
			return &podnet.HTTPGetAction{Path: path, Port: podnet.Port(8080)}
		}
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
			{Name: "a", Run: notes("a"), Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{HTTPGet: get("/stop")}}},
			{Name: "b", Run: notes("b"),
				ReadinessProbe: &podnet.Probe{HTTPGet: get("/ready"), PeriodSeconds: 1000},
				LivenessProbe:  &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(8080)}, FailureThreshold: 1},
				Lifecycle:      &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{HTTPGet: get("/stop")}}},
			{Name: "c", Run: serve(":9090"), LivenessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(8080)}, FailureThreshold: 1}},
		}})
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Equal(t, "b/ready at 10.244.0.3:8080", <-asked)
		time.Sleep(15 * time.Second)
		assert.Zero(t, p.Container("b").Status().RestartCount)
		assert.Positive(t, p.Container("c").Status().RestartCount, "it does not serve the port of the others")
		require.NoError(t, p.Delete(t.Context()))
		assert.ElementsMatch(t, []string{"a/stop at 10.244.0.2:8080", "b/stop at 10.244.0.3:8080"}, []string{<-asked, <-asked})
	})
}

func TestServicesOfAnIPPerContainer(t *testing.T) {
	headless := "None"
	for name, tt := range map[string]struct {
		spec podnet.ServiceSpec
		want string            // the endpoints
		get  map[string]string // who answers at which port
	}{
		"names": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Name: "a", Port: 80, TargetPort: podnet.PortName("http")}, {Name: "b", Port: 81, TargetPort: podnet.PortName("admin")}}},
			want: "10.244.0.2 a:8080; 10.244.0.3 b:8080", get: map[string]string{"80": "app", "81": "admin"},
		},
		"a number that two declare": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}}},
			want: "10.244.0.2 :8080", get: map[string]string{"80": "app"},
		},
		"several ports of one": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Name: "a", Port: 80, TargetPort: podnet.Port(9090)}, {Name: "b", Port: 81, TargetPort: podnet.PortName("admin")}}},
			want: "10.244.0.3 a:9090 b:8080", get: map[string]string{"81": "admin"},
		},
		"a number that nobody declares": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(7070)}}},
			want: "10.244.0.2 :7070",
		},
		"the number of another protocol": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Port: 80, Protocol: podnet.ProtocolUDP, TargetPort: podnet.Port(9090)}}},
			want: "10.244.0.2 :9090",
		},
		"a name that nobody declares": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Name: "a", Port: 80, TargetPort: podnet.PortName("nobody")}}},
			want: "10.244.0.2",
		},
		"one name of two": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Name: "a", Port: 80, TargetPort: podnet.PortName("nobody")}, {Name: "b", Port: 81, TargetPort: podnet.PortName("admin")}}},
			want: "10.244.0.3 b:8080", get: map[string]string{"81": "admin"},
		},
		"a sidecar's": {
			spec: podnet.ServiceSpec{Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.PortName("mesh")}}},
			want: "10.244.0.5 :15001", get: map[string]string{"80": "sidecar"},
		},
		"none, without a head": {spec: podnet.ServiceSpec{ClusterIP: headless}, want: "10.244.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := ipPerContainer(t, "10.244.0.0/16")
				tt.spec.Name, tt.spec.Selector = "front", map[string]string{"app": "web"}
				require.NoError(t, c.Apply(t.Context(), tt.spec))
				p := podnettest.StartPod(t, c, podnet.PodSpec{
					Name: "web", Labels: map[string]string{"app": "web"}, Containers: twoServers(),
					InitContainers: []podnet.ContainerSpec{
						{Name: "init", Run: func(context.Context, *podnet.Container) error { return nil }, Ports: []podnet.ContainerPort{{Name: "mesh", ContainerPort: 1}}},
						{Name: "sidecar", Run: serve(":15001"), RestartPolicy: podnet.RestartPolicyAlways, Ports: []podnet.ContainerPort{{Name: "mesh", ContainerPort: 15001}}},
					},
				})
				require.NoError(t, p.WaitReady(t.Context()))
				synctest.Wait()
				var got []string
				for _, e := range c.Service("", "front").Endpoints() {
					text := e.Addr.String()
					for _, port := range e.Ports {
						text += fmt.Sprintf(" %s:%d", port.Name, port.Port)
					}
					got = append(got, text)
					assert.Equal(t, "web", e.Pod)
				}
				assert.Equal(t, tt.want, strings.Join(got, "; "))
				for port, want := range tt.get {
					assert.Equal(t, want, get(t, p.Container("admin").HTTPClient(), "http://front:"+port))
				}
			})
		})
	}
}

func TestHostPortsOfAnIPPerContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		spec := podnet.PodSpec{Name: "web", Containers: twoServers()}
		for i := range spec.Containers {
			spec.Containers[i].Ports[0].HostPort = uint16(9000 + i)
		}
		p := podnettest.StartPod(t, c, spec)
		client := podnettest.StartPod(t, c, pausing("client", 1, "")).Container("c0")
		synctest.Wait()
		node := "http://" + c.Node("node-1").IPs()[0].String()
		assert.Equal(t, "app", get(t, client.HTTPClient(), node+":9000"))
		assert.Equal(t, "admin", get(t, client.HTTPClient(), node+":9001"))
		require.NoError(t, p.Delete(t.Context()))
		assert.Equal(t, "ECONNREFUSED", outcome(client.Dial("tcp", strings.TrimPrefix(node, "http://")+":9001")))
	})
}

func TestARestartKeepsTheContainersIP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: twoServers()})
		synctest.Wait()
		app, admin := p.Container("app"), p.Container("admin")
		conn, err := app.Dial("tcp", "app:8080")
		require.NoError(t, err)
		require.NoError(t, admin.Kill())
		synctest.Wait()
		assert.Equal(t, 1, admin.Status().RestartCount)
		assert.Equal(t, "10.244.0.3", admin.IP().String())
		assert.Equal(t, "admin", get(t, app.HTTPClient(), "http://admin:8080/"))
		_, err = conn.Write([]byte("x"))
		require.NoError(t, err, "the others do not notice")

		p.KillSandbox()
		synctest.Wait()
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Equal(t, "10.244.0.4 10.244.0.5", app.IP().String()+" "+admin.IP().String())
		assert.Equal(t, "admin", get(t, app.HTTPClient(), "http://admin:8080/"), "/etc/hosts is written anew")
		assert.Equal(t, "ETIMEDOUT", outcome(app.Dial("tcp", "10.244.0.3:8080")))

		require.NoError(t, p.Delete(t.Context()))
		assert.Equal(t, "10.244.0.5", admin.IP().String(), "as with a Pod that has ended")
		assert.Empty(t, admin.Interfaces())
		assert.Empty(t, admin.Sockets())
	})
}

func TestAddressesOfContainersComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.0.0.0/29") // with five addresses
		spec := podnet.PodSpec{Name: "web", Containers: twoServers()}
		for range 10 {
			p := podnettest.StartPod(t, c, spec)
			p.KillSandbox()
			synctest.Wait()
			require.NoError(t, p.Delete(t.Context()))
			require.NoError(t, c.Apply(t.Context(), spec))
			require.NoError(t, c.Pod("", "web").Delete(t.Context()), "before it has a sandbox, or after")
		}
		podnettest.StartPod(t, c, spec)
		spec.Name = "next"
		podnettest.StartPod(t, c, spec)

		spec.Name = "last"
		last, err := c.StartPod(t.Context(), spec)
		require.Error(t, err)
		assert.Equal(t, fmt.Sprintf("podnet: start Pod default/last: failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox %q: "+
			`plugin type="ptp" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.0.0.1-10.0.0.6 `+
			"(with Config.IPPerContainer the Pod takes 2 addresses: make Config.PodCIDRs larger)", last.UID()), err.Error())
		spec.Name, spec.Containers = "one", spec.Containers[:1]
		one := podnettest.StartPod(t, c, spec)
		assert.True(t, one.IP().IsValid(), "the address that was not enough is not lost")

		require.NoError(t, c.Pod("", "next").Delete(t.Context()))
		require.NoError(t, last.WaitReady(t.Context()))
		assert.NotEqual(t, last.Container("app").IP(), last.Container("admin").IP())
	})
}

func TestPodsGoWhereTheirContainersHaveAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{IPPerContainer: true, Nodes: 2, PodCIDRs: prefixes("10.0.0.0/28")}) // five addresses each
		podnettest.StartPod(t, c, pausing("a", 3, "node-2"))
		podnettest.StartPod(t, c, pausing("b", 1, "node-2"))
		podnettest.StartPod(t, c, pausing("c", 1, "node-1"))
		podnettest.StartPod(t, c, pausing("d", 1, "node-1"))
		podnettest.StartPod(t, c, pausing("e", 1, "node-1"))
		assert.Equal(t, "node-1", podnettest.StartPod(t, c, pausing("two", 2, "")).Node(), "node-2 has fewer Pods, and one address left")
		assert.Equal(t, "node-2", podnettest.StartPod(t, c, pausing("one", 1, "")).Node())
	})
}

// pausing is a Pod of containers that do nothing.
func pausing(name string, containers int, node string) podnet.PodSpec {
	spec := podnet.PodSpec{Name: name, NodeName: node}
	for i := range containers {
		spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: fmt.Sprint("c", i), Run: untilStopped})
	}
	return spec
}

func TestPoliciesAreForAllIPsOfThePod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		friend := &podnet.LabelSelector{MatchLabels: map[string]string{"role": "friend"}}
		admin := podnet.PortName("admin")
		require.NoError(t, c.Apply(t.Context(), podnet.NetworkPolicySpec{
			Name: "web", PodSelector: podnet.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Ingress: []podnet.NetworkPolicyIngressRule{{From: []podnet.NetworkPolicyPeer{{PodSelector: friend}}, Ports: []podnet.NetworkPolicyPort{{Port: &admin}}}},
		}))
		web := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Labels: map[string]string{"app": "web"}, Containers: twoServers()})
		start := func(name string) *podnet.Pod {
			spec := pausing(name, 2, "")
			spec.Labels = map[string]string{"role": name}
			return podnettest.StartPod(t, c, spec)
		}
		friends, strangers := start("friend"), start("stranger")
		synctest.Wait()
		for _, to := range web.Containers() {
			address := netip.AddrPortFrom(to.IP(), 8080).String()
			for _, from := range friends.Containers() {
				assert.Equal(t, "ok", outcome(from.Dial("tcp", address)), from.Name())
			}
			for _, from := range strangers.Containers() {
				assert.Equal(t, "ETIMEDOUT", outcome(from.Dial("tcp", address)), from.Name())
			}
			for _, from := range web.Containers() {
				assert.Equal(t, "ok", outcome(from.Dial("tcp", address)), "containers of one Pod")
			}
		}
		require.NoError(t, c.Apply(t.Context(), func() podnet.PodSpec {
			spec := web.Spec()
			spec.Labels = nil
			return spec
		}()))
		assert.Equal(t, "ok", outcome(strangers.Container("c1").Dial("tcp", "10.244.0.3:8080")))
	})
}

func TestWaitListeningWithAnIPPerContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		spec := pausing("web", 3, "")
		spec.Containers[2].Run = func(ctx context.Context, c *podnet.Container) error {
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done(): // of the one in the second sandbox
				return nil
			}
			return serve(":80")(ctx, c)
		}
		p := podnettest.StartPod(t, c, spec)
		start := time.Now()
		require.NoError(t, p.WaitListening(t.Context(), 80))
		assert.Equal(t, time.Minute, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, p.WaitListening(ctx, 81), context.DeadlineExceeded)
		waiting := make(chan error)
		go func() { waiting <- p.WaitListening(t.Context(), 81) }()
		synctest.Wait()
		p.KillSandbox()
		assert.ErrorContains(t, <-waiting, "its sandbox is gone")
	})
}

func TestTheHostNetworkHasNoIPPerContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ipPerContainer(t, "10.244.0.0/16")
		p := podnettest.StartPod(t, c, onHost("agent", twoServers()[0], podnet.ContainerSpec{Name: "b", Run: untilStopped}))
		synctest.Wait()
		assert.Equal(t, p.IPs(), p.Container("b").IPs())
		assert.Equal(t, c.Node("node-1").IPs(), p.IPs())
		assert.Equal(t, "ok", outcome(p.Container("b").Dial("tcp", "localhost:8080")))
		assert.Equal(t, "10.244.0.2", podnettest.StartPod(t, c, pausing("other", 1, "")).IP().String())
	})
}

func TestFootprint(t *testing.T) {
	for name, tt := range map[string]struct {
		own        bool
		containers int
		host       bool
		want       podnet.Footprint
	}{
		"one container":                   {containers: 1, want: podnet.Footprint{Namespaces: 1, Addresses: 2, Links: 1, Routes: 6, NodeRoutes: 2, Endpoints: 1, PolicyEntries: 4}},
		"ten containers":                  {containers: 10, want: podnet.Footprint{Namespaces: 1, Addresses: 2, Links: 1, Routes: 6, NodeRoutes: 2, Endpoints: 1, PolicyEntries: 4}},
		"one container with an IP":        {own: true, containers: 1, want: podnet.Footprint{Namespaces: 1, Addresses: 2, Links: 1, Routes: 6, NodeRoutes: 2, Endpoints: 1, PolicyEntries: 4}},
		"ten containers, each with an IP": {own: true, containers: 10, want: podnet.Footprint{Namespaces: 10, Addresses: 20, Links: 10, Routes: 60, NodeRoutes: 20, Endpoints: 10, PolicyEntries: 40}},
		"the host network":                {own: true, containers: 10, host: true, want: podnet.Footprint{Endpoints: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, podnet.Config{IPPerContainer: tt.own})
				web := podnet.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
				service := podnet.ServiceSpec{Name: "web", Selector: web.MatchLabels}
				spec := pausing("web", tt.containers, "")
				spec.Labels, spec.HostNetwork = web.MatchLabels, tt.host
				for i := range spec.Containers {
					port := int32(8000 + i)
					spec.Containers[i].Ports = []podnet.ContainerPort{{ContainerPort: uint16(port)}}
					service.Ports = append(service.Ports, podnet.ServicePort{Name: fmt.Sprint("p", i), Port: port, TargetPort: podnet.Port(port)})
				}
				require.NoError(t, c.Apply(t.Context(), service,
					podnet.NetworkPolicySpec{Name: "a", PodSelector: web}, podnet.NetworkPolicySpec{Name: "b"},
					podnet.NetworkPolicySpec{Name: "c", Namespace: "other"}, podnet.NetworkPolicySpec{Name: "d", PodSelector: podnet.LabelSelector{MatchLabels: map[string]string{"app": "db"}}},
				))
				p := podnettest.StartPod(t, c, spec)
				assert.Equal(t, tt.want, p.Footprint())
				require.NoError(t, p.Delete(t.Context()))
				assert.Zero(t, p.Footprint())
			})
		})
	}
}
