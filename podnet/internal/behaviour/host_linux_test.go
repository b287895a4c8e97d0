package behaviour_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/behaviour"
)

// The host runs the cases in a child of the test that has a network namespace
// of its own, with an eth0 like a Pod's.
const (
	childEnv  = "PODNET_BEHAVIOUR_CHILD" // what the child's network is to be
	resultEnv = "PODNET_BEHAVIOUR_RESULT"
	hostsEnv  = "PODNET_BEHAVIOUR_HOSTS"
)

// hostsFile is what the kubelet writes for a Pod.
const hostsFile = `# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
10.244.0.2	pod
`

// hostRanges is the ephemeral range for cases that use it up: no process may
// have as many files as the usual one has ports.
const hostRangeFirst, hostRangeLast = 33000, 34999

var networks = []struct {
	name  string
	needs behaviour.Needs
	setup string // commands of ip
}{
	{"pod", behaviour.OwnNetwork, dualStack},
	{"single-stack", behaviour.SingleStack, singleStack},
	{"few-ports", behaviour.FewPorts, dualStack},
}

const singleStack = `link set lo up
link add eth0 type veth peer name eth0-peer
link set eth0-peer up
link set eth0 arp off
link set eth0 up
addr add 10.244.0.2/24 dev eth0
route add default via 10.244.0.1
`

const dualStack = singleStack + `addr add fd00:10:244::2/64 dev eth0 nodad
route add default via fd00:10:244::1
`

// hostResults returns what the cases show on this machine. Those that it cannot
// run are left out.
func hostResults(t *testing.T) map[string][]string {
	results := make(map[string][]string)
	for _, network := range networks {
		out, err := runInNetwork(t, network.name)
		if err != nil {
			t.Logf("no network namespace of its own: %v", err)
			return loopbackResults(t)
		}
		for name, lines := range out {
			results[name] = lines
		}
	}
	return results
}

// loopbackResults runs the cases that need no network of their own in this
// process.
func loopbackResults(t *testing.T) map[string][]string {
	results := make(map[string][]string)
	for _, c := range behaviour.Cases() {
		if c.Needs&^behaviour.Long == 0 {
			results[c.Name] = behaviour.Run(t.Context(), c, host{})
		}
	}
	return results
}

func runInNetwork(t *testing.T, name string) (map[string][]string, error) {
	dir := t.TempDir()
	result, hosts := filepath.Join(dir, "result"), filepath.Join(dir, "hosts")
	require.NoError(t, os.WriteFile(hosts, []byte(hostsFile), 0o644))
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+name, resultEnv+"="+result, hostsEnv+"="+hosts)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	data, err := os.ReadFile(result)
	require.NoError(t, err)
	results := make(map[string][]string)
	require.NoError(t, json.Unmarshal(data, &results))
	return results, nil
}

// runChild is the child: it makes its network, runs the cases that need one like
// it and writes what they show to a file.
func runChild(name string) int {
	err := func() error {
		for _, network := range networks {
			if network.name == name {
				return child(network.needs, network.setup)
			}
		}
		return fmt.Errorf("no network %q", name)
	}()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func child(needs behaviour.Needs, setup string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount(os.Getenv(hostsEnv), "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount a hosts file: %w", err)
	}
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(setup)
	if out, err := ip.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, bytes.TrimSpace(out))
	}
	// As in a Pod, where containerd sets it, any user may bind any port.
	if err := sysctl("ip_unprivileged_port_start", "0"); err != nil {
		return err
	}
	h := host{ports: 60999 - 32768 + 1}
	if needs == behaviour.FewPorts {
		if err := sysctl("ip_local_port_range", fmt.Sprintf("%d %d", hostRangeFirst, hostRangeLast)); err != nil {
			return err
		}
		h.ports = hostRangeLast - hostRangeFirst + 1
	}
	results := make(map[string][]string)
	for _, c := range behaviour.Cases() {
		wants := c.Needs &^ behaviour.Long
		if wants == needs || wants == 0 && needs == behaviour.OwnNetwork {
			results[c.Name] = behaviour.Run(context.Background(), c, h)
		}
	}
	data, err := json.Marshal(results)
	if err != nil {
		return err
	}
	return os.WriteFile(os.Getenv(resultEnv), data, 0o600)
}

func sysctl(name, value string) error {
	return os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0)
}

// host are package net's verbs, with options set the way a program sets them.
type host struct{ ports int }

func (h host) EphemeralPorts() int { return h.ports }

func (host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, network, address)
}

func (host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, address)
}

func (host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (host) LookupHost(ctx context.Context, name string) ([]string, error) {
	return net.DefaultResolver.LookupHost(ctx, name)
}

func (host) ListenWith(ctx context.Context, cfg behaviour.ListenConfig, network, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: cfg.KeepAlive, KeepAliveConfig: cfg.KeepAliveConfig, Control: control(cfg)}
	l, err := lc.Listen(ctx, network, address)
	if err == nil && cfg.Backlog > 0 {
		raw, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			return nil, err
		}
		if err := raw.Control(func(fd uintptr) { syscall.Listen(int(fd), cfg.Backlog) }); err != nil {
			return nil, err
		}
	}
	return l, err
}

func (host) ListenPacketWith(ctx context.Context, cfg behaviour.ListenConfig, network, address string) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: control(cfg)}
	return lc.ListenPacket(ctx, network, address)
}

func (host) DialWith(ctx context.Context, d behaviour.Dialer, network, address string) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout: d.Timeout, Deadline: d.Deadline, FallbackDelay: d.FallbackDelay,
		KeepAlive: d.KeepAlive, KeepAliveConfig: d.KeepAliveConfig,
	}
	ip := net.IP(d.LocalAddr.Addr().AsSlice())
	switch {
	case d.LocalName != "":
		dialer.LocalAddr = &net.UnixAddr{Name: d.LocalName, Net: network}
	case d.LocalAddr.Port() == 0 && ip == nil:
	case strings.HasPrefix(network, "tcp"):
		dialer.LocalAddr = &net.TCPAddr{IP: ip, Port: int(d.LocalAddr.Port())}
	default:
		dialer.LocalAddr = &net.UDPAddr{IP: ip, Port: int(d.LocalAddr.Port())}
	}
	return dialer.DialContext(ctx, network, address)
}

const soReusePort = 15 // package syscall has no name for it

func control(cfg behaviour.ListenConfig) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		var err error
		set := func(fd uintptr, level, option int) {
			if e := syscall.SetsockoptInt(int(fd), level, option, 1); e != nil {
				err = os.NewSyscallError("setsockopt", e)
			}
		}
		controlErr := c.Control(func(fd uintptr) {
			if cfg.ReusePort {
				set(fd, syscall.SOL_SOCKET, soReusePort)
			}
			if cfg.ReuseAddr {
				set(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR)
			}
			if cfg.IPv6Only && strings.HasSuffix(network, "6") {
				set(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY)
			}
		})
		if controlErr != nil {
			return controlErr
		}
		return err
	}
}
