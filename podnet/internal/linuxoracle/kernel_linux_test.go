package linuxoracle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// kernel is the world in network namespaces of Linux.
type kernel struct {
	needs needs
	hosts map[string]*namespace
	jumps bool // lead to kube-proxy's chains
}

// settings are sysctls of all namespaces.
var settings = []struct{ name, value string }{
	// Or it would be chance which ICMP errors are sent: the kernel allows each
	// peer six and then one a second.
	{"ipv4.icmp_ratelimit", "0"},
	{"ipv6.icmp.ratelimit", "0"},
	// Or addresses could be used a second later only.
	{"ipv6.conf.all.accept_dad", "0"},
	{"ipv6.conf.default.accept_dad", "0"},
}

// newKernel makes the world in namespaces whose names end with suffix.
func newKernel(suffix string, needs needs) (*kernel, error) {
	k := &kernel{hosts: make(map[string]*namespace), needs: needs}
	if err := k.build(suffix); err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

func (k *kernel) build(suffix string) error {
	names := []string{"router"}
	for _, n := range nodes {
		names = append(names, n.name)
	}
	for _, p := range pods {
		names = append(names, p.name)
	}
	for _, name := range names {
		ns, err := newNamespace(name + suffix)
		if err != nil {
			return err
		}
		k.hosts[name] = ns
		for _, setting := range settings {
			if err := ns.sysctl(setting.name, setting.value); err != nil {
				return err
			}
		}
	}
	if err := k.hosts["router"].batch(`
		link set lo up
		link add br0 type bridge
		addr add %s/16 dev br0
		addr add %s/64 dev br0 nodad
		link set br0 up`, routerIPs[v4], routerIPs[v6]); err != nil {
		return err
	}
	for i, n := range nodes {
		ns := k.hosts[n.name]
		if err := k.hosts["router"].batch(`
			link add %[1]s type veth peer name eth0 netns %[2]s
			link set %[1]s master br0 up`, n.name, ns.name); err != nil {
			return err
		}
		if err := ns.batch(`
			link set lo up
			addr add %s/16 dev eth0
			addr add %s/64 dev eth0 nodad
			link set eth0 up`, n.ips[v4], n.ips[v6]); err != nil {
			return err
		}
		// IPv6 first: to forward makes the kernel forget the default routes.
		for _, name := range []string{"ipv6.conf.all.forwarding", "ipv4.ip_forward"} {
			if err := ns.sysctl(name, "1"); err != nil {
				return err
			}
		}
		if k.needs&smallNodeMTU != 0 {
			if err := ns.batch("link set eth0 mtu 1400"); err != nil {
				return err
			}
		}
		for f := range routerIPs {
			if err := ns.batch(`
				route add default via %s
				route add %s via %s`, routerIPs[f], nodes[1-i].cidrs[f], nodes[1-i].ips[f]); err != nil {
				return err
			}
		}
		if k.needs&noLocalhostNodePorts == 0 {
			if err := ns.sysctl("ipv4.conf.all.route_localnet", "1"); err != nil {
				return err
			}
		}
	}
	for _, p := range pods {
		if err := k.plug(k.hosts[p.name], p.name, p.ips, p.node); err != nil {
			return err
		}
	}
	if k.needs&hostPort != 0 {
		for _, f := range []family{v4, v6} {
			if err := k.hosts["node-1"].restore(f, hostPortRules("b", f)); err != nil {
				return err
			}
		}
	}
	if k.needs&answeringRouter != 0 {
		if err := k.answer(); err != nil {
			return err
		}
	}
	return k.settle()
}

// answer makes the router forward.
func (k *kernel) answer() error {
	ns := k.hosts["router"]
	for _, name := range []string{"ipv6.conf.all.forwarding", "ipv4.ip_forward"} {
		if err := ns.sysctl(name, "1"); err != nil {
			return err
		}
	}
	for _, p := range pods {
		for f, ip := range p.ips {
			if err := ns.batch("route add %s via %s", ip, nodes[p.node].ips[f]); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle waits until all links carry packets: the kernel takes a while to notice
// that both ends of a veth are up, and loses what is sent until then.
func (k *kernel) settle() error {
	for from, to := range map[string][][2]string{
		"a": {pods[1].ips, pods[2].ips}, "b": {pods[0].ips, pods[2].ips}, "c": {pods[0].ips, pods[1].ips},
		"node-1": {nodes[1].ips}, "router": {nodes[0].ips, nodes[1].ips},
	} {
		for _, ips := range to {
			for _, ip := range ips {
				if err := k.reach(k.hosts[from], ip); err != nil {
					return fmt.Errorf("%s does not reach %s: %w", from, ip, err)
				}
			}
		}
	}
	return nil
}

// reach waits until an address answers.
func (k *kernel) reach(from *namespace, ip string) (err error) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		_, err = from.Dial(context.Background(), "tcp", net.JoinHostPort(ip, "9"), dialer{timeout: 50 * time.Millisecond})
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
	}
	return err
}

// plug does what the CNI plugin ptp does.
func (k *kernel) plug(pod *namespace, name string, ips [2]string, on int) error {
	node, n := k.hosts[nodes[on].name], nodes[on]
	if err := pod.batch(`
		link set lo up
		link add eth0 type veth peer name veth%[1]s netns %[2]s
		link set eth0 up`, name, node.name); err != nil {
		return err
	}
	if err := node.batch("link set veth%s up", name); err != nil {
		return err
	}
	for f, ip := range ips {
		bits, scope, nodad := []int{24, 64}[f], []string{"scope link", ""}[f], []string{"", "nodad"}[f]
		if err := pod.batch(`
			addr add %[1]s/%[2]d dev eth0 %[6]s
			route del %[3]s dev eth0
			route add %[4]s dev eth0 %[5]s src %[1]s
			route add %[3]s via %[4]s dev eth0 src %[1]s
			route add default via %[4]s dev eth0`, ip, bits, n.cidrs[f], n.gateways[f], scope, nodad); err != nil {
			return err
		}
		if err := node.batch(`
			addr add %[2]s/%[4]d dev veth%[1]s %[6]s
			route add %[3]s/%[4]d dev veth%[1]s %[5]s`, name, n.gateways[f], ip, []int{32, 128}[f], []string{"scope host", ""}[f], nodad); err != nil {
			return err
		}
	}
	// As in a Pod, where containerd sets it, any user may bind any port.
	return pod.sysctl("ipv4.ip_unprivileged_port_start", "0")
}

// close takes all namespaces away.
func (k *kernel) close() error {
	var errs []error
	for _, ns := range k.hosts {
		errs = append(errs, ns.close())
	}
	return errors.Join(errs...)
}

func (k *kernel) host(name string) host { return k.hosts[name] }

func (k *kernel) serve(services ...service) error {
	for i, n := range nodes {
		ns := k.hosts[n.name]
		for _, f := range []family{v4, v6} {
			if !k.jumps {
				if err := ns.restore(f, proxyJumps); err != nil {
					return err
				}
			}
			if err := ns.restore(f, proxyRules(i, f, k.needs&noLocalhostNodePorts == 0, services)); err != nil {
				return err
			}
		}
		if k.needs&keepFlows != 0 {
			continue
		}
		for _, s := range services {
			if err := ns.endStaleFlows(s); err != nil {
				return err
			}
		}
	}
	k.jumps = true
	return nil
}

// stop takes the Pod's end of the veth away, and with it the other one and the
// route, as the end of the sandbox does.
func (k *kernel) stop(pod string) error {
	_, err := k.hosts[pod].ip("link", "del", "eth0")
	return err
}

// A namespace is a network namespace of Linux with a name.
type namespace struct {
	name string
	fd   *os.File
}

func newNamespace(name string) (*namespace, error) {
	if _, err := run("", "ip", "netns", "add", name); err != nil {
		return nil, err
	}
	fd, err := os.Open("/run/netns/" + name)
	if err != nil {
		return nil, err
	}
	return &namespace{name, fd}, nil
}

func (ns *namespace) close() error {
	ns.fd.Close()
	_, err := run("", "ip", "netns", "del", ns.name)
	return err
}

// sysSetns is the number of setns by architecture; package syscall has no name
// for it everywhere.
var sysSetns = map[string]uintptr{"386": 346, "amd64": 308, "arm": 375, "arm64": 268, "loong64": 268, "ppc64le": 350, "riscv64": 268, "s390x": 339}

// within runs f on a thread of its own in the namespace. The thread ends with f.
func (ns *namespace) within(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock it: nobody else gets this thread
		done <- func() error {
			if err := setns(ns.fd); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-done
}

// batch runs commands of ip, one a line.
func (ns *namespace) batch(format string, args ...any) error {
	_, err := run(fmt.Sprintf(format, args...), "ip", "-n", ns.name, "-batch", "-")
	return err
}

func (ns *namespace) ip(args ...string) (string, error) {
	return run("", "ip", append([]string{"-n", ns.name}, args...)...)
}

func (ns *namespace) restore(f family, rules string) error {
	return ns.within(func() error {
		_, err := run(rules, []string{"iptables-restore", "ip6tables-restore"}[f], "--noflush")
		return err
	})
}

// endStaleFlows makes conntrack forget the UDP flows of a Service that lead to
// Pods that are no endpoints.
func (ns *namespace) endStaleFlows(s service) error {
	for _, p := range pods {
		if !s.udp || slices.Contains(s.endpoints, p.name) {
			continue
		}
		err := ns.within(func() error {
			_, err := run("", "conntrack", "-D", "-f", []string{"ipv4", "ipv6"}[s.family()], "-p", "udp", "--orig-dst", s.clusterIP, "--orig-port-dst", fmt.Sprint(s.number), "--dst-nat", p.ips[s.family()])
			return err
		})
		if err != nil && !strings.Contains(err.Error(), "0 flow entries have been deleted") {
			return err
		}
	}
	return nil
}

func (ns *namespace) sysctl(name, value string) error {
	return ns.within(func() error {
		return os.WriteFile("/proc/sys/net/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0)
	})
}

// run runs a command. If it fails, the error is what it said.
func run(stdin, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stdout.String(), errors.New(strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), err
}

func setns(fd *os.File) error {
	if _, _, e := syscall.RawSyscall(sysSetns[runtime.GOARCH], fd.Fd(), syscall.CLONE_NEWNET, 0); e != 0 {
		return os.NewSyscallError("setns", e)
	}
	return nil
}
