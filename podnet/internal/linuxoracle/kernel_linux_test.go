package linuxoracle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
		// Or it would be chance which ICMP errors are sent: the kernel allows
		// each peer six and then one a second.
		if err := ns.sysctl("ipv4.icmp_ratelimit", "0"); err != nil {
			return err
		}
	}
	if err := k.hosts["router"].batch(`
		link set lo up
		link add br0 type bridge
		addr add %s/16 dev br0
		link set br0 up`, routerIP); err != nil {
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
			link set eth0 up
			route add default via %s
			route add %s via %s`, n.ip, routerIP, nodes[1-i].cidr, nodes[1-i].ip); err != nil {
			return err
		}
		if err := ns.sysctl("ipv4.ip_forward", "1"); err != nil {
			return err
		}
		if k.needs&noLocalhostNodePorts == 0 {
			if err := ns.sysctl("ipv4.conf.all.route_localnet", "1"); err != nil {
				return err
			}
		}
	}
	for _, p := range pods {
		if err := k.plug(k.hosts[p.name], p.name, p.ip, p.node); err != nil {
			return err
		}
	}
	return k.settle()
}

// settle waits until all links carry packets: the kernel takes a while to notice
// that both ends of a veth are up, and loses what is sent until then.
func (k *kernel) settle() error {
	for from, to := range map[string][]string{
		"a": {"10.244.0.3", "10.244.1.2"}, "b": {"10.244.0.2", "10.244.1.2"}, "c": {"10.244.0.2", "10.244.0.3"},
		"node-1": {"172.18.0.3"}, "router": {"172.18.0.2", "172.18.0.3"},
	} {
		for _, ip := range to {
			var err error
			for end := time.Now().Add(10 * time.Second); !errors.Is(err, syscall.ECONNREFUSED); {
				if time.Now().After(end) {
					return fmt.Errorf("%s does not reach %s: %w", from, ip, err)
				}
				_, err = k.hosts[from].Dial(context.Background(), "tcp", ip+":9", dialer{timeout: 50 * time.Millisecond})
			}
		}
	}
	return nil
}

// plug does what the CNI plugin ptp does.
func (k *kernel) plug(pod *namespace, name, ip string, on int) error {
	node, n := k.hosts[nodes[on].name], nodes[on]
	if err := pod.batch(`
		link set lo up
		link add eth0 type veth peer name veth%[1]s netns %[2]s
		link set eth0 up
		addr add %[3]s/24 dev eth0
		route del %[4]s dev eth0
		route add %[5]s dev eth0 scope link src %[3]s
		route add %[4]s via %[5]s dev eth0 src %[3]s
		route add default via %[5]s dev eth0`, name, node.name, ip, n.cidr, n.gateway); err != nil {
		return err
	}
	// As in a Pod, where containerd sets it, any user may bind any port.
	if err := pod.sysctl("ipv4.ip_unprivileged_port_start", "0"); err != nil {
		return err
	}
	return node.batch(`
		addr add %[2]s/32 dev veth%[1]s
		link set veth%[1]s up
		route add %[3]s/32 dev veth%[1]s scope host`, name, n.gateway, ip)
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
		if !k.jumps {
			if err := ns.restore(proxyJumps); err != nil {
				return err
			}
		}
		if err := ns.restore(proxyRules(i, k.needs&noLocalhostNodePorts == 0, services)); err != nil {
			return err
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

func (ns *namespace) restore(rules string) error {
	return ns.within(func() error {
		_, err := run(rules, "iptables-restore", "--noflush")
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
			_, err := run("", "conntrack", "-D", "-p", "udp", "--orig-dst", s.clusterIP, "--orig-port-dst", fmt.Sprint(s.number), "--dst-nat", p.ip)
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
