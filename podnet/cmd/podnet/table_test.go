package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func wait(ctx context.Context, _ *podnet.Container) error {
	<-ctx.Done()
	return nil
}

func fail(context.Context, *podnet.Container) error { return podnet.ExitError{Code: 1} }

func sources(specs ...podnet.PodSpec) []source {
	var pods []source
	for _, s := range specs {
		pods = append(pods, source{file: "pods.yaml", spec: s})
	}
	return pods
}

// runSpecs runs Pods as `podnet run` does.
func runSpecs(ctx context.Context, flags runFlags, specs ...podnet.PodSpec) (stdout string, err error) {
	var out lockedBuffer
	a := &app{stdout: &out, stderr: io.Discard, images: testImages()}
	err = a.runPods(ctx, sources(specs...), nil, flags)
	return out.String(), err
}

// rowsOf returns the lines of the table in an output, without those at its end.
func rowsOf(stdout string) []string { return rows.FindAllString(stdout, -1) }

func TestEachChangeIsALineWhereThereIsNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdout, err := runSpecs(t.Context(), runFlags{duration: 25 * time.Second}, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{
			{Name: "app", Run: wait}, {Name: "bad", Run: fail},
		}})
		assert.Error(t, err)
		assert.Equal(t, `
NAME   READY   STATUS              RESTARTS   AGE
web    0/2     ContainerCreating   0          0s
`[1:], strings.Join(rowsOf(stdout)[:2], ""))
		var columns [][]string
		for _, row := range rowsOf(stdout)[1:] {
			columns = append(columns, strings.Fields(row)[1:4])
		}
		for i := 1; i < len(columns); i++ {
			assert.NotEqual(t, columns[i-1], columns[i], "a line without a change")
		}
		var between [][]string // the first restart and the end
		for _, c := range columns {
			if c[2] != "0" && c[1] != "Terminating" {
				between = append(between, c)
			}
		}
		assert.Equal(t, [][]string{
			{"2/2", "Running", "1"}, {"1/2", "Error", "1"}, {"1/2", "CrashLoopBackOff", "1"},
			{"2/2", "Running", "2"}, {"1/2", "Error", "2"}, {"1/2", "CrashLoopBackOff", "2"},
			{"0/2", "Error", "2"},
		}, between)
		assert.Contains(t, stdout, "\nweb    2/2     Running             2 (10s ago)   10s\n")
	})
}

func TestTheTableOnATerminalGoesOnByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTerminal(t, 80, 24)
		a := &app{stdout: f, stderr: f, images: testImages(), size: f.size}
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		done := make(chan error)
		go func() {
			done <- a.runPods(ctx, sources(
				podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: wait}}},
				podnet.PodSpec{Name: "bad", Containers: []podnet.ContainerSpec{{Name: "app", Run: fail}}},
			), nil, runFlags{})
		}()
		time.Sleep(5*time.Second + time.Millisecond)
		assert.Equal(t, `
NAME   READY   STATUS              RESTARTS     AGE
bad    0/1     CrashLoopBackOff    1 (5s ago)   5s
web    1/1     Running             0            5s
`[1:], f.tail(3))
		writes := f.written()
		time.Sleep(3 * time.Second)
		assert.Equal(t, `
NAME   READY   STATUS              RESTARTS     AGE
bad    0/1     CrashLoopBackOff    1 (8s ago)   8s
web    1/1     Running             0            8s
`[1:], f.tail(3))
		assert.Equal(t, 3, f.written()-writes, "one a second")
		interrupt()
		require.Error(t, <-done)
		assert.Equal(t, 1, strings.Count(f.String(), "READY"), "only the table of the end is left: %s", f)
		assert.True(t, strings.HasSuffix(f.tail(5), "MESSAGE\n  app    Running   -        0          -            -\n"), f.tail(5))
	})
}

func TestDeletedPodsLeaveTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTerminal(t, 80, 24)
		a := &app{stdout: f, stderr: f, images: testImages(), size: f.size}
		done := make(chan error)
		slow := &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 10}}}
		go func() {
			done <- a.runPods(t.Context(), sources(
				podnet.PodSpec{Name: "quick", Containers: []podnet.ContainerSpec{{Name: "app", Run: wait}}},
				podnet.PodSpec{Name: "slow", Namespace: "prod", Containers: []podnet.ContainerSpec{{Name: "app", Run: wait, Lifecycle: slow}}},
			), nil, runFlags{duration: 5 * time.Second})
		}()
		time.Sleep(7*time.Second + time.Millisecond)
		assert.Equal(t, `
NAMESPACE   NAME    READY   STATUS              RESTARTS   AGE
prod        slow    1/1     Terminating         0          7s
`[1:], f.tail(2))
		require.NoError(t, <-done)
	})
}

