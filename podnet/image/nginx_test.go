package image_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/podnettest"
)

// raw sends a request as it is and returns the whole answer.
func raw(t *testing.T, c *podnet.Container, request string) string {
	t.Helper()
	conn, err := c.Pod().Dial("tcp", "127.0.0.1:80")
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(answer)
}

// nginxPod starts nginx in a bubble and waits until it serves.
func nginxPod(t *testing.T) *podnet.Container {
	t.Helper()
	c := start(t, podnet.ContainerSpec{Image: "nginx:1.29-alpine"})
	synctest.Wait()
	return c
}

const errorPage = "<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n<hr><center>nginx/1.29.3</center>\r\n</body>\r\n</html>\r\n"

// The answers were compared with nginx 1.22's, header by header.
func TestNginxAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nginxPod(t)
		html := c.FS()
		require.NoError(t, html.MkdirAll("/usr/share/nginx/html/d", 0o755))
		require.NoError(t, html.WriteFile("/usr/share/nginx/html/a.txt", []byte("test\n"), 0o644))
		require.NoError(t, html.WriteFile("/usr/share/nginx/html/f.unknown", nil, 0o644))
		stamp := time.Now().UTC()
		modified := stamp.Format(http.TimeFormat)
		etag := fmt.Sprintf(`"%x-5"`, stamp.Unix())
		tests := []struct {
			name, request string
			status        string
			headers       map[string]string // "" for one that must not be there
			body          string
		}{
			{"a file", "GET /a.txt HTTP/1.1\r\nHost: h\r\n", "200 OK", map[string]string{
				"Server": "nginx/1.29.3", "Content-Type": "text/plain", "Content-Length": "5", "Last-Modified": modified, "ETag": etag, "Accept-Ranges": "bytes"}, "test\n"},
			{"a file by an escaped name", "GET /%61.txt HTTP/1.1\r\nHost: h\r\n", "200 OK", nil, "test\n"},
			{"a file after two slashes", "GET //a.txt HTTP/1.1\r\nHost: h\r\n", "200 OK", nil, "test\n"},
			{"an unknown type", "GET /f.unknown HTTP/1.1\r\nHost: h\r\n", "200 OK", map[string]string{"Content-Type": "application/octet-stream", "Content-Length": "0"}, ""},
			{"HEAD", "HEAD /a.txt HTTP/1.1\r\nHost: h\r\n", "200 OK", map[string]string{"Content-Length": "5"}, ""},
			{"HEAD of nothing", "HEAD /x HTTP/1.1\r\nHost: h\r\n", "404 Not Found", map[string]string{"Content-Length": "153"}, ""},
			{"a directory without a slash", "GET /d?x=1 HTTP/1.1\r\nHost: h:99\r\n", "301 Moved Permanently", map[string]string{"Location": "http://h/d/?x=1", "Content-Type": "text/html", "Content-Length": "169"}, fmt.Sprintf(errorPage, "301 Moved Permanently")},
			{"a directory without an index", "GET /d/ HTTP/1.1\r\nHost: h\r\n", "403 Forbidden", nil, fmt.Sprintf(errorPage, "403 Forbidden")},
			{"nothing", "GET /x HTTP/1.1\r\nHost: h\r\nReferer: http://r/\r\n", "404 Not Found", map[string]string{"Content-Type": "text/html"}, fmt.Sprintf(errorPage, "404 Not Found")},
			{"a file as a directory", "GET /a.txt/ HTTP/1.1\r\nHost: h\r\n", "404 Not Found", nil, fmt.Sprintf(errorPage, "404 Not Found")},
			{"POST", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n", "405 Not Allowed", map[string]string{"Content-Length": "157"}, fmt.Sprintf(errorPage, "405 Not Allowed")},
			{"OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: h\r\n", "400 Bad Request", nil, fmt.Sprintf(errorPage, "400 Bad Request")},
			{"above the root", "GET /../etc HTTP/1.1\r\nHost: h\r\n", "400 Bad Request", nil, fmt.Sprintf(errorPage, "400 Bad Request")},
			{"a range", "GET /a.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n", "206 Partial Content", map[string]string{"Content-Range": "bytes 1-2/5", "Content-Length": "2", "ETag": etag, "Accept-Ranges": ""}, "es"},
			{"a range beyond the end", "GET /a.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=99-\r\n", "416 Requested Range Not Satisfiable", map[string]string{"Content-Range": "bytes */5", "Content-Length": "197"}, fmt.Sprintf(errorPage, "416 Requested Range Not Satisfiable")},
			{"not modified since", "GET /a.txt HTTP/1.1\r\nHost: h\r\nIf-Modified-Since: " + modified + "\r\n", "304 Not Modified", map[string]string{"ETag": etag, "Last-Modified": modified, "Content-Type": "", "Content-Length": ""}, ""},
			{"not modified by its tag", "GET /a.txt HTTP/1.1\r\nHost: h\r\nIf-None-Match: " + etag + "\r\n", "304 Not Modified", nil, ""},
		}
		for _, tt := range tests {
			answer := raw(t, c, tt.request+"Connection: close\r\n\r\n")
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			headers := http.Header{}
			for _, line := range lines[1:] {
				name, value, _ := strings.Cut(line, ": ")
				headers.Add(name, value)
			}
			assert.Contains(t, lines[0], "HTTP/1.1 "+tt.status[:3], tt.name)
			assert.Equal(t, tt.body, body, tt.name)
			for name, value := range tt.headers {
				assert.Equal(t, value, headers.Get(name), "%s: %s", tt.name, name)
			}
		}
	})
}

func TestNginxWelcomesAndLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nginxPod(t)
		resp, err := c.Pod().HTTPClient().Get("http://127.0.0.1/")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Contains(t, string(body), "<title>Welcome to nginx!</title>")
		assert.Contains(t, string(body), "<h1>Welcome to nginx!</h1>")
		raw(t, c, "GET /x HTTP/1.0\r\nReferer: http://r/\r\nUser-Agent: a\"b\\c\r\n\r\n")
		raw(t, c, "GET /y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		synctest.Wait()
		logs := c.Logs()
		at := time.Now().UTC().Format("02/Jan/2006:15:04:05 +0000")
		assert.Contains(t, logs, `[`+at+`] "GET / HTTP/1.1" 200 `)
		assert.Contains(t, logs, `" 404 153 "http://r/" "a\x22b\x5Cc"`)
		at = time.Now().UTC().Format("2006/01/02 15:04:05")
		assert.Contains(t, logs, at+` [error] 1#1: *3 open() "/usr/share/nginx/html/y" failed (2: No such file or directory), client: 127.0.0.1, server: localhost, request: "GET /y HTTP/1.1", host: "localhost"`+"\n")
		assert.Regexp(t, regexp.MustCompile(`(?m)^127\.0\.0\.1 - - \[`), logs)
	})
}

// A volume over the log directory takes the logs, and nothing is on stdout.
func TestNginxLogsIntoAVolume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod",
			Volumes: []podnet.VolumeSpec{{Name: "logs", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
			Containers: []podnet.ContainerSpec{
				{Name: "nginx", Image: "nginx", VolumeMounts: []podnet.VolumeMount{{Name: "logs", MountPath: "/var/log/nginx"}}},
				{Name: "shipper", Image: "busybox", Command: []string{"sh", "-c", "tail -n+1 -F /logs/access.log"}, VolumeMounts: []podnet.VolumeMount{{Name: "logs", MountPath: "/logs"}}},
			}})
		time.Sleep(2 * time.Second)
		for range 3 {
			time.Sleep(time.Hour)
			r := sh(t, pod.Container("shipper"), "wget -q -O /dev/null http://localhost/ && echo ok")
			assert.Equal(t, "ok\n", r.Stdout, r.Stderr)
		}
		synctest.Wait()
		assert.NotContains(t, pod.Container("nginx").Logs(), "GET /")
		assert.Equal(t, 3, strings.Count(pod.Container("shipper").Logs(), `"GET / HTTP/1.1" 200 `), pod.Container("shipper").Logs())
	})
}

func TestNginxRetriesAPortThatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{
			{Name: "first", Image: "nginx"}, {Name: "second", Image: "nginx", Command: []string{"sh", "-c", "sleep 1; exec nginx -g 'daemon off;'"}},
		}})
		time.Sleep(time.Second)
		begin := time.Now()
		time.Sleep(10 * time.Second)
		status := pod.Container("second").Status()
		require.NotNil(t, status.State.Terminated)
		assert.EqualValues(t, 1, status.State.Terminated.ExitCode)
		assert.Equal(t, 2500*time.Millisecond, status.State.Terminated.FinishedAt.Sub(begin))
		logs := pod.Container("second").Logs()
		for text, times := range map[string]int{
			"nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n": 5,
			" [emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address already in use)\n":  5,
			"nginx: [emerg] bind() to [::]:80 failed (98: Address already in use)\n":    5,
			" [notice] 1#1: try again to bind() after 500ms\n":                          5,
			"nginx: [emerg] still could not bind()\n":                                   1,
		} {
			assert.Equal(t, times, strings.Count(logs, text), text)
		}
	})
}

func TestNginxKeepsConnectionsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nginxPod(t)
		conn, err := c.Pod().Dial("tcp", "127.0.0.1:80")
		require.NoError(t, err)
		defer conn.Close()
		r := bufio.NewReader(conn)
		for range 2 {
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			require.NoError(t, err)
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
		}
		begin := time.Now()
		_, err = r.ReadByte()
		assert.ErrorIs(t, err, io.EOF)
		assert.Equal(t, 65*time.Second, time.Since(begin).Round(time.Second))

		res, err := c.Exec(t.Context(), "nginx", "-t")
		require.NoError(t, err)
		assert.Equal(t, "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful\n", res.Stderr)
		res, err = c.Exec(t.Context(), "nginx", "-s", "reload")
		require.NoError(t, err)
		assert.Zero(t, res.ExitCode, res.Stderr)
		res, err = c.Exec(t.Context(), "nginx", "-s", "stop")
		require.NoError(t, err)
		// The end of PID 1 may be quicker than that of the one who asked for it.
		assert.Contains(t, []int{0, 137}, res.ExitCode, res.Stderr)
		time.Sleep(time.Second)
		require.NotNil(t, c.Status().State.Terminated)
		assert.Zero(t, c.Status().State.Terminated.ExitCode)
	})
}

func TestNginxRefusesAnotherConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", RestartPolicy: podnet.RestartPolicyNever,
			Volumes:    []podnet.VolumeSpec{{Name: "conf", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
			Containers: []podnet.ContainerSpec{{Name: "c", Image: "nginx", VolumeMounts: []podnet.VolumeMount{{Name: "conf", MountPath: "/etc/nginx/conf.d"}}}}})
		time.Sleep(time.Second)
		assert.Contains(t, pod.Container("c").Logs(), `nginx: [emerg] open() "/etc/nginx/conf.d/default.conf" failed (2: No such file or directory)`)
		require.NotNil(t, pod.Container("c").Status().State.Terminated)
		assert.EqualValues(t, 1, pod.Container("c").Status().State.Terminated.ExitCode)
	})
}

// The image has a shell too: Command runs it instead of the server.
func TestNginxImageHasAUserland(t *testing.T) {
	c := start(t, podnet.ContainerSpec{Image: "nginx", Command: []string{"sleep"}, Args: []string{"infinity"}})
	r := sh(t, c, "cat /usr/share/nginx/html/index.html | grep -c title; readlink /var/log/nginx/access.log; nginx -v")
	assert.Equal(t, "1\n/dev/stdout\n", r.Stdout)
	assert.Equal(t, "nginx version: nginx/1.29.3\n", r.Stderr)
	_, err := c.Pod().DialContext(context.Background(), "tcp", "localhost:80")
	assert.Error(t, err)
}
