package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// workloads are a Deployment of two and a StatefulSet of two.
const workloads = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: server, image: nginx}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: server, image: nginx, readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}}
      - {name: shell, image: alpine, args: [wait]}
`

func TestRunOfWorkloads(t *testing.T) {
	got, took := runVirtual(t, workloads, "--for", "60s",
		"--exec", "deploy/web/server: get http://localhost", "--exec", "shell: echo hello")
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	assert.Equal(t, time.Minute, took)
	assert.Regexp(t, `(?m)^web-[a-z0-9]+-[a-z0-9]{5}/server > I am server$`, got.stdout)
	assert.Regexp(t, `(?m)^db-0/shell +> hello$`, got.stdout)
	_, status, _ := strings.Cut(got.stdout, "\n\nNAME")
	rows := regexp.MustCompile(`(?m)^(web-\w+-\w{5}|db-\d) +(\S+) +(\S+)`).FindAllStringSubmatch(status, -1)
	var texts []string
	for _, r := range rows {
		texts = append(texts, regexp.MustCompile(`-\w+-\w{5}$`).ReplaceAllString(r[1], "")+" "+r[2]+" "+r[3])
	}
	assert.Equal(t, []string{"db-0 2/2 Running", "db-1 2/2 Running", "web 1/1 Running", "web 1/1 Running"}, texts)
	// The Pods came as they were made, those of the set one after the other.
	assert.Less(t, strings.Index(got.stdout, "\ndb-0 "), strings.Index(got.stdout, "\ndb-1 "))
	assert.Contains(t, got.stdout, "Successfully assigned default/db-1 to node-1")
}

func TestRunOfAWorkloadThatFails(t *testing.T) {
	text := strings.Replace(workloads, "image: alpine, args: [wait]", "image: none", 1)
	got, _ := runVirtual(t, text, "--for", "60s", "--exec", "web/server: echo hello")
	assert.Equal(t, 1, got.code)
	assert.Equal(t, "podnet: Pod db-0 failed: container shell: ImagePullBackOff\n", got.stderr)
	assert.Contains(t, got.stdout, "> hello\n", "the others are not held up")
}

func TestRunOfAWorkloadWithoutPods(t *testing.T) {
	text, _, _ := strings.Cut(workloads, "---")
	got, _ := runVirtual(t, strings.Replace(text, "replicas: 2", "replicas: 0", 1), "--for", "1s", "--exec", "deployment/web/server: echo hello")
	assert.Equal(t, 1, got.code)
	assert.Equal(t, "podnet: --exec: Deployment web has no Pod to run a command in\npodnet: 1 of 1 commands of --exec failed\n", got.stderr)
}

func TestKubectlsWordsForKinds(t *testing.T) {
	pods, _, errs := load(strings.NewReader(workloads+"---\n"+pod("web", "  containers: [{name: server, image: nginx}]\n")), []string{"-"})
	assert.Empty(t, errs)
	for ref, want := range map[string]string{
		"deploy/web": "default/deployment/web", "deployment/web": "default/deployment/web", "sts/db": "default/statefulset/db", "db": "default/statefulset/db",
		"default/web": "default/web", "po/web": "default/web", "default/deployment/web": "default/deployment/web",
	} {
		got, err := findPod(pods, nil, ref)
		assert.NoError(t, err, ref)
		assert.Equal(t, want, got.String(), ref)
	}
	_, err := findPod(pods, nil, "web")
	assert.EqualError(t, err, `Pod "web" may be any of default/deployment/web, default/web`)
	_, err = findPod(pods, nil, "sts/web")
	assert.EqualError(t, err, `there is no Pod "statefulset/web", only default/deployment/web, default/statefulset/db, default/web`)
}

// named is a Service that selects the Pods of workloads with app=web, and others
// that do not.
const named = `---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: web}, ports: [{name: http, port: 8080, targetPort: 80}, {name: other, port: 81, targetPort: none}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: nothing}
spec: {ports: [{port: 80}]}
`

func TestServicesStandForTheirPods(t *testing.T) {
	pods, others, errs := load(strings.NewReader(workloads+named), []string{"-"})
	assert.Empty(t, errs)
	services := newNetwork(pods, others, testImages()).services
	for text, want := range map[string]string{
		"svc/front/8080":               "default/service/front 8080 80",
		"service/front/:8080":          "default/service/front 0 80",
		"default/service/front/9:8080": "default/service/front 9 80",
		"svc/db/7":                     "default/service/db 7 7",
		"db/7":                         "default/statefulset/db 7 7",
		"svc/front/81":                 `invalid argument "svc/front/81" for --port-forward: Deployment web does not have a named port 'none'`,
		"svc/front/80":                 `invalid argument "svc/front/80" for --port-forward: Service front does not have a service port 80`,
		"svc/nothing/80":               `invalid argument "svc/nothing/80" for --port-forward: there is no Pod "service/nothing", only default/service/front, default/service/db`,
		"front/80":                     `invalid argument "front/80" for --port-forward: there is no Pod "front", only default/deployment/web, default/statefulset/db`,
	} {
		f, err := parseForward(text, pods, services)
		if err != nil {
			assert.EqualError(t, err, want)
			continue
		}
		assert.Equal(t, want, fmt.Sprintf("%v %d %d", f.target, f.host, f.port), text)
	}
	_, err := parseForward("svc/front/80", pods, nil)
	assert.EqualError(t, err, `invalid argument "svc/front/80" for --port-forward: there is no Pod "service/front": no Service of the manifests selects a Pod`)

	got, _ := runVirtual(t, workloads+named, "--for", "60s", "--exec", "svc/front/server: get http://localhost", "--exec", "server: echo", "--exec", "svc/db/shell: get http://front:8080")
	assert.Equal(t, 2, got.code, "server is the name of two")
	got, _ = runVirtual(t, workloads+named, "--for", "60s", "--exec", "svc/front/server: get http://localhost", "--exec", "svc/db/shell: get http://front:8080")
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Regexp(t, `(?m)^web-[a-z0-9]+-[a-z0-9]{5}/server > I am server$`, got.stdout)
	assert.Regexp(t, `(?m)^db-0/shell +> I am server$`, got.stdout)
}
