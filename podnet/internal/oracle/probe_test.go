//go:build linux

package oracle

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // as in the kubelet, which gets it with its tracing
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/record"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	grpcprobe "k8s.io/kubernetes/pkg/probe/grpc"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
	tcpprobe "k8s.io/kubernetes/pkg/probe/tcp"

	"podnet.dev/podnet/internal/probe"
)

// second is the timeout of attempts that must not run into it, and soon that of
// those that must.
const (
	second = 10 * time.Second
	soon   = 300 * time.Millisecond
)

// saw is a server's notebook: the requests that it got.
type saw struct {
	mu    sync.Mutex
	lines []string
}

func (s *saw) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

// request notes what a probe may be judged by.
func (s *saw) request(r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s Host: %s Length: %d %v TLS: %v", r.Method, r.RequestURI, r.Proto, r.Host, r.ContentLength, r.TransferEncoding, r.TLS != nil)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		value := r.Header[name]
		if name == "Grpc-Timeout" {
			value = []string{"some time"}
		}
		fmt.Fprintf(&b, " %s: %q", name, value)
	}
	s.note(b.String())
}

// take returns what was noted, and forgets it.
func (s *saw) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

// told is what an attempt says.
type told struct {
	Result, Output, Err string
	Saw                 []string
}

var (
	clientPort = regexp.MustCompile(`127\.0\.0\.1:\d+->`)
	// Kubernetes was not linked by its own build, and protobuf writes a space
	// of one kind or another.
	likeReleased = strings.NewReplacer("kube-probe/.", "kube-probe/1.37", "kube-lifecycle/.", "kube-lifecycle/1.37", "\u00a0", " ")
)

// anyTimeout is what the kubelet says of https that times out. Its client cancels
// such a request in two ways at once, and either may be first.
var anyTimeout = regexp.MustCompile(`(net/http: request canceled( while waiting for connection)?|context deadline exceeded)( \(Client\.Timeout .*\))?`)

func tell[R ~string](result R, output string, err error, s *saw) told {
	t := told{Result: string(result), Output: output}
	if err != nil {
		t.Err = err.Error()
	}
	for _, line := range s.take() {
		t.Saw = append(t.Saw, likeReleased.Replace(line))
	}
	t.Output = likeReleased.Replace(clientPort.ReplaceAllString(t.Output, "127.0.0.1:client->"))
	t.Err = clientPort.ReplaceAllString(t.Err, "127.0.0.1:client->")
	return t
}

func portOf(t *testing.T, address string) int32 {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return int32(n)
}

// listen returns a listener on 127.0.0.1, closed with the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// serve answers each connection with a function, and returns the port.
func serve(t *testing.T, handle func(c net.Conn)) int32 {
	t.Helper()
	l := listen(t)
	var running sync.WaitGroup
	done := make(chan struct{})
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				ended := make(chan struct{})
				defer close(ended)
				go func() {
					select {
					case <-done:
						c.Close()
					case <-ended:
					}
				}()
				handle(c)
			})
		}
	})
	t.Cleanup(func() { close(done); l.Close(); running.Wait() })
	return portOf(t, l.Addr().String())
}

// nobody returns a port on which nobody listens.
func nobody(t *testing.T) int32 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return portOf(t, l.Addr().String())
}

// full returns a port whose listener takes no more connections.
func full(t *testing.T) int32 {
	t.Helper()
	l := listen(t)
	raw, err := l.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { assert.NoError(t, syscall.Listen(int(fd), 0)) }))
	for {
		c, err := net.DialTimeout("tcp", l.Addr().String(), soon)
		if err != nil {
			return portOf(t, l.Addr().String())
		}
		t.Cleanup(func() { c.Close() })
	}
}

// silent reads all and says nothing.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// closing ends a connection at once.
func closing(net.Conn) {}

// say answers a request with these bytes.
func say(answer string) func(c net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, answer)
		}
	}
}

// quiet is the log of a server.
var quiet = log.New(io.Discard, "", 0)

// kind is how an HTTP server speaks.
type kind int

const (
	plain   kind = iota
	secure       // with TLS and HTTP/2
	secure1      // with TLS and HTTP/1.1
	clear2       // HTTP/2 without TLS
)

// website serves HTTP, and returns the port.
func website(t *testing.T, k kind, s *saw, handler http.HandlerFunc) int32 {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.request(r)
		handler(w, r)
	}))
	server.Config.ErrorLog = quiet
	switch k {
	case plain:
		server.Start()
	case secure, secure1:
		server.EnableHTTP2 = k == secure
		server.StartTLS()
	case clear2:
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	}
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return portOf(t, server.Listener.Addr().String())
}

// answer is a handler.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// httpCase is a request and who answers it.
type httpCase struct {
	serve   http.HandlerFunc
	kind    kind
	raw     func(c net.Conn)             // instead of serve
	port    func(t *testing.T) int32     // instead of raw
	get     v1.HTTPGetAction             // without the port
	named   *intstr.IntOrString          // the port, if not that of the server
	timeout time.Duration                // default second
	want    func(t *testing.T, got told) // what both must say, so that the case is what its name says
}

