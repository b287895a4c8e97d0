package main

import (
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
		got, err := findPod(pods, ref)
		assert.NoError(t, err, ref)
		assert.Equal(t, want, got.String(), ref)
	}
	_, err := findPod(pods, "web")
	assert.EqualError(t, err, `Pod "web" may be any of default/deployment/web, default/web`)
	_, err = findPod(pods, "sts/web")
	assert.EqualError(t, err, `there is no Pod "statefulset/web", only default/deployment/web, default/statefulset/db, default/web`)
}
