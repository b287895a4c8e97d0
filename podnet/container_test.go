package podnet_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"slices"
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

// tools is the Program of an image with a few commands.
func tools(ctx context.Context, c *podnet.Container) error {
	argv := slices.Concat(c.Command(), c.Args())
	if len(argv) == 0 {
		return untilStopped(ctx, c)
	}
	switch argv[0] {
	case "echo":
		_, err := io.WriteString(c.Stdout(), strings.Join(argv[1:], " ")+"\n")
		return err
	case "fail":
		io.WriteString(c.Stderr(), "it failed\n")
		return podnet.ExitError{Code: 3}
	case "cat":
		_, err := io.Copy(c.Stdout(), c.Stdin())
		return err
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	case "forever":
		<-c.Killed()
		return nil
	}
	return podnet.ExitError{Code: 127}
}

func startTools(t *testing.T, spec podnet.ContainerSpec) *podnet.Container {
	t.Helper()
	c := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
	spec.Name, spec.Image = "main", "tools:1"
	return podnettest.StartPod(t, c, podnet.PodSpec{Name: "box", Containers: []podnet.ContainerSpec{spec}}).Container("main")
}

func TestExec(t *testing.T) {
	c := startTools(t, podnet.ContainerSpec{})
	for _, tt := range []struct {
		argv []string
		want podnet.ExecResult
	}{
		{[]string{"echo", "hello", "Pod"}, podnet.ExecResult{Stdout: "hello Pod\n"}},
		{[]string{"fail"}, podnet.ExecResult{Stderr: "it failed\n", ExitCode: 3}},
		{[]string{"cat"}, podnet.ExecResult{}},
		{[]string{"nosuch"}, podnet.ExecResult{ExitCode: 127}},
	} {
		got, err := c.Exec(t.Context(), tt.argv...)
		require.NoError(t, err, tt.argv)
		assert.Equal(t, tt.want, got, tt.argv)
	}
	_, err := c.Exec(t.Context())
	assert.ErrorContains(t, err, "it must name a command")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Exec(ctx, "forever")
	assert.ErrorIs(t, err, context.Canceled)
	assert.Len(t, c.Processes(), 1, "it was killed")
}

func TestExecWithoutAnImage(t *testing.T) {
	cluster := podnettest.NewCluster(t, podnet.Config{})
	p := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "box", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
	_, err := p.Container("main").Exec(t.Context(), "ls", "/")
	assert.EqualError(t, err, `podnet: exec in container default/box/main: exec: "ls": executable file not found in $PATH`)
}

func TestRunTakesStdinAndItsOwnProgram(t *testing.T) {
	c := startTools(t, podnet.ContainerSpec{})
	var out strings.Builder
	require.NoError(t, c.Run(t.Context(), podnet.Cmd{Args: []string{"cat"}, Stdin: strings.NewReader("from outside"), Stdout: &out}))
	assert.Equal(t, "from outside", out.String())

	var saw []string
	err := c.Run(t.Context(), podnet.Cmd{Args: []string{"mine", "x"}, Dir: "/tmp", Env: []string{"A=1", "A=2"}, Program: func(ctx context.Context, c *podnet.Container) error {
		saw = append(c.Command(), c.Dir(), c.Getenv("A"), c.Getenv("B"), c.Hostname())
		return podnet.ExitError{Code: 256 + 7}
	}})
	assert.Equal(t, podnet.ExitError{Code: 7}, err, "wait(2) knows eight bits")
	assert.Equal(t, []string{"mine", "x", "/tmp", "2", "", "box"}, saw)
}

func TestProcessesAndSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startTools(t, podnet.ContainerSpec{Command: []string{"forever"}, Args: []string{"--quietly"}})
		codes := make(chan int, 2)
		for _, name := range []string{"wait", "forever"} {
			go func() {
				r, err := c.Exec(t.Context(), name)
				assert.NoError(t, err)
				codes <- r.ExitCode
			}()
			synctest.Wait()
		}
		var ps []string
		for _, p := range c.Processes() {
			ps = append(ps, strings.Join(p.Args, " "))
		}
		assert.Equal(t, []string{"forever --quietly", "wait", "forever"}, ps)

		assert.NoError(t, c.Signal(3, 0))
		assert.NoError(t, c.Signal(3, podnet.SIGTERM), "it does not heed it")
		assert.NoError(t, c.Signal(2, podnet.SIGINT))
		assert.Equal(t, 130, <-codes)
		assert.NoError(t, c.Signal(3, podnet.SIGKILL))
		assert.Equal(t, 137, <-codes)
		assert.ErrorIs(t, c.Signal(3, 0), syscall.ESRCH)
		assert.ErrorIs(t, c.Signal(1, 19), syscall.EINVAL)
		assert.NoError(t, c.Signal(1, podnet.SIGKILL))
		synctest.Wait()
		assert.Len(t, c.Processes(), 1, "PID 1 is safe from its own container")
	})
}

func TestProcessesDieWithTheContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		cluster := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
		p := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "box", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{
			{Name: "main", Image: "tools", Run: func(ctx context.Context, c *podnet.Container) error { <-stop; return nil }},
			{Name: "other", Image: "tools"},
		}})
		result := make(chan podnet.ExecResult)
		go func() {
			r, err := p.Container("main").Exec(t.Context(), "forever")
			assert.NoError(t, err)
			result <- r
		}()
		synctest.Wait()
		close(stop)
		assert.Equal(t, 137, (<-result).ExitCode)
		_, err := p.Container("main").Exec(t.Context(), "echo")
		assert.ErrorIs(t, err, podnet.ErrNotRunning)
		_, err = p.Container("other").Exec(t.Context(), "echo")
		assert.NoError(t, err)
	})
}

// What the kubelet and the runtime put into a container.
func TestContainerEnvironment(t *testing.T) {
	cluster := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
	p := podnettest.StartPod(t, cluster, podnet.PodSpec{
		Name: "web", Namespace: "shop", Hostname: "front",
		HostAliases: []podnet.HostAlias{{IP: "10.1.2.3", Hostnames: []string{"db", "db.local"}}},
		Containers: []podnet.ContainerSpec{{Name: "main", Image: "tools", WorkingDir: "/srv/app",
			Env: []podnet.EnvVar{{Name: "MODE", Value: "test"}, {Name: "HOME", Value: "/srv"}}}},
	})
	c := p.Container("main")
	read := func(name string) string {
		b, err := c.FS().ReadFile(name)
		require.NoError(t, err)
		return string(b)
	}
	assert.Equal(t, "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"+
		"10.244.0.2\tfront\nfd00:10:244::2\tfront\n\n# Entries added by HostAliases.\n10.1.2.3\tdb\tdb.local\n", read("/etc/hosts"))
	assert.Equal(t, "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", read("/etc/resolv.conf"))
	assert.Equal(t, "front\n", read("/etc/hostname"))
	assert.Equal(t, "front", c.Hostname())
	assert.Equal(t, "/srv/app", c.Dir())
	assert.Equal(t, []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=front",
		"KUBERNETES_SERVICE_HOST=10.96.0.1", "KUBERNETES_SERVICE_PORT=443", "KUBERNETES_SERVICE_PORT_HTTPS=443",
		"KUBERNETES_PORT=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP_PROTO=tcp",
		"KUBERNETES_PORT_443_TCP_PORT=443", "KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1", "MODE=test", "HOME=/srv",
	}, c.Env())

	for host, want := range map[string][]string{
		"localhost": {"127.0.0.1", "::1"}, "front": {"10.244.0.2", "fd00:10:244::2"}, "db": {"10.1.2.3"}, "192.0.2.7": {"192.0.2.7"},
	} {
		got, err := c.LookupHost(t.Context(), host)
		require.NoError(t, err)
		assert.Equal(t, want, got, host)
		got, err = p.LookupHost(t.Context(), host)
		require.NoError(t, err)
		assert.Equal(t, want, got, host)
	}
	_, err := c.LookupHost(t.Context(), "example.com")
	var dnsErr *net.DNSError
	require.ErrorAs(t, err, &dnsErr)
	assert.False(t, dnsErr.IsNotFound, "nobody outside is asked")
	assert.EqualError(t, err, "lookup example.com on 10.96.0.10:53: server misbehaving")
	_, err = c.Dial("tcp", "example.com:80")
	assert.EqualError(t, err, "dial tcp: lookup example.com on 10.96.0.10:53: server misbehaving")

	require.NoError(t, c.FS().WriteFile("/etc/hosts", []byte("10.9.9.9 mine\n"), 0o644))
	got, err := c.LookupHost(t.Context(), "mine")
	require.NoError(t, err, "a container's edits count until the next start")
	assert.Equal(t, []string{"10.9.9.9"}, got)
}