func output(want string) func(t *testing.T, got told) {
	return func(t *testing.T, got told) { assert.Contains(t, got.Result+": "+got.Output+got.Err, want) }
}

func header(pairs ...string) v1.HTTPGetAction {
	get := v1.HTTPGetAction{Path: "/"}
	for i := 0; i < len(pairs); i += 2 {
		get.HTTPHeaders = append(get.HTTPHeaders, v1.HTTPHeader{Name: pairs[i], Value: pairs[i+1]})
	}
	return get
}

func path(p string) v1.HTTPGetAction { return v1.HTTPGetAction{Path: p} }

func redirect(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			io.WriteString(w, "the end")
			return
		}
		w.Header()["Location"] = []string{strings.ReplaceAll(location, "{host}", r.Host)}
		w.WriteHeader(status)
		io.WriteString(w, "elsewhere")
	}
}

// countdown redirects n times.
func countdown(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if i < n {
			http.Redirect(w, r, "/"+strconv.Itoa(i+1), http.StatusFound)
			return
		}
		io.WriteString(w, "landed")
	}
}

// stall begins a body and does not go on.
func stall(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "begun")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// hang does not answer.
func hang(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func abort(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "begun")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func port(v intstr.IntOrString) *intstr.IntOrString { return &v }

func httpCases() map[string]httpCase {
	https := v1.HTTPGetAction{Path: "/", Scheme: v1.URISchemeHTTPS}
	ok := answer(200, "fine")
	cases := map[string]httpCase{
		"no body":          {serve: answer(204, ""), get: path("/"), want: output("success: ")},
		"10 KiB":           {serve: answer(200, strings.Repeat("x", 10<<10)), get: path("/"), want: output("success: xxx")},
		"more than 10 KiB": {serve: answer(200, strings.Repeat("xy", 5<<10)+"z"), get: path("/")},
		"a megabyte":       {serve: answer(200, strings.Repeat("x", 1<<20)), get: path("/")},
		"a body of pieces": {serve: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			io.WriteString(w, "b")
		}, get: path("/"), want: output("success: ab")},
		"an early hint": {serve: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); io.WriteString(w, "late") }, get: path("/"), want: output("success: late")},
		"a server that compresses": {serve: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, "small")
			z.Close()
		}, get: path("/")},
		"no answer":                 {serve: hang, get: path("/"), timeout: soon, want: output("(Client.Timeout exceeded while awaiting headers)")},
		"an answer that stalls":     {serve: stall, get: path("/"), timeout: soon, want: output("while reading body")},
		"an answer that breaks":     {serve: abort, get: path("/"), want: output("unexpected EOF")},
		"a length that is not kept": {raw: say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), get: path("/"), want: output("unexpected EOF")},
		"nobody listens":            {port: nobody, get: path("/"), want: output("connect: connection refused")},
		"a full backlog":            {port: full, get: path("/"), timeout: soon, want: output("(Client.Timeout exceeded while awaiting headers)")},
		"silent TCP":                {raw: silent, get: path("/"), timeout: soon, want: output("(Client.Timeout exceeded while awaiting headers)")},
		"closed without an answer":  {raw: say(""), get: path("/"), want: output("EOF")},
		"garbage":                   {raw: say("220 mail.example ESMTP\r\n"), get: path("/"), want: output("malformed HTTP")},
		"a header without a colon":  {raw: say("HTTP/1.1 200 OK\r\nnothing\r\n\r\n"), get: path("/"), want: output("malformed MIME header")},
		"a status that is none":     {raw: say("HTTP/1.1 2xx OK\r\n\r\n"), get: path("/"), want: output("malformed HTTP status code")},
		"another protocol":          {raw: say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello"), get: path("/"), want: output("failure: HTTP probe failed with statuscode: 101")},
		"HTTP/1.0":                  {raw: say("HTTP/1.0 200 OK\r\n\r\nuntil the end"), get: path("/"), want: output("success: until the end")},

		"TLS with HTTP/2":                  {serve: ok, kind: secure, get: https, want: output("success: fine")},
		"TLS with HTTP/1.1":                {serve: ok, kind: secure1, get: https, want: output("success: fine")},
		"TLS, a failure":                   {serve: answer(500, "broken"), kind: secure, get: https},
		"TLS with HTTP/2, a long body":     {serve: answer(200, strings.Repeat("x", 1<<20)), kind: secure, get: https},
		"TLS with HTTP/2, no answer":       {serve: hang, kind: secure, get: https, timeout: soon, want: output("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")},
		"TLS with HTTP/2, it stalls":       {serve: stall, kind: secure, get: https, timeout: soon, want: output("context deadline exceeded (Client.Timeout or context cancellation while reading body)")},
		"TLS with HTTP/2, it breaks":       {serve: abort, kind: secure, get: https, want: output("stream error: stream ID 1; INTERNAL_ERROR; received from peer")},
		"TLS with HTTP/2, redirects":       {serve: countdown(3), kind: secure, get: https, want: output("success: landed")},
		"TLS with HTTP/2, another host":    {serve: redirect(302, "https://other.example/"), kind: secure, get: https, want: output("warning: ")},
		"TLS, no answer":                   {serve: hang, kind: secure1, get: https, timeout: soon, want: output("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")},
		"https of a server without":        {serve: ok, get: https, want: output("server gave HTTP response to HTTPS client")},
		"https of a server that is silent": {raw: silent, get: https, timeout: soon, want: output("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")},
		"https of a server that hangs up":  {raw: func(c net.Conn) { c.Read(make([]byte, 1<<14)) }, get: https, want: output("EOF")},
		"https of another protocol":        {raw: func(c net.Conn) { c.Read(make([]byte, 1<<14)); io.WriteString(c, "220 mail.example ESMTP\r\n") }, get: https, want: output("first record does not look like a TLS handshake")},
		"http of a server with TLS":        {serve: ok, kind: secure, get: path("/"), want: output("statuscode: 400")},
		"a scheme in small letters":        {serve: ok, kind: secure, get: v1.HTTPGetAction{Path: "/", Scheme: "https"}, want: output("success: fine")},
		"another scheme":                   {serve: ok, get: v1.HTTPGetAction{Path: "/", Scheme: "FTP"}, want: output("unsupported protocol scheme")},
		"HTTP/2 without TLS":               {serve: ok, kind: clear2, get: path("/"), timeout: soon},

		"ten redirects":                 {serve: countdown(9), get: path("/"), want: output("success: landed")},
		"one redirect more":             {serve: countdown(10), get: path("/"), want: output("stopped after 10 redirects")},
		"redirects for ever":            {serve: redirect(302, "/"), get: path("/"), want: output("stopped after 10 redirects")},
		"a redirect to the whole URL":   {serve: redirect(302, "http://{host}/end?q#f"), get: path("/"), want: output("success: the end")},
		"a redirect to another host":    {serve: redirect(302, "http://other.example/end"), get: path("/"), want: output("warning: Probe terminated redirects, Response body: elsewhere")},
		"a redirect to another name":    {serve: redirect(302, "http://localhost:1/end"), get: path("/"), want: output("warning: ")},
		"a redirect to a port without":  {serve: redirect(302, "http://127.0.0.1:1/"), get: path("/"), want: output("connection refused")},
		"a redirect to nowhere":         {serve: answer(302, "stay"), get: path("/"), want: output("warning: ")},
		"a redirect to no URL":          {serve: redirect(302, "http://[::1"), get: path("/"), want: output("failed to parse Location header")},
		"a redirect to another scheme":  {serve: redirect(302, "ftp://{host}/end"), get: path("/"), want: output("unsupported protocol scheme")},
		"a redirect to TLS, without":    {serve: redirect(302, "https://{host}/end"), get: path("/"), want: output("server gave HTTP response to HTTPS client")},
		"a redirect with other headers": {serve: redirect(307, "/end"), get: header("Host", "shop.example", "X-A", "1", "Authorization", "Basic eDp5")},
		"a redirect of a long body": {serve: func(w http.ResponseWriter, r *http.Request) {
			redirect(302, "http://other.example")(w, r)
			io.WriteString(w, strings.Repeat("x", 1<<20))
		}, get: path("/")},

		"no headers": {serve: ok, get: path("/"), want: func(t *testing.T, got told) {
			assert.Contains(t, got.Saw[0], `Accept: ["*/*"]`)
			assert.Contains(t, got.Saw[0], `User-Agent: ["kube-probe/1.37"]`)
		}},
		"headers":                   {serve: ok, get: header("X-A", "1", "x-a", "2", "X-B", "")},
		"a User-Agent":              {serve: ok, get: header("user-agent", "mine")},
		"an empty User-Agent":       {serve: ok, get: header("User-Agent", "")},
		"an Accept":                 {serve: ok, get: header("accept", "text/html")},
		"an empty Accept":           {serve: ok, get: header("Accept", "")},
		"an empty Accept, then one": {serve: ok, get: header("Accept", "", "Accept", "text/html")},
		"a Host":                    {serve: ok, get: header("host", "shop.example:99")},
		"a Host that is none":       {serve: ok, get: header("Host", "not a host")},
		"an Accept-Encoding":        {serve: ok, get: header("Accept-Encoding", "gzip")},
		"a Connection":              {serve: ok, get: header("Connection", "keep-alive")},
		"a Content-Length":          {serve: ok, get: header("Content-Length", "3")},
		"an Expect":                 {serve: ok, get: header("Expect", "100-continue")},
		"a header's name is none":   {serve: ok, get: header("not a name", "1"), want: output("invalid header field name")},
		"a header's value is none":  {serve: ok, get: header("X-A", "1\r\n2"), want: output("invalid header field value")},
		"TLS, headers":              {serve: ok, kind: secure, get: v1.HTTPGetAction{Path: "/", Scheme: "HTTPS", HTTPHeaders: header("X-A", "1", "Host", "shop.example", "Accept", "").HTTPHeaders}},

		"a host":              {serve: ok, get: v1.HTTPGetAction{Path: "/", Host: "localhost"}, want: output("success: fine")},
		"a host that is none": {serve: ok, get: v1.HTTPGetAction{Path: "/", Host: "not a host"}},
		"a port's name":       {serve: ok, get: path("/"), named: port(intstr.FromString("web")), want: output("success: fine")},
		"an unknown port":     {serve: ok, get: path("/"), named: port(intstr.FromString("other")), want: output(`unknown: port "other" not found`)},
		"a name's port is 0":  {serve: ok, get: path("/"), named: port(intstr.FromString("zero")), want: output("unknown: invalid port number: 0")},
		"port 0":              {serve: ok, get: path("/"), named: port(intstr.FromInt32(0)), want: output("unknown: invalid port number: 0")},
		"port 65536":          {serve: ok, get: path("/"), named: port(intstr.FromInt32(65536)), want: output("unknown: invalid port number: 65536")},
		"port -1":             {serve: ok, get: path("/"), named: port(intstr.FromInt32(-1)), want: output("unknown: invalid port number: -1")},
	}
	for _, s := range []int{200, 201, 299, 300, 304, 399, 400, 404, 418, 500, 503, 599} {
		body := "body"
		if s == 304 {
			body = ""
		}
		cases[fmt.Sprintf("status %d", s)] = httpCase{serve: answer(s, body), get: path("/")}
	}
	for _, s := range []int{301, 302, 303, 307, 308} {
		cases[fmt.Sprintf("a redirect with %d", s)] = httpCase{serve: redirect(s, "end"), get: path("/"), want: output("success: the end")}
	}
	for _, p := range []string{
		"", "/", "/a?b=c&d", "noslash", "?q=1", "/%zz", "/a b", "/\u00fc", "//double", "//user@other/x", "http://other.example/x?y", "http://u:p@other.example/x",
		"mailto:x", "/a#f", "/a%2Fb", "*", "/a;b?c;d", "/?a=%zz", ":bad", "/a\x7f", "/../x", "http://[::1", "/a?x=a b", "%", "/?", "#", "/a\nb",
	} {
		cases[fmt.Sprintf("path %q", p)] = httpCase{serve: ok, get: path(p)}
	}
	return cases
}

