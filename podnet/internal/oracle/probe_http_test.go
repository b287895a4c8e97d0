//go:build linux

package oracle

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	_ "google.golang.org/grpc/encoding/gzip" // as in the kubelet, which gets it with its tracing
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/record"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
	tcpprobe "k8s.io/kubernetes/pkg/probe/tcp"

	"podnet.dev/podnet/internal/probe"
)

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
