package podnet_test

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
			{Name: "server", Run: serve(":80")}, {Name: "client", Run: untilStopped},
		}})
		synctest.Wait()
		server, ip := p.Container("server"), p.IP()
		conn, err := p.Container("client").Dial("tcp", "localhost:80")
		require.NoError(t, err)
		synctest.Wait() // the connection is accepted
		require.NoError(t, server.Kill())
		_, err = conn.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		synctest.Wait()
		status := server.Status()
		assert.Equal(t, 1, status.RestartCount)
		assert.Equal(t, 137, status.LastTermination.ExitCode)
		assert.Equal(t, "Error", status.LastTermination.Reason)
		require.NoError(t, server.Signal(1, podnet.SIGKILL), "from outside that is the same")
		synctest.Wait()
		assert.ErrorIs(t, server.Kill(), podnet.ErrNotRunning, "it is in back-off")
		assert.Equal(t, ip, p.IP())

		p.KillSandbox()
		synctest.Wait()
		assert.NotEqual(t, ip, p.IP())
		assert.True(t, slices.ContainsFunc(p.Events(), func(e podnet.Event) bool { return e.Reason == "SandboxChanged" }))
		require.NoError(t, p.WaitReady(t.Context()))
	})
}

func TestADeletionGoesOnWithoutItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "deaf", Run: func(ctx context.Context, c *podnet.Container) error {
			<-c.Killed()
			return nil
		}}}}
		p := podnettest.StartPod(t, c, spec)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, p.Delete(ctx), context.DeadlineExceeded)
		_, err := c.StartPod(t.Context(), spec)
		assert.ErrorIs(t, err, podnet.ErrDeleting)
		assert.EqualError(t, err, "podnet: apply Pod default/web: object is being deleted: one of this name still exists")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		assert.Nil(t, c.Pod("", "web"))
		assert.NotEqual(t, p.UID(), podnettest.StartPod(t, c, spec).UID())
		require.NoError(t, p.Delete(t.Context()), "it is gone already")
	})
}

func TestDelete(t *testing.T) {
	seconds := int64(5)
	for name, tt := range map[string]struct {
		run   podnet.Program
		takes time.Duration
		code  int
		hangs bool
	}{
		"a Program that heeds SIGTERM": {untilStopped, 0, 0, false},
		"one that returns the context's error": {func(ctx context.Context, c *podnet.Container) error {
			<-ctx.Done()
			return ctx.Err()
		}, 0, 143, false},
		"one that takes its time": {func(ctx context.Context, c *podnet.Container) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			return nil
		}, 3 * time.Second, 0, false},
		"one that goes on until it is killed": {func(ctx context.Context, c *podnet.Container) error {
			<-c.Killed()
			return nil
		}, 5 * time.Second, 137, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := podnettest.NewCluster(t, podnet.Config{})
				p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", TerminationGracePeriodSeconds: &seconds,
					Containers: []podnet.ContainerSpec{{Name: "main", Run: tt.run}}})
				synctest.Wait()
				start := time.Now()
				require.NoError(t, p.Delete(t.Context()))
				assert.Equal(t, tt.takes, time.Since(start))
				status, _ := p.Status().Container("main")
				require.NotNil(t, status.State.Terminated)
				assert.Equal(t, tt.code, status.State.Terminated.ExitCode)
				assert.Nil(t, c.Pod("", "web"))
				_, err := p.Dial("tcp", "localhost:80")
				assert.ErrorIs(t, err, podnet.ErrNotRunning)
				again := podnettest.StartPod(t, c, p.Spec())
				assert.NotEqual(t, p.UID(), again.UID())
				assert.NotEqual(t, p.IP(), again.IP())
			})
		})
	}
}

func TestAKilledProcessDoesNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		zero := int64(0)
		var after []error
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", TerminationGracePeriodSeconds: &zero, Containers: []podnet.ContainerSpec{
			{Name: "zombie", Run: func(ctx context.Context, c *podnet.Container) error {
				l, err := c.Listen("tcp", ":80")
				require.NoError(t, err)
				log, err := c.FS().OpenFile("/dev/stdout", os.O_WRONLY, 0)
				require.NoError(t, err)
				<-c.Killed()
				_, err = io.WriteString(c.Stdout(), "from the grave")
				after = append(after, err)
				_, err = log.Write([]byte("from the grave"))
				after = append(after, err)
				c.FS().WriteFile("/dev/stdout", []byte("from the grave"), 0)
				_, err = l.Accept()
				after = append(after, err)
				_, err = c.Listen("tcp", ":80")
				after = append(after, err)
				_, err = c.Dial("tcp", "localhost:80")
				after = append(after, err)
				_, err = c.Exec(ctx, "sh")
				after = append(after, err)
				return nil
			}},
		}})
		synctest.Wait()
		require.NoError(t, p.Delete(t.Context()))
		synctest.Wait()
		require.Len(t, after, 6)
		for _, err := range after {
			assert.Error(t, err)
		}
		assert.ErrorIs(t, after[2], net.ErrClosed)
		assert.ErrorIs(t, after[3], podnet.ErrNotRunning)
		assert.Empty(t, p.Container("zombie").Logs())
	})
}
