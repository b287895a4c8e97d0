package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brief is a finding without its advice, as "severity field: message".
func brief(list []finding) (texts []string) {
	for _, f := range list {
		texts = append(texts, f.Severity+" "+f.Field+": "+f.Message)
	}
	return texts
}

func TestFindings(t *testing.T) {
	const idle = `image: alpine, args: [sleep, infinity]`
	for _, tt := range []struct {
		name string
		spec string
		want []string
	}{
		{"nothing to say", `
  containers:
  - {name: web, image: "nginx:1.29", ports: [{containerPort: 80}]}
  - {name: idle, ` + idle + `}
`, nil},
		{"two containers declare one port", `
  containers:
  - {name: a, ` + idle + `, ports: [{containerPort: 8080}]}
  - {name: b, ` + idle + `, ports: [{containerPort: 8081}, {containerPort: 8080}]}
  - {name: udp, ` + idle + `, ports: [{containerPort: 8080, protocol: UDP}]}
`, []string{
			`error spec.containers[1].ports[1]: a (declared in spec.containers[0].ports[0]) and b (declared in spec.containers[1].ports[1]) both listen on port 8080/TCP, and containers of a Pod share their ports. a is started first and so gets it, unless it is slow; b then gets "bind: address already in use" and crash-loops.`,
		}},
		{"two images listen on one port that nobody declares", `
  restartPolicy: Never
  containers:
  - {name: a, image: nginx}
  - {name: b, image: "docker.io/library/nginx:1.29@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
`, []string{
			`error spec.containers[1].image: a (image nginx does so by default) and b (image docker.io/library/nginx:1.29@sha256:0000000000000000000000000000000000000000000000000000000000000000 does so by default) both listen on port 80/TCP, and containers of a Pod share their ports. a is started first and so gets it, unless it is slow; b then gets "bind: address already in use" and ends with an error.`,
		}},
		{"an image listens on a port that another container declares", `
  containers:
  - {name: a, image: nginx, args: ["nginx", "-g", "daemon off;"]}
  - {name: b, ` + idle + `, ports: [{containerPort: 80}]}
`, []string{
			`error spec.containers[1].ports[0]: a (image nginx does so by default) and b (declared in spec.containers[1].ports[0]) both listen on port 80/TCP, and containers of a Pod share their ports. a is started first and so gets it, unless it is slow; b then gets "bind: address already in use" and crash-loops.`,
		}},
		{"a declaration does not configure the image", `
  containers:
  - {name: a, image: nginx, ports: [{containerPort: 8080}]}
  - {name: b, ` + idle + `, ports: [{containerPort: 8080}]}
`, []string{
			"warning spec.containers[0].ports[0]: a declares port 8080/TCP, but image nginx does not listen there: containerPort configures nothing.",
		}},
		{"an image with another command does not listen", `
  containers:
  - {name: a, image: nginx}
  - {name: b, image: nginx, command: [sleep, infinity]}
`, nil},
		{"a port declared twice", `
  containers:
  - {name: a, ` + idle + `, ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}]}
`, []string{"warning spec.containers[0].ports[1]: a declares port 1/TCP twice; ports[0] is the first."}},
		{"a port name of two containers", `
  containers:
  - {name: a, ` + idle + `, ports: [{containerPort: 1, name: metrics}]}
  - {name: b, ` + idle + `, ports: [{containerPort: 2, name: metrics}]}
`, []string{`warning spec.containers[1].ports[0].name: a and b both name a port "metrics": what looks a port up by this name, as Services and probes do, finds the one of a.`}},
		{"a volume that nobody mounts", `
  volumes: [{name: v, emptyDir: {}}]
  containers: [{name: a, ` + idle + `}]
`, []string{"warning spec.volumes[0]: No container mounts volume v."}},
		{"a volume that one container mounts, twice", `
  volumes: [{name: v, emptyDir: {}}]
  containers: [{name: a, ` + idle + `, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]}, {name: b, ` + idle + `}]
`, []string{"warning spec.volumes[0]: Only a mounts volume v: no other container can write or read what is in it."}},
		{"logs in a volume that the writer does not mount", `
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: web, image: nginx}
  - {name: log, image: alpine, command: [tail, -f, /var/log/nginx/access.log], volumeMounts: [{name: v, mountPath: /var/log/nginx/}]}
`, []string{
			"error spec.containers[1].command[2]: web writes /var/log/nginx in its own file system, log will find no file /var/log/nginx/access.log: its command fails and it crash-loops.",
			"warning spec.volumes[0]: Only log mounts volume v: no other container can write or read what is in it.",
		}},
		{"logs in a volume that the reader does not mount", `
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: log, image: alpine, command: [sh, -c], args: ["until cat /var/log/nginx/access.log; do sleep 1; done"]}
  - {name: web, image: nginx, volumeMounts: [{name: v, mountPath: var/log}]}
`, []string{
			"error spec.containers[0].args[0]: web writes /var/log/nginx to volume v, log will find no file /var/log/nginx/access.log: its command fails or waits in vain.",
			"warning spec.volumes[0]: Only web mounts volume v: no other container can write or read what is in it.",
		}},
		{"logs in two volumes", `
  volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]
  containers:
  - {name: web, image: nginx, volumeMounts: [{name: v, mountPath: /var/log/nginx}, {name: w, mountPath: /w}]}
  - {name: log, image: alpine, args: [ls, /var/log/nginx], volumeMounts: [{name: w, mountPath: /var/log/nginx}, {name: v, mountPath: /v}]}
`, []string{"error spec.containers[1].args[1]: web writes /var/log/nginx to volume v, log will find none of its files: its command fails and it crash-loops."}},
		{"logs in one volume at different places", `
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: web, image: nginx, volumeMounts: [{name: v, mountPath: /var/log/nginx}]}
  - {name: log, image: alpine, args: [tail, -f, /var/log/nginx/access.log], volumeMounts: [{name: v, mountPath: /var/log}]}
`, []string{"error spec.containers[1].args[2]: web writes /var/log/nginx to volume v, log will find no file /var/log/nginx/access.log: its command fails and it crash-loops."}},
		{"logs in no volume", `
  containers:
  - {name: web, image: nginx}
  - {name: log, image: alpine, args: [tail, -f, /var/log/nginx/access.log]}
`, []string{"error spec.containers[1].args[2]: web writes /var/log/nginx in its own file system, log will find no file /var/log/nginx/access.log: its command fails and it crash-loops."}},
		{"logs that are shared", `
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: web, image: nginx, volumeMounts: [{name: v, mountPath: /var/log/nginx}]}
  - {name: log, image: alpine, args: [tail, -f, /var/log/nginx/access.log], volumeMounts: [{name: v, mountPath: /var/log/nginx}]}
`, nil},
		{"images that nobody has", `
  containers:
  - {name: a, image: "example.com/app:1"}
  - {name: b, image: b, imagePullPolicy: Never}
`, []string{
			`warning spec.containers[0].image: podnet has no program for image "example.com/app:1": a will not start (ErrImagePull, then ImagePullBackOff).`,
			`warning spec.containers[1].image: podnet has no program for image "b": b will not start (ErrImageNeverPull).`,
		}},
		{"commands that have nothing to do", `
  containers:
  - {name: a, image: "alpine:3"}
  - {name: b, image: alpine, command: [/bin/sh]}
  - {name: c, image: curl}
`, []string{
			"warning spec.containers[0].image: The command of a has nothing to do and ends at once with exit code 0: a is restarted again and again (CrashLoopBackOff).",
			"warning spec.containers[1].image: The command of b has nothing to do and ends at once with exit code 0: b is restarted again and again (CrashLoopBackOff).",
			"warning spec.containers[2].image: The command of c has nothing to do and ends at once with exit code 2: c is restarted again and again (CrashLoopBackOff).",
		}},
		{"commands that have nothing to do, once", `
  restartPolicy: OnFailure
  containers: [{name: a, image: alpine}]
`, nil},
		{"what the API server warns of", `
  containers: [{name: a, ` + idle + `, env: [{name: X, value: "1"}, {name: X, value: "2"}]}]
`, []string{`warning spec.containers[0].env[1]: The API server warns: hides previous definition of "X", which may be dropped when using apply.`}},
		{"a mount without a volume", `
  containers: [{name: a, ` + idle + `, volumeMounts: [{name: data, mountPath: /data}]}]
`, []string{`error spec.containers[0].volumeMounts[0].name: Not found: "data". The Pod is refused: it has no volume "data" to mount.`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &app{stdin: strings.NewReader(pod("p", tt.spec[1:])), images: testImages()}
			r, unread := a.examine([]string{"-"})
			require.Empty(t, unread)
			assert.Equal(t, tt.want, brief(r.Findings))
			for _, f := range r.Findings {
				assert.Equal(t, "standard input", f.File)
				assert.Equal(t, "Pod p", f.Object)
			}
		})
	}
}