func TestVariablesInCommandsAndValues(t *testing.T) {
	c := startTools(t, podnet.ContainerSpec{
		Env:  []podnet.EnvVar{{Name: "WHO", Value: "world"}, {Name: "GREETING", Value: "hello $(WHO) $(LATER)"}, {Name: "LATER", Value: "x"}, {Name: "PATH", Value: "/bin"}},
		Args: []string{"echo", "$(GREETING)", "$(KUBERNETES_SERVICE_HOST)", "$(HOSTNAME)", "$$(WHO)"},
	})
	require.NoError(t, c.WaitLog(t.Context(), "\n"))
	assert.Equal(t, "hello world $(LATER) 10.96.0.1 $(HOSTNAME) $(WHO)\n", c.Logs())
	assert.Equal(t, "/bin", c.Getenv("PATH"))
	assert.NotContains(t, strings.Join(c.Env(), " "), "PATH=/usr")
}

func TestVolumesAreSharedAndRootsAreNot(t *testing.T) {
	cluster := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
	p := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "web",
		Volumes: []podnet.VolumeSpec{{Name: "logs", EmptyDir: &podnet.EmptyDirVolumeSource{SizeLimit: 10}}},
		Containers: []podnet.ContainerSpec{
			{Name: "writer", Image: "tools", VolumeMounts: []podnet.VolumeMount{{Name: "logs", MountPath: "/var/log/app"}}},
			{Name: "reader", Image: "tools", VolumeMounts: []podnet.VolumeMount{{Name: "logs", MountPath: "/logs/", ReadOnly: true}}},
			{Name: "stranger", Image: "tools"},
		}})
	writer, reader, stranger := p.Container("writer"), p.Container("reader"), p.Container("stranger")
	require.NoError(t, writer.FS().WriteFile("/var/log/app/a", []byte("line"), 0o644))
	got, err := reader.FS().ReadFile("/logs/a")
	require.NoError(t, err)
	assert.Equal(t, "line", string(got))
	_, err = stranger.FS().ReadFile("/var/log/app/a")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.EqualError(t, reader.FS().WriteFile("/logs/b", nil, 0o644), "open /logs/b: read-only file system")
	assert.EqualError(t, writer.FS().WriteFile("/var/log/app/b", []byte("too much for it"), 0o644), "write /var/log/app/b: no space left on device")

	require.NoError(t, writer.FS().WriteFile("/tmp/own", nil, 0o644))
	_, err = reader.FS().Stat("/tmp/own")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, writer.RootFS().WriteFile("/var/log/app/beneath", nil, 0o644))
	_, err = writer.FS().Stat("/var/log/app/beneath")
	assert.ErrorIs(t, err, fs.ErrNotExist, "the mount covers it")
	for _, path := range []string{"/logs/../../../../etc/hostname", "/../etc/hostname"} {
		got, err = reader.FS().ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, "web\n", string(got), "the way up ends at the container's own root")
	}
}

// A restarted container has a fresh root layer; the volume and the Pod stay.
func TestWhatARestartKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		cluster := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "web",
			Volumes: []podnet.VolumeSpec{{Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
			Containers: []podnet.ContainerSpec{{Name: "app", VolumeMounts: []podnet.VolumeMount{{Name: "data", MountPath: "/data"}},
				Run: func(ctx context.Context, c *podnet.Container) error {
					for _, name := range []string{"/data/kept", "/tmp/lost", "/etc/hosts"} {
						b, err := c.FS().ReadFile(name)
						seen = append(seen, name+" "+strings.SplitN(string(b), "\n", 2)[0])
						if err != nil {
							seen[len(seen)-1] = err.Error()
						}
						c.FS().WriteFile(name, []byte("old"), 0o644)
					}
					io.WriteString(c.Stdout(), "run "+string(rune('0'+len(seen)/3))+"\n")
					if len(seen) == 6 {
						<-ctx.Done()
					}
					return errors.New("again")
				}}}})
		synctest.Wait()
		assert.Equal(t, []string{
			"open /data/kept: no such file or directory", "open /tmp/lost: no such file or directory", "/etc/hosts # Kubernetes-managed hosts file.",
			"/data/kept old", "open /tmp/lost: no such file or directory", "/etc/hosts # Kubernetes-managed hosts file.",
		}, seen)
		assert.Equal(t, "run 2\n", p.Container("app").Logs())
		assert.Equal(t, "run 1\nagain\n", p.Container("app").PreviousLogs())
	})
}