// start starts the server of a case and returns its port.
func (c httpCase) start(t *testing.T, s *saw) int32 {
	t.Helper()
	switch {
	case c.port != nil:
		return c.port(t)
	case c.raw != nil:
		return serve(t, c.raw)
	}
	return website(t, c.kind, s, c.serve)
}

// action returns the request of a case in the words of both.
func (c httpCase) action(n int32) (v1.HTTPGetAction, *v1.Container, []probe.Port) {
	get := c.get
	get.Port = intstr.FromInt32(n)
	if c.named != nil {
		get.Port = *c.named
	}
	container := &v1.Container{Ports: []v1.ContainerPort{{Name: "zero"}, {ContainerPort: 1}, {Name: "web", ContainerPort: n}, {Name: "web", ContainerPort: 2}}}
	var ports []probe.Port
	for _, p := range container.Ports {
		ports = append(ports, probe.Port{Name: p.Name, Number: p.ContainerPort})
	}
	return get, container, ports
}

// ours is the request of a case in podnet's words.
func ours(get v1.HTTPGetAction, ports []probe.Port) (probe.HTTPGet, error) {
	n, err := probe.ResolvePort(get.Port.IntVal, get.Port.StrVal, ports)
	g := probe.HTTPGet{Scheme: string(get.Scheme), Host: get.Host, Port: n, Path: get.Path}
	if g.Host == "" {
		g.Host = "127.0.0.1"
	}
	for _, h := range get.HTTPHeaders {
		g.Headers = append(g.Headers, probe.Header(h))
	}
	return g, err
}

