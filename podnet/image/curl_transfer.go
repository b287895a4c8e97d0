package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// curlTransfer is one try for one URL: what -w shows and the exit code tells.
type curlTransfer struct {
	*curler
	raw     string
	url     *url.URL
	start   time.Time
	status  int
	size    int64
	redirs  int
	resp    *http.Response
	connIP  string
	port    string
	local   [2]string
	connect time.Duration
	first   time.Duration
	total   time.Duration

	code    int
	message string
	meter   bool
}

func (t *curlTransfer) failed(code int, format string, args ...any) {
	t.code, t.message = code, fmt.Sprintf(format, args...)
}

func (t *curlTransfer) info(format string, args ...any) {
	if t.verbose {
		fmt.Fprintf(t.err, "* "+format+"\n", args...)
	}
}

func (t *curlTransfer) run(ctx context.Context) {
	t.start = time.Now()
	t.local = [2]string{"", "0"}
	t.port = "0"
	full := t.raw
	if !strings.Contains(full, "://") {
		full = "http://" + full
	}
	u, err := url.Parse(full)
	if err != nil || u.Host == "" {
		t.failed(3, "URL rejected: Malformed input to a URL function")
		return
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		t.failed(1, "Protocol \"%s\" not supported", u.Scheme)
		return
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if u.User != nil && t.user == "" {
		t.user = u.User.String()
	}
	u.User = nil
	if t.get && len(t.data) > 0 {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+strings.Join(t.data, "&"), "&")
	}
	if t.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.maxTime)
		defer cancel()
	}
	t.meter = !t.silent
	if t.meter {
		io.WriteString(t.err, "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"+
			"                                 Dload  Upload   Total   Spent    Left  Speed\n")
		t.progress()
	}
	method, data := http.MethodGet, len(t.data) > 0 && !t.get
	switch {
	case data:
		method = http.MethodPost
	case t.headOnly:
		method = http.MethodHead
	}
	if t.method != "" {
		method = t.method
	}
	for next := u; next != nil && t.code == 0; {
		t.url = next
		next = t.one(ctx, next, method, data)
		if next != nil {
			if t.redirs++; t.redirs > t.maxRedirs {
				t.failed(47, "Maximum (%d) redirects followed", t.maxRedirs)
			}
			if t.method == "" && data && t.status != 307 && t.status != 308 {
				method, data = http.MethodGet, false
			}
		}
	}
	t.total = time.Since(t.start)
}

// one makes one request, and returns where it is redirected to.
func (t *curlTransfer) one(ctx context.Context, u *url.URL, method string, data bool) *url.URL {
	req, lines, err := t.request(ctx, u, method, data)
	if err != nil {
		t.failed(3, "URL rejected: %s", err)
		return nil
	}
	x := &exchange{p: t.proc, timeout: t.connectTimeout, insecure: t.insecure}
	x.resolve = func(ctx context.Context, host, port string) ([]string, error) {
		if addrs, ok := t.resolved[host+":"+port]; ok {
			return addrs, nil
		}
		addrs, err := t.lookup(ctx, host, port)
		if err == nil && net.ParseIP(strings.Trim(host, "[]")) == nil {
			t.showResolved(host, port, addrs)
		}
		return addrs, err
	}
	x.trying = func(address string) { t.info("  Trying %s...", address) }
	x.connected = func(conn net.Conn) {
		t.connIP, t.port = addrPort(conn)
		t.local[0], t.local[1], _ = net.SplitHostPort(conn.LocalAddr().String())
		t.connect = time.Since(t.start)
		t.info("Connected to %s (%s) port %s", u.Hostname(), t.connIP, t.port)
		if t.verbose {
			fmt.Fprintf(t.err, "> %s\n", strings.Join(lines, "\r\n> ")+"\r")
		}
	}
	resp, err := x.do(req)
	if err != nil {
		t.requestFailed(u, x, err)
		return nil
	}
	defer x.close()
	defer resp.Body.Close()
	t.first = time.Since(t.start)
	t.resp, t.status = resp, resp.StatusCode
	head := x.lines(resp)
	if t.verbose {
		fmt.Fprintf(t.err, "< %s\n", strings.Join(head, "\r\n< ")+"\r")
	}
	if location := resp.Header.Get("Location"); t.location && location != "" && t.status >= 300 && t.status < 400 {
		to, err := u.Parse(location)
		if err == nil {
			if t.include {
				io.WriteString(t.out, strings.Join(head, "\r\n")+"\r\n")
			}
			t.info("Issue another request to this URL: '%s'", to)
			return to
		}
	}
	if t.fail && t.status >= 400 {
		t.failed(22, "The requested URL returned error: %d", t.status)
		return nil
	}
	t.receive(ctx, u, resp, head)
	return nil
}