// ending is a Pod that ends in steps: the app's hook, the app, the sidecars.
func ending() podnet.PodSpec {
	wait := func(ctx context.Context, c *podnet.Container) error {
		<-ctx.Done()
		_, err := io.WriteString(c.Stdout(), "goodbye\n")
		return err
	}
	return podnet.PodSpec{
		Name: "web",
		InitContainers: []podnet.ContainerSpec{
			{Name: "proxy", Run: wait, RestartPolicy: podnet.RestartPolicyAlways},
			{Name: "logs", Run: wait, RestartPolicy: podnet.RestartPolicyAlways},
		},
		Containers: []podnet.ContainerSpec{{Name: "app", Run: wait, Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 10}}}}},
	}
}

func TestTheEndIsGraceful(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags runFlags
		cut   time.Duration // when the run is interrupted
	}{
		{"after --for", runFlags{duration: time.Minute}, 0},
		{"after an interrupt", runFlags{}, time.Minute},
		{"after --for, whatever is interrupted then", runFlags{duration: time.Minute}, 65 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				if tt.cut > 0 {
					time.AfterFunc(tt.cut, interrupt)
				}
				start := time.Now()
				stdout, err := runSpecs(ctx, tt.flags, ending())
				require.NoError(t, err)
				assert.Equal(t, 70*time.Second, time.Since(start).Round(time.Second))
				rest := stdout
				for _, next := range []string{
					" Killing    app: Stopping container app\n", "app   | goodbye\n", "logs  | goodbye\n", "proxy | goodbye\n",
					"\n\nNAME   READY   STATUS    RESTARTS   AGE   IP\nweb    3/3     Running   0          60s ",
				} {
					_, after, ok := strings.Cut(rest, next)
					assert.True(t, ok, "%q is not there, or too early: %s", next, stdout)
					rest = after
				}
				for _, row := range []string{"3/3     Terminating       0          60s", "2/3     Terminating       0          70s", "1/3     Terminating       0          70s", "0/3     Completed         0          70s"} {
					assert.Contains(t, stdout, "\nweb    "+row+"\n")
				}
			})
		})
	}
}

func TestTheSecondInterruptEndsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, log lockedBuffer
		power := make(chan struct{})
		a := &app{stdout: &out, stderr: &log, images: testImages(), catch: func(ctx context.Context) (context.Context, <-chan struct{}, func()) {
			ctx, interrupt := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, interrupt)
			time.AfterFunc(time.Minute+3*time.Second, func() { close(power) })
			return ctx, power, interrupt
		}}
		start := time.Now()
		require.NoError(t, a.runPods(t.Context(), sources(ending()), nil, runFlags{}))
		assert.Equal(t, 63*time.Second, time.Since(start))
		assert.Equal(t, "podnet: deleting the Pods; interrupt again to kill them\n", log.String())
		assert.NotContains(t, out.String(), "goodbye")
		assert.True(t, slices.ContainsFunc(rowsOf(out.String()), func(row string) bool { return strings.Contains(row, "Terminating") }))
	})
}

func TestConfigMapsAndSecretsComeBeforeThePods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		a := &app{stdout: &out, stderr: io.Discard, images: testImages()}
		others := []other{
			{"data.yaml", podnet.ConfigMapSpec{Name: "settings", Data: map[string]string{"COLOUR": "blue"}}},
			{"data.yaml", podnet.SecretSpec{Name: "password", StringData: map[string]string{"WORD": "sesame"}}},
		}
		require.NoError(t, a.runPods(t.Context(), sources(podnet.PodSpec{
			Name: "p", RestartPolicy: podnet.RestartPolicyNever,
			Containers: []podnet.ContainerSpec{{
				Name: "c", EnvFrom: []podnet.EnvFromSource{
					{ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "settings"}}, {SecretRef: &podnet.SecretEnvSource{Name: "password"}},
				},
				Run: func(_ context.Context, c *podnet.Container) error {
					_, err := io.WriteString(c.Stdout(), c.Getenv("COLOUR")+" "+c.Getenv("WORD")+"\n")
					return err
				},
			}},
		}), others, runFlags{}))
		assert.Contains(t, out.String(), "c | blue sesame\n")
	})
}
