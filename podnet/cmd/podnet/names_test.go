package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func testPod(namespace, name string, containers ...string) source {
	s := source{file: "pods.yaml", spec: podnet.PodSpec{Namespace: namespace, Name: name}}
	for _, c := range containers {
		s.spec.Containers = append(s.spec.Containers, podnet.ContainerSpec{Name: c, Image: "alpine"})
	}
	return s
}

func TestNamesAreNoLongerThanNeeded(t *testing.T) {
	one := testPod("", "web", "app")
	for _, tt := range []struct {
		name           string
		pods           []source
		pod, container string
	}{
		{"one Pod", []source{one}, "web", "app"},
		{"two Pods", []source{one, testPod("default", "db", "app")}, "web", "web/app"},
		{"two namespaces", []source{one, testPod("prod", "web", "app")}, "default/web", "default/web/app"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNames(tt.pods)
			assert.Equal(t, tt.pod, n.pod("default", "web"))
			assert.Equal(t, tt.container, n.container("default", "web", "app"))
		})
	}
}

func TestParseExec(t *testing.T) {
	pods := []source{testPod("", "web", "app", "log"), testPod("prod", "web", "app"), testPod("prod", "db", "app", "db")}
	for _, tt := range []struct{ text, container, command string }{
		{"log: wget http://web:80/", "default/web/log", "wget http://web:80/"},
		{"db:ls", "prod/db/db", "ls"},
		{" db/app : ls -l ", "prod/db/app", "ls -l"},
		{"prod/web/app: echo a: b", "prod/web/app", "echo a: b"},
	} {
		got, err := parseExec(tt.text, pods, nil)
		require.NoError(t, err, tt.text)
		assert.Equal(t, tt.container, got.String(), tt.text)
		assert.Equal(t, tt.command, got.command, tt.text)
	}
	for _, text := range []string{"", ":", "log", "log:", ": ls", "app: ls", "web/app: ls", "b/app: ls", "/log: ls", "default/web: ls"} {
		_, err := parseExec(text, pods, nil)
		assert.ErrorContains(t, err, "--exec", text)
	}
}

func TestParseForward(t *testing.T) {
	one := []source{testPod("", "web", "app")}
	two := append(one, testPod("prod", "web", "app"), testPod("prod", "db", "app"))
	for _, tt := range []struct {
		text       string
		pods       []source
		pod        string
		host, port uint16
	}{
		{"8080:80", one, "default/web", 8080, 80},
		{"8080", one, "default/web", 8080, 8080},
		{":80", one, "default/web", 0, 80},
		{"0:80", one, "default/web", 0, 80},
		{"web/1:65535", one, "default/web", 1, 65535},
		{"db/:80", two, "prod/db", 0, 80},
		{"default/web/80", two, "default/web", 80, 80},
	} {
		got, err := parseForward(tt.text, tt.pods, nil)
		require.NoError(t, err, tt.text)
		assert.Equal(t, tt.pod, got.String(), tt.text)
		assert.Equal(t, [2]uint16{tt.host, tt.port}, [2]uint16{got.host, got.port}, tt.text)
	}
	for _, text := range []string{"", ":", "80:", "80:0", "65536:80", "80:65536", "-1:80", "+1:80", "a:80", "80:http", "1:2:3", "db/80", "127.0.0.1:80"} {
		_, err := parseForward(text, one, nil)
		assert.ErrorContains(t, err, "--port-forward", text)
	}
	_, err := parseForward("web/80", two, nil)
	assert.ErrorContains(t, err, "may be any of default/web, prod/web")
}

func FuzzParseFlags(f *testing.F) {
	for _, text := range []string{"app: ls", "web/app: echo a: b", "8080:80", "prod/web/:80", "80", "//:", "app:\n", "svc/web/app: ls", "svc/web/80"} {
		f.Add(text)
	}
	pods := []source{testPod("", "web", "app", "log"), testPod("prod", "web", "app")}
	pods[0].spec.Labels = web.selector
	numbered := web
	numbered.ports = []servicePort{{port: 80}}
	services := []service{numbered}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := parseExec(text, pods, services); err == nil {
			assert.NotEmpty(t, e.container)
			assert.NotEmpty(t, e.command)
			assert.Contains(t, text, e.command)
		}
		if p, err := parseForward(text, pods[:1], services); err == nil {
			assert.NotZero(t, p.port)
			assert.Equal(t, "web", p.pod.spec.Name)
		}
	})
}

func TestPathsIn(t *testing.T) {
	for _, tt := range []struct {
		word string
		want []string
	}{
		{"tail -f /var/log/nginx/access.log", []string{"/var/log/nginx/access.log"}},
		{"/data/", []string{"/data"}},
		{"cat '/a/b' \"/c\" `/d`;/e|/f&&/g>/h</i", []string{"/a/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i"}},
		{"--file=/etc/x --file=/etc/x", []string{"/etc/x"}},
		{"wget http://localhost/index.html", nil},
		{"a/b ./c ../d", nil},
		{"/a/../b//c/./d", []string{"/b/c/d"}},
		{"", nil},
	} {
		assert.Equal(t, tt.want, pathsIn(tt.word), tt.word)
	}
}

func FuzzPathsIn(f *testing.F) {
	f.Add("tail -f /var/log/nginx/access.log")
	f.Add("a=/b;c>/d http://e/f '/g h'")
	f.Fuzz(func(t *testing.T, word string) {
		for _, p := range pathsIn(word) {
			assert.True(t, strings.HasPrefix(p, "/"), p)
			assert.NotContains(t, p, "//")
		}
	})
}