func TestHTTPProbesAreTheKubelets(t *testing.T) {
	kubelet := httpprobe.New(false)
	for name, c := range httpCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(saw)
			get, container, ports := c.action(c.start(t, s))
			timeout := c.timeout
			if timeout == 0 {
				timeout = second
			}

			want := func() told {
				req, err := httpprobe.NewRequestForHTTPGetAction(&get, container, "127.0.0.1", "probe")
				if err != nil {
					return tell("unknown", "", err, s)
				}
				result, output, err := kubelet.Probe(req, timeout)
				return tell(result, output, err, s)
			}()
			got := func() told {
				g, err := ours(get, ports)
				if err != nil {
					return tell(probe.Unknown, "", err, s)
				}
				result, output, err := g.Probe(t.Context(), new(net.Dialer).DialContext, timeout)
				return tell(result, output, err, s)
			}()
			if c.want != nil {
				c.want(t, got)
			}
			if get.Scheme != "" {
				for _, s := range []*string{&want.Output, &want.Err, &got.Output, &got.Err} {
					*s = anyTimeout.ReplaceAllString(*s, "timeout")
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestTCPProbesAreTheKubelets(t *testing.T) {
	for name, c := range map[string]struct {
		host  string
		port  func(t *testing.T) int32
		after time.Duration
		want  string
	}{
		"somebody listens":    {port: func(t *testing.T) int32 { return serve(t, silent) }, want: "success: "},
		"it hangs up":         {port: func(t *testing.T) int32 { return serve(t, closing) }, want: "success: "},
		"a name":              {host: "localhost", port: func(t *testing.T) int32 { return serve(t, silent) }, want: "success: "},
		"nobody listens":      {port: nobody, want: "connect: connection refused"},
		"a full backlog":      {port: full, after: soon, want: "i/o timeout"},
		"no such address":     {host: "1.2.3.4.5", port: nobody, after: soon, want: "failure: "},
		"another family":      {host: "::1", port: nobody, want: "failure: dial tcp [::1]"},
		"a host that is none": {host: "[::", port: nobody, want: "failure: "},
		"a port that is none": {port: func(*testing.T) int32 { return 65536 }, want: "invalid port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, n, timeout := c.host, int(c.port(t)), c.after
			if host == "" {
				host = "127.0.0.1"
			}
			if timeout == 0 {
				timeout = second
			}
			result, output, err := tcpprobe.New().Probe(host, n, timeout)
			want := tell(result, output, err, new(saw))
			r, output, err := probe.TCPSocket{Host: host, Port: n}.Probe(t.Context(), new(net.Dialer).DialContext, timeout)
			got := tell(r, output, err, new(saw))
			assert.Equal(t, want, got)
			assert.Contains(t, got.Result+": "+got.Output, c.want)
		})
	}
}

// lifecycleClient is the client of a kubelet's hooks (kubelet.go).
func lifecycleClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: httpprobe.RedirectChecker(false),
	}
}