// lesson is the manifest that the project began with: log-tailer mounts a
// volume for the logs, and web-app does not.
const lesson = "../../../examples/web-and-logger/lesson.yaml"

func TestLesson(t *testing.T) {
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"check", lesson}, strings.NewReader(""), &stdout, &stderr, nil)
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr.String())
	assert.Equal(t, `error: `+lesson+`: Pod web-and-logger: spec.containers[1].args[1]
  web-app writes /var/log/nginx in its own file system, log-tailer will find no file /var/log/nginx/access.log: its command fails and it crash-loops.
  Mount shared-logs at /var/log/nginx in web-app too.

warning: `+lesson+`: Pod web-and-logger: spec.volumes[0]
  Only log-tailer mounts volume shared-logs: no other container can write or read what is in it.
  Mount it in another container too; as scratch space for one container it is fine.

Ports of Pod web-and-logger:

| Port | Protocol | Name | Container | Source   | Note |
| ---- | -------- | ---- | --------- | -------- | ---- |
| 80   | TCP      |      | web-app   | declared |      |
`, stdout.String())
}

func TestPortPlan(t *testing.T) {
	text := pod("web", `
  containers:
  - {name: proxy, image: nginx, ports: [{containerPort: 8080, name: admin}]}
  - {name: app, image: alpine, args: [serve], ports: [{containerPort: 80, name: http}, {containerPort: 53, protocol: UDP}]}
  - {name: other, image: nginx}
`[1:])
	got := podnetWith(t.Context(), text+"---\n"+pod("idle", "  containers: [{name: a, image: alpine, args: [wait]}]\n"), "check", "-")
	assert.Equal(t, 1, got.code)
	_, tables, _ := strings.Cut(got.stdout, "Ports of ")
	assert.Equal(t, `Pod web:

| Port | Protocol | Name  | Container | Source        | Note                                          |
| ---- | -------- | ----- | --------- | ------------- | --------------------------------------------- |
| 53   | UDP      |       | app       | declared      |                                               |
| 80   | TCP      |       | proxy     | image default | clash: gets the port                          |
| 80   | TCP      | http  | app       | declared      | clash: proxy gets the port                    |
| 80   | TCP      |       | other     | image default | clash: proxy gets the port                    |
| 8080 | TCP      | admin | proxy     | declared      | nothing listens: image nginx uses other ports |

Ports of Pod idle: none known.
`, tables)
}