func TestAContainerThatNeverRan(t *testing.T) {
	cluster := podnettest.NewCluster(t, podnet.Config{})
	p, err := cluster.StartPod(t.Context(), podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Image: "missing"}}})
	require.Error(t, err)
	c := p.Container("app")
	assert.Zero(t, c.PID())
	assert.Empty(t, c.Env())
	assert.Empty(t, c.Logs())
	assert.Empty(t, c.PreviousLogs())
	assert.Empty(t, c.Processes())
	_, err = c.Stdout().Write([]byte("x"))
	assert.ErrorIs(t, err, podnet.ErrNotRunning)
	b, err := io.ReadAll(c.Stdin())
	assert.Empty(t, b)
	assert.NoError(t, err)
	_, err = c.FS().ReadFile("/etc/hosts")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = c.Listen("tcp", ":80")
	assert.ErrorIs(t, err, podnet.ErrNotRunning)
	_, err = c.ListenPacket("udp", ":80")
	assert.ErrorIs(t, err, podnet.ErrNotRunning)
	assert.ErrorIs(t, c.Signal(1, podnet.SIGTERM), syscall.ESRCH)
	assert.Equal(t, "ErrImagePull", c.Status().State.Waiting.Reason)
}

func TestLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []podnet.LogLine
		cluster := podnettest.NewCluster(t, podnet.Config{OnLog: func(l podnet.LogLine) { lines = append(lines, l) }})
		p := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "web", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{{Name: "app",
			Run: func(ctx context.Context, c *podnet.Container) error {
				io.WriteString(c.Stdout(), "one\ntw")
				io.WriteString(c.Stderr(), "warning\n")
				io.WriteString(c.Stdout(), "o\nlast without an end")
				time.Sleep(time.Second)
				return nil
			}}}})
		time.Sleep(time.Minute)
		synctest.Wait()
		var got []string
		for _, l := range lines {
			got = append(got, l.Stream+" "+l.Text)
			assert.Equal(t, "default/web/app", l.Namespace+"/"+l.Pod+"/"+l.Container)
		}
		assert.Equal(t, []string{"stdout one", "stderr warning", "stdout two", "stdout last without an end"}, got)
		assert.Equal(t, "one\ntwwarning\no\nlast without an end", p.Container("app").Logs())
	})
}

func TestWaitLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "web", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{{Name: "app",
			Run: func(ctx context.Context, c *podnet.Container) error {
				time.Sleep(time.Minute)
				io.WriteString(c.Stdout(), "half a ")
				time.Sleep(time.Minute)
				io.WriteString(c.Stdout(), "line\n")
				time.Sleep(time.Minute)
				return nil
			}}}})
		start := time.Now()
		require.NoError(t, p.Container("app").WaitLog(t.Context(), "a line"))
		assert.Equal(t, 2*time.Minute, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Container("app").WaitLog(ctx, "more")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.EqualError(t, err, `podnet: wait for Pod default/web: container app has not logged "more": context deadline exceeded`)
		err = p.Container("app").WaitLog(t.Context(), "more")
		assert.EqualError(t, err, `podnet: wait for Pod default/web: the Pod has ended and container app has not logged "more"`)
	})
}

func TestALogIsRotated(t *testing.T) {
	c := startTools(t, podnet.ContainerSpec{})
	chunk := strings.Repeat("x", 1<<20)
	for range 12 {
		_, err := io.WriteString(c.Stdout(), chunk)
		require.NoError(t, err)
	}
	assert.Len(t, c.Logs(), 2<<20)
}
