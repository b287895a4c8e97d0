package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// runVirtual runs `podnet run -` in a bubble and returns how long it took there.
func runVirtual(t *testing.T, manifest string, args ...string) (got result, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		got = podnetWith(t.Context(), manifest, append([]string{"run", "-"}, args...)...)
		took = time.Since(start)
	})
	return got, took
}

func TestRunShowsLogsEventsAndStatus(t *testing.T) {
	got, took := runVirtual(t, pod("web", `
  containers:
  - {name: app, image: nginx}
  - {name: sidecar, image: alpine, args: ["wait"]}
`[1:]), "--for", "90s")
	assert.Equal(t, 0, got.code)
	assert.Equal(t, 90*time.Second, took)
	assert.Empty(t, got.stderr)
	assert.Equal(t, `
NAME   READY   STATUS    RESTARTS   AGE   IP
web    2/2     Running   0          90s   10.244.0.2

Containers of web:
  NAME      STATE     REASON   RESTARTS   LAST STATE   MESSAGE
  app       Running   -        0          -            -
  sidecar   Running   -        0          -            -
`, got.stdout[strings.Index(got.stdout, "\n\nNAME")+1:])
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Local().Format("15:04:05") // where a bubble's time begins
	assert.Contains(t, got.stdout, now+" Normal  Scheduled  web: Successfully assigned default/web to node-1\n")
	assert.Contains(t, got.stdout, now+" Normal  Started    app: Container started\n")
	assert.Contains(t, got.stdout, "\napp     | ready\n")
}

