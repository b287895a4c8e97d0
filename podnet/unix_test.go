package podnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// sharedVolume is a Pod's only volume, "run".
var sharedVolume = []podnet.VolumeSpec{{Name: "run", EmptyDir: &podnet.EmptyDirVolumeSource{}}}

func mountRun(path string, readOnly bool) []podnet.VolumeMount {
	return []podnet.VolumeMount{{Name: "run", MountPath: path, ReadOnly: readOnly}}
}

func TestUnixSocketOnASharedVolume(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	spec := podnet.PodSpec{Volumes: sharedVolume, Containers: []podnet.ContainerSpec{
		{Name: "app", Run: untilStopped, VolumeMounts: mountRun("/run/app", false), WorkingDir: "/run/app"},
		{Name: "sidecar", Run: untilStopped, VolumeMounts: mountRun("/sockets", false)},
		{Name: "reader", Run: untilStopped, VolumeMounts: mountRun("/ro", true)},
		{Name: "stranger", Run: untilStopped},
	}}
	spec.Name = "one"
	p := podnettest.StartPod(t, c, spec)
	spec.Name = "two"
	other := podnettest.StartPod(t, c, spec)
	app, sidecar, reader, stranger := p.Container("app"), p.Container("sidecar"), p.Container("reader"), p.Container("stranger")

	l, err := app.Listen("unix", "app.sock") // in its working directory
	require.NoError(t, err)
	assert.Equal(t, &net.UnixAddr{Name: "app.sock", Net: "unix"}, l.Addr())
	talk := func(from *podnet.Container, path string) {
		t.Helper()
		conn, err := from.Dial("unix", path)
		require.NoError(t, err)
		defer conn.Close()
		assert.Equal(t, "app.sock", conn.RemoteAddr().String(), "the name that the listener was bound to")
		peer, err := l.Accept()
		require.NoError(t, err)
		defer peer.Close()
		peer.Write([]byte("hello"))
		b := make([]byte, 5)
		_, err = io.ReadFull(conn, b)
		require.NoError(t, err)
	}
	talk(app, "app.sock")
	talk(app, "/run/app/app.sock")
	talk(sidecar, "/sockets/app.sock")
	talk(sidecar, "sockets/../sockets/app.sock")
	talk(reader, "/ro/app.sock")

	_, err = stranger.Dial("unix", "/run/app/app.sock")
	assert.EqualError(t, err, "dial unix /run/app/app.sock: connect: no such file or directory")
	_, err = other.Container("app").Dial("unix", "/run/app/app.sock")
	assert.ErrorIs(t, err, syscall.ENOENT, "another Pod has another volume")
	_, err = sidecar.Listen("unix", "/sockets/app.sock")
	assert.EqualError(t, err, "listen unix /sockets/app.sock: bind: address already in use")
	_, err = reader.Listen("unix", "/ro/new.sock")
	assert.EqualError(t, err, "listen unix /ro/new.sock: bind: read-only file system")

	require.NoError(t, sidecar.FS().Rename("/sockets/app.sock", "/sockets/renamed"))
	talk(reader, "/ro/renamed")
	require.NoError(t, sidecar.FS().Remove("/sockets/renamed"))
	_, err = app.Dial("unix", "/run/app/renamed")
	assert.ErrorIs(t, err, syscall.ENOENT)
	require.NoError(t, l.Close())
}

func TestAbstractNameIsThePods(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	two := []podnet.ContainerSpec{{Name: "a", Run: untilStopped}, {Name: "b", Run: untilStopped}}
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "one", Containers: two})
	other := podnettest.StartPod(t, c, podnet.PodSpec{Name: "two", Containers: two})
	a, err := p.Container("a").ListenPacket("unixgram", "@log")
	require.NoError(t, err)
	for _, from := range []interface {
		Dial(network, address string) (net.Conn, error)
	}{p.Container("b"), p} {
		conn, err := from.Dial("unixgram", "@log")
		require.NoError(t, err)
		conn.Write([]byte("line"))
		b := make([]byte, 10)
		n, _, err := a.ReadFrom(b)
		require.NoError(t, err)
		assert.Equal(t, "line", string(b[:n]))
	}
	_, err = p.Container("b").ListenPacket("unixgram", "@log")
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	_, err = other.Container("b").Dial("unixgram", "@log")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestPauseHasNoPaths(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "one", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
	_, err := p.Listen("unix", "/s")
	assert.EqualError(t, err, `listen unix /s: the process has no file system, only abstract names such as "@name"`)
	_, err = p.Listen("unixpacket", "@s")
	require.NoError(t, err)
	_, err = p.Container("a").Dial("unixpacket", "@s")
	require.NoError(t, err)
	var lines []string
	for _, s := range p.Sockets() {
		lines = append(lines, s.Network+" "+s.State+" "+s.Path+" "+s.Container)
	}
	assert.Equal(t, []string{"u_seq ESTAB  a", "u_seq LISTEN @s pause"}, lines)
}

