package witness

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// serveHTTP is the Program of a web server on port 80, or with TLS 443. setup,
// if not nil, gets the server before it serves.
func serveHTTP(handler http.Handler, conf *tls.Config, setup func(*http.Server)) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		srv := &http.Server{Handler: handler, TLSConfig: conf, ErrorLog: log.New(c.Stderr(), "", 0)}
		if setup != nil {
			setup(srv)
		}
		port := ":80"
		if conf != nil {
			port = ":443"
		}
		l, err := c.Listen("tcp", port)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { srv.Close() })
		defer stop()
		sayReady(c)
		if conf != nil {
			err = srv.ServeTLS(l, "", "")
		} else {
			err = srv.Serve(l)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
}

// httpClient returns a client over the sockets of c, with setup for its
// transport. Its idle connections are closed with the test.
func httpClient(t *testing.T, c *podnet.Container, setup func(*http.Transport)) *http.Client {
	transport := &http.Transport{DialContext: c.DialContext}
	if setup != nil {
		setup(transport)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// flavours are the ways in which net/http speaks HTTP.
var flavours = map[string]struct {
	proto, url string
	tls        bool
	set        func(*http.Protocols)
}{
	"HTTP1":      {"HTTP/1.1", "http://localhost", false, func(p *http.Protocols) { p.SetHTTP1(true) }},
	"HTTP1 TLS":  {"HTTP/1.1", "https://localhost", true, func(p *http.Protocols) { p.SetHTTP1(true) }},
	"HTTP2 TLS":  {"HTTP/2.0", "https://localhost", true, func(p *http.Protocols) { p.SetHTTP2(true) }},
	"HTTP2 bare": {"HTTP/2.0", "http://localhost", false, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
}

// inEveryFlavour runs a test with a server and a client that speak the same
// kind of HTTP, in plain time and in a bubble.
func inEveryFlavour(t *testing.T, handler http.Handler, test func(t *testing.T, client *http.Client, url string)) {
	for name, f := range flavours {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T) {
				var protocols http.Protocols
				f.set(&protocols)
				var conf, clientConf *tls.Config
				if f.tls {
					ca := newAuthority(t)
					conf, clientConf = ca.server(t), ca.client()
				}
				checked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					assert.Equal(t, f.proto, r.Proto)
					handler.ServeHTTP(w, r)
				})
				c := startPair(t, serveHTTP(checked, conf, func(srv *http.Server) { srv.Protocols = &protocols }))
				test(t, httpClient(t, c, func(tr *http.Transport) { tr.TLSClientConfig, tr.Protocols = clientConf, &protocols }), f.url)
			})
		})
	}
}

// text reads a response whole.
func text(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func TestHTTPKeepsOneConnectionAlive(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	inEveryFlavour(t, handler, func(t *testing.T, client *http.Client, url string) {
		var dialed, reused int
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			dialed++
			if info.Reused {
				reused++
			}
		}})
		for i := range 50 {
			path := fmt.Sprint("/", i)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
			require.NoError(t, err)
			resp, err := client.Do(req)
			assert.Equal(t, path, text(t, resp, err))
		}
		assert.Equal(t, [2]int{50, 49}, [2]int{dialed, reused})
	})
}

func TestHTTPPipelinedRequestsAreAnsweredInTheirOrder(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, r.Body)
			io.WriteString(w, r.URL.Path)
		}), nil, nil))
		conn, err := c.Dial("tcp", "localhost:80")
		require.NoError(t, err)
		defer conn.Close()
		const n = 200
		var requests strings.Builder
		for i := range n {
			fmt.Fprintf(&requests, "POST /%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nbody ", i)
		}
		_, err = io.WriteString(conn, requests.String())
		require.NoError(t, err)
		require.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite(), "the answers come all the same")
		r := bufio.NewReader(conn)
		for i := range n {
			resp, err := http.ReadResponse(r, nil)
			assert.Equal(t, fmt.Sprint("body /", i), text(t, resp, err))
		}
		_, err = r.ReadByte()
		assert.Equal(t, io.EOF, err)
	})
}

func TestHTTPLargeBodiesBothWaysAtOnce(t *testing.T) {
	const size = 8 << 20
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex() // HTTP/2 has no other way and refuses
		io.Copy(w, r.Body)
	})
	inEveryFlavour(t, echo, func(t *testing.T, client *http.Client, url string) {
		want := digest(t, noise(1, size))
		resp, err := client.Post(url, "application/octet-stream", noise(1, size))
		require.NoError(t, err)
		defer resp.Body.Close()
		assert.Equal(t, want, digest(t, resp.Body))
	})
}

