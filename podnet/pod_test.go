package podnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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

// serve is a Program that answers HTTP on a port with its container's name, and
// exits like a server that cannot bind.
func serve(address string) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", address)
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, c.Name()) })}
		stop := context.AfterFunc(ctx, func() { srv.Close() })
		defer stop()
		if err := srv.Serve(l); ctx.Err() == nil {
			return err
		}
		return nil
	}
}

// untilStopped is a Program that waits for SIGTERM.
func untilStopped(ctx context.Context, c *podnet.Container) error {
	<-ctx.Done()
	return nil
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func TestContainersOfAPodShareLocalhost(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
		{Name: "app", Run: serve(":8080")},
		{Name: "sidecar", Run: untilStopped},
	}})
	other := podnettest.StartPod(t, c, podnet.PodSpec{Name: "other", Containers: []podnet.ContainerSpec{{Name: "app", Run: serve("127.0.0.1:8080")}}})
	require.NoError(t, p.WaitReady(t.Context()))
	assert.Equal(t, "10.244.0.2", p.IP().String())
	assert.Equal(t, "fd00:10:244::2", p.IPs()[1].String())
	assert.Equal(t, "10.244.0.3", other.IP().String())

	sidecar := p.Container("sidecar").HTTPClient()
	require.NoError(t, p.WaitListening(t.Context(), 8080))
	require.NoError(t, other.WaitListening(t.Context(), 8080))
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", p.IP().String(), "web"} {
		assert.Equal(t, "app", get(t, sidecar, "http://"+host+":8080/"), host)
	}
	assert.Equal(t, "app", get(t, p.HTTPClient(), "http://localhost:8080/"), "from the Pod itself")
	_, err := other.Container("app").Dial("tcp", other.IP().String()+":8080")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED, "bound to 127.0.0.1 only")
	assert.Nil(t, p.Container("nobody"))
}

// The times of a container that can never bind its port: at once, and then after
// waits that double from 10 seconds to 5 minutes.
func TestPortClashCrashLoops(t *testing.T) {
	real := time.Now()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		var begin time.Time
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "clash", Containers: []podnet.ContainerSpec{
			{Name: "first", Run: serve(":80"), Ports: []podnet.ContainerPort{{ContainerPort: 80}}},
			{Name: "second", Run: func(ctx context.Context, c *podnet.Container) error {
				if begin.IsZero() {
					begin = time.Now()
				}
				starts = append(starts, time.Since(begin).Round(time.Second))
				return serve(":80")(ctx, c)
			}, Ports: []podnet.ContainerPort{{ContainerPort: 80}}},
		}})
		time.Sleep(2 * time.Hour)
		synctest.Wait()

		var waits []time.Duration
		for i := 1; i < len(starts); i++ {
			waits = append(waits, starts[i]-starts[i-1])
		}
		want := []time.Duration{0, 10, 20, 40, 80, 160}
		for range 22 {
			want = append(want, 300)
		}
		for i := range want {
			want[i] *= time.Second
		}
		assert.Equal(t, want, waits)

		status, _ := p.Status().Container("second")
		require.NotNil(t, status.State.Waiting)
		assert.Equal(t, "CrashLoopBackOff", status.State.Waiting.Reason)
		assert.Equal(t, "back-off 5m0s restarting failed container=second pod=clash_default("+p.UID()+")", status.State.Waiting.Message)
		assert.Equal(t, 1, status.LastTermination.ExitCode)
		assert.Equal(t, len(starts)-1, status.RestartCount)
		assert.Equal(t, "listen tcp :80: bind: address already in use\n", p.Container("second").Logs())
		assert.Equal(t, "CrashLoopBackOff", p.Status().Columns.Status)
		assert.Equal(t, "1/2", p.Status().Columns.Ready)
		assert.Equal(t, "first", get(t, p.HTTPClient(), "http://localhost/"), "the first serves on")

		reasons := map[string]int{}
		for _, e := range p.Events() {
			reasons[e.Reason+" "+e.FieldPath] += e.Count
		}
		assert.Equal(t, 1, reasons["Started spec.containers{first}"])
		assert.Equal(t, len(starts), reasons["Started spec.containers{second}"])
		assert.Positive(t, reasons["BackOff spec.containers{second}"])
	})
	t.Log("two hours passed in", time.Since(real))
}