// A server that does not remove its socket's path cannot bind it again in its
// next life, if it is on a volume; what is in the root layer is gone with it.
func TestCrashLeavesThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		lives := 0
		bound := make(chan error, 10)
		server := func(ctx context.Context, c *podnet.Container) error {
			lives++
			if _, err := c.Listen("unix", "/tmp/s"); err != nil {
				return err
			}
			if lives == 3 {
				c.FS().Remove("/run/s")
			}
			l, err := c.Listen("unix", "/run/s")
			bound <- err
			if err != nil {
				return err
			}
			if lives < 3 {
				return errors.New("crash")
			}
			defer l.Close()
			<-ctx.Done()
			return nil
		}
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "one", Volumes: sharedVolume, Containers: []podnet.ContainerSpec{
			{Name: "server", Run: server, VolumeMounts: mountRun("/run", false)},
			{Name: "client", Run: untilStopped, VolumeMounts: mountRun("/run", false)},
		}})
		require.NoError(t, <-bound)
		assert.EqualError(t, <-bound, "listen unix /run/s: bind: address already in use")
		_, err := p.Container("client").Dial("unix", "/run/s")
		assert.EqualError(t, err, "dial unix /run/s: connect: connection refused", "nobody listens")
		_, err = p.Container("client").FS().Open("/run/s")
		assert.EqualError(t, err, "open /run/s: no such device or address")
		require.NoError(t, <-bound)
		_, err = p.Container("client").Dial("unix", "/run/s")
		assert.NoError(t, err)
	})
}

// What a killed process was serving breaks off, and what its goroutines still do
// must not remove the path that the next one binds.
func TestKilledServerOfAUnixSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "one", Volumes: sharedVolume, Containers: []podnet.ContainerSpec{
			{Name: "server", Image: "tools:1", Command: []string{"wait"}, VolumeMounts: mountRun("/run", false)},
			{Name: "client", Run: untilStopped, VolumeMounts: mountRun("/run", false)},
		}})
		server, client := p.Container("server"), p.Container("client")
		ctx, kill := context.WithCancel(t.Context())
		listening := make(chan struct{})
		gone := make(chan struct{})
		go server.Run(ctx, podnet.Cmd{Args: []string{"serve"}, Program: func(_ context.Context, c *podnet.Container) error {
			defer close(gone)
			l, err := c.Listen("unix", "/run/s")
			if err != nil {
				return err
			}
			close(listening)
			l.Accept()
			<-release
			return l.Close()
		}})
		<-listening
		conn, err := client.Dial("unix", "/run/s")
		require.NoError(t, err)
		synctest.Wait()
		kill()
		_, err = conn.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)

		_, err = server.Listen("unix", "/run/s")
		assert.ErrorIs(t, err, syscall.EADDRINUSE)
		require.NoError(t, server.FS().Remove("/run/s"))
		l, err := server.Listen("unix", "/run/s")
		require.NoError(t, err)
		close(release)
		<-gone
		_, err = client.Dial("unix", "/run/s")
		assert.NoError(t, err, "the path of the second one is still there")
		l.Close()
		_, err = client.FS().Stat("/run/s")
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
}

// A sidecar that asks its app over a Unix socket, once a minute for a day.
func TestHTTPOverAUnixSocketInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		app := func(ctx context.Context, c *podnet.Container) error {
			l, err := c.Listen("unix", "/run/app.sock")
			if err != nil {
				return err
			}
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(10 * time.Second)
				io.WriteString(w, "well, "+r.RemoteAddr)
			})}
			stop := context.AfterFunc(ctx, func() { srv.Close() })
			defer stop()
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		}
		const questions = 24 * 60
		answers := make(chan string, questions)
		sidecar := func(ctx context.Context, c *podnet.Container) error {
			client := &http.Client{Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return c.DialContext(ctx, "unix", "/sockets/app.sock")
				},
			}}
			defer client.CloseIdleConnections()
			for range questions {
				time.Sleep(time.Minute)
				resp, err := client.Get("http://app/healthz")
				if err != nil {
					return err
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					return err
				}
				answers <- string(body)
			}
			return untilStopped(ctx, c)
		}
		start := time.Now()
		podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Volumes: sharedVolume, Containers: []podnet.ContainerSpec{
			{Name: "app", Run: app, VolumeMounts: mountRun("/run", false)},
			{Name: "sidecar", Run: sidecar, VolumeMounts: mountRun("/sockets", true)},
		}})
		for range questions {
			require.Equal(t, "well, @", <-answers)
		}
		assert.WithinRange(t, time.Now(), start.Add(28*time.Hour), start.Add(28*time.Hour+time.Minute))
	})
}
