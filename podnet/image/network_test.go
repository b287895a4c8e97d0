package image_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
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

// website answers on port 8080, badly on 8081 (nothing), 8082 (half a body),
// 8083 (no HTTP), and never on 8084.
func website(ctx context.Context, c *podnet.Container) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello\n") })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/hello", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	tries := 0
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			http.Error(w, "wait", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "at last\n")
	})
	mux.HandleFunc("/show", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %s|%s|%s\n", r.Method, r.Host, body, r.Header.Get("X-A"), r.UserAgent(), r.Header.Get("Authorization"))
	})
	server := &http.Server{Handler: mux}
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	for port, text := range map[string]string{"8081": "", "8082": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "8083": "garbage\r\n\r\n", "8084": "-"} {
		bad, err := c.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := bad.Accept()
				if err != nil {
					return
				}
				if text == "-" {
					continue // silent for ever
				}
				conn.Read(make([]byte, 1000))
				io.WriteString(conn, text)
				conn.Close()
			}
		}()
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	server.Serve(l)
	return nil
}

// websitePod starts the website, and a container beside it to talk to it from.
func websitePod(t *testing.T) *podnet.Container {
	t.Helper()
	cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
	pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
		Name: "pod", HostAliases: []podnet.HostAlias{{IP: "127.0.0.1", Hostnames: []string{"site"}}, {IP: "10.9.9.9", Hostnames: []string{"nowhere"}}},
		Containers: []podnet.ContainerSpec{{Name: "site", Run: website}, {Name: "c", Image: "alpine", Command: []string{"sleep", "infinity"}}},
	})
	synctest.Wait()
	return pod.Container("c")
}

// wgetRows were compared with busybox 1.35.
var wgetRows = []row{
	{name: "to stdout, quietly", script: "wget -q -O - http://127.0.0.1:8080/hello", stdout: "hello\n"},
	{name: "to stdout", script: "wget -O - http://127.0.0.1:8080/hello", stdout: "hello\n",
		stderr: "Connecting to 127.0.0.1:8080 (127.0.0.1:8080)\nwriting to stdout\n-                    100% |********************************|     6  0:00:00 ETA\nwritten to stdout\n"},
	{name: "to a file", script: "wget site:8080/hello && cat hello", stdout: "hello\n",
		stderr: "Connecting to site:8080 (127.0.0.1:8080)\nsaving to 'hello'\nhello                100% |********************************|     6  0:00:00 ETA\n'hello' saved\n"},
	{name: "over a file", script: "echo x > hello; wget -q http://site:8080/hello; cat hello", stdout: "x\n", stderr: "wget: can't open 'hello': File exists\n"},
	{name: "into a missing directory", script: "wget -q -O /nonex/x http://site:8080/hello", stderr: "wget: can't open '/nonex/x': No such file or directory\n", code: 1},
	{name: "what is not there", script: "wget -q -O - http://site:8080/nope", stderr: "wget: server returned error: HTTP/1.1 404 Not Found\n", code: 1},
	{name: "nobody listens", script: "wget -q -O - http://127.0.0.1:9/", stderr: "wget: can't connect to remote host (127.0.0.1): Connection refused\n", code: 1},
	{name: "a name that is not there", script: "wget -q -O - http://nosuch.invalid/", stderr: "wget: bad address 'nosuch.invalid'\n", code: 1},
	{name: "another protocol", script: "wget ftpx://a", stderr: "wget: not an http or ftp url: ftpx://a\n", code: 1},
	{name: "spider", script: "wget --spider http://site:8080/hello; wget -q --spider http://site:8080/nope", stderr: "Connecting to site:8080 (127.0.0.1:8080)\nremote file exists\nwget: server returned error: HTTP/1.1 404 Not Found\n", code: 1},
	{name: "a redirect", script: "wget -q -O - http://site:8080/moved", stdout: "hello\n"},
	{name: "redirects without end", script: "wget -q -O - http://site:8080/round", stderr: "wget: too many redirections\n", code: 1},
	{name: "headers and data", script: "wget -q -O - --header 'X-A: b' --post-data a=b -U me http://site:8080/show", stdout: "POST site:8080 \"a=b\" b|me|\n"},
	{name: "a server that is silent", script: "wget -q -T 5 -O - http://site:8084/", stderr: "wget: download timed out\n", code: 1},
	{name: "a body that stops", script: "wget -q -T 5 -O - http://site:8080/slow", stderr: "wget: download timed out\n", code: 1},
	{name: "a host that is not there", script: "wget -q -T 3 -O - http://nowhere/", stderr: "wget: download timed out\n", code: 1},
	{name: "no answer", script: "wget -q -O - http://site:8081/", stderr: "wget: error getting response\n", code: 1},
	{name: "half an answer", script: "wget -q -O - http://site:8082/", stdout: "abc", stderr: "wget: connection closed prematurely\n", code: 1},
	{name: "the response's head", script: "wget -S -q -O /dev/null http://site:8080/hello 2>&1 | grep -v Date", stdout: "  HTTP/1.1 200 OK\n  Content-Length: 6\n  Content-Type: text/plain; charset=utf-8\n  Connection: close\n  \n"},
}