// HTTP/2 carries all of these over one connection, and its client writes to it
// under a mutex.
func TestHTTPManyUploadsAtOnce(t *testing.T) {
	const n, size = 16, 2 << 20
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, digest(t, r.Body)) })
	inEveryFlavour(t, echo, func(t *testing.T, client *http.Client, url string) {
		want := digest(t, noise(1, size))
		done := make(chan struct{})
		for range n {
			go func() {
				defer func() { done <- struct{}{} }()
				resp, err := client.Post(url, "", noise(1, size))
				if !assert.NoError(t, err) {
					return
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
				assert.Equal(t, want, string(got))
			}()
		}
		for range n {
			<-done
		}
	})
}

func TestHTTPTrailersBothWays(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		sum := 0
		for in := bufio.NewReader(r.Body); ; sum++ {
			if _, err := in.ReadByte(); err != nil {
				break
			}
		}
		io.WriteString(w, r.Trailer.Get("X-Request-End"))
		w.Header().Set("X-Sum", fmt.Sprint(sum))
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "yes")
	})
	inEveryFlavour(t, handler, func(t *testing.T, client *http.Client, url string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, io.MultiReader(strings.NewReader("12345")))
		require.NoError(t, err)
		req.Trailer = http.Header{"X-Request-End": {"done"}}
		resp, err := client.Do(req)
		assert.Equal(t, "done", text(t, resp, err))
		assert.Equal(t, http.Header{"X-Sum": {"5"}, "X-Unannounced": {"yes"}}, resp.Trailer)
	})
}

// bodyOf is a request's body that notes whether it was asked for.
type bodyOf struct {
	io.Reader
	readAt atomic.Pointer[time.Time]
}

func (b *bodyOf) Read(p []byte) (int, error) {
	now := time.Now()
	b.readAt.CompareAndSwap(nil, &now)
	return b.Reader.Read(p)
}

func TestHTTPExpect100Continue(t *testing.T) {
	const patience = 200 * time.Millisecond
	handler := http.NewServeMux()
	handler.HandleFunc("/wants", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	handler.HandleFunc("/refuses", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	handler.HandleFunc("/hesitates", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * patience)
		io.Copy(w, r.Body)
	})
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveHTTP(handler, nil, nil))
		client := httpClient(t, c, func(tr *http.Transport) { tr.ExpectContinueTimeout = patience })
		post := func(path string) (*bodyOf, *http.Response, string) {
			body := &bodyOf{Reader: strings.NewReader("body")}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+path, body)
			require.NoError(t, err)
			req.Header.Set("Expect", "100-continue")
			req.ContentLength = 4
			resp, err := client.Do(req)
			return body, resp, text(t, resp, err)
		}
		body, _, got := post("/wants")
		assert.Equal(t, "body", got)
		assert.NotNil(t, body.readAt.Load())

		body, resp, _ := post("/refuses")
		assert.Equal(t, http.StatusTeapot, resp.StatusCode)
		assert.Nil(t, body.readAt.Load(), "nobody asked for it")

		start := time.Now()
		body, _, got = post("/hesitates")
		assert.Equal(t, "body", got)
		if isBubble() {
			assert.Equal(t, patience, body.readAt.Load().Sub(start), "the client did not wait for longer")
		}
	})
}

func TestHTTPShutdownWaitsForTheRequestInFlight(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		arrived, letGo, draining := make(chan struct{}), make(chan struct{}), make(chan struct{})
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-letGo
			io.WriteString(w, "finished")
		})
		shutDown := make(chan error, 1)
		c := startPair(t, func(ctx context.Context, c *podnet.Container) error {
			l, err := c.Listen("tcp", ":80")
			if err != nil {
				return err
			}
			srv := &http.Server{Handler: handler}
			srv.RegisterOnShutdown(func() { close(draining) })
			go func() {
				<-ctx.Done()
				shutDown <- srv.Shutdown(context.Background())
			}()
			sayReady(c)
			srv.Serve(l)
			return <-shutDown
		})
		type answer struct {
			resp *http.Response
			err  error
		}
		answers := make(chan answer)
		client := httpClient(t, c, nil)
		go func() {
			resp, err := client.Get("http://localhost/")
			answers <- answer{resp, err}
		}()
		<-arrived
		require.NoError(t, c.Pod().Container("server").Signal(1, podnet.SIGTERM))
		<-draining
		if isBubble() {
			time.Sleep(time.Minute) // Shutdown waits
		}
		_, err := c.Dial("tcp", "localhost:80")
		assert.ErrorContains(t, err, "connection refused", "there is no listener any more")
		close(letGo)
		a := <-answers
		assert.Equal(t, "finished", text(t, a.resp, a.err))
		require.NoError(t, c.Pod().Wait(t.Context(), func(s podnet.PodStatus) bool {
			status, _ := s.Container("server")
			return status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
		}))
	})
}