func (t *curlTransfer) showResolved(host, port string, addrs []string) {
	t.info("Host %s:%s was resolved.", host, port)
	var v4, v6 []string
	for _, a := range addrs {
		if strings.Contains(a, ":") {
			v6 = append(v6, a)
		} else {
			v4 = append(v4, a)
		}
	}
	or := func(list []string) string {
		if list == nil {
			return "(none)"
		}
		return strings.Join(list, ", ")
	}
	t.info("IPv6: %s", or(v6))
	t.info("IPv4: %s", or(v4))
}

func (t *curlTransfer) receive(ctx context.Context, u *url.URL, resp *http.Response, head []string) {
	out, closer, err := t.destination(u)
	if err != nil {
		t.failed(23, "client returned ERROR on write, %d bytes remaining", max(resp.ContentLength, 0))
		return
	}
	if t.include {
		io.WriteString(out, strings.Join(head, "\r\n")+"\r\n")
	}
	t.size, err = io.Copy(out, resp.Body)
	if closer != nil && t.output != "" && t.output != "-" || t.remoteName {
		closer.Close()
	}
	if t.verbose && t.size > 0 {
		fmt.Fprintf(t.err, "{ [%d bytes data]\n", t.size)
	}
	switch {
	case err == nil:
		t.info("Connection #%d to host %s left intact", t.redirs, u.Hostname())
	case t.out.failed() != nil:
		t.failed(23, "Failure writing output to destination, passed %d returned 0", t.size)
	case timedOut(err) || ctx.Err() != nil:
		t.failed(28, "Operation timed out after %d milliseconds with %d %s bytes received", time.Since(t.start).Milliseconds(), t.size, outOf(resp))
	case errors.Is(err, io.ErrUnexpectedEOF):
		t.failed(18, "end of response with %d bytes missing", resp.ContentLength-t.size)
	case errors.Is(err, syscall.ECONNRESET):
		t.failed(56, "Recv failure: Connection reset by peer")
	default:
		t.failed(56, "Recv failure: %s", strerror(err))
	}
}

func outOf(resp *http.Response) string {
	if resp.ContentLength < 0 {
		return "out of -1"
	}
	return fmt.Sprintf("out of %d", resp.ContentLength)
}

// requestFailed turns the error of a request without a response into curl's.
func (t *curlTransfer) requestFailed(u *url.URL, x *exchange, err error) {
	ms := time.Since(t.start).Milliseconds()
	if e, ok := errors.AsType[*resolveError](err); ok {
		if timedOut(e.err) && t.maxTime+t.connectTimeout > 0 {
			t.failed(28, "Resolving timed out after %d milliseconds", ms)
			return
		}
		t.failed(6, "Could not resolve host: %s", e.host)
		return
	}
	if e, ok := errors.AsType[*connectError](err); ok {
		port := e.addr.Port()
		switch {
		case timedOut(e.err) && t.maxTime > 0 && time.Duration(ms)*time.Millisecond >= t.maxTime:
			t.failed(28, "Connection timed out after %d milliseconds", ms)
		case timedOut(e.err):
			t.failed(28, "Failed to connect to %s port %d after %d ms: Timeout was reached", u.Hostname(), port, ms)
		default:
			t.info("connect to %s port %d from failed: %s", e.addr.Addr(), port, strerror(e.err))
			t.info("Failed to connect to %s port %d after %d ms: Could not connect to server", u.Hostname(), port, ms)
			t.failed(7, "Failed to connect to %s port %d after %d ms: Could not connect to server", u.Hostname(), port, ms)
		}
		return
	}
	switch text := err.Error(); {
	case timedOut(err):
		t.failed(28, "Operation timed out after %d milliseconds with 0 bytes received", ms)
	case strings.Contains(text, "certificate"):
		t.failed(60, "SSL certificate problem: %s", err)
	case errors.Is(err, syscall.ECONNRESET):
		t.failed(56, "Recv failure: Connection reset by peer")
	case x.silent():
		t.failed(52, "Empty reply from server")
	case strings.Contains(text, "malformed"):
		t.failed(1, "Received HTTP/0.9 when not allowed")
	case strings.Contains(text, "tls:"):
		t.failed(35, "TLS connect error: %s", strings.TrimPrefix(text, "tls: "))
	default:
		t.failed(56, "Recv failure: %s", strerror(err))
	}
}

