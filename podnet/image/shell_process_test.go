package image_test

import (
	"context"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/podnettest"
)

// Hours of sleeping pass at once, in pipelines too.
func TestSleepTakesVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		for script, want := range map[string]time.Duration{
			"sleep 3600 | cat": time.Hour,
			"sleep 1h 30m":     90 * time.Minute,
			"sleep 0.5":        500 * time.Millisecond,
			"(sleep 60; echo a) | while read x; do sleep 60; done": 2 * time.Minute,
			"x=$(sleep 10; echo y); sleep 5 & sleep 3; wait":       15 * time.Second,
			"timeout 20 sleep 1d":                                  20 * time.Second,
			"timeout -s KILL 20 sleep 1d":                          20 * time.Second,
			"read -t 7 x < /dev/null; sleep 9 | read -t 7 x":       9 * time.Second,
		} {
			begin := time.Now()
			_, err := c.Exec(t.Context(), "sh", "-c", script)
			require.NoError(t, err)
			assert.Equal(t, want, time.Since(begin), script)
		}
	})
}

func TestTimeoutTellsHowItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		r := sh(t, c, "timeout 1 sleep 9; echo $?; timeout -s KILL 1 sleep 9; echo $?; timeout -k 2 1 sh -c 'trap \"\" TERM; sleep 9; sleep 9'; echo $?")
		assert.Equal(t, "143\n137\n137\n", r.Stdout)
	})
}

// tail -f sees what is written hours later, a truncation, and with -F a file
// that comes, goes and comes again.
func TestTailFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		sh(t, c, "echo one > /tmp/a; tail -f /tmp/a > /tmp/out 2>&1 & tail -F /tmp/b > /tmp/outF 2>&1 &")
		time.Sleep(time.Hour)
		sh(t, c, "echo two >> /tmp/a; echo b1 > /tmp/b")
		time.Sleep(time.Hour)
		sh(t, c, "echo three > /tmp/a; mv /tmp/b /tmp/b.1; echo b2 > /tmp/b")
		time.Sleep(time.Hour)
		sh(t, c, "echo b3 >> /tmp/b; rm /tmp/b; sleep 5; echo b4 > /tmp/b")
		time.Sleep(time.Hour)
		r := sh(t, c, "cat /tmp/out /tmp/outF")
		assert.Equal(t, "one\ntwo\nthree\n"+
			"tail: can't open '/tmp/b': No such file or directory\n"+
			"tail: /tmp/b has appeared; following end of new file\nb1\n"+
			"tail: /tmp/b has been replaced; following end of new file\nb2\nb3\n"+
			"tail: /tmp/b has been renamed or deleted: No such file or directory\n"+
			"tail: /tmp/b has been replaced; following end of new file\nb4\n", r.Stdout)
	})
}

func TestOutputThatNobodyReadsEndsTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		r := sh(t, c, "echo x > /tmp/f; (sleep 1; echo y >> /tmp/f) & tail -f /tmp/f | head -n 1; pidof tail || echo gone")
		assert.Equal(t, "x\ngone\n", r.Stdout)
	})
}

// PID 1 does not get a SIGTERM that it does not handle, and is killed at the end
// of the grace period; a trap ends it at once.
func TestStoppingAContainer(t *testing.T) {
	tests := []struct {
		name    string
		image   string
		command []string
		code    int
		after   time.Duration
	}{
		{"a plain command", "busybox", []string{"sleep", "3600"}, 137, 30 * time.Second},
		{"a shell without a trap", "busybox", []string{"sh", "-c", "sleep 3600; echo no"}, 137, 30 * time.Second},
		{"a shell that execs", "busybox", []string{"sh", "-c", "exec sleep 3600"}, 137, 30 * time.Second},
		{"a trap while waiting", "alpine", []string{"sh", "-c", "trap 'echo bye; exit 3' TERM; sleep 3600 & wait"}, 3, 0},
		{"a trap between commands", "alpine", []string{"sh", "-c", "trap 'exit 4' TERM; while :; do sleep 4; done"}, 4, 2 * time.Second},
		{"a trap behind a long command", "alpine", []string{"sh", "-c", "trap 'exit 5' TERM; sleep 3600"}, 137, 30 * time.Second},
		{"nginx", "nginx", nil, 0, 0},
		{"nginx behind exec", "nginx", []string{"sh", "-c", "exec nginx -g 'daemon off;'"}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ends []podnet.ContainerStateTerminated
				c := start(t, podnet.ContainerSpec{Image: tt.image, Command: tt.command})
				time.Sleep(10 * time.Second)
				begin := time.Now()
				require.NoError(t, c.Pod().Delete(t.Context()))
				if s := c.Status().State.Terminated; s != nil {
					ends = append(ends, *s)
				}
				require.Len(t, ends, 1)
				assert.Equal(t, tt.code, ends[0].ExitCode)
				assert.Equal(t, tt.after, ends[0].FinishedAt.Sub(begin))
			})
		})
	}
}