func TestHTTPHooksAreTheKubelets(t *testing.T) {
	https := v1.HTTPGetAction{Path: "/", Scheme: v1.URISchemeHTTPS}
	secret := https
	secret.HTTPHeaders = header("Authorization", "Basic eDp5", "X-A", "1").HTTPHeaders
	cases := httpCases()
	for name, c := range cases {
		if c.timeout != 0 {
			delete(cases, name) // the kubelet's hooks have no end
		}
	}
	maps.Copy(cases, map[string]httpCase{
		"https, answered without TLS":                {serve: answer(200, "fine"), get: secret, want: output("retry with HTTP succeeded")},
		"https, answered without TLS, with failure":  {serve: answer(500, "broken"), get: secret, want: output("retry with HTTP succeeded")},
		"https, answered without TLS, with redirect": {serve: redirect(302, "https://{host}/end"), get: https, want: output("server gave HTTP response to HTTPS client")},
		"https, answered by a port's name":           {serve: answer(200, "fine"), get: https, named: port(intstr.FromString("web")), want: output("retry with HTTP succeeded")},
	})
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(saw)
			get, container, ports := c.action(c.start(t, s))
			if get.Host == "" {
				get.Host = "127.0.0.1"
			}
			events := record.NewFakeRecorder(1)
			runner := lifecycle.NewHandlerRunner(lifecycleClient(), nil, nil, events)
			_, err := runner.Run(t.Context(), kubecontainer.ContainerID{}, &v1.Pod{}, container, &v1.LifecycleHandler{HTTPGet: &get})
			warning := ""
			select {
			case warning = <-events.Events:
			default:
			}
			want := tell("", warning, err, s)

			g, err := ours(get, ports)
			if err == nil {
				warning, err = g.Hook(t.Context(), new(net.Dialer).DialContext)
			}
			if warning != "" {
				warning = "Warning LifecycleHTTPFallback " + warning
			}
			got := tell("", warning, err, s)
			assert.Equal(t, want, got)
			if strings.HasPrefix(name, "https, ") {
				c.want(t, got)
			}
		})
	}
}

// checker answers a health check with a function.
type checker struct {
	grpc_health_v1.UnimplementedHealthServer
	saw   *saw
	check func(ctx context.Context, service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error)
}

func (c checker) Check(ctx context.Context, in *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	c.saw.note(fmt.Sprintf("service %q, %v", in.Service, md))
	s, err := c.check(ctx, in.Service)
	return &grpc_health_v1.HealthCheckResponse{Status: s}, err
}

// grpcServer serves gRPC, and returns the port.
func grpcServer(t *testing.T, l net.Listener, register func(*grpc.Server)) int32 {
	t.Helper()
	server := grpc.NewServer()
	register(server)
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(l) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return portOf(t, l.Addr().String())
}

// says is a gRPC server whose health check is a function.
func says(check func(ctx context.Context, service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error)) func(*testing.T, *saw) int32 {
	return func(t *testing.T, s *saw) int32 {
		return grpcServer(t, listen(t), func(server *grpc.Server) {
			grpc_health_v1.RegisterHealthServer(server, checker{saw: s, check: check})
		})
	}
}

func fails(code codes.Code, message string) func(*testing.T, *saw) int32 {
	return says(func(context.Context, string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
		return 0, status.Error(code, message)
	})
}

// h2c is an HTTP/2 server that is not gRPC's.
func h2c(handler http.HandlerFunc) func(*testing.T, *saw) int32 {
	return func(t *testing.T, s *saw) int32 { return website(t, clear2, s, handler) }
}

// reply is a handler that answers as gRPC does, with this body and these
// trailers. Headers begin with "-".
func reply(body string, pairs ...string) func(*testing.T, *saw) int32 {
	return h2c(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		for i := 0; i < len(pairs); i += 2 {
			if name, ok := strings.CutPrefix(pairs[i], "-"); ok {
				w.Header().Set(name, pairs[i+1])
			} else {
				w.Header().Set(http.TrailerPrefix+pairs[i], pairs[i+1])
			}
		}
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		io.WriteString(w, body)
	})
}