// transient reports what --retry tries again.
func (t *curlTransfer) transient() bool {
	switch t.code {
	case 0, 22:
		switch t.status {
		case 408, 429, 500, 502, 503, 504, 522, 524:
			return true
		}
	case 6, 28:
		return true
	case 7:
		return t.retryRefused
	}
	return false
}

func (t *curlTransfer) problem() string {
	switch t.code {
	case 7:
		return "connection refused"
	case 6, 28:
		return "timeout"
	}
	return "HTTP error"
}

// progress writes the meter's line: what curl shows when its output is no
// terminal.
func (t *curlTransfer) progress() {
	percent, speed := 0, int64(0)
	if d := time.Since(t.start); t.size > 0 {
		percent = 100
		speed = int64(float64(t.size) / max(d.Seconds(), 1e-3))
	}
	fmt.Fprintf(t.err, "\r%3d %5s %4d %5s    0     0 %6s      0 --:--:-- --:--:-- --:--:-- %5s", percent, curlSize(t.size), percent, curlSize(t.size), curlSize(speed), curlSize(speed))
}

// curlSize is a number of bytes in five columns, as the meter has it.
func curlSize(n int64) string {
	unit := ""
	for _, next := range []string{"k", "M", "G", "T"} {
		if n < 100000 {
			break
		}
		n, unit = n/1024, next
	}
	return fmt.Sprint(n) + unit
}

// finish writes what follows the transfer: the meter, the error, and -w.
func (t *curlTransfer) finish() {
	if t.meter && t.url != nil {
		t.progress()
		io.WriteString(t.err, "\n")
	}
	if t.code != 0 && (!t.silent || t.showError) {
		fmt.Fprintf(t.err, "curl: (%d) %s\n", t.code, t.message)
	}
	if t.writeOut != "" {
		io.WriteString(t.out, t.expand(t.writeOut))
	}
}

// expand replaces the %{variables} of -w.
func (t *curlTransfer) expand(format string) string {
	header := func(name string) string {
		if t.resp == nil {
			return ""
		}
		return t.resp.Header.Get(name)
	}
	effective := t.raw
	if t.url != nil {
		effective = t.url.String()
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
	vars := strings.NewReplacer(
		"%{http_code}", fmt.Sprintf("%03d", t.status), "%{response_code}", fmt.Sprintf("%03d", t.status),
		"%{size_download}", fmt.Sprint(t.size), "%{url_effective}", effective, "%{remote_ip}", t.connIP, "%{remote_port}", t.port,
		"%{local_ip}", t.local[0], "%{local_port}", t.local[1], "%{content_type}", header("Content-Type"),
		"%{redirect_url}", header("Location"), "%{num_redirects}", fmt.Sprint(t.redirs), "%{exitcode}", fmt.Sprint(t.code),
		"%{errormsg}", t.message, "%{time_connect}", seconds(t.connect), "%{time_starttransfer}", seconds(t.first),
		"%{time_total}", seconds(t.total), "%%", "%", `\n`, "\n", `\t`, "\t", `\r`, "\r",
	)
	return vars.Replace(format)
}