// The first container of the spec binds first: always in a bubble, and in plain
// time unless it dawdles.
func TestTheFirstInTheSpecBindsFirst(t *testing.T) {
	for i := range 200 {
		synctest.Test(t, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{Seed: uint64(i)})
			p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "clash", Containers: []podnet.ContainerSpec{
				{Name: "first", Run: serve(":80")}, {Name: "second", Run: serve(":80")},
			}})
			synctest.Wait()
			require.Len(t, p.Sockets(), 1)
			require.Equal(t, "first", p.Sockets()[0].Container)
		})
	}
}

func TestKilledContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		var run int
		crash := make(chan struct{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
			{Name: "server", Run: func(ctx context.Context, c *podnet.Container) error {
				run++
				l, err := c.Listen("tcp", ":8080")
				if err != nil {
					return err
				}
				for range 2 {
					if _, err := l.Accept(); err != nil {
						return err
					}
				}
				<-crash
				return errors.New("segmentation fault")
			}},
			{Name: "client", Run: untilStopped},
			{Name: "bystander", Run: serve(":9090")},
		}})
		synctest.Wait()
		ip := p.IP()
		client := p.Container("client")
		keep := get(t, client.HTTPClient(), "http://localhost:9090/")
		kept, err := client.Dial("tcp", "localhost:9090")
		require.NoError(t, err)
		idle, err := client.Dial("tcp", "localhost:8080")
		require.NoError(t, err)
		unread, err := client.Dial("tcp", "localhost:8080")
		require.NoError(t, err)
		unread.Write([]byte("nobody reads this"))
		synctest.Wait()

		crash <- struct{}{}
		_, err = idle.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		_, err = unread.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		synctest.Wait()
		assert.Equal(t, 2, run, "it was restarted and bound its port again")
		again, err := client.Dial("tcp", "localhost:8080")
		require.NoError(t, err)
		defer again.Close()
		assert.Equal(t, ip, p.IP())
		assert.Equal(t, "bystander", keep)
		_, err = kept.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
		require.NoError(t, err)
		answer, err := io.ReadAll(kept)
		require.NoError(t, err, "the other container's connection stays")
		assert.Contains(t, string(answer), "bystander")

		second, err := client.Dial("tcp", "localhost:8080")
		require.NoError(t, err)
		defer second.Close()
		synctest.Wait()
		crash <- struct{}{} // and down again, in back-off now
		synctest.Wait()
		_, err = client.Dial("tcp", "localhost:8080")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		assert.ErrorContains(t, err, "dial tcp [::1]:8080: connect: connection refused")
		_, err = p.Container("server").Dial("tcp", "localhost:9090")
		assert.ErrorIs(t, err, podnet.ErrNotRunning)
		assert.EqualError(t, err, "dial tcp: container is not running")
	})
}

// A Program may ask its Pod at once, and look at the name of a Pod that it waits
// for elsewhere.
func TestAProgramAsksItsPodAtOnce(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	for i := range 50 {
		podnettest.StartPod(t, c, podnet.PodSpec{Name: fmt.Sprint("p", i), Containers: []podnet.ContainerSpec{{Name: "curious", Run: func(ctx context.Context, c *podnet.Container) error {
			if !c.Pod().IP().IsValid() || c.Pod().Status().Phase == "" {
				return errors.New("nothing is known")
			}
			return untilStopped(ctx, c)
		}}}})
	}
}

// What a caller does with its spec afterwards is nothing to the Pod.
func TestASpecIsCopied(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	spec := podnet.PodSpec{Name: "web", Labels: map[string]string{"a": "1"}, Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped, Env: []podnet.EnvVar{{Name: "A", Value: "1"}}}}}
	p := podnettest.StartPod(t, c, spec)
	spec.Containers[0].Env[0].Value, spec.Labels["a"] = "2", "2"
	assert.Equal(t, "1", p.Spec().Containers[0].Env[0].Value)
	assert.ErrorContains(t, c.Apply(t.Context(), spec), "may not change")
}

func TestWaitListeningBeforeThereIsASandbox(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	require.NoError(t, c.Apply(t.Context(), podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "a", Run: serve(":80")}}}))
	require.NoError(t, c.Pod("", "web").WaitListening(t.Context(), 80))
}