// framed is a message with its header.
func framed(flag byte, message string) string {
	return string([]byte{flag, byte(len(message) >> 24), byte(len(message) >> 16), byte(len(message) >> 8), byte(len(message))}) + message
}

// frames is a server that sends SETTINGS, and then answers the whole of each call
// as it likes, until it returns false.
func frames(then func(f *http2.Framer, id uint32) bool) func(*testing.T, *saw) int32 {
	return func(t *testing.T, s *saw) int32 {
		return serve(t, func(c net.Conn) {
			io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
			f := http2.NewFramer(c, c)
			f.WriteSettings()
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				if frame.Header().Type == http2.FrameData && frame.Header().Flags.Has(http2.FlagDataEndStream) {
					s.note("a call")
					if !then(f, frame.Header().StreamID) {
						return
					}
				}
			}
		})
	}
}

func compress(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

type grpcCase struct {
	serve   func(t *testing.T, s *saw) int32
	service string
	timeout time.Duration // default second
	want    string
}

func grpcCases() map[string]grpcCase {
	const (
		serving = "\x08\x01"
		cannot  = "error: health rpc probe failed: rpc error: code = "
		connect = "timeout: failed to connect service"
	)
	standard := func(t *testing.T, s *saw) int32 {
		server := health.NewServer()
		server.SetServingStatus("up", grpc_health_v1.HealthCheckResponse_SERVING)
		server.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		return grpcServer(t, listen(t), func(gs *grpc.Server) { grpc_health_v1.RegisterHealthServer(gs, server) })
	}
	answers := func(n int32) func(*testing.T, *saw) int32 {
		return says(func(context.Context, string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
			return grpc_health_v1.HealthCheckResponse_ServingStatus(n), nil
		})
	}
	bare := func(port func(t *testing.T) int32) func(*testing.T, *saw) int32 {
		return func(t *testing.T, _ *saw) int32 { return port(t) }
	}
	foreign := func(code int, contentType, body string) func(*testing.T, *saw) int32 {
		return h2c(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			answer(code, body)(w, r)
		})
	}
	cases := map[string]grpcCase{
		"serving":                     {serve: standard, want: "success: service healthy"},
		"a service that serves":       {serve: standard, service: "up", want: "success: service healthy"},
		"a service that does not":     {serve: standard, service: "down", want: `failure: service unhealthy (responded with "NOT_SERVING")`},
		"a service that nobody knows": {serve: standard, service: "x", want: cannot + "NotFound desc = unknown service"},
		"unknown":                     {serve: answers(0), want: `responded with "UNKNOWN"`},
		"a service of a long name":    {serve: answers(1), service: strings.Repeat("s\u00fc", 5000), want: "success: "},
		"a service unknown":           {serve: answers(3), want: `responded with "SERVICE_UNKNOWN"`},
		"a status without a name":     {serve: answers(7), want: `responded with "7"`},
		"a status below zero":         {serve: answers(-1), want: `responded with "-1"`},
		"no health service":           {serve: func(t *testing.T, s *saw) int32 { return grpcServer(t, listen(t), func(*grpc.Server) {}) }, want: "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health"},
		"a message of many letters":   {serve: fails(codes.Internal, "50 % of \u00fc\nand \x01 %41 %"), want: cannot + "Internal desc = 50 % of \u00fc\nand \x01 %41 %"},
		"no message":                  {serve: fails(codes.Internal, ""), want: cannot + "Internal desc = "},
		"too slow": {serve: says(func(ctx context.Context, _ string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
			<-ctx.Done()
			return 0, nil
		}), timeout: soon, want: "timeout: health rpc did not complete within 300ms"},
		"too slow, and it does not care": {serve: frames(func(*http2.Framer, uint32) bool { return true }), timeout: soon, want: "timeout: health rpc did not complete within 300ms"},

		"nobody listens": {serve: bare(nobody), timeout: soon, want: connect},
		"a full backlog": {serve: bare(full), timeout: soon, want: connect},
		"silent TCP":     {serve: bare(func(t *testing.T) int32 { return serve(t, silent) }), timeout: soon, want: "within 300ms: context deadline exceeded"},
		"closed at once": {serve: bare(func(t *testing.T) int32 { return serve(t, closing) }), timeout: soon, want: connect},
		"HTTP/1 only":    {serve: func(t *testing.T, _ *saw) int32 { return website(t, plain, new(saw), answer(200, "")) }, timeout: soon, want: connect},
		"TLS":            {serve: func(t *testing.T, _ *saw) int32 { return website(t, secure, new(saw), answer(200, "")) }, timeout: soon, want: connect},
		"another protocol": {serve: bare(func(t *testing.T) int32 {
			return serve(t, func(c net.Conn) { io.WriteString(c, "220 mail.example ESMTP\r\n"); silent(c) })
		}), timeout: soon, want: connect},
		"half a SETTINGS frame": {serve: bare(func(t *testing.T) int32 {
			return serve(t, func(c net.Conn) { io.WriteString(c, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00"); silent(c) })
		}), timeout: soon, want: connect},
		"another frame at first": {serve: bare(func(t *testing.T) int32 {
			return serve(t, func(c net.Conn) { http2.NewFramer(c, c).WritePing(false, [8]byte{}); silent(c) })
		}), timeout: soon, want: connect},

		"HTTP/2, not found":            {serve: h2c(http.NotFound), want: `unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type "text/plain; charset=utf-8"`},
		"HTTP/2, fine":                 {serve: foreign(200, "text/html", "hello"), want: cannot + "Unknown desc = unexpected HTTP status code received from server: 200 (OK)"},
		"HTTP/2, without content type": {serve: foreign(200, "", "hello"), want: "malformed header: missing HTTP content-type"},
		"HTTP/2, without body":         {serve: foreign(401, "", ""), want: cannot + "Unauthenticated"},
		"HTTP/2, a long body":          {serve: foreign(503, "text/html", strings.Repeat("x", 5000)), want: cannot + "Unavailable"},
		"HTTP/2, a body of 1 KiB":      {serve: foreign(502, "text/html", strings.Repeat("x", 1024)), want: cannot + "Unavailable"},
		"HTTP/2, a body that stalls":   {serve: h2c(stall), timeout: soon, want: "timeout: health rpc did not complete"},
		"HTTP/2, a body that breaks":   {serve: h2c(abort), want: cannot + "Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR"},
		"HTTP/2, a teapot":             {serve: foreign(418, "application/grpcish", "short"), want: cannot + `Unknown desc = unexpected HTTP status code received from server: 418 (I'm a teapot); transport: received unexpected content-type "application/grpcish"`},
		"HTTP/2, no such status":       {serve: foreign(599, "text/plain", "short"), want: "599 ()"},
		"a content type with more":     {serve: reply(framed(0, serving), "-Content-Type", "application/grpc+proto", "Grpc-Status", "0"), want: "success: "},

		"an answer":                        {serve: reply(framed(0, serving), "Grpc-Status", "0"), want: "success: "},
		"an answer with unknown fields":    {serve: reply(framed(0, "\x10\x05\x19abcdefgh\x22\x02hi\x2dabcd\x33\x08\x09\x34"+serving), "Grpc-Status", "0"), want: "success: "},
		"an answer of two parts":           {serve: reply(framed(0, serving+"\x08\x02"), "Grpc-Status", "0"), want: "NOT_SERVING"},
		"an answer that makes no sense":    {serve: reply(framed(0, "\x08"), "Grpc-Status", "0"), want: "grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data"},
		"an answer of another field":       {serve: reply(framed(0, "\x0a\x01x"), "Grpc-Status", "0"), want: `"UNKNOWN"`},
		"an answer of a wrong group":       {serve: reply(framed(0, "\x13\x1c"), "Grpc-Status", "0"), want: "invalid wire-format"},
		"an answer of field 0":             {serve: reply(framed(0, "\x00\x01"), "Grpc-Status", "0"), want: "invalid wire-format"},
		"an answer of a wrong type":        {serve: reply(framed(0, "\x0f"), "Grpc-Status", "0"), want: "invalid wire-format"},
		"an empty answer":                  {serve: reply(framed(0, ""), "Grpc-Status", "0"), want: `"UNKNOWN"`},
		"no answer":                        {serve: reply("", "Grpc-Status", "0"), want: "cardinality violation: received no response message"},
		"two answers":                      {serve: reply(framed(0, serving)+framed(0, serving), "Grpc-Status", "0"), want: "cardinality violation: expected <EOF>"},
		"an answer and a bit":              {serve: reply(framed(0, serving)+"\x00\x00", "Grpc-Status", "0"), want: "success: "},
		"half a header":                    {serve: reply("\x00\x00", "Grpc-Status", "0"), want: "cardinality violation"},
		"half an answer":                   {serve: reply(framed(0, serving)[:6], "Grpc-Status", "0"), want: cannot + "Internal desc = unexpected EOF"},
		"an answer too long":               {serve: reply("\x00\x00\x40\x00\x01", "Grpc-Status", "0"), want: cannot + "ResourceExhausted desc = grpc: received message larger than max (4194305 vs. 4194304)"},
		"an answer, and a failure":         {serve: reply(framed(0, serving), "Grpc-Status", "9", "Grpc-Message", "not now"), want: cannot + "FailedPrecondition desc = not now"},
		"an answer without trailers":       {serve: reply(framed(0, serving)), want: cannot + "Internal desc = server closed the stream without sending trailers"},
		"trailers without a status":        {serve: reply(framed(0, serving), "X-Other", "1"), want: cannot + "Unknown desc = "},
		"a status that is none":            {serve: reply(framed(0, serving), "Grpc-Status", "zero"), want: cannot + `Unknown desc = transport: malformed grpc-status: strconv.ParseInt: parsing "zero": invalid syntax`},
		"a status below zero in a trailer": {serve: reply("", "Grpc-Status", "-1"), want: cannot + "Code(4294967295) desc = "},
		"a status in the headers only": {serve: h2c(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "3")
			w.Header().Set("Grpc-Message", "no %C3%BC %")
		}), want: cannot + "InvalidArgument desc = no \u00fc %"},
		"headers only": {serve: h2c(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "application/grpc") }), want: cannot + "Unknown desc = "},
		"a success in the headers only": {serve: h2c(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "0")
		}), want: "cardinality violation"},
		"compressed":                {serve: reply(framed(1, compress(serving)), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "success: "},
		"compressed, not announced": {serve: reply(framed(1, compress(serving)), "Grpc-Status", "0"), want: "grpc: compressed flag set with identity or empty encoding"},
		"compressed in another way": {serve: reply(framed(1, serving), "-Grpc-Encoding", "zstd", "Grpc-Status", "0"), want: `grpc: Decompressor is not installed for grpc-encoding "zstd"`},
		"compressed badly":          {serve: reply(framed(1, serving), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "grpc: failed to decompress the message: "},
		"compressed and broken off": {serve: reply(framed(1, compress(serving)[:20]), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "grpc: failed to read decompressed data: "},
		"compressed too much":       {serve: reply(framed(1, compress(strings.Repeat("\x00", 5<<20))), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "grpc: received message after decompression larger than max 4194304"},
		"another flag":              {serve: reply(framed(2, serving), "Grpc-Status", "0"), want: "grpc: received unexpected payload format 2"},

		"the server dies during the call": {serve: frames(func(*http2.Framer, uint32) bool { return false }), want: cannot + "Unavailable desc = error reading from server: EOF"},
		"the call is refused":             {serve: frames(func(f *http2.Framer, id uint32) bool { f.WriteRSTStream(id, http2.ErrCodeRefusedStream); return true }), want: cannot + "Unavailable desc = stream terminated by RST_STREAM with error code: REFUSED_STREAM"},
		"GOAWAY":                          {serve: frames(func(f *http2.Framer, _ uint32) bool { f.WriteGoAway(0, http2.ErrCodeNo, nil); return true }), want: cannot + "Unavailable desc = the connection is draining"},
		"GOAWAY, and the server dies": {serve: frames(func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(1, http2.ErrCodeNo, []byte("graceful stop"))
			return false
		}), want: cannot + `Unavailable desc = closing transport due to: connection error: desc = "error reading from server: EOF", received prior goaway: code: NO_ERROR, debug data: "graceful stop"`},
		"GOAWAY in silence, and the server dies": {serve: frames(func(f *http2.Framer, _ uint32) bool { f.WriteGoAway(1, http2.ErrCodeInternal, nil); return false }), want: "received prior goaway: code: INTERNAL_ERROR"},
		"a frame that makes no sense":            {serve: frames(func(f *http2.Framer, _ uint32) bool { f.WriteRawFrame(http2.FramePing, 0, 0, []byte("x")); return true }), want: cannot + "Unavailable desc = error reading from server: "},
		"GOAWAY for a reason": {serve: frames(func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("calm"))
			return true
		}), want: cannot + "Unavailable desc = the connection is draining"},
	}
	for code := codes.Code(1); code < 18; code++ {
		cases["code "+code.String()] = grpcCase{serve: fails(code, "text"), want: "failure: "}
	}
	for code := http2.ErrCodeNo; code < 16; code++ {
		if code != http2.ErrCodeRefusedStream {
			cases["RST_STREAM "+code.String()] = grpcCase{serve: frames(func(f *http2.Framer, id uint32) bool { f.WriteRSTStream(id, code); return true }), want: "stream terminated by RST_STREAM with error code: " + code.String()}
		}
	}
	return cases
}