func TestCheckJSON(t *testing.T) {
	const text = `
  containers:
  - {name: a, image: nginx}
  - {name: b, image: nginx, ports: [{containerPort: 80, name: http}]}
`
	got := podnetWith(t.Context(), pod("web", text[1:]), "check", "-", "--output=json")
	assert.Equal(t, 1, got.code)
	assert.JSONEq(t, `{
		"findings": [{
			"severity": "error", "file": "standard input", "object": "Pod web", "field": "spec.containers[1].ports[0]",
			"message": "a (image nginx does so by default) and b (declared in spec.containers[1].ports[0]) both listen on port 80/TCP, and containers of a Pod share their ports. a is started first and so gets it, unless it is slow; b then gets \"bind: address already in use\" and crash-loops.",
			"fix": "Let b listen on another port, or put it in a Pod of its own."
		}],
		"pods": [{"file": "standard input", "namespace": "default", "name": "web", "ports": [
			{"port": 80, "protocol": "TCP", "container": "a", "source": "image default", "note": "clash: gets the port"},
			{"port": 80, "protocol": "TCP", "container": "b", "name": "http", "source": "declared", "note": "clash: a gets the port"}
		]}]
	}`, got.stdout)

	got = podnetWith(t.Context(), pod("idle", "  containers: [{name: a, image: alpine, args: [wait]}]\n"), "check", "-", "-o", "json")
	assert.Equal(t, 0, got.code)
	assert.JSONEq(t, `{"findings": [], "pods": [{"file": "standard input", "namespace": "default", "name": "idle", "ports": []}]}`, got.stdout)
}