// curlRows were compared with curl 7.88; the words of (7) and (18) are those of 8.14.
var curlRows = []row{
	{name: "a page", script: "curl -s http://127.0.0.1:8080/hello", stdout: "hello\n"},
	{name: "the status", script: `curl -s -o /dev/null -w '%{http_code} %{size_download} %{remote_ip}:%{remote_port} %{url_effective}\n' http://site:8080/hello`, stdout: "200 6 127.0.0.1:8080 http://site:8080/hello\n"},
	{name: "nobody listens", script: "curl -s -S http://127.0.0.1:9/", stderr: "curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Could not connect to server\n", code: 7},
	{name: "nobody listens, silently", script: "curl -s -w '%{http_code}' http://127.0.0.1:9/", stdout: "000", code: 7},
	{name: "a name that is not there", script: "curl -sS http://nosuch.invalid/", stderr: "curl: (6) Could not resolve host: nosuch.invalid\n", code: 6},
	{name: "fail on an error", script: "curl -sSf http://site:8080/nope", stderr: "curl: (22) The requested URL returned error: 404\n", code: 22},
	{name: "an error is no failure", script: "curl -s http://site:8080/nope", stdout: "404 page not found\n"},
	{name: "a silent server", script: "curl -sS -m 2 http://site:8084/", stderr: "curl: (28) Operation timed out after 2000 milliseconds with 0 bytes received\n", code: 28},
	{name: "a host that is not there", script: "curl -sS --connect-timeout 2 http://nowhere/", stderr: "curl: (28) Failed to connect to nowhere port 80 after 2000 ms: Timeout was reached\n", code: 28},
	{name: "a host that is not there, in all", script: "curl -sS -m 2 http://nowhere/", stderr: "curl: (28) Connection timed out after 2000 milliseconds\n", code: 28},
	{name: "no answer", script: "curl -sS http://site:8081/", stderr: "curl: (52) Empty reply from server\n", code: 52},
	{name: "half an answer", script: "curl -sS http://site:8082/", stdout: "abc", stderr: "curl: (18) end of response with 7 bytes missing\n", code: 18},
	{name: "no HTTP", script: "curl -sS http://site:8083/", stderr: "curl: (1) Received HTTP/0.9 when not allowed\n", code: 1},
	{name: "a redirect not followed", script: "curl -s -o /dev/null -w '%{http_code} %{redirect_url}' http://site:8080/moved", stdout: "302 /hello"},
	{name: "a redirect followed", script: "curl -sL http://site:8080/moved", stdout: "hello\n"},
	{name: "redirects without end", script: "curl -sSL --max-redirs 3 http://site:8080/round", stderr: "curl: (47) Maximum (3) redirects followed\n", code: 47},
	{name: "data", script: "curl -s -d a=b -d c=d -H 'X-A: b' -A me http://site:8080/show; echo x > f; curl -s -X PUT -d @f http://site:8080/show", stdout: "POST site:8080 \"a=b&c=d\" b|me|\nPUT site:8080 \"x\" |curl/8.14.1|\n"},
	{name: "data in the query", script: "curl -s -G -d a=b -w '%{url_effective}' http://site:8080/hello", stdout: "hello\nhttp://site:8080/hello?a=b"},
	{name: "a user", script: "curl -s -u a:b http://site:8080/show", stdout: "GET site:8080 \"\" |curl/8.14.1|Basic " + base64.StdEncoding.EncodeToString([]byte("a:b")) + "\n"},
	{name: "a host header", script: "curl -s -H 'Host: other' http://site:8080/show", stdout: "GET other \"\" |curl/8.14.1|\n"},
	{name: "an address of one's own", script: "curl -s --resolve x.example:8080:127.0.0.1 http://x.example:8080/show", stdout: "GET x.example:8080 \"\" |curl/8.14.1|\n"},
	{name: "retries", script: "curl -s --retry 5 http://site:8080/flaky | tail -n 1", stdout: "at last\n"},
	{name: "retries of a refused connection", script: "curl -sS --retry 1 --retry-connrefused http://127.0.0.1:9/", code: 7,
		stderr: "curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Could not connect to server\ncurl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Could not connect to server\n"},
	{name: "the head only", script: "curl -sI http://site:8080/hello | grep -v Date", stdout: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"},
	{name: "head and body", script: "curl -si http://site:8080/hello | grep -v Date | tail -n 2", stdout: "\r\nhello\n"},
	{name: "into a missing directory", script: "curl -s -o /nonex/x http://site:8080/hello", code: 23},
	{name: "another protocol", script: "curl -sS ftpx://a", stderr: "curl: (1) Protocol \"ftpx\" not supported\n", code: 1},
	{name: "an option that is not there", script: "curl --nosuch", stderr: "curl: option --nosuch: is unknown\ncurl: try 'curl --help' for more information\n", code: 2},
	{name: "an option without its value", script: "curl -w", stderr: "curl: option -w: requires parameter\ncurl: try 'curl --help' for more information\n", code: 2},
	{name: "what is sent and received", script: "curl -sv http://127.0.0.1:8080/hello 2>&1 | grep -v Date", stdout: "*   Trying 127.0.0.1:8080...\n* Connected to 127.0.0.1 (127.0.0.1) port 8080\n> GET /hello HTTP/1.1\r\n> Host: 127.0.0.1:8080\r\n" +
		"> User-Agent: curl/8.14.1\r\n> Accept: */*\r\n> \r\n< HTTP/1.1 200 OK\r\n< Content-Length: 6\r\n< Content-Type: text/plain; charset=utf-8\r\n< \r\nhello\n{ [6 bytes data]\n* Connection #0 to host 127.0.0.1 left intact\n"},
}

var netRows = []row{
	// A listener without input says so at once, and a client that hears it before
	// it has sent anything ends, as BusyBox's does: so this one has input for a while.
	{name: "nc sends and receives", script: "sleep 3 | nc -l -p 7001 > out & sleep 1; echo hi | nc 127.0.0.1 7001; wait; cat out", stdout: "hi\n"},
	{name: "nc runs a program", script: "nc -l -p 7001 -e cat & sleep 1; echo hi | nc 127.0.0.1 7001", stdout: "hi\n"},
	{name: "nc -ll serves again", script: "nc -ll -p 7002 -e echo yes & sleep 1; nc 127.0.0.1 7002; nc 127.0.0.1 7002; kill $!", stdout: "yes\nyes\n"},
	{name: "nc over UDP", script: "nc -u -l -p 7003 > out & sleep 1; echo hi | nc -u -w 1 127.0.0.1 7003; kill $!; wait; cat out", stdout: "hi\n"},
	{name: "nc where nobody listens", script: "nc 127.0.0.1 9", stderr: "nc: can't connect to remote host (127.0.0.1): Connection refused\n", code: 1},
	{name: "nc looks for a port", script: "nc -z 127.0.0.1 8080 && nc -zv 127.0.0.1 8080", stderr: "Connection to 127.0.0.1 8080 port [tcp/*] succeeded!\n"},
	{name: "nc gives up", script: "nc -w 2 nowhere 80", stderr: "nc: timed out\n", code: 1},
	{name: "nc a name that is not there", script: "nc nosuch.invalid 80", stderr: "nc: bad address 'nosuch.invalid'\n", code: 1},
	{name: "nc on a port that is taken", script: "nc -l -p 8080", stderr: "nc: bind: Address already in use\n", code: 1},
	{name: "hostname", script: "hostname; hostname -i; hostname -s; hostname x", stdout: "pod\n10.244.0.2\npod\n", stderr: "hostname: sethostname: Operation not permitted\n", code: 1},
	{name: "netstat", script: "netstat -tln | grep 8080", stdout: "tcp        0      0 :::8080                 :::*                    LISTEN      \n"},
	{name: "ss", script: "ss -tln | grep 808[0-1]", stdout: "LISTEN 0      0                  *:8080               *:*\nLISTEN 0      0                  *:8081               *:*\n"},
	{name: "ip of the loopback", script: "ip -4 addr show dev lo", stdout: "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue \n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"},
	{name: "ip of no device", script: "ip addr show dev nosuch", stderr: "ip: can't find device 'nosuch'\n", code: 1},
	{name: "ip route", script: "ip route", stdout: "default via 10.244.0.1 dev eth0 \n10.244.0.0/24 via 10.244.0.1 dev eth0 src 10.244.0.2 \n10.244.0.1 dev eth0 scope link  src 10.244.0.2 \n"},
	{name: "ifconfig of no device", script: "ifconfig nosuch", stderr: "ifconfig: nosuch: error fetching interface information: Device not found\n", code: 1},
}

func TestNetworkCommands(t *testing.T) {
	for name, rows := range map[string][]row{"wget": wgetRows, "curl": curlRows, "others": netRows} {
		synctest.Test(t, func(t *testing.T) {
			c := websitePod(t)
			for i, r := range rows {
				dir := fmt.Sprintf("/tmp/%d", i)
				require.NoError(t, c.FS().MkdirAll(dir, 0o755))
				got, err := c.Exec(t.Context(), "sh", "-c", "cd "+dir+"\n"+r.script)
				require.NoError(t, err)
				assert.Equal(t, r.stdout, got.Stdout, "stdout of %s: %s", name, r.name)
				assert.Equal(t, r.stderr, got.Stderr, "stderr of %s: %s", name, r.name)
				assert.Equal(t, r.code, got.ExitCode, "exit code of %s: %s", name, r.name)
			}
		})
	}
}

// curl's own image runs curl with the arguments, as its entrypoint does.
func TestCurlImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{
			{Name: "nginx", Image: "nginx"},
			{Name: "curl", Image: "curlimages/curl:8.14.1", Args: []string{"-s", "--retry", "3", "--retry-connrefused", "http://localhost"}},
		}})
		time.Sleep(10 * time.Second)
		assert.Contains(t, pod.Container("curl").Logs(), "<h1>Welcome to nginx!</h1>")
		require.NotNil(t, pod.Container("curl").Status().State.Terminated)
		assert.Zero(t, pod.Container("curl").Status().State.Terminated.ExitCode)
	})
}

// Of a server's end while it sends, wget tells.
func TestWgetOfAServerThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", Containers: []podnet.ContainerSpec{{Name: "c", Image: "alpine", Command: []string{"sleep", "infinity"}}}})
		l, err := pod.Listen("tcp", ":80")
		require.NoError(t, err)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 1000))
			conn.(interface{ SetLinger(int) error }).SetLinger(0)
			conn.Close()
		}()
		r := sh(t, pod.Container("c"), "wget -q -O - http://127.0.0.1/")
		assert.True(t, strings.HasPrefix(r.Stderr, "wget: error getting response"), r.Stderr)
		assert.Equal(t, 1, r.ExitCode)
	})
}
