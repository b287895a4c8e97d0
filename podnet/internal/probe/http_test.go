package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

const site = "10.1.2.3:8080"

// answer is a handler.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hang is a handler that does not answer.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// stall is a handler that begins to answer.
func stall(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "begun")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func redirect(location string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			io.WriteString(w, "the end")
			return
		}
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
		io.WriteString(w, "elsewhere")
	}
}

// silent reads and says nothing.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// say answers a request with these bytes, and waits until the client hangs up.
func say(text string) func(c net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, text)
			silent(c)
		}
	}
}

func TestHTTPGet(t *testing.T) {
	type told struct {
		Result Result
		Output string
		Err    string
		Took   time.Duration
	}
	const late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
	for name, c := range map[string]struct {
		serve func(n *network)
		get   HTTPGet
		want  told
	}{
		"a success": {
			serve: func(n *network) { n.website(site, answer(200, "fine")) },
			want:  told{Result: Success, Output: "fine"},
		},
		"a failure": {
			serve: func(n *network) { n.website(site, answer(500, "secret")) },
			want:  told{Result: Failure, Output: "HTTP probe failed with statuscode: 500"},
		},
		"a long body": {
			serve: func(n *network) { n.website(site, answer(200, strings.Repeat("x", 1<<20))) },
			want:  told{Result: Success, Output: strings.Repeat("x", maxBody)},
		},
		"nobody listens": {
			serve: func(*network) {},
			want:  told{Result: Failure, Output: `Get "http://10.1.2.3:8080/": dial tcp 10.1.2.3:8080: connect: connection refused`},
		},
		"packets are lost": {
			serve: func(n *network) { n.lost[site] = true },
			want:  told{Result: Failure, Output: `Get "http://10.1.2.3:8080/": ` + late, Took: time.Second},
		},
		"it does not answer": {
			serve: func(n *network) { n.website(site, hang) },
			want:  told{Result: Failure, Output: `Get "http://10.1.2.3:8080/": ` + late, Took: time.Second},
		},
		"it does not finish": {
			serve: func(n *network) { n.website(site, stall) },
			want:  told{Result: Failure, Err: "context deadline exceeded (Client.Timeout or context cancellation while reading body)", Took: time.Second},
		},
		"it hangs up": {
			serve: func(n *network) { n.serve(site, func(c net.Conn) { http.ReadRequest(bufio.NewReader(c)) }) },
			want:  told{Result: Failure, Output: `Get "http://10.1.2.3:8080/": EOF`},
		},
		"it breaks off": {
			serve: func(n *network) {
				n.serve(site, func(c net.Conn) {
					http.ReadRequest(bufio.NewReader(c))
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
				})
			},
			want: told{Result: Failure, Err: "unexpected EOF"},
		},
		"a redirect": {
			serve: func(n *network) { n.website(site, redirect("end")) },
			want:  told{Result: Success, Output: "the end"},
		},
		"a redirect to another port": {
			serve: func(n *network) {
				n.website(site, redirect("http://10.1.2.3:9090/"))
				n.website("10.1.2.3:9090", answer(200, "moved"))
			},
			want: told{Result: Success, Output: "moved"},
		},
		"a redirect to another host": {
			serve: func(n *network) { n.website(site, redirect("http://10.1.2.4:8080/")) },
			want:  told{Result: Warning, Output: "Probe terminated redirects, Response body: elsewhere"},
		},
		"redirects for ever": {
			serve: func(n *network) { n.website(site, redirect("/")) },
			want:  told{Result: Failure, Output: `Get "/": stopped after 10 redirects`},
		},
		"redirects to where packets are lost": {
			serve: func(n *network) { n.website(site, redirect("http://10.1.2.3:9/")); n.lost["10.1.2.3:9"] = true },
			want:  told{Result: Failure, Output: `Get "http://10.1.2.3:9/": ` + late, Took: time.Second},
		},
		"https": {
			serve: func(n *network) { n.secure(site, answer(200, "fine")) },
			get:   HTTPGet{Scheme: "HTTPS"},
			want:  told{Result: Success, Output: "fine"},
		},
		"https, a long body": {
			serve: func(n *network) { n.secure(site, answer(200, strings.Repeat("x", 1<<20))) },
			get:   HTTPGet{Scheme: "HTTPS"},
			want:  told{Result: Success, Output: strings.Repeat("x", maxBody)},
		},
		"https, it does not answer": {
			serve: func(n *network) { n.secure(site, hang) },
			get:   HTTPGet{Scheme: "HTTPS"},
			want:  told{Result: Failure, Output: `Get "https://10.1.2.3:8080/": ` + late, Took: time.Second},
		},
		"https, it does not finish": {
			serve: func(n *network) { n.secure(site, stall) },
			get:   HTTPGet{Scheme: "HTTPS"},
			want:  told{Result: Failure, Err: "context deadline exceeded (Client.Timeout or context cancellation while reading body)", Took: time.Second},
		},
		"https, it is silent": {
			serve: func(n *network) { n.serve(site, silent) },
			get:   HTTPGet{Scheme: "HTTPS"},
			want:  told{Result: Failure, Output: `Get "https://10.1.2.3:8080/": ` + late, Took: time.Second},
		},
		"https, it reads nothing": {
			serve: func(n *network) {
				over := make(chan struct{})
				n.serve(site, func(net.Conn) { <-over })
				n.t.Cleanup(func() { close(over) })
			},
			get:  HTTPGet{Scheme: "HTTPS"},
			want: told{Result: Failure, Output: `Get "https://10.1.2.3:8080/": ` + late, Took: time.Second},
		},
		"https of a server without": {
			serve: func(n *network) { n.website(site, answer(200, "fine")) },
			get:   HTTPGet{Scheme: "HTTPS"},
			want:  told{Result: Failure, Output: `Get "https://10.1.2.3:8080/": http: server gave HTTP response to HTTPS client`},
		},
		"no request can be made": {
			serve: func(*network) {},
			get:   HTTPGet{Host: "[::"},
			want:  told{Result: Unknown, Err: `parse "http://[[::]:8080": invalid IP-literal`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				c.serve(n)
				c.get.Port = 8080
				if c.get.Host == "" {
					c.get.Host, c.get.Path = "10.1.2.3", "/"
				}
				start := time.Now()
				result, output, err := c.get.Probe(t.Context(), n.dial, time.Second)
				n.isQuiet()
				got := told{Result: result, Output: output, Took: time.Since(start)}
				if err != nil {
					got.Err = err.Error()
				}
				assert.Equal(t, c.want, got)
			})
		})
	}
}