func TestHTTPClientTimeoutEndsTheRequestAtBothEnds(t *testing.T) {
	gone := make(chan time.Time, 1)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		gone <- time.Now()
	})
	inEveryFlavour(t, handler, func(t *testing.T, client *http.Client, url string) {
		client.Timeout = 100 * time.Millisecond
		if isBubble() {
			client.Timeout = 10 * time.Minute
		}
		start := time.Now()
		_, err := client.Get(url)
		var netErr net.Error
		require.ErrorAs(t, err, &netErr)
		assert.True(t, netErr.Timeout())
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		took(t, client.Timeout, start)
		if left := <-gone; isBubble() {
			assert.Equal(t, client.Timeout, left.Sub(start), "the server knew at once")
		}
	})
}

func TestHTTPServerTimeouts(t *testing.T) {
	const (
		header = 100 * time.Millisecond
		idle   = 300 * time.Millisecond
	)
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveHTTP(handler, nil, func(srv *http.Server) { srv.ReadHeaderTimeout, srv.IdleTimeout = header, idle }))
		for name, test := range map[string]struct {
			send string
			want time.Duration
		}{
			"half a header":        {"GET / HTTP/1.1\r\nHost:", header},
			"idle after an answer": {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", idle},
		} {
			start := time.Now()
			conn, err := c.Dial("tcp", "localhost:80")
			require.NoError(t, err, name)
			_, err = io.WriteString(conn, test.send)
			require.NoError(t, err, name)
			_, err = io.Copy(io.Discard, conn)
			assert.NoError(t, err, name)
			took(t, test.want, start)
			conn.Close()
		}
	})
}

func TestHTTPHijackedConnectionGoesOnAsItIs(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		ended := make(chan error, 1)
		c := startPair(t, serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				ended <- err
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: upper\r\n\r\n")
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					ended <- err
					return
				}
				io.WriteString(conn, strings.ToUpper(line))
			}
		}), nil, nil))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		require.NoError(t, err)
		req.Header.Set("Connection", "upgrade")
		req.Header.Set("Upgrade", "upper")
		resp, err := httpClient(t, c, nil).Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		conn := resp.Body.(io.ReadWriteCloser)
		r := bufio.NewReader(conn)
		for _, word := range []string{"one", "two"} {
			_, err = io.WriteString(conn, word+"\n")
			require.NoError(t, err)
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, strings.ToUpper(word)+"\n", line)
		}
		conn.Close()
		assert.Equal(t, io.EOF, <-ended)
	})
}

func TestHTTPClientSeesAServerThatDiesInTheMiddle(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		die := make(chan struct{})
		c := startPair(t, func(ctx context.Context, c *podnet.Container) error {
			l, err := c.Listen("tcp", ":80")
			if err != nil {
				return err
			}
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				io.WriteString(w, "the first part")
				http.NewResponseController(w).Flush()
				<-die
			})}
			go srv.Serve(l) // ends with the process's sockets
			sayReady(c)
			select {
			case <-die:
				return podnet.ExitError{Code: 1}
			case <-ctx.Done():
				return nil
			}
		})
		resp, err := httpClient(t, c, nil).Get("http://localhost/")
		require.NoError(t, err)
		defer resp.Body.Close()
		part := make([]byte, 14)
		_, err = io.ReadFull(resp.Body, part)
		require.NoError(t, err)
		close(die)
		_, err = io.ReadAll(resp.Body)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// A plain client speaks to a TLS server, and a server of an unknown authority.
func TestHTTPTellsABadPeer(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		ca := newAuthority(t)
		c := startPair(t, serveHTTP(http.NotFoundHandler(), ca.server(t), nil))
		resp, err := httpClient(t, c, nil).Get("http://localhost:443/")
		assert.Equal(t, "Client sent an HTTP request to an HTTPS server.\n", text(t, resp, err))
		_, err = httpClient(t, c, func(tr *http.Transport) { tr.TLSClientConfig = newAuthority(t).client() }).Get("https://localhost/")
		var bad *tls.CertificateVerificationError
		assert.True(t, errors.As(err, &bad), "%v", err)
	})
}
