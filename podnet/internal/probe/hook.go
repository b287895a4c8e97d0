package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
)

// Hook makes the request of a postStart or preStop hook, which succeeds if there
// is a response, whatever its status. It has no timeout but ctx.
//
// To https that is answered without TLS it sends http instead. If that succeeds,
// warning is the message of an event of reason LifecycleHTTPFallback; otherwise
// it is empty.
func (g HTTPGet) Hook(ctx context.Context, dial Dial) (warning string, err error) {
	req, err := g.request(ctx, "lifecycle")
	if err != nil {
		return "", err
	}
	d := newDialer(ctx, dial)
	// TLSClientConfig turns HTTP/2 off, as in the kubelet.
	transport := &http.Transport{
		DialContext:     d.DialContext,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	defer func() {
		transport.CloseIdleConnections()
		d.end(err != nil)
	}()
	client := &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	resp, err := client.Do(req)
	discard(resp)
	if !isHTTPForHTTPS(err) {
		return "", err
	}
	req = req.Clone(ctx)
	req.URL.Scheme = "http"
	req.Header.Del("Authorization")
	resp, httpErr := client.Do(req)
	discard(resp)
	if httpErr != nil {
		return "", err
	}
	return fmt.Sprintf("request to HTTPS lifecycle hook %s got HTTP response, retry with HTTP succeeded", req.URL.Host), nil
}

// discard closes resp, which may be nil, after reading what is short.
func discard(resp *http.Response) {
	if resp == nil {
		return
	}
	if resp.ContentLength <= maxBody {
		io.CopyN(io.Discard, resp.Body, maxBody)
	}
	resp.Body.Close()
}
