package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// watched is an output that tells of the address that is forwarded.
type watched struct {
	lockedBuffer
	addresses chan string
}

var forwarding = regexp.MustCompile(`Forwarding from (127\.0\.0\.1:\d+) -> \d+\n`)

func (w *watched) Write(p []byte) (int, error) {
	if m := forwarding.FindSubmatch(p); m != nil {
		w.addresses <- string(m[1])
	}
	return w.lockedBuffer.Write(p)
}

// runForward runs `podnet run` on the machine's own network, gives use the
// forwarded address and interrupts the run when use returns.
func runForward(t *testing.T, manifest, forward string, use func(address string)) result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout := &watched{addresses: make(chan string, 1)}
	var stderr lockedBuffer
	a := &app{stdin: strings.NewReader(manifest), stdout: stdout, stderr: &stderr, images: testImages()}
	done := make(chan int)
	go func() { done <- a.main(ctx, []string{"run", "-", "--port-forward", forward}) }()
	use(<-stdout.addresses)
	cancel()
	return result{<-done, stdout.String(), stderr.String()}
}

func TestPortForward(t *testing.T) {
	got := runForward(t, pod("web", "  containers: [{name: app, image: nginx}]\n"), ":80", func(address string) {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for range 3 {
			resp, err := client.Get("http://" + address)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, "I am app", string(body))
		}
	})
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	assert.Contains(t, got.stdout, "\nweb    1/1     Running")
}

func TestPortForwardToNobody(t *testing.T) {
	got := runForward(t, pod("web", "  containers: [{name: app, image: nginx}]\n"), "web/:81", func(address string) {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
		assert.Error(t, err)
	})
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Contains(t, got.stderr, ` -> 81: failed to connect to localhost:81 inside namespace "default/web", IPv4: dial tcp4 127.0.0.1:81: connect: connection refused IPv6 dial tcp6 [::1]:81: connect: connection refused`+"\n")
}

func TestPortForwardOfATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	got := podnetWith(t.Context(), pod("web", "  containers: [{name: app, image: nginx}]\n"), "run", "-", "--port-forward", ":80", "--port-forward", fmt.Sprintf("%d:80", port))
	assert.Equal(t, 2, got.code)
	assert.Empty(t, got.stdout, "nothing was started")
	assert.True(t, strings.HasPrefix(got.stderr, fmt.Sprintf("podnet: --port-forward %d:80: listen tcp4 127.0.0.1:%d: bind: ", port, port)), got.stderr)
	assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
}

// pipePod starts a Pod whose container serves port 80 by handle.
func pipePod(t *testing.T, network string, handle func(net.Conn)) *podnet.Pod {
	c := podnettest.NewCluster(t, podnet.Config{})
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen(network, "localhost:80")
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { l.Close() })()
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil
			}
			handle(conn)
			conn.Close()
		}
	}}}})
	require.NoError(t, p.WaitListening(t.Context(), 80))
	return p
}

func TestPortForwardFindsAServerOfIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipePod(t, "tcp6", func(conn net.Conn) { io.WriteString(conn, "hello") })
		conn, err := dialLocalhost(t.Context(), p, 80)
		require.NoError(t, err)
		defer conn.Close()
		text, err := io.ReadAll(conn)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(text))
	})
}

// The end that a client gives its request reaches the server, and the answer
// comes back within the grace period, as with containerd.
func TestJoinPassesHalfCloseOn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		delay time.Duration
		want  string
	}{
		{"an answer in time", halfCloseGrace / 2, "got ping"},
		{"an answer too late", 2 * halfCloseGrace, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pipePod(t, "tcp4", func(conn net.Conn) {
					text, _ := io.ReadAll(conn)
					time.Sleep(tt.delay)
					io.WriteString(conn, "got "+string(text))
				})
				inside, err := dialLocalhost(t.Context(), p, 80)
				require.NoError(t, err)
				client, outside := halfPipe()
				done := make(chan struct{})
				start := time.Now()
				go func() {
					defer close(done)
					join(t.Context(), outside, inside)
				}()
				io.WriteString(client, "ping")
				require.NoError(t, client.CloseWrite())
				text, _ := io.ReadAll(client)
				<-done
				assert.Equal(t, tt.want, string(text))
				assert.Equal(t, min(tt.delay, halfCloseGrace), time.Since(start).Round(time.Millisecond))
				client.Close()
				time.Sleep(tt.delay) // the server's turn to end
			})
		})
	}
}

func TestJoinEndsWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipePod(t, "tcp4", func(conn net.Conn) { io.Copy(io.Discard, conn) })
		inside, err := dialLocalhost(t.Context(), p, 80)
		require.NoError(t, err)
		client, outside := halfPipe()
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		join(ctx, outside, inside)
		assert.Equal(t, time.Hour, time.Since(start))
	})
}

// halfConn is a connection over io.Pipes: a net.Pipe that can be half closed.
type halfConn struct {
	net.Conn // nil: the rest of its methods is not used
	in       *io.PipeReader
	out      *io.PipeWriter
}

func halfPipe() (a, b halfConn) {
	ra, wa := io.Pipe()
	rb, wb := io.Pipe()
	return halfConn{in: ra, out: wb}, halfConn{in: rb, out: wa}
}

func (c halfConn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c halfConn) Write(p []byte) (int, error) { return c.out.Write(p) }
func (c halfConn) CloseWrite() error           { return c.out.Close() }
func (c halfConn) Close() error {
	c.in.Close()
	return c.out.Close()
}
