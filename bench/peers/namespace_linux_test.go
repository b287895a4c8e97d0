package peers

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const childEnv = "PODNET_PEERS_CHILD"

// inChild runs this program again in a network namespace of its own, which is the
// client's, and with a view of the file system of its own, in which the other
// namespaces get their names: whatever happens, they end with it. In the child, or
// where there can be none, it returns false.
func inChild() (code int, ok bool) {
	if os.Getenv(childEnv) != "" {
		if err := prepare(); err != nil {
			whyNone = err.Error()
		}
		return 0, false
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); cmd.ProcessState == nil {
		whyNone = fmt.Sprintf("no network namespace: %v", err)
		return 0, false
	}
	return cmd.ProcessState.ExitCode(), true
}

// prepare makes the world.
func prepare() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("run", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a file system of one's own at /run: %w", err)
	}
	w, err := newWorld()
	if err != nil {
		return err
	}
	for _, n := range w.nodes {
		if err := makeNamespace(n.name); err != nil {
			return err
		}
	}
	for _, p := range w.pods {
		p.within = func(f func()) { f() }
		if name := p.namespace(); name != "" {
			if err := makeNamespace(name); err != nil {
				return err
			}
			p.within = func(f func()) {
				if err := within(name, func() error { f(); return nil }); err != nil {
					panic(err) // it was there when it was made
				}
			}
		}
	}
	for _, b := range w.links() {
		args := []string{"-batch", "-"}
		if b.namespace != "" {
			args = append([]string{"-n", b.namespace}, args...)
		}
		if err := run(b.commands, "ip", args...); err != nil {
			return err
		}
	}
	for _, n := range w.nodes {
		if err := within(n.name, func() error {
			if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
				return err
			}
			return run(n.rules, "iptables-restore")
		}); err != nil {
			return err
		}
	}
	for _, p := range w.pods {
		if err := reach(p.ip.String()); err != nil {
			return fmt.Errorf("the client does not reach Pod %s: %w", p.name, err)
		}
	}
	theWorld = w
	return nil
}

func makeNamespace(name string) error { return run("", "ip", "netns", "add", name) }

// reach waits until an address answers: the kernel takes a while to notice that
// both ends of a veth are up, and loses what is sent until then.
func reach(ip string) (err error) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		_, err = net.DialTimeout("tcp", net.JoinHostPort(ip, "9"), 50*time.Millisecond)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
	}
	return err
}

// sysSetns is the number of setns by architecture; package syscall has no name
// for it everywhere.
var sysSetns = map[string]uintptr{"386": 346, "amd64": 308, "arm": 375, "arm64": 268, "loong64": 268, "ppc64le": 350, "riscv64": 268, "s390x": 339}

// within runs f on a thread of its own in the namespace. The thread ends with f.
func within(name string, f func() error) error {
	fd, err := os.Open("/run/netns/" + name)
	if err != nil {
		return err
	}
	defer fd.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock it: nobody else gets this thread
		if _, _, e := syscall.RawSyscall(sysSetns[runtime.GOARCH], fd.Fd(), syscall.CLONE_NEWNET, 0); e != 0 {
			done <- os.NewSyscallError("setns", e)
			return
		}
		done <- f()
	}()
	return <-done
}

// run runs a command. If it fails, the error is what it said.
func run(stdin, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s: %s", name, strings.TrimSpace(stderr.String()))
	}
	return err
}