func TestHTTPGetEndsWithItsContext(t *testing.T) {
	for name, serve := range map[string]func(n *network){
		"it does not answer": func(n *network) { n.website(site, hang) },
		"it does not finish": func(n *network) { n.website(site, stall) },
		"packets are lost":   func(n *network) { n.lost[site] = true },
		"another protocol": func(n *network) {
			n.serve(site, say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				serve(n)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Hour, cancel)
				result, _, _ := HTTPGet{Host: "10.1.2.3", Port: 8080, Path: "/"}.Probe(ctx, n.dial, 0)
				n.isQuiet()
				assert.Equal(t, Failure, result)
				assert.Equal(t, time.Hour, time.Since(n.start))
			})
		})
	}
}

func TestHTTPGetRequest(t *testing.T) {
	for name, c := range map[string]struct {
		get           HTTPGet
		url           string
		host          string
		agent, accept []string
	}{
		"as it is":             {get: HTTPGet{Path: "/"}, url: "http://10.1.2.3:80/"},
		"no path":              {url: "http://10.1.2.3:80"},
		"a query":              {get: HTTPGet{Path: "/a?b=c&d"}, url: "http://10.1.2.3:80/a?b=c&d"},
		"only a query":         {get: HTTPGet{Path: "?b"}, url: "http://10.1.2.3:80?b"},
		"no slash":             {get: HTTPGet{Path: "a"}, url: "http://10.1.2.3:80/a"},
		"a path that is none":  {get: HTTPGet{Path: "/%zz?q"}, url: "http://10.1.2.3:80/%25zz%3Fq"},
		"a whole URL":          {get: HTTPGet{Path: "ftp://other:1/a"}, url: "http://10.1.2.3:80/a"},
		"https":                {get: HTTPGet{Path: "/", Scheme: "HTTPS"}, url: "https://10.1.2.3:80/"},
		"IPv6":                 {get: HTTPGet{Host: "fd00::2", Path: "/"}, url: "http://[fd00::2]:80/"},
		"a host header":        {get: HTTPGet{Path: "/", Headers: []Header{{"host", "shop"}}}, url: "http://10.1.2.3:80/", host: "shop"},
		"a user agent":         {get: HTTPGet{Path: "/", Headers: []Header{{"user-agent", "a"}, {"User-Agent", "b"}}}, url: "http://10.1.2.3:80/", agent: []string{"a", "b"}},
		"something to accept":  {get: HTTPGet{Path: "/", Headers: []Header{{"accept", "a/b"}}}, url: "http://10.1.2.3:80/", accept: []string{"a/b"}},
		"nothing to accept":    {get: HTTPGet{Path: "/", Headers: []Header{{"accept", ""}}}, url: "http://10.1.2.3:80/", accept: []string{}},
		"nothing, then others": {get: HTTPGet{Path: "/", Headers: []Header{{"accept", ""}, {"accept", "a/b"}}}, url: "http://10.1.2.3:80/", accept: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.get.Host == "" {
				c.get.Host = "10.1.2.3"
			}
			if c.agent == nil {
				c.agent = []string{"kube-probe/1.37"}
			}
			if c.accept == nil {
				c.accept = []string{"*/*"}
			}
			c.get.Port = 80
			req, err := c.get.request("probe")
			if !assert.NoError(t, err) {
				return
			}
			assert.Equal(t, c.url, req.URL.String())
			assert.Equal(t, c.host, req.Host)
			assert.Equal(t, c.agent, req.Header.Values("User-Agent"))
			assert.ElementsMatch(t, c.accept, req.Header.Values("Accept"))
		})
	}
}
