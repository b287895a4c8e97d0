package podnettest_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	failed   bool
	told     strings.Builder
	cleanups []func()
}

func (r *recorder) Helper()                  {}
func (r *recorder) Failed() bool             { return r.failed }
func (r *recorder) Context() context.Context { return context.Background() }
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Log(args ...any)          { fmt.Fprintln(&r.told, args...) }
func (r *recorder) Error(args ...any)        { r.failed = true; r.Log(args...) }
func (r *recorder) Fatal(args ...any)        { r.Error(args...); panic(r) }

// end runs the cleanups and returns all that was told.
func (r *recorder) end() string {
	for _, f := range r.cleanups {
		f()
	}
	return r.told.String()
}

func busy(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	defer l.Close()
	io.WriteString(c.Stdout(), "listening\n")
	<-ctx.Done()
	return nil
}

func twoContainers() podnet.PodSpec {
	return podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
		{Name: "app", Run: busy},
		{Name: "late", Run: func(ctx context.Context, c *podnet.Container) error {
			time.Sleep(time.Millisecond)
			return busy(ctx, c)
		}},
	}}
}

func TestNothingIsSaidOfATestThatPasses(t *testing.T) {
	r := &recorder{TB: t}
	c := podnettest.NewCluster(r, podnet.Config{})
	require.NoError(t, podnettest.StartPod(r, c, twoContainers()).WaitListening(t.Context(), 80))
	assert.Empty(t, r.end())
	assert.ErrorIs(t, c.Apply(t.Context(), twoContainers()), podnet.ErrClosed)
}

func TestAFailedTestTellsItsStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := podnettest.NewCluster(r, podnet.Config{})
		p := podnettest.StartPod(r, c, twoContainers())
		time.Sleep(5 * time.Second)
		r.Error("got 1, want 2")
		got := r.end()
		assert.Equal(t, `got 1, want 2
the cluster at the end of the test:
Pod default/web  READY 1/2  STATUS CrashLoopBackOff  RESTARTS 1 (4s ago)  IP 10.244.0.2
  container app: running since 00:00:00.000, restarted 0 times
  container late: waiting, CrashLoopBackOff: back-off 10s restarting failed container=late pod=web_default(`+p.UID()+`), restarted 1 times, last with exit code 1 (Error)
  event 00:00:00.000 Normal  Scheduled Successfully assigned default/web to node-1
  event 00:00:00.000 Normal  Created Container created (spec.containers{app})
  event 00:00:00.000 Normal  Started Container started (spec.containers{app})
  event 00:00:00.001 Normal  Created Container created (spec.containers{late}) x2
  event 00:00:00.001 Normal  Started Container started (spec.containers{late}) x2
  event 00:00:00.002 Warning BackOff Back-off restarting failed container late in pod web_default(`+p.UID()+`) (spec.containers{late})
  socket tcp LISTEN [::]:80 (app, PID 1)
  log of app| listening
  previous log of late| listen tcp :80: bind: address already in use
  log of late| listen tcp :80: bind: address already in use

`, got)
	})
}

func TestTheStoryTellsOfInitContainersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{
			Name: "web",
			InitContainers: []podnet.ContainerSpec{
				{Name: "setup", Run: func(_ context.Context, c *podnet.Container) error {
					io.WriteString(c.Stdout(), "prepared\n")
					return nil
				}},
				{Name: "proxy", Run: busy, RestartPolicy: podnet.RestartPolicyAlways},
			},
			Containers: []podnet.ContainerSpec{{Name: "app", Run: func(ctx context.Context, c *podnet.Container) error {
				io.WriteString(c.Stdout(), "serving\n")
				<-ctx.Done()
				return nil
			}}},
		})
		require.NoError(t, p.WaitReady(t.Context()))
		synctest.Wait()
		got := podnettest.Describe(c)
		assert.Contains(t, got, `
  init container setup: terminated, Completed, exit code 0, restarted 0 times
  init container proxy: running since 00:00:00.000, restarted 0 times
  container app: running since 00:00:00.000, restarted 0 times
`)
		assert.Contains(t, got, "(spec.initContainers{setup})\n")
		assert.Contains(t, got, "\n  log of setup| prepared\n  log of proxy| listening\n  log of app| serving\n")
	})
}

func TestAProgramThatHangsFailsTheTestByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := podnettest.NewCluster(r, podnet.Config{})
		letGo := make(chan struct{})
		podnettest.StartPod(r, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "deaf", Run: func(context.Context, *podnet.Container) error {
			<-letGo
			return nil
		}}}})
		got := r.end()
		assert.True(t, r.failed)
		assert.Contains(t, got, "container default/web/deaf was killed and still runs after 5s")
		assert.Contains(t, got, "Pod default/web", "the story is told as well")
		close(letGo)
	})
}

func TestAGoroutineThatAProgramLeavesFailsTheTestByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := podnettest.NewCluster(r, podnet.Config{})
		letGo := make(chan struct{})
		podnettest.StartPod(r, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "messy", Run: func(ctx context.Context, _ *podnet.Container) error {
			go func() { go func() { <-letGo }() }() // its child's child
			<-ctx.Done()
			return nil
		}}}})
		synctest.Wait()
		got := r.end()
		assert.True(t, r.failed)
		assert.Contains(t, got, "a goroutine that container default/web/messy started still runs after 5s\n#\t")
		assert.Contains(t, got, "TestAGoroutineThatAProgramLeavesFailsTheTestByName.func1.1.1.1", "its stack is shown")
		close(letGo)
	})
}

func TestBadInputFailsTheTestAtOnce(t *testing.T) {
	r := &recorder{TB: t}
	assert.PanicsWithValue(t, r, func() { podnettest.NewCluster(r, podnet.Config{Nodes: -1}) })
	assert.Contains(t, r.told.String(), "Config.Nodes")
	c := podnettest.NewCluster(r, podnet.Config{})
	assert.PanicsWithValue(t, r, func() { podnettest.StartPod(r, c, podnet.PodSpec{Name: "web"}) })
	assert.Contains(t, r.told.String(), "spec.containers: Required value")
	r.end()
}

func TestAFailedTestTellsOfItsPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "captures")
		require.NoError(t, flag.Set("podnet.capture", dir))
		defer flag.Set("podnet.capture", "")
		r := &recorder{TB: t}
		c := podnettest.NewCluster(r, podnet.Config{PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}, ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}})
		p := podnettest.StartPod(r, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: busy}}})
		other := podnettest.StartPod(r, c, podnet.PodSpec{Name: "client", Containers: []podnet.ContainerSpec{{Name: "main", Run: busy}}})
		for range 2 {
			_, err := other.Container("main").Dial("tcp", p.IP().String()+":81")
			require.Error(t, err)
		}
		r.Error("connection refused")
		got := regexp.MustCompile(`10.244.0.3:\d+`).ReplaceAllString(r.end(), "10.244.0.3:PORT")
		assert.Contains(t, got, `
  packet 00:00:00.000 received eth0: tcp 10.244.0.3:PORT > 10.244.0.2:81 SYN
  packet 00:00:00.000 dropped  eth0: tcp 10.244.0.3:PORT > 10.244.0.2:81 SYN: no listener
  packet 00:00:00.000 sent     eth0: tcp 10.244.0.2:81 > 10.244.0.3:PORT RST ACK
`)
		assert.Contains(t, got, "\n  packet 00:00:00.000 sent     eth0 main: tcp 10.244.0.3:PORT > 10.244.0.2:81 SYN\n")
		assert.Contains(t, got, "\ndropped 2x at default/web eth0, last at 00:00:00.000: tcp 10.244.0.3:PORT > 10.244.0.2:81 SYN: no listener\n")
		file := filepath.Join(dir, "TestAFailedTestTellsOfItsPackets.pcapng")
		assert.Contains(t, got, "its last packets are in "+file+"\n")
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(b), "dropped at default/web eth0: no listener")
	})
}

func TestACaptureThatCannotBeWrittenIsToldOf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	require.NoError(t, flag.Set("podnet.capture", dir))
	defer flag.Set("podnet.capture", "")
	r := &recorder{TB: t}
	podnettest.NewCluster(r, podnet.Config{})
	r.Error("wrong")
	assert.Contains(t, r.end(), "its packets could not be written: mkdir ")
}
