package linuxoracle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The kernel plays the scenarios in a child of the test. It has a view of the
// file system of its own, in which the namespaces get their names: whatever
// happens, they end with it.
const (
	childEnv  = "PODNET_LINUXORACLE_CHILD" // where to write the result
	filterEnv = "PODNET_LINUXORACLE_ONLY"  // a part of the names of what to play
)

// kernelRecord returns what this machine's kernel shows, or skips the test with
// the reason why it cannot.
func kernelRecord(t *testing.T) record {
	t.Helper()
	if testing.Short() {
		t.Skip("long")
	}
	if os.Getuid() != 0 {
		t.Skip("only root may make these network namespaces")
	}
	for _, tool := range []string{"ip", "iptables-restore", "conntrack"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	result := filepath.Join(t.TempDir(), "result")
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+result)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil || cmd.ProcessState.ExitCode() == cannot {
		t.Skipf("this machine cannot: %v: %s", err, out)
	}
	require.NoError(t, err, string(out))
	t.Log(string(out))
	data, err := os.ReadFile(result)
	require.NoError(t, err)
	var r record
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// cannot is the child's exit code if the kernel lacks something.
const cannot = 3

// child plays the scenarios, if this process is the one to do it, and returns
// its exit code.
func child() (code int, ok bool) {
	result, ok := os.LookupEnv(childEnv)
	if !ok {
		return 0, false
	}
	if err := prepare(); err != nil {
		fmt.Println(err)
		return cannot, true
	}
	r, err := playAll()
	if err == nil {
		var data []byte
		data, err = json.Marshal(r)
		if err == nil {
			err = os.WriteFile(result, data, 0o600)
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1, true
	}
	return 0, true
}

// atOnce is how many scenarios play at a time: most of them wait.
const atOnce = 24

// playAll plays all scenarios.
func playAll() (record, error) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return record{}, err
	}
	r := record{Kernel: strings.TrimSpace(string(release)), Cases: make(map[string][]string)}
	var (
		mu    sync.Mutex
		errs  []error
		tasks sync.WaitGroup
		slots = make(chan struct{}, atOnce)
	)
	for i, sc := range scenarios() {
		if !strings.Contains(sc.name, os.Getenv(filterEnv)) {
			continue
		}
		slots <- struct{}{}
		tasks.Go(func() {
			defer func() { <-slots }()
			lines, err := playOnKernel(i, sc)
			mu.Lock()
			defer mu.Unlock()
			r.Cases[sc.name] = lines
			errs = append(errs, err)
		})
	}
	tasks.Wait()
	return r, errors.Join(errs...)
}

func playOnKernel(i int, sc scenario) ([]string, error) {
	k, err := newKernel(fmt.Sprintf("-%d", i), sc.needs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sc.name, err)
	}
	lines := play(context.Background(), sc, k)
	return lines, k.close()
}

// prepare makes room for names of namespaces, and finds out whether the kernel
// has what the rules want.
func prepare() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("run", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a file system of one's own at /run: %w", err)
	}
	ns, err := newNamespace("try")
	if err != nil {
		return err
	}
	defer ns.close()
	if err := ns.batch("link add veth0 type veth peer name veth1\nlink add br0 type bridge"); err != nil {
		return err
	}
	for _, setting := range settings {
		if err := ns.sysctl(setting.name, setting.value); err != nil {
			return err
		}
	}
	all := service{name: "try", number: 1, target: 1, nodePort: 30001, externalLocal: true, affinity: true, endpoints: []string{"a", "c"}}
	for f, ip := range []string{"10.96.1.1", "fd00:10:96::101"} {
		all.clusterIP = ip
		for _, rules := range []string{proxyJumps, proxyRules(0, family(f), true, []service{all}), hostPortRules("a", family(f)), []string{istioRules + linkerdRules, ""}[f]} {
			if err := ns.restore(family(f), rules); err != nil {
				return fmt.Errorf("iptables: %w", err)
			}
		}
	}
	return nil
}
