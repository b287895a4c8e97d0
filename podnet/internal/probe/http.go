package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// version is that of the kubelet in its User-Agent.
	version = "1.37"

	// maxBody is how much of a response is read.
	maxBody = 10 << 10

	// maxRedirects is how many redirects are followed.
	maxRedirects = 10

	// buffers are a connection's, of which there is one for each probe, in bytes.
	// The default, 4 KiB, is most of what a probe takes; longer requests are
	// sent in parts.
	buffers = 1 << 10
)

// HTTPGet is a GET request, to probe or as a hook.
type HTTPGet struct {
	Scheme  string // in any case; default "http"
	Host    string
	Port    int
	Path    string // as in the manifest, perhaps with a query; no default
	Headers []Header
}

// Header is a header of a request. A name may be there more than once.
type Header struct {
	Name, Value string
}

// Probe makes an attempt, which succeeds with a status from 200 to 399. The text
// is the body of a success or what is wrong. A timeout of 0 means none.
//
// Redirects are followed on the same host; one to another host is a Warning.
// There is an error, and the kubelet tries again at once, if the body breaks off
// or if no request can be made of g; the Result is then Failure or Unknown.
func (g HTTPGet) Probe(ctx context.Context, dial Dial, timeout time.Duration) (Result, string, error) {
	req, err := g.request("probe")
	if err != nil {
		return Unknown, "", err
	}
	attempt := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		attempt, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	d := newDialer(ctx, dial)
	client := &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			DialContext:         d.DialContext,
			DisableKeepAlives:   true,
			DisableCompression:  true,
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true,
			ReadBufferSize:      buffers,
			WriteBufferSize:     buffers,
		},
	}
	resp, err := client.Do(req.WithContext(attempt))
	if err != nil {
		err = orTimeout(attempt, err, "exceeded while awaiting headers")
		d.end(true)
		return Failure, err.Error(), nil
	}
	body, err := d.read(ctx, resp)
	if err != nil {
		err = orTimeout(attempt, err, "or context cancellation while reading body")
		d.end(true)
		return Failure, "", err
	}
	d.end(false)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 399:
		return Failure, fmt.Sprintf("HTTP probe failed with statuscode: %d", resp.StatusCode), nil
	case resp.StatusCode >= 300:
		return Warning, fmt.Sprintf("Probe terminated redirects, Response body: %s", body), nil
	}
	return Success, string(body), nil
}

// orTimeout adds to err what an http.Client does when its Timeout is over. The
// client's own will not do: it must be later than the deadline for that, which in
// a synctest bubble it is not.
func orTimeout(ctx context.Context, err error, during string) error {
	if deadline, ok := ctx.Deadline(); ok && !deadline.After(time.Now()) {
		return fmt.Errorf("%w (Client.Timeout %s)", err, during)
	}
	return err
}

// checkRedirect is for an http.Client.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if req.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}

// request returns the request of g. The purpose is part of its User-Agent.
func (g HTTPGet) request(purpose string) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodGet, g.url(), nil)
	if err != nil {
		return nil, err
	}
	for _, h := range g.Headers {
		req.Header.Add(h.Name, h.Value)
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header.Set("User-Agent", "kube-"+purpose+"/"+version)
	}
	if _, ok := req.Header["Accept"]; !ok {
		req.Header.Set("Accept", "*/*")
	} else if req.Header.Get("Accept") == "" {
		req.Header.Del("Accept")
	}
	req.Host = req.Header.Get("Host")
	return req, nil
}

// url returns the URL of g. Whatever Path says of scheme and host is replaced; a
// Path that makes no sense is escaped.
func (g HTTPGet) url() string {
	u, err := url.Parse(g.Path)
	if err != nil {
		u = &url.URL{Path: g.Path}
	}
	u.Scheme = strings.ToLower(g.Scheme)
	if u.Scheme == "" {
		u.Scheme = "http"
	}
	u.Host = net.JoinHostPort(g.Host, strconv.Itoa(g.Port))
	return u.String()
}