func TestRunShowsALifeThatIsAllInTheManifest(t *testing.T) {
	got, took := runVirtual(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {GREETING: hello}
---
`[1:]+pod("web", `
  initContainers:
  - {name: prepare, image: alpine, args: ["echo $(GREETING)"], envFrom: [{configMapRef: {name: words}}]}
  - name: proxy
    image: nginx
    restartPolicy: Always
    startupProbe: {httpGet: {path: /, port: 80}, periodSeconds: 3}
  containers:
  - name: app
    image: alpine
    args: ["wait"]
    readinessProbe: {tcpSocket: {port: 80}}
    lifecycle: {preStop: {sleep: {seconds: 7}}}
`[1:]), "--for", "20s")
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Equal(t, 27*time.Second, took, "the preStop hook is part of the end")
	assert.Contains(t, got.stdout, "\nprepare | hello\n")
	var rows []string
	for line := range strings.Lines(got.stdout) {
		if f := strings.Fields(line); len(f) == 5 && f[0] == "web" {
			rows = append(rows, strings.Join(f[1:], " "))
		}
	}
	assert.Equal(t, []string{
		"0/2 Init:0/2 0 0s", "0/2 Init:1/2 0 0s", "1/2 PodInitializing 0 3s", "1/2 Running 0 3s", "2/2 Running 0 3s",
		"2/2 Terminating 0 20s", "1/2 Terminating 0 27s", "0/2 Terminating 0 27s", "0/2 Completed 0 27s",
	}, rows)
}

func TestRunEndsWhenEveryPodHasEnded(t *testing.T) {
	manifest := pod("a", "  restartPolicy: Never\n  containers: [{name: c, image: alpine, args: [echo done]}]\n") + "---\n" +
		pod("b", "  restartPolicy: OnFailure\n  containers: [{name: c, image: alpine}]\n")
	for _, args := range [][]string{nil, {"--for", "1h"}} {
		got, took := runVirtual(t, manifest, args...)
		assert.Equal(t, 0, got.code)
		assert.Less(t, took, time.Minute)
		assert.Contains(t, got.stdout, "a/c | done\n", "without a newline, and with the Pod's name")
		assert.Contains(t, got.stdout, "Normal  Scheduled  b: ")
		assert.Contains(t, got.stdout, "Normal  Started    b/c: ")
		assert.Contains(t, got.stdout, "\na      0/1     Completed   0          0s    10.244.0.")
		assert.Contains(t, got.stdout, "\n  c      Terminated   Completed (exit code 0)   0          -            -\n")
	}
}

func TestRunFailsWithAPod(t *testing.T) {
	for _, tt := range []struct {
		name, spec, want string
	}{
		{"its phase is Failed", "  restartPolicy: Never\n  containers: [{name: c, image: alpine, args: [fail oh]}]\n",
			"podnet: Pod p failed: container c: Error, exit code 3\n"},
		{"a container crash-loops", "  containers: [{name: c, image: alpine, args: [fail oh]}, {name: d, image: nginx}]\n",
			"podnet: Pod p failed: container c: CrashLoopBackOff, ended with exit code 3\n"},
		{"a container crash-loops without an error", "  containers: [{name: c, image: alpine}]\n",
			"podnet: Pod p failed: container c: CrashLoopBackOff, ended with exit code 0\n"},
		{"an image is missing", "  containers: [{name: c, image: none}]\n",
			"podnet: Pod p failed: container c: ImagePullBackOff\n"},
		{"no node has its label", "  nodeSelector: {disk: ssd}\n  containers: [{name: c, image: nginx}]\n",
			"podnet: Pod p failed: Unschedulable: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.\n"},
		{"its node does not take it", "  nodeName: node-1\n  nodeSelector: {disk: ssd}\n  containers: [{name: c, image: nginx}]\n",
			"podnet: Pod p failed: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector\n"},
		{"its node is not there", "  nodeName: kind-worker\n  containers: [{name: c, image: nginx}]\n",
			"podnet: Pod p failed: spec.nodeName: there is no node \"kind-worker\", so the Pod stays Pending: name one of node-1\n"},
		{"a port is taken", "  containers: [{name: c, image: nginx}, {name: d, image: alpine, args: [late]}]\n",
			"podnet: Pod p failed: container d: CrashLoopBackOff, ended with exit code 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, took := runVirtual(t, pod("p", tt.spec), "--for", "5s")
			assert.Equal(t, 1, got.code)
			assert.LessOrEqual(t, took, 5*time.Second)
			assert.Equal(t, tt.want, got.stderr)
			assert.Contains(t, got.stdout, "\nContainers of p:\n")
		})
	}
	t.Run("the standard error stream is marked, and repetitions are counted", func(t *testing.T) {
		got, _ := runVirtual(t, pod("p", "  containers: [{name: c, image: alpine, args: [fail oh]}]\n"), "--for", "15s")
		assert.Contains(t, got.stdout, "\nc ! oh\n")
		assert.Contains(t, got.stdout, " Warning BackOff    c: Back-off restarting failed container c in pod p_default(")
		assert.Contains(t, got.stdout, " Normal  Started    c: Container started (x3)\n")
		assert.Contains(t, got.stdout, "   Terminated: Error (exit code 3)   back-off 20s restarting failed container=c pod=p_default(")
	})
}

// rows matches what the table prints where there is no terminal.
var rows = regexp.MustCompile(`(?m)^(NAME|\S+) +(READY|\d+/\d+) +(STATUS|\S+) +(RESTARTS|\d+|\d+ \(\S+ ago\)) +(AGE|\w+)\n`)

// withoutRows returns an output without the lines of the table, which may come
// between any others.
func withoutRows(text string) string { return rows.ReplaceAllString(text, "") }

func TestExec(t *testing.T) {
	manifest := pod("web", "  containers: [{name: app, image: nginx}, {name: shell, image: alpine, args: [wait]}]\n")
	t.Run("commands run in order when the ports are listened on, and end the run", func(t *testing.T) {
		got, took := runVirtual(t, manifest, "--exec", "shell: get http://localhost", "--exec", "app: echo one\ntwo: three")
		assert.Equal(t, 0, got.code, got.stderr)
		assert.Less(t, took, time.Second)
		assert.Contains(t, withoutRows(got.stdout), `
shell $ get http://localhost
shell > I am app
app   $ echo one
app   $ two: three
app   > one
app   > two: three
`)
	})
	t.Run("with --for the run goes on", func(t *testing.T) {
		got, took := runVirtual(t, manifest, "--for", "10s", "--exec", "shell: echo hello")
		assert.Equal(t, 0, got.code)
		assert.Equal(t, 10*time.Second, took)
	})
	t.Run("a command that fails makes the run fail, and the next one runs", func(t *testing.T) {
		got, _ := runVirtual(t, manifest, "--exec", "web/shell: fail oh no", "--exec", "default/web/shell: echo hello")
		assert.Equal(t, 1, got.code)
		assert.Contains(t, withoutRows(got.stdout), "\nshell $ fail oh no\nshell ! oh no\nshell $ exit code 3\nshell $ echo hello\nshell > hello\n")
		assert.Equal(t, "podnet: 1 of 2 commands of --exec failed\n", got.stderr)
	})
	t.Run("a command that --for cuts short has failed, and so has one that never ran", func(t *testing.T) {
		got, took := runVirtual(t, manifest, "--for", "5s", "--exec", "shell: wait", "--exec", "shell: echo hello")
		assert.Equal(t, 1, got.code)
		assert.Equal(t, 5*time.Second, took)
		assert.Contains(t, withoutRows(got.stdout), "\nshell $ wait\nshell $ killed: the time of --for is over\nshell $ echo hello\nshell $ not run: the time of --for is over\n")
		assert.Equal(t, "podnet: 2 of 2 commands of --exec failed\n", got.stderr)
	})
	t.Run("a container that does not run", func(t *testing.T) {
		got, _ := runVirtual(t, pod("p", "  containers: [{name: c, image: none}, {name: d, image: nginx}]\n"), "--exec", "c: ls", "--exec", "d: echo hello")
		assert.Equal(t, 1, got.code)
		assert.Contains(t, withoutRows(got.stdout), "\nc $ failed: container is not running\nd $ echo hello\nd > hello\n")
	})
	t.Run("a port that nobody listens on is not waited for for ever", func(t *testing.T) {
		got, took := runVirtual(t, pod("p", "  containers: [{name: c, image: alpine, args: [wait], ports: [{containerPort: 1}, {containerPort: 2}, {containerPort: 3, protocol: UDP}]}]\n"), "--exec", "c: echo hello")
		assert.Equal(t, 0, got.code)
		assert.Equal(t, 2*time.Second, took)
	})
}

// What TestLesson's check says beforehand comes true, with the standard images.
func TestLessonRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr lockedBuffer
		code := run(t.Context(), []string{"run", lesson, "--for", "90s", "--exec", "web-app: wget -qO- http://localhost"}, strings.NewReader(""), &stdout, &stderr, nil)
		assert.Equal(t, 1, code)
		assert.Equal(t, "podnet: Pod web-and-logger failed: container log-tailer: CrashLoopBackOff, ended with exit code 1\n", stderr.String())
		assert.Contains(t, stdout.String(), "log-tailer ! tail: can't open '/var/log/nginx/access.log': No such file or directory\n")
		assert.Contains(t, stdout.String(), "\nweb-app    > <h1>Welcome to nginx!</h1>\n")
	})
}

func TestInterruptEndsTheRun(t *testing.T) {
	manifest := pod("web", "  containers: [{name: app, image: nginx}, {name: shell, image: alpine, args: [wait]}]\n")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		got := podnetWith(ctx, manifest, "run", "-")
		assert.Equal(t, 0, got.code)
		assert.Empty(t, got.stderr)
		assert.Contains(t, got.stdout, "\nweb    2/2     Running   0          60s   10.244.0.2\n")
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		got := podnetWith(ctx, manifest, "run", "-", "--exec", "shell: wait")
		assert.Equal(t, 1, got.code)
		assert.Contains(t, got.stdout, "shell $ killed: the run was interrupted\n")
	})
}

func TestNothingRunsIfAManifestIsWrong(t *testing.T) {
	good := writeFile(t, "good.yaml", pod("web", "  containers: [{name: a, image: nginx}]\n"))
	bad := writeFile(t, "bad.yaml", pod("b", "  containers: []\n"))
	got := podnetWith(t.Context(), "", "run", good, bad, good, "nowhere.yaml")
	assert.Equal(t, 2, got.code)
	assert.Empty(t, got.stdout)
	lines := strings.Split(got.stderr, "\n")
	require.Len(t, lines, 4, "all errors, each on a line, and no usage: %s", got.stderr)
	assert.Equal(t, "podnet: "+bad+": Pod \"b\" is invalid: spec.containers: Required value", lines[0])
	assert.Equal(t, "podnet: "+good+": Pod web is already in "+good, lines[1])
	assert.True(t, strings.HasPrefix(lines[2], "podnet: open nowhere.yaml: "), lines[2])
}

func TestRunWarnsAsKubectlDoes(t *testing.T) {
	got, _ := runVirtual(t, pod("p", "  containers: [{name: c, image: alpine, args: [wait], ports: [{containerPort: 1}, {containerPort: 1}]}]\n"), "--for", "1s")
	assert.Equal(t, 0, got.code)
	assert.Equal(t, "Warning: spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]\n", got.stderr)
}

func TestRunTellsOfAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr lockedBuffer
		a := &app{stdin: strings.NewReader(pod("web", "  containers: [{name: a, image: nginx}]\n")), stdout: fullDisk{}, stderr: &stderr, images: testImages()}
		assert.Equal(t, 1, a.main(t.Context(), []string{"run", "-", "--for", "1s"}))
		assert.Equal(t, "podnet: no space left on device\n", stderr.String())
	})
}

func TestAProgramThatHangsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		images := testImages()
		images.programs["alpine"] = func(context.Context, *podnet.Container) error {
			<-hang
			return nil
		}
		var stdout, stderr lockedBuffer
		a := &app{stdin: strings.NewReader(pod("p", "  containers: [{name: c, image: alpine}]\n")), stdout: &stdout, stderr: &stderr, images: images}
		assert.Equal(t, 1, a.main(t.Context(), []string{"run", "-", "--for", "1s"}))
		assert.Contains(t, stderr.String(), "default/p/c")
		assert.Contains(t, stdout.String(), "\np      1/1     Running   0          1s    10.244.0.2\n")
	})
}

func TestColours(t *testing.T) {
	pods := []source{testPod("", "web", "app", "log")}
	var out strings.Builder
	p := newPrinter(pods, &out, &out, true)
	p.onLog(podnet.LogLine{Namespace: "default", Pod: "web", Container: "app", Stream: "stdout", Text: "hello "})
	p.onLog(podnet.LogLine{Namespace: "default", Pod: "web", Container: "log", Stream: "stderr", Text: "oh"})
	p.onLog(podnet.LogLine{Namespace: "default", Pod: "web", Container: "log", Stream: "stderr"})
	at := time.Date(2000, 1, 1, 12, 0, 1, 0, time.UTC)
	p.onEvent(podnet.Event{Type: "Normal", Reason: "Started", Message: "m", Namespace: "default", Pod: "web", FieldPath: "spec.containers{app}", Count: 1, LastTime: at})
	p.onEvent(podnet.Event{Type: "Warning", Reason: "BackOff", Message: "m", Namespace: "default", Pod: "web", Count: 2, LastTime: at})
	assert.Equal(t, strings.Join([]string{
		"\x1b[36mapp |\x1b[0m hello ",
		"\x1b[32mlog !\x1b[0m \x1b[2moh\x1b[0m",
		"\x1b[32mlog !\x1b[0m",
		"\x1b[2m12:00:01 Normal  Started    app: m\x1b[0m",
		"\x1b[33m12:00:01 Warning BackOff    web: m (x2)\x1b[0m",
		"",
	}, "\n"), out.String())
}

func TestStatusOfSeveralNamespaces(t *testing.T) {
	pods := []source{testPod("", "web", "app"), testPod("prod", "web", "app")}
	text := statusText(newNames(pods), []podState{
		{"default", "web", "", pods[0].spec, podnet.PodStatus{Columns: podnet.PodColumns{Ready: "0/1", Status: "Pending", Restarts: "0", Age: "1s"}}},
		{"prod", "web", "", pods[1].spec, podnet.PodStatus{
			Columns:    podnet.PodColumns{Ready: "0/1", Status: "Error", Restarts: "0", Age: "1s"},
			Containers: []podnet.ContainerStatus{{Name: "app", State: podnet.ContainerState{Terminated: &podnet.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "two\nlines"}}}},
		}},
	})
	assert.Equal(t, `NAMESPACE   NAME   READY   STATUS    RESTARTS   AGE   IP
default     web    0/1     Pending   0          1s    <none>
prod        web    0/1     Error     0          1s    <none>

Containers of default/web:
  NAME   STATE   REASON   RESTARTS   LAST STATE   MESSAGE

Containers of prod/web:
  NAME   STATE        REASON                RESTARTS   LAST STATE   MESSAGE
  app    Terminated   Error (exit code 1)   0          -            two lines
`, text)
}

func TestAPodThatNeverStartedHasFailed(t *testing.T) {
	assert.Equal(t, "its phase is Pending", podState{status: podnet.PodStatus{Phase: podnet.PodPending}}.failure())
	assert.Empty(t, podState{status: podnet.PodStatus{Phase: podnet.PodRunning}}.failure())
}

func TestRunWritesACapture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.pcapng")
	got, _ := runVirtual(t, pod("web", `
  containers:
  - {name: app, image: nginx, readinessProbe: {tcpSocket: {port: 80}}}
`[1:]), "--for", "25s", "--capture", file, "--capture-filter", "tcp port 80")
	assert.Equal(t, 0, got.code, got.stderr)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(b), "default/web eth0")
	assert.Contains(t, string(b), "sent by default/web/app eth0")

	got, _ = runVirtual(t, pod("web", "  containers: [{name: app, image: nginx}]\n"), "--for", "1s", "--capture", filepath.Join(file, "b"))
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, "podnet: --capture: open ")
	got, _ = runVirtual(t, pod("web", "  containers: [{name: app, image: nginx}]\n"), "--for", "1s", "--capture", file, "--capture-filter", "port x")
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, `invalid argument "port x" for --capture-filter: "x" is not a port number`)
	got, _ = runVirtual(t, pod("web", "  containers: [{name: app, image: nginx}]\n"), "--capture-filter", "tcp")
	assert.Contains(t, got.stderr, "--capture-filter needs --capture")
}