func TestGRPCProbesAreTheKubelets(t *testing.T) {
	for name, c := range grpcCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(saw)
			n := int(c.serve(t, s))
			timeout := c.timeout
			if timeout == 0 {
				timeout = second
			}
			result, output, err := grpcprobe.New().Probe("127.0.0.1", c.service, n, timeout, grpcprobe.ProbeOptions{})
			want := tell(result, output, err, s)
			r, output, err := probe.GRPC{Host: "127.0.0.1", Port: n, Service: c.service}.Probe(t.Context(), new(net.Dialer).DialContext, timeout)
			got := tell(r, output, err, s)
			assert.Equal(t, want, got)
			assert.Contains(t, got.Result+": "+got.Output, c.want)
		})
	}
}

// Both try again a second after the first refusal.
func TestGRPCProbesConnectAgainAsTheKubelets(t *testing.T) {
	for name, attempt := range map[string]func(port int) (string, string){
		"the kubelet's": func(port int) (string, string) {
			r, output, _ := grpcprobe.New().Probe("127.0.0.1", "", port, second, grpcprobe.ProbeOptions{})
			return string(r), output
		},
		"podnet's": func(port int) (string, string) {
			r, output, _ := probe.GRPC{Host: "127.0.0.1", Port: port}.Probe(context.Background(), new(net.Dialer).DialContext, second)
			return string(r), output
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened sync.WaitGroup
			port := nobody(t)
			opened.Go(func() {
				time.Sleep(soon)
				l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if assert.NoError(t, err) {
					grpcServer(t, l, func(gs *grpc.Server) { grpc_health_v1.RegisterHealthServer(gs, health.NewServer()) })
				}
			})
			start := time.Now()
			result, output := attempt(int(port))
			took := time.Since(start)
			opened.Wait()
			assert.Equal(t, "success: service healthy", result+": "+output)
			assert.InDelta(t, 1, took.Seconds(), 0.4)
		})
	}
}