func TestDefaultCommandEndsAtOnce(t *testing.T) {
	for _, name := range []string{"alpine", "busybox", "busybox:1.37"} {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, podnet.ContainerSpec{Image: name})
			time.Sleep(time.Second)
			require.NotNil(t, c.Status().State.Terminated, name)
			assert.Zero(t, c.Status().State.Terminated.ExitCode, name)
		})
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, podnet.ContainerSpec{Image: "alpine", Command: []string{"nosuch"}})
		time.Sleep(time.Second)
		require.NotNil(t, c.Status().State.Terminated)
		assert.Equal(t, 127, c.Status().State.Terminated.ExitCode)
		assert.Equal(t, "exec: \"nosuch\": executable file not found in $PATH\n", c.Logs())
	})
}

// Every command is a process with its PID; a killed one is gone.
func TestProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		sh(t, c, "sleep 100 & sleep 100 | cat &")
		synctest.Wait()
		r := sh(t, c, "ps; pidof sleep | wc -w; pgrep -f '^sleep 100' | wc -l")
		lines := strings.Split(strings.TrimSpace(r.Stdout), "\n")
		assert.Equal(t, "PID   USER     TIME  COMMAND", lines[0])
		assert.Equal(t, "    1 root      0:00 sleep infinity", lines[1])
		assert.Equal(t, []string{"3", "2"}, lines[len(lines)-2:])
		assert.Contains(t, r.Stdout, " cat\n")

		r = sh(t, c, "kill $(pgrep -f '^sleep 100'); sleep 1; pidof sleep")
		assert.Equal(t, "1\n", r.Stdout)
		assert.ErrorIs(t, c.Signal(99, podnet.SIGTERM), syscall.ESRCH)
		r = sh(t, c, "kill -9 1; kill 1; sleep 1; echo still here")
		assert.Equal(t, "still here\n", r.Stdout)
	})
}

// A cluster's end ends every command at once, whatever it waits for.
func TestCloseEndsEveryCommand(t *testing.T) {
	scripts := []string{
		"sleep infinity", "sleep 1d | cat", "tail -f /dev/null", "tail -F /nonex", "nc -l -p 99", "nc -lu -p 98", "yes > /dev/null", "while :; do :; done",
		"trap '' TERM; while :; do sleep 1; done", "wget -q -O - http://127.0.0.1:97/", "curl -s http://127.0.0.1:97/", "nc 127.0.0.1 97", "cat | cat | cat",
		"sleep 1d & wait", "read x < /dev/null; (sleep 1d)", "x=$(sleep 1d)", "timeout 1d sleep 1d", "echo a | xargs -I{} sleep 1d", "nginx -g 'daemon off;'", "env sleep 1d",
	}
	cluster, err := podnet.NewCluster(podnet.Config{Images: image.Standard()})
	require.NoError(t, err)
	pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", Containers: []podnet.ContainerSpec{{Name: "c", Image: "nginx", Command: []string{"sh", "-c", "nc -l -p 97 -e sleep 1d"}}}})
	ended := make(chan error)
	for _, s := range scripts {
		go func() {
			_, err := pod.Container("c").Exec(context.Background(), "sh", "-c", s)
			ended <- err
		}()
	}
	for range 100 {
		runtime.Gosched()
	}
	require.NoError(t, cluster.Close())
	for range scripts {
		<-ended
	}
}

// Nothing of the machine that runs the test is to be seen.
func TestContainerCannotSeeTheHost(t *testing.T) {
	t.Setenv("PODNET_SECRET", "host")
	t.Setenv("HOME", "/host")
	t.Setenv("PATH", "/host/bin")
	t.Setenv("TZ", "Asia/Tokyo")
	c := idle(t, "alpine")
	r := sh(t, c, "env; set; echo ~ ~daemon; cat /etc/passwd; ls /; pwd; date +%Z; hostname; cat /proc/self/environ; which go git; . /etc/profile; echo $$")
	for _, word := range []string{"PODNET_SECRET", "/host", "JST", "daemon:", "work"} {
		assert.NotContains(t, r.Stdout, word)
	}
	r = sh(t, c, "echo $HOME $PATH; pwd; date +%Z; hostname; echo *")
	assert.Equal(t, "/root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/\nUTC\npod\nbin dev etc home proc root run sbin tmp usr var\n", r.Stdout)
}

func TestShellSeesItsOwnProcess(t *testing.T) {
	c := idle(t, "alpine")
	r := sh(t, c, `echo $$ $(sh -c 'echo $PPID'); (echo $$); sh -c 'echo $$ $PPID'; :`)
	fields := strings.Fields(r.Stdout)
	require.Len(t, fields, 5)
	assert.Equal(t, fields[0], fields[1], "the child's parent")
	assert.Equal(t, fields[0], fields[2], "a subshell has the shell's $$")
	assert.NotEqual(t, fields[0], fields[3])
	assert.Equal(t, fields[0], fields[4])
}

func TestDescribe(t *testing.T) {
	for _, name := range []string{"nginx", "nginx:1.29", "docker.io/library/nginx:latest", "library/nginx@sha256:abc"} {
		info, ok := image.Describe(name)
		require.True(t, ok, name)
		assert.Equal(t, image.Info{Ports: []image.Port{{Number: 80, Protocol: podnet.ProtocolTCP}}, LogDirs: []string{"/var/log/nginx"}}, info)
	}
	_, ok := image.Describe("registry:5000/nginx")
	assert.False(t, ok)
	for name := range image.Standard() {
		_, ok := image.Describe(name)
		assert.True(t, ok, name)
	}
}
