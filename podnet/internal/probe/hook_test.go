package probe

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestHTTPHook(t *testing.T) {
	for name, c := range map[string]struct {
		serve   func(n *network)
		scheme  string
		warning string
		err     string
	}{
		"a success":                 {serve: func(n *network) { n.website(site, answer(200, "fine")) }},
		"a failure is a success":    {serve: func(n *network) { n.website(site, answer(500, "broken")) }},
		"a long body":               {serve: func(n *network) { n.website(site, answer(200, strings.Repeat("x", 1<<20))) }},
		"a redirect":                {serve: func(n *network) { n.website(site, redirect("/end")) }},
		"a redirect elsewhere":      {serve: func(n *network) { n.website(site, redirect("http://10.1.2.4/")) }},
		"redirects for ever":        {serve: func(n *network) { n.website(site, redirect("/")) }, err: `Get "/": stopped after 10 redirects`},
		"nobody listens":            {serve: func(*network) {}, err: `Get "http://10.1.2.3:8080/": dial tcp 10.1.2.3:8080: connect: connection refused`},
		"https":                     {serve: func(n *network) { n.secure(site, answer(200, "fine")) }, scheme: "HTTPS"},
		"https, answered without":   {serve: func(n *network) { n.website(site, answer(500, "broken")) }, scheme: "HTTPS", warning: "request to HTTPS lifecycle hook 10.1.2.3:8080 got HTTP response, retry with HTTP succeeded"},
		"https, nobody listens":     {serve: func(*network) {}, scheme: "HTTPS", err: `Get "https://10.1.2.3:8080/": dial tcp 10.1.2.3:8080: connect: connection refused`},
		"https, http is no success": {serve: func(n *network) { n.website(site, redirect("https://10.1.2.3:8080/end")) }, scheme: "HTTPS", err: `Get "https://10.1.2.3:8080/": http: server gave HTTP response to HTTPS client`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				c.serve(n)
				warning, err := HTTPGet{Scheme: c.scheme, Host: "10.1.2.3", Port: 8080, Path: "/"}.Hook(t.Context(), n.dial)
				n.isQuiet()
				assert.Equal(t, c.warning, warning)
				if c.err == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, c.err)
				}
				assert.Zero(t, time.Since(n.start))
			})
		})
	}
}

func TestHTTPHookSendsNoSecretsWithoutTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var got http.Header
		n.website(site, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
		get := HTTPGet{Scheme: "HTTPS", Host: "10.1.2.3", Port: 8080, Headers: []Header{{"Authorization", "Basic eDp5"}, {"X-A", "1"}}}
		_, err := get.Hook(t.Context(), n.dial)
		assert.NoError(t, err)
		assert.Equal(t, http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"kube-lifecycle/1.37"}, "X-A": {"1"}}, got)
	})
}

func TestHTTPHookEndsWithItsContext(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(n *network)
		err   string // none once there is a response
	}{
		"it does not answer": {func(n *network) { n.website(site, hang) }, `Get "http://10.1.2.3:8080/": context canceled`},
		"packets are lost":   {func(n *network) { n.lost[site] = true }, `Get "http://10.1.2.3:8080/": context canceled`},
		"it does not finish": {func(n *network) { n.website(site, stall) }, ""},
		"another protocol": {func(n *network) {
			n.serve(site, say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				c.serve(n)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Hour, cancel)
				_, err := HTTPGet{Host: "10.1.2.3", Port: 8080, Path: "/"}.Hook(ctx, n.dial)
				n.isQuiet()
				assert.Equal(t, time.Hour, time.Since(n.start))
				if c.err == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, c.err)
				}
			})
		})
	}
}
