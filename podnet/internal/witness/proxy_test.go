package witness

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// sidecar is a reverse proxy on port 8080 to the server on port 80 of its Pod.
func sidecar(ctx context.Context, c *podnet.Container) error {
	target := &url.URL{Scheme: "http", Host: "localhost:80"}
	transport := &http.Transport{DialContext: c.DialContext}
	defer transport.CloseIdleConnections()
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: proxy}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	sayReady(c)
	srv.Serve(l)
	return nil
}

func TestReverseProxyForwardsBetweenContainers(t *testing.T) {
	const size = 4 << 20
	inBoth(t, func(t *testing.T) {
		more := make(chan struct{})
		mux := http.NewServeMux()
		mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
			from, err := netip.ParseAddrPort(r.RemoteAddr)
			assert.NoError(t, err)
			io.WriteString(w, from.Addr().String()+" for "+r.Header.Get("X-Forwarded-For"))
		})
		mux.HandleFunc("/up", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, digest(t, r.Body)) })
		mux.HandleFunc("/down", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, noise(3, size)) })
		mux.HandleFunc("/events", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 3 {
				io.WriteString(w, "data: tick\n")
				http.NewResponseController(w).Flush()
				<-more
			}
		})
		pod := startPod(t, map[string]podnet.Program{"server": serveHTTP(mux, nil, nil), "sidecar": sidecar})
		client := httpClient(t, pod.Container("client"), nil)

		own := "http://" + netip.AddrPortFrom(pod.IP(), 8080).String()
		resp, err := client.Get(own + "/who")
		assert.Equal(t, "::1 for "+pod.IP().String(), text(t, resp, err))

		resp, err = client.Post(own+"/up", "", noise(2, size))
		assert.Equal(t, digest(t, noise(2, size)), text(t, resp, err))
		resp, err = client.Get(own + "/down")
		require.NoError(t, err)
		assert.Equal(t, digest(t, noise(3, size)), digest(t, resp.Body))
		resp.Body.Close()

		resp, err = client.Get("http://localhost:8080/events")
		require.NoError(t, err)
		events := bufio.NewReader(resp.Body)
		for range 3 { // each before the next is written
			line, err := events.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, "data: tick\n", line)
			more <- struct{}{}
		}
		resp.Body.Close()
	})
}

func TestReverseProxyTellsThatTheAppIsAway(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		pod := startPod(t, map[string]podnet.Program{"sidecar": sidecar})
		resp, err := httpClient(t, pod.Container("client"), nil).Get("http://localhost:8080/")
		assert.Equal(t, "dial tcp [::1]:80: connect: connection refused\n", text(t, resp, err))
		assert.Equal(t, http.StatusBadGateway, resp.StatusCode)
	})
}

// serveWebsocket echoes the messages of its clients.
func serveWebsocket(t *testing.T, ended chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(2 << 20)
		for {
			kind, message, err := conn.Read(r.Context())
			if err == nil {
				err = conn.Write(r.Context(), kind, message)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	})
}

func TestWebsocketEchoesStraightAndThroughAProxy(t *testing.T) {
	for name, address := range map[string]string{"straight": "ws://localhost:80/", "through a proxy": "ws://localhost:8080/"} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T) {
				ended := make(chan error, 1)
				pod := startPod(t, map[string]podnet.Program{"server": serveHTTP(serveWebsocket(t, ended), nil, nil), "sidecar": sidecar})
				ctx := t.Context()
				conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: httpClient(t, pod.Container("client"), nil)})
				require.NoError(t, err)
				defer conn.CloseNow()
				conn.SetReadLimit(2 << 20)
				big, err := io.ReadAll(noise(3, 1<<20))
				require.NoError(t, err)
				for _, m := range []struct {
					kind websocket.MessageType
					data string
				}{{websocket.MessageText, "hello"}, {websocket.MessageBinary, string(big)}, {websocket.MessageText, ""}} {
					require.NoError(t, conn.Write(ctx, m.kind, []byte(m.data)))
					kind, got, err := conn.Read(ctx)
					require.NoError(t, err)
					assert.Equal(t, m.kind, kind)
					assert.True(t, m.data == string(got))
				}
				require.NoError(t, conn.Close(websocket.StatusNormalClosure, "bye"))
				var closed websocket.CloseError
				require.ErrorAs(t, <-ended, &closed)
				assert.Equal(t, websocket.CloseError{Code: websocket.StatusNormalClosure, Reason: "bye"}, closed)
			})
		})
	}
}

func TestWebsocketPingsAndGivesUp(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		done := make(chan struct{})
		defer close(done)
		mux := http.NewServeMux()
		mux.Handle("/answers", serveWebsocket(t, make(chan error, 1)))
		mux.HandleFunc("/deaf", func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if assert.NoError(t, err) {
				<-done // reads nothing, so answers no ping
				conn.CloseNow()
			}
		})
		c := startPair(t, serveHTTP(mux, nil, nil))
		ping := func(path string, patience time.Duration) error {
			conn, _, err := websocket.Dial(t.Context(), "ws://localhost"+path, &websocket.DialOptions{HTTPClient: httpClient(t, c, nil)})
			require.NoError(t, err)
			defer conn.CloseNow()
			conn.CloseRead(t.Context()) // reads pongs
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			return conn.Ping(ctx)
		}
		assert.NoError(t, ping("/answers", time.Minute))
		start := time.Now()
		err := ping("/deaf", 100*time.Millisecond)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		took(t, 100*time.Millisecond, start)
	})
}
