package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Hook makes the request of a postStart or preStop hook, which succeeds if there
// is a response, whatever its status. It has no timeout but ctx.
//
// To https that is answered without TLS it sends http instead. If that succeeds,
// warning is the message of an event of reason LifecycleHTTPFallback; otherwise
// it is empty.
func (g HTTPGet) Hook(ctx context.Context, dial Dial) (warning string, err error) {
	req, err := g.request("lifecycle")
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
	// send passes over the response, but waits for the end of a short one.
	send := func(req *http.Request) error {
		resp, err := client.Do(req.WithContext(ctx))
		switch {
		case err != nil:
			return err
		case resp.ContentLength <= maxBody:
			d.read(ctx, resp)
		default:
			resp.Body.Close()
		}
		return nil
	}
	err = send(req)
	if !isHTTPForHTTPS(err) {
		return "", err
	}
	req = req.Clone(ctx)
	req.URL.Scheme = "http"
	req.Header.Del("Authorization")
	if send(req) != nil {
		return "", err
	}
	return fmt.Sprintf("request to HTTPS lifecycle hook %s got HTTP response, retry with HTTP succeeded", req.URL.Host), nil
}

// isHTTPForHTTPS reports whether an https request was answered without TLS. The
// text is all that net/http says of it.
func isHTTPForHTTPS(err error) bool {
	var e *url.Error
	return errors.As(err, &e) && strings.Contains(e.Err.Error(), "server gave HTTP response to HTTPS client")
}