func TestExitCodes(t *testing.T) {
	for name, tt := range map[string]struct {
		run  podnet.Program
		code int
		log  string
	}{
		"nil is 0":      {func(context.Context, *podnet.Container) error { return nil }, 0, ""},
		"an error is 1": {func(context.Context, *podnet.Container) error { return errors.New("no config") }, 1, "no config\n"},
		"ExitError has a code": {func(context.Context, *podnet.Container) error {
			return fmt.Errorf("wrapped: %w", podnet.ExitError{Code: 42})
		}, 42, ""},
		"a panic is 2": {func(context.Context, *podnet.Container) error { panic("oh no") }, 2, "panic: oh no\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{})
			p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "job", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{{Name: "main", Run: tt.run}}})
			var status podnet.ContainerStatus
			require.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool {
				status, _ = s.Container("main")
				return status.State.Terminated != nil
			}))
			assert.Equal(t, tt.code, status.State.Terminated.ExitCode)
			assert.True(t, strings.HasPrefix(p.Container("main").Logs(), tt.log), p.Container("main").Logs())
			if tt.log == "" {
				assert.Empty(t, p.Container("main").Logs())
			}
			phase := podnet.PodFailed
			if tt.code == 0 {
				phase = podnet.PodSucceeded
			}
			require.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool { return s.Phase == phase }))
		})
	}
}

func TestCloseNamesAProgramThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := podnet.NewCluster(podnet.Config{})
		require.NoError(t, err)
		letGo := make(chan struct{})
		_, err = c.StartPod(t.Context(), podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
			{Name: "good", Run: untilStopped},
			{Name: "stubborn", Run: func(context.Context, *podnet.Container) error { <-letGo; return nil }},
		}})
		require.NoError(t, err)
		synctest.Wait()
		start := time.Now()
		err = c.Close()
		assert.ErrorContains(t, err, "podnet: close: container default/web/stubborn was killed and still runs after 5s: its Program ignores its context\n#\t")
		assert.ErrorContains(t, err, "TestCloseNamesAProgramThatIgnoresItsContext", "its stack is shown")
		assert.NotContains(t, err.Error(), "good")
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Equal(t, err, c.Close(), "a second Close says the same")
		_, err = c.StartPod(t.Context(), podnet.PodSpec{Name: "late", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
		assert.ErrorIs(t, err, podnet.ErrClosed)
		close(letGo)
	})
}

func TestImageWithoutAProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Image: "ngnix:1.29"}}})
		assert.ErrorContains(t, err, "podnet: start Pod default/web: container app: ErrImagePull: ")
		assert.ErrorContains(t, err, "HandleImage")
		require.NotNil(t, p)
		require.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool { return s.Columns.Status == "ImagePullBackOff" }))
		c.HandleImage("ngnix", untilStopped)
		start := time.Now()
		require.NoError(t, p.WaitReady(t.Context()))
		assert.LessOrEqual(t, time.Since(start), 20*time.Second, "it is found at the next try")
	})
}

func TestWaitListening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "slow", Run: func(ctx context.Context, c *podnet.Container) error {
			time.Sleep(time.Minute)
			return serve("127.0.0.1:80")(ctx, c)
		}}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.WaitListening(ctx, 80)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.EqualError(t, err, "podnet: wait for Pod default/web: no listener on TCP port 80: context deadline exceeded (STATUS Running, READY 1/1)")
		start := time.Now()
		require.NoError(t, p.WaitListening(t.Context(), 80))
		assert.Equal(t, 59*time.Second, time.Since(start))
		done := make(chan error)
		go func() { done <- p.WaitListening(t.Context(), 81) }()
		synctest.Wait()
		require.NoError(t, p.Delete(t.Context()))
		assert.ErrorIs(t, <-done, net.ErrClosed)
	})
}

func TestNoAddressLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.0.0.0/30")})
		first := podnettest.StartPod(t, c, podnet.PodSpec{Name: "first", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
		second, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "second", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
		assert.ErrorContains(t, err, "podnet: start Pod default/second: failed to create pod sandbox: ")
		assert.ErrorContains(t, err, "no IP addresses available in range set: 10.0.0.1-10.0.0.2")
		require.NoError(t, first.Delete(t.Context()))
		require.NoError(t, second.WaitReady(t.Context()), "it gets the address that became free")
		assert.Equal(t, "10.0.0.2", second.IP().String())
	})
}