func TestCheckOfBadFiles(t *testing.T) {
	good := writeFile(t, "good.yaml", pod("web", "  containers: [{name: a, image: nginx}]\n"))
	same := writeFile(t, "same.yaml", pod("web", "  containers: [{name: b, image: nginx}]\n"))
	bad := writeFile(t, "bad.yaml", pod("a", "  containers: [{name: a, image: nginx}]\n")+"---\n"+pod("b", "  containers: []\n"))

	got := podnetWith(t.Context(), "", "check", good, same, bad)
	assert.Equal(t, 1, got.code)
	assert.Empty(t, got.stderr)
	assert.Contains(t, got.stdout, "error: "+same+": Pod web: metadata.name\n  The Pod is already in "+good+".\n  Give it another name.\n")
	assert.Contains(t, got.stdout, "error: "+bad+": document 2 (line 7): Pod b: spec.containers\n  Required value\n")
	assert.Contains(t, got.stdout, "Ports of Pod web:\n", "the good file is looked at all the same")

	got = podnetWith(t.Context(), "kind: [", "check", "-")
	assert.Equal(t, 1, got.code)
	assert.True(t, strings.HasPrefix(got.stdout, "error: standard input\n  "), got.stdout)

	got = podnetWith(t.Context(), "", "check", good, "nowhere.yaml")
	assert.Equal(t, 2, got.code)
	_, err := os.ReadFile("nowhere.yaml")
	assert.Equal(t, "podnet: "+err.Error()+"\n", got.stderr)
}

func TestCheckWithoutFindings(t *testing.T) {
	got := podnetWith(t.Context(), pod("web", "  containers: [{name: a, image: nginx}]\n"), "check", "-")
	assert.Equal(t, result{0, `Nothing was found that will go wrong.

Ports of Pod web:

| Port | Protocol | Name | Container | Source        | Note |
| ---- | -------- | ---- | --------- | ------------- | ---- |
| 80   | TCP      |      | a         | image default |      |
`, ""}, got)
}

func TestCheckTellsOfAFullDisk(t *testing.T) {
	var stderr strings.Builder
	a := &app{stdin: strings.NewReader(pod("web", "  containers: [{name: a, image: nginx}]\n")), stdout: fullDisk{}, stderr: &stderr, images: testImages()}
	assert.Equal(t, 1, a.main(t.Context(), []string{"check", "-"}))
	assert.Equal(t, "podnet: no space left on device\n", stderr.String())
}

func FuzzCheck(f *testing.F) {
	f.Add(pod("web", "  containers: [{name: a, image: nginx, ports: [{containerPort: 80}]}, {name: b, image: nginx, args: [tail, /var/log/nginx/x]}]\n"))
	f.Add(pod("web", "  volumes: [{name: v, emptyDir: {}}]\n  containers: [{name: a, image: alpine, volumeMounts: [{name: v, mountPath: //x/}]}]\n"))
	f.Add(workloads)
	f.Fuzz(func(t *testing.T, text string) {
		a := &app{stdin: strings.NewReader(text), images: testImages()}
		r, unread := a.examine([]string{"-"})
		assert.Empty(t, unread)
		assert.NotEmpty(t, r.text())
		_, err := json.Marshal(r)
		assert.NoError(t, err)
	})
}
